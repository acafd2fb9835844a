"""The judge of the chaos run sees what is wrong: a run that can't fail would say nothing."""

import json
from typing import Any

import pytest

from tests.chaos.clients import Broken, Outcome, checked_error, understood
from tests.chaos.judge import Verdict, judge, judge_attempts, judge_spared
from tests.chaos.plan import Plan, Planned, drawn
from tests.chaos.stage import Book

STREAM = Planned(0, "gpt-4o", stream=True, sdk=False, text="hi")
WHOLE = Planned(0, "gpt-4o", stream=False, sdk=False, text="hi")
ERROR = {"error": {"message": "no", "type": "server_error", "param": None, "code": "upstream_error"}}
MEANT = "You said: #0.0# hi"


def http(body: bytes, status: int = 200) -> bytes:
    return b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n" % (status, len(body)) + body


def events(*payloads: Any, end: bool = True) -> bytes:
    texts = [payload if isinstance(payload, str) else json.dumps(payload) for payload in payloads]
    body = "".join(f"data: {text}\n\n" for text in texts).encode()
    return b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n" % (len(body), body) + b"0\r\n\r\n" * end


def chunk(text: str, finish: str | None = None) -> dict[str, Any]:
    return {"choices": [{"delta": {"content": text}, "finish_reason": finish}]}


def violations(planned: Planned, outcome: Outcome) -> list[str]:
    verdict = Verdict()
    judge(planned, outcome, verdict, calm=True)
    return verdict.violations


def test_what_is_right_is_no_violation() -> None:
    whole = http(json.dumps({"choices": [{"message": {"content": MEANT}}]}).encode())
    for planned, seen, word in (
        (WHOLE, whole, "complete"),
        (WHOLE, http(json.dumps(ERROR).encode(), 502), "error"),
        (STREAM, events(chunk(MEANT[:5]), chunk(MEANT[5:], "stop"), "[DONE]"), "complete"),
        (STREAM, events(chunk("You"), ERROR), "cut"),
    ):
        outcome = understood(seen, planned)
        assert outcome.word == word
        assert violations(planned, outcome) == []


@pytest.mark.parametrize(
    "seen",
    [
        events(chunk("You")),
        events(chunk("You"), "[DONE]"),
        events(chunk("You", "stop"), ERROR, "[DONE]"),
        events(chunk(MEANT, "stop"), "[DONE]", end=False),
        events(),
        http(b"x")[:-1],
    ],
    ids=["no end", "no finish_reason", "an error and an end", "no last chunk", "nothing", "half a body"],
)
def test_a_stream_without_a_proper_end_is_seen(seen: bytes) -> None:
    with pytest.raises((Broken, ValueError, KeyError)):
        understood(seen, STREAM)


@pytest.mark.parametrize(
    "error",
    [
        {"detail": "no"},
        {"error": {"message": "no", "type": "server_error", "param": None}},
        {"error": {**ERROR["error"], "code": 5}},
        {"error": {**ERROR["error"], "message": "<html>"}},
        {"error": {**ERROR["error"], "message": "x" * 3000}},
    ],
)
def test_an_error_out_of_shape_is_seen(error: Any) -> None:
    with pytest.raises(Broken):
        checked_error(error)


def test_the_text_of_another_request_is_seen() -> None:
    assert violations(WHOLE, Outcome("complete", 200, "You said: #1.0# hi"))
    assert violations(WHOLE, Outcome("complete", 200, MEANT[:-1]))


@pytest.mark.parametrize(("status", "code"), [(500, "internal_error"), (401, "invalid_api_key"), (400, None)])
def test_an_error_without_a_reason_is_seen(status: int, code: str | None) -> None:
    assert violations(WHOLE, Outcome("error", status, error={**ERROR["error"], "code": code}))


def test_too_many_attempts_are_seen() -> None:
    book = Book(Plan(1, [WHOLE], drawn(1, 0).connections))
    for count, wrong in ((3, 0), (4, 1)):
        verdict = Verdict()
        book.attempts[0, 0] = count
        judge_attempts(book, set(), verdict)
        assert len(verdict.violations) == wrong


def test_calm_requests_that_are_not_answered_are_seen() -> None:
    verdict = Verdict()
    verdict.spared.update({"complete": 90, "error": 10})
    judge_spared(verdict)
    assert verdict.violations
