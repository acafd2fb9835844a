"""The failure tables are total, agree with docs/errors.md, and state whose fault a failure is."""

from typing import get_args

import pytest

from adapters.core.failures import BY_STATUS, ERROR_TABLE, LOST, Failure, FailureRule, Fault, Kind, classify
from adapters.core.message import Message
from adapters.core.wire import Phase
from adapters.rules.failures import NO_FUNDS
from tests.adapters.play import Play, chat_plan

TABLE: dict[str, tuple[str, int, str, str | None]] = {
    "bad_request": ("caller", 400, "invalid_request_error", None),
    "context": ("caller", 400, "invalid_request_error", "context_length_exceeded"),
    "inspection": ("caller", 400, "invalid_request_error", "content_filter"),
    "key_refused": ("credential", 502, "server_error", "upstream_auth_error"),
    "no_funds": ("credential", 429, "insufficient_quota", "insufficient_quota"),
    "forbidden": ("credential", 502, "server_error", "upstream_auth_error"),
    "model_not_found": ("credential", 404, "invalid_request_error", "model_not_found"),
    "rate_limited": ("rate", 429, "rate_limit_error", "rate_limit_exceeded"),
    "overloaded": ("vendor", 502, "server_error", "upstream_error"),
    "vendor_error": ("vendor", 502, "server_error", "upstream_error"),
    "invalid_response": ("vendor", 502, "server_error", "upstream_invalid_response"),
    "tls": ("vendor", 502, "server_error", "upstream_tls_error"),
    "connect": ("vendor", 502, "server_error", "upstream_error"),
    "connect_timeout": ("vendor", 504, "server_error", "upstream_connect_timeout"),
    "reset": ("vendor", 502, "server_error", "upstream_stream_reset"),
    "truncated": ("vendor", 502, "server_error", "upstream_stream_truncated"),
    "first_token_timeout": ("vendor", 504, "server_error", "upstream_first_token_timeout"),
    "idle_timeout": ("vendor", 504, "server_error", "upstream_idle_timeout"),
    "total_timeout": ("vendor", 504, "server_error", "upstream_total_timeout"),
}
PHASES: dict[str, str] = {
    "dns": "connect",
    "connect": "connect",
    "connect_timeout": "connect_timeout",
    "tls": "tls",
    "pool": "connect_timeout",
    "write": "reset",
    "reset": "reset",
    "protocol": "invalid_response",
    "first_token": "first_token_timeout",
    "idle": "idle_timeout",
    "total": "total_timeout",
    "declined": "invalid_response",
}


def test_every_kind_and_every_phase_has_its_row() -> None:
    assert set(get_args(Kind)) == set(ERROR_TABLE) == set(TABLE)
    assert set(get_args(Phase)) == set(LOST) == set(PHASES)


@pytest.mark.parametrize("kind", get_args(Kind))
def test_a_failure_is_the_row_of_its_kind(kind: Kind) -> None:
    failure = Failure.of(kind, Message("why"))
    assert (failure.fault, failure.status, failure.type, failure.code) == TABLE[kind]
    assert failure.fault in get_args(Fault)
    assert failure.param == ("messages" if kind == "context" else None)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("phase", get_args(Phase))
def test_a_lost_call_fails_by_its_phase(phase: Phase, stream: bool) -> None:
    before = Play(chat_plan(stream=stream)).lost(phase).failure
    after = Play(chat_plan(stream=stream)).head(200, "text/event-stream" if stream else "application/json").lost(phase)
    assert (after.failure.kind, after.failure.phase) == (PHASES[phase], phase)
    # before the head there is no stream that could have been reset
    assert before.kind == ("vendor_error" if PHASES[phase] == "reset" else PHASES[phase])


def test_no_status_of_a_vendor_is_ours_but_by_the_table() -> None:
    assert set(BY_STATUS.values()) <= set(get_args(Kind))
    for status in range(400, 600):
        assert Failure.of(classify((), status, {}), Message("")).status in {400, 404, 429, 502}


def test_a_rule_matches_when_all_that_it_names_does() -> None:
    rule = FailureRule("no_funds", status=429, code="Bill*", type="t", text="Over due")
    assert rule.matches(429, "BILL.late", "T", "it is over DUE now")
    assert not rule.matches(400, "bill", "t", "over due")
    assert not rule.matches(429, "xbill", "t", "over due")
    assert not rule.matches(429, "bill", "u", "over due")
    assert not rule.matches(429, "bill", "t", "overdue")
    assert (
        classify((FailureRule("context", text="a"), FailureRule("no_funds", text="a")), 500, {"message": "a"})
        == "context"
    )


@pytest.mark.parametrize("status", [401, 402, 403, 429])
def test_words_in_quotes_count_where_the_status_is_about_the_key(status: int) -> None:
    error = {"message": "the account said 'insufficient balance'"}
    assert classify(NO_FUNDS, status, error) == "no_funds"
    assert classify(NO_FUNDS, 400, error) == "bad_request"
