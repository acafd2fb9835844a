"""Zhipu: what its golden pairs cannot say, such as refusals before a call, and the meaning of its numbered errors."""

from typing import Any

import pytest

from adapters.core.failures import Refused, classify
from adapters.core.model import Model
from adapters.rules.messages import MessageDict
from adapters.vendors.zhipu import FAILURES, ZHIPU
from config.catalog import models as catalog
from tests.adapters.play import HELLO, Play, chat_plan, embeddings_plan

SYSTEM: MessageDict = {"role": "system", "content": "Name a river."}
ANSWER: MessageDict = {"role": "assistant", "content": "Yangtze."}
CALL: MessageDict = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
}
RESULT: MessageDict = {"role": "tool", "tool_call_id": "c1", "content": "4"}


def refused(**fields: Any) -> str:
    with pytest.raises(Refused) as caught:
        chat_plan("zhipu", stream=False, **fields)
    return f"{caught.value.param}: {caught.value.message}"


# --- messages


@pytest.mark.parametrize(
    ("messages", "roles"),
    [
        ([SYSTEM, *HELLO], ["system", "user"]),
        ([SYSTEM], ["user"]),
        ([SYSTEM, ANSWER], ["user", "assistant"]),
        ([SYSTEM, SYSTEM, ANSWER], ["system", "user", "assistant"]),
        ([SYSTEM, CALL, RESULT], ["user", "assistant", "tool"]),
    ],
)
def test_a_conversation_without_a_user_message_gets_one_from_its_last_system_message(
    messages: list[MessageDict], roles: list[str]
) -> None:
    plan = chat_plan("zhipu", stream=False, messages=messages)
    assert [message["role"] for message in plan.request.fields["messages"]] == roles
    assert plan.adaptations["messages"].word == ("mapped" if messages[1:] != HELLO else "honoured")


def test_a_conversation_of_answers_alone_is_refused() -> None:
    assert refused(messages=[ANSWER]).startswith(
        "messages: 'messages' is not supported by glm-4.6v: the vendor requires"
    )


# --- parameters


@pytest.mark.parametrize(("length", "sent"), [(5, False), (6, True), (128, True), (129, False)])
@pytest.mark.parametrize("field", ["user", "safety_identifier"])
def test_a_user_id_is_sent_if_its_length_is_accepted(field: str, length: int, sent: bool) -> None:
    fields: dict[str, Any] = {field: "u" * length}
    plan = chat_plan("zhipu", **fields)
    assert plan.request.fields.get("user_id") == ("u" * length if sent else None)
    assert plan.adaptations[field].word == ("mapped" if sent else "dropped")


def test_the_web_search_is_a_tool_of_text_models_which_the_request_may_bring_itself() -> None:
    own = {"type": "web_search", "web_search": {"enable": True, "search_engine": "search_pro"}}
    plan = chat_plan("zhipu", "glm-4.7", tools=[own], web_search_options={})
    assert plan.request.fields["tools"] == [own]
    assert refused(web_search_options={}).startswith("web_search_options: ")


def test_a_name_of_a_model_that_does_not_reason_never_turns_off_the_thinking_of_a_model_that_refuses_that() -> None:
    for model in ("glm-5.3", "glm-5.3-flash"):
        plan = chat_plan("zhipu", model, asked="gpt-4o", thinking={"type": "disabled"})
        assert "thinking" not in plan.request.fields
        assert plan.adaptations["thinking"].word == "dropped"


def test_the_answers_reasoning_is_kept_for_the_models_that_read_it_beside_tool_calls() -> None:
    keeps = {row.id for row in catalog.load("zhipu").models if row.operation == "chat" and reads(row.model())}
    assert {"glm-5.3", "glm-4.7", "glm-4.5-air", "glm-4.6v"} <= keeps
    assert not keeps & {"glm-4-plus", "glm-4v", "glm-z1-air"}


def reads(model: Model) -> bool:
    earlier = ZHIPU.operations["chat"].earlier_reasoning
    assert earlier is not None
    return earlier.models(model)


# --- errors


@pytest.mark.parametrize(
    ("kind", "status", "codes"),
    [
        ("key_refused", 401, ["1000", "1001", "1002", "1003", "1004"]),
        ("forbidden", 429, ["1110", "1111", "1112", "1121"]),
        ("forbidden", 403, ["1220"]),
        ("no_funds", 429, ["1113", "1304", "1308", "1309", "1310"]),
        ("model_not_found", 400, ["1211", "1221", "1222"]),
        ("model_not_found", 429, ["1311"]),
        ("context", 400, ["1261"]),
        ("inspection", 400, ["1300", "1301"]),
        ("rate_limited", 429, ["1302", "1303", "1305", "1313"]),
        ("overloaded", 429, ["1120", "1312"]),
        ("overloaded", 500, ["1100"]),
        ("vendor_error", 500, ["500", "1200", "1230", "1234"]),
        ("bad_request", 400, ["1210", "1212", "1213", "1214", "1215", "1231"]),
    ],
)
def test_a_code_has_its_meaning_with_its_status_and_inside_a_200(kind: str, status: int, codes: list[str]) -> None:
    for code in codes:
        assert classify(FAILURES, status, {"code": code}) == kind, code
        assert classify(FAILURES, 200, {"code": int(code)}) == kind, code


def test_the_vendors_own_statuses_are_no_failures_of_the_service() -> None:
    assert [classify(FAILURES, status, {}) for status in (434, 435)] == ["forbidden", "bad_request"]


# --- embeddings


def test_a_call_takes_sixty_four_texts_of_embedding_3() -> None:
    for count, calls in ((64, 1), (65, 2)):
        play = Play(embeddings_plan(["a"] * count, "zhipu", "embedding-3"))
        assert len(play.sends) == calls


@pytest.mark.parametrize(("size", "why"), [(1536, "2048, 1024, 512, 256, not 1536"), (3072, "not 3072")])
def test_a_size_that_the_model_does_not_offer_is_refused(size: int, why: str) -> None:
    with pytest.raises(Refused, match=why):
        embeddings_plan("a", "zhipu", "embedding-3", dimensions=size)
