"""Moderations by the operator's setting: refused, or answered as not flagged and marked so."""

from typing import Any

import pytest

from tests.proxy.server.asgi_requests import Knock, answer, knock
from tests.support.openai_spec import holds, validator

PATH = "/v1/moderations"
VENDORS = {"kimi": {"api_key": "sk-kimi-0000000000000001"}}
PASS: dict[str, Any] = {"vendors": VENDORS, "policy": {"moderations": "pass"}}
PARTS = [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "https://x/y.png"}}]


def test_by_default_they_are_refused_and_the_message_names_the_setting() -> None:
    found = answer("POST", PATH, {"input": "a"})

    error = found.json()["error"]
    assert (found.status_code, error["code"], error["type"]) == (404, "not_supported", "invalid_request_error")
    assert "POST /v1/moderations" in error["message"]
    assert "policy.moderations" in error["message"]
    assert found.headers["x-should-retry"] == "false"


@pytest.mark.parametrize(("given", "results"), [("a", 1), ("", 1), (["a"], 1), (["a", "", "c"], 3), (PARTS, 1)])
def test_pass_answers_each_input_as_not_flagged(given: Any, results: int) -> None:
    found = answer("POST", PATH, {"input": given, "model": "text-moderation-latest"}, settings=PASS)

    assert found.status_code == 200
    body = found.json()
    holds("CreateModerationResponse", body)
    assert body["model"] == "text-moderation-latest"
    assert body["id"].startswith("modr-")
    assert [one["flagged"] for one in body["results"]] == [False] * results
    for one in body["results"]:
        assert len(one["categories"]) == len(one["category_scores"]) == 13
        assert not any(one["categories"].values())
        assert not any(one["category_scores"].values())
        assert not any(one["category_applied_input_types"].values()), "no input was looked at"


def test_the_validator_would_miss_a_category() -> None:
    body = answer("POST", PATH, {"input": "a"}, settings=PASS).json()
    del body["results"][0]["categories"]["violence"]
    assert not validator("CreateModerationResponse").is_valid(body)


def test_pass_is_marked_as_made_up_in_the_answer_and_in_the_log() -> None:
    opened = knock(Knock("POST", PATH, {"input": "a"}), settings=PASS)

    headers = opened.answers[0].headers
    assert headers["x-banjia-adapted"] == "moderations=emulated"
    assert "x-banjia-target" not in headers
    assert headers["x-request-id"].startswith("req_")
    assert not opened.calls
    (line,) = opened.lines
    assert (line["operation"], line["ending"], line["status"]) == ("moderations", "complete", 200)
    assert line["model"] == "omni-moderation-latest"
    assert line["adapted"] == {"moderations": "emulated"}


@pytest.mark.parametrize("path", ["/moderations", "/v1/v1/moderations", "/openai/v1/moderations", "/v1/moderations/"])
def test_pass_answers_at_every_path(path: str) -> None:
    assert answer("POST", path, {"input": "a"}, settings=PASS).status_code == 200


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        (b"{", None, None),
        (b"[]", "invalid_type", None),
        ({}, "missing_required_parameter", "input"),
        ({"input": None}, "missing_required_parameter", "input"),
        ({"input": []}, None, "input"),
        ({"input": [""] * 2049}, None, "input"),
        ({"input": 5}, "invalid_type", "input"),
        ({"input": [5]}, "invalid_type", "input[0]"),
        ({"input": ["a", 5]}, "invalid_type", "input[1]"),
        ({"input": [{"type": "audio"}]}, "unsupported_value", "input[0].type"),
        ({"input": "a", "model": 5}, "invalid_type", "model"),
    ],
)
def test_requests_that_openai_would_refuse_are_refused(body: Any, code: str | None, param: str | None) -> None:
    opened = knock(Knock("POST", PATH, body), settings=PASS)

    error = opened.answers[0].json()["error"]
    assert (opened.answers[0].status_code, error["code"], error["param"]) == (400, code, param)
    assert opened.lines[0]["ending"] == "rejected"


@pytest.mark.parametrize("policy", ["refuse", "pass"])
def test_a_key_is_required_first(policy: str) -> None:
    settings = {
        "vendors": VENDORS,
        "policy": {"moderations": policy},
        "server": {"client_keys": ["sk-client-00000001"]},
    }

    assert answer("POST", PATH, {"input": "a"}, settings=settings).status_code == 401


def test_a_body_over_the_limit_is_413() -> None:
    settings = {**PASS, "server": {"max_body_mb": 0.001}}

    assert answer("POST", PATH, {"input": "a" * 2000}, settings=settings).status_code == 413


def test_a_target_that_no_adapter_can_serve_is_never_guessed_at() -> None:
    """The configuration check refuses it; if it happens nevertheless, nothing is reported as moderated."""
    settings = {"vendors": VENDORS, "policy": {"moderations": "kimi/kimi-k2.6"}}

    assert answer("POST", PATH, {"input": "a"}, settings=settings).status_code == 404
