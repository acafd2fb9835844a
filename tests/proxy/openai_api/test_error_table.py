"""One error table: the classes, the failures and the page for users agree."""

import inspect
import re
from pathlib import Path

import pytest

from adapters.core.failures import ERROR_TABLE, Failure, Kind
from adapters.core.message import Message, as_message
from proxy import errors
from proxy.errors import ProxyError, UpstreamFailed

PAGE = (Path(__file__).parents[3] / "docs" / "errors.md").read_text(encoding="utf-8")
TOLD = {
    (int(status), code)
    for line in PAGE.splitlines()
    if (match := re.match(r"\| (\d{3}) \| ([^|]+) \|", line))
    for status in [match[1]]
    for code in re.findall(r"`(\w+)`", match[2])
}
CLASSES = [
    c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, ProxyError) and c is not ProxyError
]


@pytest.mark.parametrize("kind", ERROR_TABLE)
def test_every_failure_has_its_row_on_the_page(kind: Kind) -> None:
    row = ERROR_TABLE[kind]
    assert (row.status, row.code or "null") in TOLD


@pytest.mark.parametrize("error", [c for c in CLASSES if c is not UpstreamFailed], ids=lambda c: c.__name__)
def test_every_error_of_ours_has_its_row_on_the_page(error: type[ProxyError]) -> None:
    assert (error.status, error.code or "null") in TOLD


@pytest.mark.parametrize("error", CLASSES, ids=lambda c: c.__name__)
def test_every_error_is_in_the_tree_that_heads_its_module(error: type[ProxyError]) -> None:
    assert error.__name__ in (errors.__doc__ or "")


@pytest.mark.parametrize("kind", ERROR_TABLE)
@pytest.mark.parametrize("attempts", [1, 2])
def test_only_a_rate_limit_after_one_attempt_is_worth_a_retry(kind: Kind, attempts: int) -> None:
    error = UpstreamFailed(Failure.of(kind, Message("x")), attempts=attempts)
    assert error.should_retry is (kind == "rate_limited" and attempts == 1)
    assert (error.retry_after_s is not None) is (kind == "rate_limited")


def test_stream_codes_are_for_streams_that_have_begun() -> None:
    for kind in ("reset", "truncated"):
        assert UpstreamFailed(Failure.of(kind, Message("x")), attempts=1).code == "upstream_error"
        assert str(UpstreamFailed(Failure.of(kind, Message("x")), attempts=1, in_stream=True).code).startswith(
            "upstream_stream_"
        )


def test_a_body_stays_under_two_kibibytes_whatever_the_message() -> None:
    for text in ("x" * 100_000, "错" * 100_000, '"\\\n' * 50_000):
        assert len(errors.BadRequest(as_message(text), param="messages[0].content", code="invalid_type").body()) <= 2048
