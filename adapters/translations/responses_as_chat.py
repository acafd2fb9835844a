"""Translates ``POST /v1/responses`` to chat: a table with a verdict on each parameter, like a vendor's.

Items become messages (``adapters/responses/items.py``) and tools functions (``adapters/responses/tools.py``). Parameters
that chat has too are left to the vendor's table, under their names in chat; ``Translation.names`` has the client's.
State (``store``, ``previous_response_id``, ``conversation``, ``background``) is banjia's own: vendors never see it.
Source: OpenAI's published API description of 2026-08 (``CreateResponse``).
"""

from collections.abc import Collection, Mapping
from typing import Any

from adapters.core.builder import Verdict
from adapters.core.failures import Refused
from adapters.core.message import Message
from adapters.core.model import Model
from adapters.core.request import ApiRequest, Translation
from adapters.openai_params.param import Invalid
from adapters.openai_params.responses import HOSTED_INCLUDES, NEWER, OF_CHAT, check_combinations
from adapters.responses.builder import ResponsesBuilder, Unseal, rewrite
from adapters.responses.custom_tools import ToolNames
from adapters.responses.history import History
from adapters.responses.items import references as references_in
from adapters.responses.items import write_messages
from adapters.responses.tools import send_parallel_tool_calls, send_tool_choice, send_tools
from adapters.rules.reasons import DEFAULT_OMITTED
from adapters.rules.verdicts import Drop, Honour, Refuse
from adapters.translations.completions_as_chat import TO_CHAT

AS_MESSAGES = Message("sent as messages of chat")
BY_BANJIA = Message("handled by banjia itself: vendors do not receive it")
NO_PADDING = Message("banjia's streams have no padding")
USAGE_AT_THE_END = Message("the last event of a stream always has the usage")
ONLY_HOSTED_CALLS = Message("it counts calls of tools that OpenAI runs itself, and banjia runs none")
AS_SUMMARY = Message("the model's reasoning is returned as the summary")
NO_SUCH_REASONING = Message("the vendors have no such setting")
NO_SUCH_RESULTS = Message("banjia runs no tool that returns this")
NEWER_FIELD = Message("the vendors have no equivalent, and the meaning of the answer does not depend on it")
UNKNOWN_MEMBERS = Message("members that OpenAI's description does not have are left out")
BY_TARGET = Message("when the model is known, the oldest turns are left out until the estimate fits its context")
CHAT_ONLY = Refuse(Message("it is a chat parameter: use POST /v1/chat/completions"))

NAMES: Mapping[str, str] = {
    "messages": "input",
    "messages.reasoning_content": "input.reasoning",
    "tools.function": "tools",
    "logprobs": "include",
    "max_completion_tokens": "max_output_tokens",
    "max_tokens": "max_output_tokens",
    "reasoning_effort": "reasoning.effort",
    "response_format": "text.format",
    "response_format.json_schema": "text.format",
    "verbosity": "text.verbosity",
}
"""The name in the Responses API of each field of chat that has another one there."""
PREFERRED: Mapping[str, tuple[str, str | None]] = {
    "max_completion_tokens": ("max_output_tokens", None),
    "max_tokens": ("max_output_tokens", None),
    "reasoning_effort": ("reasoning", "effort"),
    "response_format": ("text", "format"),
    "verbosity": ("text", "verbosity"),
}
"""The field and member of the Responses API that take precedence over a field of chat."""
NOTHING_TO_SEND = Message("Invalid 'input': none of its items can be sent to a chat model. Send a user message.")
LOGPROBS = "message.output_text.logprobs"


def by_banjia(name: str, value: Any, builder: ResponsesBuilder) -> None:
    """Record a field that the proxy handles."""
    builder.record(name, "honoured", BY_BANJIA)


def as_messages(name: str, value: Any, builder: ResponsesBuilder) -> None:
    """Record a field that ``write_messages`` has written."""
    builder.record(name, "mapped", AS_MESSAGES, quiet=True)


def truncation(name: str, value: str, builder: ResponsesBuilder) -> None:
    """Record the verdict; ``adapters/translations/per_target.py`` truncates."""
    if value == "auto":
        builder.record(name, "emulated", BY_TARGET, quiet=True)
    else:
        builder.record(name, "honoured", BY_BANJIA)


def max_output_tokens(name: str, value: int, builder: ResponsesBuilder) -> None:
    """Send the limit as ``max_completion_tokens``."""
    builder.body["max_completion_tokens"] = value


def text(name: str, value: Mapping[str, Any], builder: ResponsesBuilder) -> None:
    """Send ``format`` as ``response_format``, and ``verbosity``."""
    format_, verbosity = value.get("format"), value.get("verbosity")
    if format_ is not None and format_["type"] == "text":
        builder.record(f"{name}.format", "mapped", DEFAULT_OMITTED, quiet=True)
    elif format_ is not None and format_["type"] == "json_schema":
        members = {key: member for key, member in format_.items() if key != "type" and member is not None}
        builder.body["response_format"] = {"type": "json_schema", "json_schema": members}
    elif format_ is not None:
        builder.body["response_format"] = {"type": format_["type"]}
    if verbosity is not None:
        builder.body["verbosity"] = verbosity
    _record_rest(name, value, ("format", "verbosity"), builder)


def reasoning(name: str, value: Mapping[str, Any], builder: ResponsesBuilder) -> None:
    """Send ``effort`` as ``reasoning_effort``; the response side returns the reasoning as a summary."""
    if value.get("effort") is not None:
        builder.body["reasoning_effort"] = value["effort"]
    for member in ("summary", "generate_summary"):
        if value.get(member) is not None:
            builder.record(f"{name}.{member}", "emulated", AS_SUMMARY)
    for member in ("context", "mode"):
        if value.get(member) is not None:
            builder.record(f"{name}.{member}", "dropped", NO_SUCH_REASONING)
    _record_rest(name, value, ("effort", "summary", "generate_summary", "context", "mode"), builder)


def _record_rest(name: str, value: Mapping[str, Any], known: tuple[str, ...], builder: ResponsesBuilder) -> None:
    """Record an object with unknown members as dropped, and one that asks for nothing as honoured."""
    if not value.keys() <= set(known):
        builder.record(name, "dropped", UNKNOWN_MEMBERS)
    elif all(member is None for member in value.values()):
        builder.record(name, "honoured", BY_BANJIA)


def include(name: str, value: list[str], builder: ResponsesBuilder) -> None:
    """Request logprobs; record the rest."""
    for word in dict.fromkeys(value):
        if word == LOGPROBS:
            builder.body["logprobs"] = True
            builder.names["logprobs"] = name
        elif word in HOSTED_INCLUDES:
            builder.record(f"{name}.{word}", "dropped", NO_SUCH_RESULTS)
        else:
            builder.record(f"{name}.{word}", "honoured", BY_BANJIA)
    if not value:
        builder.record(name, "honoured", BY_BANJIA)


def logprobs(name: str, value: bool, builder: ResponsesBuilder) -> None:
    """Send the chat parameter, unless ``include`` requests logprobs as well."""
    if "logprobs" not in builder.body:
        builder.body[name] = value
        builder.names[name] = name
    builder.record(name, "honoured", TO_CHAT.why)


def top_logprobs(name: str, value: int, builder: ResponsesBuilder) -> None:
    """Request logprobs: chat accepts ``top_logprobs`` only with ``logprobs``."""
    if value == 0:
        builder.record(name, "mapped", DEFAULT_OMITTED, quiet=True)
        return
    if LOGPROBS not in builder.request.fields.get("include", ()):
        builder.body["logprobs"] = True
        builder.names["logprobs"] = name
    builder.body[name] = value


def stream_options(name: str, value: Mapping[str, Any], builder: ResponsesBuilder) -> None:
    """Record the members: a stream has no padding, and always ends with usage."""
    for member in value:
        if member == "include_obfuscation":
            builder.record(f"{name}.{member}", "mapped", NO_PADDING, quiet=True)
        elif member == "include_usage":
            builder.record(f"{name}.{member}", "mapped", USAGE_AT_THE_END, quiet=True)
        else:
            builder.record(name, "dropped", UNKNOWN_MEMBERS)
    if not value:
        builder.record(name, "honoured", BY_BANJIA)


def extra(name: str, value: Any, builder: ResponsesBuilder) -> None:
    """Send a parameter of chat that this API has under another name, unless the request has that one, too."""
    field, member = PREFERRED[name]
    sent = builder.request.fields.get(field)
    if sent is not None and (member is None or sent.get(member) is not None):
        preferred = field if member is None else f"{field}.{member}"
        builder.record(name, "dropped", Message("the request also has {field}", field=preferred))
        return
    builder.body[name] = value
    for path in [path for path in builder.names if path.partition(".")[0] == name]:
        del builder.names[path]


KEPT = rewrite(by_banjia, BY_BANJIA, ("honoured",))
SENT = rewrite(as_messages, AS_MESSAGES)
EXTRA = rewrite(extra, Message("handled as the chat parameter of the same name"), ("honoured", "dropped"))

OVER_CHAT: Mapping[str, Verdict] = {
    "background": KEPT,
    "context_management": Drop(Message("a conversation that is too long is refused with context_length_exceeded")),
    "conversation": KEPT,
    "include": rewrite(
        include, Message("logprobs by the vendor's table; results of tools that OpenAI runs are left out"),
        ("honoured", "mapped", "dropped", "refused"),
    ),
    "input": SENT,
    "instructions": SENT,
    "max_output_tokens": rewrite(max_output_tokens, Message("sent as max_completion_tokens")),
    "max_tool_calls": rewrite(
        lambda name, value, builder: builder.record(name, "mapped", ONLY_HOSTED_CALLS, quiet=True), ONLY_HOSTED_CALLS
    ),
    "metadata": KEPT,
    "moderation": Refuse(Message("the vendors return no moderation results")),
    "parallel_tool_calls": rewrite(
        send_parallel_tool_calls, Message("handled as the chat parameter of the same name"), ("honoured", "mapped")
    ),
    "previous_response_id": KEPT,
    "prompt": Refuse(Message("stored prompts exist only at OpenAI: send the prompt as instructions and input")),
    "prompt_cache_key": TO_CHAT,
    "prompt_cache_options": TO_CHAT,
    "prompt_cache_retention": TO_CHAT,
    "reasoning": rewrite(reasoning, AS_SUMMARY, ("mapped", "emulated", "dropped")),
    "safety_identifier": TO_CHAT,
    "service_tier": TO_CHAT,
    "store": KEPT,
    "stream": TO_CHAT,
    "stream_options": rewrite(stream_options, NO_PADDING, ("mapped", "dropped")),
    "temperature": TO_CHAT,
    "text": rewrite(text, Message("sent as response_format and verbosity"), ("mapped", "dropped")),
    "tool_choice": rewrite(
        send_tool_choice, Message("sent as tool_choice of chat; allowed_tools: only those are sent"),
        ("mapped", "emulated", "refused"),
    ),
    "tools": rewrite(
        send_tools, Message("functions, custom tools and namespaces as functions; others left out or refused"),
        ("mapped", "emulated", "dropped", "refused"),
    ),
    "top_logprobs": rewrite(top_logprobs, Message("sent with logprobs"), ("honoured", "mapped")),
    "top_p": TO_CHAT,
    "truncation": rewrite(truncation, BY_TARGET, ("honoured", "emulated", "dropped")),
    "user": TO_CHAT,
    **{name: Drop(NEWER_FIELD) for name in NEWER},
    **{name: Honour(TO_CHAT.why) for name in OF_CHAT},
    "logprobs": rewrite(logprobs, TO_CHAT.why, ("honoured",)),
    **dict.fromkeys(PREFERRED, EXTRA),
    **dict.fromkeys(("audio", "function_call", "functions", "messages", "modalities", "n", "web_search_options"), CHAT_ONLY),
}  # fmt: skip
"""A verdict for every parameter. ``honoured`` means that banjia handles it, or that it becomes the chat parameter."""
FIRST = ("tools", "tool_choice")
"""Fields that are applied first, because others depend on them."""


def references(fields: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the ids of stored items that the request refers to, each once."""
    items = [item for name in ("instructions", "input") if type(value := fields.get(name)) is list for item in value]
    return tuple(dict.fromkeys(references_in(items)))


def as_chat(request: ApiRequest, history: History, unseal: Unseal, drop: Collection[str] = frozenset()) -> ApiRequest:
    """Return the chat request for a validated request of the Responses API and the items that it continues.

    ``drop``: the fields that are left out where they would be refused, as the operator's policy says. Raises Refused for what chat can't do, and for items that do not fit together.
    """
    try:
        check_combinations(request.fields)
    except Invalid as invalid:
        raise Refused(invalid.param, invalid.message, invalid.code) from None
    fields = request.fields
    builder = ResponsesBuilder(
        request,
        Model(request.model),
        history=history,
        unseal=unseal,
        tools=ToolNames(fields.get("tools", ())),
        names=dict(NAMES),
    )
    write_messages(builder)
    for name in (*(name for name in FIRST if name in fields), *(name for name in fields if name not in FIRST)):
        verdict = OVER_CHAT.get(name)
        if verdict is None:
            builder.body[name] = fields[name]
            continue
        try:
            verdict.apply(name, fields[name], builder)
        except Refused as refused:
            if name not in drop or refused.code is None:
                raise
            builder.record(name, "dropped", Message("dropped by policy.drop: {why}", why=refused.message))
    if not builder.body["messages"]:
        raise Refused("input", NOTHING_TO_SEND, code=None)
    adaptations = {
        name: adaptation
        for name, adaptation in builder.adaptations.items()
        if adaptation.word != "honoured" or name not in builder.body
    }
    translation = Translation(
        fields, adaptations, names=builder.names, turns=tuple(builder.turns), custody=tuple(builder.custody)
    )
    return ApiRequest("chat", request.model, builder.body, request.stream, include_usage=True, translation=translation)
