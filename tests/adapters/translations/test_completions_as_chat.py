"""Completions over chat: what the chat request has, what is reported, and what chat can't do."""

from typing import Any

import pytest

from adapters.core.failures import Refused
from adapters.core.request import ApiRequest, Translation
from adapters.translations.completions_as_chat import again_without, as_chat, only_native

NAME = "gpt-3.5-turbo-instruct"


def translated(prompt: Any = "Hi", **fields: Any) -> tuple[ApiRequest, Translation]:
    """The chat request for a completion, and its translation."""
    chat = as_chat(ApiRequest("completions", NAME, {"prompt": prompt, **fields}))
    assert chat.translation is not None
    return chat, chat.translation


def words(**fields: Any) -> dict[str, str]:
    """The word of each adaptation that is reported."""
    return {name: adaptation.word for name, adaptation in translated(**fields)[1].adaptations.items()}


def refused(**fields: Any) -> str | None:
    with pytest.raises(Refused) as raised:
        translated(**fields)
    return raised.value.param


def test_a_prompt_is_a_user_message_and_each_further_prompt_a_call_of_its_own() -> None:
    for prompt in ("Hi", ["Hi"]):
        chat, translation = translated(prompt)
        assert (chat.operation, chat.model) == ("chat", NAME)
        assert chat.fields["messages"] == [{"role": "user", "content": "Hi"}]
        assert translation.variants == ()
    chat, translation = translated(["Hi", "Ho", "Hu"])
    assert chat.fields["messages"] == [{"role": "user", "content": "Hi"}]
    assert [variant["messages"] for variant in translation.variants] == [
        [{"role": "user", "content": "Ho"}],
        [{"role": "user", "content": "Hu"}],
    ]
    one, several = (str(translated(prompt)[1].adaptations["prompt"].why) for prompt in (["Hi"], ["Hi", "Ho"]))
    assert ("one call per prompt" in one, "one call per prompt" in several) == (False, True)


def test_a_request_without_a_limit_has_openais_and_reports_it() -> None:
    chat, translation = translated()
    assert (chat.fields["max_tokens"], translation.added) == (16, frozenset({"max_tokens"}))
    assert {name: one.word for name, one in translation.adaptations.items()} == {
        "prompt": "mapped",
        "max_tokens": "mapped",
    }
    assert "16" in str(translation.adaptations["max_tokens"].why)


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_the_clients_own_limit_is_sent_alone_and_is_no_adaptation(name: str) -> None:
    chat, translation = translated(**{name: 7})
    assert {key: value for key, value in chat.fields.items() if "tokens" in key} == {name: 7}
    assert translation.added == frozenset()
    assert set(translation.adaptations) == {"prompt"}
    assert set(translated(**{name: 1})[1].adaptations) == {"prompt"}


def test_no_tokens_at_all_are_refused() -> None:
    assert refused(max_tokens=0) == "max_tokens"


SHARED = {
    "frequency_penalty": 0.5, "logit_bias": {"1": 1}, "n": 2, "presence_penalty": 0.5, "seed": 7, "stop": ["a"], "stream": True,
    "stream_options": {"include_usage": True}, "temperature": 0.5, "top_p": 0.5, "user": "u", "of_another_vendor": 1,
}  # fmt: skip


def test_the_parameters_that_chat_has_too_are_left_to_the_vendors_table() -> None:
    chat, translation = translated(**SHARED)
    assert {name: chat.fields.get(name) for name in SHARED} == SHARED
    assert set(translation.adaptations) == {"prompt", "max_tokens"}


@pytest.mark.parametrize("name", ["messages", "tools", "functions", "audio", "modalities"])
def test_a_member_that_only_chat_has_is_refused_by_its_name(name: str) -> None:
    assert refused(**{name: []}) == name


@pytest.mark.parametrize(("name", "value"), [("logprobs", 1), ("suffix", "end")])
def test_what_chat_has_no_form_for_is_refused_by_its_name(name: str, value: Any) -> None:
    assert refused(**{name: value}) == name


def test_echo_is_emulated_where_it_is_requested_and_never_sent() -> None:
    assert words(echo=True)["echo"] == "emulated"
    assert words(echo=False)["echo"] == "mapped"
    assert "echo" not in translated(echo=True)[0].fields


@pytest.mark.parametrize(
    ("best_of", "n", "possible"), [(1, None, True), (2, None, False), (2, 2, True), (3, 2, False), (1, 2, True)]
)
def test_best_of_is_possible_up_to_n_since_nothing_is_ranked(best_of: int, n: int | None, possible: bool) -> None:
    fields = {"best_of": best_of} if n is None else {"best_of": best_of, "n": n}
    if possible:
        assert words(**fields)["best_of"] == "mapped"
        assert "best_of" not in translated(**fields)[0].fields
    else:
        assert refused(**fields) == "best_of"


def test_the_clients_own_request_is_kept_for_vendors_with_completions() -> None:
    own = ApiRequest("completions", NAME, {"prompt": "Hi", "stream": True}, True, True)
    chat = as_chat(own)
    assert chat.translation is not None
    assert chat.translation.native is own
    assert (chat.stream, chat.include_usage) == (True, True)


def test_what_chat_can_not_do_goes_to_vendors_with_completions_alone() -> None:
    own = ApiRequest("completions", NAME, {"prompt": "Hi", "suffix": "end", "logprobs": 1}, True, True)
    with pytest.raises(Refused) as raised:
        as_chat(own)
    chat = only_native(own, raised.value)
    assert (chat.operation, chat.model, chat.stream, chat.include_usage) == ("chat", NAME, True, True)
    assert chat.translation is not None
    assert (chat.translation.native, chat.translation.refused) == (own, raised.value)
    assert chat.translation.original == own.fields


def test_a_request_that_lost_a_field_goes_to_chat_unless_another_field_prevents_it() -> None:
    both = {"prompt": "Hi", "suffix": "end", "logprobs": 1}
    kept, free = (again_without(ApiRequest("completions", NAME, fields)) for fields in ({**both}, {"prompt": "Hi"}))
    assert kept.translation is not None
    assert kept.translation.refused is not None
    assert free.translation is not None
    assert free.translation.refused is None
    assert free.fields["messages"] == [{"role": "user", "content": "Hi"}]
