"""An application on LlamaIndex, unaware of banjia: only environment variables set its endpoint."""

from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.embeddings.openai import OpenAIEmbedding
from llama_index.llms.openai import OpenAI


def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"sunny in {city}"


def chat() -> None:
    answer = OpenAI(model="gpt-4o").chat([ChatMessage(role="user", content="Hello")])
    assert answer.message.content == "You said: Hello", answer


def stream() -> None:
    pieces = list(OpenAI(model="gpt-4o").stream_complete("Hello"))
    assert "".join(piece.delta for piece in pieces) == "You said: Hello", pieces


def tools() -> None:
    found = OpenAI(model="gpt-4o").predict_and_call([FunctionTool.from_defaults(get_weather)], "get_weather city=Oslo")
    assert "sunny in Oslo" in str(found), found


def embeddings() -> None:
    vectors = OpenAIEmbedding(model="text-embedding-3-small").get_text_embedding_batch(["hello world", "b"])
    assert len(vectors) == 2
    assert vectors[0] != vectors[1]
