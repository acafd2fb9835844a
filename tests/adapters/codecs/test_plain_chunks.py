"""Chunks that are recognized by their bytes become the same events as those that are parsed one by one."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.codecs.openai import chat
from adapters.core.event import Event
from tests.adapters.play import Play, chat_plan


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "c1", "object": "chat.completion.chunk", "created": 7, "model": "m", "choices": [choice], **more}


def played(body: bytes, *, learning: bool, reads: int = 1) -> Play:
    """Play a stream of these bytes, in this many reads, with or without patterns."""
    with pytest.MonkeyPatch.context() as patch:
        if not learning:
            patch.setattr(chat, "MOST_LEARNED", 0)
        play = Play(chat_plan("deepseek"), judged=False).head()
        size = max(1, -(-len(body) // reads))
        for at in range(0, len(body), size):
            if play.end is None:
                play.data(body[at : at + size])
        return play if play.end is not None else play.over()


def result(play: Play) -> tuple[list[Any], Any, Any]:
    return [event.data for event in play.events], play.spent, play.end


def same(payloads: list[bytes], reads: int = 1) -> list[Event]:
    """Return the events of a stream, which are the same with and without patterns."""
    body = b"".join(b"data: " + payload + b"\n\n" for payload in [*payloads, b"[DONE]"])
    fast, careful = played(body, learning=True, reads=reads), played(body, learning=False, reads=reads)
    assert result(fast) == result(careful)
    for event in fast.events:
        assert orjson.loads(event.raw) == event.data
        if event.text is not None:
            delta = event.data["choices"][0]["delta"]
            assert [value for value in delta.values() if value is not None] == [event.text]
    return fast.events


def by_bytes(events: list[Event]) -> int:
    """Return how many events were recognized by their bytes."""
    return sum(event.text is not None for event in events)


FIRST, LAST = chunk({"role": "assistant", "content": ""}), chunk({}, "stop")
texts = st.text() | st.sampled_from(['"', "\\", "\n", '","finish_reason":"stop', "搬家", "\u2028", "😀"])


@settings(max_examples=200, deadline=None)
@given(
    st.lists(texts, max_size=8),
    st.sampled_from(["content", "reasoning_content"]),
    st.booleans(),
    st.sampled_from([(", ", ": "), (",", ":")]),
    st.integers(1, 6),
)
def test_any_texts_in_any_spelling_are_the_same_events(
    pieces: list[str], member: str, escaped: bool, separators: tuple[str, str], reads: int
) -> None:
    chunks = [FIRST, *(chunk({member: piece}) for piece in pieces), chunk({"content": "end"}), LAST]
    same([json.dumps(one, ensure_ascii=escaped, separators=separators).encode() for one in chunks], reads)


def test_all_but_the_first_piece_of_a_text_are_recognized_by_their_bytes() -> None:
    events = same([orjson.dumps(one) for one in [FIRST, *(chunk({"content": c}) for c in "abcdef"), LAST]])
    assert by_bytes(events) == 5


def test_reasoning_and_then_content_are_both_recognized() -> None:
    reasoning = [chunk({"content": None, "reasoning_content": c}) for c in "abc"]
    content = [chunk({"content": c, "reasoning_content": None}) for c in "def"]
    assert by_bytes(same([orjson.dumps(one) for one in [FIRST, *reasoning, *content, LAST]])) == 4


A = orjson.dumps(chunk({"content": "a"}))
ODD = {
    "two strings": A.replace(b'"a"', b'"a","x":"b"'),
    "a finish inside": A.replace(b'"a"', b'"a"},"finish_reason":"stop","x":{"y":"b"'),
    "a number": A.replace(b'"a"', b"7"),
    "null": A.replace(b'"a"', b"null"),
    "a list": A.replace(b'"a"', b'["a"]'),
    "half a surrogate pair": A.replace(b'"a"', b'"\\ud83d"'),
    "invalid UTF-8": A.replace(b'"a"', b'"\xff"'),
    "a control character": A.replace(b'"a"', b'"\x01"'),
    "another id": A.replace(b"c1", b"c2"),
    "another choice": A.replace(b'"index":0', b'"index":1'),
    "an error": A.replace(b'"choices"', b'"error":{"message":"no"},"choices"'),
    "usage": A.replace(b'"choices"', b'"usage":{"prompt_tokens":1,"completion_tokens":1},"choices"'),
    "a repeated name": A.replace(b'"a"', b'"a","content":"b"'),
    "text in front": b" " + A,
    "overlapping ends": A[: A.index(b'"a"')] + A[A.index(b'"a"') + 3 :],
    "nothing": b"{}",
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_chunk_that_differs_elsewhere_is_parsed(odd: bytes, at: int) -> None:
    payloads = [orjson.dumps(FIRST), A, A, A, orjson.dumps(LAST)]
    payloads.insert(at + 1, odd)
    same(payloads)


def test_a_piece_after_the_end_of_its_choice_is_dropped() -> None:
    events = same([orjson.dumps(FIRST), A, A, orjson.dumps(LAST), A])
    assert [event.data["choices"][0]["delta"].get("content") for event in events] == ["", "a", "a", None]


@pytest.mark.parametrize(
    "first",
    [
        b'{"note":{"content":"a"},' + A[1:],
        A[:-1] + b',"content":"a"}',
        A.replace(b'"content":"a"', b'"content":"b","content":"a"'),
        A.replace(b'"content"', b'"\\u0063ontent"'),
        A.replace(b'"content":"a"', b'"content" : "a"'),
    ],
    ids=["before", "after", "twice", "an escaped name", "spaces"],
)
def test_the_text_is_replaced_only_where_it_is_the_text(first: bytes) -> None:
    begin, end = first.index(b'"a"'), first.rindex(b'"a"')
    others = [first[:at] + b'"b"' + first[at + 3 :] for at in (begin, end)]
    same([orjson.dumps(FIRST), first, *others, A, first, *others, orjson.dumps(LAST)])


def test_a_vendor_whose_chunks_all_differ_is_served_without_patterns() -> None:
    chunks = [chunk({"content": str(number)}, x=number) for number in range(20)]
    assert by_bytes(same([orjson.dumps(one) for one in [FIRST, *chunks, LAST]])) == 0
