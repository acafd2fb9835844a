"""Every spelling of a path that SDKs and pasted base URLs produce leads to the same response."""

from typing import Any

import pytest

from proxy.server.path_router import normalize_path
from tests.proxy.server.asgi_requests import Knock, answer, knock

HELLO = [{"role": "user", "content": "hi"}]
CHAT: dict[str, Any] = {"model": "gpt-4o", "messages": HELLO}

SPELLINGS = [
    "/v1/chat/completions",
    "/chat/completions",
    "/v1/v1/chat/completions",
    "/v1/v1/v1/chat/completions",
    "//v1//chat/completions",
    "/v1/chat/completions/",
    "/v1/chat/completions?api-version=2024-06-01&x=%2F",
    "/openai/v1/chat/completions",
    "/openai/v1/chat/completions?api-version=preview",
    "/openai/chat/completions?api-version=2024-06-01",
    "/v1/openai/v1/chat/completions",
    "/%761/chat/completions",
]


@pytest.mark.parametrize("path", SPELLINGS)
def test_every_spelling_of_a_path_reaches_the_model_that_the_body_names(path: str) -> None:
    opened = knock(Knock("POST", path, CHAT))

    assert opened.answers[0].status_code == 200, opened.answers[0].text
    assert opened.answers[0].headers["x-banjia-target"] == "kimi/kimi-k2.6"
    assert opened.lines[0]["model"] == "gpt-4o"


NAMED = [
    "/openai/deployments/{}/chat/completions?api-version=2024-06-01",
    "/openai/deployments/{}/chat/completions",
    "//openai/deployments/{}/chat/completions?api-version=2023-05-15",
    "/v1/openai/deployments/{}/chat/completions?api-version=2024-06-01",
    "/deployments/{}/chat/completions",
    "/v1/engines/{}/chat/completions",
    "/engines/{}/chat/completions",
]


@pytest.mark.parametrize("path", NAMED)
@pytest.mark.parametrize(("name", "target"), [("gpt-4o", "kimi/kimi-k2.6"), ("my/deployment", "qwen/qwen3.6-plus"),
                                              ("my%2Fdeployment", "qwen/qwen3.6-plus")])  # fmt: skip
@pytest.mark.parametrize("body", [{"messages": HELLO}, {"messages": HELLO, "model": "gpt-4o-mini"},
                                  {"messages": HELLO, "model": None}], ids=["no model", "another", "null"])  # fmt: skip
def test_a_path_that_names_the_model_overrides_the_body(
    path: str, name: str, target: str, body: dict[str, Any]
) -> None:
    opened = knock(Knock("POST", path.format(name), body))

    assert opened.answers[0].status_code == 200, opened.answers[0].text
    assert opened.answers[0].headers["x-banjia-target"] == target
    assert opened.answers[0].json()["model"] == name.replace("%2F", "/")
    assert opened.sent()["messages"] == HELLO


@pytest.mark.parametrize(
    "path", ["/openai/deployments/small/embeddings?api-version=2024-06-01", "/v1/engines/small/embeddings"]
)
def test_embeddings_too_are_found_under_the_name_in_the_path(path: str) -> None:
    opened = knock(Knock("POST", path, {"input": "a"}))

    assert opened.answers[0].json()["data"][0]["embedding"] == [0.5, 0.25]
    assert opened.sent()["model"] == "text-embedding-v4"


@pytest.mark.parametrize(
    ("path", "name", "rest"),
    [
        ("/openai/deployments/chat/completions/chat/completions", "chat/completions", "/v1/chat/completions"),
        ("/openai/deployments/chat/completions", "chat", "/v1/completions"),
        ("/openai/deployments/qwen/qwen3.6-plus/completions", "qwen/qwen3.6-plus", "/v1/completions"),
        ("/openai/deployments/x/audio/transcriptions", "x", "/v1/audio/transcriptions"),
        ("/openai/deployments/x/images/generations", "x", "/v1/images/generations"),
        ("/openai/deployments/模型/embeddings", "模型", "/v1/embeddings"),
        ("/openai/deployments", None, "/v1/deployments"),
        ("/openai/deployments/x/extensions/chat/completions", None, "/v1/deployments/x/extensions/chat/completions"),
        ("/v1/models/openai/gpt-4o", None, "/v1/models/openai/gpt-4o"),
        ("/v1/models/v1/x", None, "/v1/models/v1/x"),
        ("/v1", None, "/"),
        ("/", None, "/"),
        ("/livez/", None, "/livez"),
    ],
)
def test_a_path_is_taken_apart_where_its_name_ends(path: str, name: str | None, rest: str) -> None:
    assert normalize_path(path) == (rest, name)


def test_a_long_path_is_looked_at_in_no_time() -> None:
    for piece in ("/v1", "/deployments/x", "/audio/x", "/", "/completions"):
        assert normalize_path("/openai/deployments/" + piece * 10_000)[0].startswith("/")


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        (b"", None, None),
        (b"{", None, None),
        (b"[]", "invalid_type", None),
        ({}, "missing_required_parameter", "messages"),
        ({"messages": HELLO, "temperature": 3}, None, "temperature"),
    ],
)
def test_a_wrong_body_at_an_azure_path_gets_the_error_it_gets_at_any(body: Any, code: str | None, param: str) -> None:
    found = answer("POST", "/openai/deployments/gpt-4o/chat/completions?api-version=2024-06-01", body)

    assert found.status_code == 400
    error = found.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["code"], error["param"]) == (code, param)


def test_a_deployment_that_no_vendor_serves_is_openais_model_not_found() -> None:
    found = answer("POST", "/openai/deployments/gpt-4oo/chat/completions?api-version=2024-06-01", {"messages": HELLO})

    error = found.json()["error"]
    assert (found.status_code, error["code"], error["param"]) == (404, "model_not_found", "model")
    assert "gpt-4o'" in error["message"]
    assert set(error) == {"message", "type", "param", "code"}


@pytest.mark.parametrize(
    "path", ["/openai/models?api-version=2024-06-01", "/openai/v1/models", "/models/", "/v1/v1/models"]
)
def test_models_are_listed_at_every_path(path: str) -> None:
    assert "gpt-4o" in {model["id"] for model in answer("GET", path).json()["data"]}


KEYS = {"server": {"client_keys": ["sk-client-00000001"]}, "vendors": {"kimi": {"api_key": "sk-kimi-0000000000000001"}}}


@pytest.mark.parametrize("headers", [{"api-key": "sk-client-00000001"}, {"authorization": "Bearer sk-client-00000001"}])
@pytest.mark.parametrize(
    "path", ["/openai/deployments/gpt-4o/chat/completions?api-version=2024-06-01", "/v1/chat/completions"]
)
def test_azures_key_header_and_openais_are_taken_at_every_path(headers: dict[str, str], path: str) -> None:
    opened = knock(Knock("POST", path, CHAT, headers), Knock("POST", path, CHAT, {"api-key": "wrong"}), settings=KEYS)

    assert [one.status_code for one in opened.answers] == [200, 401]
    assert "sk-client" not in str(opened.calls[0].headers)


def test_no_query_and_no_header_of_azures_reaches_the_vendor() -> None:
    opened = knock(Knock("POST", "/openai/deployments/gpt-4o/chat/completions?api-version=1&base_url=http://x", CHAT,
                         {"api-key": "k", "x-ms-client-request-id": "1"}))  # fmt: skip

    assert opened.calls[0].url.query == b""
    assert not [name for name in opened.calls[0].headers if name.startswith(("x-ms", "api-key"))]


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "GET", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize(
    "path", ["/v1/chat/completions", "/openai/deployments/gpt-4o/chat/completions", "/v1/moderations"]
)
def test_another_method_is_405_and_names_the_one_that_is_there(method: str, path: str) -> None:
    found = answer(method, path)

    assert found.status_code == 405
    assert found.headers["allow"] == "POST"
    assert not [name for name in found.headers if name.startswith("access-control")], "no browser is let in unasked"
    if method != "HEAD":
        error = found.json()["error"]
        assert error["code"] == "method_not_allowed"
        assert path in error["message"]


def test_an_unknown_path_is_reported_as_the_client_spelt_it() -> None:
    assert "Invalid URL (POST /v1/nothing)" in answer("POST", "/v1/nothing?x=1", {}).json()["error"]["message"]
    assert "(POST /openai/nothing)" in answer("POST", "/openai/nothing", {}).json()["error"]["message"]


def test_health_is_found_with_a_stray_slash_and_never_redirects() -> None:
    for path in ("/livez", "/livez/", "//readyz", "/healthz", "/health/readiness/"):
        assert answer("GET", path).json() == {"status": "ok"}
