"""An application on LangChain's agents, unaware of banjia: only environment variables set its endpoint."""

from langchain.agents import create_agent
from langchain.agents.structured_output import ProviderStrategy, ToolStrategy
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

ANSWER = """Who is it?
emulator:answer
{"name": "Ann", "age": 30, "pets": [{"kind": "cat", "name": null}]}
emulator:end"""


class Pet(BaseModel):
    """An animal."""

    kind: str
    name: str | None


class Person(BaseModel):
    """The requested output object."""

    name: str
    age: int
    pets: list[Pet]


class Reply(BaseModel):
    """An output object that any text fits."""

    answer: str


PERSON = Person(name="Ann", age=30, pets=[Pet(kind="cat", name=None)])


def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"sunny in {city}"


def _asked(text: str) -> dict[str, object]:
    return {"messages": [{"role": "user", "content": text}]}


def agent() -> None:
    answer = create_agent("openai:gpt-4o", [get_weather]).invoke(_asked("get_weather city=Oslo"))
    assert answer["messages"][-1].content == "The tool said: sunny in Oslo", answer


def provider_strategy() -> None:
    made = create_agent("openai:gpt-4o", [], response_format=ProviderStrategy(Person))
    answer = made.invoke(_asked(ANSWER))
    assert answer["structured_response"] == PERSON, answer


def strict_provider_strategy() -> None:
    made = create_agent("openai:gpt-4o", [], response_format=ProviderStrategy(Person, strict=True))
    answer = made.invoke(_asked(ANSWER))
    assert answer["structured_response"] == PERSON, answer


def provider_strategy_after_a_tool() -> None:
    made = create_agent("openai:gpt-4o", [get_weather], response_format=ProviderStrategy(Reply))
    answer = made.invoke(_asked("get_weather city=Oslo"))
    assert isinstance(answer["structured_response"], Reply), answer
    assert [one.content for one in answer["messages"] if one.type == "tool"] == ["sunny in Oslo"], answer


def streamed_provider_strategy() -> None:
    """The agent streams its pieces of text, and then its state with the object."""
    made = create_agent("openai:gpt-4o", [], response_format=ProviderStrategy(Person))
    modes = list(made.stream(_asked(ANSWER), stream_mode=["messages", "values"]))
    text = "".join(found[0].content for mode, found in modes if mode == "messages")
    assert Person.model_validate_json(text) == PERSON, text
    assert modes[-1][1]["structured_response"] == PERSON, modes[-1]


def tool_strategy() -> None:
    """The model is forced to call the tool whose arguments are the object."""
    made = create_agent("openai:gpt-4o", [], response_format=ToolStrategy(Person))
    answer = made.invoke(_asked("name=Ann age=30"))["structured_response"]
    assert (answer.name, answer.age) == ("Ann", 30), answer


def chosen_strategy() -> None:
    """LangChain chooses the strategy by the model's name."""
    answer = create_agent("openai:gpt-4o", [], response_format=Person).invoke(_asked(ANSWER))
    assert answer["structured_response"] == PERSON, answer


def agent_by_responses() -> None:
    model = ChatOpenAI(model="gpt-4o", use_responses_api=True)
    answer = create_agent(model, [get_weather]).invoke(_asked("get_weather city=Oslo"))
    assert answer["messages"][-1].text == "The tool said: sunny in Oslo", answer


def streamed_agent_by_responses() -> None:
    model = ChatOpenAI(model="gpt-4o", use_responses_api=True)
    pieces = create_agent(model, [get_weather]).stream(_asked("get_weather city=Oslo"), stream_mode="messages")
    text = "".join(piece.text for piece, _ in pieces if piece.type == "AIMessageChunk")
    assert text == "The tool said: sunny in Oslo", text


def agent_by_ids_of_responses() -> None:
    """Each request names the response before and sends only the messages that are new since then."""
    model = ChatOpenAI(model="gpt-4o", use_responses_api=True, use_previous_response_id=True)
    made = create_agent(model, [get_weather])
    first = made.invoke(_asked("get_weather city=Oslo"))
    assert first["messages"][-1].text == "The tool said: sunny in Oslo", first
    second = made.invoke({"messages": [*first["messages"], {"role": "user", "content": "And again"}]})
    assert second["messages"][-1].text == "You said: And again", second


def provider_strategy_by_responses() -> None:
    model = ChatOpenAI(model="gpt-4o", use_responses_api=True)
    answer = create_agent(model, [], response_format=ProviderStrategy(Person)).invoke(_asked(ANSWER))
    assert answer["structured_response"] == PERSON, answer


def with_structured_output() -> None:
    """A model without an agent, with its default: a schema."""
    answer = ChatOpenAI(model="gpt-4o").with_structured_output(Person).invoke(ANSWER)
    assert answer == PERSON, answer
