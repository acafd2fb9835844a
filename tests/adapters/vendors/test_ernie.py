"""Requests to ERNIE: ranges, limits, thinking, and the effect of a model's catalog row."""

from typing import Any

import pytest

from adapters.core.failures import Refused
from adapters.core.model import Model
from adapters.core.request import ApiRequest, Operation
from adapters.core.vendor import Plan, Target
from adapters.planning import plan
from adapters.registry import BY_NAME
from config.catalog import models as catalog

CATALOG = catalog.load("ernie")
TEXT, SEES, THINKS, SWITCHED, X1 = (
    "ernie-4.5-turbo-128k", "ernie-4.5-turbo-vl", "ernie-5.1", "ernie-4.5-turbo-vl-preview", "ernie-x1.1",
)  # fmt: skip
HI = [{"role": "user", "content": "hi"}]
TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}}}


def made(
    model: str = TEXT, *, asked: str = "gpt-4o", strict: bool = False, operation: Operation = "chat", **fields: Any
) -> Plan:
    vendor = BY_NAME["ernie"]
    row = CATALOG.model(model) or Model(model, operation=operation)
    if operation == "chat":
        fields = {"messages": HI, **fields}
    target = Target("ernie", vendor, row, vendor.base_urls["cn"], strict=strict)
    return plan(ApiRequest(operation, asked, fields, fields.get("stream") is True), target)


def body(model: str = TEXT, **fields: Any) -> dict[str, Any]:
    return {
        name: value for name, value in made(model, **fields).request.fields.items() if name not in ("messages", "model")
    }


def words(model: str = TEXT, **fields: Any) -> dict[str, str]:
    told = made(model, **fields).adaptations
    return {name: told[name].word for name in fields if name in told}


def refusal(model: str = TEXT, **fields: Any) -> str:
    with pytest.raises(Refused) as caught:
        made(model, **fields)
    return caught.value.param


@pytest.mark.parametrize(("asked", "sent"), [(0, 0.01), (0.005, 0.01), (0.5, 0.5), (1, 1), (1.7, 1)])
def test_a_temperature_is_moved_into_a_range_that_is_open_at_nought(asked: float, sent: float) -> None:
    assert body(temperature=asked) == {"temperature": sent}
    assert words(temperature=asked) == {"temperature": "honoured" if asked == sent else "clamped"}


def test_a_model_that_refuses_a_temperature_is_sent_none() -> None:
    assert body("ernie-5.5-flash-preview", temperature=0.3) == {}
    assert words("ernie-5.5-flash-preview", temperature=0.3) == {"temperature": "dropped"}


@pytest.mark.parametrize(
    ("name", "value"), [("temperature", 1.7), ("frequency_penalty", -1), ("presence_penalty", 1.5)]
)
def test_models_of_other_makers_take_openais_ranges(name: str, value: float) -> None:
    assert body("deepseek-v4-flash", **{name: value}) == {name: value}


def test_a_model_of_baidus_own_that_the_catalog_does_not_know_is_an_ernie() -> None:
    assert body("ernie-6.0", temperature=1.7, presence_penalty=1) == {"temperature": 1, "penalty_score": 1.5}


@pytest.mark.parametrize(
    ("frequency", "presence", "score"), [(0, 0, None), (2, 0, 2), (0.5, 0.2, 1.25), (0.2, 0.5, 1.25), (-1, 1, 1.5), (-2, -1, None)]
)  # fmt: skip
def test_the_stronger_penalty_is_sent_as_the_vendors_one(
    frequency: float, presence: float, score: float | None
) -> None:
    both: dict[str, Any] = {"frequency_penalty": frequency, "presence_penalty": presence}
    for fields in (both, dict(reversed(both.items()))):
        assert body(**fields) == ({} if score is None else {"penalty_score": score})
        for name, value in fields.items():
            assert words(**fields)[name] == ("dropped" if value < 0 else "mapped")
            if value > 0:
                assert made(**fields).adaptations[name].why.endswith(f"as penalty_score {score:g}")


def test_a_penalty_score_of_the_requests_own_wins() -> None:
    both: dict[str, Any] = {"penalty_score": 1.1, "presence_penalty": 1}
    for fields in (both, dict(reversed(both.items()))):
        assert body(**fields) == {"penalty_score": 1.1}
        assert words(**fields)["presence_penalty"] == "dropped"


def test_a_model_that_thinks_has_no_penalties() -> None:
    assert body(X1, presence_penalty=1) == {}
    assert words(X1, presence_penalty=1) == {"presence_penalty": "dropped"}


@pytest.mark.parametrize("value", [-(2**40), -1, 0, 1, 7, 2**31 - 2, 2**31 - 1, 2**31, 2**40])
def test_a_seed_is_inside_the_open_interval_and_the_same_every_time(value: int) -> None:
    sent = body(seed=value)["seed"]
    assert 0 < sent < 2**31 - 1
    assert sent == body(seed=value)["seed"]
    assert words(seed=value) == {"seed": "honoured" if sent == value else "mapped"}


@pytest.mark.parametrize(
    ("fields", "sent", "told"),
    [
        ({"max_tokens": 100}, 100, {"max_tokens": "honoured"}),
        ({"max_tokens": 99_999}, 12_288, {"max_tokens": "clamped"}),
        ({"max_completion_tokens": 100}, 100, {"max_completion_tokens": "mapped"}),
        ({"max_completion_tokens": 99_999}, 12_288, {"max_completion_tokens": "clamped"}),
        ({"max_tokens": 60, "max_completion_tokens": 50}, 50, {"max_tokens": "mapped", "max_completion_tokens": "mapped"}),
        ({"max_completion_tokens": 60, "max_tokens": 50}, 50, {"max_completion_tokens": "mapped", "max_tokens": "honoured"}),
    ],
)  # fmt: skip
def test_both_limits_are_sent_as_one_up_to_the_models_own(
    fields: dict[str, Any], sent: int, told: dict[str, str]
) -> None:
    assert body(**fields) == {"max_tokens": sent}
    assert words(**fields) == told


LONG = "twenty-one characters"


@pytest.mark.parametrize(
    ("model", "value", "sent", "made_up_for", "word"),
    [
        (TEXT, ["a", "b"], ["a", "b"], None, "honoured"),
        (TEXT, "a", ["a"], None, "mapped"),
        (TEXT, "二" * 20, ["二" * 20], None, "mapped"),
        (TEXT, ["", "a"], ["a"], None, "mapped"),
        (TEXT, [], None, None, "mapped"),
        (TEXT, "", None, None, "mapped"),
        (TEXT, LONG, None, [LONG], "emulated"),
        (TEXT, ["a", LONG], ["a"], ["a", LONG], "emulated"),
        (X1, ["a", "b"], None, ["a", "b"], "emulated"),
        (X1, "a", None, ["a"], "emulated"),
    ],
)
def test_stop_strings_are_sent_where_they_are_taken_and_else_made_up_for(
    model: str, value: Any, sent: Any, made_up_for: Any, word: str
) -> None:
    planned = made(model, stop=value)
    assert planned.request.fields.get("stop") == sent
    assert planned.emulations.get("stop") == made_up_for
    assert planned.adaptations["stop"].word == word


def test_several_choices_are_made_up_for_and_never_sent() -> None:
    planned = made(n=3)
    assert "n" not in planned.request.fields
    assert planned.emulations == {"n": 3}
    assert planned.adaptations["n"].word == "emulated"
    assert made(n=1).emulations == {}


@pytest.mark.parametrize("name", ["seed", "stop"])
def test_what_a_model_lacks_is_never_sent(name: str) -> None:
    value: Any = {"seed": 7, "stop": "a"}[name]
    assert name not in body(X1, **{name: value})
    assert name in body(SEES, **{name: value})


def test_schemas_are_sent_as_they_come() -> None:
    schema = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
    assert body(response_format=schema) == {"response_format": schema}
    plain = {"type": "json_object"}
    assert body("ernie-4.0-8k", response_format=schema)["response_format"] == plain
    assert "response_format" not in body(X1, response_format=schema)
    assert body("ernie-4.0-8k", response_format=plain) == {"response_format": plain}
    assert body(X1, response_format={"type": "text"}) == {}


def test_a_tool_under_another_name_is_forced_by_that_name() -> None:
    tool = {"type": "function", "function": {"name": "get weather"}}
    planned = made(SEES, tools=[tool], tool_choice={"type": "function", "function": {"name": "get weather"}})
    (offered,) = planned.request.fields["tools"]
    assert planned.request.fields["tool_choice"]["function"]["name"] == offered["function"]["name"] != "get weather"
    assert planned.tool_names == {offered["function"]["name"]: "get weather"}
    assert body(SEES, tools=[TOOL], tool_choice="required")["tool_choice"] == "required"
    assert refusal(tool_choice="required") == "tool_choice"


def test_where_sources_disagree_on_what_a_model_does_by_itself_every_wish_carries_the_switch() -> None:
    unsure = "ernie-5.0-thinking-preview"
    assert body(unsure) == body(unsure, reasoning_effort="none") == {"enable_thinking": False}
    assert body(unsure, asked="o3", reasoning_effort="high") == {"enable_thinking": True}
    assert body(unsure, asked=unsure) == {}, "who says nothing leaves it to the model"


def test_the_switch_is_turned_only_where_there_is_one() -> None:
    assert body(SWITCHED, enable_thinking=True) == {"enable_thinking": True}
    assert body(SWITCHED, thinking={"type": "enabled"}) == {"enable_thinking": True}
    assert body(SWITCHED, reasoning_effort="low", asked="o3") == {"enable_thinking": True}
    assert body(SWITCHED) == {}
    for model in (TEXT, THINKS, X1):
        assert body(model, enable_thinking=True) == {}
        assert body(model, thinking="disabled") == {}
    assert words(TEXT, enable_thinking=True) == {"enable_thinking": "dropped"}
    assert words(X1, thinking="disabled") == {"thinking": "dropped"}


@pytest.mark.parametrize(
    ("effort", "sent"),
    [("none", "low"), ("minimal", "low"), ("low", "low"), ("medium", "medium"), ("high", "high"), ("xhigh", "high")],
)
def test_efforts_are_the_vendors_three_where_the_model_has_them(effort: str, sent: str) -> None:
    assert body(THINKS, reasoning_effort=effort) == {"reasoning_effort": sent}
    assert words(THINKS, reasoning_effort=effort) == {"reasoning_effort": "honoured" if effort == sent else "mapped"}


@pytest.mark.parametrize(
    ("model", "effort", "word"),
    [(TEXT, "none", "mapped"), (TEXT, "high", "dropped"), (X1, "high", "mapped"), (X1, "none", "dropped")],
)
def test_an_effort_is_else_met_by_what_the_model_does_anyway_or_dropped(model: str, effort: str, word: str) -> None:
    assert body(model, reasoning_effort=effort) == {}
    assert words(model, reasoning_effort=effort) == {"reasoning_effort": word}


def test_a_search_is_the_vendors_own_where_the_model_has_one() -> None:
    assert body(web_search_options={}) == {"web_search": {"enable": True}}
    mine: Any = {"enable": True, "search_number": 3}
    both: dict[str, Any] = {"web_search_options": {}, "web_search": mine}
    for fields in (both, dict(reversed(both.items()))):
        assert body(**fields) == {"web_search": mine}
    assert refusal(SEES, web_search_options={}) == "web_search_options"


def test_streams_always_request_usage() -> None:
    assert body(stream=True)["stream_options"] == {"include_usage": True}
    assert body(stream=False) == {"stream": False}


def test_the_id_of_the_end_user_is_sent_as_user() -> None:
    assert body(safety_identifier="s") == {"user": "s"}
    assert body(user="u", safety_identifier="s") == body(safety_identifier="s", user="u") == {"user": "u"}
    assert body(metadata={"a": "b"}) == {"metadata": {"a": "b"}}


def test_images_are_for_models_that_see() -> None:
    seen = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}]}]
    assert made(SEES, messages=seen).request.fields["messages"] == seen
    assert refusal(TEXT, messages=seen) == "messages[0].content[0].type"
    sound = [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}]}]
    assert refusal("ernie-5.0", messages=sound) == "messages[0].content[0].type"


def test_developers_speak_as_system() -> None:
    planned = made(messages=[{"role": "developer", "content": "be brief"}, *HI])
    assert [message["role"] for message in planned.request.fields["messages"]] == ["system", "user"]


@pytest.mark.parametrize("blank", ["", " \n\r\f"])
def test_a_blank_last_message_reads_empty(blank: str) -> None:
    planned = made(messages=[*HI, {"role": "assistant", "content": "hello"}, {"role": "user", "content": blank}])
    assert planned.request.fields["messages"][-1]["content"] == "(empty)"
    assert planned.adaptations["messages"].word == "mapped"
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    called: list[dict[str, Any]] = [*HI, {"role": "assistant", "content": None, "tool_calls": [call]}]
    silent = [*called, {"role": "tool", "tool_call_id": "c1", "content": blank}]
    planned = made(messages=silent)
    assert planned.request.fields["messages"][-1]["content"] == "Result of f:\n(empty)"
    assert planned.adaptations["messages.tool_calls"].word == "mapped"
    assert silent[-1]["content"] == blank


@pytest.mark.parametrize(("model", "size", "most"), [("tao-8k", 1024, 1), ("bge-large-zh", 1024, 16), ("embedding-v1", 384, 16)])  # fmt: skip
def test_embeddings_have_one_size_and_so_many_texts_a_call(model: str, size: int, most: int) -> None:
    planned = made(model, operation="embeddings", input=["a"], dimensions=size, encoding_format="base64", user="u")
    assert planned.request.fields == {"input": ["a"], "encoding_format": "float", "user": "u", "model": model}
    assert planned.adaptations["dimensions"].word == "mapped"
    assert planned.op.max_inputs(planned.target.model) == most
    assert refusal(model, operation="embeddings", input="a", dimensions=1536) == "dimensions"


def test_strict_refuses_what_would_be_clamped_or_dropped() -> None:
    assert refusal(strict=True, temperature=0) == "temperature"
    assert refusal(strict=True, frequency_penalty=-1) == "frequency_penalty"
