"""Legacy completions over chat, in their own format."""

from typing import Any

import openai
import pytest

from proxy.openai_api import token_ids as tokens
from tests.support.client_stage import Site, adapted

WORDS = "emulator:words=6"
TEXT = "w1 w2 w3 w4 w5 w6"
LEGACY = ["gpt-3.5-turbo-instruct", "davinci-002", "babbage-002", "text-davinci-003"]


def complete(site: Site, prompt: Any = "Hello", **more: Any) -> Any:
    return site.sdk.completions.create(**{"model": "gpt-4o", "prompt": prompt, "max_tokens": 50, **more})


def raw(site: Site, prompt: Any = "Hello", **more: Any) -> Any:
    """The same with the response's headers."""
    return site.sdk.completions.with_raw_response.create(**{"model": "gpt-4o", "prompt": prompt, **more})


def texts(chunks: list[Any]) -> dict[int, str]:
    """The texts that a stream's chunks add up to, by choice."""
    found: dict[int, str] = {}
    for chunk in chunks:
        for choice in chunk.choices:
            found[choice.index] = found.get(choice.index, "") + choice.text
    return found


def test_a_whole_answer_has_a_text_a_finish_and_the_vendors_count(site: Site) -> None:
    answer = complete(site)

    (choice,) = answer.choices
    assert (choice.text, choice.index, choice.finish_reason, choice.logprobs) == ("You said: Hello", 0, "stop", None)
    assert (answer.object, answer.model) == ("text_completion", "gpt-4o")
    assert answer.id.startswith("cmpl-")
    usage = answer.usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == site.counted()
    assert site.calls[-1].body["messages"] == [{"role": "user", "content": "Hello"}]


def test_a_stream_adds_up_to_the_whole_answer_and_has_the_same_shape(site: Site) -> None:
    chunks = list(complete(site, WORDS, stream=True))

    assert texts(chunks) == {0: TEXT}
    assert len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}) == 1
    assert chunks[0].id.startswith("cmpl-")
    assert {chunk.object for chunk in chunks} == {"text_completion"}
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices[0].finish_reason] == ["stop"]
    assert all(chunk.choices and getattr(chunk, "usage", None) is None for chunk in chunks)
    assert len(chunks) > 4


def test_usage_ends_a_stream_exactly_when_it_is_requested(site: Site) -> None:
    *chunks, last = complete(site, WORDS, stream=True, stream_options={"include_usage": True})

    assert all(chunk.choices for chunk in chunks)
    assert (last.choices, last.id, last.object) == ([], chunks[0].id, "text_completion")
    assert (last.usage.prompt_tokens, last.usage.completion_tokens, last.usage.total_tokens) == site.counted()


PROMPTS = ["one", "two", "three", "four", "five", "six"]


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_several_prompts_are_answered_prompt_by_prompt(site: Site, n: int, stream: bool) -> None:
    expected = {at * n + copy: f"You said: {text}" for at, text in enumerate(PROMPTS) for copy in range(n)}
    if stream:
        assert texts(list(complete(site, PROMPTS, n=n, stream=True))) == expected
    else:
        answer = complete(site, PROMPTS, n=n)
        assert {choice.index: choice.text for choice in answer.choices} == expected
        assert [choice.index for choice in answer.choices] == list(range(len(expected)))
        assert answer.usage.prompt_tokens == sum((call.usage or {})["prompt_tokens"] for call in site.calls)
    assert len(site.calls) == len(expected)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_echo_puts_the_prompt_before_each_text(site: Site, stream: bool) -> None:
    expected = {0: "oneYou said: one", 1: "oneYou said: one", 2: "twoYou said: two", 3: "twoYou said: two"}
    if stream:
        found = texts(list(complete(site, ["one", "two"], n=2, echo=True, stream=True)))
    else:
        found = {choice.index: choice.text for choice in complete(site, ["one", "two"], n=2, echo=True).choices}

    assert found == expected


def test_without_a_limit_there_are_sixteen_tokens_as_at_openai(site: Site) -> None:
    response = raw(site, "emulator:words=40")

    (choice,) = response.parse().choices
    assert choice.finish_reason == "length"
    assert choice.text == " ".join(f"w{at}" for at in range(1, 17))
    assert {adapted(response)[name] for name in ("prompt", "max_tokens")} == {"mapped"}


def test_fields_shared_with_chat_follow_the_vendors_own_table(site: Site) -> None:
    response = raw(site, WORDS, max_tokens=50, stop=["w4"], temperature=2, logit_bias={"50256": -100}, user="u", seed=3)

    assert response.parse().choices[0].text == "w1 w2 w3 "
    adaptations = adapted(response)
    assert adaptations["logit_bias"] == "dropped"
    sent = site.calls[-1].body.get("temperature")
    assert sent == 2 or adaptations["temperature"] in ("clamped", "dropped")


@pytest.mark.parametrize("model", LEGACY)
def test_the_names_of_2023_are_answered(site: Site, model: str) -> None:
    answer = complete(site, model=model)

    assert (answer.choices[0].text, answer.model) == ("You said: Hello", model)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"suffix": "end"}, "suffix"),
        ({"logprobs": 2}, "logprobs"),
        ({"best_of": 3}, "best_of"),
        ({"best_of": 3, "n": 2}, "best_of"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"prompt": ["x"] * 65}, "prompt"),
        ({"prompt": ["x"] * 20, "n": 16}, "prompt"),
    ],
    ids=str,
)
def test_fields_that_chat_lacks_are_refused_by_name(site: Site, fields: dict[str, Any], param: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        complete(site, **fields)

    assert (caught.value.param, caught.value.code) == (param, "unsupported_parameter")
    assert not site.calls


@pytest.mark.parametrize("given", [[15339, 1917], [[15339, 1917], [65]]])
def test_token_ids_without_the_extra_are_refused(site: Site, given: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "table", lambda encoding: None)

    with pytest.raises(openai.BadRequestError) as caught:
        complete(site, prompt=given)

    assert (caught.value.param, caught.value.code) == ("prompt", "unsupported_parameter")
    assert not site.calls


@pytest.mark.parametrize(
    ("name", "value"), [("best_of", 1), ("logprobs", 0), ("echo", False), ("suffix", ""), ("n", 1), ("stop", [])]
)
def test_a_value_without_effect_is_never_refused(site: Site, name: str, value: Any) -> None:
    assert complete(site, **{name: value}).choices[0].text == "You said: Hello"


def test_best_of_as_many_as_are_given_is_no_choice(site: Site) -> None:
    assert len(complete(site, n=2, best_of=2).choices) == 2


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"prompt": []}, "prompt"),
        ({"prompt": ["a", 5]}, "prompt[1]"),
        ({"prompt": {}}, "prompt"),
        ({"echo": "yes"}, "echo"),
        ({"logprobs": True}, "logprobs"),
        ({"best_of": 21}, "best_of"),
        ({"temperature": 3}, "temperature"),
        ({"tools": []}, "tools"),
        ({"response_format": "json"}, "response_format"),
    ],
    ids=str,
)
def test_an_invalid_request_is_refused_before_any_vendor_gets_it(
    site: Site, fields: dict[str, Any], param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        complete(site, "Hello", extra_body=fields)

    assert caught.value.param == param
    assert not site.calls


def test_a_failing_prompt_is_named(site: Site) -> None:
    site.emulator.set_faults(["inspection"])

    with pytest.raises(openai.BadRequestError) as caught:
        complete(site, ["one", "two"])

    assert "(prompt " in caught.value.message


def test_a_stream_that_breaks_raises_and_has_no_end(site: Site) -> None:
    site.emulator.set_faults(["cut=4"])

    with pytest.raises(openai.APIError):
        list(complete(site, "emulator:words=20", stream=True, echo=True))

    assert b"[DONE]" not in site.front.seen[-1].body
