"""Several choices: from one call if the model supports n, else from one call each."""

from collections.abc import Callable
from typing import Any

import openai
import pytest

from tests.support.client_stage import Front, Site, adapted, chat_body, target_of

Start = Callable[..., Front]
WORDS = "emulator:words=6"
TEXT = "w1 w2 w3 w4 w5 w6"
WEATHER = {"type": "function", "function": {"name": "get_weather", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}}}}}  # fmt: skip


@pytest.mark.parametrize("n", [2, 3, 6, 16])
def test_as_many_choices_come_as_were_requested(site: Site, n: int) -> None:
    response = site.raw(WORDS, n=n)
    answer = response.parse()

    assert [choice.index for choice in answer.choices] == list(range(n))
    assert {(choice.message.content, choice.finish_reason) for choice in answer.choices} == {(TEXT, "stop")}
    assert adapted(response)["n"] == "emulated"
    assert len(site.calls) == n
    assert all("n" not in call.body for call in site.calls)


@pytest.mark.parametrize("n", [2, 6])
def test_streams_of_several_choices_add_up_to_each_of_them(site: Site, n: int) -> None:
    chunks = site.stream(WORDS, n=n)

    texts = dict.fromkeys(range(n), "")
    for chunk in chunks:
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
    assert texts == dict.fromkeys(range(n), TEXT)
    pieces = [(choice.index, choice) for chunk in chunks for choice in chunk.choices]
    assert sorted(at for at, choice in pieces if choice.finish_reason) == list(range(n))
    assert sorted(at for at, choice in pieces if choice.delta.role) == list(range(n))
    for at in range(n):
        mine = [choice for index, choice in pieces if index == at]
        assert mine[0].delta.role == "assistant"
        assert mine[-1].finish_reason == "stop"
    assert len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}) == 1


def test_choices_stream_side_by_side(site: Site) -> None:
    chunks = site.stream("emulator:words=20,gap=2", n=2)

    order = [choice.index for chunk in chunks for choice in chunk.choices]
    assert order != sorted(order), "the second choice came only after the first"


def test_usage_is_the_sum_of_what_the_vendor_billed(site: Site) -> None:
    one = site.chat(WORDS).usage
    usage = site.chat(WORDS, n=3).usage
    *_, last = site.stream(WORDS, n=3, stream_options={"include_usage": True})

    assert (usage.prompt_tokens, usage.completion_tokens) == (3 * one.prompt_tokens, 3 * one.completion_tokens)
    assert usage.total_tokens == 3 * one.total_tokens
    assert last.choices == []
    assert (last.usage.prompt_tokens, last.usage.completion_tokens) == (usage.prompt_tokens, usage.completion_tokens)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_tool_calls_of_several_choices_have_ids_of_their_own(site: Site, stream: bool) -> None:
    request = chat_body("get weather, city=Oslo", tools=[WEATHER], n=3)
    if stream:
        chunks = list(site.sdk.chat.completions.create(**request, stream=True))
        pieces = [(c.index, call) for chunk in chunks for c in chunk.choices for call in c.delta.tool_calls or []]
        ids = [(at, call.id) for at, call in pieces if call.id]
    else:
        answer = site.sdk.chat.completions.create(**request)
        assert {choice.finish_reason for choice in answer.choices} == {"tool_calls"}
        ids = [(choice.index, call.id) for choice in answer.choices for call in choice.message.tool_calls]

    assert sorted(at for at, _ in ids) == [0, 1, 2]
    assert len({id_ for _, id_ in ids}) == 3


@pytest.mark.parametrize("fault", ["error_500@2", "error_in_200@2"])
def test_one_call_that_fails_makes_the_whole_request_repeat(site: Site, fault: str) -> None:
    site.emulator.set_faults([fault])

    answer = site.chat(WORDS, n=3)

    assert [choice.message.content for choice in answer.choices] == [TEXT] * 3


def test_a_call_that_keeps_failing_fails_the_whole(site: Site) -> None:
    site.emulator.set_faults(["cut=3"])

    with pytest.raises(openai.APIError):
        site.stream(WORDS, n=2)

    assert b"[DONE]" not in site.front.seen[-1].body


@pytest.mark.parametrize("n", [17, 128])
def test_more_than_sixteen_calls_are_refused_by_name(site: Site, n: int) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        site.chat(WORDS, n=n)

    assert (caught.value.param, caught.value.code) == ("n", "unsupported_parameter")
    assert "16" in caught.value.message
    assert not site.calls


@pytest.mark.parametrize("where", ["everywhere", "for this name"])
def test_switched_off_it_is_refused_with_the_cure(start: Start, vendor: str, where: str) -> None:
    off: dict[str, Any] = {"emulate": {"n": "off"}}
    if where == "everywhere":
        front = start(vendor, policy=off)
    else:
        front = start(vendor, policy={"emulate": {"stop": "off"}}, models={
            "gpt-4o": {"targets": [target_of(vendor)], "policy": off}})  # fmt: skip

    with pytest.raises(openai.BadRequestError) as caught:
        front.sdk().chat.completions.create(**chat_body(WORDS, n=2))

    assert (caught.value.param, caught.value.code) == ("n", "unsupported_parameter")
    assert "emulate" in caught.value.message
    assert "policy.emulate" in caught.value.message
    assert front.sdk().chat.completions.create(**chat_body(WORDS, n=1)).choices[0].message.content == TEXT
