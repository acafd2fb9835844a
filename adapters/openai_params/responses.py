"""The parameters of the Responses API."""

from collections.abc import Mapping
from typing import Any

from adapters.core.message import Message
from adapters.openai_params.chat import CHAT, EFFORTS
from adapters.openai_params.items import check_input, check_instructions
from adapters.openai_params.param import (
    JSON_NAMES,
    Invalid,
    Param,
    check_length,
    check_text,
    missing,
    unknown_value,
    wrong_type,
)
from adapters.openai_params.response_tools import check_response_tool_choice, check_response_tools

MAX_METADATA = 16
MAX_METADATA_KEY = 64
MAX_METADATA_VALUE = 512
MIN_OUTPUT_TOKENS = 16
HOSTED_INCLUDES = (
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
)
"""The members of ``include`` that are results of tools that OpenAI runs itself."""
INCLUDES = (
    *HOSTED_INCLUDES,
    "message.input_image.image_url",
    "message.output_text.logprobs",
    "reasoning.encrypted_content",
)
SUMMARIES = ("auto", "concise", "detailed")


def check_metadata(name: str, value: Mapping[str, Any]) -> None:
    """Check for at most 16 texts with names. Raises Invalid."""
    if len(value) > MAX_METADATA:
        raise Invalid(
            name,
            Message(
                "Invalid '{name}': too many properties. Expected at most {most}, but got {got}.",
                name=name,
                most=MAX_METADATA,
                got=len(value),
            ),
            "object_above_max_properties",
        )
    for key, text in value.items():
        check_text(name, key, MAX_METADATA_KEY)
        where = f"{name}.{key}" if key.isprintable() else name
        if type(text) is not str:
            raise wrong_type(where, JSON_NAMES[str], text)
        check_text(where, text, MAX_METADATA_VALUE)


def check_include(name: str, value: list[Any]) -> None:
    """Check for a list of OpenAI's words. Raises Invalid."""
    check_length(name, value, 64)
    for at, word in enumerate(value):
        if type(word) is not str:
            raise wrong_type(f"{name}[{at}]", JSON_NAMES[str], word)
        if word not in INCLUDES:
            raise unknown_value(f"{name}[{at}]", INCLUDES)


def check_conversation(name: str, value: str | Mapping[str, Any]) -> None:
    """Check for an id, or an object with one. Raises Invalid."""
    if type(value) is str:
        _check_id(name, value)
    elif isinstance(value, Mapping):
        if "id" not in value:
            raise missing(f"{name}.id")
        if type(value["id"]) is not str:
            raise wrong_type(f"{name}.id", JSON_NAMES[str], value["id"])
        _check_id(f"{name}.id", value["id"])


def _check_id(name: str, value: str) -> None:
    if not value:
        raise Invalid(name, Message("Invalid '{name}': it must not be empty.", name=name))


MEMBERS_OF_REASONING: Mapping[str, tuple[str, ...]] = {
    "effort": EFFORTS,
    "summary": SUMMARIES,
    "generate_summary": SUMMARIES,
    "context": ("auto", "current_turn", "all_turns"),
    "mode": (),
}


def check_reasoning(name: str, value: Mapping[str, Any]) -> None:
    """Check the members that are words. Raises Invalid."""
    for member, words in MEMBERS_OF_REASONING.items():
        _check_word(f"{name}.{member}", value.get(member), words)


def _check_word(name: str, value: Any, words: tuple[str, ...]) -> None:
    """Check for one of these words, for any word if there are none, or for null. Raises Invalid."""
    if value is None:
        return
    if type(value) is not str:
        raise wrong_type(name, JSON_NAMES[str], value)
    if words and value not in words:
        raise unknown_value(name, words)


MEMBERS_OF_FORMAT: Mapping[str, type] = {"name": str, "schema": dict, "description": str, "strict": bool}


def check_response_text(name: str, value: Mapping[str, Any]) -> None:
    """Check ``format`` (text, json_object or json_schema) and ``verbosity``. Raises Invalid."""
    _check_word(f"{name}.verbosity", value.get("verbosity"), CHAT["verbosity"].words)
    format_, where = value.get("format"), f"{name}.format"
    if format_ is None:
        return
    if type(format_) is not dict:
        raise wrong_type(where, JSON_NAMES[dict], format_)
    if "type" not in format_:
        raise missing(f"{where}.type")
    if format_["type"] not in ("text", "json_object", "json_schema"):
        raise unknown_value(f"{where}.type", ("text", "json_object", "json_schema"))
    if format_["type"] != "json_schema":
        return
    for member, kind in MEMBERS_OF_FORMAT.items():
        given = format_.get(member)
        if given is None and member in ("name", "schema"):
            raise missing(f"{where}.{member}")
        if given is not None and type(given) is not kind:
            raise wrong_type(f"{where}.{member}", JSON_NAMES[kind], given)


def check_stream_options(name: str, value: Mapping[str, Any]) -> None:
    """Check that the members are booleans. Raises Invalid."""
    for member, given in value.items():
        if member in ("include_obfuscation", "include_usage") and type(given) not in (bool, type(None)):
            raise wrong_type(f"{name}.{member}", JSON_NAMES[bool], given)


def check_combinations(fields: Mapping[str, Any]) -> None:
    """Check that the fields of a valid body do not contradict each other. Raises Invalid."""
    if "previous_response_id" in fields and "conversation" in fields:
        raise Invalid(
            "previous_response_id",
            Message("Mutually exclusive parameters: send either previous_response_id or conversation, not both."),
            "mutually_exclusive_parameters",
        )
    if fields.get("background") and fields.get("store") is False:
        raise Invalid(
            "background",
            Message("Invalid 'background': a background response must be stored: send store: true."),
            "unsupported_value",
        )
    continues = "previous_response_id" in fields or "conversation" in fields
    if not continues and not fields.get("input") and "prompt" not in fields:
        raise missing("input")


RESPONSES_OF_OPENAI: Mapping[str, Param] = {
    "background": Param((bool,), neutral=(False,)),
    "context_management": Param((list,)),
    "conversation": Param((str, dict), check=check_conversation),
    "include": Param((list,), neutral=([],), check=check_include),
    "input": Param((str, list), check=check_input),
    "instructions": Param((str, list), check=check_instructions),
    "max_output_tokens": Param((int,), MIN_OUTPUT_TOKENS),
    "max_tool_calls": Param((int,), 0),
    "metadata": Param((dict,), neutral=({},), check=check_metadata),
    "moderation": Param((dict,)),
    "parallel_tool_calls": CHAT["parallel_tool_calls"],
    "previous_response_id": Param((str,), check=_check_id),
    "prompt": Param((dict,)),
    "prompt_cache_key": CHAT["prompt_cache_key"],
    "prompt_cache_options": CHAT["prompt_cache_options"],
    "prompt_cache_retention": CHAT["prompt_cache_retention"],
    "reasoning": Param((dict,), neutral=({},), check=check_reasoning),
    "safety_identifier": CHAT["safety_identifier"],
    "service_tier": CHAT["service_tier"],
    "store": Param((bool,), neutral=(True,)),
    "stream": CHAT["stream"],
    "stream_options": Param((dict,), neutral=({},), check=check_stream_options),
    "temperature": CHAT["temperature"],
    "text": Param((dict,), neutral=({}, {"format": {"type": "text"}}), check=check_response_text),
    "tool_choice": Param((str, dict), neutral=("auto",), check=check_response_tool_choice),
    "tools": Param((list,), neutral=([],), check=check_response_tools),
    "top_logprobs": CHAT["top_logprobs"],
    "top_p": CHAT["top_p"],
    "truncation": Param((str,), words=("auto", "disabled"), neutral=("disabled",)),
    "user": CHAT["user"],
}
"""The members of ``CreateResponse`` in OpenAI's description."""

NEWER: Mapping[str, Param] = {
    name: Param((dict, list, str, bool, int, float))
    for name in ("access_programs", "background_options", "client_metadata", "image")
}
"""Members that clients send and that are not in the description. Source: openai 3.57, codex 0.171."""

OF_CHAT: Mapping[str, Param] = {name: param for name, param in CHAT.items() if name not in RESPONSES_OF_OPENAI}
"""The parameters that only chat has. Samplers and seeds are sent to vendors, as vendors accept them."""

RESPONSES: Mapping[str, Param] = {**RESPONSES_OF_OPENAI, **NEWER, **OF_CHAT}
