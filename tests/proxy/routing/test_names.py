"""Requested names: forms of mapped names, names of the operator, vector lengths, removed fields."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.proxy.server.asgi_requests import Knock, Opened, knock

KIMI = {"api_key": "sk-kimi-0000000000000001"}
QWEN = {"api_key": "sk-qwen-0000000000000001"}
ERNIE = {"api_key": "bce-v3/ALTAK-0000000001"}
VENDORS = {"kimi": KIMI, "qwen": QWEN, "ernie": ERNIE}
README = Path(__file__).parents[3] / "README.md"


def chat(name: str, **settings: Any) -> Opened:
    body = {"model": name, "messages": [{"role": "user", "content": "hi"}], **settings.pop("fields", {})}
    return knock(Knock("POST", "/v1/chat/completions", body, settings.pop("headers", {})), settings=settings)


def embed(name: str, fields: Mapping[str, Any] = {}, **settings: Any) -> Opened:
    return knock(Knock("POST", "/v1/embeddings", {"model": name, "input": "a", **fields}), settings=settings)


@pytest.mark.parametrize("name", ["gpt-4o-2024-05-13", "gpt-4o-2024-11-20", "chatgpt-4o-latest", "gpt-4o-2027-01-31"])
def test_a_form_of_a_mapped_name_is_answered_by_its_target_under_the_requested_name(name: str) -> None:
    opened = chat(name, vendors=VENDORS, models={"gpt-4o": "qwen/qwen-max"})
    (answer,) = opened.answers
    assert answer.headers["x-banjia-target"] == "qwen/qwen-max"
    assert answer.json()["model"] == name
    assert opened.lines[0]["model"] == name


@pytest.mark.parametrize("open_models", ["on", "off"])
def test_a_client_key_gets_the_forms_as_it_gets_the_name(open_models: str) -> None:
    more = {"server": {"client_keys": ["sk-client-00000001"]}, "policy": {"open_models": open_models}}
    for name in ("gpt-4o", "gpt-4o-2024-05-13"):
        for headers, status in ({"authorization": "Bearer sk-client-00000001"}, 200), ({}, 401):
            opened = chat(name, headers=headers, vendors=VENDORS, models={"gpt-4o": "qwen/qwen-max"}, **more)
            assert opened.answers[0].status_code == status


def test_an_azure_deployment_of_an_azure_name_has_the_route_of_openais() -> None:
    body = {"messages": [{"role": "user", "content": "hi"}]}
    path = "/openai/deployments/gpt-35-turbo/chat/completions?api-version=2024-06-01"
    opened = knock(
        Knock("POST", path, body), settings={"vendors": VENDORS, "models": {"gpt-3.5-turbo": "qwen/qwen-max"}}
    )
    assert opened.answers[0].headers["x-banjia-target"] == "qwen/qwen-max"


def test_an_azure_deployment_of_ones_own_is_a_404_with_the_line_to_add_in_both_languages() -> None:
    path = "/openai/deployments/my-gpt4-deployment/chat/completions?api-version=2024-06-01"
    body = {"messages": [{"role": "user", "content": "hi"}]}
    english, chinese = knock(
        Knock("POST", path, body), Knock("POST", path, body, {"accept-language": "zh"}), settings={"vendors": VENDORS}
    ).answers
    assert (english.status_code, english.json()["error"]["code"]) == (404, "model_not_found")
    assert (
        "To serve this name, add to models: `my-gpt4-deployment: kimi/kimi-k2.6`." in english.json()["error"]["message"]
    )
    assert "请在 models 中加入：`my-gpt4-deployment: kimi/kimi-k2.6`" in chinese.json()["error"]["message"]


def test_the_example_of_the_readme_gives_as_many_numbers_as_openai() -> None:
    block = next(part for part in README.read_text(encoding="utf-8").split("```yaml\n") if "models:" in part[:300])
    settings = YAML(typ="safe").load(block.partition("```")[0])
    settings["vendors"] = {name: VENDORS[name] for name in settings["vendors"]}
    opened = embed("text-embedding-3-small", **settings)
    assert opened.sent()["dimensions"] == 1536
    assert "x-banjia-adapted" not in opened.answers[0].headers


DIMENSIONS: list[tuple[Any, Any, int | None, str | None]] = [
    ({"target": "qwen/text-embedding-v4"}, {}, 1536, None),
    ({"target": "qwen/text-embedding-v4"}, {"dimensions": 512}, 512, None),
    ({"target": "qwen/text-embedding-v4", "set": {"dimensions": 768}}, {}, 768, "dimensions=mapped"),
    ({"target": "qwen/text-embedding-v4", "set": {"dimensions": 768}}, {"dimensions": 512}, 768, "dimensions=mapped"),
    ({"target": "qwen/text-embedding-v4", "set": {"dimensions": None}}, {}, None, "dimensions=mapped"),
    (
        {"target": "qwen/text-embedding-v4", "set": {"dimensions": None}},
        {"dimensions": 512},
        None,
        "dimensions=dropped",
    ),
    ({"target": "ernie/tao-8k"}, {}, None, "dimensions=clamped"),
    ({"target": "ernie/tao-8k"}, {"dimensions": 1024}, None, "dimensions=mapped"),
    ({"target": "ernie/tao-8k", "set": {"dimensions": 1024}}, {}, None, "dimensions=mapped"),
]


@pytest.mark.parametrize(("row", "fields", "sent", "reported"), DIMENSIONS)
def test_dimensions_are_the_operators_else_the_clients_else_openais_and_another_width_is_reported(
    row: Any, fields: Any, sent: int | None, reported: str | None
) -> None:
    opened = embed("text-embedding-3-small", fields, vendors=VENDORS, models={"text-embedding-3-small": row})
    assert opened.answers[0].status_code == 200
    assert opened.sent().get("dimensions") == sent
    assert opened.answers[0].headers.get("x-banjia-adapted") == reported


PREFIXES = {"models": [{"id": "mine-1", "operation": "embeddings", "confidence": "high",
                        "facts": {"dimensions": [1024], "prefix_dimensions": True}}]}  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "override", "policy", "status"),
    [
        ({"dimensions": 1}, {}, {}, 200),
        ({}, {"dimensions": 1}, {}, 200),
        ({"dimensions": 1}, {}, {"unsupported": "strict"}, 200),
        ({"dimensions": 1025}, {}, {}, 400),
        ({"dimensions": 1}, {}, {"emulate": {"dimensions": "off"}}, 400),
    ],
)
def test_a_smaller_size_is_cut_from_the_vectors_of_a_model_for_which_the_operators_catalog_says_so(
    fields: Any, override: Any, policy: Any, status: int
) -> None:
    vendors = {"ernie": {**VENDORS["ernie"], "catalog": PREFIXES}}
    models = {"text-embedding-3-small": {"target": "ernie/mine-1", "set": override}}
    opened = embed("text-embedding-3-small", fields, vendors=vendors, models=models, policy=policy)
    (answer,) = opened.answers
    assert answer.status_code == status
    if status == 200:
        assert [len(item["embedding"]) for item in answer.json()["data"]] == [1]
        assert answer.headers["x-banjia-adapted"] == "dimensions=emulated"
        assert "dimensions" not in opened.sent()


def test_under_a_name_of_ones_own_the_model_gives_its_own_width_and_nothing_is_reported() -> None:
    opened = embed("mine", vendors=VENDORS, models={"mine": "qwen/text-embedding-v4"})
    assert "dimensions" not in opened.sent()
    assert "x-banjia-adapted" not in opened.answers[0].headers


def test_a_dropped_field_is_on_the_answer_and_in_the_log_and_only_where_the_name_has_it() -> None:
    models = {"gpt-4o": {"targets": ["qwen/qwen-plus"], "policy": {"drop": ["logprobs"]}}, "gpt-4": "qwen/qwen-plus"}
    opened = chat("gpt-4o-2024-05-13", fields={"logprobs": True}, vendors=VENDORS, models=models)
    assert opened.answers[0].status_code == 200
    assert "logprobs=dropped" in opened.answers[0].headers["x-banjia-adapted"]
    assert opened.lines[0]["adapted"]["logprobs"] == "dropped"
    assert "logprobs" not in opened.sent()
    refused = chat("gpt-4", fields={"logprobs": True}, vendors=VENDORS, models=models)
    assert (refused.answers[0].status_code, refused.answers[0].json()["error"]["param"]) == (400, "logprobs")


@pytest.mark.parametrize("unsupported", ["adapt", "strict"])
def test_with_logprobs_omitted_a_client_that_always_sends_them_gets_null(unsupported: str) -> None:
    policy = {"emulate": {"logprobs": "omit"}, "unsupported": unsupported}
    fields = {"logprobs": True, "top_logprobs": 3}
    opened = chat("mine", fields=fields, vendors=VENDORS, models={"mine": "qwen/qwen-plus"}, policy=policy)
    (answer,) = opened.answers
    assert answer.status_code == 200
    assert answer.json()["choices"][0]["logprobs"] is None
    assert answer.headers["x-banjia-adapted"] == "logprobs=dropped;top_logprobs=dropped"
    assert not {"logprobs", "top_logprobs"} & opened.sent().keys()


def test_logprobs_may_be_omitted_for_one_name_and_are_refused_by_default() -> None:
    models = {
        "a": {"targets": ["qwen/qwen-plus"], "policy": {"emulate": {"logprobs": "omit"}}},
        "b": "qwen/qwen-plus",
        "c": {"targets": ["qwen/qwen-plus"], "policy": {"emulate": {"logprobs": "off"}}},
    }
    statuses = [
        chat(name, fields={"logprobs": True}, vendors=VENDORS, models=models).answers[0].status_code for name in models
    ]
    assert statuses == [200, 400, 400]


def test_an_operators_own_model_that_only_streams_is_asked_for_a_stream() -> None:
    catalog = {"models": [{"id": "mine-1", "facts": {"stream_only": True}, "confidence": "high"}]}
    vendors = {"qwen": {"api_key": "sk-qwen-0000000000000001", "catalog": catalog}}
    opened = chat("mine", vendors=vendors, models={"mine": "qwen/mine-1"})
    assert opened.answers[0].headers["x-banjia-adapted"] == "stream=emulated"
    assert opened.sent()["stream"] is True


def test_a_field_that_set_has_as_null_is_never_sent() -> None:
    row = {"target": "qwen/qwen-plus", "set": {"temperature": None}}
    opened = chat("gpt-4o", fields={"temperature": 0.2}, vendors=VENDORS, models={"gpt-4o": row})
    assert "temperature" not in opened.sent()
    assert "temperature=dropped" in opened.answers[0].headers["x-banjia-adapted"]


def test_the_second_vendor_answers_what_the_first_refuses_to_do() -> None:
    """Stand-ins are one route: a field that only the second vendor supports goes to the second."""
    opened = chat("gpt-4o", fields={"logprobs": True}, vendors={"qwen": QWEN, "kimi": KIMI})
    assert opened.answers[0].headers["x-banjia-target"].startswith("kimi/")
