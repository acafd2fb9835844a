"""The listed and retrievable model names, and their owners."""

from typing import Any

import pytest

from tests.proxy.server.asgi_requests import answer

KIMI = {"api_key": "sk-kimi-0000000000000001"}
QWEN = {"api_key": "sk-qwen-0000000000000001"}
BOTH = {"kimi": KIMI, "qwen": QWEN}


def listed(settings: Any) -> dict[str, str]:
    """The names of /v1/models, with their owners."""
    found = answer("GET", "/v1/models", settings=settings).json()
    assert found["object"] == "list"
    assert all(set(model) == {"id", "object", "created", "owned_by"} for model in found["data"])
    names = {model["id"]: model["owned_by"] for model in found["data"]}
    assert len(names) == len(found["data"]), "a name is listed twice"
    return names


def found(name: str, settings: Any) -> Any:
    return answer("GET", f"/v1/models/{name}", settings=settings)


def test_the_operators_names_come_first_and_then_the_stand_ins() -> None:
    names = listed({"vendors": BOTH, "models": {"mine": "qwen/qwen3.6-plus", "gpt-4o": "qwen/qwen3.6-plus"}})

    assert list(names)[:2] == ["mine", "gpt-4o"]
    assert {"gpt-3.5-turbo", "gpt-4", "gpt-4o-mini", "text-embedding-3-small"} <= set(names)
    assert (names["mine"], names["gpt-4o"], names["gpt-3.5-turbo"]) == ("qwen", "qwen", "kimi")
    assert not [name for name in names if "*" in name]


def test_a_stand_in_belongs_to_whoever_answers_under_its_name() -> None:
    names = listed({"vendors": BOTH, "models": {"gpt-3.5*": "qwen/qwen3.6-flash"}})

    assert names["gpt-3.5-turbo"] == "qwen"
    assert names["gpt-4o"] == "kimi"
    assert names["text-embedding-3-small"] == "qwen", "the first vendor has no embeddings"


def test_a_name_whose_vendor_is_off_is_not_listed() -> None:
    settings = {"vendors": {"kimi": KIMI, "qwen": {}}, "models": {"mine": "qwen/qwen3.6-plus"}}

    names = listed(settings)

    assert "mine" not in names
    assert set(names.values()) == {"kimi"}
    assert found("mine", settings).status_code == 404


def test_a_listed_model_can_be_retrieved_with_the_same_content() -> None:
    settings = {"vendors": BOTH, "models": {"a/b:c": "qwen/qwen3.6-plus", "gpt-4*": "qwen/qwen3.6-plus"}}
    for name, owner in listed(settings).items():
        one = found(name, settings).json()
        assert (one["id"], one["owned_by"]) == (name, owner)


@pytest.mark.parametrize(("name", "owner"), [("kimi-k2.6", "kimi"), ("qwen/qwen3.6-plus", "qwen"), ("text-embedding-v4", "qwen"),
                                             ("gpt-4-0613", "kimi"), ("kimi%2Fkimi-k2.6", "kimi")])  # fmt: skip
def test_a_vendors_own_id_is_found_though_not_listed(name: str, owner: str) -> None:
    one = found(name, {"vendors": BOTH})

    assert one.status_code == 200, one.text
    assert one.json()["owned_by"] == owner


def test_a_vendors_own_id_is_no_name_where_models_are_closed() -> None:
    settings = {"vendors": BOTH, "policy": {"open_models": False}}
    for name in ("kimi-k2.6", "qwen/qwen3.6-plus"):
        assert found(name, settings).status_code == 404
    assert found("gpt-4o", settings).status_code == 200


@pytest.mark.parametrize(
    ("name", "nearest"), [("gpt-4oo", "gpt-4o"), ("kimi-k2.66", "kimi-k2.6"), ("kimmi/kimi-k2.6", "kimi/kimi-k2.6")]
)
def test_an_unknown_name_gets_the_nearest_one_as_a_suggestion(name: str, nearest: str) -> None:
    one = found(name, {"vendors": BOTH})

    error = one.json()["error"]
    assert (one.status_code, error["code"], error["param"]) == (404, "model_not_found", "model")
    assert f"Did you mean '{nearest}'?" in error["message"]


def test_vendors_own_ids_are_not_listed_if_models_are_closed() -> None:
    assert "Did you mean" not in found("kimi-k2.66", {"vendors": BOTH, "policy": {"open_models": False}}).text


def test_names_require_a_key() -> None:
    settings = {"vendors": BOTH, "server": {"client_keys": ["sk-client-00000001"]}}
    for path in ("/v1/models", "/v1/models/gpt-4o", "/v1/models/none-such"):
        assert answer("GET", path, settings=settings).status_code == 401


def test_a_model_cannot_be_deleted() -> None:
    one = answer("DELETE", "/v1/models/gpt-4o")

    assert (one.status_code, one.json()["error"]["code"]) == (405, "method_not_allowed")
    assert one.headers["allow"] == "GET, HEAD"
