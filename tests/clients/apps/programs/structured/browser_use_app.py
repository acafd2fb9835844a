"""An application on browser-use's model of OpenAI, without a browser: only environment variables set its endpoint."""

import asyncio
import os

os.environ |= {"ANONYMIZED_TELEMETRY": "false", "BROWSER_USE_CLOUD_SYNC": "false"}

from browser_use import ChatOpenAI, Tools
from browser_use.agent.views import AgentOutput
from browser_use.llm.messages import SystemMessage, UserMessage

STEP = """What is next?
emulator:answer
{"thinking": "It is done.", "evaluation_previous_goal": "Success", "memory": "Found.", "next_goal": "End.",
"current_plan_item": 0, "plan_update": [], "action": [{"done": {"text": "sunny", "success": true, "files_to_display": []}}]}
emulator:end"""


def _output(text: str, **more: object) -> object:
    messages = [SystemMessage(content="You are an agent."), UserMessage(content=text)]
    return asyncio.run(ChatOpenAI(model="gpt-4o").ainvoke(messages, **more)).completion


def chat() -> None:
    output = _output("Hello")
    assert output == "You said: Hello", output


def step() -> None:
    """One step of an agent: its output has the schema of all actions."""
    actions = Tools().registry.create_action_model()
    output = _output(STEP, output_format=AgentOutput.type_with_custom_actions(actions))
    assert output.current_state.memory == "Found.", output
    (action,) = output.action
    assert action.model_dump(exclude_none=True)["done"]["text"] == "sunny", output
