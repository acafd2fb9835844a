"""An application on AutoGen 0.2, unaware of banjia: only environment variables set its endpoint."""

import autogen

LLM = {"config_list": [{"model": "gpt-4o"}], "cache_seed": None}
QUIET = {"human_input_mode": "NEVER", "code_execution_config": False}


def _ordered(text: str) -> str:
    """Return a prompt that makes the scripted model answer this text."""
    return f"Follow this script.\nemulator:answer\n{text}\nemulator:end"


def two_agents() -> None:
    assistant = autogen.AssistantAgent("assistant", llm_config=LLM)
    user = autogen.UserProxyAgent("user", max_consecutive_auto_reply=1, default_auto_reply="Go on", **QUIET)
    answer = user.initiate_chat(assistant, message="Hello", silent=True)
    contents = [message["content"] for message in answer.chat_history]
    assert contents == ["Hello", "You said: Hello", "Go on", "You said: Go on"], answer.chat_history


def tools() -> None:
    assistant = autogen.AssistantAgent("assistant", llm_config=LLM)
    user = autogen.UserProxyAgent("user", max_consecutive_auto_reply=1, **QUIET)

    def get_weather(city: str) -> str:
        return f"sunny in {city}"

    autogen.register_function(get_weather, caller=assistant, executor=user, description="The weather of a city.")
    answer = user.initiate_chat(assistant, message="get_weather city=Oslo", silent=True)
    assert answer.summary == "The tool said: sunny in Oslo", answer.chat_history


REPLIES = {
    "planner": "This is the plan. Now the writer.",
    "writer": "Done. Now the critic.",
    "critic": "Well done.",
}


def _chat(names: list[str], **settings: object) -> None:
    """A group chat of three, in which the planner speaks first, then the writer, then the critic."""
    agents = [
        autogen.AssistantAgent(name, system_message=_ordered(REPLIES[name]), description=f"The {name}.", llm_config=LLM)
        for name in names
    ]
    chat = autogen.GroupChat(agents=agents, messages=[], max_round=4, **settings)
    manager = autogen.GroupChatManager(groupchat=chat, llm_config=LLM)
    user = autogen.UserProxyAgent("user", **QUIET)
    user.initiate_chat(manager, message="First the planner.", silent=True)
    spoken = [(message["name"], message["content"]) for message in chat.messages]
    assert spoken == [("user", "First the planner."), *REPLIES.items()], spoken


def group_chat() -> None:
    """Each speaks in turn."""
    _chat(list(REPLIES), speaker_selection_method="round_robin")


def chosen_speakers() -> None:
    """The model chooses the speaker: each reply names the next one."""
    _chat(list(reversed(REPLIES)))  # not in the order in which they speak


def stream() -> None:
    assistant = autogen.AssistantAgent("assistant", llm_config=LLM | {"stream": True})
    reply = assistant.generate_reply([{"role": "user", "content": "Hello"}])
    assert reply == "You said: Hello", reply
