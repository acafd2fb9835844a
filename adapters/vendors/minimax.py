"""MiniMax: OpenAI's chat API, with the reasoning in the text, one system message, and errors with a number in their message.

Sources: the vendor's pages (platform.minimaxi.com and platform.minimax.io: chat, OpenAI's API, error codes, prices; copies of 2025 to
2026), client libraries written against the vendor's schema (2026-08), and reports of errors from its hosts (2025-11 to 2026-06),
as collected in docs/vendors/minimax.md. Checked against the live service: never.
"""

import re
from collections.abc import Mapping
from typing import Any

import orjson

from adapters.codecs.openai.chat import openai_chat
from adapters.core.auth import Bearer
from adapters.core.builder import RequestBuilder, Verdict
from adapters.core.failures import FailureRule
from adapters.core.message import Message
from adapters.core.vendor import EarlierReasoning, Op, ReasoningSwitch, Vendor
from adapters.rules.defaults import NO_TOOLS, OPENAI_CHAT
from adapters.rules.efforts import Efforts
from adapters.rules.failures import (
    BY_MEANING,
    MINIMAX_CODES,
    MINIMAX_INSIDE_200,
    MINIMAX_LIMITS,
    MINIMAX_TOO_LONG,
    MINIMAX_UNKNOWN_MODEL,
)
from adapters.rules.json_mode import JsonMode
from adapters.rules.messages import EMPTY, EmptyContent, MessageDict, MessageRules, OmitWhenEmpty
from adapters.rules.parameters import OTHER, SMALLER_LIMIT, Stops
from adapters.rules.reasoning import THINK_TAGS
from adapters.rules.reasons import DEFAULT_OMITTED, OWN_SEARCH, SENT_AS_IS, SENT_AS_USER, sent_as
from adapters.rules.server_messages import merged_system
from adapters.rules.tool_choice import AUTO_ONLY, ToolChoice
from adapters.rules.tools import Tools
from adapters.rules.verdicts import Clamp, Drop, Rewrite, by_fact, never

LIMIT = "max_completion_tokens"
SHORT_LIMIT = 2048
"""Sent to models with a short default whose longest answer is not known, in tokens: the most that the vendor's page allows."""
SHORT_DEFAULT = Message("the vendor's default cuts answers after a few hundred tokens: a higher limit is sent")
RENAMED_LIMIT = Message("sent as max_completion_tokens; at most the model's own limit")
IGNORED = Drop(Message("the vendor accepts the field and ignores it"))
NO_STRICT = Message("the vendor's tools have no strict")
EMPTY_PARAMETERS = Message("the vendor requires parameters: an object without properties is sent")
NO_CALL_BEFORE = Message("the vendor accepts a tool result only directly after the message with its tool call")
NO_JSON = Message("the vendor accepts only valid JSON as the arguments of earlier tool calls")
IN_TAGS = Message("sent in the content, between <think> and </think>")
ADAPTIVE = Message("sent as adaptive, the vendor's word for thinking")
SEARCH = {"type": "web_search"}

CHOICE = ToolChoice(forces=never, none=never)


def send_limit(name: str, value: int, builder: RequestBuilder) -> None:
    """Send either limit as ``max_completion_tokens``, at most the model's own; the smaller one if there are two."""
    sent = min(value, builder.model.max_output or value)
    other = builder.body.get(LIMIT, sent)
    builder.body[LIMIT] = min(sent, other)
    if sent != value:
        builder.record(name, "clamped", Message("the model returns at most {limit} tokens", limit=sent))
    elif sent > other:
        builder.record(name, "mapped", SMALLER_LIMIT)
    elif name == LIMIT:
        builder.record(name, "honoured", SENT_AS_IS)
    else:
        builder.record(name, "mapped", sent_as(LIMIT))
    if sent < other:
        builder.record(OTHER[name], "mapped", SMALLER_LIMIT)


def tool_choice(name: str, value: Any, builder: RequestBuilder) -> None:
    """Omit ``auto``, the default: the vendor does not document the field. Raises Refused."""
    if value == "auto":
        builder.record(name, "mapped", DEFAULT_OMITTED)
    else:
        CHOICE.apply(name, value, builder)


def web_search(name: str, value: Any, builder: RequestBuilder) -> None:
    """Add the vendor's search, which is a tool, unless the request has it. It returns no annotations."""
    tools = builder.body.get("tools") or []
    if all(tool["type"] != "web_search" for tool in tools):
        builder.body["tools"] = [*tools, SEARCH]
    builder.record(name, "mapped", OWN_SEARCH)


def set_thinking(builder: RequestBuilder, on: bool) -> None:
    """Write the vendor's switch: 400 with 2013 "invalid thinking.type" for ``enabled``."""
    builder.body["thinking"] = {"type": "adaptive" if on else "disabled"}


def adaptive_thinking(builder: RequestBuilder) -> None:
    """Replace the word ``enabled`` in an object that the client wrote for another vendor."""
    thinking = builder.body["thinking"]
    if thinking.get("type") == "enabled":
        builder.body["thinking"] = {**thinking, "type": "adaptive"}
        builder.record("thinking", "mapped", ADAPTIVE)


def reads_reasoning(builder: RequestBuilder) -> bool:
    """Whether the model thinks, and so reads the reasoning of its earlier answers."""
    return builder.model.thinking != "never"


def finish_messages(builder: RequestBuilder) -> None:
    """Check the tool turns, put earlier reasoning into the text, and join the system messages. Raises Refused."""
    messages: list[MessageDict] = builder.body["messages"]
    check_tool_turns(messages, builder)
    if builder.model.facts.get(THINK_TAGS):  # others get it where they have sent it, in reasoning_content
        messages = [with_tags(message, builder) if "reasoning_content" in message else message for message in messages]
    builder.body["messages"] = with_user(merged_system("messages", messages, builder), builder)
    if LIMIT not in builder.body and builder.model.facts.get("short_default"):
        builder.add(LIMIT, builder.model.max_output or SHORT_LIMIT)
        builder.record(LIMIT, "mapped", SHORT_DEFAULT)


def with_user(messages: list[MessageDict], builder: RequestBuilder) -> list[MessageDict]:
    """Send a system message alone as a user message: 400 with 2013 "chat content is empty" otherwise."""
    if len(messages) != 1 or messages[0]["role"] != "system":
        return messages
    builder.record("messages", "mapped", SENT_AS_USER)
    return [{**messages[0], "role": "user"}]


def check_tool_turns(messages: list[MessageDict], builder: RequestBuilder) -> None:
    """Raise Refused for what the vendor answers with 400: a result without its call before it, arguments that are not JSON.

    System messages are moved to the front, so they may stand in between.
    """
    calls: set[Any] = set()
    for at, message in enumerate(messages):
        if message["role"] == "system":
            continue
        if message["role"] == "tool":
            if message.get("tool_call_id") not in calls:
                builder.refuse(f"messages[{at}].tool_call_id", NO_CALL_BEFORE)
            continue
        calls = set()
        for number, call in enumerate(message.get("tool_calls") or ()):
            calls.add(call.get("id"))
            if not is_json(call["function"]["arguments"]):
                builder.refuse(f"messages[{at}].tool_calls[{number}].function.arguments", NO_JSON)


def is_json(text: Any) -> bool:
    """Whether a text is JSON."""
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def with_tags(message: MessageDict, builder: RequestBuilder) -> MessageDict:
    """Return the message with its reasoning in the content, as the vendor wrote it there."""
    out = {key: member for key, member in message.items() if key != "reasoning_content"}
    reasoning, content = message["reasoning_content"], out.get("content") or ""
    if type(reasoning) is str and reasoning and type(content) is str:
        out["content"] = f"<think>{reasoning}</think>\n\n{content}" if content else f"<think>{reasoning}</think>"
        builder.record("messages.reasoning_content", "mapped", IN_TAGS)
    return out


def finish_tools(builder: RequestBuilder) -> None:
    """Omit ``strict``, which the vendor does not have, and replace empty ``parameters``, which it refuses."""
    builder.body["tools"] = [
        _finished(tool, builder) if tool["type"] == "function" else tool for tool in builder.body["tools"]
    ]


def _finished(tool: dict[str, Any], builder: RequestBuilder) -> dict[str, Any]:
    function = dict(tool["function"])
    if function.pop("strict", None):
        builder.record("tools.function.strict", "dropped", NO_STRICT)
    if not function.get("parameters"):
        function["parameters"] = {"type": "object", "properties": {}}
        builder.record("tools.function.parameters", "mapped", EMPTY_PARAMETERS)
    return {**tool, "function": function}


CHAT: Mapping[str, Verdict] = {
    **OPENAI_CHAT,
    "messages": MessageRules(
        part_roles={"user"},
        image_details={"low", "default", "high"},
        # 2013 "chat content is empty" in every role, also for "" beside tool calls, but not without the member.
        empty=EmptyContent(
            beside_calls=OmitWhenEmpty.CONTENT,
            assistant=OmitWhenEmpty.MESSAGE,
            user=EMPTY,
            tool=EMPTY,
            system=OmitWhenEmpty.MESSAGE,
        ),
        keeps_reasoning=reads_reasoning,
    ),
    # 2013 for 0 and above 1. Resellers allow M3 up to 2; the vendor's page is older than M3.
    "temperature": Clamp(0.01, 1, Message("the vendor accepts values above 0, up to 1")),
    "top_p": Clamp(0.01, 1, Message("the vendor accepts values above 0, up to 1")),
    "frequency_penalty": IGNORED,
    "presence_penalty": IGNORED,
    "logit_bias": IGNORED,
    "max_tokens": Rewrite(send_limit, RENAMED_LIMIT, ("mapped", "clamped")),
    "max_completion_tokens": Rewrite(send_limit, RENAMED_LIMIT, ("honoured", "mapped", "clamped")),
    "stop": Stops(accepted=never),
    # The vendor's pages have json_schema for one model of 2025 only, and JSON mode for none.
    "response_format": JsonMode(json=never, schema=never),
    "tools": by_fact("no_tools", NO_TOOLS, Tools(types=("function", "web_search"))),
    "tool_choice": Rewrite(tool_choice, AUTO_ONLY, ("mapped", "emulated", "refused")),
    "reasoning_effort": Efforts({}),
    "web_search_options": Rewrite(web_search, Message("the vendor's own web search"), ("mapped",)),
}


def at_the_end(code: str) -> re.Pattern[str]:
    """Return a pattern of messages that end with a code: "invalid params, invalid chat setting (2013)".

    Not elsewhere: a message may quote the client's text.
    """
    return re.compile(rf"\({code}\)\W*\Z", re.ASCII)


FAILURES = (
    FailureRule("context", text=MINIMAX_TOO_LONG),
    FailureRule("model_not_found", words=MINIMAX_UNKNOWN_MODEL),
    *MINIMAX_INSIDE_200,
    *(FailureRule("rate_limited", words=at_the_end(code), limit=kind) for kind, code in MINIMAX_LIMITS.items()),
    *(FailureRule(kind, words=at_the_end(code)) for kind, codes in MINIMAX_CODES.items() for code in codes),
    *BY_MEANING,
)

MINIMAX = Vendor(
    name="minimax",
    rank=80,
    title="MiniMax",
    docs="https://platform.minimaxi.com/docs/",
    base_urls={"cn": "https://api.minimaxi.com/v1", "intl": "https://api.minimax.io/v1"},
    auth=Bearer(),
    key_names=("MINIMAX_API_KEY",),
    reasoning_switch=ReasoningSwitch(set_thinking),
    operations={
        "chat": Op(
            "/chat/completions",
            openai_chat,
            CHAT,
            FAILURES,
            finish={"messages": finish_messages, "tools": finish_tools, "thinking": adaptive_thinking},
            earlier_reasoning=EarlierReasoning(),
        )
    },
)
