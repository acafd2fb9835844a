"""Fields removed by the operator: with ``set: {field: null}``, and with ``policy.drop`` if a vendor refuses them."""

from typing import Any

import pytest

from adapters.core.adaptations import adaptations_header
from adapters.core.failures import Refused
from adapters.core.request import ApiRequest
from adapters.core.vendor import Plan, Target
from adapters.planning import plan, plan_without
from adapters.registry import BY_CATALOG
from adapters.translations.completions_as_chat import as_chat, only_native
from tests.adapters.play import HELLO, USUAL, target

EVERY = sorted(BY_CATALOG)
REFUSED = {"logprobs": True, "top_logprobs": 2}


def at(vendor: str, model: str | None = None, **more: Any) -> Target:
    found = target(vendor, model or USUAL[vendor])
    return Target(found.entry, found.vendor, found.model, found.base_url, **more)


def ask(stream: bool = False, **fields: Any) -> ApiRequest:
    more = {"stream": True} if stream else {}
    return ApiRequest("chat", "gpt-4o", {"messages": HELLO, **more, **fields}, stream)


def made(where: Target, **fields: Any) -> Plan:
    return plan(ask(**fields), where)


@pytest.mark.parametrize("vendor", EVERY)
def test_null_drops_a_field_of_the_client_and_reports_it(vendor: str) -> None:
    found = made(at(vendor, overrides={"temperature": None}), temperature=0.2, max_tokens=50)
    assert "temperature" not in found.request.fields
    assert 50 in found.request.fields.values()
    assert found.adaptations["temperature"].word == "dropped"
    assert "temperature=dropped" in str(adaptations_header(found.adaptations))


def test_null_drops_a_stand_ins_default_and_reports_nothing() -> None:
    where = at("qwen", overrides={"seed": None}, defaults={"seed": 7})
    assert "seed" not in made(where).request.fields
    assert "seed" not in made(where).adaptations


@pytest.mark.parametrize("vendor", EVERY)
def test_null_leaves_out_what_banjia_would_add_by_itself(vendor: str) -> None:
    found = plan(
        ask(stream=True, stream_options={"include_usage": True}), at(vendor, overrides={"stream_options": None})
    )
    assert "stream_options" not in found.request.fields
    assert "stream_options" not in plan(ask(stream=True), at(vendor, overrides={"stream_options": None})).request.fields


@pytest.mark.parametrize(("vendor", "member"), [("kimi", "thinking"), ("qwen", "enable_thinking")])
def test_null_leaves_the_switch_for_thinking_to_the_model(vendor: str, member: str) -> None:
    found = made(at(vendor, overrides={member: None}), **{member: False} if vendor == "qwen" else {})
    assert not {"thinking", "enable_thinking"} & set(found.request.fields)


def test_null_is_no_reason_to_refuse_under_strict() -> None:
    assert made(at("kimi", overrides={"seed": None}, strict=True), seed=7).adaptations["seed"].word == "dropped"


def test_a_value_beside_a_null_is_laid_over_as_before() -> None:
    found = made(at("qwen", overrides={"temperature": None, "top_p": 0.1}), temperature=1, top_p=0.9)
    assert found.request.fields["top_p"] == 0.1
    assert "temperature" not in found.request.fields


def test_fields_that_would_be_refused_are_dropped_with_the_reason() -> None:
    with pytest.raises(Refused):
        made(at("qwen"), **REFUSED)
    found = made(at("qwen", drop=frozenset(REFUSED)), **REFUSED, temperature=0.3)
    assert not set(REFUSED) & set(found.request.fields)
    assert {name: found.adaptations[name].word for name in REFUSED} == dict.fromkeys(REFUSED, "dropped")
    assert "'logprobs' is not supported by qwen-plus" in found.adaptations["logprobs"].why
    assert str(adaptations_header(found.adaptations)).startswith("logprobs=dropped")


def test_what_a_vendor_takes_is_sent_though_drop_names_it() -> None:
    found = made(at("openai_compatible", drop=frozenset(REFUSED)), **REFUSED)
    assert {name: found.request.fields[name] for name in REFUSED} == REFUSED
    assert {found.adaptations[name].word for name in REFUSED} == {"honoured"}


@pytest.mark.parametrize("vendor", EVERY)
def test_omitted_logprobs_are_sent_where_the_model_has_them_and_dropped_where_it_has_none(vendor: str) -> None:
    found = made(at(vendor, omit=frozenset(REFUSED)), **REFUSED)
    for name, value in REFUSED.items():
        if name in found.request.fields:
            assert (found.request.fields[name], found.adaptations[name].word) == (value, "honoured")
        else:
            assert f"{name}=dropped" in str(adaptations_header(found.adaptations))
            assert found.adaptations[name].why.startswith("dropped by policy.emulate.logprobs: ")


def test_under_strict_logprobs_are_omitted_if_the_operator_says_so_and_nothing_else_is_dropped() -> None:
    where = at("qwen", strict=True, omit=frozenset(REFUSED))
    assert made(where, **REFUSED).adaptations["logprobs"].word == "dropped"
    with pytest.raises(Refused) as caught:
        made(where, **REFUSED, user="ann")
    assert caught.value.param == "user"


def test_omitted_logprobs_beside_drop_are_named_by_the_key_that_lists_them() -> None:
    found = made(at("qwen", omit=frozenset(REFUSED), drop=frozenset({"logprobs"})), **REFUSED)
    assert found.adaptations["logprobs"].why.startswith("dropped by policy.drop: ")
    assert found.adaptations["top_logprobs"].why.startswith("dropped by policy.emulate.logprobs: ")


def test_what_drop_does_not_name_is_refused_still() -> None:
    with pytest.raises(Refused) as caught:
        made(at("qwen", drop=frozenset({"logprobs"})), **REFUSED)
    assert caught.value.param == "top_logprobs"


def test_under_strict_drop_names_the_exceptions() -> None:
    with pytest.raises(Refused):
        made(at("kimi", strict=True), seed=7)
    assert made(at("kimi", strict=True, drop=frozenset({"seed"})), seed=7).adaptations["seed"].word == "dropped"


def test_a_value_that_no_vendor_could_take_is_refused_regardless_of_drop() -> None:
    with pytest.raises(Refused):
        made(at("kimi", drop=frozenset({"max_tokens"})), max_tokens=0)


def test_a_field_of_the_operators_own_set_is_refused_regardless_of_drop() -> None:
    """Otherwise ``set`` and ``drop`` would contradict each other unnoticed."""
    with pytest.raises(Refused):
        made(at("qwen", overrides={"logprobs": True}, drop=frozenset({"logprobs"})))


@pytest.mark.parametrize("vendor", EVERY)
def test_a_completions_field_that_chat_cannot_serve_can_be_dropped(vendor: str) -> None:
    asked = ApiRequest(
        "completions", "gpt-3.5-turbo-instruct", {"prompt": "Hi", "suffix": "!", "logprobs": 2, "max_tokens": 20}
    )
    with pytest.raises(Refused) as caught:
        as_chat(asked)
    ask = only_native(asked, caught.value)
    found = plan(ask, at(vendor, drop=frozenset({"suffix", "logprobs"})))
    if "completions" in BY_CATALOG[vendor].operations:
        assert found.request.fields["suffix"] == "!"
    else:
        assert found.request.fields["messages"] == [{"role": "user", "content": "Hi"}]
        assert (found.adaptations["suffix"].word, found.adaptations["logprobs"].word) == ("dropped", "dropped")
        with pytest.raises(Refused):
            plan(ask, at(vendor, drop=frozenset({"suffix"})))


def test_null_leaves_out_a_completions_field_that_chat_cannot_serve() -> None:
    asked = ApiRequest("completions", "gpt-3.5-turbo-instruct", {"prompt": "Hi", "suffix": "!"})
    with pytest.raises(Refused) as caught:
        as_chat(asked)
    found = plan(only_native(asked, caught.value), at("kimi", overrides={"suffix": None}))
    assert found.request.fields["messages"] == [{"role": "user", "content": "Hi"}]
    assert found.adaptations["suffix"].why == "removed by the configuration: set has null for it"


def test_what_null_leaves_out_is_no_addition() -> None:
    found = plan(ask(stream=True), at("kimi", overrides={"stream_options": None}))
    assert "stream_options" not in found.added


def test_a_plan_without_an_addition_drops_the_same() -> None:
    found = plan_without(ask(stream=True, **REFUSED), at("qwen", drop=frozenset(REFUSED)), {"stream_options"})
    assert found.adaptations["logprobs"].word == "dropped"
    assert "stream_options" not in found.request.fields


def vectors(where: Target, **fields: Any) -> Plan:
    return plan(ApiRequest("embeddings", "text-embedding-3-small", {"input": "a", **fields}), where)


def test_a_width_other_than_openais_is_reported_if_the_client_requests_none() -> None:
    found = vectors(at("ernie", "bge-large-zh", openai_dimensions=1536))
    assert "dimensions" not in found.request.fields
    assert found.adaptations["dimensions"].word == "clamped"
    assert found.adaptations["dimensions"].why == "the model's vectors have 1024 dimensions, and OpenAI's have 1536"
    assert adaptations_header(found.adaptations) == "dimensions=clamped"


def test_openais_own_width_and_a_requested_width_are_not_reported() -> None:
    assert adaptations_header(vectors(at("ernie", "bge-large-zh", openai_dimensions=1024)).adaptations) is None
    assert adaptations_header(vectors(at("ernie", "bge-large-zh")).adaptations) is None, "no name of OpenAI's"
    found = vectors(at("qwen", "text-embedding-v4", openai_dimensions=1536), dimensions=512)
    assert (found.request.fields["dimensions"], adaptations_header(found.adaptations)) == (512, None)


def test_the_operators_width_overrides_the_clients_and_is_reported_without_a_refusal() -> None:
    where = at("qwen", "text-embedding-v4", openai_dimensions=1536, overrides={"dimensions": 512}, strict=True)
    for fields in ({}, {"dimensions": 1024}):
        found = vectors(where, **fields)
        assert found.request.fields["dimensions"] == 512
        assert adaptations_header(found.adaptations) == "dimensions=mapped"


def test_under_strict_vectors_of_another_width_are_refused_unless_set_requests_them() -> None:
    with pytest.raises(Refused) as caught:
        vectors(at("ernie", "bge-large-zh", openai_dimensions=1536, strict=True))
    assert caught.value.param == "dimensions"
    meant = at("ernie", "bge-large-zh", openai_dimensions=1536, strict=True, overrides={"dimensions": 1024})
    assert vectors(meant).adaptations["dimensions"].word == "mapped"
