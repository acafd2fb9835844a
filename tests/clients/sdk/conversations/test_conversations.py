"""Conversations of agents with vendors that differ in what they accept; each emulator is strict."""

from typing import Any

import openai
import pytest

from tests.clients.sdk.test_tools import WEATHER
from tests.support.client_stage import Site, adapted, user

CALL = {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "4C"}
PART: list[Any] = [{"type": "text", "text": ""}]
CONTENTS: list[dict[str, Any]] = [{}, {"content": None}, {"content": ""}, {"content": PART}]
EMPTY: dict[str, list[dict[str, Any]]] = {
    "beside calls": [{"role": "assistant", "tool_calls": [CALL], **one} for one in (*CONTENTS, {"content": []})],
    "assistant": [{"role": "assistant", **one} for one in (*CONTENTS, {"content": " "})],
    "user": [{"role": "user", "content": content} for content in ("", "\n", PART, [])],
    "tool": [{**RESULT, "content": content} for content in ("", " ", PART)],
    "system": [{"role": "system", "content": content} for content in ("", PART)],
}  # fmt: skip


def assistant_message(text: str, **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": text, **more}


def test_a_group_chat_with_several_speakers_and_an_instruction_at_the_end_is_answered(site: Site) -> None:
    """AutoGen: agents speak in a row, each with a name; the speaker is selected by a system message at the end."""
    answer = site.chat(
        [
            {"role": "system", "content": "Play your roles."},
            {**user("Who is first?"), "name": "Ann"},
            assistant_message("I am.", name="Bob"),
            assistant_message("No, I am.", name="Eve"),
            {**user("Go on."), "name": "Tom"},
            {"role": "system", "content": "Name the next speaker."},
        ]
    )
    assert answer.choices[0].message.content


def test_examples_and_a_reminder_in_front_of_the_question_are_answered(site: Site) -> None:
    """aider: an example conversation, files as a turn of the user's, and the rules once more as a system message."""
    answer = site.chat(
        [
            {"role": "system", "content": "Edit files."},
            user("Change the greeting."),
            assistant_message("Done."),
            user("I switched to a new code base."),
            assistant_message("Ok."),
            user("These are the files: a.py"),
            assistant_message("Ok, any changes I propose will be to those files."),
            user("Say hello."),
            {"role": "system", "content": "Reply in diffs."},
        ]
    )
    assert answer.choices[0].message.content


@pytest.mark.parametrize("place", EMPTY)
def test_a_message_without_content_is_taken_in_every_spelling(site: Site, place: str) -> None:
    for message in EMPTY[place]:
        conversation: list[Any] = {
            "beside calls": [user("a"), message, RESULT],
            "assistant": [user("a"), message, user("b")],
            "user": [user("a"), assistant_message("b"), message, assistant_message("c"), user("d")],
            "tool": [user("a"), assistant_message("", tool_calls=[CALL]), message],
            "system": [message, user("a")],
        }[place]
        assert site.chat(conversation, tools=[WEATHER]).choices[0].message, message


def test_an_empty_last_question_is_answered_or_refused_with_the_cure(site: Site) -> None:
    conversation = [user("a"), assistant_message("b"), user("")]
    if site.refuses(conversation):
        with pytest.raises(openai.BadRequestError, match="end with a user message"):
            site.chat(conversation)
        return
    response = site.raw(conversation)
    assert response.parse().choices[0].message.content
    if site.calls[-1].body["messages"] != conversation:
        assert "messages" in adapted(response) or "messages.content" in adapted(response)
