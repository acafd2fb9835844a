"""Errors are classified by their messages: billing under any status, temporary limits, prompts that are too long.

The messages are from the servers' source code and from public reports (docs/vendors/openai_compatible.md).
"""

from typing import Any

import pytest

from adapters.core.failures import Kind
from adapters.registry import BY_CATALOG
from tests.adapters.play import Play, chat_plan

EVERY = sorted(BY_CATALOG)
SILICONFLOW = {
    "code": 30011,
    "message": "The selected model requires paid balance, and yours is insufficient.",
    "data": None,
}
QUOTA = "You exceeded your current quota, please check your plan and billing details."
GEMINI = f"{QUOTA} Quota exceeded for metric: requests, limit: 2. Please retry in 45.5s."

MONEY: list[tuple[int, str]] = [
    (403, "Sorry, your account balance is insufficient"),
    (402, "This request requires more credits, or fewer max_tokens. You requested up to 16384 tokens, but can only afford 3"),
    (403, "user quota is not enough"),
    (403, "用户额度不足, 剩余额度: ＄-0.000002 (request id: 2026)"),
    (403, "token quota is not enough, token remain quota: ＄0.019310, need quota: ＄0.769410"),
    (401, "该令牌额度已用尽"),
    (403, "预扣费额度失败, 可能是上游余额不足"),
    (403, "User's credit limit is insufficient, remaining credit limit: $0.000000"),
    (403, "need pre-deduct ＄0.061, balance ＄0.000 is insufficient"),
    (403, "The request failed because your account has an overdue balance. Request id: 0217"),
    (429, "余额不足或无可用资源包,请充值。"),
    (429, "您的账户已欠费，请充值后重试"),
    (429, "Insufficient account balance, please recharge"),
    (400, "Your credit balance is too low to access the API. Please go to Plans & Billing to upgrade."),
    (400, "Insufficient Balance"),
    (401, "The free quota has been used up."),
    (422, "insufficient_balance"),
    (200, "insufficient balance"),
    (200, "账户余额不足"),
]  # fmt: skip

TOO_LONG: list[tuple[int, str]] = [
    (400, "This model's maximum context length is 8192 tokens. However, you requested 8203 tokens (7691 in the messages)."),
    (400, "The input (61709 tokens) is longer than the model's context length (40960 tokens)."),
    (400, "Requested token count exceeds the model's maximum context length of 64000 tokens. You requested a total of 71897"),
    (400, "The decoder prompt (length 17772) is longer than the maximum model length of 16384."),
    (400, "length of prompt_tokens (68957) must be less than max_seq_len (65536)."),
    (400, "max_total_tokens (33802) must be less than or equal to max_seq_len (32768)"),
    (400, "prompt exceeds max_prompt_tokens"),
    (400, "request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it"),
    (400, "This model's maximum prompt length is 131072 but the request contains 136973 tokens."),
    (422, "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs` tokens"),
    (400, "input length and `max_tokens` exceed context limit: 199759 + 8192 > 200000, decrease input length"),
    (413, "Your input exceeds the context window of this model"),
    (400, "prompt is too long: 213462 tokens > 200000 maximum"),
    (400, "Prompt contains 33000 tokens, too large for model with 32768 maximum context length"),
    (400, "Please reduce the length of the messages or completion."),
    (400, "输入内容过长，超出模型最大上下文长度"),
    (200, "context length exceeded"),
]  # fmt: skip


def kind_of(status: int, error: Any, vendor: str = "openai_compatible", *, stream: bool = False) -> Kind:
    return Play(chat_plan(vendor, stream=stream)).json(error, status=status).failure.kind


@pytest.mark.parametrize("vendor", EVERY)
@pytest.mark.parametrize(("status", "message"), MONEY)
def test_an_empty_account_is_recognized_by_its_words_at_every_vendor(status: int, message: str, vendor: str) -> None:
    play = Play(chat_plan(vendor)).json({"error": {"message": message, "type": "some_error"}}, status=status)
    assert (play.failure.kind, play.failure.code) == ("no_funds", "insufficient_quota")
    assert " ".join(message.split()).rstrip(".") in play.failure.message


@pytest.mark.parametrize("vendor", EVERY)
@pytest.mark.parametrize(("status", "message"), TOO_LONG)
def test_a_prompt_that_is_too_long_is_recognized_by_its_words_at_every_vendor(
    status: int, message: str, vendor: str
) -> None:
    failure = Play(chat_plan(vendor)).json({"error": {"message": message}}, status=status).failure
    assert (failure.kind, failure.code, failure.param) == ("context", "context_length_exceeded", "messages")
    assert message.rstrip(".") in failure.message


@pytest.mark.parametrize("type_", ["invalid_request_error", "BadRequestError"])
def test_the_message_overrides_a_generic_type(type_: str) -> None:
    assert kind_of(400, {"error": {"message": MONEY[13][1], "type": type_}}) == "no_funds"
    assert kind_of(400, {"error": {"message": TOO_LONG[1][1], "type": type_}}) == "context"


@pytest.mark.parametrize("status", [403, 200])
def test_siliconflows_codes_for_an_empty_account(status: int) -> None:
    assert kind_of(status, SILICONFLOW) == "no_funds"
    assert kind_of(status, {"code": 30001, "message": "no", "data": None}) == "no_funds"


@pytest.mark.parametrize("code", ["insufficient_user_quota", "pre_consume_token_quota_failed", "INSUFFICIENT_BALANCE"])
def test_gateways_codes_for_an_empty_account(code: str) -> None:
    assert kind_of(403, {"error": {"message": "no", "type": "new_api_error", "code": code}}) == "no_funds"
    assert kind_of(403, {"code": code, "message": "no"}) == "no_funds"


@pytest.mark.parametrize(
    ("code", "kind"),
    [(1008, "no_funds"), (2056, "no_funds"), (1002, "rate_limited"), (1004, "key_refused"), (1026, "inspection"),
     (2013, "bad_request"), (1000, "vendor_error")],
)  # fmt: skip
def test_minimax_codes_count_in_base_resp_only(code: int, kind: Kind) -> None:
    assert kind_of(200, {"choices": None, "base_resp": {"status_code": code, "status_msg": "no"}}) == kind
    assert kind_of(500, {"error": {"code": code, "message": "no"}}) == "vendor_error"


@pytest.mark.parametrize(
    ("code", "kind"),
    [(18, "rate_limited"), (336501, "rate_limited"), (17, "no_funds"), (110, "key_refused"), (336103, "context"),
     (336104, "inspection"), (336003, "bad_request"), (336100, "overloaded"), (336000, "vendor_error")],
)  # fmt: skip
@pytest.mark.parametrize(("name", "words"), [("error_code", "error_msg"), ("code", "msg")])
def test_baidus_older_codes_inside_200(code: int, kind: Kind, name: str, words: str) -> None:
    failure = Play(chat_plan("ernie", stream=False)).json({name: code, words: "so it is"}).failure
    assert (failure.kind, failure.message) == (kind, "ERNIE answered 200: so it is.")


@pytest.mark.parametrize(
    ("code", "kind"),
    [("RequestLimitExceeded", "rate_limited"), ("RequestLimitExceeded.UinLimitExceeded", "rate_limited"),
     ("AuthFailure.SecretIdNotFound", "key_refused"), ("ResourceUnavailable.InArrears", "no_funds"),
     ("FailedOperation.ServiceStopArrears", "no_funds"), ("InvalidParameterValue.Model", "model_not_found"),
     ("InvalidParameterValue", "bad_request"), ("OperationDenied.TextIllegalDetected", "inspection"),
     ("InternalError", "vendor_error"), ("FailedOperation.EngineRequestTimeout", "vendor_error")],
)  # fmt: skip
@pytest.mark.parametrize("vendor", ["hunyuan", "hunyuan_classic"])
def test_tencents_codes_inside_200(code: str, kind: Kind, vendor: str) -> None:
    error = {"Response": {"Error": {"Code": code, "Message": "so it is"}, "RequestId": "1"}}
    failure = Play(chat_plan(vendor, stream=False)).json(error).failure
    assert (failure.kind, failure.message) == (kind, "Hunyuan answered 200: so it is.")


PASSING = [
    (
        429,
        "Quota exceeded for quota metric 'Requests' and limit 'GenerateContent request limit per minute for a region'",
    ),
    (429, GEMINI),
    (429, "You have exceeded the token quota per minute of your tier"),
    (429, "quota exceeded: 60 RPM"),
    (429, "每分钟请求额度已用尽，请稍后重试"),
    (429, "请求频率超出额度，额度已用完"),
    (429, "Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 free model requests per day"),
    (429, "Too many requests"),
    (403, "Rate limit reached for this key"),
    (403, "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute per user'"),
]


@pytest.mark.parametrize(("status", "message"), PASSING)
def test_a_temporary_limit_is_not_an_empty_account_although_its_text_has_quota(status: int, message: str) -> None:
    assert kind_of(status, {"error": {"message": message}}) == "rate_limited"


def test_a_quota_without_a_time_is_an_empty_account() -> None:
    assert kind_of(429, {"error": {"message": QUOTA}}) == "no_funds"
    assert kind_of(429, {"error": {"message": "Quota exceeded"}}) == "no_funds"


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (
            403,
            'x requires moderation on y. Your input was flagged for "violence". No credits were charged.',
            "inspection",
        ),
        (403, "Real-name verification is required", "forbidden"),
        (401, "Invalid token", "key_refused"),
        (400, "max_tokens is too large: 5000. This model supports at most 4096 completion tokens", "bad_request"),
        (400, "messages must not be empty", "bad_request"),
        (400, "temperature is too high", "bad_request"),
        (500, "insufficient balance of the shards", "vendor_error"),
        (404, "The model `insufficient balance` does not exist", "model_not_found"),
    ],
)
def test_other_errors_keep_their_kind(status: int, message: str, kind: Kind) -> None:
    assert kind_of(status, {"error": {"message": message}}) == kind


@pytest.mark.parametrize("quote", ["'{}'", '"{}"', "`{}`", "“{}”", "'{}", '"{}\\', "x: '{}', and 'more'"])
def test_what_a_refusal_quotes_puts_no_key_to_rest(quote: str) -> None:
    """The message may contain the client's own text: a 400 about that is the client's fault."""
    for words in ("insufficient balance", "my balance isn't, it's insufficient balance", "余额不足"):
        if words.count("'") and "'" in quote:
            continue
        message = "Invalid value: " + quote.replace("{}", words)
        assert kind_of(400, {"error": {"message": message}}) == "bad_request"
    assert kind_of(403, {"error": {"message": "upstream says 'insufficient balance'"}}) == "no_funds"
    assert kind_of(400, {"error": {"message": "The user's balance isn't enough: insufficient balance"}}) == "no_funds"


def test_qwens_word_for_a_minutes_tokens_stays_a_rate_limit() -> None:
    error = {"error": {"message": QUOTA, "type": "insufficient_quota", "code": "insufficient_quota"}}
    assert kind_of(429, error, "qwen") == "rate_limited"
    assert kind_of(429, error) == "no_funds"
