"""The asyncio client, and many concurrent requests."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from tests.support.client_stage import Site, chat_body, text_of, until

T = Any


def with_client(site: Site, act: Callable[[AsyncOpenAI], Awaitable[T]]) -> T:
    """Run it on a new loop and return its result."""

    async def main() -> T:
        async with site.front.async_sdk() as sdk:
            return await asyncio.wait_for(act(sdk), 50)

    return asyncio.run(main())


def test_the_asyncio_client_gets_whole_and_streamed_answers(site: Site) -> None:
    async def act(sdk: AsyncOpenAI) -> tuple[str, str]:
        whole = await sdk.chat.completions.create(**chat_body("搬家"))
        chunks = [chunk async for chunk in await sdk.chat.completions.create(**chat_body("搬家"), stream=True)]
        return str(whole.choices[0].message.content), text_of(chunks)

    assert with_client(site, act) == ("You said: 搬家", "You said: 搬家")


def test_fifty_streams_at_once_each_get_their_own_answer(site: Site) -> None:
    async def one(sdk: AsyncOpenAI, text: str) -> str:
        return text_of([chunk async for chunk in await sdk.chat.completions.create(**chat_body(text), stream=True)])

    async def act(sdk: AsyncOpenAI) -> list[str]:
        return await asyncio.gather(*(one(sdk, f"I am caller {at}") for at in range(50)))

    assert with_client(site, act) == [f"You said: I am caller {at}" for at in range(50)]


def test_cancelling_the_task_ends_the_vendors_stream(site: Site) -> None:
    async def act(sdk: AsyncOpenAI) -> None:
        stream = await sdk.chat.completions.create(**chat_body("emulator:words=500,gap=20"), stream=True)
        async with stream:
            await anext(aiter(stream))
        while site.emulator.active:
            await asyncio.sleep(0.005)

    with_client(site, act)
    until(lambda: site.calls[-1].ending == "gone")


def test_the_asyncio_client_raises_the_same_errors(site: Site) -> None:
    async def act(sdk: AsyncOpenAI) -> None:
        await sdk.chat.completions.create(**chat_body("Hello", temperature=3))

    with pytest.raises(openai.BadRequestError) as caught:
        with_client(site, act)

    assert caught.value.param == "temperature"
