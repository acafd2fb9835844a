"""The sent bytes have the properties of OpenAI's that some generation of clients depends on."""

import re
from collections.abc import Callable
from typing import Any

import openai
import orjson
import pytest

from tests.clients.sdk.test_tools import BOTH, TWO
from tests.support.client_stage import Front, Site, Stage, chat_body
from tests.support.tap import Seen

Start = Callable[..., Front]
ASKS: list[tuple[str, dict[str, Any]]] = [
    ("Hello", {}),
    ("搬家 one\u2028two\x85three", {}),
    ("Hello", {"stream_options": {"include_usage": True}}),
    ("Hello", {"model": "o3"}),
    (TWO, BOTH),
    ("Give me JSON", {"response_format": {"type": "json_object"}}),
    ("Hello", {"max_tokens": 1}),
]
ODD = ["comments", "crlf", "no_done", "json_instead", "big_event=300000", "drip=0", "split_utf8"]
BROKEN = ["cut=3", "error_event=3", "no_end", "bad_json"]


def lines(seen: Seen) -> list[bytes]:
    """The lines of a stream, of which each ends with one line feed."""
    assert seen.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert b"\r" not in seen.body
    assert seen.body.endswith(b"\n\n")
    return bytes(seen.body).split(b"\n")


def in_order(seen: Seen) -> list[Any]:
    """The events of a stream, after a look at every line: comments, and one line of data an event, never empty."""
    events = []
    for line, following in zip(lines(seen), [*lines(seen)[1:], b""], strict=True):
        if line.startswith(b"data: "):
            assert following == b"", "an event of several lines"
            assert line.removeprefix(b"data: ").strip()
            events.append(line.removeprefix(b"data: "))
        else:
            # event: before each data empties every chunk in the client of July 2024; empty data ends all of them
            assert line == b"" or line.startswith(b":"), line[:80]
    return [event.decode() if event == b"[DONE]" else orjson.loads(event) for event in events]


@pytest.mark.parametrize(
    ("text", "more"), ASKS, ids=["plain", "unicode", "usage", "thinking", "tools", "json", "length"]
)
def test_a_stream_is_data_lines_of_chunks_and_one_end_marker(site: Site, text: str, more: dict[str, Any]) -> None:
    if site.refuses(text, **more):
        return
    site.stream(text, **more)

    *chunks, last = in_order(site.front.seen[-1])
    assert last == "[DONE]"
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert all(type(chunk["choices"]) is list for chunk in chunks), "null breaks code that counts choices"
    usage = [chunk for chunk in chunks if not chunk["choices"]]
    assert len(usage) == ("stream_options" in more)
    assert not usage or usage == chunks[-1:]
    if usage:
        assert all(chunk.get("usage") is None for chunk in chunks[:-1])
    else:
        assert not [chunk for chunk in chunks if chunk.get("usage")]
    assert [c["delta"].get("role") for chunk in chunks for c in chunk["choices"]].count("assistant") == 1
    assert chunks[0]["choices"][0]["delta"].get("role") == "assistant"


def test_each_piece_of_a_tool_call_has_an_index_and_names_itself_once(site: Site) -> None:
    site.stream(TWO, **BOTH)

    deltas = [c["delta"] for chunk in in_order(site.front.seen[-1])[:-1] for c in chunk["choices"]]
    pieces = [piece for delta in deltas for piece in delta.get("tool_calls") or []]
    assert {type(piece["index"]) for piece in pieces} == {int}
    for member in ("id", "type"):
        named = [piece["index"] for piece in pieces if piece.get(member)]
        assert named == [0, 1], f"{member} twice is doubled by accumulators"
    assert [piece["index"] for piece in pieces if piece["function"].get("name")] == [0, 1]


@pytest.mark.parametrize("fault", ODD)
def test_an_odd_vendor_changes_nothing_of_the_habits(stage: Stage, start: Start, vendor: str, fault: str) -> None:
    front = start(vendor)
    stage.emulators[vendor].set_faults([fault])

    list(front.sdk().chat.completions.create(**chat_body("emulator:words=20"), stream=True))

    *chunks, last = in_order(front.seen[-1])
    assert last == "[DONE]"
    assert all(chunk["choices"] for chunk in chunks)


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_stream_ends_in_the_error_and_in_no_end_marker(
    stage: Stage, start: Start, vendor: str, fault: str
) -> None:
    front = start(vendor)
    stage.emulators[vendor].set_faults([fault])

    with pytest.raises(openai.APIError):
        list(front.sdk().chat.completions.create(**chat_body("emulator:words=20"), stream=True))

    *chunks, last = in_order(front.seen[-1])
    assert set(last) == {"error"}
    assert set(last["error"]) == {"message", "type", "param", "code"}
    assert chunks
    assert b"[DONE]" not in front.seen[-1].body


def test_a_client_that_waits_gets_comments_and_nothing_else(stage: Stage, start: Start, vendor: str) -> None:
    front = start(vendor, server={"hold_status_s": 0.05, "heartbeat_s": 0.05})
    stage.emulators[vendor].set_faults(["delay=300"])

    chunks = list(front.sdk().chat.completions.create(**chat_body("Hello"), stream=True))

    assert chunks
    head = bytes(front.seen[-1].body).partition(b"data:")[0]
    assert head.count(b": keep-alive\n\n") >= 2
    assert not head.replace(b": keep-alive\n\n", b"")
    assert in_order(front.seen[-1])[-1] == "[DONE]"


@pytest.mark.parametrize("fault", ["error_500", "bad_key", "quota", "context", "html_200"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_json_is_an_error_with_its_status_or_a_whole_answer_and_never_a_stream(
    stage: Stage, start: Start, vendor: str, fault: str, stream: bool
) -> None:
    front = start(vendor)
    stage.emulators[vendor].set_faults([fault])
    with pytest.raises(openai.APIStatusError):
        front.sdk().chat.completions.create(**chat_body("Hello"), stream=stream)
    stage.emulators[vendor].set_faults([])
    made: Any = front.sdk().chat.completions.create(**chat_body("Hello"), stream=stream)
    if stream:
        list(made)

    failed, answered = front.seen
    assert (failed.headers["content-type"], failed.status >= 400) == ("application/json", True)
    assert set(failed.json["error"]) == {"message", "type", "param", "code"}
    assert answered.streamed is stream


def test_every_answer_has_openais_headers_and_no_others_of_a_vendors(site: Site) -> None:
    site.chat("Hello")
    site.stream("Hello")
    site.sdk.models.list()

    for seen in site.front.seen:
        assert re.fullmatch(r"req_[0-9a-f]{32}", seen.headers["x-request-id"])
        assert seen.headers["openai-version"] == "2020-10-01"
        assert not [name for name in seen.headers if name.startswith(("x-ds", "msh-", "x-dashscope", "set-cookie"))]
    chat = site.front.seen[:2]
    assert all(seen.headers["openai-processing-ms"].isdigit() for seen in chat)
    assert site.front.seen[1].headers["cache-control"] == "no-cache"
    assert site.front.seen[1].headers["x-accel-buffering"] == "no"
