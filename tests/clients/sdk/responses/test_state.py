"""Stored responses: retrieve, list, delete, continue; and conversations with their items and turns."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai
import pytest

from tests.clients.sdk.responses.calls import ResponsesSite
from tests.support.client_stage import Front, Stage, until

BOTH_WAYS = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


def texts(messages: list[tuple[str, Any]]) -> list[str]:
    """Return the texts of chat messages, whether they are strings or parts."""
    return [content if type(content) is str else "".join(part["text"] for part in content) for _, content in messages]


@BOTH_WAYS
def test_a_response_is_retrieved_as_it_was_sent(site: ResponsesSite, stream: bool) -> None:
    response = site.final("Hello", stream=stream, metadata={"a": "1"})
    assert site.sdk.responses.retrieve(response.id).to_dict() == response.to_dict()


def test_the_input_items_are_listed_in_both_orders_and_in_pages(site: ResponsesSite) -> None:
    first = site.ask("one")
    second = site.ask("two", previous_response_id=first.id, instructions="Be brief.")
    oldest = list(site.sdk.responses.input_items.list(second.id, order="asc", limit=1))
    newest = list(site.sdk.responses.input_items.list(second.id, limit=2))

    assert next(item.type for item in oldest) == "message"
    assert [item.id for item in oldest] == [item.id for item in newest][::-1]
    shown = [item for item in oldest if item.type == "message"]
    assert [item.content[0].text for item in shown] == ["one", "You said: one", "two"]


def test_a_deleted_response_is_gone(site: ResponsesSite) -> None:
    response = site.ask("Hello")
    site.sdk.responses.delete(response.id)
    for call in (site.sdk.responses.retrieve, site.sdk.responses.delete, site.sdk.responses.input_items.list):
        with pytest.raises(openai.NotFoundError) as caught:
            call(response.id)
        assert f"Response with id '{response.id}' not found." in caught.value.message
    with pytest.raises(openai.BadRequestError) as refused:
        site.ask("and?", previous_response_id=response.id)
    assert (refused.value.code, refused.value.param) == ("previous_response_not_found", "previous_response_id")


def test_a_response_that_is_not_stored_cannot_be_retrieved_or_continued(site: ResponsesSite) -> None:
    response = site.ask("Hello", store=False)
    assert response.to_dict()["store"] is False
    with pytest.raises(openai.NotFoundError):
        site.sdk.responses.retrieve(response.id)
    with pytest.raises(openai.BadRequestError):
        site.ask("and?", previous_response_id=response.id)


@BOTH_WAYS
def test_a_chain_brings_its_history_to_the_model_and_not_its_instructions(site: ResponsesSite, stream: bool) -> None:
    first = site.final("one", stream=stream, instructions="Speak like a pirate.")
    second = site.final("two", stream=stream, previous_response_id=first.id)
    branch = site.final("three", stream=stream, previous_response_id=first.id)

    assert "Speak like a pirate." in str(site.calls[0].body)
    assert "pirate" not in str(site.calls[1].body)
    assert texts(site.sent(1))[-3:] == ["one", "You said: one", "two"]
    assert texts(site.sent(2))[-3:] == ["one", "You said: one", "three"]
    assert (second.previous_response_id, branch.previous_response_id) == (first.id, first.id)
    assert second.instructions is None


def test_an_item_is_referred_to_by_its_id(site: ResponsesSite) -> None:
    first = site.ask("one")
    message = next(item for item in first.output if item.type == "message")
    items: list[Any] = [
        {"role": "user", "content": "one"},
        {"type": "item_reference", "id": message.id},
        {"role": "user", "content": "two"},
    ]
    assert site.ask(items).output_text == "You said: two"
    assert texts(site.sent())[-3:] == ["one", "You said: one", "two"]
    with pytest.raises(openai.NotFoundError) as caught:
        site.ask([{"type": "item_reference", "id": "msg_unknown"}, {"role": "user", "content": "x"}])
    assert caught.value.param == "input"


def test_unknown_ids_are_errors_and_no_vendor_is_called(site: ResponsesSite) -> None:
    with pytest.raises(openai.BadRequestError) as previous:
        site.ask("x", previous_response_id="resp_unknown")
    with pytest.raises(openai.NotFoundError) as conversation:
        site.ask("x", conversation="conv_unknown")
    with pytest.raises(openai.BadRequestError) as both:
        site.ask("x", conversation="conv_unknown", previous_response_id="resp_unknown")
    assert previous.value.code == "previous_response_not_found"
    assert conversation.value.param == "conversation"
    assert both.value.code == "mutually_exclusive_parameters"
    assert not site.calls


def test_a_failed_response_is_stored_and_is_nobodys_history(
    stage: Stage, serve: Callable[..., Front], vendor: str, site: ResponsesSite
) -> None:
    site.emulator.set_faults(["cut=12"])
    failed = site.events("emulator:words=20")[-1].response
    assert (failed.status, failed.error.code) == ("failed", "server_error")
    assert site.sdk.responses.retrieve(failed.id).to_dict() == failed.to_dict()
    with pytest.raises(openai.BadRequestError) as caught:
        site.ask("go on", previous_response_id=failed.id)
    assert caught.value.code == "previous_response_not_found"
    assert "is failed" in caught.value.message


def test_a_conversation_is_created_changed_and_deleted(site: ResponsesSite) -> None:
    conversations = site.sdk.conversations
    made = conversations.create(metadata={"a": "1"}, items=[{"role": "user", "content": "one"}])
    assert conversations.retrieve(made.id).metadata == {"a": "1"}
    assert conversations.update(made.id, metadata={"b": "2"}).metadata == {"b": "2"}
    added = conversations.items.create(made.id, items=[{"role": "assistant", "content": "two"}])
    listed = list(conversations.items.list(made.id, order="asc", limit=1))
    assert [item.content[0].text for item in listed] == ["one", "two"]
    assert [item.content[0].type for item in listed] == ["input_text", "output_text"]
    assert conversations.items.retrieve(added.data[0].id, conversation_id=made.id).id == listed[1].id
    assert conversations.items.delete(listed[0].id, conversation_id=made.id).id == made.id
    assert [item.id for item in conversations.items.list(made.id)] == [listed[1].id]
    assert conversations.delete(made.id).deleted is True
    with pytest.raises(openai.NotFoundError):
        conversations.retrieve(made.id)


@BOTH_WAYS
@pytest.mark.parametrize("form", [str, lambda id_: {"id": id_}], ids=["text", "object"])
def test_turns_of_a_conversation_follow_one_another(
    site: ResponsesSite, stream: bool, form: Callable[[str], Any]
) -> None:
    id_ = site.sdk.conversations.create().id
    for word in ("one", "two"):
        response = site.final(word, stream=stream, conversation=form(id_))
        assert response.conversation.id == id_
    assert texts(site.sent())[-3:] == ["one", "You said: one", "two"]
    shown = [item for item in site.sdk.conversations.items.list(id_, order="asc") if item.type == "message"]
    assert [item.content[0].text for item in shown] == ["one", "You said: one", "two", "You said: two"]


def test_turns_at_once_are_added_whole_or_refused(site: ResponsesSite) -> None:
    id_ = site.sdk.conversations.create().id

    def turn(number: int) -> str | None:
        try:
            return str(site.ask(f"turn {number}", conversation=id_).output_text)
        except openai.BadRequestError as refused:
            error = refused
            assert (error.code, error.param) == ("conversation_locked", "conversation")
            assert error.response.headers["x-should-retry"] == "true"
            return None

    with ThreadPoolExecutor(8) as threads:
        answers = [answer for answer in threads.map(turn, range(8)) if answer]
    shown = [item for item in site.sdk.conversations.items.list(id_, order="asc") if item.type == "message"]
    pairs = [(one.content[0].text, two.content[0].text) for one, two in zip(shown[::2], shown[1::2], strict=True)]
    assert sorted(two for _, two in pairs) == sorted(answers)
    assert all(two == f"You said: {one}" for one, two in pairs)


def test_a_turn_that_was_cut_adds_nothing_and_frees_the_lock(site: ResponsesSite) -> None:
    id_ = site.sdk.conversations.create().id
    site.emulator.set_faults(["cut=12@1"])
    assert site.events("emulator:words=20", conversation=id_)[-1].type == "response.failed"
    assert list(site.sdk.conversations.items.list(id_)) == []
    assert site.ask("Hello", conversation=id_).output_text == "You said: Hello"


def test_a_client_that_leaves_has_nothing_stored(site: ResponsesSite) -> None:
    id_ = site.sdk.conversations.create().id
    stream = site.ask("emulator:words=500,gap=20", stream=True, conversation=id_)
    response = next(iter(stream)).response
    stream.close()
    until(lambda: site.emulator.active == 0)
    until(lambda: [line["ending"] for line in site.front.running.lines][-1:] == ["client_closed"])
    with pytest.raises(openai.NotFoundError):
        site.sdk.responses.retrieve(response.id)
    assert list(site.sdk.conversations.items.list(id_)) == []
    assert site.ask("Hello", conversation=id_).output_text == "You said: Hello"


def test_another_clients_objects_do_not_exist(vendor: str, serve: Callable[..., Front], stage: Stage) -> None:
    keys = ["sk-of-the-first-client-01", "sk-of-the-second-client-1"]
    front = serve(vendor, server={"client_keys": keys})
    clients: list[Any] = [front.sdk(key) for key in keys]
    owner, other = clients
    response = owner.responses.create(model="gpt-4o", input="secret")
    conversation = owner.conversations.create(items=[{"role": "user", "content": "secret"}])
    (item,) = owner.conversations.items.list(conversation.id)
    calls: list[Callable[[], Any]] = [
        lambda: other.responses.retrieve(response.id),
        lambda: other.responses.delete(response.id),
        lambda: other.responses.cancel(response.id),
        lambda: other.responses.input_items.list(response.id),
        lambda: other.conversations.retrieve(conversation.id),
        lambda: other.conversations.update(conversation.id, metadata={}),
        lambda: other.conversations.delete(conversation.id),
        lambda: other.conversations.items.list(conversation.id),
        lambda: other.conversations.items.retrieve(item.id, conversation_id=conversation.id),
        lambda: other.responses.create(model="gpt-4o", input="x", conversation=conversation.id),
        lambda: other.responses.create(model="gpt-4o", input=[{"type": "item_reference", "id": item.id}]),
    ]
    for call in calls:
        with pytest.raises(openai.NotFoundError) as caught:
            call()
        assert "secret" not in caught.value.message
    with pytest.raises(openai.BadRequestError) as refused:
        other.responses.create(model="gpt-4o", input="x", previous_response_id=response.id)
    assert refused.value.code == "previous_response_not_found"
    assert owner.responses.retrieve(response.id).id == response.id
