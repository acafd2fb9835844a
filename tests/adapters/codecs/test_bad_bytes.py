"""Bytes that are not UTF-8, invalid JSON, and arbitrary JSON never raise an unexpected exception."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.core.vendor import Plan
from tests.adapters.add_up import add_up
from tests.adapters.play import Play, chat_plan, embeddings_plan
from tests.support.effort import examples


def text_of(payload: bytes) -> str:
    body = b'data: {"choices":[{"index":0,"delta":{"content":"' + payload + b'"},"finish_reason":"stop"}]}\n\n'
    play = Play(chat_plan()).head().data(body).over()
    assert play.done
    text: str = add_up(play.events)[0]["message"]["content"]
    return text


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        (b"\xff", "\ufffd"),
        (b"a\xe4\xb8z", "a\ufffdz"),
        ("一".encode()[:2], "\ufffd"),
        (b"\xed\xa0\xbd", "\ufffd\ufffd\ufffd"),
        (rb"\ud83d", "\ufffd"),
        (rb"a\ude00b", "a\ufffdb"),
        (rb"\ud83d\ude00", "😀"),
        (rb"\ude00\ud83d", "\ufffd\ufffd"),
        (rb"\ud83d" + b"\xff" + rb"\ud83d\ude00", "\ufffd\ufffd😀"),
        ("\u2028\u0085".encode(), "\u2028\u0085"),
    ],
)
def test_bad_utf_8_and_halves_of_characters_become_u_fffd(payload: bytes, text: str) -> None:
    assert text_of(payload) == text


def test_a_character_cut_between_two_reads_is_whole() -> None:
    body = 'data: {"choices":[{"index":0,"delta":{"content":"一😀"},"finish_reason":"stop"}]}\n\n'.encode()
    for at in range(len(body)):
        play = Play(chat_plan()).head().data(body[:at]).data(body[at:]).over()
        assert add_up(play.events)[0]["message"]["content"] == "一😀"


@pytest.mark.parametrize(
    "broken", [b"{", b'{"choices":', b"oops", b"\xff", b"NaN", b'{"a":NaN}', b"[" * 100_000, b"<html>", b"[1]"]
)
def test_broken_json_in_one_event_ends_a_stream_that_has_not_finished(broken: bytes) -> None:
    good = b'data: {"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}\n\n'
    play = Play(chat_plan()).head().data(good + b"data: " + broken + b"\n\n" + good + b"data: [DONE]\n\n")
    assert (play.failure.kind, len(play.events)) == ("invalid_response", 1)


NAMES = (
    "choices delta message content role index finish_reason tool_calls function arguments name id usage prompt_tokens "
    "completion_tokens cached_tokens prompt_tokens_details completion_tokens_details error code type data embedding "
    "created model object stop assistant"
)
WORD = st.sampled_from(NAMES.split())
LEAF = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=4) | WORD
)
JSON = st.recursive(LEAF, lambda j: st.lists(j, max_size=3) | st.dictionaries(WORD, j, max_size=4), max_leaves=20)
SOME = st.dictionaries(WORD, JSON, max_size=4)


def maybe(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """An object with some of these members, or anything else."""
    return st.fixed_dictionaries({}, optional=members) | JSON


def several(items: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(items, max_size=3) | JSON


CALLS = several(maybe(index=JSON, id=JSON, function=maybe(name=JSON, arguments=JSON)))
DELTA = maybe(role=JSON, content=JSON, tool_calls=CALLS)
FLAGS = {"flag": st.integers(0, 4) | JSON, "is_end": st.booleans() | JSON}  # ERNIE's
REASON = st.sampled_from(["stop", "normal"]) | JSON
CHOICE = maybe(index=JSON, finish_reason=REASON, usage=SOME | JSON, delta=DELTA, message=DELTA, **FLAGS)
ANSWER = maybe(choices=several(CHOICE), usage=SOME | JSON, data=several(SOME), id=JSON, created=JSON, error=JSON)


def dump(value: Any) -> bytes:
    """orjson takes no large integers, and vendors may send them."""
    return json.dumps(value).encode()


@settings(max_examples=examples(500), deadline=None)
@given(st.lists(ANSWER, max_size=3), st.sampled_from(["kimi", "qwen", "ernie"]))
def test_any_json_in_events_becomes_events_or_a_failure(payloads: list[Any], vendor: str) -> None:
    play = Play(chat_plan(vendor)).head()
    for payload in payloads:
        play.data(b"data: " + dump(payload) + b"\n\n")
    assert play.over().end is not None
    for event in play.events:
        assert orjson.loads(event.raw) == event.data
        event.has_content()


PLANS = [
    chat_plan(),
    chat_plan("qwen", stream=False),
    chat_plan("ernie"),
    embeddings_plan("a"),
    embeddings_plan(["a", "b"]),
]


@settings(max_examples=examples(500), deadline=None)
@given(ANSWER, st.sampled_from([200, 200, 201, 400, 429, 500]), st.sampled_from(PLANS))
def test_any_json_as_a_body_becomes_an_answer_or_a_failure(value: Any, status: int, planned: Plan) -> None:
    play = Play(planned).head(status, "application/json").data(dump(value)).over()
    assert play.end is not None
    assert status < 300 or not play.done


PIECES = st.binary(max_size=40) | st.sampled_from([b"data: ", b"\n\n", b'{"choices":[{}]}', b"[DONE]"])


@settings(max_examples=examples(500), deadline=None)
@given(st.lists(PIECES, max_size=8), st.booleans(), st.sampled_from(["kimi", "qwen", "ernie"]))
def test_any_bytes_come_to_an_end(parts: list[bytes], stream: bool, vendor: str) -> None:
    play = Play(chat_plan(vendor, stream=stream)).head()
    for part in parts:
        play.data(part)
    assert play.over().end is not None


@pytest.mark.parametrize("depth", [250, 300, 900, 1_020, 5_000])
@pytest.mark.parametrize("place", ["content", "arguments"])
def test_json_nested_to_any_depth_does_not_raise(depth: int, place: str) -> None:
    nest = b'{"a":' * depth + b"1" + b"}" * depth
    if place == "arguments":
        nest = b'{"tool_calls":[{"index":0,"function":{"name":"f","arguments":' + nest + b"}}]}"
    body = b'{"choices":[{"index":0,"delta":' + nest + b',"finish_reason":"stop"}]}'
    play = Play(chat_plan()).head().data(b"data: " + body + b"\n\n").over()
    assert play.end is not None
    whole = Play(chat_plan(stream=False)).head(200, "application/json")
    assert whole.data(body.replace(b"delta", b"message")).over().end is not None


def test_a_request_nested_too_deeply_is_the_callers_fault_and_nothing_is_sent() -> None:
    schema: dict[str, Any] = {}
    for _ in range(300):
        schema = {"properties": schema}
    tool = {"type": "function", "function": {"name": "get", "parameters": schema}}
    play = Play(chat_plan("qwen", tools=[tool]))
    assert (play.failure.kind, play.sends) == ("bad_request", [])
