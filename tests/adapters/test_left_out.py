"""Fields that the operator has left out: by ``set: {field: null}``, and by ``policy.drop`` where a vendor refuses them."""

from typing import Any

import pytest

from adapters.core.completions import as_chat, only_native
from adapters.core.failures import Refused
from adapters.core.params import header
from adapters.core.shapes import Ask
from adapters.core.vendor import Plan, Target, plan, plan_without
from adapters.registry import BY_CATALOG
from tests.adapters.play import HELLO, USUAL, target

EVERY = sorted(BY_CATALOG)
REFUSED = {"logprobs": True, "top_logprobs": 2}


def at(vendor: str, model: str | None = None, **more: Any) -> Target:
    found = target(vendor, model or USUAL[vendor])
    return Target(found.entry, found.vendor, found.model, found.base_url, **more)


def ask(stream: bool = False, **fields: Any) -> Ask:
    more = {"stream": True} if stream else {}
    return Ask("chat", "gpt-4o", {"messages": HELLO, **more, **fields}, stream)


def made(where: Target, **fields: Any) -> Plan:
    return plan(ask(**fields), where)


@pytest.mark.parametrize("vendor", EVERY)
def test_null_leaves_out_what_the_caller_sends_and_it_is_told(vendor: str) -> None:
    found = made(at(vendor, overlay={"temperature": None}), temperature=0.2, max_tokens=50)
    assert "temperature" not in found.ask.fields
    assert 50 in found.ask.fields.values()
    assert found.told["temperature"].word == "dropped"
    assert "temperature=dropped" in str(header(found.told))


def test_null_leaves_out_a_stand_ins_default_and_nothing_is_told() -> None:
    where = at("qwen", overlay={"seed": None}, defaults={"seed": 7})
    assert "seed" not in made(where).ask.fields
    assert "seed" not in made(where).told


@pytest.mark.parametrize("vendor", EVERY)
def test_null_leaves_out_what_banjia_would_add_by_itself(vendor: str) -> None:
    found = plan(ask(stream=True, stream_options={"include_usage": True}), at(vendor, overlay={"stream_options": None}))
    assert "stream_options" not in found.ask.fields
    assert "stream_options" not in plan(ask(stream=True), at(vendor, overlay={"stream_options": None})).ask.fields


@pytest.mark.parametrize(("vendor", "member"), [("kimi", "thinking"), ("qwen", "enable_thinking")])
def test_null_leaves_the_switch_for_thinking_to_the_model(vendor: str, member: str) -> None:
    found = made(at(vendor, overlay={member: None}), **{member: False} if vendor == "qwen" else {})
    assert not {"thinking", "enable_thinking"} & set(found.ask.fields)


def test_null_is_no_reason_to_refuse_under_strict() -> None:
    assert made(at("kimi", overlay={"seed": None}, strict=True), seed=7).told["seed"].word == "dropped"


def test_a_value_beside_a_null_is_laid_over_as_before() -> None:
    found = made(at("qwen", overlay={"temperature": None, "top_p": 0.1}), temperature=1, top_p=0.9)
    assert found.ask.fields["top_p"] == 0.1
    assert "temperature" not in found.ask.fields


def test_dropped_is_what_would_be_refused_and_the_reason_is_told() -> None:
    with pytest.raises(Refused):
        made(at("qwen"), **REFUSED)
    found = made(at("qwen", drop=frozenset(REFUSED)), **REFUSED, temperature=0.3)
    assert not set(REFUSED) & set(found.ask.fields)
    assert {name: found.told[name].word for name in REFUSED} == dict.fromkeys(REFUSED, "dropped")
    assert "'logprobs' is not supported by qwen-plus" in found.told["logprobs"].why
    assert str(header(found.told)).startswith("logprobs=dropped")


def test_what_a_vendor_takes_is_sent_though_drop_names_it() -> None:
    found = made(at("openai_compatible", drop=frozenset(REFUSED)), **REFUSED)
    assert {name: found.ask.fields[name] for name in REFUSED} == REFUSED
    assert {found.told[name].word for name in REFUSED} == {"honoured"}


def test_what_drop_does_not_name_is_refused_still() -> None:
    with pytest.raises(Refused) as caught:
        made(at("qwen", drop=frozenset({"logprobs"})), **REFUSED)
    assert caught.value.param == "top_logprobs"


def test_under_strict_drop_names_the_exceptions() -> None:
    with pytest.raises(Refused):
        made(at("kimi", strict=True), seed=7)
    assert made(at("kimi", strict=True, drop=frozenset({"seed"})), seed=7).told["seed"].word == "dropped"


def test_a_value_that_no_vendor_could_take_is_refused_whatever_drop_says() -> None:
    with pytest.raises(Refused):
        made(at("kimi", drop=frozenset({"max_tokens"})), max_tokens=0)


def test_a_field_of_the_operators_own_set_is_refused_whatever_drop_says() -> None:
    """Otherwise ``set`` would say one thing, ``drop`` another, and neither would be seen."""
    with pytest.raises(Refused):
        made(at("qwen", overlay={"logprobs": True}, drop=frozenset({"logprobs"})))


@pytest.mark.parametrize("vendor", EVERY)
def test_a_completions_field_that_chat_cannot_serve_can_be_dropped(vendor: str) -> None:
    asked = Ask(
        "completions", "gpt-3.5-turbo-instruct", {"prompt": "Hi", "suffix": "!", "logprobs": 2, "max_tokens": 20}
    )
    with pytest.raises(Refused) as caught:
        as_chat(asked)
    ask = only_native(asked, caught.value)
    found = plan(ask, at(vendor, drop=frozenset({"suffix", "logprobs"})))
    if vendor == "openai_compatible":  # it has completions itself
        assert found.ask.fields["suffix"] == "!"
    else:
        assert found.ask.fields["messages"] == [{"role": "user", "content": "Hi"}]
        assert (found.told["suffix"].word, found.told["logprobs"].word) == ("dropped", "dropped")
        with pytest.raises(Refused):
            plan(ask, at(vendor, drop=frozenset({"suffix"})))


def test_null_leaves_out_a_completions_field_that_chat_cannot_serve() -> None:
    asked = Ask("completions", "gpt-3.5-turbo-instruct", {"prompt": "Hi", "suffix": "!"})
    with pytest.raises(Refused) as caught:
        as_chat(asked)
    found = plan(only_native(asked, caught.value), at("kimi", overlay={"suffix": None}))
    assert found.ask.fields["messages"] == [{"role": "user", "content": "Hi"}]
    assert found.told["suffix"].why == "the configuration leaves it out (set)"


def test_what_null_leaves_out_is_no_addition() -> None:
    found = plan(ask(stream=True), at("kimi", overlay={"stream_options": None}))
    assert "stream_options" not in found.added


def test_a_plan_without_an_addition_drops_the_same() -> None:
    found = plan_without(ask(stream=True, **REFUSED), at("qwen", drop=frozenset(REFUSED)), {"stream_options"})
    assert found.told["logprobs"].word == "dropped"
    assert "stream_options" not in found.ask.fields


def vectors(where: Target, **fields: Any) -> Plan:
    return plan(Ask("embeddings", "text-embedding-3-small", {"input": "a", **fields}), where)


def test_a_width_other_than_openais_is_told_where_the_caller_asks_for_none() -> None:
    found = vectors(at("ernie", "bge-large-zh", width=1536))
    assert "dimensions" not in found.ask.fields
    assert found.told["dimensions"].word == "clamped"
    assert found.told["dimensions"].why == "the model gives vectors of 1024 numbers, and OpenAI's have 1536"
    assert header(found.told) == "dimensions=clamped"


def test_openais_own_width_and_the_callers_wish_are_not_told() -> None:
    assert header(vectors(at("ernie", "bge-large-zh", width=1024)).told) is None
    assert header(vectors(at("ernie", "bge-large-zh")).told) is None, "no name of OpenAI's"
    found = vectors(at("qwen", "text-embedding-v4", width=1536), dimensions=512)
    assert (found.ask.fields["dimensions"], header(found.told)) == (512, None)


def test_the_operators_width_wins_over_the_callers_and_is_told_without_a_refusal() -> None:
    where = at("qwen", "text-embedding-v4", width=1536, overlay={"dimensions": 512}, strict=True)
    for fields in ({}, {"dimensions": 1024}):
        found = vectors(where, **fields)
        assert found.ask.fields["dimensions"] == 512
        assert header(found.told) == "dimensions=mapped"


def test_under_strict_vectors_of_another_width_are_refused_until_set_says_that_they_are_meant() -> None:
    with pytest.raises(Refused) as caught:
        vectors(at("ernie", "bge-large-zh", width=1536, strict=True))
    assert caught.value.param == "dimensions"
    meant = at("ernie", "bge-large-zh", width=1536, strict=True, overlay={"dimensions": 1024})
    assert vectors(meant).told["dimensions"].word == "mapped"
