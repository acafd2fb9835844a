"""Chat completions, whole and streamed, as an application reads them."""

import json
from typing import Any

import pytest

from tests.support.client_stage import Site, adapted, chat_body, text_of, user

TEXTS = [
    "Hello",
    "搬家很容易，对吗？",
    "family 👩‍👩‍👧‍👦 and e\u0301",
    "שלום עולם، مرحبا",
    "one\u2028two\u2029three\x85four",
    'quotes " and \\ and\nlines\tand \x7f',
]
PIXEL = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def test_a_whole_answer_has_text_a_finish_the_requested_model_and_the_vendors_count(site: Site) -> None:
    answer = site.chat("Hello")

    (choice,) = answer.choices
    assert (choice.message.role, choice.message.content) == ("assistant", "You said: Hello")
    assert (choice.index, choice.finish_reason) == (0, "stop")
    assert not choice.message.tool_calls
    assert (answer.model, answer.object) == ("gpt-4o", "chat.completion")
    assert answer.id
    usage = answer.usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == site.counted()


def test_system_messages_and_history_arrive_in_order(site: Site) -> None:
    messages = [
        {"role": "system", "content": "Be brief."},
        user("one"),
        {"role": "assistant", "content": "You said: one"},
        user("two"),
    ]

    assert site.chat(messages).choices[0].message.content == "You said: two"
    assert site.calls[-1].body["messages"] == messages


def test_the_developer_role_arrives_as_system(site: Site) -> None:
    response = site.raw([{"role": "developer", "content": "Be brief."}, user("one")])

    assert response.parse().choices[0].message.content == "You said: one"
    assert site.calls[-1].body["messages"][0] == {"role": "system", "content": "Be brief."}
    assert adapted(response)["messages.role"] == "mapped"


@pytest.mark.parametrize("text", TEXTS)
def test_every_letter_comes_back_unharmed_whole_and_streamed(site: Site, text: str) -> None:
    assert site.chat(text).choices[0].message.content == f"You said: {text}"
    assert text_of(site.stream(text)) == f"You said: {text}"


@pytest.mark.parametrize("asks", [{}, {"stream_options": {"include_usage": True}}], ids=["plain", "with usage"])
def test_a_stream_adds_up_to_the_whole_answer(site: Site, asks: dict[str, Any]) -> None:
    whole = site.chat("emulator:words=12").choices[0]
    chunks = site.stream("emulator:words=12", **asks)

    assert text_of(chunks) == whole.message.content
    finishes = [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason]
    assert finishes == [whole.finish_reason]


def test_chunks_share_id_and_model_name_the_role_once_and_finish_once(site: Site) -> None:
    chunks = site.stream("emulator:words=12")

    assert len({(chunk.id, chunk.created, chunk.model, chunk.object) for chunk in chunks}) == 1
    assert (chunks[0].model, chunks[0].object) == ("gpt-4o", "chat.completion.chunk")
    assert all(len(chunk.choices) == 1 for chunk in chunks), "2024's code reads choices[0] of every chunk"
    roles = [chunk.choices[0].delta.role for chunk in chunks]
    assert [role for role in roles if role] == ["assistant"]
    assert roles[0] == "assistant"
    reasons = [chunk.choices[0].finish_reason for chunk in chunks]
    assert [reason for reason in reasons if reason] == ["stop"]
    assert reasons[-1] == "stop"
    assert len(chunks) > 10, "the answer was not streamed but sent in one piece"


def test_usage_ends_a_stream_exactly_when_it_is_requested(site: Site) -> None:
    plain = site.stream("emulator:words=5")
    assert all(getattr(chunk, "usage", None) is None and chunk.choices for chunk in plain)

    *chunks, last = site.stream("emulator:words=5", stream_options={"include_usage": True})

    assert all(chunk.choices and chunk.usage is None for chunk in chunks)
    assert last.choices == []
    assert (last.id, last.model) == (chunks[0].id, "gpt-4o")
    assert (last.usage.prompt_tokens, last.usage.completion_tokens, last.usage.total_tokens) == site.counted()


def test_include_usage_false_is_the_same_as_none(site: Site) -> None:
    chunks = site.stream("Hello", stream_options={"include_usage": False})

    assert all(chunk.choices and chunk.usage is None for chunk in chunks)


def test_an_image_as_a_data_uri_arrives(site: Site) -> None:
    parts = [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}},
    ]

    if site.refuses(parts):
        return

    response = site.raw(parts)

    assert response.parse().choices[0].message.content == "You said: What is it?"
    text, image = site.calls[-1].body["messages"][0]["content"]
    assert (text, image["type"]) == (parts[0], "image_url")
    assert image["image_url"]["url"] in (PIXEL, PIXEL.partition(",")[2]), "some vendors take the bare base64"
    assert "detail" in image["image_url"] or adapted(response)["messages.content.detail"] == "dropped"


def test_five_megabytes_in_a_message_pass(site: Site) -> None:
    big = "0123456789abcdef" * (5 * 1024 * 1024 // 16)

    answer = site.raw([user(big), user("and now?")]).parse()

    messages = site.calls[-1].body["messages"]
    one = f"{big}\n\nand now?"  # two turns of the user in a row are one to a vendor that wants them to alternate
    assert messages in ([user(big), user("and now?")], [user(one)])
    assert answer.choices[0].message.content == f"You said: {messages[-1]['content']}"


def test_five_megabytes_in_an_answer_pass_whole_and_streamed(site: Site) -> None:
    big = "0123456789abcdef" * (5 * 1024 * 1024 // 16)

    assert site.chat(big).choices[0].message.content == f"You said: {big}"
    assert text_of(site.stream(big)) == f"You said: {big}"


def test_a_stream_of_two_thousand_chunks_is_whole(site: Site) -> None:
    chunks = site.stream("emulator:words=2000")

    assert text_of(chunks) == " ".join(f"w{at}" for at in range(1, 2001))
    assert len(chunks) >= 2000, "some vendors end with the last piece of the text"


def test_a_stream_comes_as_it_is_made(site: Site) -> None:
    stream = site.chat("emulator:words=500,gap=10", stream=True)
    with stream:
        first = next(iter(stream))
        assert first.choices
        assert site.calls[-1].ending == "open", "the first chunk came only after the last was made"


def test_a_conversation_goes_on_over_one_connection(site: Site) -> None:
    messages: list[dict[str, Any]] = []
    for turn in ("one", "two", "three"):
        messages.append(user(turn))
        message = site.chat(messages).choices[0].message
        assert message.content == f"You said: {turn}"
        messages.append({"role": "assistant", "content": message.content})

    assert site.calls[-1].body["messages"] == messages[:-1]


def test_an_answer_of_the_sdk_can_be_sent_back_as_it_is(site: Site) -> None:
    first = site.chat("one").choices[0].message

    answer = site.chat([user("one"), json.loads(first.model_dump_json()), user("two")])

    assert answer.choices[0].message.content == "You said: two"


def test_members_of_a_message_that_are_null_are_as_if_absent(site: Site) -> None:
    request = chat_body(
        [{"role": "user", "content": "Hello", "name": None}], temperature=None, stop=None, n=None, tools=None
    )

    assert site.sdk.chat.completions.create(**request).choices[0].message.content == "You said: Hello"
    assert not {"temperature", "stop", "n", "tools"} & set(site.calls[-1].body)
