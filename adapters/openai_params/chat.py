"""The parameters of chat completions."""

from collections.abc import Mapping
from typing import Any

from adapters.core.message import Message
from adapters.openai_params.messages import check_messages
from adapters.openai_params.param import Invalid, Param, check_tag, check_text, wrong_type
from adapters.openai_params.tools import check_function_call, check_functions, check_tool_choice, check_tools

MAX_STOP = 4096
"""The maximum length of a stop string, in characters. banjia's limit: the emulation compares each event with it."""


def check_response_format(name: str, value: dict[str, Any]) -> None:
    """Check for an object of type text, json_object or json_schema (with a ``json_schema``). Raises Invalid."""
    words = ("text", "json_object", "json_schema")
    if value.get("type") not in words:
        raise Invalid(
            f"{name}.type",
            Message(
                "Invalid value for '{name}': expected one of {words}.", name=f"{name}.type", words=", ".join(words)
            ),
            "unsupported_value",
        )
    if value["type"] == "json_schema" and type(value.get("json_schema")) is not dict:
        raise wrong_type(f"{name}.json_schema", Message("an object"), value.get("json_schema"))


def check_stop(name: str, value: str | list[Any]) -> None:
    """Check for one string, or up to four. Raises Invalid."""
    if type(value) is str:
        check_text(name, value, MAX_STOP)
    else:
        if len(value) > 4:
            raise Invalid(
                name,
                Message(
                    "Invalid '{name}': array too long. Expected at most {most} items, but got {got}.",
                    name=name,
                    most=4,
                    got=len(value),
                ),
            )
        for at, text in enumerate(value):
            if type(text) is not str:
                raise wrong_type(f"{name}[{at}]", Message("a string"), text)
            check_text(f"{name}[{at}]", text, MAX_STOP)


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
    "max_tokens": Param((int,), 0),  # only transparent vendors get 0: adapters/planning.py refuses it for others
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
