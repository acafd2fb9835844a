"""An application on smolagents, unaware of banjia: only environment variables set its endpoint."""

from smolagents import CodeAgent, OpenAIServerModel, ToolCallingAgent, tool

CODE = """Add 40 and 2.
emulator:answer
Thought: I add them.
<code>
final_answer(40 + 2)
</code>
emulator:end"""

STRUCTURED_CODE = """Add 40 and 2.
emulator:answer
{"thought": "I add them.", "code": "final_answer(40 + 2)"}
emulator:end"""


@tool
def get_weather(city: str) -> str:
    """Gives the weather of a city, and what to do next.

    Args:
        city: The name of the city.
    """
    return f"It is sunny in {city}: final_answer answer=sunny"


def code_agent() -> None:
    agent = CodeAgent(tools=[], model=OpenAIServerModel("gpt-4o"), max_steps=2, verbosity_level=0)
    assert agent.run(CODE) == 42


def streamed_code_agent() -> None:
    agent = CodeAgent([], OpenAIServerModel("gpt-4o"), max_steps=2, verbosity_level=0, stream_outputs=True)
    assert agent.run(CODE) == 42


def structured_code_agent() -> None:
    """The model answers with an object that holds its thought and its code."""
    model = OpenAIServerModel("gpt-4o")
    agent = CodeAgent([], model, max_steps=2, verbosity_level=0, use_structured_outputs_internally=True)
    assert agent.run(STRUCTURED_CODE) == 42


def tool_agent() -> None:
    agent = ToolCallingAgent([get_weather], OpenAIServerModel("gpt-4o"), max_steps=3, verbosity_level=0)
    assert agent.run("get_weather city=Oslo") == "sunny", agent.memory.steps
