"""The limit that a vendor's 429 names, and its value if the message has one."""

import pytest

from adapters.core.failures import LimitKind
from tests.adapters.play import Play, chat_plan

KIMI = "rate_limit_reached_error"


@pytest.mark.parametrize(
    ("vendor", "error", "limit", "figure"),
    [
        ("kimi", {"type": KIMI, "message": "Your account org-x<ak-y> request reached max organization concurrency: 1, please try again after 1 seconds"}, "concurrency", 1),
        ("kimi", {"type": KIMI, "message": "request reached organization max RPM: 300, please try again"}, "requests_per_minute", 300),
        ("kimi", {"type": KIMI, "message": "request reached organization TPM rate limit, current: 1410, limit: 100"}, "tokens_per_minute", None),
        ("kimi", {"type": KIMI, "message": "request reached organization TPD rate limit, current: 1, limit: 1"}, "day", None),
        ("kimi", {"type": KIMI, "message": "request reached organization max RPD: 5"}, "day", None),
        ("kimi", {"type": KIMI, "message": "slow down"}, None, None),
        ("ernie", {"code": "rpm_rate_limit_exceeded", "message": "x"}, "requests_per_minute", None),
        ("ernie", {"code": "tpm_rate_limit_exceeded", "message": "x"}, "tokens_per_minute", None),
        ("ernie", {"code": "input_tpm_rate_limit_exceeded", "message": "x"}, "tokens_per_minute", None),
        ("ernie", {"code": "output_tpm_rate_limit_exceeded", "message": "x"}, "tokens_per_minute", None),
        ("ernie", {"code": "user_rate_limit_exceeded", "message": "x"}, None, None),
        ("hunyuan", {"code": "429002", "message": "x"}, "requests_per_minute", None),
        ("hunyuan", {"code": 429003, "message": "x"}, "tokens_per_minute", None),
        ("hunyuan", {"code": "429005", "message": "x"}, "concurrency", None),
        ("hunyuan", {"code": "429001", "message": "x"}, None, None),
        ("zhipu", {"code": "1302", "message": "x"}, "concurrency", None),
        ("zhipu", {"code": 1303, "message": "x"}, "requests_per_minute", None),
        ("zhipu", {"code": "1305", "message": "x"}, None, None),
        ("minimax", {"message": "rate limit exceeded (1039)"}, "tokens_per_minute", None),
        ("minimax", {"code": 1041, "type": "base_resp", "message": "x"}, "concurrency", None),
        ("minimax", {"message": "rate limit exceeded (1002)"}, None, None),
        ("zhipu", {"code": "1313", "message": "x"}, None, None),
        ("qwen", {"code": "limit_requests", "message": "You exceeded your current requests list."}, None, None),
        ("openai_compatible", {"message": "Rate limit reached for gpt-4o on requests per min (RPM): Limit 3, Used 3, Requested 1."}, "requests_per_minute", 3),
        ("openai_compatible", {"message": "reached max RPM: 500, please wait"}, "requests_per_minute", 500),
        ("openai_compatible", {"message": "reached max concurrency: 20"}, "concurrency", 20),
        ("openai_compatible", {"message": "Rate limit reached on tokens per min (TPM): Limit 100"}, "tokens_per_minute", None),
        ("openai_compatible", {"message": "Rate limit reached on requests per day (RPD): Limit 200"}, "day", None),
    ],
)  # fmt: skip
def test_a_429_names_its_limit_in_the_vendors_words(
    vendor: str, error: dict[str, str], limit: LimitKind | None, figure: float | None
) -> None:
    failure = Play(chat_plan(vendor)).json({"error": error}, status=429).failure
    assert failure.kind == "rate_limited"
    named = failure.limit
    assert (named and named.kind, named and named.figure) == (limit, figure)
