"""An application on Pydantic AI with its two kinds of models of OpenAI: only environment variables set its endpoint."""

import asyncio

from pydantic import BaseModel
from pydantic_ai import Agent, NativeOutput, PromptedOutput
from pydantic_ai.models import Model
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel, OpenAIResponsesModelSettings

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


CHAT = OpenAIChatModel("gpt-4o")
RESPONSES = OpenAIResponsesModel("gpt-4o")


def _output(text: str, model: Model = CHAT, **settings: object) -> object:
    return LOOP.run(Agent(model, **settings).run(text)).output


def _streamed(text: str, model: Model = CHAT, **settings: object) -> list[object]:
    """Return the outputs of a streamed run, each with more than the one before."""

    async def gathered() -> list[object]:
        async with Agent(model, **settings).run_stream(text) as run:
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


def responses() -> None:
    output = _output("Hello", RESPONSES)
    assert output == "You said: Hello", output


def streamed_responses() -> None:
    outputs = _streamed("Hello", RESPONSES)
    assert outputs[-1] == "You said: Hello", outputs


def responses_with_tools() -> None:
    output = _output("get_weather city=Oslo", RESPONSES, tools=[get_weather])
    assert output == "The tool said: sunny in Oslo", output


def streamed_responses_with_tools() -> None:
    outputs = _streamed("get_weather city=Oslo", RESPONSES, tools=[get_weather])
    assert outputs[-1] == "The tool said: sunny in Oslo", outputs


def responses_with_output_by_tool() -> None:
    output = _output("name=Ann age=30", RESPONSES, output_type=Person)
    assert isinstance(output, Person), output
    assert (output.name, output.age) == ("Ann", 30), output


def responses_with_output_by_schema() -> None:
    output = _output(ANSWER, RESPONSES, output_type=NativeOutput(Person))
    assert output == PERSON, output


def streamed_responses_with_output_by_schema() -> None:
    outputs = _streamed(ANSWER, RESPONSES, output_type=NativeOutput(Person))
    assert outputs[-1] == PERSON, outputs


def responses_of_two_turns() -> None:
    """The second run has the messages of the first, with the ids of their items."""

    async def answers() -> str:
        agent = Agent(RESPONSES, tools=[get_weather])
        first = await agent.run("get_weather city=Oslo")
        return (await agent.run("And again", message_history=first.all_messages())).output

    output = LOOP.run(answers())
    assert output == "You said: And again", output


def responses_by_id() -> None:
    """Each request names the response before and sends only what is new since then."""

    async def answers() -> str:
        chosen = OpenAIResponsesModelSettings(openai_previous_response_id="auto")
        agent = Agent(RESPONSES, tools=[get_weather], model_settings=chosen)
        first = await agent.run("get_weather city=Oslo")
        return (await agent.run("And again", message_history=first.all_messages())).output

    output = LOOP.run(answers())
    assert output == "You said: And again", output
