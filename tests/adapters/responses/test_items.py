"""Each kind of item becomes the chat message that means the same, or is told as left out, or is refused by name."""

from typing import Any

import pytest

from adapters.core.failures import Refused
from adapters.openai_params.items import OF_OTHER_SERVERS
from adapters.responses.history import REASONING_TEXT
from adapters.responses.items import SUMMARY
from tests.adapters.responses.conversions import (
    SEALED,
    call,
    chat_call,
    messages,
    output,
    told,
    translated,
    translation_of,
    user,
)

IMAGE = {"type": "input_image", "image_url": "https://x.example/a.png", "detail": "auto"}
CHAT_IMAGE = {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}
AUDIO = {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}}


def text_part(text: str, type_: str = "input_text") -> dict[str, Any]:
    return {"type": type_, "text": text}


def chat_text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


USER = user()
USER_ITEM = {"type": "message", "id": "msg_0", "role": "user", "status": "completed", "content": [text_part("first")]}
ASSISTANT = {"role": "assistant", "content": "hello"}
ANSWER = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "phase": "final_answer",
          "content": [{"type": "output_text", "text": "hello", "annotations": [], "logprobs": []}]}  # fmt: skip
REASONING = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": SEALED}
CASES: dict[str, tuple[Any, list[dict[str, Any]]]] = {
    "a text": ("hi", [USER]),
    "an easy message of each role": (
        [{"role": role, "content": role} for role in ("system", "developer", "user", "assistant")],
        [{"role": role, "content": role} for role in ("system", "developer", "user", "assistant")],
    ),
    "a message whose type is null": ([{"type": None, **USER}], [USER]),
    "a message with one text": ([{"type": "message", "role": "user", "content": [text_part("hi")]}], [USER]),
    "texts of all spellings": (
        [{"role": "user", "content": [text_part("a"), text_part("b", "text"), text_part("c", "output_text")]}],
        [{"role": "user", "content": [chat_text("a"), chat_text("b"), chat_text("c")]}],
    ),
    "a message without parts": ([{"role": "user", "content": []}, USER], [user(""), USER]),
    "an image": (
        [{"role": "user", "content": [text_part("see"), IMAGE]}],
        [{"role": "user", "content": [chat_text("see"), CHAT_IMAGE]}],
    ),
    "an image with a level of detail": (
        [{"role": "user", "content": [{**IMAGE, "detail": "high"}]}],
        [{"role": "user", "content": [
            {"type": "image_url", "image_url": {"url": "https://x.example/a.png", "detail": "high"}}]}],
    ),
    "audio": ([{"role": "user", "content": [AUDIO]}], [{"role": "user", "content": [AUDIO]}]),
    "an answer as it was returned": ([USER, ANSWER, USER], [USER, ASSISTANT, USER]),
    "a refusal": (
        [{"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]}, USER],
        [{"role": "assistant", "content": "no"}, USER],
    ),
    "several answers of one turn": (
        [ANSWER, {**ASSISTANT, "content": "again"}, USER],
        [{"role": "assistant", "content": "hello\n\nagain"}, USER],
    ),
    "reasoning, answer and call of one turn": (
        [USER, REASONING, ANSWER, call(), output()],
        [USER, {"role": "assistant", "content": "hello", "reasoning_content": "thought", "tool_calls": [chat_call()]},
         {"role": "tool", "tool_call_id": "c1", "content": "4"}],
    ),
    "an answer behind its call": (
        [USER, call(), ANSWER, output()],
        [USER, {"role": "assistant", "content": "hello", "tool_calls": [chat_call()]},
         {"role": "tool", "tool_call_id": "c1", "content": "4"}],
    ),
    "outputs in another order than their calls": (
        [USER, call("c1"), call("c2"), output("c2", "two"), output("c1", "one")],
        [USER, {"role": "assistant", "content": None, "tool_calls": [chat_call("c1"), chat_call("c2")]},
         {"role": "tool", "tool_call_id": "c1", "content": "one"},
         {"role": "tool", "tool_call_id": "c2", "content": "two"}],
    ),
    "one call after the other": (
        [call("c1"), output("c1"), REASONING, call("c2"), output("c2")],
        [{"role": "assistant", "content": None, "tool_calls": [chat_call("c1")]},
         {"role": "tool", "tool_call_id": "c1", "content": "4"},
         {"role": "assistant", "content": None, "reasoning_content": "thought", "tool_calls": [chat_call("c2")]},
         {"role": "tool", "tool_call_id": "c2", "content": "4"}],
    ),
    "an output after a message of the user": (
        [call(), USER, output()],
        [{"role": "assistant", "content": None, "tool_calls": [chat_call()]},
         {"role": "tool", "tool_call_id": "c1", "content": "4"}, USER],
    ),
    "an output of several texts": (
        [call(), output("c1", [text_part("a"), text_part("b")])],
        [{"role": "assistant", "content": None, "tool_calls": [chat_call()]},
         {"role": "tool", "tool_call_id": "c1", "content": "a\nb"}],
    ),
    "an output without text": (
        [call(), output("c1", [])],
        [{"role": "assistant", "content": None, "tool_calls": [chat_call()]},
         {"role": "tool", "tool_call_id": "c1", "content": ""}],
    ),
    "images in outputs": (
        [call("c1"), call("c2"), output("c1", [IMAGE]), output("c2", [text_part("seen"), IMAGE])],
        [{"role": "assistant", "content": None, "tool_calls": [chat_call("c1"), chat_call("c2")]},
         {"role": "tool", "tool_call_id": "c1", "content": "(see the image in the next message)"},
         {"role": "tool", "tool_call_id": "c2", "content": "seen"},
         {"role": "user", "content": [chat_text("Images in the output of c1:"), CHAT_IMAGE,
                                      chat_text("Images in the output of c2:"), CHAT_IMAGE]}],
    ),
    "a call of a custom tool": (
        [{"type": "custom_tool_call", "call_id": "c1", "name": "patch", "input": 'a "b"'},
         {"type": "custom_tool_call_output", "call_id": "c1", "output": "done"}],
        [{"role": "assistant", "content": None, "tool_calls": [chat_call("c1", "patch", '{"input":"a \\"b\\""}')]},
         {"role": "tool", "tool_call_id": "c1", "content": "done"}],
    ),
    "a call in a namespace": (
        [call(name="get", namespace="files"), output()],
        [{"role": "assistant", "content": None, "tool_calls": [chat_call("c1", "files__get")]},
         {"role": "tool", "tool_call_id": "c1", "content": "4"}],
    ),
    "an incomplete call without an output": (
        [USER, ANSWER, call(status="incomplete"), USER],
        [USER, ASSISTANT, USER],
    ),
    "an incomplete call with an output": (
        [call(status="incomplete"), output()],
        [{"role": "assistant", "content": None, "tool_calls": [chat_call()]},
         {"role": "tool", "tool_call_id": "c1", "content": "4"}],
    ),
    "reasoning that nothing follows": ([USER, REASONING, USER], [USER, USER]),
    "reasoning in the open": (
        [{"type": "reasoning", "id": "rs", "summary": [], "content": [{"type": "reasoning_text", "text": "aloud"}]},
         ANSWER, USER],
        [{**ASSISTANT, "reasoning_content": "aloud"}, USER],
    ),
    "a compaction": (
        [{"type": "compaction", "encrypted_content": SEALED}, USER],
        [{"role": "system", "content": SUMMARY + "thought"}, USER],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_items_become_messages(case: str) -> None:
    value, wanted = CASES[case]

    assert messages(value) == wanted


TOLD: dict[str, tuple[list[Any], dict[str, str]]] = {
    "nothing": ([USER, ANSWER, call(), output(), USER], {}),
    "images in outputs": ([call(), output("c1", [IMAGE])], {"input.function_call_output": "emulated"}),
    "a seal of another server": (
        [{**REASONING, "encrypted_content": "gAAAA"}, ANSWER, USER], {"input.reasoning": "dropped"}),
    "reasoning without its text": (
        [{"type": "reasoning", "id": "rs", "summary": [text_part("a summary", "summary_text")]}, ANSWER, USER],
        {"input.reasoning": "dropped"}),
}  # fmt: skip


@pytest.mark.parametrize("case", TOLD)
def test_a_change_of_meaning_is_told(case: str) -> None:
    items, wanted = TOLD[case]

    assert told(translated({"input": items})) == wanted


@pytest.mark.parametrize("type_", sorted(OF_OTHER_SERVERS - {"configuration_update"}))
def test_an_item_of_another_server_is_left_out_and_told(type_: str) -> None:
    item = {"type": type_, "id": "x", "call_id": "c9", "status": "completed"}

    request = translated({"input": [USER, item, USER]})

    assert request.fields["messages"] == [USER, USER]
    assert told(request) == {f"input.{type_}": "dropped"}


def test_an_item_of_another_server_divides_no_turn() -> None:
    search = {"type": "web_search_call", "id": "ws", "status": "completed"}

    assert messages([USER, REASONING, search, ANSWER, USER])[1] == {**ASSISTANT, "reasoning_content": "thought"}


NO_CALL = "No tool call found for function call output with call_id c1."
NO_OUTPUT = "No tool output found for function call c1."
CUSTOM_CALL = {"type": "custom_tool_call", "call_id": "c1", "name": "patch", "input": "x"}
PAIRS: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]], str]] = {
    "an output without a call": ([], [USER, output()], NO_CALL),
    "an output before its call": ([], [output(), call()], NO_CALL),
    "an output whose call is another's": ([], [call("c2"), output("c1")], NO_CALL),
    "a call without an output": ([], [call(), USER], NO_OUTPUT),
    "a call at the end": ([], [USER, call()], NO_OUTPUT),
    "a call of the history": ([USER_ITEM, call()], [USER], NO_OUTPUT),
    "a custom tool's call": ([], [CUSTOM_CALL, USER], "No tool output found for custom tool call c1."),
    "a custom tool's output": (
        [], [{"type": "custom_tool_call_output", "call_id": "c1", "output": "x"}],
        "No tool call found for custom tool call output with call_id c1."),
    "two outputs": ([], [call(), output(), output()], "Duplicate tool output found for function call c1."),
    "a second output in the next turn": (
        [USER_ITEM, call(), output()], [output()], "Duplicate tool output found for function call c1."),
    "two calls with the same id": (
        [], [call(), call(name="other"), output()], "Two calls without an output between them have call_id c1."),
}  # fmt: skip


@pytest.mark.parametrize("case", PAIRS)
def test_an_unpaired_call_is_refused_by_name(case: str) -> None:
    history, items, wanted = PAIRS[case]

    with pytest.raises(Refused) as raised:
        translated({"input": items, "previous_response_id": "resp_1"}, history)

    assert raised.value.message == wanted
    assert (raised.value.param, raised.value.code) == ("input", None)


def test_an_output_may_answer_a_call_of_the_history() -> None:
    request = translated({"input": [output()], "previous_response_id": "resp_1"}, [USER_ITEM, {**call(), "id": "fc"}])

    assert [message["role"] for message in request.fields["messages"]] == ["user", "assistant", "tool"]


def test_a_call_of_the_history_that_the_client_sends_again_is_sent_once() -> None:
    request = translated({"input": [call(), output()], "previous_response_id": "resp_1"}, [USER_ITEM, call()])

    assert request.fields["messages"][1:] == [
        {"role": "assistant", "content": None, "tool_calls": [chat_call()]},
        {"role": "tool", "tool_call_id": "c1", "content": "4"},
    ]


def test_an_id_of_a_call_may_come_again_in_a_later_turn() -> None:
    assert len(messages([call(), output(), call(), output(text="5")])) == 4


def test_the_history_stands_before_the_new_input_and_the_instructions_before_both() -> None:
    request = translated(
        {"input": "and?", "instructions": "Be brief.", "previous_response_id": "resp_1"}, [USER_ITEM, ANSWER]
    )

    assert request.fields["messages"] == [
        {"role": "system", "content": "Be brief."},
        user("first"),
        ASSISTANT,
        user("and?"),
    ]


def test_a_continuation_needs_no_new_input() -> None:
    assert translated({"conversation": "conv_1"}, [USER_ITEM]).fields["messages"] == [user("first")]


def test_instructions_may_be_items() -> None:
    sent = messages(
        "hi", instructions=[{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "?"}]
    )

    assert sent == [{"role": "developer", "content": "Be brief."}, user("?"), USER]


def test_empty_instructions_are_no_message() -> None:
    assert messages("hi", instructions="") == [USER]


def test_a_stored_item_has_the_text_of_its_reasoning_and_an_item_of_a_client_never_does() -> None:
    item = {"type": "reasoning", "id": "rs_1", "summary": [], REASONING_TEXT: "kept"}

    stored = translated({"input": "and?", "previous_response_id": "r"}, [USER_ITEM, item, ANSWER])
    sent = translated({"input": [USER, item, ANSWER, USER]})

    assert stored.fields["messages"][1]["reasoning_content"] == "kept"
    assert "reasoning_content" not in sent.fields["messages"][1]
    assert told(sent) == {"input.reasoning": "dropped"}
    assert "kept" not in str(sent.fields)


def test_a_reference_is_the_stored_item() -> None:
    request = translated({"input": [USER, {"type": "item_reference", "id": "msg_1"}, {"id": "msg_0"}]}, None,
                         {"msg_1": ANSWER, "msg_0": USER_ITEM})  # fmt: skip

    assert request.fields["messages"] == [USER, ASSISTANT, user("first")]


def test_a_reference_to_reasoning_has_its_text() -> None:
    item = {"type": "reasoning", "id": "rs_1", "summary": [], REASONING_TEXT: "kept"}

    request = translated({"input": [{"type": "item_reference", "id": "rs_1"}, ANSWER, USER]}, None, {"rs_1": item})

    assert request.fields["messages"][0]["reasoning_content"] == "kept"


def test_an_unknown_reference_is_refused_with_its_id() -> None:
    with pytest.raises(Refused) as raised:
        translated({"input": [{"type": "item_reference", "id": "msg_9"}]})
    assert (raised.value.param, raised.value.code) == ("input", None)
    assert raised.value.message == "Item with id 'msg_9' not found."


WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "a compaction of another server": (
        {"type": "compaction", "encrypted_content": "gAAAA"}, "input[1].encrypted_content", "banjia cannot read"),
    "an image by file id": (
        {"role": "user", "content": [{"type": "input_image", "file_id": "file-1"}]},
        "input[1].content[0].file_id", "File with id 'file-1' not found."),
    "a new configuration, which the answer would rest on": (
        {"type": "configuration_update", "text": {"format": {"type": "text"}}}, "input[1].type", "with each request"),
    "an image in an answer": (
        {"role": "assistant", "content": [IMAGE]}, "input[1].content[0].type", "can only contain text"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_chat_cannot_say_is_refused_with_its_place(case: str) -> None:
    item, param, text = WRONG[case]

    with pytest.raises(Refused) as raised:
        translated({"input": [USER, item]})

    assert raised.value.param == param
    assert text in raised.value.message


@pytest.mark.parametrize("items", [[{"type": "web_search_call", "id": "x"}], [call(status="incomplete")]])
def test_an_input_of_which_nothing_is_left_is_refused(items: list[Any]) -> None:
    with pytest.raises(Refused, match="none of its items can be sent"):
        translated({"input": items})


def test_each_message_has_the_place_of_its_item() -> None:
    items = [
        USER,
        REASONING,
        call(),
        output("c1", [text_part("a"), IMAGE]),
        {"role": "user", "content": [text_part("b"), IMAGE]},
    ]

    names = translation_of(translated({"input": items, "instructions": "x"})).names

    assert {path: name for path, name in names.items() if path.startswith("messages[")} == {
        "messages[0]": "instructions",
        "messages[1]": "input[0]",
        "messages[2]": "input[1]",
        "messages[3]": "input[3]",
        "messages[4]": "input[3]",
        "messages[4].content[1]": "input[3].output[1]",
        "messages[4].content[1].image_url.url": "input[3].output[1].image_url",
        "messages[5]": "input[4]",
        "messages[5].content[1]": "input[4].content[1]",
        "messages[5].content[1].image_url.url": "input[4].content[1].image_url",
    }
