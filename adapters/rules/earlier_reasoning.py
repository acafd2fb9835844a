"""The reasoning of earlier answers with tool calls: which of it a request lacks.

Some vendors refuse a conversation in which an assistant message with tool calls lacks its ``reasoning_content``, a member
that OpenAI's clients do not send back.
"""

from collections.abc import Sequence

from adapters.rules.messages import MessageDict, call_ids

REASONING = "reasoning"
"""The emulation, the kind of what is kept, and the key of ``policy.emulate`` that turns it off."""


def lacks_reasoning(message: MessageDict) -> bool:
    """Whether a message has tool calls without their reasoning."""
    return bool(message.get("tool_calls")) and not message.get("reasoning_content")


def calls_without_reasoning(messages: Sequence[MessageDict]) -> list[list[str]]:
    """Return the ids of the tool calls of each message that lacks its reasoning."""
    return [call_ids(message["tool_calls"]) for message in messages if lacks_reasoning(message)]
