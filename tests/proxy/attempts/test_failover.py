"""The party at fault for a failure decides what happens next."""

from typing import Any

import httpx2
import pytest

from config.schema import Settings
from proxy.app_state import AppState
from proxy.upstream.client import Upstream
from tests.proxy.play import BOTH, DONE, Played, chunk, error, hello, play, stream, whole

FIRST_FAILS: list[tuple[str, Any, list[str]]] = [
    ("an error inside 200", lambda: httpx2.Response(200, json={"error": {"message": "x", "type": "server_error"}}), ["kimi", "kimi"]),
    ("a reset", lambda: httpx2.ReadError("reset"), ["kimi", "kimi"]),
    ("a refused connection", lambda: httpx2.ConnectError("refused"), ["kimi", "kimi"]),
    ("a 500", lambda: error(500, "server_error"), ["kimi", "kimi"]),
    ("an HTML 502", lambda: httpx2.Response(502, html="<html>bad gateway</html>"), ["kimi", "kimi"]),
    ("HTML with 200", lambda: httpx2.Response(200, html="<html>captive portal</html>"), ["kimi", "kimi"]),
    ("an empty body", lambda: httpx2.Response(200, content=b""), ["kimi", "kimi"]),
    ("a refused key", lambda: error(401, "invalid_authentication_error"), ["kimi"]),
    ("empty funds", lambda: error(429, "exceeded_current_quota_error"), ["kimi"]),
    ("a rate limit", lambda: error(429, "rate_limit_reached_error"), ["kimi"]),
    ("a retired model", lambda: error(404, "resource_not_found_error"), ["kimi"]),
]  # fmt: skip


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(("what", "make", "calls"), FIRST_FAILS, ids=[row[0] for row in FIRST_FAILS])
def test_the_second_target_answers_when_the_first_fails(what: str, make: Any, calls: list[str], streamed: bool) -> None:
    replies = {"kimi": [make() for _ in calls], "qwen": [hello() if streamed else whole("hello")]}
    played = play(replies, stream=streamed)

    assert played.status == 200
    assert played.text == "hello"
    assert played.calls == [*calls, "qwen"]
    assert played.headers["x-banjia-target"] == "qwen/qwen3.6-plus"
    assert played.headers["x-banjia-attempts"] == str(len(calls) + 1)


STREAM_FAILS: list[tuple[str, Any]] = [
    ("an error as the first event", lambda: stream(b'data: {"error":{"message":"x","type":"server_error"}}\n\n')),
    ("only a role, then a reset", lambda: stream(chunk({"role": "assistant"}), error=httpx2.ReadError("reset"))),
    ("only a role, then the end", lambda: stream(chunk({"role": "assistant", "content": ""}))),
    ("an end marker and nothing else", lambda: stream(DONE)),
    ("broken JSON", lambda: stream(b"data: {nope\n\n")),
]


@pytest.mark.parametrize(("what", "make"), STREAM_FAILS, ids=[row[0] for row in STREAM_FAILS])
def test_a_stream_that_fails_before_content_goes_to_the_next_target(what: str, make: Any) -> None:
    played = play({"kimi": [make(), make()], "qwen": [hello()]}, stream=True)

    assert (played.status, played.text, played.events[-1]) == (200, "hello", "[DONE]")
    assert played.calls == ["kimi", "kimi", "qwen"]
    assert played.lines[0]["ending"] == "complete"


CALLERS_FAULT = [
    ("bad request", lambda: error(400, "invalid_request_error", "Invalid request: x"), None),
    ("inspected", lambda: error(400, "content_filter", "high risk"), "content_filter"),
    (
        "too long",
        lambda: error(400, "invalid_request_error", "exceeded model token limit: 8"),
        "context_length_exceeded",
    ),
]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(("what", "make", "code"), CALLERS_FAULT, ids=[row[0] for row in CALLERS_FAULT])
def test_an_error_of_the_client_costs_exactly_one_call(what: str, make: Any, code: str | None, streamed: bool) -> None:
    played = play({"kimi": [make()]}, stream=streamed)

    assert played.calls == ["kimi"]
    assert played.status == 400
    assert played.json["error"]["code"] == code
    assert played.json["error"]["type"] == "invalid_request_error"
    assert played.headers["x-should-retry"] == "false"


@pytest.mark.parametrize(("kind", "make"), [("inspection", CALLERS_FAULT[1][1]), ("context", CALLERS_FAULT[2][1])])
def test_reroute_sends_what_it_names_to_the_next_target(kind: str, make: Any) -> None:
    played = play({"kimi": [make()], "qwen": [whole("ok")]}, {**BOTH, "policy": {"reroute": [kind]}})

    assert (played.status, played.calls) == (200, ["kimi", "qwen"])


def test_after_content_a_failure_is_an_error_event_and_no_other_target_is_called() -> None:
    played = play({"kimi": [stream(chunk({"content": "half"}), error=httpx2.ReadError("reset"))]}, stream=True)

    assert played.status == 200
    assert played.events[-1]["error"]["code"] == "upstream_stream_reset"
    assert "[DONE]" not in played.events
    assert all(c["finish_reason"] is None for e in played.events for c in e.get("choices", []))
    assert played.lines[0]["ending"] == "truncated"


def test_the_next_key_is_tried_before_the_next_target() -> None:
    keys = ["sk-kimi-000000000000000a", "sk-kimi-000000000000000b"]
    settings = {**BOTH, "vendors": {**BOTH["vendors"], "kimi": {"api_keys": keys}}}
    played = play({"kimi": [error(401, "invalid_authentication_error"), whole("ok")]}, settings)

    assert played.status == 200
    assert sorted(played.keys) == keys


def test_a_refused_key_cools_down_while_there_is_another() -> None:
    keys = ["sk-kimi-000000000000000a", "sk-kimi-000000000000000b"]
    settings = {**BOTH, "vendors": {**BOTH["vendors"], "kimi": {"api_keys": keys}}}
    first = play({"kimi": [error(401, "invalid_authentication_error"), whole("ok")]}, settings)

    for _ in range(3):
        later = play({"kimi": [whole("ok")]}, state=first.state)
        assert later.keys == first.keys[1:]


def test_the_last_key_of_the_last_target_is_never_rested() -> None:
    one = {"vendors": {"kimi": {"api_key": "sk-kimi-0000000000000001"}}}
    first = play({"kimi": [error(401, "invalid_authentication_error")]}, one)
    assert first.status == 502
    error_ = first.json["error"]
    assert error_["code"] == "upstream_auth_error"
    assert "Kimi refused the key ending in 0001" in error_["message"]
    assert "sk-kimi" not in error_["message"]

    assert play({"kimi": [whole("ok")]}, state=first.state).status == 200


def test_missing_funds_are_reported_as_openai_does() -> None:
    one = {"vendors": {"kimi": {"api_key": "sk-kimi-0000000000000001"}}}
    played = play({"kimi": [error(429, "exceeded_current_quota_error", "insufficient balance")]}, one)

    assert played.status == 429
    assert (played.json["error"]["type"], played.json["error"]["code"]) == ("insufficient_quota", "insufficient_quota")
    assert played.headers["x-should-retry"] == "false"
    assert "retry-after" not in played.headers


def test_a_rate_limit_without_another_target_is_waited_for() -> None:
    one = {"vendors": {"kimi": {"api_key": "sk-kimi-0000000000000001"}}}
    limited = error(429, "rate_limit_reached_error", "RPM", **{"retry-after": "0.2"})
    played = play({"kimi": [limited, whole("ok")]}, one)

    assert (played.status, len(played.calls), played.headers["x-banjia-attempts"]) == (200, 2, "1")


def test_a_rate_limit_with_too_long_a_wait_is_forwarded_with_its_wait() -> None:
    one = {"vendors": {"kimi": {"api_key": "sk-kimi-0000000000000001"}}}
    limited = error(429, "rate_limit_reached_error", "TPD", **{"retry-after": "3600"})
    played = play({"kimi": [limited]}, one)

    assert played.status == 429
    assert played.json["error"]["code"] == "rate_limit_exceeded"
    assert (played.headers["retry-after"], int(played.headers["retry-after-ms"]) // 1000) in [
        ("3600", 3599),
        ("3600", 3600),
    ]
    assert played.headers["x-should-retry"] == "true"


def test_three_attempts_in_all_and_two_a_target() -> None:
    played = play({"kimi": [error(500, "x"), error(500, "x")], "qwen": [error(500, "x")]})

    assert played.calls == ["kimi", "kimi", "qwen"]
    assert (played.status, played.json["error"]["code"]) == (502, "upstream_error")
    assert played.headers["x-should-retry"] == "false"
    assert len(played.waits) == 2
    assert 0 <= played.waits[0] <= 0.25


@pytest.mark.parametrize(
    ("cause", "make"),
    [
        ("5xx", lambda: error(500, "x")),
        ("reset", lambda: httpx2.ReadError("reset")),
        ("error_in_200", lambda: httpx2.Response(200, json={"error": {"message": "x"}})),
        ("html", lambda: httpx2.Response(502, html="<html></html>")),
    ],
)
def test_causes_that_retry_on_omits_are_not_retried(cause: str, make: Any) -> None:
    causes = [c for c in ("5xx", "html", "reset", "timeout", "error_in_200") if c != cause]
    played = play({"kimi": [make()]}, {**BOTH, "policy": {"retry_on": causes}})

    assert (played.status, played.calls) == (502, ["kimi"])


def test_a_target_that_cannot_serve_the_request_is_passed_over() -> None:
    settings = {**BOTH, "models": {"gpt-4o": ["qwen/qwen3.6-plus", "kimi/kimi-k2.6"]}}
    played = play({"kimi": [whole("{}")]}, settings, logprobs=True)

    assert (played.status, played.calls) == (200, ["kimi"])


def test_when_no_target_can_serve_it_the_first_reason_is_returned() -> None:
    played = play({}, n=17)

    assert played.status == 400
    assert played.json["error"]["param"] == "n"
    assert played.json["error"]["code"] == "unsupported_parameter"
    assert "kimi-k2.6" in played.json["error"]["message"]


def test_strict_refuses_what_adapt_would_drop_and_names_it() -> None:
    played = play({}, {**BOTH, "policy": {"unsupported": "strict"}}, logit_bias={"1": 2})

    assert (played.status, played.json["error"]["param"]) == (400, "logit_bias")


def test_a_bug_of_ours_is_a_500_that_shows_only_the_request_id(caplog: pytest.LogCaptureFixture) -> None:
    state = AppState(Settings.model_validate(BOTH), Upstream(httpx2.MockTransport(lambda request: whole("x"))))
    state.snapshot.accounts.clear()
    played = play({}, state=state)

    assert (played.status, played.json["error"]["code"]) == (500, "internal_error")
    assert "KeyError" not in played.body.decode()
    assert "KeyError" in caplog.text


def endings(played: Played) -> str:
    return str(played.lines[0]["ending"])


def test_every_request_ends_in_exactly_one_line() -> None:
    for played in (play({"kimi": [whole("x")]}), play({}, n=17), play({"kimi": [hello()]}, stream=True)):
        assert len(played.lines) == 1
    assert endings(play({}, n=17)) == "rejected"
