"""The reasoning of earlier answers with tool calls: which of it a request lacks, and whether this answer's is kept.

Some vendors refuse a conversation in which an assistant message with tool calls lacks its ``reasoning_content``, a member
that OpenAI's clients do not send back.
"""

from collections.abc import Sequence
from typing import Any

from adapters.core.builder import RequestBuilder
from adapters.core.vendor import EarlierReasoning, Target
from adapters.rules.messages import MessageDict, call_ids

REASONING = "reasoning"
"""The emulation, the kind of what is kept, and the key of ``policy.emulate`` that turns it off."""


def lacks_reasoning(message: MessageDict) -> bool:
    """Whether a message has tool calls without their reasoning."""
    return bool(message.get("tool_calls")) and not message.get("reasoning_content")


def calls_without_reasoning(messages: Sequence[MessageDict]) -> list[list[str]]:
    """Return the ids of the tool calls of each message that lacks its reasoning."""
    return [call_ids(message["tool_calls"]) for message in messages if lacks_reasoning(message)]


def decide_reasoning(builder: RequestBuilder, target: Target, rules: EarlierReasoning) -> None:
    """Decide whether the request carries earlier reasoning. Thinking is switched on or off by then."""
    if rules.models(target.model) and rules.applies(builder):
        builder.sends_reasoning = True
        builder.blank_reasoning = rules.blank


def keep_reasoning_of_answer(builder: RequestBuilder) -> None:
    """Have the reasoning of this answer kept if it may have tool calls. The body is complete by then."""
    if builder.body.get("tools") or any(map(_has_tools, builder.body["messages"])):
        builder.emulations[REASONING] = True


def _has_tools(message: Any) -> bool:
    """Whether a message adds tools, as Kimi's system messages may."""
    return bool(message.get("tools"))
