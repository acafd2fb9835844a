"""Ollama: a local server that silently ignores several parameters, and needs images as data.

Sources: Ollama's own source of August 2026 and its documentation of early 2024, as collected in docs/vendors/presets.md.
"""

from adapters.core.message import Message
from adapters.rules.defaults import FIRST_CALL_ONLY, NOT_IN_API, ONE_CALL_PER_CHOICE
from adapters.rules.server_messages import ServerMessages
from adapters.rules.tool_choice import ToolChoice
from adapters.rules.verdicts import Drop, Refuse, Rename
from adapters.vendors.openai_compatible import CHOSEN_TOOLS, preset

IGNORED = Message("the server ignores it, and the client would rely on it")

OLLAMA = preset(
    "ollama",
    "Ollama",
    docs="https://docs.ollama.com/api/openai-compatibility",
    base_urls={"local": "http://localhost:11434/v1"},
    # 400 "invalid message content type" for null without tool calls, and 400 for an image at a URL
    messages=ServerMessages(developer_as="system", image_urls=False, null_content=False),
    chat={
        "max_completion_tokens": Rename("max_tokens"),
        "n": ONE_CALL_PER_CHOICE,
        "tools": CHOSEN_TOOLS,
        "tool_choice": ToolChoice(read=False),
        "parallel_tool_calls": FIRST_CALL_ONLY,
        "logit_bias": Drop(NOT_IN_API),
        "user": Drop(NOT_IN_API),
    },
    completions={
        **dict.fromkeys(("n", "best_of", "echo"), Refuse(IGNORED)),
        "logit_bias": Drop(NOT_IN_API),
        "user": Drop(NOT_IN_API),
    },
    embeddings={"user": Drop(NOT_IN_API)},
)
