"""MiniMax: what its golden pairs cannot say, such as refusals before a call, and the meaning of its numbered errors."""

from typing import Any

import pytest

from adapters.core.failures import Refused, classify
from adapters.rules.messages import MessageDict
from adapters.vendors.minimax import FAILURES
from config.catalog import models as catalog
from tests.adapters.play import HELLO, chat_plan

SYSTEM: MessageDict = {"role": "system", "content": "Name a river."}
RESULT: MessageDict = {"role": "tool", "tool_call_id": "c1", "content": "4"}


def calling(*ids: str, arguments: str = "{}") -> MessageDict:
    function = {"name": "f", "arguments": arguments}
    calls = [{"id": id_, "type": "function", "function": function} for id_ in ids]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def result(id_: str) -> MessageDict:
    return {**RESULT, "tool_call_id": id_}


def refused(model: str = "MiniMax-M3", **fields: Any) -> str:
    with pytest.raises(Refused) as caught:
        chat_plan("minimax", model, stream=False, **fields)
    return f"{caught.value.param}: {caught.value.message}"


# --- messages


@pytest.mark.parametrize(
    "messages",
    [
        [*HELLO, calling("c1"), result("c1")],
        [*HELLO, calling("c1", "c2"), result("c2"), result("c1")],
        [*HELLO, calling("c1", "c2"), result("c2"), SYSTEM, result("c1")],
        [*HELLO, calling("c1"), result("c1"), calling("c2"), result("c2"), *HELLO],
        [*HELLO, calling("c1"), *HELLO],
    ],
)
def test_results_that_follow_their_calls_are_sent(messages: list[MessageDict]) -> None:
    roles = [message["role"] for message in chat_plan("minimax", messages=messages).request.fields["messages"]]
    assert [role for role in roles if role != "system"] == [one["role"] for one in messages if one != SYSTEM]


@pytest.mark.parametrize(
    ("messages", "at"),
    [
        ([*HELLO, RESULT], 1),
        ([*HELLO, calling("c1"), *HELLO, RESULT], 3),
        ([*HELLO, calling("c2"), RESULT], 2),
        ([*HELLO, calling("c1"), result("c1"), calling("c2"), result("c1")], 4),
    ],
)
def test_a_result_without_its_call_before_it_is_refused(messages: list[MessageDict], at: int) -> None:
    assert refused(messages=messages).startswith(f"messages[{at}].tool_call_id: ")


@pytest.mark.parametrize("arguments", ['{"city": ', "Wuhan", "{'city': 1}", '{"a": NaN}'])
def test_arguments_of_earlier_calls_must_be_json(arguments: str) -> None:
    messages = [*HELLO, calling("c1", arguments=arguments), RESULT]
    assert refused(messages=messages).startswith("messages[1].tool_calls[0].function.arguments: ")


def test_calls_without_arguments_have_an_empty_object() -> None:
    sent = chat_plan("minimax", messages=[*HELLO, calling("c1", arguments=""), RESULT]).request.fields["messages"]
    assert sent[1]["tool_calls"][0]["function"]["arguments"] == "{}"


def test_reasoning_that_is_not_a_text_is_omitted() -> None:
    odd = {"role": "assistant", "content": "Hi.", "reasoning_content": ""}
    sent = chat_plan("minimax", messages=[*HELLO, odd, *HELLO]).request.fields["messages"]
    assert sent[1] == {"role": "assistant", "content": "Hi."}


def test_reasoning_goes_back_where_the_model_had_it() -> None:
    earlier = {"role": "assistant", "content": "Hi.", "reasoning_content": "A greeting."}
    for model, sent in {
        "MiniMax-M3": {"role": "assistant", "content": "<think>A greeting.</think>\n\nHi."},
        "MiniMax-M3.1-Flash-Preview": earlier,
    }.items():
        fields: dict[str, Any] = {"messages": [*HELLO, earlier, *HELLO], "thinking": {"type": "adaptive"}}
        assert chat_plan("minimax", model, **fields).request.fields["messages"][1] == sent


@pytest.mark.parametrize(("detail", "sent"), [("low", "low"), ("high", "high"), ("auto", None), ("original", None)])
def test_only_the_vendors_levels_of_detail_are_sent(detail: str, sent: str | None) -> None:
    image = {"type": "image_url", "image_url": {"url": "https://pics.example/1.png", "detail": detail}}
    plan = chat_plan("minimax", messages=[{"role": "user", "content": [image]}])
    assert plan.request.fields["messages"][0]["content"][0]["image_url"].get("detail") == sent


def test_images_in_instructions_and_at_models_for_text_are_refused() -> None:
    image = [{"type": "image_url", "image_url": {"url": "https://pics.example/1.png"}}]
    assert refused(messages=[{"role": "system", "content": image}, *HELLO]).startswith("messages[0].content")
    assert refused("MiniMax-M2.7", messages=[{"role": "user", "content": image}]).startswith("messages[0].content")


# --- parameters


def test_other_types_of_tools_are_refused() -> None:
    assert refused(tools=[{"type": "retrieval"}]).startswith("tools[0].type")


@pytest.mark.parametrize(("sent", "word"), [(0, "clamped"), (0.01, "honoured"), (1, "honoured"), (2, "clamped")])
def test_the_sampling_ranges_are_open_at_zero(sent: float, word: str) -> None:
    for name in ("temperature", "top_p"):
        fields: dict[str, Any] = {name: sent}
        plan = chat_plan("minimax", **fields)
        assert plan.request.fields[name] == min(max(sent, 0.01), 1)
        assert plan.adaptations[name].word == word


@pytest.mark.parametrize(
    ("first", "second", "sent"), [(3000, 2000, 2000), (2000, 3000, 2000), (2000, 2000, 2000), (9_000_000, 9, 9)]
)
def test_the_smaller_limit_is_sent_under_the_vendors_name(first: int, second: int, sent: int) -> None:
    plan = chat_plan("minimax", max_tokens=first, max_completion_tokens=second)
    assert (plan.request.fields["max_completion_tokens"], "max_tokens" in plan.request.fields) == (sent, False)
    assert not plan.adaptations["max_tokens"].quiet


def test_a_short_default_is_replaced_only_where_it_is_known_and_no_limit_is_sent() -> None:
    for row in catalog.load("minimax").models:
        plan = chat_plan("minimax", row.id)
        assert ("max_completion_tokens" in plan.added) is bool(row.facts.get("short_default")), row.id
        assert "max_completion_tokens" not in chat_plan("minimax", row.id, max_tokens=5).added


@pytest.mark.parametrize("word", ["enabled", "adaptive"])
def test_thinking_is_switched_on_by_the_vendors_word(word: str) -> None:
    plan = chat_plan("minimax", thinking={"type": word, "keep": 1})
    assert plan.request.fields["thinking"] == {"type": "adaptive", "keep": 1}
    assert plan.thinks


@pytest.mark.parametrize("model", ["MiniMax-M2.7", "MiniMax-M3.1-Flash-Preview"])
def test_models_that_always_think_have_no_switch(model: str) -> None:
    plan = chat_plan("minimax", model, thinking={"type": "disabled"})
    assert "thinking" not in plan.request.fields
    assert plan.adaptations["thinking"].word == "dropped"


# --- errors


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        *((code, "rate_limited") for code in (1002, 1039, 1041, 2045)),
        *((code, "key_refused") for code in (1004, 2049)),
        *((code, "no_funds") for code in (1008, 2056)),
        *((code, "inspection") for code in (1026, 1027)),
        *((code, "vendor_error") for code in (1000, 1001, 1013, 1024, 1033)),
        *((code, "bad_request") for code in (1042, 2013)),
    ],
)
def test_a_code_means_the_same_in_base_resp_and_at_the_end_of_a_message(code: int, kind: str) -> None:
    assert classify(FAILURES, 200, {"code": code, "type": "base_resp", "message": "x"}) == kind
    for status in (200, 400, 401, 429, 500):
        assert classify(FAILURES, status, {"type": "api_error", "message": f"what is wrong ({code})"}) == kind


@pytest.mark.parametrize("quoted", ["(1008)", "'(1008)", "x (1008) y"])
def test_a_message_that_quotes_the_client_does_not_cool_a_key_down(quoted: str) -> None:
    error = {
        "type": "bad_request_error",
        "message": f"invalid params, tool result's tool id({quoted}) not found (2013)",
    }
    assert classify(FAILURES, 400, error) == "bad_request"


def test_an_unknown_model_is_told_from_a_message_that_names_one() -> None:
    words = "invalid params, unknown model 'x' (2013)"
    assert classify(FAILURES, 400, {"type": "bad_request_error", "message": words}) == "model_not_found"
    assert classify(FAILURES, 200, {"code": 2013, "type": "base_resp", "message": words}) == "model_not_found"
    quoting = f"invalid params, invalid role: {words}"
    assert classify(FAILURES, 400, {"type": "bad_request_error", "message": quoting}) == "bad_request"


def test_a_prompt_that_is_too_long_is_not_just_a_bad_request() -> None:
    words = "invalid params, context window exceeds limit (2013)"
    assert classify(FAILURES, 400, {"type": "bad_request_error", "message": words}) == "context"
    assert classify(FAILURES, 200, {"code": 2013, "type": "base_resp", "message": words}) == "context"
