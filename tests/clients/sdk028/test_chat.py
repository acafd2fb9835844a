"""Chat completions, whole and streamed, as an application of 2023 reads them."""

import asyncio
from typing import Any

import pytest

from tests.clients.sdk.test_chat import PIXEL, TEXTS
from tests.clients.sdk028.client import Site, openai, text_of
from tests.support.client_stage import chat_body, user


def test_a_whole_answer_has_text_a_finish_the_requested_model_and_the_vendors_count(site: Site) -> None:
    answer = site.chat("Hello")

    (choice,) = answer.choices
    assert (choice.message.role, choice.message.content) == ("assistant", "You said: Hello")
    assert (choice.index, choice.finish_reason) == (0, "stop")
    assert (answer.model, answer.object) == ("gpt-4o", "chat.completion")
    assert answer["choices"][0]["message"]["content"] == "You said: Hello"
    usage = answer.usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == site.counted()


@pytest.mark.parametrize("text", TEXTS)
def test_every_letter_comes_back_unharmed_whole_and_streamed(site: Site, text: str) -> None:
    assert site.chat(text).choices[0].message.content == f"You said: {text}"
    assert text_of(site.stream(text)) == f"You said: {text}"


def test_a_stream_adds_up_to_the_whole_answer_and_every_chunk_has_a_choice(site: Site) -> None:
    whole = site.chat("emulator:words=12").choices[0]
    chunks = site.stream("emulator:words=12")

    assert text_of(chunks) == whole.message.content
    assert all(len(chunk["choices"]) == 1 for chunk in chunks), "code of 2023 reads choices[0] of every chunk"
    assert not [chunk for chunk in chunks if chunk.get("usage")]
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    assert [c["finish_reason"] for chunk in chunks for c in chunk["choices"] if c["finish_reason"]] == ["stop"]
    assert len({chunk["id"] for chunk in chunks}) == 1
    assert len(chunks) > 10


def test_usage_ends_a_stream_when_it_is_requested(site: Site) -> None:
    *chunks, last = site.stream("emulator:words=5", stream_options={"include_usage": True})

    assert all(chunk["choices"] for chunk in chunks)
    assert last["choices"] == []
    usage = last["usage"]
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == site.counted()


def test_a_stream_comes_as_it_is_made(site: Site) -> None:
    stream = site.chat("emulator:words=500,gap=10", stream=True)
    assert next(stream)["choices"]
    assert site.calls[-1].ending == "open", "the first chunk came only after the last was made"
    stream.close()


def test_an_image_as_a_data_uri_arrives_or_is_refused_by_name_where_the_model_takes_none(site: Site) -> None:
    parts = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": PIXEL}}]
    if "image" not in site.front.plan(**chat_body()).target.model.input:
        with pytest.raises(openai.error.InvalidRequestError) as caught:
            site.chat([user(parts)])
        assert caught.value.param == "messages[0].content[1].type"
        return

    assert site.chat([user(parts)]).choices[0].message.content == "You said: What is it?"
    text, image = site.calls[-1].body["messages"][0]["content"]
    assert text == parts[0]
    assert image["image_url"]["url"] in (PIXEL, PIXEL.partition(",")[2]), "some vendors take the bare base64"


def test_five_megabytes_pass_both_ways(site: Site) -> None:
    big = "0123456789abcdef" * (5 * 1024 * 1024 // 16)

    assert site.chat(big).choices[0].message.content == f"You said: {big}"
    assert text_of(site.stream(big)) == f"You said: {big}"


def test_a_conversation_of_the_clients_own_objects_goes_on(site: Site) -> None:
    messages: list[Any] = []
    for turn in ("one", "two", "three"):
        messages.append(user(turn))
        message = site.chat(messages).choices[0].message
        assert message.content == f"You said: {turn}"
        messages.append(message)


def test_parameters_of_2023_are_answered(site: Site) -> None:
    answer = site.chat("emulator:words=9", temperature=0, top_p=1, n=1, stop=["w4"], max_tokens=50, presence_penalty=0,
                       frequency_penalty=0, logit_bias={}, user="u-1")  # fmt: skip

    assert answer.choices[0].message.content == "w1 w2 w3 "


def test_engine_names_the_model_in_the_path(site: Site) -> None:
    request = chat_body("Hello")
    del request["model"]

    answer = openai.ChatCompletion.create(engine="gpt-4o", **request)
    chunks = list(openai.ChatCompletion.create(engine="gpt-4o", **request, stream=True))

    assert site.front.seen[-1].path == "/v1/engines/gpt-4o/chat/completions"
    assert (answer.model, answer.choices[0].message.content) == ("gpt-4o", "You said: Hello")
    assert text_of(chunks) == "You said: Hello"


def test_engine_may_be_a_name_with_a_slash(site: Site) -> None:
    target = site.front.running.state.snapshot.routing.find("gpt-4o", "chat").targets[0].label

    answer = openai.ChatCompletion.create(engine=target, messages=[user("Hello")])

    assert (answer.model, answer.choices[0].message.content) == (target, "You said: Hello")


@pytest.mark.parametrize("base", ["", "/v1", "/v1/v1", "//v1"])
def test_a_base_with_and_without_its_version_is_the_same(site: Site, base: str) -> None:
    answer = openai.ChatCompletion.create(api_base=f"{site.front.running.url}{base}", **chat_body("Hello"))

    assert answer.choices[0].message.content == "You said: Hello"


def test_the_asyncio_calls_get_whole_and_streamed_answers(site: Site) -> None:
    async def both() -> tuple[str, str]:
        whole = await openai.ChatCompletion.acreate(**chat_body("搬家"))
        chunks = [chunk async for chunk in await openai.ChatCompletion.acreate(**chat_body("搬家"), stream=True)]
        return str(whole.choices[0].message.content), text_of(chunks)

    assert asyncio.run(both()) == ("You said: 搬家", "You said: 搬家")
