"""The official client against every emulator, as an application sees it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import openai
import orjson
import pytest
from openai import AsyncOpenAI
from openai.lib.streaming.chat import ChatCompletionStreamState

import emulators
from emulators import Emulator
from tests.emulators.helpers import FACTS, WEATHER, chat, client, function, with_emulator

VENDORS = pytest.mark.parametrize("vendor", emulators.NAMES)
EDITIONS = pytest.mark.parametrize("vendor", FACTS)
CLASSIC = "hunyuan_classic"
Act = Callable[[AsyncOpenAI], Awaitable[Any]]


def with_client(vendor: str, act: Act, **more: Any) -> Any:
    async def main(emulator: Emulator) -> Any:
        async with client(emulator, vendor=vendor) as sdk:
            return await act(sdk)

    return with_emulator(FACTS[vendor].emulator, main, **more)


def request_of(vendor: str, text: str = "Hello", **more: Any) -> dict[str, Any]:
    """Return the same request for the client: unknown parameters go into extra_body."""
    body = chat(vendor, text, **more)
    extra = {name: body.pop(name) for name in ("thinking", "enable_thinking") if name in body}
    return {**body, "extra_body": extra}


async def streamed(sdk: AsyncOpenAI, request: dict[str, Any]) -> list[Any]:
    return [chunk async for chunk in await sdk.chat.completions.create(**request, stream=True)]


def text_of(chunks: list[Any]) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


@EDITIONS
@pytest.mark.parametrize(
    "text", ["Hello", "搬家很容易，对吗？", "👩‍👩‍👧 e\u0301 \u2028 end", 'quotes " and \\ and\nlines']
)
def test_the_last_user_text_comes_back_unharmed_whole_and_streamed(vendor: str, text: str) -> None:
    async def act(sdk: AsyncOpenAI) -> tuple[Any, list[Any]]:
        whole = await sdk.chat.completions.create(**request_of(vendor, text))
        return whole, await streamed(sdk, request_of(vendor, text))

    whole, chunks = with_client(vendor, act)
    assert whole.choices[0].message.content == f"You said: {text}"
    assert whole.choices[0].finish_reason == "stop"
    assert text_of(chunks) == f"You said: {text}"
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [choice.finish_reason for chunk in chunks for choice in chunk.choices][-1] == "stop"
    assert len({chunk.id for chunk in chunks}) == 1
    assert {chunk.object for chunk in chunks} == {FACTS[vendor].chunk}


@EDITIONS
def test_orders_in_the_text_set_how_many_words_come_and_how_fast(vendor: str) -> None:
    async def act(sdk: AsyncOpenAI) -> tuple[list[Any], float]:
        begun = asyncio.get_running_loop().time()
        chunks = await streamed(sdk, request_of(vendor, "emulator:words=10,gap=20"))
        return chunks, asyncio.get_running_loop().time() - begun

    chunks, took_s = with_client(vendor, act)
    assert text_of(chunks) == "w1 w2 w3 w4 w5 w6 w7 w8 w9 w10"
    assert took_s >= 0.2


@EDITIONS
@pytest.mark.parametrize("stream", [False, True])
def test_a_tool_that_is_named_is_called_and_its_result_is_in_the_answer(vendor: str, stream: bool) -> None:
    async def act(sdk: AsyncOpenAI) -> tuple[Any, Any]:
        request = request_of(vendor, "Please get weather, city=Oslo!", tools=[function("other"), WEATHER])
        if stream:
            # The client's `stream` helper skips what is no `chat.completion.chunk`; what puts the pieces together doesn't.
            state: Any = ChatCompletionStreamState()
            for chunk in await streamed(sdk, request):
                state.handle_chunk(chunk)
            first = state.get_final_completion()
        else:
            first = await sdk.chat.completions.create(**request)
        (call,) = first.choices[0].message.tool_calls or []
        turn = {
            "role": "assistant",
            "tool_calls": [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.function.name, "arguments": call.function.arguments},
                }
            ],
        }
        request["messages"] += [turn, {"role": "tool", "tool_call_id": call.id, "content": "4 degrees"}]
        return first, await sdk.chat.completions.create(**request)

    first, second = with_client(vendor, act)
    (call,) = first.choices[0].message.tool_calls
    assert (call.function.name, orjson.loads(call.function.arguments)) == ("get_weather", {"city": "Oslo"})
    assert first.choices[0].finish_reason == "tool_calls"
    assert second.choices[0].message.content == "The tool said: 4 degrees"


@VENDORS
def test_json_mode_answers_with_an_object_or_is_ignored(vendor: str) -> None:
    async def act(sdk: AsyncOpenAI) -> Any:
        form = {"type": "json_object"}
        return await sdk.chat.completions.create(**request_of(vendor, "in JSON please", response_format=form))

    text = with_client(vendor, act).choices[0].message.content
    plain = "You said: in JSON please"
    assert (orjson.loads(text) == {"answer": plain}) if FACTS[vendor].json_mode else (text == plain)


@pytest.mark.parametrize(
    ("vendor", "model"),
    [(name, facts.schema_model) for name, facts in FACTS.items() if facts.schema_model is not None],
)
def test_a_schema_is_answered_with_an_instance_of_it(vendor: str, model: str) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}, "degrees": {"type": "integer"}}}

    async def act(sdk: AsyncOpenAI) -> Any:
        form = {"type": "json_schema", "json_schema": {"name": "w", "schema": schema}}
        return await sdk.chat.completions.create(**request_of(vendor, "city=Rome", model=model, response_format=form))

    answer = with_client(vendor, act)
    assert orjson.loads(answer.choices[0].message.content) == {"city": "Rome", "degrees": 1}


@VENDORS
def test_a_token_limit_ends_with_length_and_a_stop_word_with_stop(vendor: str) -> None:
    most = FACTS[vendor].most_stops
    stops = ["w8", "w3"][-max(1, most) :]
    text = "w1 w2 " if most else "w1 w2 w3 w4 w5 w6 w7 w8 w9"

    async def act(sdk: AsyncOpenAI) -> tuple[Any, Any]:
        cut = await sdk.chat.completions.create(**request_of(vendor, "emulator:words=9", max_tokens=4))
        stopped = await sdk.chat.completions.create(**request_of(vendor, "emulator:words=9", stop=stops))
        return cut, stopped

    cut, stopped = with_client(vendor, act)
    assert (cut.choices[0].message.content, cut.choices[0].finish_reason) == ("w1 w2 w3 w4", "length")
    assert cut.usage.completion_tokens == 4
    assert (stopped.choices[0].message.content, stopped.choices[0].finish_reason) == (text, "stop")


@EDITIONS
def test_the_same_request_gets_the_same_answer(vendor: str) -> None:
    async def act(sdk: AsyncOpenAI) -> list[Any]:
        return [await sdk.chat.completions.create(**request_of(vendor, "again", tools=[WEATHER])) for _ in range(2)]

    one, two = with_client(vendor, act)
    assert (one.choices, one.usage) == (two.choices, two.usage)
    assert one.id != two.id


@VENDORS
def test_models_are_listed(vendor: str) -> None:
    async def act(sdk: AsyncOpenAI) -> list[str]:
        return [model.id for model in (await sdk.models.list()).data]

    assert FACTS[vendor].model in with_client(vendor, act)


ERRORS: dict[str, type[Exception]] = {
    "rate_limit": openai.RateLimitError,
    "bad_key": openai.AuthenticationError,
    "context": openai.BadRequestError,
    "error_500": openai.InternalServerError,
    "html_502": openai.InternalServerError,
    "reset": openai.APIConnectionError,
    "reset_after_head": openai.APIConnectionError,
}
"""What the client raises for each fault at all vendors alike."""


def calling(vendor: str, *, stream: bool) -> Act:
    async def act(sdk: AsyncOpenAI) -> None:
        if stream:
            await streamed(sdk, request_of(vendor))
        else:
            await sdk.chat.completions.create(**request_of(vendor))

    return act


@EDITIONS
@pytest.mark.parametrize("fault", [*ERRORS, "overloaded", "quota", "inspection", "model_missing"])
@pytest.mark.parametrize("stream", [False, True])
def test_each_fault_is_the_clients_own_error(fault: str, vendor: str, stream: bool) -> None:
    expected = ERRORS.get(fault) or FACTS[vendor].errors[fault]

    with pytest.raises(expected):
        with_client(vendor, calling(vendor, stream=stream), faults=[fault])


def test_the_classic_edition_cuts_at_a_token_limit_and_leaves_the_stop_text_in() -> None:
    async def act(sdk: AsyncOpenAI) -> tuple[Any, Any]:
        cut = await sdk.chat.completions.create(**request_of(CLASSIC, "emulator:words=9", max_tokens=4))
        stopped = await sdk.chat.completions.create(**request_of(CLASSIC, "emulator:words=9", stop=["w8", "w3"]))
        return cut, stopped

    cut, stopped = with_client(CLASSIC, act)
    assert (cut.choices[0].message.content, cut.choices[0].finish_reason) == ("w1 w2 w3 w4", "length")
    assert (stopped.choices[0].message.content, stopped.choices[0].finish_reason) == ("w1 w2 w3", "stop")


@pytest.mark.parametrize(
    ("vendor", "model", "width"),
    [
        ("hunyuan", "kinfra-text-embedding-0.6b", 1024),
        ("hunyuan", "kinfra-text-embedding-4b", 2560),
        (CLASSIC, "hunyuan-embedding", 1024),
    ],
)
def test_both_editions_of_hunyuan_embed_with_models_of_their_own(vendor: str, model: str, width: int) -> None:
    async def act(sdk: AsyncOpenAI) -> Any:
        return await sdk.embeddings.create(model=model, input=["a b", "c"], encoding_format="float")

    answer = with_client(vendor, act)
    assert [(item.index, len(item.embedding)) for item in answer.data] == [(0, width), (1, width)]
    assert (answer.model, answer.usage.prompt_tokens, answer.usage.total_tokens) == (model, 3, 3)


def test_qwen_embeds_texts_in_order_and_kimi_has_no_embeddings() -> None:
    async def act(sdk: AsyncOpenAI) -> Any:
        return await sdk.embeddings.create(model="text-embedding-v4", input=["a b", "c"], encoding_format="float")

    answer = with_client("qwen", act)
    assert [item.index for item in answer.data] == [0, 1]
    assert [len(item.embedding) for item in answer.data] == [1024, 1024]
    assert answer.usage.prompt_tokens == 3
    with pytest.raises(openai.NotFoundError):
        with_client("kimi", act)
