"""Base tables of verdicts, which each vendor's table overrides, and verdicts that many vendors share.

The base describes a vendor that supports the 2024 core of OpenAI's chat API and nothing else.
"""

from collections.abc import Mapping
from typing import Any

from adapters.core.builder import RequestBuilder, Verdict
from adapters.core.message import Message
from adapters.rules.reasons import SENT_AS_IS
from adapters.rules.tools import SINGLE_CALL
from adapters.rules.verdicts import Drop, Emulate, Honour, Refuse, Rename, Rewrite

USAGE_ALWAYS = Message("banjia always requests usage and returns it if the client asked for it")
SENT_AS_TOOLS = Message("sent as tools")

NO_AUDIO = Refuse(Message("the vendor returns text only"))
NO_LOGPROBS = Refuse(Message("the model returns no logprobs, which the client would rely on"))
NO_TOOLS = Refuse(
    Message("the model does not support tools: map the name to a model that does"), ("emulated", "mapped", "refused")
)
"""Applies only if the operator has disabled the emulation (``adapters/translations/tools_as_prompt.py``)."""
FIRST_CALL_ONLY = Emulate(
    SINGLE_CALL,
    Message("the vendor has no such parameter: banjia returns the first tool call and omits the others"),
)
ONE_CALL_PER_CHOICE = Emulate(
    "n", Message("the vendor returns one choice per call, so banjia makes one call per choice")
)
NOT_IN_API = Message("not in the vendor's API, and the meaning of the answer does not depend on it")


def record_messages(builder: RequestBuilder, messages: list[Any]) -> None:
    """Write the messages, and record them as honoured unless a verdict on them is recorded already."""
    builder.body["messages"] = messages
    if "messages" not in builder.adaptations:
        builder.record("messages", "honoured", SENT_AS_IS)


def drop_stream_options(name: str, value: Any, builder: RequestBuilder) -> None:
    """Omit ``stream_options``: banjia serves ``include_usage`` itself. Record other members as dropped."""
    rest = {key: member for key, member in value.items() if key not in ("include_usage", "include_obfuscation")}
    if rest:
        builder.record(
            name, "dropped", Message("only include_usage is supported, not {rest}", rest=", ".join(sorted(rest)))
        )
    else:
        builder.record(name, "honoured", USAGE_ALWAYS)


def as_tools(name: str, value: Any, builder: RequestBuilder) -> None:
    """Record the field as mapped: ``adapters/translations/legacy_functions.py`` has converted functions to tools by then."""
    builder.record(name, "mapped", SENT_AS_TOOLS)


OPENAI_CHAT: Mapping[str, Verdict] = {
    "messages": Honour(),
    "audio": NO_AUDIO,
    "frequency_penalty": Honour(),
    "function_call": Rewrite(as_tools, Message("sent as tool_choice"), ("mapped", "refused")),
    "functions": Rewrite(
        as_tools, Message("sent as tools, returned as function_call: at most one call"), ("mapped", "refused")
    ),
    "logit_bias": Drop(NOT_IN_API),
    "logprobs": NO_LOGPROBS,
    "max_completion_tokens": Rename("max_tokens"),
    "max_tokens": Honour(),
    "metadata": Drop(Message("only OpenAI's dashboard uses it")),
    "modalities": NO_AUDIO,
    "moderation": Refuse(Message("the vendor returns no moderation results")),
    "n": ONE_CALL_PER_CHOICE,
    "parallel_tool_calls": FIRST_CALL_ONLY,
    "prediction": Drop(Message("it affects speed only, not the answer")),
    "presence_penalty": Honour(),
    "prompt_cache_key": Drop(Message("the vendor manages its prompt cache itself")),
    "prompt_cache_options": Drop(Message("the vendor manages its prompt cache itself")),
    "prompt_cache_retention": Drop(Message("the vendor manages its prompt cache itself")),
    "reasoning_effort": Drop(Message("the vendor has no reasoning effort levels")),
    "response_format": Honour(),
    "safety_identifier": Drop(NOT_IN_API),
    "seed": Drop(Message("the vendor does not offer reproducible answers")),
    "service_tier": Drop(Message("service tiers exist only at OpenAI")),
    "stop": Honour(),
    "store": Drop(Message("the vendor stores no completions")),
    "stream": Honour(),
    "stream_options": Rewrite(
        drop_stream_options, Message("banjia always requests usage and returns it if the client asked for it")
    ),
    "temperature": Honour(),
    "tool_choice": Honour(),
    "tools": Honour(),
    "top_logprobs": NO_LOGPROBS,
    "top_p": Honour(),
    "user": Drop(NOT_IN_API),
    "verbosity": Drop(Message("the vendor has no such parameter")),
    "web_search_options": Refuse(
        Message("the vendor has no equivalent of OpenAI's web search, which the client would rely on")
    ),
}

OPENAI_EMBEDDINGS: Mapping[str, Verdict] = {
    "input": Honour(Message("text is sent unchanged; token ids are decoded to text"), ("honoured", "mapped")),
    "dimensions": Honour(),
    "encoding_format": Honour(),
    "user": Drop(NOT_IN_API),
}
