"""Baidu's `qianfan` (its v2 client) against the ERNIE emulator.

The SDK has no v2 embeddings and no list of models.
"""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import qianfan
from qianfan import errors

import emulators
from emulators import Emulator

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    """A running emulator, on a loop in another thread: the SDK blocks."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    running = asyncio.run_coroutine_threadsafe(emulators.start("ernie", environ={}), loop).result(10)
    try:
        yield running
    finally:
        asyncio.run_coroutine_threadsafe(running.aclose(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@pytest.fixture
def chat(emulator: Emulator) -> Any:
    """The SDK's chat, pointed at the emulator."""
    config = qianfan.get_config()
    config.BEARER_TOKEN = emulator.environment["QIANFAN_API_KEY"]
    config.CONSOLE_API_BASE_URL = emulator.base_url.removesuffix("/v2")
    emulator.set_faults([])
    emulator.requests.clear()
    return qianfan.ChatCompletion(version="2", model="ernie-5.1")


def user_messages(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def test_an_answer_is_read_with_its_usage(chat: Any) -> None:
    answer = chat.create(messages=user_messages("Hi"))
    (choice,) = answer.choices
    assert (choice.message.content, choice.finish_reason, choice.flag) == ("You said: Hi", "stop", 0)
    # ernie-5.1 always thinks: three words of thought are paid for beside the three of the answer
    assert choice.message.reasoning_content == "Thinking about: Hi"
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (5, 6, 11)


def test_a_stream_is_read_with_reasoning_and_usage(chat: Any) -> None:
    options = {"include_usage": True}
    text = "emulator:words=3,reason=2"
    chunks = list(chat.create(messages=user_messages(text), stream=True, stream_options=options, enable_thinking=True))
    deltas = [choice.delta for chunk in chunks for choice in chunk.choices]
    assert "".join(delta.content or "" for delta in deltas) == "w1 w2 w3"
    assert "".join(delta.reasoning_content or "" for delta in deltas) == "r1 r2"
    assert [choice.finish_reason for chunk in chunks for choice in chunk.choices][-1] == "stop"
    assert chunks[-1].usage.completion_tokens == 5


@pytest.mark.parametrize("stream", [False, True])
def test_a_tool_is_called_and_its_result_is_in_the_answer(chat: Any, stream: bool) -> None:
    messages: list[dict[str, Any]] = [*user_messages("get weather city=Oslo")]
    answer = chat.create(messages=messages, tools=[WEATHER], stream=stream)
    if stream:
        (call,) = [one for chunk in answer for choice in chunk.choices for one in choice.delta.tool_calls or []]
    else:
        (call,) = answer.choices[0].message.tool_calls
    assert (call.function.name, call.function.arguments) == ("get_weather", '{"city": "Oslo"}')
    messages.append({"role": "assistant", "content": "", "tool_calls": [call.dict()]})
    messages.append({"role": "tool", "tool_call_id": call.id, "content": "4 degrees"})
    reported = chat.create(messages=messages, tools=[WEATHER])
    assert reported.choices[0].message.content == "The tool said: 4 degrees"


def test_a_flagged_answer_is_read_with_the_turn_that_is_banned(chat: Any) -> None:
    (choice,) = chat.create(messages=user_messages("emulator:flag=3")).choices
    assert (choice.flag, choice.ban_round, choice.finish_reason) == (3, -1, "content_filter")


def test_a_refusal_has_the_status_and_in_a_stream_the_code(chat: Any) -> None:
    with pytest.raises(errors.RequestError) as whole:
        chat.create(messages=user_messages("Hi"), temperature=0)
    assert whole.value.status_code == 400
    with pytest.raises(errors.APIError) as streamed:
        list(chat.create(messages=user_messages("Hi"), temperature=0, stream=True))
    assert (streamed.value.error_code, streamed.value.req_id[:3]) == ("invalid_argument", "as-")


def test_the_app_gets_it_in_a_header(chat: Any, emulator: Emulator) -> None:
    qianfan.ChatCompletion(version="2", model="ernie-5.1", app_id="app-mine").create(messages=user_messages("Hi"))
    assert emulator.requests[0].headers["appid"] == "app-mine"
    with pytest.raises(errors.RequestError) as refused:
        qianfan.ChatCompletion(version="2", model="ernie-5.1", app_id="mine").create(messages=user_messages("Hi"))
    assert refused.value.status_code == 401


def test_a_wrong_key_is_refused(chat: Any, emulator: Emulator) -> None:
    del chat
    qianfan.get_config().BEARER_TOKEN = "bce-v3/ALTAK-other/0"
    with pytest.raises(errors.RequestError) as refused:
        qianfan.ChatCompletion(version="2", model="ernie-5.1").create(messages=user_messages("Hi"))
    assert refused.value.status_code == 401
    assert emulator.requests[0].status == 401
