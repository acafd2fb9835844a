"""Embeddings, which this client requests in base64 by default, and the list of models."""

from collections.abc import Callable, Iterator

import pytest

from tests.clients.sdk.test_embeddings import TEXTS, near
from tests.clients.sdk028.client import Site, openai
from tests.support.client_stage import KEY, SMALL, Front, Stage
from tests.support.openai_spec import floats


@pytest.fixture
def qwen(stage: Stage, start: Callable[..., Front], monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A vendor that takes ten texts in a call."""
    site = Site("qwen", stage.emulators["qwen"], start("qwen"))
    monkeypatch.setattr(openai, "api_key", KEY)
    monkeypatch.setattr(openai, "api_base", site.front.base_url)
    with site.session(monkeypatch):
        yield site


def test_base64_floats_and_the_clients_default_are_the_same_vectors(qwen: Site) -> None:
    default = openai.Embedding.create(model=SMALL, input=["one", "two"])
    texts = openai.Embedding.create(model=SMALL, input=["one", "two"], encoding_format="base64")
    numbers = openai.Embedding.create(model=SMALL, input=["one", "two"], encoding_format="float")

    assert [len(one["embedding"]) for one in default["data"]] == [1536, 1536]
    for a, b, c in zip(default["data"], texts["data"], numbers["data"], strict=True):
        assert near(a["embedding"], c["embedding"])
        assert near(floats(b["embedding"]), c["embedding"])
    assert default["usage"]["total_tokens"] == 2


def test_thirty_texts_are_split_and_come_back_in_order(qwen: Site) -> None:
    answer = openai.Embedding.create(model=SMALL, input=TEXTS)

    assert [one["index"] for one in answer["data"]] == list(range(30))
    assert len(qwen.calls) > 1
    alone = openai.Embedding.create(model=SMALL, input=TEXTS[17])
    assert near(answer["data"][17]["embedding"], alone["data"][0]["embedding"])


def test_engine_names_the_model_in_the_path(qwen: Site) -> None:
    answer = openai.Embedding.create(engine=SMALL, input="one")

    assert qwen.front.seen[-1].path == f"/v1/engines/{SMALL}/embeddings"
    assert (answer["model"], len(answer["data"])) == (SMALL, 1)


def test_models_are_listed_and_what_is_listed_can_be_retrieved(site: Site) -> None:
    models = {model.id: model for model in openai.Model.list().data}

    assert {"gpt-4o", "gpt-4o-mini"} <= set(models)
    assert {model.owned_by for model in models.values()} == {site.vendor}
    assert [openai.Model.retrieve(name).id for name in list(models)[::5]] == list(models)[::5]
    target = site.front.running.state.snapshot.routing.find("gpt-4o", "chat").targets[0].label
    assert openai.Model.retrieve(target).id == target
    assert not site.calls
