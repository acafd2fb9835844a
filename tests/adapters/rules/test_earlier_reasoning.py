"""Which requests carry the reasoning of earlier answers, and what is sent if it is unknown."""

from typing import Any

import pytest

from adapters.core.model import Model
from adapters.core.vendor import Plan
from adapters.rules.earlier_reasoning import calls_without_reasoning
from tests.adapters.play import MODELS, chat_plan

CALL = {"id": "call_1", "type": "function", "function": {"name": "get_time", "arguments": "{}"}}
OTHER = {**CALL, "id": "call_2"}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "noon"}
USER = {"role": "user", "content": "a"}


def calling(*calls: Any, **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": list(calls or (CALL,)), **more}


def planned(vendor: str = "kimi", model: str | None = None, asked: str = "o3", **fields: Any) -> Plan:
    fields = {"messages": [USER, calling(), RESULT], **fields}
    return chat_plan(vendor, model, asked=asked, stream=False, **fields)


def sent(plan: Plan) -> Any:
    """The reasoning of the earlier call, as it is sent; None if none is."""
    return plan.request.fields["messages"][1].get("reasoning_content")


def why(plan: Plan) -> str:
    return str(plan.adaptations["messages.reasoning_content"].why)


@pytest.mark.parametrize("vendor", ["kimi", "deepseek"])
def test_a_model_that_requires_it_gets_what_was_kept_else_a_space(vendor: str) -> None:
    known = planned(vendor, kept={"call_1": "I think."})
    assert (sent(known), known.adaptations["messages.reasoning_content"].word) == ("I think.", "mapped")
    assert why(known) == "the client omitted the reasoning of tool calls: banjia sends what it has kept"

    for kept in (None, {}, {"call_2": "Of another call."}):
        unknown = planned(vendor, kept=kept)
        assert sent(unknown) == " "
        assert why(unknown).endswith("a space is sent")


def test_any_call_of_the_message_finds_it() -> None:
    plan = planned(kept={"call_2": "I think."}, messages=[USER, calling(CALL, OTHER), RESULT])
    assert sent(plan) == "I think."


@pytest.mark.parametrize("value", ["Mine.", " "])
def test_what_the_client_sends_stays(value: str) -> None:
    plan = planned(kept={"call_1": "I think."}, messages=[USER, calling(reasoning_content=value), RESULT])
    assert sent(plan) == value
    assert "messages.reasoning_content" not in plan.adaptations


@pytest.mark.parametrize("value", ["", None])
def test_an_empty_one_counts_as_omitted(value: Any) -> None:
    plan = planned(kept={"call_1": "I think."}, messages=[USER, calling(reasoning_content=value), RESULT])
    assert sent(plan) == "I think."


@pytest.mark.parametrize("vendor", ["kimi", "deepseek"])
def test_without_thinking_nothing_is_put_back(vendor: str) -> None:
    plan = planned(vendor, asked="gpt-4o", kept={"call_1": "I think."})
    assert not plan.thinks
    assert sent(plan) is None


def test_a_message_without_calls_gets_none() -> None:
    plan = planned(kept={"call_1": "I think."}, messages=[USER, {"role": "assistant", "content": "b"}, USER])
    assert sent(plan) is None


def test_the_r1_generation_refuses_it_so_it_gets_none_from_anyone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MODELS, "r1", Model("r1", "r1", thinking="always"))
    plan = planned(
        "deepseek", "r1", kept={"call_1": "I think."}, tools=[{"type": "function", "function": {"name": "f"}}]
    )
    assert plan.thinks
    assert sent(plan) is None
    assert (plan.target.keeps_reasoning, plan.emulations) == (False, {})

    own = planned("deepseek", "r1", messages=[USER, calling(reasoning_content="Mine."), RESULT])
    assert sent(own) is None
    assert own.adaptations["messages.reasoning_content"].word == "dropped"


def test_qwen_gets_it_if_preserve_thinking_is_in_use_and_never_a_space() -> None:
    model, kept = "qwen3.7-max", {"call_1": "I think."}
    assert sent(planned("qwen", model, kept=kept, preserve_thinking=True)) == "I think."
    assert sent(planned("qwen", model, kept=kept)) is None
    assert sent(planned("qwen", model, kept=kept, preserve_thinking=False)) is None
    assert sent(planned("qwen", model, preserve_thinking=True)) is None
    assert sent(planned("qwen", "qwen3.6-flash", kept=kept, preserve_thinking=True)) is None
    by_operator = planned("qwen", model, kept=kept, settings={"overrides": {"preserve_thinking": True}})
    assert sent(by_operator) == "I think."


def test_strict_refuses_none_of_it() -> None:
    for kept in (None, {"call_1": "I think."}):
        assert planned(kept=kept, settings={"strict": True}).adaptations["messages.reasoning_content"].word == "mapped"


def test_legacy_functions_have_no_ids_so_a_space_is_sent() -> None:
    messages: list[dict[str, Any]] = [
        USER,
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "noon"},
    ]
    assert calls_without_reasoning(messages) == []
    assert sent(planned(messages=messages, functions=[{"name": "f", "parameters": {"type": "object"}}])) == " "


def test_the_calls_to_look_up_are_those_of_messages_without_reasoning() -> None:
    messages = [
        USER,
        calling(),
        RESULT,
        calling(OTHER, reasoning_content="Mine."),
        calling(CALL, OTHER),
        calling({"type": "x"}),
    ]
    assert calls_without_reasoning(messages) == [["call_1"], ["call_1", "call_2"], []]
    assert (
        calls_without_reasoning([USER, {"role": "assistant", "content": "b"}, {**calling(), "tool_calls": None}]) == []
    )
