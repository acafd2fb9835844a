"""The events that answers become: text, calls, reasoning, refusals, and their order."""

from typing import Any

import pytest

from adapters.core.event import Event
from tests.adapters.responses.answers import (
    ANSWER_ID,
    SKELETON,
    arguments,
    assembler,
    begun_call,
    brief,
    chunk,
    reasoning,
    refusal,
    streamed,
    text,
    whole,
    whole_call,
)

ROLE = chunk(role="assistant", content="")
CALLS = chunk("tool_calls")
STOP = chunk("stop")


def message(*deltas: str, at: int = 0, kind: str = "output_text") -> list[str]:
    """Return the events of a message with one part."""
    return [
        f"output_item.added({at} msg)",
        "content_part.added",
        *(f"{kind}.delta {delta}" for delta in deltas),
        f"{kind}.done",
        "content_part.done",
        f"output_item.done({at} msg)",
    ]


def call(at: int, *deltas: str) -> list[str]:
    """Return the events of a function call."""
    name = "function_call_arguments"
    return [f"output_item.added({at} fc)", *(f"{name}.delta {delta}" for delta in deltas), f"{name}.done",
            f"output_item.done({at} fc)"]  # fmt: skip


def custom(at: int, *deltas: str) -> list[str]:
    """Return the events of a call of a custom tool."""
    name = "custom_tool_call_input"
    return [f"output_item.added({at} ctc)", *(f"{name}.delta {delta}" for delta in deltas), f"{name}.done",
            f"output_item.done({at} ctc)"]  # fmt: skip


def summary(*deltas: str, at: int = 0) -> list[str]:
    """Return the events of reasoning that is shown."""
    part = "reasoning_summary"
    return [
        f"output_item.added({at} rs)",
        f"{part}_part.added",
        *(f"{part}_text.delta {delta}" for delta in deltas),
        f"{part}_text.done",
        f"{part}_part.done",
        f"output_item.done({at} rs)",
    ]


def hidden(at: int = 0) -> list[str]:
    """Return the events of reasoning that is not shown."""
    return [f"output_item.added({at} rs)", f"output_item.done({at} rs)"]


EXAMPLES: dict[str, tuple[list[Event], list[str]]] = {
    "text": ([ROLE, text("Hel"), text("lo"), STOP], message("Hel", "lo")),
    "an empty answer has one empty message": ([ROLE, STOP], message()),
    "no finish reason": ([text("Hi")], message("Hi")),
    "a refusal": ([ROLE, refusal("I "), refusal("can't."), STOP], message("I ", "can't.", kind="refusal")),
    "a call": (
        [ROLE, begun_call(0, "f"), arguments(0, '{"a":'), arguments(0, "1}"), CALLS],
        call(0, '{"a":', "1}"),
    ),
    "a call in one piece has one delta": ([begun_call(0, "f", '{"a":1}'), CALLS], call(0, '{"a":1}')),
    "no empty message beside calls": ([ROLE, text(""), begun_call(0, "f", "{}"), CALLS], call(0, "{}")),
    "text, then a call": (
        [text("So:"), begun_call(0, "f", "{}"), CALLS],
        message("So:") + call(1, "{}"),
    ),
    "calls in sequence are streamed as they come": (
        [begun_call(0, "f", "{"), arguments(0, "}"), begun_call(1, "g", "{"), arguments(1, "}"), CALLS],
        call(0, "{", "}") + call(1, "{", "}"),
    ),
    "calls in one chunk": (
        [
            chunk(
                tool_calls=[
                    {"index": at, "id": f"c{at}", "type": "function", "function": {"name": "f", "arguments": "{}"}}
                    for at in range(2)
                ]
            ),
            CALLS,
        ],
        call(0, "{}") + call(1, "{}"),
    ),
    "interleaved calls: pieces of the later one are held": (
        [begun_call(0, "f", "{"), begun_call(1, "g", "["), arguments(0, "}"), arguments(1, "]"), CALLS],
        call(0, "{", "}") + call(1, "[", "]"),
    ),
    "a call without arguments is held open": (
        [
            begun_call(0, "f"),
            begun_call(1, "g", "{}"),
            chunk("tool_calls", tool_calls=[{"index": 0, "function": {"arguments": "{}"}}]),
        ],
        call(0, "{}") + call(1, "{}"),
    ),
    "arguments that are no object may go on": (
        [begun_call(0, "f", "1"), begun_call(1, "g", "{}"), arguments(0, "2"), CALLS],
        call(0, "1", "2") + call(1, "{}"),
    ),
    "an object that is not complete": (
        [begun_call(0, "f", '{"a":{}'), begun_call(1, "g", "{}"), arguments(0, "}"), CALLS],
        call(0, '{"a":{}', "}") + call(1, "{}"),
    ),
    "a late name": (
        [arguments(0, "{"), arguments(0, "}"), begun_call(0, "f"), CALLS],
        call(0, "{", "}"),
    ),
    "a late name holds the next call": (
        [arguments(0, "{}"), begun_call(1, "g", "{}"), begun_call(0, "f"), CALLS],
        call(0, "{}") + call(1, "{}"),
    ),
    "a call that never got a name is left out": ([text("a"), arguments(0, "{"), chunk("length")], message("a")),
    "a piece after the end of a call is left out": (
        [begun_call(0, "f", "{}"), begun_call(1, "g", "{}"), arguments(0, "\n"), CALLS],
        call(0, "{}") + call(1, "{}"),
    ),
    "text after calls is a second message": (
        [text("a"), begun_call(0, "f", "{}"), text("b"), text("c"), CALLS],
        message("a") + call(1, "{}") + message("b", "c", at=2),
    ),
    "text between the pieces of a call is held": (
        [begun_call(0, "f", "{"), text("b"), arguments(0, "}"), text("c"), CALLS],
        call(0, "{", "}") + message("b", "c", at=1),
    ),
    "reasoning is not shown": ([reasoning("a"), reasoning("b"), text("c"), STOP], [*hidden(), *message("c", at=1)]),
    "reasoning and text in one chunk": (
        [chunk(reasoning_content="a", content="b"), STOP],
        [*hidden(), *message("b", at=1)],
    ),
    "reasoning before calls": ([reasoning("a"), begun_call(0, "f", "{}"), CALLS], [*hidden(), *call(1, "{}")]),
    "reasoning alone has an empty message": ([reasoning("a"), STOP], [*hidden(), *message(at=1)]),
    "reasoning that was cut off has none": ([reasoning("a"), chunk("length")], hidden()),
    "later reasoning is another item": (
        [reasoning("a"), text("b"), reasoning("c"), text("d"), STOP],
        [*hidden(), *message("b", at=1), *hidden(2), *message("d", at=3)],
    ),
    "a custom tool": (
        [begun_call(0, "shell", "ls"), arguments(0, " -a"), arguments(0, "l"), CALLS],
        custom(0, "LS ", "-", "AL"),
    ),
    "a whole answer": (
        [whole({"content": "Hi", "reasoning_content": "so"})],
        [*hidden(), *message("Hi", at=1)],
    ),
    "a whole answer with calls": (
        [whole({"content": None, "tool_calls": [whole_call(0, "f", "{}"), whole_call(1, "g", "{}")]}, "tool_calls")],
        call(0, "{}") + call(1, "{}"),
    ),
    "a whole answer with all kinds of items": (
        [
            whole(
                {
                    "reasoning_content": "a",
                    "content": "b",
                    "refusal": "c",
                    "tool_calls": [whole_call(0, "f", "{}"), whole_call(1, "shell", "ls ")],
                },
                "tool_calls",
            )
        ],
        [
            *hidden(),
            "output_item.added(1 msg)",
            *("content_part.added", "output_text.delta b", "output_text.done", "content_part.done"),
            *("content_part.added", "refusal.delta c", "refusal.done", "content_part.done"),
            "output_item.done(1 msg)",
            *call(2, "{}"),
            *custom(3, "L", "S "),
        ],
    ),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_answer_becomes_these_events(name: str) -> None:
    answer, expected = EXAMPLES[name]
    events = brief(streamed(answer))

    assert events[:2] == ["created", "in_progress"]
    assert events[2:-1] == expected
    assert events[-1] == ("incomplete" if "cut off" in name or "never got" in name else "completed")


def test_pieces_are_shown_as_soon_as_they_can_be() -> None:
    """A held item is opened when the one before it is complete, or at the finish if their pieces are interleaved."""
    made = assembler()
    made.begin()
    steps: list[tuple[Event, list[str]]] = [
        (text("a"), message("a")[:3]),
        (arguments(0, "{"), []),  # its name is not known
        (text("b"), []),
        (arguments(0, "}"), []),
        (begun_call(0, "f"), message("a")[3:] + call(1, "{", "}") + message("b", at=2)[:3]),
        (begun_call(1, "g", "{"), message("b", at=2)[3:] + call(3, "{")[:2]),
        (begun_call(2, "h", "{}"), []),  # the one before is not complete
        (arguments(1, "}"), call(3, "}")[1:2]),
        (begun_call(3, "i", "{}"), []),
        (CALLS, call(3)[1:] + call(4, "{}") + call(5, "{}")),
    ]

    for step, (event, expected) in enumerate(steps):
        assert brief([one.data for one in made.feed([event])]) == expected, step


def test_reasoning_is_shown_as_one_summary_part_and_sealed() -> None:
    made = assembler(summary=True, seal=True)
    events = streamed([reasoning("a"), reasoning("b"), text("c"), STOP], using=made)

    assert brief(events)[2:-1] == summary("a", "b") + message("c", at=1)
    item = made.items[0]
    assert item["summary"] == [{"type": "summary_text", "text": "ab"}]
    assert item["encrypted_content"] == "sealed 2"
    assert "banjia_reasoning" not in item
    assert made.stored_items == [{**item, "banjia_reasoning": "ab"}, made.items[1]]


def test_reasoning_that_is_not_asked_for_is_in_the_store_only() -> None:
    made = assembler()
    events = streamed([reasoning("secret thought"), text("c"), STOP], using=made)

    assert "secret" not in str(events)
    assert made.items[0] == {"id": f"rs_{ANSWER_ID}0000", "type": "reasoning", "status": "completed", "summary": []}
    assert made.stored_items[0]["banjia_reasoning"] == "secret thought"


def test_all_items_have_the_members_that_clients_read() -> None:
    answer = [
        text("a"),
        begun_call(0, "f", "{}"),
        begun_call(1, "shell", "ls"),
        begun_call(2, "mail__send", "{}"),
        CALLS,
    ]
    made = assembler()
    final = streamed(answer, using=made)[-1]["response"]
    part = {"type": "output_text", "text": "a", "annotations": [], "logprobs": []}
    named = {"status": "completed"}

    assert final["output"] == made.items == made.stored_items == [
        {"id": f"msg_{ANSWER_ID}0000", "type": "message", **named, "role": "assistant", "content": [part]},
        {"id": f"fc_{ANSWER_ID}0001", "type": "function_call", **named, "call_id": "call_0", "name": "f", "arguments": "{}"},
        {"id": f"ctc_{ANSWER_ID}0002", "type": "custom_tool_call", **named, "call_id": "call_1", "name": "shell", "input": "LS"},
        {"id": f"fc_{ANSWER_ID}0003", "type": "function_call", **named, "call_id": "call_2", "name": "send",
         "namespace": "mail", "arguments": "{}"},
    ]  # fmt: skip


def test_the_final_response_has_all_that_was_asked_and_the_usage() -> None:
    made = assembler(metadata={"a": "b"})
    final = streamed([text("a"), STOP], using=made)[-1]["response"]
    usage = {
        "input_tokens": 12,
        "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 0},
        "output_tokens": 7,
        "output_tokens_details": {"reasoning_tokens": 3},
        "total_tokens": 19,
    }
    changed = {"status": "completed", "completed_at": 1764500009, "output": made.items, "usage": usage}

    assert final == {**SKELETON, "metadata": {"a": "b"}, **changed}
    assert made.status == "completed"
    assert made.response is final


def test_logprobs_have_bytes_in_the_item_and_none_in_events() -> None:
    def entry(token: str, **more: Any) -> dict[str, Any]:
        return {"token": token, "logprob": -0.5, "bytes": list(token.encode()), **more}

    entries = [entry(token, top_logprobs=[entry("x")]) for token in "ab"]
    logprobs = [{"content": [one], "refusal": None} for one in entries]
    streams = [
        [chunk(content="a", logprobs=logprobs[0]), chunk(content="b", logprobs=logprobs[1]), STOP],
        [whole({"content": "ab"}, logprobs={"content": entries})],
    ]
    shown = [{"token": token, "logprob": -0.5, "top_logprobs": [{"token": "x", "logprob": -0.5}]} for token in "ab"]

    for stream in streams:
        events = streamed(stream)
        deltas = [event["logprobs"] for event in events if event["type"] == "response.output_text.delta"]
        (done,) = [event["logprobs"] for event in events if event["type"] == "response.output_text.done"]
        assert [logprob for delta in deltas for logprob in delta] == done == shown
        part = events[-1]["response"]["output"][0]["content"][0]
        assert part["logprobs"] == entries


@pytest.mark.parametrize("bad", ["x", [1], [{"token": "a"}], [{"token": "a", "logprob": "b"}], {"content": 1}, None])
def test_malformed_logprobs_are_left_out(bad: Any) -> None:
    events = streamed([chunk(content="a", logprobs={"content": bad}), STOP])

    assert events[-1]["response"]["output"][0]["content"][0]["logprobs"] == []


def test_a_token_without_bytes_or_alternatives_has_empty_lists() -> None:
    events = streamed([chunk(content="a", logprobs={"content": [{"token": "a", "logprob": -1, "bytes": None}]}), STOP])

    (logprob,) = events[-1]["response"]["output"][0]["content"][0]["logprobs"]
    assert logprob == {"token": "a", "logprob": -1, "bytes": [], "top_logprobs": []}


def test_other_choices_are_left_out() -> None:
    """A vendor that sends more choices than requested does not mix them into the answer."""
    other = Event.of(
        {"choices": [{"index": at, "delta": {"content": t}, "finish_reason": None} for at, t in ((1, "a"), (0, "b"))]}
    )
    last = Event.of({"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]})

    assert brief(streamed([other, last]))[2:-1] == message("a")


def test_a_call_without_an_id_gets_one() -> None:
    piece = {"index": 0, "function": {"name": "f", "arguments": "{}"}}
    final = streamed([chunk(tool_calls=[piece]), CALLS])[-1]["response"]

    assert final["output"][0]["call_id"] == f"call_{ANSWER_ID}0000"


def test_nothing_follows_the_finish_of_the_answer() -> None:
    assert brief(streamed([text("a"), STOP, text("b"), begun_call(0, "f", "{}"), STOP]))[2:-1] == message("a")
