"""An application on Pydantic AI with its chat model of OpenAI: only environment variables set its endpoint."""

import asyncio

from pydantic import BaseModel
from pydantic_ai import Agent, NativeOutput, PromptedOutput
from pydantic_ai.models.openai import OpenAIChatModel

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
LOOP = asyncio.Runner()
"""One loop for all parts: the models share a client."""


def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"sunny in {city}"


def _output(text: str, **settings: object) -> object:
    return LOOP.run(Agent(OpenAIChatModel("gpt-4o"), **settings).run(text)).output


def _streamed(text: str, **settings: object) -> list[object]:
    """Return the outputs of a streamed run, each with more than the one before."""

    async def gathered() -> list[object]:
        async with Agent(OpenAIChatModel("gpt-4o"), **settings).run_stream(text) as run:
            return [output async for output in run.stream_output(debounce_by=None)]

    return LOOP.run(gathered())


def chat() -> None:
    output = _output("Hello")
    assert output == "You said: Hello", output


def tools() -> None:
    output = _output("get_weather city=Oslo", tools=[get_weather])
    assert output == "The tool said: sunny in Oslo", output


def structured_by_tool() -> None:
    """The model is forced to call the tool whose arguments are the output."""
    output = _output("name=Ann age=30", output_type=Person)
    assert isinstance(output, Person), output
    assert (output.name, output.age) == ("Ann", 30), output


def streamed_structured_by_tool() -> None:
    outputs = _streamed("name=Ann age=30", output_type=Person)
    assert len(outputs) > 1, outputs
    assert (outputs[-1].name, outputs[-1].age) == ("Ann", 30), outputs


def structured_by_schema() -> None:
    output = _output(ANSWER, output_type=NativeOutput(Person))
    assert output == PERSON, output


def streamed_structured_by_schema() -> None:
    outputs = _streamed(ANSWER, output_type=NativeOutput(Person))
    assert outputs[-1] == PERSON, outputs


def structured_by_schema_after_a_tool() -> None:
    output = _output("get_weather city=Oslo", tools=[get_weather], output_type=NativeOutput(Reply))
    assert isinstance(output, Reply), output


def structured_by_prompt() -> None:
    """JSON mode: the prompt has the schema."""
    output = _output(ANSWER, output_type=PromptedOutput(Person))
    assert output == PERSON, output
