"""Every error that docs/vendors/ lists, in each place where a vendor may put it."""

import re
from typing import Any

import orjson
import pytest

from adapters.core.failures import Failure, Kind
from tests.adapters.play import Play, chat_plan

KIMI: list[tuple[int, str, str, Kind]] = [
    (400, "content_filter", "The request was rejected because it was considered high risk", "inspection"),
    (400, "invalid_request_error", "Invalid request: something", "bad_request"),
    (400, "invalid_request_error", "invalid temperature: only 1 is allowed for this model", "bad_request"),
    (400, "invalid_request_error", "Input token length too long", "context"),
    (
        400,
        "invalid_request_error",
        "Invalid request: Your request exceeded model token limit: 262144 (requested: 265359)",
        "context",
    ),
    (400, "invalid_request_error", "Invalid request: Your request exceeded model token limit: 8192", "context"),
    (400, "invalid_request_error", "file size exceeded 100MB", "bad_request"),
    (401, "invalid_authentication_error", "Invalid Authentication", "key_refused"),
    (401, "incorrect_api_key_error", "Incorrect API key provided", "key_refused"),
    (403, "permission_denied_error", "The API you are accessing is not open", "forbidden"),
    (404, "resource_not_found_error", "Not found the model kimi-x or Permission denied", "model_not_found"),
    (429, "engine_overloaded_error", "The engine is currently overloaded, please try again later", "overloaded"),
    (
        429,
        "exceeded_current_quota_error",
        "Your account org-x is suspended due to insufficient balance, please recharge your account",
        "no_funds",
    ),
    (429, "exceeded_current_quota_error", "You exceeded your current token quota: 1", "no_funds"),
    (429, "rate_limit_reached_error", "request reached organization max RPM: 3", "rate_limited"),
    (429, "rate_limit_reached_error", "TPM rate limit, current: 1410, limit: 100", "rate_limited"),
    (500, "server_error", "invalid state transition", "vendor_error"),
    (500, "unexpected_output", "Failed to extract file: x", "vendor_error"),
    (503, "server_unavailable", "", "vendor_error"),
]
QUOTA = "You exceeded your current quota, please check your plan and billing details."
QWEN: list[tuple[int, str, str, Kind]] = [
    (400, "invalid_parameter_error", "Range of max_tokens should be [1, 8192]", "bad_request"),
    (400, "InvalidParameter", "Range of n should be [1, 4]", "bad_request"),
    (400, "invalid_parameter_error", "Range of input length should be [1, 30720]", "context"),
    (
        400,
        "InvalidParameter",
        "<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 6]",
        "context",
    ),
    (400, "data_inspection_failed", "Input data may contain inappropriate content.", "inspection"),
    (400, "DataInspectionFailed", "Output data may contain inappropriate content.", "inspection"),
    (400, "Arrearage", "Access denied, please make sure your account is in good standing.", "no_funds"),
    (401, "invalid_api_key", "Incorrect API key provided.", "key_refused"),
    (401, "InvalidApiKey", "Invalid API-key provided.", "key_refused"),
    (403, "AllocationQuota.FreeTierOnly", "The free tier of the model has been exhausted.", "no_funds"),
    (404, "model_not_found", "The model x does not exist or you do not have access to it.", "model_not_found"),
    (404, "ModelNotFound", "Model can not be found.", "model_not_found"),
    (400, "InvalidParameter", "Model not exist.", "model_not_found"),
    (404, "model_not_supported", "Unsupported model x for OpenAI compatibility mode.", "model_not_found"),
    (403, "Model.AccessDenied", "Model access denied.", "model_not_found"),
    (429, "limit_requests", "You exceeded your current requests list.", "rate_limited"),
    (429, "limit_burst_rate", "Request rate increased too quickly", "rate_limited"),
    (429, "insufficient_quota", QUOTA, "rate_limited"),
    (429, "Throttling", "Requests throttling triggered.", "rate_limited"),
    (429, "Throttling.RateQuota", "Requests rate limit exceeded", "rate_limited"),
    (429, "Throttling.BurstRate", "Request rate increased too quickly", "rate_limited"),
    (429, "Throttling.AllocationQuota", QUOTA, "rate_limited"),
    (429, "CommodityNotPurchased", "Commodity has not purchased yet.", "no_funds"),
    (429, "PrepaidBillOverdue", "The prepaid bill is overdue.", "no_funds"),
    (429, "PostpaidBillOverdue", "The postpaid bill is overdue.", "no_funds"),
    (429, "BudgetLimitExceeded", "Budget exceeded.", "no_funds"),
    (500, "internal_error", "An internal error has occured", "vendor_error"),
    (500, "internal_server_error", "An internal error has occured", "vendor_error"),
    (500, "InternalError", "An internal error has occured", "vendor_error"),
    (500, "InternalError.Algo", "An internal error has occured", "vendor_error"),
    (500, "SystemError", "An system error has occured", "vendor_error"),
    (500, "ModelServiceFailed", "Failed to request model service.", "vendor_error"),
    (500, "InternalError.Timeout", "An internal timeout error has occured", "vendor_error"),
    (504, "RequestTimeOut", "Request timed out", "vendor_error"),
]
NOT_THERE = "The model does not exist or you do not have access to it."
ERNIE: list[tuple[int, str, str, Kind]] = [
    (400, "malformed_json", "Malformed JSON", "bad_request"),
    (400, "invalid_model", "model is empty", "bad_request"),
    (400, "invalid_messages", "the last message can not be blank", "bad_request"),
    (400, "invalid_argument", "temperature should be in (0.0, 1.0]", "bad_request"),
    (400, "invalid_plugin_argument", "Invalid plugin argument", "bad_request"),
    (400, "invalid_image_url", "Invalid image url", "bad_request"),
    (400, "invalid_image_generation_prompt", "Invalid prompt", "bad_request"),
    (400, "invalid_image_generation_refer_image", "Invalid refer image", "bad_request"),
    (400, "characters_too_long", "the max input characters is 516096", "context"),
    (400, "tokens_too_long", "Prompt tokens too long", "context"),
    (400, "image_url_unsafe", "The image is unsafe", "inspection"),
    (401, "invalid_iam_token", "IAM Certification failed", "key_refused"),
    (401, "invalid_appid", "Invalid appid", "key_refused"),
    (401, "invalid_model", NOT_THERE, "model_not_found"),
    (401, "no_parameter_permission", "No permission to use the parameter", "bad_request"),
    (403, "account_overdue", "The account is overdue", "no_funds"),
    (403, "model_offline", "The model is offline", "model_not_found"),
    (403, "system_unsafe", "The system message is unsafe", "inspection"),
    (403, "user_setting_unsafe", "The user setting is unsafe", "inspection"),
    (403, "functions_unsafe", "The functions are unsafe", "inspection"),
    (405, "method_not_supported", "Method not supported", "vendor_error"),
    (429, "rpm_rate_limit_exceeded", "Rate limit reached for RPM", "rate_limited"),
    (429, "tpm_rate_limit_exceeded", "Rate limit reached for TPM", "rate_limited"),
    (429, "input_tpm_rate_limit_exceeded", "Rate limit reached for input TPM", "rate_limited"),
    (429, "output_tpm_rate_limit_exceeded", "Rate limit reached for output TPM", "rate_limited"),
    (429, "user_rate_limit_exceeded", "Rate limit reached for the user", "rate_limited"),
    (429, "cluster_rate_limit_exceeded", "Rate limit reached for the cluster", "rate_limited"),
    (429, "cluster_rpm_rate_limit_exceeded", "Rate limit reached for the cluster", "rate_limited"),
    (429, "cluster_tpm_rate_limit_exceeded", "Rate limit reached for the cluster", "rate_limited"),
    (429, "preemptible_rate_limit_exceeded", "Rate limit reached for preemptible calls", "rate_limited"),
    (429, "Offline_batch_reasoning_refused", "Refused for now", "rate_limited"),
    (429, "coding_plan_hour_quota_exceeded", "The quota of this hour is used up", "no_funds"),
    (429, "coding_plan_week_quota_exceeded", "The quota of this week is used up", "no_funds"),
    (500, "internal_error", "Internal error", "vendor_error"),
    (500, "dispatch_internal_error", "Internal error", "vendor_error"),
    (500, "image_generation_interal_error", "Internal error", "vendor_error"),
]
ERNIE_TYPES = {
    400: "invalid_request_error", 401: "access_denied", 403: "access_denied", 405: "", 429: "rate_limit_exceeded",
    500: "Internal_error",
}  # fmt: skip
"""The type that comes with most codes of a status; what is unsafe has one of its own, and plans have none."""
HUNYUAN: list[tuple[int, str, str, Kind]] = [
    (400, "400001", "invalid parameter 'temperature'", "bad_request"),
    (400, "400002", "invalid parameter 'model': model is required", "bad_request"),
    (400, "400003", "input is too long", "context"),
    (400, "400004", "model hy9 not found", "model_not_found"),
    (400, "400005", "capability is not supported", "bad_request"),
    (400, "400006", "response_format is not supported", "bad_request"),
    (401, "401001", "api key is missing", "key_refused"),
    (401, "401002", "invalid api key", "key_refused"),
    (401, "401003", "api key has expired", "key_refused"),
    (401, "401004", "api key is disabled", "key_refused"),
    (401, "401005", "api key is disabled", "key_refused"),
    (400, "401006", "model hy9 not found", "model_not_found"),
    (402, "401007", "endpoint is inactive: FREE_QUOTA_EXHAUSTED", "no_funds"),
    (402, "401008", "endpoint is inactive: not paid for", "no_funds"),
    (403, "403001", "access denied", "forbidden"),
    (403, "403002", "access denied: client IP 10.0.0.1", "forbidden"),
    (403, "403003", "access denied", "forbidden"),
    (402, "403004", "account is in arrears", "no_funds"),
    (403, "403005", "access denied", "forbidden"),
    (403, "403006", "access denied", "forbidden"),
    (413, "413001", "request body is too large", "bad_request"),
    (429, "429001", "rate limit exceeded on dimension: rpm", "rate_limited"),
    (429, "429002", "requests per minute exceeded", "rate_limited"),
    (429, "429003", "tokens per minute exceeded", "rate_limited"),
    (429, "429004", "tokens per day exceeded", "no_funds"),
    (429, "429005", "too many calls at once", "rate_limited"),
    (429, "429006", "capacity is busy", "overloaded"),
    (451, "451001", "content was filtered by safety policy", "inspection"),
    (500, "500001", "internal error", "vendor_error"),
    (502, "502001", "provider failed", "vendor_error"),
    (503, "503001", "service is not available", "overloaded"),
    (504, "504001", "upstream timed out", "vendor_error"),
]
CLASSIC: list[tuple[int, str, str, Kind]] = [
    (400, "1001", "messages: user (tool) and assistant must alternate", "bad_request"),
]
SERVER: list[tuple[int, str, str, Kind]] = [
    (400, "context_length_exceeded", "This model's maximum context length is 8192 tokens.", "context"),
    (400, "exceed_context_size_error", "the request exceeds the available context size", "context"),
    (400, "content_filter", "The response was filtered.", "inspection"),
    (400, "content_policy_violation", "Your request was rejected by our safety system.", "inspection"),
    (400, "invalid_request_error", "Invalid value: 'boss'.", "bad_request"),
    (400, "BadRequestError", "top_p must be in (0, 1]", "bad_request"),
    (401, "invalid_api_key", "Incorrect API key provided.", "key_refused"),
    (401, "account_deactivated", "Your account was deactivated.", "key_refused"),
    (404, "model_not_found", "The model `x` does not exist or you do not have access to it.", "model_not_found"),
    (400, "20012", "Model does not exist.", "model_not_found"),
    (429, "insufficient_quota", QUOTA, "no_funds"),
    (429, "billing_hard_limit_reached", "Billing hard limit has been reached", "no_funds"),
    (429, "rate_limit_exceeded", "Rate limit reached for requests", "rate_limited"),
    (503, "50505", "Model service overloaded.", "overloaded"),
    (503, "unavailable_error", "Loading model", "overloaded"),
    (500, "server_error", "The server had an error while processing your request.", "vendor_error"),
]
BY_STATUS: list[tuple[str, int, str, Kind]] = [
    ("ernie", 401, "some_new_code", "key_refused"),
    ("ernie", 403, "some_new_code", "forbidden"),
    ("ernie", 429, "some_new_code", "rate_limited"),
    ("ernie", 503, "some_new_code", "vendor_error"),
    ("hunyuan", 503, "gateway", "overloaded"),
    ("hunyuan", 451, "gateway", "inspection"),
    ("hunyuan", 402, "gateway", "no_funds"),
    ("hunyuan_classic", 400, "1002", "bad_request"),
    ("hunyuan_classic", 401, "invalid_api_key", "key_refused"),
    ("hunyuan_classic", 403, "2001", "forbidden"),
    ("hunyuan_classic", 404, "1004", "model_not_found"),
    ("hunyuan_classic", 429, "2003", "rate_limited"),
    ("hunyuan_classic", 500, "4000", "vendor_error"),
    ("hunyuan_classic", 503, "4001", "overloaded"),
    ("kimi", 499, "client_closed_request", "vendor_error"),
    ("qwen", 400, "BadRequest.EmptyInput", "bad_request"),
    ("qwen", 400, "BadRequest.EmptyParameters", "bad_request"),
    ("qwen", 400, "BadRequest.EmptyModel", "bad_request"),
    ("qwen", 413, "BadRequest.TooLarge", "bad_request"),
    ("qwen", 400, "InvalidURL", "bad_request"),
    ("qwen", 400, "CustomRoleBlocked", "bad_request"),
    ("qwen", 400, "FaqRuleBlocked", "bad_request"),
    ("qwen", 400, "IPInfringementSuspect", "bad_request"),
    ("qwen", 400, "UnsupportedOperation", "bad_request"),
    ("qwen", 403, "AccessDenied", "forbidden"),
    ("qwen", 403, "access_denied", "forbidden"),
    ("qwen", 403, "AccessDenied.Unpurchased", "forbidden"),
    ("qwen", 403, "Workspace.AccessDenied", "forbidden"),
    ("qwen", 404, "NotFound", "model_not_found"),
    ("qwen", 409, "Conflict", "vendor_error"),
    ("qwen", 503, "ModelUnavailable", "overloaded"),
    ("qwen", 503, "ModelServingError", "overloaded"),
    ("openai_compatible", 503, "slow_down", "overloaded"),
    ("openai_compatible", 400, "invalid_value", "bad_request"),
    ("openai_compatible", 402, "402", "no_funds"),
    ("openai_compatible", 403, "unsupported_country_region_territory", "forbidden"),
]
"""Errors whose kind their HTTP status tells: they are listed with that status only."""

CONTRACT: dict[Kind, tuple[str, int, str, str | None]] = {
    "bad_request": ("caller", 400, "invalid_request_error", None),
    "context": ("caller", 400, "invalid_request_error", "context_length_exceeded"),
    "inspection": ("caller", 400, "invalid_request_error", "content_filter"),
    "key_refused": ("credential", 502, "server_error", "upstream_auth_error"),
    "forbidden": ("credential", 502, "server_error", "upstream_auth_error"),
    "no_funds": ("credential", 429, "insufficient_quota", "insufficient_quota"),
    "model_not_found": ("credential", 404, "invalid_request_error", "model_not_found"),
    "rate_limited": ("rate", 429, "rate_limit_error", "rate_limit_exceeded"),
    "overloaded": ("vendor", 502, "server_error", "upstream_error"),
    "vendor_error": ("vendor", 502, "server_error", "upstream_error"),
}

CHUNK = {"id": "c", "created": 1, "choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": None}]}


def bodies(vendor: str, word: str, message: str) -> list[dict[str, Any]]:
    """The shapes in which a vendor sends this error."""
    if vendor == "hunyuan":
        code = int(word) if word.isdigit() else word
        rest = {"message": message, "source": "gateway", "request_id": "r-1"}
        return [{"error": {"type": "gateway_error", "code": one, **rest}} for one in (word, code)]
    if vendor == "hunyuan_classic":
        return [
            {"error": {"id": "e", "message": message, "type": "invalid_request_error", "param": None, "code": word}}
        ]
    if vendor == "kimi":
        return [{"error": {"message": message, "type": word}}]
    if vendor == "ernie":
        status = next((row[0] for row in ERNIE if row[1:3] == (word, message)), 0)
        type_ = "unsafe_request" if "unsafe" in word else "" if "plan" in word else ERNIE_TYPES.get(status, "")
        shapes = [{"code": word, "message": message, "type": type_}, {"code": word, "message": message}]
        return [{"error": shape, "id": "as-nx1"} for shape in shapes]
    return [
        {"error": {"message": message, "type": word, "param": None, "code": word}, "request_id": "1"},
        {
            "code": word,
            "message": message,
            "request_id": "1",
            **({"type": word} if vendor == "openai_compatible" else {}),
        },
    ]


def check(failure: Failure, kind: Kind, message: str) -> None:
    assert failure.kind == kind
    assert (failure.fault, failure.status, failure.type, failure.code) == CONTRACT[kind]
    assert failure.param == ("messages" if kind == "context" else None)
    shown = re.sub(r"org-[\w-]+(<ak-[\w-]+>)?", "[hidden]", message)  # Kimi names the operator's account to everybody
    assert shown.rstrip(".") in failure.message


TABLES = {
    "kimi": KIMI,
    "qwen": QWEN,
    "ernie": ERNIE,
    "hunyuan": HUNYUAN,
    "hunyuan_classic": CLASSIC,
    "openai_compatible": SERVER,
}
ROWS = [(vendor, *row) for vendor, table in TABLES.items() for row in table]
CASES = [
    pytest.param(status, vendor, body, message, kind, id=f"{vendor}-{word}-{kind}-{shape}")
    for vendor, status, word, message, kind in ROWS
    for shape, body in enumerate(bodies(vendor, word, message))
]
COLUMNS = ("status", "vendor", "body", "message", "kind")


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(COLUMNS, CASES)
def test_an_error_with_its_status(stream: bool, status: int, vendor: str, body: Any, message: str, kind: Kind) -> None:
    check(Play(chat_plan(vendor, stream=stream)).json(body, status=status).failure, kind, message)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(COLUMNS, CASES)
def test_an_error_inside_http_200(stream: bool, status: int, vendor: str, body: Any, message: str, kind: Kind) -> None:
    check(Play(chat_plan(vendor, stream=stream)).json(body).failure, kind, message)


@pytest.mark.parametrize(COLUMNS, CASES)
def test_an_error_as_the_first_event(status: int, vendor: str, body: Any, message: str, kind: Kind) -> None:
    play = Play(chat_plan(vendor)).head().sse(body, CHUNK, "[DONE]")
    check(play.failure, kind, message)
    assert play.events == []


@pytest.mark.parametrize(COLUMNS, CASES)
def test_an_error_in_the_middle_of_a_stream(status: int, vendor: str, body: Any, message: str, kind: Kind) -> None:
    lines = b"".join(b"data: " + orjson.dumps(event) + b"\n\n" for event in (CHUNK, body, CHUNK))
    play = Play(chat_plan(vendor)).head().data(lines + b"data: [DONE]\n\n").over()
    check(play.failure, kind, message)
    assert len(play.events) == 1


@pytest.mark.parametrize(("vendor", "status", "word", "kind"), BY_STATUS)
def test_an_error_that_its_status_explains(vendor: str, status: int, word: str, kind: Kind) -> None:
    for body in bodies(vendor, word, "why"):
        check(Play(chat_plan(vendor)).json(body, status=status).failure, kind, "why")


@pytest.mark.parametrize("stream", [True, False])
def test_a_key_that_may_not_use_a_model_is_good_for_others(stream: bool) -> None:
    error = {"error": {"type": "permission_error", "code": "403003", "message": "the key's scope lacks model hy3"}}
    failure = Play(chat_plan("hunyuan", stream=stream)).json(error, status=403).failure
    check(failure, "model_not_found", "the key's scope lacks model hy3")


def test_filtered_content_is_recognized_by_its_type_whatever_its_code() -> None:
    error = {"error": {"type": "content_filter_error", "code": "upstream-7", "message": "filtered"}}
    for status in (400, 451):
        check(Play(chat_plan("hunyuan")).json(error, status=status).failure, "inspection", "filtered")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "bad_request"),
        (401, "key_refused"),
        (402, "no_funds"),
        (403, "forbidden"),
        (404, "model_not_found"),
        (413, "bad_request"),
        (418, "vendor_error"),
        (422, "bad_request"),
        (429, "rate_limited"),
        (500, "vendor_error"),
        (502, "vendor_error"),
        (504, "vendor_error"),
        (599, "vendor_error"),
    ],
)
@pytest.mark.parametrize(
    "body", [b"", b"oops", b"<html>gone</html>", b"[1]", b"null", b"5", b'"x"', b"{}", b"\xff\xfe"]
)
@pytest.mark.parametrize("kind_of_body", ["application/json", "text/html", "text/event-stream", ""])
def test_the_status_gives_the_kind_if_the_body_does_not(
    status: int, kind: Kind, body: bytes, kind_of_body: str
) -> None:
    for stream in (True, False):
        play = Play(chat_plan(stream=stream)).head(status, kind_of_body).data(body).over()
        assert play.failure.kind == kind
        assert "gone" not in play.failure.message
        broken = Play(chat_plan(stream=stream)).head(status, kind_of_body).data(body).lost()
        assert broken.failure.kind == kind
