"""An application on the OpenAI Agents SDK in both of its modes: only environment variables set its endpoint."""

import asyncio

from agents import (
    Agent,
    OpenAIConversationsSession,
    OpenAIResponsesModel,
    Runner,
    RunResult,
    function_tool,
    set_default_openai_api,
    set_tracing_disabled,
)
from openai import AsyncOpenAI
from openai.types.responses import ResponseTextDeltaEvent
from pydantic import BaseModel

set_default_openai_api("chat_completions")
set_tracing_disabled(True)  # traces go to OpenAI whatever the endpoint

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


@function_tool
def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"sunny in {city}"


LOOP = asyncio.Runner()
"""One loop for all parts: the SDK keeps its client."""
RESPONSES = OpenAIResponsesModel("gpt-4o", AsyncOpenAI())
"""A model of the Responses API, the SDK's default."""


def _run(agent: Agent, text: str, **settings: object) -> RunResult:
    return LOOP.run(Runner.run(agent, text, **settings))


def _streamed(agent: Agent, text: str) -> tuple[object, str]:
    """Return the final output of a streamed run, and the text of its pieces."""

    async def gathered() -> tuple[object, str]:
        run = Runner.run_streamed(agent, text)
        pieces = [
            event.data.delta
            async for event in run.stream_events()
            if event.type == "raw_response_event" and isinstance(event.data, ResponseTextDeltaEvent)
        ]
        return run.final_output, "".join(pieces)

    return LOOP.run(gathered())


def chat() -> None:
    answer = _run(Agent("teller", model="gpt-4o"), "Hello")
    assert answer.final_output == "You said: Hello", answer


def structured() -> None:
    answer = _run(Agent("teller", model="gpt-4o", output_type=Person), ANSWER)
    assert answer.final_output == PERSON, answer


def streamed_structured() -> None:
    output, text = _streamed(Agent("teller", model="gpt-4o", output_type=Person), ANSWER)
    assert output == PERSON == Person.model_validate_json(text), (output, text)


def tools() -> None:
    answer = _run(Agent("teller", model="gpt-4o", tools=[get_weather]), "get_weather city=Oslo")
    assert answer.final_output == "The tool said: sunny in Oslo", answer


def streamed_tools() -> None:
    output, text = _streamed(Agent("teller", model="gpt-4o", tools=[get_weather]), "get_weather city=Oslo")
    assert output == text == "The tool said: sunny in Oslo", (output, text)


def structured_after_a_tool() -> None:
    """The agent calls a tool, and its output is an object."""
    answer = _run(Agent("teller", model="gpt-4o", tools=[get_weather], output_type=Reply), "get_weather city=Oslo")
    assert isinstance(answer.final_output, Reply), answer
    assert [item.type for item in answer.new_items[:2]] == ["tool_call_item", "tool_call_output_item"], answer


def handoff() -> None:
    """The first agent hands over to the second, which answers with the result of the handoff."""
    helper = Agent("helper", model="gpt-4o", handoff_description="Helps.")
    answer = _run(Agent("teller", model="gpt-4o", handoffs=[helper]), "transfer_to_helper")
    assert answer.last_agent is helper, answer
    assert answer.final_output == 'The tool said: {"assistant": "helper"}', answer


def responses() -> None:
    answer = _run(Agent("teller", model=RESPONSES), "Hello")
    assert answer.final_output == "You said: Hello", answer


def streamed_responses() -> None:
    output, text = _streamed(Agent("teller", model=RESPONSES), "Hello")
    assert output == text == "You said: Hello", (output, text)


def responses_with_tools() -> None:
    answer = _run(Agent("teller", model=RESPONSES, tools=[get_weather]), "get_weather city=Oslo")
    assert answer.final_output == "The tool said: sunny in Oslo", answer


def streamed_responses_with_tools() -> None:
    output, text = _streamed(Agent("teller", model=RESPONSES, tools=[get_weather]), "get_weather city=Oslo")
    assert output == text == "The tool said: sunny in Oslo", (output, text)


def object_by_responses() -> None:
    answer = _run(Agent("teller", model=RESPONSES, output_type=Person), ANSWER)
    assert answer.final_output == PERSON, answer


def responses_by_id() -> None:
    """The second run refers to the first by its id, and the model calls a tool that the first run called."""
    agent = Agent("teller", model=RESPONSES, tools=[get_weather])
    first = _run(agent, "get_weather city=Oslo")
    second = _run(agent, "And again", previous_response_id=first.last_response_id)
    assert second.final_output == "You said: And again", second


def responses_by_ids_within_a_run() -> None:
    """Each request of a run sends only what is new since the last."""
    agent = Agent("teller", model=RESPONSES, tools=[get_weather])
    answer = _run(agent, "get_weather city=Oslo", auto_previous_response_id=True)
    assert answer.final_output == "The tool said: sunny in Oslo", answer


def responses_of_a_conversation() -> None:
    """The session is a conversation of the Conversations API."""
    session = OpenAIConversationsSession(openai_client=AsyncOpenAI())
    agent = Agent("teller", model=RESPONSES, tools=[get_weather])
    _run(agent, "get_weather city=Oslo", session=session)
    answer = _run(agent, "And again", session=session)
    assert answer.final_output == "You said: And again", answer
    kept = LOOP.run(session.get_items())
    kinds = ["message", "function_call", "function_call_output", "message", "message", "message"]
    assert [item.get("type", "message") for item in kept] == kinds, kept
    LOOP.run(session.clear_session())


def responses_with_a_conversation_id() -> None:
    """Each request names the conversation, which has the history."""
    conversation = LOOP.run(AsyncOpenAI().conversations.create())
    agent = Agent("teller", model=RESPONSES, tools=[get_weather])
    answer = _run(agent, "get_weather city=Oslo", conversation_id=conversation.id)
    assert answer.final_output == "The tool said: sunny in Oslo", answer
