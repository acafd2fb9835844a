"""Records the streams of the emulators: ``python -m tests.mutations.record`` writes ``streams/``.

A file has the first and the third part of a golden pair (tests/adapters/golden.py): the request, the headers, an empty
line, the body.
"""

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson

import emulators
from adapters.registry import BY_CATALOG
from proxy.lifecycle.emulation import key_and_base_url
from tests.adapters.play import USUAL, chat_plan
from tests.emulators import helpers
from tests.support.client_stage import VARIANTS

HERE = Path(__file__).parent / "streams"
NOW = helpers.function("now")
BOTH: dict[str, Any] = {"tools": [helpers.WEATHER, NOW]}
REQUESTS: dict[str, tuple[str, dict[str, Any]]] = {
    "text": ("Tell me: 你好, how are you? 🙂", {}),
    "long_text": ("emulator:words=12", {"stream_options": {"include_usage": True}}),
    "one_call": ("get weather city=Oslo", {"tools": [helpers.WEATHER]}),
    "two_calls": ("get weather city=Oslo, now", BOTH),
    "length": ("emulator:words=20", {"max_tokens": 6}),
    "two_choices": ("Hello", {"n": 2}),
}
CATALOGS = tuple(variant.catalog for variant in VARIANTS.values())
HEAD = "chat {model} stream {fields}\nHTTP 200\ncontent-type: text/event-stream\n\n"


async def record(catalog: str) -> None:
    """The streams of one vendor."""
    vendor = BY_CATALOG[catalog]
    emulator = await emulators.start(vendor.name, environ={}, faults=())
    key, base_url = key_and_base_url(vendor.key_names, emulator.environment)
    path, headers = f"/{urlsplit(base_url).path}/chat/completions", {"authorization": f"Bearer {key}"}
    try:
        for kind, (text, fields) in REQUESTS.items():
            planned = chat_plan(catalog, **fields)
            if "n" in planned.emulations:  # the vendor answers with one choice only
                continue
            more = {name: value for name, value in planned.request.fields.items() if name == "parallel_tool_calls"}
            body = helpers.chat(catalog, text, stream=True, **fields, **more)
            raw = await helpers.send(emulator, body, path, headers=headers)
            assert raw.status == 200, (catalog, kind, raw.body)
            write(catalog, kind, raw.body)
    finally:
        await emulator.aclose()


def write(catalog: str, kind: str, body: bytes) -> None:
    """Write one stream with its request."""
    request = {key: value for key, value in REQUESTS[kind][1].items() if key in ("tools", "n")}
    head = HEAD.format(model=USUAL[catalog], fields=orjson.dumps(request).decode())
    folder = HERE / catalog
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{kind}.txt").write_bytes(head.encode() + body)


def in_openais_shape() -> dict[str, list[tuple[int, dict[str, Any], str | None]]]:
    """Streams as OpenAI sends them, as (choice, delta, finish), for a server of which only the wire is known."""
    role: dict[str, Any] = {"role": "assistant", "content": ""}
    first = {"index": 0, "id": "call_a1", "type": "function", "function": {"name": "get_weather", "arguments": ""}}
    second = {"index": 1, "id": "call_b2", "type": "function", "function": {"name": "now", "arguments": ""}}
    city = [{"index": 0, "function": {"arguments": text}} for text in ('{"ci', 'ty": ', '"Oslo"}')]
    no_text = {"role": "assistant", "content": None}
    weather: list[dict[str, Any]] = [{**no_text, "tool_calls": [first]}, *({"tool_calls": [piece]} for piece in city)]
    time: list[dict[str, Any]] = [
        {"tool_calls": [second]},
        {"tool_calls": [{"index": 1, "function": {"arguments": "{}"}}]},
    ]
    words: list[dict[str, Any]] = [{"content": f"w{at} "} for at in range(8)]
    return {
        "text": [(0, delta, None) for delta in (role, {"content": "你好, "}, {"content": "I am 🙂"})]
        + [(0, {}, "stop")],
        "long_text": [(0, delta, None) for delta in (role, *words)] + [(0, {}, "stop")],
        "one_call": [(0, delta, None) for delta in weather] + [(0, {}, "tool_calls")],
        "two_calls": [(0, delta, None) for delta in (*weather, *time)] + [(0, {}, "tool_calls")],
        "length": [(0, delta, None) for delta in (role, *words[:3])] + [(0, {}, "length")],
        "two_choices": [
            *((at, delta, None) for delta in (role, {"content": "Hel"}, {"content": "lo"}) for at in (0, 1)),
            (0, {}, "stop"),
            (1, {}, "stop"),
        ],
    }


def write_openais() -> None:
    """The streams of :func:`in_openais_shape`."""
    head = {"id": "chatcmpl-9", "object": "chat.completion.chunk", "created": 1721000000, "model": "qwen2:7b"}
    usage = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
    for kind, deltas in in_openais_shape().items():
        chunks: list[dict[str, Any]] = [
            {**head, "choices": [{"index": at, "delta": delta, "logprobs": None, "finish_reason": finish}]}
            for at, delta, finish in deltas
        ]
        chunks.append({**head, "choices": [], "usage": usage})
        body = b"".join(b"data: " + orjson.dumps(chunk) + b"\n\n" for chunk in chunks)
        write("openai_compatible", kind, body + b"data: [DONE]\n\n")


async def main() -> None:
    """All vendors in turn."""
    for catalog in CATALOGS:
        await record(catalog)
    write_openais()


if __name__ == "__main__":
    asyncio.run(main())
