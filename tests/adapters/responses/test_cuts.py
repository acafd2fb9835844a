"""The response does not depend on how an answer is cut into chunks, and a stream has the same as a whole response."""

import json
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.core.event import Event
from tests.adapters.responses.answers import assembler, checked, chunk, streamed, whole, whole_call
from tests.support.effort import examples

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
ARGUMENTS = st.one_of(
    st.dictionaries(TEXTS, st.one_of(TEXTS, st.integers(), st.none()), max_size=3).map(json.dumps),
    st.sampled_from(["", "ls -al", "[1, 2]", '"text"', '{"a": {"b": "}"}}', '{"cut": "of']),
)
NAMES = st.sampled_from(["f", "shell", "mail__send", "g"])
FINISHES = st.sampled_from(["stop", "tool_calls", "length", "content_filter"])


class Answer(NamedTuple):
    """What a model says, in order."""

    reasoning: str
    text: str
    refusal: str
    calls: list[tuple[str, str]]
    finish: str

    def whole(self) -> Event:
        calls = [whole_call(at, name, arguments) for at, (name, arguments) in enumerate(self.calls)]
        message = {
            "reasoning_content": self.reasoning,
            "content": self.text or None,
            "refusal": self.refusal or None,
            **({"tool_calls": calls} if calls else {}),
        }
        return whole(message, self.finish)


ANSWERS = st.builds(
    Answer,
    st.one_of(st.just(""), TEXTS),
    st.one_of(st.just(""), TEXTS),
    st.one_of(st.just(""), st.just(""), TEXTS),
    st.lists(st.tuples(NAMES, ARGUMENTS), max_size=3),
    FINISHES,
)


def cut(draw: st.DrawFn, value: str) -> list[str]:
    """Cut a text into pieces, some of them empty."""
    places = sorted(draw(st.lists(st.integers(0, len(value)), max_size=4)))
    return [value[start:end] for start, end in zip([0, *places], [*places, len(value)], strict=True)]


def pieces_of_calls(draw: st.DrawFn, calls: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """Return the pieces of the calls, one call after another or interleaved; a name may come with a later piece."""
    queues: list[list[dict[str, Any]]] = []
    for at, (name, arguments) in enumerate(calls):
        pieces: list[dict[str, Any]] = [
            {"index": at, "function": {"arguments": piece}} for piece in cut(draw, arguments)
        ]
        named = draw(st.integers(0, len(pieces) - 1)) if draw(st.booleans()) else 0
        pieces[named]["id"] = f"call_{at}"
        pieces[named]["function"]["name"] = name
        queues.append(pieces)
    if not draw(st.booleans()):
        return [piece for pieces in queues for piece in pieces]
    out, begun = [], 0
    while any(queues):
        # Vendors begin calls in the order of their indexes.
        choices = [at for at, pieces in enumerate(queues) if pieces and at <= begun]
        at = draw(st.sampled_from(choices))
        out.append(queues[at].pop(0))
        begun = max(begun, at + 1)
    return out


@st.composite
def cut_answers(draw: st.DrawFn) -> tuple[Answer, list[Event]]:
    """Return an answer, and chunks of it."""
    answer = draw(ANSWERS)
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    for member, value in (
        ("reasoning_content", answer.reasoning),
        ("content", answer.text),
        ("refusal", answer.refusal),
    ):
        deltas += [{member: piece} for piece in cut(draw, value)]
    deltas += [{"tool_calls": [piece]} for piece in pieces_of_calls(draw, answer.calls)]
    joined: list[dict[str, Any]] = []
    for delta in deltas:
        last = joined[-1] if joined else {}
        if joined and not last.keys() & delta.keys() and draw(st.booleans()):
            last.update(delta)  # the first text, with the end of the reasoning
        else:
            joined.append(delta)
    chunks = [chunk(**delta) for delta in joined]
    return answer, [*chunks, chunk(answer.finish)]


@settings(max_examples=examples(600), deadline=None)
@given(cut_answers(), st.booleans(), st.booleans())
def test_chunks_of_any_size_give_the_same_response_as_a_whole_answer(
    cut_answer: tuple[Answer, list[Event]], summary: bool, seal: bool
) -> None:
    answer, chunks = cut_answer
    one, other = assembler(summary=summary, seal=seal), assembler(summary=summary, seal=seal)

    streamed(chunks, using=one)
    streamed([answer.whole()], using=other)

    assert one.response == other.response
    assert one.stored_items == other.stored_items


@settings(max_examples=examples(300), deadline=None)
@given(ANSWERS)
def test_a_whole_answer_has_one_delta_a_part(answer: Answer) -> None:
    events = streamed([answer.whole()], using=assembler(summary=True))

    deltas = [event for event in events if event["type"].endswith(".delta") and "custom" not in event["type"]]
    assert len({(event["item_id"], event.get("content_index")) for event in deltas}) == len(deltas)
    texts = [text for text in (answer.reasoning, answer.text, answer.refusal) if text]
    texts += [arguments for name, arguments in answer.calls if name != "shell" and arguments]
    assert [event["delta"] for event in deltas] == texts


@settings(max_examples=examples(300), deadline=None)
@given(cut_answers(), st.data())
def test_a_failure_anywhere_is_a_valid_end(cut_answer: tuple[Answer, list[Event]], data: st.DataObject) -> None:
    _, chunks = cut_answer
    made = assembler(summary=True, seal=True)
    events = made.begin()
    for one in chunks[: data.draw(st.integers(0, len(chunks)))]:
        events += made.feed([one])
    events += made.fail("server_error", "The vendor closed the connection.")

    checked(events)
