"""An application on Haystack, unaware of banjia: only environment variables set its endpoint."""

import os
from typing import Annotated

os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"

from haystack import Document, Pipeline
from haystack.components.agents import Agent
from haystack.components.builders import ChatPromptBuilder
from haystack.components.embedders import OpenAIDocumentEmbedder, OpenAITextEmbedder
from haystack.components.generators.chat import OpenAIChatGenerator
from haystack.components.retrievers import InMemoryEmbeddingRetriever
from haystack.dataclasses import ChatMessage
from haystack.document_stores.in_memory import InMemoryDocumentStore
from haystack.tools import tool

URL = os.environ["OPENAI_BASE_URL"]


@tool
def get_weather(city: Annotated[str, "its name"]) -> str:
    """The weather of a city."""
    return f"sunny in {city}"


def chat() -> None:
    answer = OpenAIChatGenerator(model="gpt-4o", api_base_url=URL).run([ChatMessage.from_user("Hello")])
    assert answer["replies"][0].text == "You said: Hello", answer


def stream() -> None:
    pieces = []
    generator = OpenAIChatGenerator(
        model="gpt-4o", api_base_url=URL, streaming_callback=lambda chunk: pieces.append(chunk.content)
    )
    answer = generator.run([ChatMessage.from_user("Hello")])
    assert answer["replies"][0].text == "".join(pieces) == "You said: Hello", answer


def agent() -> None:
    made = Agent(chat_generator=OpenAIChatGenerator(model="gpt-4o", api_base_url=URL), tools=[get_weather])
    answer = made.run(messages=[ChatMessage.from_user("get_weather city=Oslo")])
    assert answer["messages"][-1].text == "The tool said: sunny in Oslo", answer


def retrieval() -> None:
    """Documents are embedded, the nearest is found, and the model gets it with the question."""
    store = InMemoryDocumentStore()
    texts = [Document(content="Oslo is sunny."), Document(content="The ship is late.")]
    embedder = OpenAIDocumentEmbedder(model="text-embedding-3-small", api_base_url=URL)
    store.write_documents(embedder.run(documents=texts)["documents"])
    pipeline = Pipeline()
    pipeline.add_component("embed", OpenAITextEmbedder(model="text-embedding-3-small", api_base_url=URL))
    pipeline.add_component("find", InMemoryEmbeddingRetriever(store, top_k=1))
    template = [ChatMessage.from_user("{% for one in documents %}{{ one.content }}{% endfor %}")]
    pipeline.add_component("prompt", ChatPromptBuilder(template, required_variables="*"))
    pipeline.add_component("answer", OpenAIChatGenerator(model="gpt-4o", api_base_url=URL))
    pipeline.connect("embed.embedding", "find.query_embedding")
    pipeline.connect("find", "prompt.documents")
    pipeline.connect("prompt", "answer")
    answer = pipeline.run({"embed": {"text": "The ship is late."}})
    assert answer["answer"]["replies"][0].text == "You said: The ship is late.", answer
