"""``api_type="azure"``: the deployment in the path, and the key in a separate header."""

from collections.abc import Callable

import pytest

from tests.clients.sdk028.client import Site, openai, text_of
from tests.support.client_stage import Front, Stage, user


@pytest.fixture(params=["2023-05-15", "2024-02-01"])
def azure(site: Site, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Site:
    """The client set up for Azure, pointed at the proxy."""
    monkeypatch.setattr(openai, "api_type", "azure")
    monkeypatch.setattr(openai, "api_version", request.param)
    monkeypatch.setattr(openai, "api_base", site.front.running.url)
    return site


@pytest.mark.parametrize("name", ["engine", "deployment_id"])
def test_chat_whole_and_streamed(azure: Site, name: str) -> None:
    request = {name: "gpt-4o", "messages": [user("搬家")]}

    answer = openai.ChatCompletion.create(**request)
    chunks = list(openai.ChatCompletion.create(**request, stream=True))

    assert azure.front.seen[-1].path == "/openai/deployments/gpt-4o/chat/completions"
    assert answer.choices[0].message.content == text_of(chunks) == "You said: 搬家"
    assert answer.model == "gpt-4o"
    assert all(len(chunk["choices"]) == 1 for chunk in chunks)


def test_a_base_that_ends_in_a_slash_is_the_same(azure: Site) -> None:
    answer = openai.ChatCompletion.create(
        api_base=azure.front.running.url + "/", engine="gpt-4o", messages=[user("Hello")]
    )

    assert answer.choices[0].message.content == "You said: Hello"


def test_a_deployment_that_is_not_there_is_an_invalid_request(azure: Site) -> None:
    with pytest.raises(openai.error.InvalidRequestError) as caught:
        openai.ChatCompletion.create(engine="gpt-4oo", messages=[user("Hello")])

    assert (caught.value.http_status, caught.value.code, caught.value.param) == (404, "model_not_found", "model")
    assert not azure.calls


def test_models_are_listed_and_retrieved(azure: Site) -> None:
    assert "gpt-4o" in [model.id for model in openai.Model.list().data]
    assert openai.Model.retrieve("gpt-4o").owned_by == azure.vendor


def test_embeddings_are_found_under_their_deployment(
    stage: Stage, start: Callable[..., Front], azure: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openai, "api_base", start("qwen").running.url)

    answer = openai.Embedding.create(engine="text-embedding-3-small", input=["one", "two"])

    assert [len(one.embedding) for one in answer.data] == [1536, 1536]


@pytest.mark.parametrize("kind", ["azure", "azure_ad"])
def test_the_key_is_checked_where_keys_are_configured(
    start: Callable[..., Front], azure: Site, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    front = start(azure.vendor, server={"client_keys": ["sk-client-00000001"]})
    monkeypatch.setattr(openai, "api_base", front.running.url)
    monkeypatch.setattr(openai, "api_type", kind)
    request = {"engine": "gpt-4o", "messages": [user("Hello")]}

    assert openai.ChatCompletion.create(api_key="sk-client-00000001", **request).choices
    with pytest.raises(openai.error.AuthenticationError):
        openai.ChatCompletion.create(api_key="sk-wrong-00000001", **request)
