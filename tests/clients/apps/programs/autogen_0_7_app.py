"""An application on AutoGen 0.7, unaware of banjia: only environment variables set its endpoint."""

import asyncio

from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.conditions import MaxMessageTermination
from autogen_agentchat.teams import RoundRobinGroupChat, SelectorGroupChat
from autogen_core.tools import FunctionTool
from autogen_ext.models.openai import OpenAIChatCompletionClient
from pydantic import BaseModel


def _agent(name: str, reply: str, **more: object) -> AssistantAgent:
    """Return an agent that gets this reply from the scripted model."""
    order = f"emulator:answer\n{reply}\nemulator:end"
    client = OpenAIChatCompletionClient(model="gpt-4o")
    return AssistantAgent(name, client, description=f"The {name}.", system_message=order, **more)


async def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"sunny in {city}"


def chat() -> None:
    answer = asyncio.run(_agent("writer", "A line.").run(task="Write a line."))
    assert answer.messages[-1].content == "A line.", answer


def stream() -> None:
    async def gathered() -> list[str]:
        agent = _agent("writer", "A line of words.", model_client_stream=True)
        return [
            one.content async for one in agent.run_stream(task="Write.") if type(one).__name__.endswith("ChunkEvent")
        ]

    chunks = asyncio.run(gathered())
    assert len(chunks) > 1
    assert "".join(chunks) == "A line of words.", chunks


def tools() -> None:
    agent = AssistantAgent(
        "assistant", OpenAIChatCompletionClient(model="gpt-4o"), tools=[get_weather], reflect_on_tool_use=True
    )
    answer = asyncio.run(agent.run(task="get_weather city=Oslo"))
    assert answer.messages[-1].content == "The tool said: sunny in Oslo", answer


def round_robin() -> None:
    team = RoundRobinGroupChat(
        [_agent("writer", "Done."), _agent("critic", "Good.")], termination_condition=MaxMessageTermination(3)
    )
    answer = asyncio.run(team.run(task="Write."))
    assert [one.content for one in answer.messages] == ["Write.", "Done.", "Good."], answer


def group_chat() -> None:
    """The model chooses the speaker: the prompt directs the name that it returns."""
    agents = [_agent("critic", "Well done."), _agent("writer", "Done."), _agent("planner", "This is the plan.")]
    team = SelectorGroupChat(
        agents, OpenAIChatCompletionClient(model="gpt-4o"), termination_condition=MaxMessageTermination(2),
        selector_prompt="{roles}\n{history}\n{participants}\nemulator:answer\nwriter\nemulator:end",
    )  # fmt: skip
    answer = asyncio.run(team.run(task="Begin."))
    assert [(one.source, one.content) for one in answer.messages] == [("user", "Begin."), ("writer", "Done.")], answer


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


def structured() -> None:
    agent = _agent("writer", PERSON.model_dump_json(), output_content_type=Person)
    answer = asyncio.run(agent.run(task="Who is it?"))
    assert answer.messages[-1].content == PERSON, answer


def streamed_structured() -> None:
    agent = _agent("writer", PERSON.model_dump_json(), output_content_type=Person, model_client_stream=True)
    answer = asyncio.run(agent.run(task="Who is it?"))
    assert answer.messages[-1].content == PERSON, answer


def structured_after_a_tool() -> None:
    """The agent calls a tool, and reflects on its result in an object."""
    tool = FunctionTool(get_weather, description="The weather of a city.", strict=True)  # it requires strict ones here
    client = OpenAIChatCompletionClient(model="gpt-4o")
    agent = AssistantAgent("assistant", client, tools=[tool], output_content_type=Reply)
    answer = asyncio.run(agent.run(task="get_weather city=Oslo"))
    assert isinstance(answer.messages[-1].content, Reply), answer
    assert [one.type for one in answer.messages[1:3]] == ["ToolCallRequestEvent", "ToolCallExecutionEvent"], answer
