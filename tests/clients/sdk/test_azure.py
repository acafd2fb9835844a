"""The official client for Azure: other paths, another key header, the model name in the path."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import openai
import pytest

from tests.support.client_stage import EMBEDS, Front, Site, Stage, chat_body, target_of, text_of, width_of

Azure = Callable[..., Any]
KEYS = {"client_keys": ["sk-client-00000001"]}


@pytest.fixture
def azure(site: Site) -> Iterator[Azure]:
    """Clients for Azure, which are closed at the end."""
    with ExitStack() as stack:
        yield lambda deployment=None, **more: stack.enter_context(site.front.azure(deployment, **more))


@pytest.mark.parametrize("deployment", [None, "gpt-4o"], ids=["by the body's model", "by the client's deployment"])
def test_chat_whole_and_streamed(site: Site, azure: Azure, deployment: str | None) -> None:
    sdk = azure(deployment)

    whole = sdk.chat.completions.create(**chat_body("搬家"))
    chunks = list(sdk.chat.completions.create(**chat_body("搬家"), stream=True))

    assert whole.choices[0].message.content == text_of(chunks) == "You said: 搬家"
    assert all(len(chunk.choices) == 1 for chunk in chunks), "Azure's own first chunk has none, ours have"
    assert site.front.seen[-1].path == "/openai/deployments/gpt-4o/chat/completions"


def test_the_deployment_of_the_client_decides_and_not_the_model_of_the_call(site: Site, azure: Azure) -> None:
    answer = azure("o3").chat.completions.create(**chat_body("Hello", model="whatever"))

    assert answer.model == "o3"
    assert answer.choices[0].message.content == "You said: Hello"


def test_a_deployment_with_a_slash_in_its_name_is_found(site: Site, azure: Azure, stage: Stage) -> None:
    target = site.front.running.state.snapshot.routing.find("gpt-4o", "chat").targets[0].label

    answer = azure(target).chat.completions.create(**chat_body("Hello", model=target))

    assert (answer.model, answer.choices[0].message.content) == (target, "You said: Hello")


def test_a_deployment_that_is_not_there_is_a_model_that_is_not_found(site: Site, azure: Azure) -> None:
    with pytest.raises(openai.NotFoundError, match="gpt-4o") as caught:
        azure("gpt-4oo").chat.completions.create(**chat_body("Hello"))

    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")
    assert not site.calls


def test_models_are_listed_and_retrieved(site: Site, azure: Azure) -> None:
    sdk = azure()

    assert "gpt-4o" in [model.id for model in sdk.models.list()]
    assert sdk.models.retrieve("gpt-4o").owned_by == site.vendor


def test_azures_newer_endpoint_takes_the_plain_client(site: Site) -> None:
    client = site.sdk.with_options(base_url=f"{site.front.running.url}/openai/v1/")

    assert client.chat.completions.create(**chat_body("Hello")).choices[0].message.content == "You said: Hello"


def test_a_key_or_a_token_is_checked_where_keys_are_configured(start: Callable[..., Front], vendor: str) -> None:
    front = start(vendor, server=KEYS)
    rights: list[dict[str, Any]] = [
        {"api_key": "sk-client-00000001"},
        {"api_key": None, "azure_ad_token": "sk-client-00000001"},
    ]
    for more in rights:
        with front.azure("gpt-4o", **more) as sdk:
            assert sdk.chat.completions.create(**chat_body("Hello")).choices
    with front.azure("gpt-4o", api_key="sk-wrong-00000001") as sdk, pytest.raises(openai.AuthenticationError) as caught:
        sdk.chat.completions.create(**chat_body("Hello"))

    assert caught.value.code == "invalid_api_key"


def test_embeddings_are_found_under_their_deployment(stage: Stage, start: Callable[..., Front]) -> None:
    with start("qwen").azure("text-embedding-3-small") as sdk:
        answer = sdk.embeddings.create(model="any", input=["one", "two"])

    assert [len(one.embedding) for one in answer.data] == [1536, 1536]


def test_a_deployment_in_azures_spelling_of_a_model_can_be_mapped(start: Callable[..., Front], vendor: str) -> None:
    front = start(vendor, models={"gpt-35-turbo": target_of(vendor)})
    with front.azure("gpt-35-turbo") as sdk:
        whole = sdk.chat.completions.create(**chat_body("Hello", model="gpt-35-turbo"))
        chunks = list(sdk.chat.completions.create(**chat_body("Hello", model="gpt-35-turbo"), stream=True))

    assert whole.choices[0].message.content == text_of(chunks) == "You said: Hello"
    assert {whole.model, *(chunk.model for chunk in chunks)} == {"gpt-35-turbo"}


@pytest.mark.parametrize("embedder", EMBEDS)
def test_embeddings_are_found_under_the_name_of_2024(start: Callable[..., Front], embedder: str) -> None:
    front = start(embedder)
    with front.azure("text-embedding-ada-002") as sdk:
        answer = sdk.embeddings.create(model="text-embedding-ada-002", input=["one", "two"])

    assert [one.index for one in answer.data] == [0, 1]
    assert answer.model == "text-embedding-ada-002"
    assert {len(one.embedding) for one in answer.data} == {width_of(front.plan(model=answer.model, input="one"))}
    assert front.seen[-1].path == "/openai/deployments/text-embedding-ada-002/embeddings"


def test_azures_own_spelling_of_a_model_has_the_route_of_the_model(site: Site, azure: Azure) -> None:
    sdk = azure("gpt-35-turbo")

    whole = sdk.chat.completions.create(**chat_body("Hello", model="gpt-35-turbo"))
    chunks = list(sdk.chat.completions.create(**chat_body("Hello", model="gpt-35-turbo"), stream=True))

    assert whole.choices[0].message.content == text_of(chunks) == "You said: Hello"
    assert {whole.model, *(chunk.model for chunk in chunks)} == {"gpt-35-turbo"}
    assert site.front.seen[-1].path == "/openai/deployments/gpt-35-turbo/chat/completions"
