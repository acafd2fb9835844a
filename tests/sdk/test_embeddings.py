"""Embeddings and the list of models."""

from collections.abc import Callable
from typing import Any

import openai
import pytest

from tests.sdk.spec import floats
from tests.sdk.stage import Front, Site, Stage, asked

SMALL = "text-embedding-3-small"
TEXTS = [f"text {at}" for at in range(30)]


@pytest.fixture
def qwen(stage: Stage, start: Callable[..., Front]) -> Site:
    """The vendor that has embeddings."""
    front = start("qwen")
    return Site("qwen", stage.emulators["qwen"], front, front.sdk())


def test_kimi_has_no_embeddings_and_says_so_without_a_call(stage: Stage, start: Callable[..., Front]) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        start("kimi").sdk().embeddings.create(model=SMALL, input="one")

    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")
    assert not stage.emulators["kimi"].requests


def test_an_application_with_kimi_for_chat_has_qwen_for_embeddings(stage: Stage, start: Callable[..., Front]) -> None:
    sdk = start("kimi", "qwen").sdk()

    assert sdk.chat.completions.create(**asked("Hello")).choices
    assert len(sdk.embeddings.create(model=SMALL, input="one").data) == 1
    assert [len(stage.emulators[name].requests) for name in ("kimi", "qwen")] == [1, 1]


def vectors(site: Site, given: Any, **more: Any) -> list[list[float]]:
    answer = site.sdk.embeddings.create(model=SMALL, input=given, **more)
    assert [one.index for one in answer.data] == list(range(len(answer.data)))
    return [one.embedding for one in answer.data]


def near(one: list[float], other: list[float]) -> bool:
    return len(one) == len(other) and all(abs(a - b) < 1e-6 for a, b in zip(one, other, strict=True))


def test_a_text_becomes_one_vector_with_the_asked_for_models_name_and_usage(qwen: Site) -> None:
    answer = qwen.sdk.embeddings.create(model=SMALL, input="one two three")

    (one,) = answer.data
    assert (len(one.embedding), one.index, one.object) == (1024, 0, "embedding")
    assert (answer.model, answer.object) == (SMALL, "list")
    assert (answer.usage.prompt_tokens, answer.usage.total_tokens) == (3, 3)


def test_thirty_texts_are_split_and_come_back_in_order_with_summed_usage(qwen: Site) -> None:
    answer = qwen.sdk.embeddings.create(model=SMALL, input=TEXTS)

    sizes = [len(call.body["input"]) for call in qwen.calls]
    assert len(sizes) > 1
    assert max(sizes) <= 10
    assert sum(sizes) == 30
    assert answer.usage.prompt_tokens == 60
    assert [one.index for one in answer.data] == list(range(30))
    for at in (0, 9, 10, 17, 29):
        assert near(answer.data[at].embedding, vectors(qwen, TEXTS[at])[0])


def test_base64_floats_and_the_sdks_default_are_the_same_vectors(qwen: Site) -> None:
    given = ["one", "two"]
    told = qwen.sdk.embeddings.create(model=SMALL, input=given, encoding_format="base64")
    texts: list[Any] = [one.embedding for one in told.data]
    assert all(type(text) is str for text in texts)

    as_floats = vectors(qwen, given, encoding_format="float")
    by_default = vectors(qwen, given)

    for text, numbers, decoded in zip(texts, as_floats, by_default, strict=True):
        assert near(floats(text), numbers)
        assert near(decoded, numbers)


@pytest.mark.parametrize("size", [256, 1536])
def test_dimensions_that_the_model_offers_are_given(qwen: Site, size: int) -> None:
    assert [len(one) for one in vectors(qwen, ["one", "two"], dimensions=size)] == [size, size]


def test_dimensions_that_the_model_does_not_offer_are_refused_by_name(qwen: Site) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        vectors(qwen, "one", dimensions=3072)

    assert (caught.value.param, caught.value.code) == ("dimensions", "unsupported_parameter")
    assert not qwen.calls


@pytest.mark.parametrize("given", [[15339, 1917], [[15339, 1917], [65]]])
def test_token_ids_are_refused_with_the_way_out(qwen: Site, given: Any) -> None:
    with pytest.raises(openai.BadRequestError, match="check_embedding_ctx_length") as caught:
        vectors(qwen, given)

    assert caught.value.param == "input"


@pytest.mark.parametrize("given", ["", [], ["one", ""]])
def test_nothing_to_embed_is_the_callers_error(qwen: Site, given: Any) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        vectors(qwen, given)

    assert str(caught.value.param).startswith("input")
    assert not qwen.calls


def test_models_are_listed_under_the_names_that_the_application_asks_for(site: Site) -> None:
    models = {model.id: model for model in site.sdk.models.list()}

    assert {"gpt-4o", "gpt-4o-mini"} <= set(models)
    assert (SMALL in models) == (site.vendor == "qwen")
    assert not [name for name in models if "*" in name]
    assert {model.owned_by for model in models.values()} == {site.vendor}


def test_a_model_is_retrieved_by_name(site: Site) -> None:
    assert site.sdk.models.retrieve("gpt-4o").id == "gpt-4o"
    assert not site.calls, "the list is ours: no vendor is asked"


def test_what_is_listed_can_be_retrieved(site: Site) -> None:
    listed = [model.id for model in site.sdk.models.list()][::5]

    assert [site.sdk.models.retrieve(name).id for name in listed] == listed


def test_a_model_that_nobody_serves_is_not_found(site: Site) -> None:
    with pytest.raises(openai.NotFoundError) as retrieved:
        site.sdk.models.retrieve("gpt-4oo")
    with pytest.raises(openai.NotFoundError, match="gpt-4o") as asked:
        site.chat("Hello", model="gpt-4oo")

    assert {retrieved.value.code, asked.value.code} == {"model_not_found"}
    assert asked.value.param == "model"
    assert not site.calls
