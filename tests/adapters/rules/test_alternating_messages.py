"""Conversations for vendors that require alternating roles: reordering, refusals, and reported adaptations."""

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.core.builder import RequestBuilder
from adapters.core.failures import Refused
from adapters.core.model import Model
from adapters.core.request import ApiRequest
from tests.adapters.play import USUAL, chat_plan, target

CALL = {"id": "c1", "type": "function", "function": {"name": "get_tide", "arguments": "{}"}}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}


def system(text: str) -> dict[str, Any]:
    return {"role": "system", "content": text}


def user(text: Any) -> dict[str, Any]:
    return {"role": "user", "content": text}


def assistant(text: str | None, *calls: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": text, **({"tool_calls": list(calls)} if calls else {})}


def tool(text: str, call: str = "c1") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call, "content": text}


def named(message: dict[str, Any], name: str) -> dict[str, Any]:
    return {**message, "name": name}


def sent(
    *messages: dict[str, Any], model: Model | None = None, vendor: str = "hunyuan_classic"
) -> tuple[list[Any], dict[str, str]]:
    """Return the messages for the vendor (the classic host by default), and their reported adaptations."""
    verdict = target(vendor, USUAL[vendor]).vendor.operations["chat"].params["messages"]
    builder = RequestBuilder(ApiRequest("chat", "gpt-4o", {"messages": list(messages)}), model or Model(USUAL[vendor]))
    verdict.apply("messages", list(messages), builder)
    return builder.body["messages"], {name: told.word for name, told in builder.adaptations.items()}


def refused(*messages: dict[str, Any]) -> str:
    with pytest.raises(Refused) as caught:
        chat_plan("hunyuan_classic", messages=list(messages))
    beginning = f"'{caught.value.param}' is not supported by hunyuan-turbos-latest"
    assert caught.value.message.startswith(beginning)
    return caught.value.param + caught.value.message.removeprefix(beginning)


@pytest.mark.parametrize(
    "messages",
    [
        [user("a")],
        [system("s"), user("a")],
        [user("a"), assistant("b"), user("c")],
        [user("a"), assistant("", CALL), tool("4")],
        [user("a"), assistant("", CALL, {**CALL, "id": "c2"}), tool("4"), tool("5", "c2")],
        [user("a"), assistant("", CALL), tool("4"), assistant("b"), user("c")],
    ],
)
def test_a_conversation_in_turns_is_sent_as_it_came(messages: list[Any]) -> None:
    assert sent(*messages) == (messages, {"messages": "honoured"})


def test_a_turn_that_only_called_tools_has_an_empty_text_and_no_null() -> None:
    without: dict[str, Any] = {"role": "assistant", "tool_calls": [CALL]}
    for came in (assistant(None, CALL), without):
        assert sent(user("a"), came, tool("4")) == (
            [user("a"), assistant("", CALL), tool("4")],
            {"messages": "honoured"},
        )


@pytest.mark.parametrize(
    ("came", "goes"),
    [
        ([user("a"), system("s")], [system("s"), user("a")]),
        ([system("s"), system("t"), user("a")], [system("s\n\nt"), user("a")]),
        ([system("s"), user("a"), system("t"), user("b")], [system("s\n\nt"), user("a\n\nb")]),
        ([user("a"), user("b")], [user("a\n\nb")]),
        ([user("a"), assistant("b"), assistant("c"), user("d")], [user("a"), assistant("b\n\nc"), user("d")]),
        (
            [user("a"), assistant("b"), assistant(None, CALL), tool("4")],
            [user("a"), assistant("b", CALL), tool("4")],
        ),
        ([system("s")], [user("s")]),
        ([user("a"), user("")], [user("a")]),
        ([system(""), user("a")], [user("a")]),
        ([user("a"), assistant(""), user("b")], [user("a\n\nb")]),
        ([user("a"), assistant("", CALL), tool("")], [user("a"), assistant("", CALL), tool('""')]),
    ],
)
def test_messages_that_can_alternate_are_rearranged_and_reported(came: list[Any], goes: list[Any]) -> None:
    assert sent(*came) == (goes, {"messages": "mapped"})


def test_a_developers_word_joins_the_system_text() -> None:
    messages, told = sent({"role": "developer", "content": "s"}, user("a"), system("t"))
    assert messages == [system("s\n\nt"), user("a")]
    assert told == {"messages.role": "mapped", "messages": "mapped"}


def test_neighbours_with_images_are_one_list_of_parts() -> None:
    sees = Model("hunyuan-turbos-vision", input=frozenset({"text", "image"}))
    messages, _ = sent(user("a"), user([IMAGE]), user([{"type": "text", "text": "b"}]), model=sees)
    assert messages == [user([{"type": "text", "text": "a"}, IMAGE, {"type": "text", "text": "b"}])]


def test_a_system_message_is_text_only() -> None:
    sees = Model("hunyuan-turbos-vision", input=frozenset({"text", "image"}))
    in_parts = {"role": "system", "content": [{"type": "text", "text": "s"}, {"type": "text", "text": "t"}]}
    assert sent(in_parts, user("a"), model=sees)[0] == [system("st"), user("a")]
    with pytest.raises(Refused, match="only contain text"):
        sent({"role": "system", "content": [IMAGE]}, user("a"), model=sees)


def test_reasoning_of_earlier_answers_is_dropped_and_reported() -> None:
    messages, told = sent(user("a"), {**assistant("b"), "reasoning_content": "hm"}, user("c"))
    assert messages == [user("a"), assistant("b"), user("c")]
    assert told["messages.reasoning_content"] == "dropped"


@pytest.mark.parametrize(
    ("messages", "says"),
    [
        ([assistant("a"), user("b")], "messages[0].role: the vendor does not accept an assistant message first: start with a user message."),
        ([system("s"), assistant("a"), user("b")], "messages[1].role: the vendor does not accept an assistant message first: start with a user message."),
        ([system("s"), user("a"), assistant("b")], "messages[2].role: the vendor does not continue an assistant message: end with a user message."),
        ([user("a"), assistant("", CALL), tool("4"), user("b")], "messages[3].role: the vendor does not accept a user message directly after a tool result: let the model answer first."),
        ([tool("4")], "messages[0].role: the vendor does not accept a tool result before the tool call: start with a user message."),
        ([user("a"), tool("4")], "messages[1].role: the vendor does not accept a tool result directly after a user message: include the assistant message with the tool call."),
        ([user("a"), assistant("", CALL), assistant("b"), user("c")], "messages[2].role: the vendor does not accept an assistant message directly after tool calls: send the tool results first."),
        ([user("")], "messages: no message has content: send a user message."),
        ([user("a"), *[assistant("b"), user("c")] * 20], "messages: the vendor accepts at most 40 messages, and the request has 41: remove some."),
    ],
)  # fmt: skip
def test_messages_that_cannot_alternate_are_refused_with_position_and_cure(messages: list[Any], says: str) -> None:
    assert refused(*messages) == says


def test_messages_are_counted_as_they_are_sent() -> None:
    messages, _ = sent(*[user("a")] * 60)
    assert len(messages) == 1
    assert len(sent(user("a"), *[assistant("b"), user("c")] * 19)[0]) == 39


TEXT = st.sampled_from(["", "a", "b"])
MESSAGES = st.lists(
    st.one_of(
        st.builds(system, TEXT),
        st.builds(user, TEXT),
        st.builds(assistant, TEXT),
        st.builds(lambda text: assistant(text, CALL), TEXT),
        st.builds(tool, TEXT),
    ),
    min_size=1,
    max_size=9,
)


@pytest.mark.parametrize("vendor", ["hunyuan_classic", "ernie"])
@settings(max_examples=500, deadline=None)
@given(messages=MESSAGES)
def test_whatever_is_sent_keeps_the_order_and_loses_no_text(vendor: str, messages: list[Any]) -> None:
    before = [dict(message) for message in messages]
    try:
        out, _ = sent(*messages, vendor=vendor)
    except Refused:
        return
    assert messages == before, "the caller's messages were changed in place"
    roles = [message["role"] for message in out]
    assert "system" not in roles[1:]
    turns = [("assistant" if role == "assistant" else "asks", role) for role in roles if role != "system"]
    assert turns[0][1] == "user"
    assert turns[-1][0] == "asks"
    for (side, role), (next_side, next_role) in itertools.pairwise(turns):
        assert side != next_side or role == next_role == "tool"
    assert all(message["content"] or message.get("tool_calls") for message in out)
    said = sorted("".join(str(message["content"] or "") for message in messages))
    texts = [message["content"] for message in out if message["content"] not in ("(empty)", "Continue.", '""')]
    assert sorted("".join(texts).replace("\n", "")) == said
    assert sent(*out, vendor=vendor)[0] == out, "what is in order stays as it is"


@pytest.mark.parametrize(
    "messages",
    [
        [user("a")],
        [system("s"), user("a")],
        [user("a"), assistant("b"), user("c")],
        [user("a"), assistant("", CALL), tool("4")],
        [user("a"), {**assistant("b"), "reasoning_content": "hm"}, named(user("c"), "Ann")],
        [user("a"), assistant("", CALL, {**CALL, "id": "c2"}), tool("4"), tool("5", "c2"), assistant("b"), user("c")],
    ],
)
def test_ernie_gets_a_conversation_in_turns_as_it_came(messages: list[Any]) -> None:
    assert sent(*messages, vendor="ernie") == (messages, {"messages": "honoured"})


@pytest.mark.parametrize(
    ("came", "goes"),
    [
        # An instruction after the conversation is the user's, in its place: AutoGen asks so who speaks next.
        ([system("s"), user("a"), assistant("b"), system("t")], [system("s"), user("a"), assistant("b"), user("t")]),
        ([system("s"), user("a"), system("t")], [system("s"), user("a\n\nt")]),
        ([system("s"), system("t"), user("a")], [system("s\n\nt"), user("a")]),
        ([system("s")], [user("s")]),
        ([user("a"), assistant("b"), assistant("c"), user("d")], [user("a"), assistant("b\n\nc"), user("d")]),
        ([user("a"), user("")], [user("a")]),
        ([user("a"), assistant("b"), user("")], [user("a"), assistant("b"), user("(empty)")]),
        ([user("a"), assistant(""), user("b")], [user("a\n\nb")]),
        ([assistant("a"), user("b")], [user("(empty)"), assistant("a"), user("b")]),
        ([system("s"), assistant("a"), user("b")], [system("s"), user("(empty)"), assistant("a"), user("b")]),
        ([user("a"), assistant("b")], [user("a"), assistant("b"), user("Continue.")]),
        (
            [user("a"), assistant("", CALL), tool("4"), user("b")],
            [user("a"), assistant("", CALL), tool("4"), assistant("(empty)"), user("b")],
        ),
    ],
)
def test_ernie_gets_what_keeps_its_meaning_in_turns_and_it_is_reported(came: list[Any], goes: list[Any]) -> None:
    assert sent(*came, vendor="ernie") == (goes, {"messages": "mapped"})


def test_a_group_chat_keeps_its_speakers_where_their_messages_are_joined() -> None:
    """AutoGen's: several agents speak in a row, each with a name, and an instruction stands at the end."""
    messages, told = sent(
        system("Play your roles."),
        named(user("Who is first?"), "Ann"),
        named(assistant("I am."), "Bob"),
        named(assistant("No, I am."), "Eve"),
        named(user("Go on."), "Ann"),
        named(user("Please."), "Tom"),
        system("Name the next speaker."),
        vendor="ernie",
    )
    assert messages == [
        system("Play your roles."),
        named(user("Who is first?"), "Ann"),
        assistant("Bob: I am.\n\nEve: No, I am."),
        user("Ann: Go on.\n\nTom: Please.\n\nName the next speaker."),
    ]
    assert told == {"messages": "mapped"}


def test_one_speakers_messages_in_a_row_keep_the_name() -> None:
    messages, _ = sent(named(user("a"), "Ann"), named(user("b"), "Ann"), vendor="ernie")
    assert messages == [named(user("a\n\nb"), "Ann")]


def test_a_speakers_picture_begins_with_the_name() -> None:
    sees = Model("ernie-5.0", input=frozenset({"text", "image"}))
    messages, _ = sent(named(user("a"), "Ann"), named(user([IMAGE]), "Tom"), model=sees, vendor="ernie")
    assert messages == [user([{"type": "text", "text": "Ann: a"}, {"type": "text", "text": "Tom: "}, IMAGE])]


@pytest.mark.parametrize(
    ("messages", "says"),
    [
        ([tool("4")], "not accept a tool result before the tool call"),
        ([user("a"), tool("4")], "not accept a tool result directly after a user message"),
        ([user("a"), assistant("", CALL), assistant("b"), user("c")], "not accept an assistant message directly after tool calls"),
        ([user("a"), assistant("", CALL)], "does not continue an assistant message"),
    ],
)  # fmt: skip
def test_ernie_is_sent_no_call_without_its_result_and_no_result_without_its_call(
    messages: list[Any], says: str
) -> None:
    with pytest.raises(Refused, match=says):
        sent(*messages, vendor="ernie")


def test_reasoning_is_taken_back_where_the_vendor_takes_none_also_from_a_conversation_in_order() -> None:
    thought = {**assistant("two"), "reasoning_content": "I think"}
    planned = chat_plan("hunyuan_classic", messages=[user("one"), thought, user("three")])
    assert planned.request.fields["messages"] == [user("one"), assistant("two"), user("three")]
    assert planned.adaptations["messages.reasoning_content"].word == "dropped"
