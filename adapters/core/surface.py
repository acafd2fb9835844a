"""OpenAI's own parameters, as data: their types and ranges, and the values that ask for nothing beyond the default.

Source: OpenAI's published API description of 2026-08 (``CreateChatCompletionRequest``,
``CreateCompletionRequest``, ``CreateEmbeddingRequest``), whose parameters a test compares with this table. A wrong type is the caller's error at every vendor alike, so it is
checked here once; what a vendor makes of a right value is that vendor's table.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


class Invalid(Exception):
    """A value that OpenAI too would refuse: 400, naming ``param``."""

    def __init__(self, param: str, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.param = param
        self.message = message
        self.code = code


JSON_NAMES: Mapping[type, str] = {
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    str: "a string",
    list: "an array",
    dict: "an object",
    type(None): "null",
}


def json_name(value: object) -> str:
    """What JSON calls a value's type."""
    return JSON_NAMES.get(type(value), type(value).__name__)


def wrong_type(param: str, expected: str, value: object) -> Invalid:
    """The error for a value of another type, in the words OpenAI uses."""
    return Invalid(
        param, f"Invalid type for '{param}': expected {expected}, but got {json_name(value)} instead.", "invalid_type"
    )


@dataclass(frozen=True, slots=True)
class Param:
    """One OpenAI parameter: the JSON types it takes, its range or its words, and its neutral values."""

    types: tuple[type, ...]
    low: float | None = None
    high: float | None = None
    words: tuple[str, ...] = ()
    neutral: tuple[Any, ...] = ()
    check: Callable[[str, Any], None] | None = None

    def validate(self, name: str, value: Any) -> None:
        """Raise :class:`Invalid` where OpenAI would answer 400. A boolean is not a number here."""
        kind = type(value)
        if kind not in self.types and not (kind is int and float in self.types):
            expected = " or ".join(JSON_NAMES[t] for t in self.types)
            raise wrong_type(name, expected, value)
        if self.low is not None and kind in (int, float) and value < self.low:
            raise Invalid(name, f"Invalid '{name}': {value} is less than the minimum of {self.low:g}.")
        if self.high is not None and kind in (int, float) and value > self.high:
            raise Invalid(name, f"Invalid '{name}': {value} is greater than the maximum of {self.high:g}.")
        if self.words and kind is str and value not in self.words:
            raise Invalid(
                name, f"Invalid value for '{name}': expected one of {', '.join(self.words)}.", "unsupported_value"
            )
        if self.check is not None:
            self.check(name, value)


MAX_MESSAGES = 2048
"""OpenAI's longest list of messages."""
MAX_CALLS = 128
"""OpenAI's longest list of tools, of functions, and of the tool calls of one message."""
MAX_PARTS = 50_000
"""How many parts of content a request may have in all. Our own limit: each part costs more to check than to parse."""
MAX_NAME = 256
"""The longest name of a model or a tool, in bytes of UTF-8. Our own limit: OpenAI takes 64 for a tool."""
MAX_STOP = 4096
"""The longest stop string, in characters. Our own limit: where one is looked for here, each event is compared with it."""
MAX_TAG = 1024
"""The longest name that a caller gives its requests, in characters. Our own limit: OpenAI takes 64."""


def check_length(name: str, items: list[Any], most: int) -> None:
    """Refuse a list that is longer than OpenAI takes, in its words. Raises Invalid."""
    if len(items) > most:
        raise Invalid(
            name,
            f"Invalid '{name}': array too long. Expected an array with maximum length {most}, but got an array with "
            f"length {len(items)} instead.",
            "array_above_max_length",
        )


def check_text(name: str, text: str, most: int) -> None:
    """Refuse a text that is longer than it may be, in OpenAI's words. Raises Invalid."""
    if len(text) > most:
        raise Invalid(
            name,
            f"Invalid '{name}': string too long. Expected a string with maximum length {most}, but got a string with "
            f"length {len(text)} instead.",
            "string_above_max_length",
        )


def check_tag(name: str, text: str) -> None:
    """A name that a caller gives its requests. Raises Invalid."""
    check_text(name, text, MAX_TAG)


PLAIN_ROLES = ("system", "user", "assistant", "developer")
"""The roles of messages that need no more than their text."""
ROLES = ("system", "developer", "user", "assistant", "tool", "function")


def check_messages(name: str, messages: list[Any]) -> None:
    """The shape of a conversation: objects with a known role, text or parts where text belongs."""
    if not messages:
        raise Invalid(name, "Invalid 'messages': expected at least one message.")
    if len(messages) > MAX_MESSAGES:
        check_length(name, messages, MAX_MESSAGES)
    parts = 0
    for at, message in enumerate(messages):
        plain = type(message) is dict and len(message) == 2 and type(message.get("content")) is str
        if plain and message.get("role") in PLAIN_ROLES:
            continue  # nearly every message
        where = f"{name}[{at}]"
        if type(message) is not dict:
            raise wrong_type(where, "an object", message)
        role = message.get("role")
        if role is None:
            raise Invalid(f"{where}.role", f"Missing required parameter: '{where}.role'.", "missing_required_parameter")
        if role not in ROLES:
            raise Invalid(
                f"{where}.role", f"Invalid value for '{where}.role': expected one of {', '.join(ROLES)}.",
                "unsupported_value",
            )  # fmt: skip
        content = message.get("content")
        if type(content) is list:
            parts += len(content)
            if parts > MAX_PARTS:
                raise Invalid(name, f"Invalid 'messages': more than {MAX_PARTS:,} parts of content.")
            _check_parts(f"{where}.content", content)
        elif content is not None and type(content) is not str:
            raise wrong_type(f"{where}.content", "a string or an array", content)
        elif content is None and role in ("system", "developer", "user", "tool"):
            raise Invalid(
                f"{where}.content", f"Missing required parameter: '{where}.content'.", "missing_required_parameter"
            )
        if role == "tool" and type(message.get("tool_call_id")) is not str:
            raise Invalid(
                f"{where}.tool_call_id", f"Missing required parameter: '{where}.tool_call_id'.",
                "missing_required_parameter",
            )  # fmt: skip
        if role == "function":
            check_name(where, message)
        call = message.get("function_call")
        if call is not None and type(call) is not dict:
            raise wrong_type(f"{where}.function_call", "an object", call)
        calls = message.get("tool_calls")
        if calls is not None:
            _check_tool_calls(f"{where}.tool_calls", calls)


def _check_parts(where: str, parts: list[Any]) -> None:
    for at, part in enumerate(parts):
        if type(part) is not dict:
            raise wrong_type(f"{where}[{at}]", "an object", part)
        if type(part.get("type")) is not str:
            raise Invalid(
                f"{where}[{at}].type", f"Missing required parameter: '{where}[{at}].type'.",
                "missing_required_parameter",
            )  # fmt: skip
        if part["type"] == "text" and type(part.get("text")) is not str:
            raise wrong_type(f"{where}[{at}].text", "a string", part.get("text"))


def _check_tool_calls(where: str, calls: Any) -> None:
    if type(calls) is not list:
        raise wrong_type(where, "an array", calls)
    check_length(where, calls, MAX_CALLS)
    for at, call in enumerate(calls):
        if type(call) is not dict:
            raise wrong_type(f"{where}[{at}]", "an object", call)
        function = call.get("function")
        if function is not None and type(function) is not dict:
            raise wrong_type(f"{where}[{at}].function", "an object", function)


def check_tools(name: str, tools: list[Any]) -> None:
    """Tools are objects with a type, and functions have a name."""
    check_length(name, tools, MAX_CALLS)
    for at, tool in enumerate(tools):
        where = f"{name}[{at}]"
        if type(tool) is not dict:
            raise wrong_type(where, "an object", tool)
        if type(tool.get("type")) is not str:
            raise Invalid(f"{where}.type", f"Missing required parameter: '{where}.type'.", "missing_required_parameter")
        function = tool.get("function")
        if tool["type"] == "function":
            if type(function) is not dict:
                raise wrong_type(f"{where}.function", "an object", function)
            check_name(f"{where}.function", function)


def check_name(where: str, value: Mapping[str, Any]) -> None:
    """A function that is not named can't be called."""
    if type(value.get("name")) is not str or not value["name"]:
        raise Invalid(f"{where}.name", f"Missing required parameter: '{where}.name'.", "missing_required_parameter")
    check_text(f"{where}.name", value["name"], MAX_NAME)


def check_functions(name: str, functions: list[Any]) -> None:
    """Functions are objects with a name."""
    check_length(name, functions, MAX_CALLS)
    for at, function in enumerate(functions):
        if type(function) is not dict:
            raise wrong_type(f"{name}[{at}]", "an object", function)
        check_name(f"{name}[{at}]", function)


def check_function_call(name: str, choice: Any) -> None:
    """``none``, ``auto``, or an object with the name of the function to call."""
    if type(choice) is dict:
        check_name(name, choice)
    elif choice not in ("none", "auto"):
        raise Invalid(name, f"Invalid value for '{name}': expected one of none, auto.", "unsupported_value")


def check_tool_choice(name: str, choice: Any) -> None:
    """``none``, ``auto``, ``required``, or an object that names what must be called."""
    if type(choice) is str and choice not in ("none", "auto", "required"):
        raise Invalid(name, f"Invalid value for '{name}': expected one of none, auto, required.", "unsupported_value")
    if type(choice) is dict and type(choice.get("type")) is not str:
        raise Invalid(f"{name}.type", f"Missing required parameter: '{name}.type'.", "missing_required_parameter")


def check_response_format(name: str, value: dict[str, Any]) -> None:
    """An object whose type is text, json_object or json_schema (with a named schema)."""
    words = ("text", "json_object", "json_schema")
    if value.get("type") not in words:
        raise Invalid(
            f"{name}.type", f"Invalid value for '{name}.type': expected one of {', '.join(words)}.", "unsupported_value"
        )
    if value["type"] == "json_schema" and type(value.get("json_schema")) is not dict:
        raise wrong_type(f"{name}.json_schema", "an object", value.get("json_schema"))


def check_stop(name: str, value: str | list[Any]) -> None:
    """One string, or up to four of them."""
    if type(value) is str:
        check_text(name, value, MAX_STOP)
    else:
        if len(value) > 4:
            raise Invalid(name, f"Invalid '{name}': array too long. Expected at most 4 items, but got {len(value)}.")
        for at, text in enumerate(value):
            if type(text) is not str:
                raise wrong_type(f"{name}[{at}]", "a string", text)
            check_text(f"{name}[{at}]", text, MAX_STOP)


def check_prompt(name: str, value: str | list[Any]) -> None:
    """What is to be gone on from: a text, texts, token ids, or lists of token ids; at most 2,048. A text may be empty."""
    if value:
        _check_texts(name, value, may_be_empty=True)
    elif type(value) is list:
        raise Invalid(name, f"Invalid '{name}': it must not be empty.")


def check_input(name: str, value: str | list[Any]) -> None:
    """What is to be embedded: a text, texts, token ids, or lists of token ids; at most 2,048, none empty."""
    if not value:
        raise Invalid(name, f"Invalid '{name}': it must not be empty.")
    _check_texts(name, value, may_be_empty=False)


def _check_texts(name: str, value: str | list[Any], *, may_be_empty: bool) -> None:
    if type(value) is not list:
        return
    if len(value) > 2048 and type(value[0]) is not int:
        raise Invalid(name, f"Invalid '{name}': array too long. Expected at most 2048 items, but got {len(value)}.")
    kind = type(value[0])
    if kind not in (str, int, list):
        raise wrong_type(f"{name}[0]", "a string, an integer or an array", value[0])
    if kind is int and set(map(type, value)) == {int}:
        return  # token ids, of which there may be hundreds of thousands
    for at, item in enumerate(value):
        if type(item) is not kind:
            raise wrong_type(f"{name}[{at}]", JSON_NAMES[kind], item)
        if item == [] or (item == "" and not may_be_empty):
            raise Invalid(f"{name}[{at}]", f"Invalid '{name}[{at}]': it must not be empty.")
        if kind is list and set(map(type, item)) != {int}:
            raise Invalid(f"{name}[{at}]", f"Invalid '{name}[{at}]': expected an array of integers.", "invalid_type")


EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")

CHAT: Mapping[str, Param] = {
    "messages": Param((list,), check=check_messages),
    "audio": Param((dict,)),
    "frequency_penalty": Param((float,), -2, 2, neutral=(0,)),
    "function_call": Param((str, dict), neutral=("auto",), check=check_function_call),
    "functions": Param((list,), neutral=([],), check=check_functions),
    "logit_bias": Param((dict,), neutral=({},)),
    "logprobs": Param((bool,), neutral=(False,)),
    "max_completion_tokens": Param((int,), 1),
    "max_tokens": Param((int,), 0),  # a vendor of whom we know more refuses 0: adapters/core/vendor.py
    "metadata": Param((dict,), neutral=({},)),
    "modalities": Param((list,), neutral=(["text"],)),
    "moderation": Param((dict,)),
    "n": Param((int,), 1, 128, neutral=(1,)),
    "parallel_tool_calls": Param((bool,), neutral=(True,)),
    "prediction": Param((dict,)),
    "presence_penalty": Param((float,), -2, 2, neutral=(0,)),
    "prompt_cache_key": Param((str,), check=check_tag),
    "prompt_cache_options": Param((dict,)),
    "prompt_cache_retention": Param((str,)),
    "reasoning_effort": Param((str,), words=EFFORTS),
    "response_format": Param((dict,), neutral=({"type": "text"},), check=check_response_format),
    "safety_identifier": Param((str,), check=check_tag),
    "seed": Param((int,)),
    "service_tier": Param((str,), neutral=("auto", "default")),
    "stop": Param((str, list), neutral=([],), check=check_stop),
    "store": Param((bool,), neutral=(False,)),
    "stream": Param((bool,), neutral=(False,)),
    "stream_options": Param((dict,)),
    "temperature": Param((float,), 0, 2, neutral=(1,)),
    "tool_choice": Param((str, dict), neutral=("auto",), check=check_tool_choice),
    "tools": Param((list,), neutral=([],), check=check_tools),
    "top_logprobs": Param((int,), 0, 20, neutral=(0,)),
    "top_p": Param((float,), 0, 1, neutral=(1,)),
    "user": Param((str,)),
    "verbosity": Param((str,), words=("low", "medium", "high"), neutral=("medium",)),
    "web_search_options": Param((dict,)),
}

COMPLETIONS: Mapping[str, Param] = {
    "prompt": Param((str, list), check=check_prompt),
    "best_of": Param((int,), 0, 20, neutral=(1,)),
    "echo": Param((bool,), neutral=(False,)),
    "frequency_penalty": CHAT["frequency_penalty"],
    "logit_bias": CHAT["logit_bias"],
    "logprobs": Param((int,), 0, 5, neutral=(0,)),
    "max_tokens": Param((int,), 0),
    "n": CHAT["n"],
    "presence_penalty": CHAT["presence_penalty"],
    "seed": CHAT["seed"],
    "stop": CHAT["stop"],
    "stream": CHAT["stream"],
    "stream_options": CHAT["stream_options"],
    "suffix": Param((str,), neutral=("",)),
    "temperature": CHAT["temperature"],
    "top_p": CHAT["top_p"],
    "user": CHAT["user"],
}

EMBEDDINGS: Mapping[str, Param] = {
    "input": Param((str, list), check=check_input),
    "dimensions": Param((int,), 1),
    "encoding_format": Param((str,), words=("float", "base64"), neutral=("float",)),
    "user": Param((str,)),
}

MODERATIONS: Mapping[str, Param] = {"input": Param((str, list))}

SURFACE: Mapping[str, Mapping[str, Param]] = {
    "chat": CHAT,
    "completions": COMPLETIONS,
    "embeddings": EMBEDDINGS,
    "moderations": MODERATIONS,
}


def validate(operation: str, body: Mapping[str, Any]) -> None:
    """Raise :class:`Invalid` for the first member of a body that OpenAI would refuse. Unknown members are let through."""
    surface = SURFACE[operation]
    for name, value in body.items():
        param = surface.get(name)
        if param is not None:
            param.validate(name, value)
