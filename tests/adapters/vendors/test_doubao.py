"""Requests to Doubao: one token limit, complete tool turns, and the effect of a model's catalog row."""

from typing import Any

import pytest

from adapters.codecs.openai.errors import find_error
from adapters.core.failures import Refused, classify, named_limit
from adapters.core.model import Model
from adapters.core.request import ApiRequest, Operation
from adapters.core.vendor import Plan, Target
from adapters.planning import plan
from adapters.registry import BY_NAME
from config.catalog import models as catalog
from config.catalog.overrides import CatalogOverrides

CATALOG = catalog.load("doubao")
SEED, LITE, ALWAYS, PRO, OLD = (
    "doubao-seed-2-1-turbo-260628", "doubao-seed-2-0-lite-260428", "doubao-seed-1-6-thinking-250715",
    "doubao-1-5-pro-32k-250115", "doubao-pro-32k-240828",
)  # fmt: skip
FAILURES = BY_NAME["doubao"].operations["chat"].failures
HI = [{"role": "user", "content": "hi"}]
TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}}}
CALLS = [{"id": f"c{n}", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}} for n in (1, 2)]


def made(model: str = SEED, *, asked: str = "gpt-4o", operation: Operation = "chat", **fields: Any) -> Plan:
    vendor = BY_NAME["doubao"]
    row = CATALOG.model(model) or Model(model, operation=operation)
    if operation == "chat":
        fields = {"messages": HI, **fields}
    return plan(ApiRequest(operation, asked, fields), Target("doubao", vendor, row, vendor.base_urls["cn"]))


def body(model: str = SEED, **fields: Any) -> dict[str, Any]:
    return {
        name: value for name, value in made(model, **fields).request.fields.items() if name not in ("messages", "model")
    }


def words(model: str = SEED, **fields: Any) -> dict[str, str]:
    return {name: found.word for name, found in made(model, **fields).adaptations.items() if name in fields}


@pytest.mark.parametrize(
    ("model", "limits", "sent"),
    [
        (SEED, {"max_tokens": 2000, "max_completion_tokens": 3000}, {"max_completion_tokens": 2000}),
        (SEED, {"max_completion_tokens": 3000, "max_tokens": 2000}, {"max_completion_tokens": 2000}),
        (SEED, {"max_tokens": 2000}, {"max_tokens": 2000}),
        (SEED, {"max_tokens": 200_000, "max_completion_tokens": 300_000}, {"max_completion_tokens": 65_536}),
        (PRO, {"max_tokens": 3000, "max_completion_tokens": 2000}, {"max_tokens": 2000}),
        (PRO, {"max_completion_tokens": 20_000}, {"max_tokens": 12_288}),
        (ALWAYS, {"max_completion_tokens": 300}, {"max_tokens": 300}),
        ("ep-1", {"max_tokens": 9000, "max_completion_tokens": 8000}, {"max_tokens": 8000}),
    ],
)
def test_one_token_limit_is_sent_and_never_above_the_models(
    model: str, limits: dict[str, int], sent: dict[str, int]
) -> None:
    found = body(model, asked="o3", **limits)
    assert {name: value for name, value in found.items() if name.startswith("max_")} == sent


def test_both_limits_have_a_word() -> None:
    assert words(SEED, max_tokens=200_000, max_completion_tokens=300_000) == {
        "max_tokens": "clamped",
        "max_completion_tokens": "clamped",
    }


@pytest.mark.parametrize("answered", [[], ["c1"], ["c2"]])
def test_a_tool_call_without_its_result_is_refused(answered: list[str]) -> None:
    results = [{"role": "tool", "tool_call_id": id_, "content": "4"} for id_ in answered]
    messages = [*HI, {"role": "assistant", "tool_calls": CALLS}, *results, {"role": "user", "content": "go on"}]
    with pytest.raises(Refused, match=r"call c[12] must be followed") as refused:
        made(messages=messages, tools=[TOOL])
    assert refused.value.param == "messages[1].tool_calls"


def test_results_may_come_in_any_order() -> None:
    results = [{"role": "tool", "tool_call_id": id_, "content": "4"} for id_ in ("c2", "c1")]
    messages = [*HI, {"role": "assistant", "content": "x", "tool_calls": CALLS}, *results]
    assert made(messages=messages, tools=[TOOL]).request.fields["messages"] == messages


@pytest.mark.parametrize(("model", "temperature"), [(OLD, 1), (PRO, 1.7), (SEED, 1.7), ("ep-1", 1.7)])
def test_only_the_models_of_2024_have_temperatures_up_to_one(model: str, temperature: float) -> None:
    assert body(model, temperature=1.7)["temperature"] == temperature


def test_a_model_that_can_think_gets_no_stop_even_while_it_does_not_think() -> None:
    off = made(SEED, stop="END")
    assert not off.thinks
    assert ("stop" in off.request.fields, off.emulations["stop"]) == (False, ["END"])
    assert body(PRO, stop=["1", "2", "3", "4"])["stop"] == ["1", "2", "3", "4"]


@pytest.mark.parametrize(
    ("effort", "sent", "thinks"),
    [
        ("none", None, False),
        ("minimal", None, False),
        ("low", "low", True),
        ("xhigh", "xhigh", True),
        ("max", "max", True),
    ],
)
def test_an_effort_is_never_sent_while_thinking_is_off(effort: str, sent: str | None, thinks: bool) -> None:
    asked = made(LITE, asked="gpt-5", reasoning_effort=effort)
    assert (asked.request.fields.get("reasoning_effort"), asked.thinks) == (sent, thinks)
    assert asked.request.fields.get("thinking") == (None if thinks else {"type": "disabled"})


def test_the_vendors_own_word_for_thinking_is_sent_as_it_is() -> None:
    own = {"type": "auto"}
    asked = made("doubao-seed-1-6-250615", asked="o3", thinking=own)
    assert (asked.request.fields["thinking"], asked.adaptations["thinking"].word) == (own, "honoured")
    assert words("doubao-seed-1-6-250615", asked="o3", enable_thinking="auto") == {"enable_thinking": "dropped"}


def test_models_before_seed_1_6_get_no_tool_choice() -> None:
    assert "tool_choice" not in body(PRO, tools=[TOOL], tool_choice="auto")
    assert "tools" not in body(PRO, tools=[TOOL], tool_choice="none")
    assert made(PRO, tools=[TOOL], tool_choice="required").emulations["tool_choice"].name is None
    assert body(SEED, tools=[TOOL], tool_choice="required")["tool_choice"] == "required"


def test_an_endpoint_without_a_row_is_sent_nothing_that_a_model_may_lack() -> None:
    schema = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
    asked = made("ep-1", tools=[TOOL], tool_choice="auto", response_format=schema)
    assert set(asked.request.fields) == {"messages", "model", "tools"}


def test_an_endpoint_with_the_row_of_its_model_is_treated_like_it() -> None:
    overrides = CatalogOverrides.model_validate({"models": [{"id": "ep-1", "same_as": SEED}]})
    model = overrides.apply_to(CATALOG).model("ep-1")
    assert model is not None
    assert (model.id, model.thinking, model.max_output, model.facts["json_schema"]) == (
        "ep-1",
        "default_on",
        131_072,
        True,
    )


@pytest.mark.parametrize("model", [row.id for row in CATALOG.models if row.operation == "embeddings"])
def test_no_dimensions_are_sent(model: str) -> None:
    sizes = CATALOG.by_id[model].facts
    wanted = 256 if sizes.get("prefix_dimensions") else sizes["dimensions"][0]
    asked = made(model, operation="embeddings", input="x", dimensions=wanted)
    assert "dimensions" not in asked.request.fields
    assert asked.emulations.get("dimensions") == (256 if wanted == 256 else None)


@pytest.mark.parametrize(
    ("status", "code", "kind", "limit"),
    [
        (400, "OutputTextSensitiveContentDetected.Violence", "inspection", None),
        (400, "InputImageRiskDetection", "inspection", None),
        (403, "OperationDenied.ServiceOverdue", "no_funds", None),
        (403, "OperationDenied.ServiceNotOpen", "model_not_found", None),
        (403, "OperationDenied.PermissionDenied", "forbidden", None),
        (429, "SetLimitExceeded", "no_funds", None),
        (429, "ServerOverloaded", "overloaded", None),
        (429, "RateLimitExceeded.EndpointRPMExceeded", "rate_limited", "requests_per_minute"),
        (429, "ModelAccountTpmRateLimitExceeded", "rate_limited", "tokens_per_minute"),
        (429, "InflightBatchsizeExceeded", "rate_limited", "concurrency"),
        (429, "RequestBurstTooFast", "rate_limited", None),
        (404, "InvalidEndpointOrModel.ModelIDAccessDisabled", "model_not_found", None),
        (404, "InvalidEndpoint.NotFound", "model_not_found", None),
        (200, "InvalidParameter.UnsupportedModel", "bad_request", None),
        (200, "InternalServiceError", "vendor_error", None),
    ],
)
def test_codes_are_matched_by_their_beginning(status: int, code: str, kind: str, limit: str | None) -> None:
    error = {"code": code, "message": "x"}
    assert classify(FAILURES, status, error) == kind
    found = named_limit(FAILURES, status, error)
    assert (found.kind if found else None) == limit


def test_an_error_of_the_control_plane_is_found() -> None:
    error = find_error(
        {"ResponseMetadata": {"Error": {"CodeN": 100010, "Code": "SignatureDoesNotMatch", "Message": "No."}}}
    )
    assert error is not None
    assert (error["code"], error["message"]) == ("SignatureDoesNotMatch", "No.")
    assert classify(FAILURES, 401, error) == "key_refused"
    assert find_error({"ResponseMetadata": {"RequestId": "1"}, "Result": {}}) is None
