"""The judge of the chaos run detects violations."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.clients import Broken, Outcome, checked_error, understood
from tests.chaos.judge import Verdict, judge, judge_attempts, judge_calls, judge_logs, judge_spared
from tests.chaos.plan import Plan, Planned, drawn
from tests.chaos.stage import Book, LogPipe, Logs

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


def head(object_: str) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": object_, "created": 1, "model": "gpt-4o"}


def chunk(text: str, finish: str | None = None, role: str | None = "assistant") -> dict[str, Any]:
    delta = {"content": text, **({"role": role} if role else {})}
    return {**head("chat.completion.chunk"), "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def answer(text: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": text, "refusal": None}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return {**head("chat.completion"), "choices": [choice], "usage": usage}


def violations(planned: Planned, outcome: Outcome) -> list[str]:
    verdict = Verdict()
    judge(planned, outcome, verdict, calm=True)
    return verdict.violations


def test_valid_responses_have_no_violation() -> None:
    whole = http(json.dumps(answer(MEANT)).encode())
    for planned, seen, word in (
        (WHOLE, whole, "complete"),
        (WHOLE, http(json.dumps(ERROR).encode(), 502), "rejected"),
        (STREAM, events(chunk(MEANT[:5]), chunk(MEANT[5:], "stop", role=None), "[DONE]"), "complete"),
        (STREAM, events(chunk("You"), ERROR), "truncated"),
    ):
        outcome = understood(seen, planned)
        assert outcome.word == word
        assert violations(planned, outcome) == []


def test_a_response_that_is_not_openais_is_seen() -> None:
    twice = events(chunk(MEANT[:5]), chunk(MEANT[5:], "stop"), "[DONE]")
    assert violations(STREAM, understood(twice, STREAM))
    body = json.dumps({**answer(MEANT), "usage": None}).encode()
    assert violations(WHOLE, understood(http(body), WHOLE))


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
    assert violations(WHOLE, Outcome("rejected", status, error={**ERROR["error"], "code": code}))


def test_too_many_attempts_are_seen() -> None:
    book = Book(Plan(1, [WHOLE], drawn(1, 0).connections))
    for count, wrong in ((3, 0), (4, 1)):
        verdict = Verdict()
        book.attempts[0, 0] = count
        judge_attempts(book, set(), verdict)
        assert len(verdict.violations) == wrong


def test_a_call_that_was_refused_by_rate_may_be_sent_again() -> None:
    book = Book(Plan(1, [WHOLE], drawn(1, 0).connections))
    book.attempts[0, 0], book.refusals[0, 0] = 4, 1
    verdict = Verdict()
    judge_attempts(book, set(), verdict)
    assert verdict.violations == []


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ({"attempts": 1, "refused_calls": 1}, 0),
        ({"attempts": 2}, 0),
        ({"attempts": 1}, 1),
        ({"attempts": 0, "refused_calls": 2}, 1),
        ({"attempts": 4}, 1),
    ],
    ids=["waited", "went on", "a call is missing", "more refusals than the vendor's", "too many attempts"],
)
def test_a_line_that_does_not_have_the_calls_of_its_request_is_seen(line: dict[str, int], wrong: int) -> None:
    book = Book(Plan(1, [WHOLE], drawn(1, 0).connections))
    book.attempts[0, 0], book.refusals[0, 0] = 2, 1
    verdict = Verdict()
    judge_calls(book, {0: Outcome("complete", 200, MEANT, request_id="req_1")}, {"req_1": line}, set(), verdict)
    assert len(verdict.violations) == wrong


@pytest.mark.parametrize(
    ("may_drop", "lines", "dropped", "wrong"),
    [(True, 3, 0, 0), (True, 1, 2, 0), (True, 1, 1, 1), (True, 2, 0, 1), (False, 1, 2, 2)],
    ids=["all", "all but those dropped", "one more is missing", "one is missing", "dropped though it was read"],
)
def test_lines_that_are_missing_without_a_report_are_seen(
    tmp_path: Path, may_drop: bool, lines: int, dropped: int, wrong: int
) -> None:
    logs = Logs("one", tmp_path / "out", tmp_path / "err", may_drop)
    reported: list[dict[str, Any]] = [{"request_id": f"req_{number}", "ending": "complete"} for number in range(lines)]
    if dropped:
        reported.append({"time": "2026-11-29T10:00:00.000Z", "log_lines_dropped": dropped})
    logs.out.write_text("".join(json.dumps(line) + "\n" for line in reported))
    logs.err.touch()
    verdict = Verdict()
    judge_logs([logs], 3, verdict)
    assert len(verdict.violations) == wrong


def test_a_pause_of_a_log_pipe_loses_nothing_by_itself(tmp_path: Path) -> None:
    async def scene() -> None:
        pipe = LogPipe(tmp_path / "out")
        pipe.pause()
        os.write(pipe.writer, b"1\n")
        await asyncio.sleep(0.05)
        paused = (tmp_path / "out").exists() and (tmp_path / "out").read_bytes()
        assert not paused
        pipe.resume()
        os.write(pipe.writer, b"2\n")
        os.close(pipe.writer)
        pipe.close()

    asyncio.run(scene())
    assert (tmp_path / "out").read_bytes() == b"1\n2\n"


def test_the_same_seed_makes_the_same_plan() -> None:
    one, same, other = (drawn(seed, 200) for seed in (1, 1, 2))
    calls = [(number, turn, call) for number in range(200) for turn in range(2) for call in range(1, 4)]
    refusals = [one.refusal(*call) for call in calls]
    assert one.requests == same.requests != other.requests
    assert [one.of_connection() for _ in range(200)] == [same.of_connection() for _ in range(200)]
    assert refusals == [same.refusal(*call) for call in reversed(calls)][::-1]
    assert 60 < sum(refusal is not None for refusal in refusals) < 180
    assert {refusal.retry_after_s for refusal in refusals if refusal} == {1, None}


def test_a_429_without_a_time_is_seen() -> None:
    error = {**ERROR["error"], "code": "rate_limit_exceeded"}
    body = json.dumps({"error": error}).encode()
    with_time = http(body, 429).replace(b"\r\n", b"\r\nretry-after: 2\r\n", 1)
    assert violations(WHOLE, understood(with_time, WHOLE)) == []
    assert violations(WHOLE, understood(http(body, 429), WHOLE))


def test_calm_requests_that_are_not_answered_are_seen() -> None:
    verdict = Verdict()
    verdict.spared.update({"complete": 90, "rejected": 10})
    judge_spared(verdict)
    assert verdict.violations
