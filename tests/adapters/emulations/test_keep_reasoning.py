"""The reasoning of an answer with tool calls is kept, under the ids that the client sees, before the answer ends."""

from typing import Any

import orjson
import pytest

from adapters.core.exchange import Do, Emit, Keep
from adapters.emulations.keep_reasoning import MAX_BYTES
from tests.adapters.emulations.test_stop import chunk
from tests.adapters.play import Play, chat_plan

TOOLS: list[Any] = [{"type": "function", "function": {"name": "get_time", "parameters": {"type": "object"}}}]


def thinking(**fields: Any) -> Play:
    """An attempt at Kimi, which thinks under this name."""
    return Play(chat_plan("kimi", asked="o3", **{"tools": TOOLS, **fields})).head()


def call(index: int, arguments: str = "{}") -> dict[str, Any]:
    function = {"name": "get_time", "arguments": arguments}
    return {"tool_calls": [{"index": index, "id": f"get_time:{index}", "type": "function", "function": function}]}


def kept(play: Play) -> list[tuple[tuple[str, ...], str]]:
    return [(keep.keys, keep.value.decode()) for keep in play.kept]


def ids_seen(play: Play) -> tuple[str, ...]:
    """The ids of the tool calls that were emitted."""
    deltas = [choice["delta"] for event in play.events for choice in event.data["choices"]]
    return tuple(call["id"] for delta in deltas for call in delta.get("tool_calls", ()) if "id" in call)


def place(dos: list[Do], kind: type[Do]) -> int:
    """The number of the last command of a kind."""
    return max(at for at, do in enumerate(dos) if type(do) is kind)


def test_all_calls_of_an_answer_have_its_whole_reasoning() -> None:
    play = thinking().sse(
        chunk({"reasoning_content": "Two "}), chunk({"reasoning_content": "zones."}), chunk(call(0)), chunk(call(1)),
        chunk({}, "tool_calls"), "[DONE]",
    )  # fmt: skip
    assert kept(play) == [(ids_seen(play), "Two zones.")]
    assert len(ids_seen(play)) == 2
    assert play.done


def test_it_is_kept_before_the_client_has_the_end() -> None:
    play = thinking().sse(chunk({"reasoning_content": "Hm."}), chunk(call(0)), chunk({}, "tool_calls"), "[DONE]")
    assert place(play.dos, Keep) < place(play.dos, Emit)

    body = {
        "choices": [
            {
                "index": 0,
                "message": {"content": None, "reasoning_content": "Hm.", "tool_calls": [call(0)["tool_calls"][0]]},
            }
        ]
    }
    whole = Play(chat_plan("kimi", asked="o3", stream=False, tools=TOOLS)).json(body)
    assert len(whole.kept) == 1
    assert place(whole.dos, Keep) < place(whole.dos, Emit)


def test_a_call_in_the_last_chunk_counts() -> None:
    play = thinking().sse(chunk({"reasoning_content": "Hm.", **call(0)}, "tool_calls"), "[DONE]")
    assert kept(play) == [(ids_seen(play), "Hm.")]


def test_choices_have_their_own_reasoning_whether_the_vendor_returns_them_or_several_calls_do() -> None:
    play = thinking(n=2)
    assert len(play.sends) == 2
    play.head(id_=2)
    for id_, text in ((1, "One."), (2, "Two.")):
        for event in (chunk({"reasoning_content": text}), chunk(call(0)), chunk({}, "tool_calls")):
            play.data(b"data: " + orjson.dumps(event) + b"\n\n", id_=id_)
    first, second = kept(play)
    assert (first[1], second[1]) == ("One.", "Two.")
    assert {*first[0], *second[0]} == set(ids_seen(play))
    assert len(set(ids_seen(play))) == 2

    both = {"choices": [
        {"index": at, "message": {"content": None, "reasoning_content": text, "tool_calls": [call(at)["tool_calls"][0]]}}
        for at, text in enumerate(("One.", "Two."))
    ]}  # fmt: skip
    whole = Play(chat_plan("deepseek", asked="o3", stream=False, tools=TOOLS)).json(both)
    assert kept(whole) == [(("get_time:0",), "One."), (("get_time:1",), "Two.")]


@pytest.mark.parametrize(
    "events",
    [
        [chunk({"reasoning_content": "Hm."}), chunk({"content": "Hi."}), chunk({}, "stop"), "[DONE]"],
        [chunk(call(0)), chunk({}, "tool_calls"), "[DONE]"],
        [chunk({"reasoning_content": ""}), chunk(call(0)), chunk({}, "tool_calls"), "[DONE]"],
    ],
    ids=["no call", "no reasoning", "empty reasoning"],
)
def test_without_calls_or_without_reasoning_nothing_is_kept(events: list[Any]) -> None:
    play = thinking().sse(*events)
    assert play.done
    assert play.kept == []


def test_a_stream_that_breaks_off_keeps_nothing() -> None:
    play = thinking().sse(chunk({"reasoning_content": "Hm."}), chunk(call(0))).over()
    assert play.failure.kind == "truncated"
    assert play.kept == []


@pytest.mark.parametrize(("size", "keeps"), [(MAX_BYTES, True), (MAX_BYTES + 1, False)])
def test_reasoning_above_the_bound_is_not_kept_and_takes_no_memory(size: int, keeps: bool) -> None:
    play = thinking().sse(*(chunk({"reasoning_content": text}) for text in ("x" * (size - 1), "y")))
    play.sse(chunk({"reasoning_content": ""}), chunk(call(0)), chunk({}, "tool_calls"), "[DONE]")
    assert [len(keep.value) for keep in play.kept] == ([size] if keeps else [])


@pytest.mark.parametrize(
    ("asked", "fields"),
    [
        ("gpt-4o", {"tools": TOOLS}),
        ("o3", {}),
        ("o3", {"tools": []}),
        ("o3", {"tools": TOOLS, "settings": {"disabled_emulations": frozenset({"reasoning"})}}),
    ],
    ids=["no thinking", "no tools", "an empty list of tools", "turned off"],
)
def test_other_requests_have_no_wrapper(asked: str, fields: dict[str, Any]) -> None:
    plan = chat_plan("kimi", asked=asked, **fields)
    assert plan.emulations == {}


def test_tools_of_a_system_message_count() -> None:
    messages = [{"role": "system", "tools": TOOLS}, {"role": "user", "content": "a"}]
    assert chat_plan("kimi", "kimi-k3", asked="o3", messages=messages).emulations == {"reasoning": True}


@pytest.mark.parametrize("vendor", ["ernie", "hunyuan", "qwen", "openai_compatible"])
def test_vendors_that_do_not_read_earlier_reasoning_keep_none(vendor: str) -> None:
    plan = chat_plan(vendor, asked="o3", tools=TOOLS, reasoning_effort="high")
    assert "reasoning" not in plan.emulations
    assert not plan.target.keeps_reasoning
