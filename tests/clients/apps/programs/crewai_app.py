"""An application on CrewAI, unaware of banjia: only environment variables set its endpoint."""

import os

os.environ |= {
    "CREWAI_DISABLE_TELEMETRY": "true",
    "CREWAI_DISABLE_VERSION_CHECK": "true",
    "CREWAI_TRACING_ENABLED": "false",
    "OTEL_SDK_DISABLED": "true",
}

from crewai import LLM, Agent, Crew, Process, Task
from crewai.tools import tool
from pydantic import BaseModel


@tool("get_weather")
def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"sunny in {city}"


def _agent(role: str, **more: object) -> Agent:
    return Agent(role=role, goal="Tell the weather.", backstory="You know the sky.", llm=LLM(model="gpt-4o"), **more)


def _task(order: str, agent: Agent) -> Task:
    return Task(description=order, expected_output="One line.", agent=agent)


def crew() -> None:
    """The first agent calls a tool, and the second one reports the result."""
    finder, teller = _agent("finder", tools=[get_weather]), _agent("teller")
    tasks = [_task("get_weather city=Oslo", finder), _task("Tell it on.", teller)]
    answer = Crew(agents=[finder, teller], tasks=tasks, process=Process.sequential).kickoff()
    first, second = (one.raw for one in answer.tasks_output)
    assert first == "The tool said: sunny in Oslo", first
    assert "sunny in Oslo" in second, second


def streamed_crew() -> None:
    answer = Crew(agents=[teller := _agent("teller")], tasks=[_task("Tell it on.", teller)], stream=True).kickoff()
    pieces = [piece.content for piece in answer]
    assert len(pieces) > 1, pieces
    assert "".join(pieces) == answer.result.raw, pieces


class City(BaseModel):
    """The requested output object."""

    name: str


def structured() -> None:
    teller = _agent("teller", max_retry_limit=0)  # else it repeats what a vendor refuses
    task = Task(description="JSON, name=Oslo", expected_output="A city.", agent=teller, output_pydantic=City)
    answer = Crew(agents=[teller], tasks=[task]).kickoff()
    assert answer.pydantic == City(name="Oslo"), answer
