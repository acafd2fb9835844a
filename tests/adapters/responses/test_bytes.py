"""The bytes that a writer gets at once are those of the events, for chunks of any vendor in any spelling."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.core.event import Event
from adapters.responses.response_events import encode_all
from tests.adapters.play import Play, chat_plan
from tests.adapters.responses.answers import (
    USAGE,
    arguments,
    assembler,
    begun_call,
    chunk,
    reasoning,
    refusal,
    text,
    whole,
)
from tests.support.effort import calls_made_by, examples
from tests.support.responses_grammar import holds_grammar, read_events


def same(reads: list[list[Event]], *, summary: bool = False) -> bytes:
    """Return the bytes of a stream, which are the same in both forms."""
    one, other = assembler(summary=summary, seal=True), assembler(summary=summary, seal=True)
    as_bytes, as_events = encode_all(one.begin()), other.begin()
    for read in reads:
        more = other.feed([Event(event.raw, kind=event.kind) for event in read])
        as_events += more
        fed = one.feed_bytes(read)
        assert fed == encode_all(more)
        as_bytes += fed
    as_bytes += encode_all(one.complete(USAGE, 5))
    as_events += other.complete(USAGE, 5)
    assert as_bytes == encode_all(as_events)
    assert one.response == other.response
    assert one.stored_items == other.stored_items
    holds_grammar(read_events(as_bytes))
    return as_bytes


def of_vendor(
    deltas: list[dict[str, Any]], more: list[dict[str, Any]], *, ascii_only: bool, spaced: bool
) -> list[Event]:
    """Return the events of the codec for a vendor's chunks with these deltas. ``more``: members of the chunks, in turn."""
    play = Play(chat_plan("openai_compatible"), judged=False).head()
    ends: list[tuple[dict[str, Any], str | None]] = [(delta, None) for delta in deltas] + [({}, "stop")]
    for at, (delta, finish) in enumerate(ends):
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        sent = {"id": "c1", "object": "chat.completion.chunk", "created": 7, "model": "m", "choices": [choice]}
        sent |= more[at % len(more)] if more else {}
        separators = (", ", ": ") if spaced else (",", ":")
        play.data(b"data: " + json.dumps(sent, ensure_ascii=ascii_only, separators=separators).encode() + b"\n\n")
    play.sse("[DONE]").over()
    return play.events


FIRST = {"role": "assistant", "content": ""}
PIECES = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.sampled_from(
    ['"', "\\", "\n", '","finish_reason":"stop', "搬家", "\u2028", "😀", "%d", '"reasoning_content":']
)
DELTAS = st.one_of(
    st.fixed_dictionaries({"content": PIECES}),
    st.fixed_dictionaries({"reasoning_content": PIECES}),
    st.fixed_dictionaries({"content": PIECES, "reasoning_content": st.none()}),
    st.fixed_dictionaries({"content": st.none(), "reasoning_content": PIECES}),
    st.fixed_dictionaries({"content": PIECES, "reasoning_content": PIECES}),
    st.fixed_dictionaries({"refusal": PIECES}),
)
RUNS = st.lists(st.tuples(DELTAS, st.integers(1, 4)), max_size=6).map(
    lambda runs: [delta for delta, times in runs for _ in range(times)]
)


@settings(max_examples=examples(600), deadline=None)
@given(
    RUNS,
    st.lists(st.fixed_dictionaries({}, optional={"system_fingerprint": st.sampled_from(["a", "b"]), "created": st.integers(8, 9)}), max_size=3),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.integers(1, 4),
)  # fmt: skip
def test_both_forms_are_equal(
    deltas: list[dict[str, Any]],
    more: list[dict[str, Any]],
    ascii_only: bool,
    spaced: bool,
    summary: bool,
    size: int,
) -> None:
    events = of_vendor([FIRST, *deltas], more, ascii_only=ascii_only, spaced=spaced)
    same([events[at : at + size] for at in range(0, len(events), size)], summary=summary)


EVENTS: dict[str, list[Event]] = {
    "all kinds": [
        *(reasoning("a"), reasoning("b"), text("c"), text("d"), text(""), refusal("e"), refusal("f"), text("g"), text("h")),
        *(begun_call(0, "f", "{"), text("held"), text(" too"), chunk("tool_calls")),
    ],
    "logprobs": [
        chunk(content=one, logprobs={"content": [{"token": one, "logprob": -1, "bytes": [97], "top_logprobs": []}]})
        for one in "abc"
    ],
    "a whole answer": [text("a"), whole({"content": "b"})],
    "two choices": [
        Event.of({"choices": [{"index": at, "delta": {"content": one}, "finish_reason": None} for at, one in ((0, "a"), (1, "b"))]})
        for _ in range(3)
    ],
    "another choice": [
        Event.of({"choices": [{"index": at, "delta": {"content": "a"}, "finish_reason": None}]}) for at in (0, 1, 0, 1)
    ],
    "one choice twice": [
        text("a"),
        Event.of({"choices": [{"index": 0, "delta": {"content": one}, "finish_reason": None} for one in "bc"]}),
    ],
    "a text behind a call without a name": [text("a"), text("b"), arguments(0, "{}"), text("c"), begun_call(0, "f")],
    "more after the finish": [text("a"), text("b"), chunk("stop"), text("c")],
    "more reasoning after the finish": [reasoning("a"), reasoning("b"), chunk("length"), reasoning("c")],
    "text and a call in one chunk": [text("a"), text("b"), chunk(content="c", **begun_call(0, "f", "{}").data["choices"][0]["delta"])],
    "no choices": [text("a"), Event.of({"choices": []}), Event.of({}), text("b")],
    "null members": [Event.of({"choices": [{"index": 0, "delta": None}]}), text("a"), Event.of({"choices": [{"index": 0, "delta": None}]})],
    "nothing": [],
}  # fmt: skip


@pytest.mark.parametrize("name", EVENTS)
@pytest.mark.parametrize("summary", [True, False])
def test_both_forms_are_equal_for_events_that_the_assembler_parses(name: str, summary: bool) -> None:
    same([[event] for event in EVENTS[name]], summary=summary)
    same([EVENTS[name]], summary=summary)


def plain(content: str, *, index: int = 0, index_last: bool = False, other: str = "content") -> Event:
    """Return an event as the codec makes it for a chunk that it recognized by its bytes."""
    choice: dict[str, Any] = {"index": index, "delta": {other: content}, "finish_reason": None}
    if index_last:
        choice = {"delta": {other: content}, "finish_reason": None, "index": index}
    return Event(orjson.dumps({"choices": [choice]}), text=content)


def test_a_chunk_of_another_choice_is_not_taken_for_the_answer() -> None:
    """Also if its index stands behind its text."""
    reads = [[plain(one, index=at, index_last=True)] for one, at in (("a", 0), ("b", 0), ("c", 1), ("d", 0), ("e", 1))]

    events = read_events(same(reads))
    assert events[-1]["response"]["output"][0]["content"][0]["text"] == "abd"


def test_a_chunk_of_another_member_is_not_taken_for_the_text() -> None:
    """A vendor may send both members in each chunk, one of them null."""
    deltas: list[dict[str, Any]] = [FIRST, *({"content": None, "reasoning_content": one} for one in "abc"),
              *({"content": one, "reasoning_content": None} for one in "def"),
              *({"content": None, "reasoning_content": one} for one in "gh")]  # fmt: skip
    events = read_events(same([[one] for one in of_vendor(deltas, [], ascii_only=False, spaced=False)], summary=True))

    output = events[-1]["response"]["output"]
    assert [item["type"] for item in output] == ["reasoning", "message", "reasoning"]
    assert output[0]["summary"][0]["text"] == "abc"
    assert output[1]["content"][0]["text"] == "def"


def test_null_before_another_member_is_not_taken_for_the_text() -> None:
    raw = orjson.dumps(
        {"choices": [{"index": 0, "delta": {"content": None, "reasoning_content": "b"}, "finish_reason": None}]}
    )
    events = read_events(same([[plain("a")], [plain("a")], [Event(raw, text="b")]]))

    assert [item["type"] for item in events[-1]["response"]["output"]] == ["message", "reasoning"]


def test_only_a_few_chunks_of_a_stream_are_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that differ only in their text are taken by their bytes, in both kinds of text."""
    parsed = 0
    loads = orjson.loads

    def counting(data: bytes) -> Any:
        nonlocal parsed
        parsed += 1
        return loads(data)

    events = of_vendor(
        [FIRST, *(50 * [{"reasoning_content": "a"}]), *(50 * [{"content": "b"}])], [], ascii_only=False, spaced=False
    )
    monkeypatch.setattr("adapters.core.event.orjson.loads", counting)
    made = assembler(summary=True)
    made.begin()
    for event in events:
        made.feed_bytes([event])

    assert parsed <= 2 * 5, "one to read a chunk of each kind, and four to learn from it"


def test_a_plain_chunk_costs_a_constant_number_of_calls() -> None:
    """The cost goal of a Responses stream, 1.6 times that of chat, depends on it: other chunks cost about three times more."""
    made = assembler()
    made.begin()
    made.feed_bytes([plain("a"), plain("b")])
    short, long = [plain("a") for _ in range(100)], [plain("a") for _ in range(300)]

    each = (calls_made_by(lambda: made.feed_bytes(long)) - calls_made_by(lambda: made.feed_bytes(short))) / 200
    assert each <= 5
