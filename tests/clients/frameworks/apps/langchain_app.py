"""An application on LangChain, unaware of banjia: only environment variables set its endpoint."""

from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel


@tool
def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"sunny in {city}"


class Person(BaseModel):
    """A person."""

    name: str
    age: int


def chat() -> None:
    answer = ChatOpenAI(model="gpt-4o", temperature=0.3).invoke("Hello")
    assert answer.content == "You said: Hello", answer
    assert answer.usage_metadata["total_tokens"] > 0, answer


def stream() -> None:
    chunks = list(ChatOpenAI(model="gpt-4o").stream("Hello"))
    assert "".join(chunk.content for chunk in chunks) == "You said: Hello", chunks


def tools() -> None:
    model = ChatOpenAI(model="gpt-4o").bind_tools([get_weather])
    question = HumanMessage("get_weather city=Oslo")
    request = model.invoke([question])
    (call,) = request.tool_calls
    assert (call["name"], call["args"]) == ("get_weather", {"city": "Oslo"}), request
    answer = model.invoke([question, request, ToolMessage(get_weather.invoke(call["args"]), tool_call_id=call["id"])])
    assert answer.content == "The tool said: sunny in Oslo", answer


def streamed_tools() -> None:
    model = ChatOpenAI(model="gpt-4o").bind_tools([get_weather])
    question = HumanMessage("get_weather city=Oslo")
    request = None
    for chunk in model.stream([question]):
        request = chunk if request is None else request + chunk
    (call,) = request.tool_calls
    assert (call["name"], call["args"]) == ("get_weather", {"city": "Oslo"}), request
    result = ToolMessage(get_weather.invoke(call["args"]), tool_call_id=call["id"])
    reported = list(model.stream([question, request, result]))
    assert "".join(chunk.content for chunk in reported) == "The tool said: sunny in Oslo", reported


def structured() -> None:
    made = ChatOpenAI(model="gpt-4o").with_structured_output(Person, method="function_calling").invoke("name=Ann")
    person = made if type(made) is dict else made.model_dump()  # of old it knows the classes of pydantic 1 only
    assert person == {"name": "Ann", "age": 1}, made


def embeddings() -> None:
    """Token ids by default: the same vectors as of the texts."""
    texts = ["hello world", "b", "你好"]
    by_ids = OpenAIEmbeddings(model="text-embedding-3-small").embed_documents(texts)
    by_text = OpenAIEmbeddings(model="text-embedding-3-small", check_embedding_ctx_length=False).embed_documents(texts)
    assert len(by_ids) == 3
    assert by_ids == by_text
