"""An application on CAMEL, unaware of banjia: only environment variables set its endpoint."""

from camel.agents import ChatAgent
from camel.models import BaseModelBackend, ModelFactory
from camel.toolkits import FunctionTool
from camel.types import ModelPlatformType
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
    """Gives the weather of a city.

    Args:
        city (str): The name of the city.
    """
    return f"sunny in {city}"


def _model(**settings: object) -> BaseModelBackend:
    return ModelFactory.create(ModelPlatformType.OPENAI, "gpt-4o", model_config_dict=settings)


def chat() -> None:
    answer = ChatAgent("Be brief.", model=_model()).step("Hello")
    assert answer.msg.content == "You said: Hello", answer


def stream() -> None:
    pieces = list(ChatAgent("Be brief.", model=_model(stream=True)).step("Hello"))
    assert len(pieces) > 1, pieces
    assert "".join(piece.msg.content for piece in pieces) == "You said: Hello", pieces


def tools() -> None:
    answer = ChatAgent("Be brief.", model=_model(), tools=[FunctionTool(get_weather)]).step("get_weather city=Oslo")
    assert answer.msg.content == "The tool said: sunny in Oslo", answer


def structured() -> None:
    answer = ChatAgent("Be brief.", model=_model()).step(ANSWER, response_format=Person)
    assert answer.msg.parsed == PERSON, answer


def streamed_structured() -> None:
    pieces = list(ChatAgent("Be brief.", model=_model(stream=True)).step(ANSWER, response_format=Person))
    assert pieces[-1].msg.parsed == PERSON, pieces[-1]


def structured_after_a_tool() -> None:
    agent = ChatAgent("Be brief.", model=_model(), tools=[FunctionTool(get_weather)])
    answer = agent.step("get_weather city=Oslo", response_format=Reply)
    assert isinstance(answer.msg.parsed, Reply), answer
    assert [one.tool_name for one in answer.info["tool_calls"]] == ["get_weather"], answer
