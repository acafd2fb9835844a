"""Embeddings and the list of models."""

from collections.abc import Callable
from typing import Any

import openai
import orjson
import pytest

from proxy.openai_api import token_ids as tokens
from tests.support.client_stage import EMBEDS, SMALL, Front, Site, Stage, chat_body, width_of
from tests.support.openai_spec import floats

TEXTS = [f"text {at}" for at in range(30)]


@pytest.fixture(params=EMBEDS)
def embedder(request: pytest.FixtureRequest, stage: Stage, start: Callable[..., Front]) -> Site:
    """Each vendor that has embeddings, in turn."""
    front = start(request.param)
    return Site(request.param, stage.emulators[request.param], front, front.sdk())


@pytest.fixture
def qwen(stage: Stage, start: Callable[..., Front]) -> Site:
    """The vendor whose vectors come in several sizes."""
    front = start("qwen")
    return Site("qwen", stage.emulators["qwen"], front, front.sdk())


def test_kimi_has_no_embeddings_and_the_error_needs_no_call(stage: Stage, start: Callable[..., Front]) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        start("kimi").sdk().embeddings.create(model=SMALL, input="one")

    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")
    assert not stage.emulators["kimi"].requests


def test_an_application_with_kimi_for_chat_has_qwen_for_embeddings(stage: Stage, start: Callable[..., Front]) -> None:
    sdk = start("kimi", "qwen").sdk()

    assert sdk.chat.completions.create(**chat_body("Hello")).choices
    assert len(sdk.embeddings.create(model=SMALL, input="one").data) == 1
    assert [len(stage.emulators[name].requests) for name in ("kimi", "qwen")] == [1, 1]


def most_inputs(site: Site) -> int | None:
    """How many texts a call takes, where the vendor says so."""
    made = site.front.plan(model=SMALL, input="one")
    return made.op.max_inputs(made.target.model)


def vectors(site: Site, given: Any, **more: Any) -> list[list[float]]:
    answer = site.sdk.embeddings.create(model=SMALL, input=given, **more)
    assert [one.index for one in answer.data] == list(range(len(answer.data)))
    return [one.embedding for one in answer.data]


def near(one: list[float], other: list[float]) -> bool:
    return len(one) == len(other) and all(abs(a - b) < 1e-6 for a, b in zip(one, other, strict=True))


def test_a_text_becomes_one_vector_with_the_requested_models_name_and_usage(embedder: Site) -> None:
    answer = embedder.sdk.embeddings.create(model=SMALL, input="one two three")

    (one,) = answer.data
    width = width_of(embedder.front.plan(model=SMALL, input="one two three"))
    assert (len(one.embedding), one.index, one.object) == (width, 0, "embedding")
    assert (answer.model, answer.object) == (SMALL, "list")
    assert (answer.usage.prompt_tokens, answer.usage.total_tokens) == (3, 3)


def test_thirty_texts_are_split_and_come_back_in_order_with_summed_usage(embedder: Site) -> None:
    answer = embedder.sdk.embeddings.create(model=SMALL, input=TEXTS)

    sizes = [len(call.body["input"]) for call in embedder.calls]
    assert max(sizes) <= (most_inputs(embedder) or 30)
    assert sum(sizes) == 30
    assert answer.usage.prompt_tokens == 60
    assert [one.index for one in answer.data] == list(range(30))
    for at in (0, 9, 10, 17, 29):
        assert near(answer.data[at].embedding, vectors(embedder, TEXTS[at])[0])


def test_base64_floats_and_the_sdks_default_are_the_same_vectors(embedder: Site) -> None:
    given = ["one", "two"]
    answer = embedder.sdk.embeddings.create(model=SMALL, input=given, encoding_format="base64")
    texts: list[Any] = [one.embedding for one in answer.data]
    assert all(type(text) is str for text in texts)

    as_floats = vectors(embedder, given, encoding_format="float")
    by_default = vectors(embedder, given)

    for text, numbers, decoded in zip(texts, as_floats, by_default, strict=True):
        assert near(floats(text), numbers)
        assert near(decoded, numbers)


def test_qwen_gives_openais_width_and_takes_ten_texts_a_call(qwen: Site) -> None:
    assert {len(one) for one in vectors(qwen, TEXTS)} == {1536}
    assert [len(call.body["input"]) for call in qwen.calls] == [10, 10, 10]


@pytest.mark.parametrize("size", [256, 1536])
def test_dimensions_that_the_model_offers_are_given(qwen: Site, size: int) -> None:
    assert [len(one) for one in vectors(qwen, ["one", "two"], dimensions=size)] == [size, size]


@pytest.mark.parametrize("encoding", ["base64", "float"])
def test_a_thousand_texts_are_a_thousand_vectors_in_order(embedder: Site, encoding: str) -> None:
    texts = [f"text {at} of many" for at in range(1000)]

    asked_for: Any = {"encoding_format": encoding}
    raw = embedder.sdk.embeddings.with_raw_response.create(model=SMALL, input=texts, **asked_for)

    answer = orjson.loads(raw.content)  # the client looks at each of a million floats
    assert [one["index"] for one in answer["data"]] == list(range(1000))
    assert answer["usage"]["prompt_tokens"] == answer["usage"]["total_tokens"] == 4000
    reported: list[Any] = [one["embedding"] for one in answer["data"]]
    got: list[list[float]] = [floats(one) if encoding == "base64" else one for one in reported]
    assert len({tuple(one) for one in got}) == 1000
    for at in (0, 499, 999):
        assert near(got[at], vectors(embedder, texts[at])[0])


def test_a_part_that_fails_fails_the_whole_and_names_its_texts(embedder: Site) -> None:
    texts = [f"text {at}" for at in range(120)]
    most = most_inputs(embedder)
    embedder.emulator.set_faults(["inspection"] if most is None else ["inspection@2"])

    with pytest.raises(openai.BadRequestError) as caught:
        embedder.sdk.embeddings.create(model=SMALL, input=texts)

    assert most is None or f"(inputs {most} to {min(2 * most, len(texts)) - 1})" in caught.value.message


def test_dimensions_that_the_model_does_not_offer_are_refused_by_name(embedder: Site) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        vectors(embedder, "one", dimensions=3072)

    assert (caught.value.param, caught.value.code) == ("dimensions", "unsupported_parameter")
    assert not embedder.calls


@pytest.mark.parametrize("given", [[15339, 1917], [[15339, 1917], [65]]])
def test_token_ids_without_the_extra_are_refused_with_two_ways_out(
    embedder: Site, given: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "table", lambda encoding: None)

    with pytest.raises(openai.BadRequestError, match=r"banjia\[tokens\].*check_embedding_ctx_length") as caught:
        vectors(embedder, given)

    assert (caught.value.param, caught.value.code) == ("input", "unsupported_parameter")
    assert not embedder.calls


@pytest.mark.parametrize("given", ["", [], ["one", ""]])
def test_an_empty_input_is_the_clients_error(embedder: Site, given: Any) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        vectors(embedder, given)

    assert str(caught.value.param).startswith("input")
    assert not embedder.calls


def test_models_are_listed_under_the_names_that_the_application_requests(site: Site) -> None:
    models = {model.id: model for model in site.sdk.models.list()}

    assert {"gpt-4o", "gpt-4o-mini"} <= set(models)
    assert (SMALL in models) == (site.vendor in EMBEDS)
    assert not [name for name in models if "*" in name]
    assert {model.owned_by for model in models.values()} == {site.vendor}


def test_a_model_is_retrieved_by_name(site: Site) -> None:
    assert site.sdk.models.retrieve("gpt-4o").id == "gpt-4o"
    assert not site.calls, "the list is ours: no vendor is asked"


def test_what_is_listed_can_be_retrieved(site: Site) -> None:
    listed = [model.id for model in site.sdk.models.list()][::5]

    assert [site.sdk.models.retrieve(name).id for name in listed] == listed


def test_a_model_that_no_vendor_serves_is_not_found(site: Site) -> None:
    with pytest.raises(openai.NotFoundError) as retrieved:
        site.sdk.models.retrieve("gpt-4oo")
    with pytest.raises(openai.NotFoundError, match="gpt-4o") as request:
        site.chat("Hello", model="gpt-4oo")

    assert {retrieved.value.code, request.value.code} == {"model_not_found"}
    assert request.value.param == "model"
    assert not site.calls
