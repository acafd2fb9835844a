"""An application on Semantic Kernel, unaware of banjia: only environment variables set its endpoint."""

import asyncio
from dataclasses import dataclass
from typing import Annotated

from semantic_kernel import Kernel
from semantic_kernel.agents import ChatCompletionAgent
from semantic_kernel.connectors.ai import FunctionChoiceBehavior
from semantic_kernel.connectors.ai.open_ai import (
    OpenAIChatCompletion,
    OpenAIChatPromptExecutionSettings,
    OpenAITextEmbedding,
)
from semantic_kernel.connectors.in_memory import InMemoryCollection
from semantic_kernel.contents import ChatHistory
from semantic_kernel.data.vector import VectorStoreField, vectorstoremodel
from semantic_kernel.functions import kernel_function


class Sky:
    """A plugin."""

    @kernel_function
    def get_weather(self, city: str) -> str:
        """The weather of a city."""
        return f"sunny in {city}"


def _prepared(text: str) -> tuple[OpenAIChatCompletion, ChatHistory, OpenAIChatPromptExecutionSettings, Kernel]:
    """A service, a conversation that begins with this text, and a kernel whose functions the model may call."""
    history = ChatHistory(system_message="Be brief.")
    history.add_user_message(text)
    settings = OpenAIChatPromptExecutionSettings(
        temperature=0.2, max_tokens=100, function_choice_behavior=FunctionChoiceBehavior.Auto()
    )
    kernel = Kernel()
    kernel.add_plugin(Sky(), "sky")
    return OpenAIChatCompletion("gpt-4o"), history, settings, kernel


def _whole(text: str) -> str:
    """The answer to this text."""
    service, history, settings, kernel = _prepared(text)
    return str(asyncio.run(service.get_chat_message_content(history, settings, kernel=kernel)))


def _streamed(text: str) -> str:
    """Return the answer to this text, joined from its pieces."""
    service, history, settings, kernel = _prepared(text)

    async def gathered() -> str:
        stream = service.get_streaming_chat_message_content(history, settings, kernel=kernel)
        return "".join([str(piece) async for piece in stream if piece])

    return asyncio.run(gathered())


def chat() -> None:
    answer = _whole("Hello")
    assert answer == "You said: Hello", answer


def stream() -> None:
    answer = _streamed("Hello")
    assert answer == "You said: Hello", answer


def functions() -> None:
    answer = _whole("sky-get_weather city=Oslo")
    assert answer == "The tool said: sunny in Oslo", answer


def streamed_functions() -> None:
    answer = _streamed("sky-get_weather city=Oslo")
    assert answer == "The tool said: sunny in Oslo", answer


def agent() -> None:
    made = ChatCompletionAgent(
        service=OpenAIChatCompletion("gpt-4o"), name="Teller", instructions="Be brief.", plugins=[Sky()]
    )
    answer = asyncio.run(made.get_response("Sky-get_weather city=Oslo"))
    assert str(answer) == "The tool said: sunny in Oslo", answer


@vectorstoremodel
@dataclass
class Note:
    """A text with its vector."""

    id: Annotated[str, VectorStoreField("key")]
    text: Annotated[str, VectorStoreField("data")]
    vector: Annotated[list[float] | str | None, VectorStoreField("vector", dimensions=1024)] = None


def retrieval() -> None:
    """Texts are embedded and kept, and the nearest is found."""
    texts = ["Oslo is sunny.", "The ship is late."]

    async def found() -> list[str]:
        embedding = OpenAITextEmbedding("text-embedding-3-small")
        async with InMemoryCollection(Note, collection_name="notes", embedding_generator=embedding) as notes:
            await notes.ensure_collection_exists()
            await notes.upsert([Note(str(place), text, text) for place, text in enumerate(texts)])
            results = await notes.search(texts[1], vector_property_name="vector", top=1)
            return [one.record.text async for one in results.results]

    answer = asyncio.run(found())
    assert answer == texts[1:], answer
