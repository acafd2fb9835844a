"""The parameters that DeepSeek accepts (sheet 4a, 4b). Error texts that the sheet does not quote are invented.

The types of all members are checked first, as the vendor's deserializer does, then the values. Members that the sheet
lists as "in no schema" (n, seed, logit_bias, parallel_tool_calls, service_tier, store, metadata, prediction,
modalities, user, max_completion_tokens) are ignored, like unknown ones.
"""

from collections.abc import Callable
from typing import Any

from emulators.deepseek.deserialize import (
    no_variant,
    optional_booleans,
    optional_integers,
    optional_list,
    optional_map,
    optional_numbers,
    optional_texts,
    required,
    required_text,
    unknown_variant,
    variant,
    wrong_type,
)
from emulators.deepseek.errors import invalid, max_tokens_out_of_range, out_of_range, tool_choice_in_thinking
from emulators.deepseek.messages import mention_json
from emulators.deepseek.models import EFFORTS, Model

MOST_TOOLS = 128
MOST_STOPS = 16
MOST_LOGPROBS = 20
LONGEST_USER_ID = 512
"""Bytes of UTF-8."""
VENDOR_TOOLS = ("deepseek_web_search", "deepseek_read_url")
CHOICES = ("none", "auto", "required")

Body = dict[str, Any]
Rule = Callable[[Body, Model, bool], None]


def check_types(body: Body) -> None:
    """Raise BodyMismatch for the first member, other than the messages, that does not fit the schema."""
    check_sampling_types(body)
    optional_booleans(body, "logprobs")
    optional_integers(body, "top_logprobs")
    optional_texts("", body, "user_id", "reasoning_effort")
    for name, variants in (("thinking", ("enabled", "disabled")), ("response_format", ("text", "json_object"))):
        # sheet 4a: response_format: no json_schema; 4b: thinking
        holder = optional_map(name, body, name)
        if holder is not None:
            variant(name, holder, "type", variants)
    # sheet 4b: safety_check: other value -> 400
    safety_check = optional_map("safety_check", body, "safety_check")
    if safety_check is not None:
        variant("safety_check", safety_check, "level", ("low", "high"))
    # sheet 4a: reasoning_effort: none is valid only on /responses
    effort = body.get("reasoning_effort")
    if effort is not None and effort not in EFFORTS:
        raise unknown_variant("reasoning_effort", effort, tuple(EFFORTS))
    for index, tool in enumerate(optional_list("tools", body, "tools")):
        _check_tool(f"tools[{index}]", tool)
    _check_choice(body.get("tool_choice"))


def check_sampling_types(body: Body) -> None:
    """Raise BodyMismatch for the first member that does not fit, of those that chat and FIM share."""
    optional_numbers(body, "temperature", "top_p", "frequency_penalty", "presence_penalty")
    optional_integers(body, "max_tokens")
    optional_booleans(body, "stream")
    options = optional_map("stream_options", body, "stream_options")
    # the sheet is silent about stream_options without stream: it is ignored
    optional_booleans(options or {}, "include_usage")
    # sheet 4a: stop: string or list
    stop = body.get("stop")
    is_list = isinstance(stop, list) and all(isinstance(one, str) for one in stop)
    if stop is not None and not isinstance(stop, str) and not is_list:
        raise no_variant("stop", "StopSequence")


def _check_tool(path: str, tool: Any) -> None:
    if not isinstance(tool, dict):
        raise wrong_type(path, tool, "a map")
    kind = required_text(path, tool, "type")
    # sheet 4b: the vendor's tools: names only; here they are the type, which is an inference
    if kind in VENDOR_TOOLS:
        return
    # sheet 4a and 6: tools: other types; the text names `function` alone
    variant(path, tool, "type", ("function",))
    function = required(path, tool, "function")
    if not isinstance(function, dict):
        raise wrong_type(f"{path}.function", function, "a map")
    required_text(f"{path}.function", function, "name")
    optional_texts(f"{path}.function", function, "description")
    optional_map(f"{path}.function", function, "parameters")
    optional_booleans(function, "strict")


def _check_choice(choice: Any) -> None:
    # sheet 4a: tool_choice: none, auto, required, named
    if isinstance(choice, dict):
        variant("tool_choice", choice, "type", ("function",))
        function = required("tool_choice", choice, "function")
        if not isinstance(function, dict):
            raise wrong_type("tool_choice.function", function, "a map")
        required_text("tool_choice.function", function, "name")
    elif isinstance(choice, str) and choice not in CHOICES:
        raise unknown_variant("tool_choice", choice, CHOICES)
    elif choice is not None and not isinstance(choice, str):
        raise no_variant("tool_choice", "ChatCompletionToolChoice")


def check_sampling(body: Body, most_tokens: int) -> None:
    """Raise RequestRefused for the first value out of its range, of those that chat and FIM share."""
    # sheet 4a: temperature 0..2; in thinking mode it has no effect. That the range still applies is an inference
    temperature = body.get("temperature")
    if temperature is not None and not 0 <= temperature <= 2:
        raise out_of_range("temperature", 0, 2)
    # sheet 4a: top_p <=1; the lower end is not in the sheet. The range of flash in thinking mode is confidence L: no check
    if body.get("top_p") is not None and not 0 <= body["top_p"] <= 1:
        raise out_of_range("top_p", 0, 1)
    # sheet 4a: max_tokens >=1; sheet 6: over the cap it is refused
    most = body.get("max_tokens")
    if most is not None and not 1 <= most <= most_tokens:
        raise max_tokens_out_of_range(most_tokens)
    # sheet 4a: stop <=16
    if isinstance(body.get("stop"), list) and len(body["stop"]) > MOST_STOPS:
        raise invalid(f"Invalid stop value, at most {MOST_STOPS} stop sequences are allowed")


def _sampling(body: Body, model: Model, thinking: bool) -> None:
    check_sampling(body, model.most_out)


def _penalties(body: Body, model: Model, thinking: bool) -> None:
    # sheet 4a: -2..2; since 2026 accepted without effect: no range is checked for V4, which is an inference
    if model.generation == "V4":
        return
    check_penalties(body)


def check_penalties(body: Body) -> None:
    """Raise RequestRefused for a penalty outside -2..2."""
    for name in ("frequency_penalty", "presence_penalty"):
        if body.get(name) is not None and not -2 <= body[name] <= 2:
            raise out_of_range(name, -2, 2)


def _logprobs(body: Body, model: Model, thinking: bool) -> None:
    top = body.get("top_logprobs")
    # sheet 4a: logprobs: R1: error
    if model.generation == "R1" and (body.get("logprobs") or top is not None):
        raise invalid("logprobs is not supported by this model")
    # sheet 4a: top_logprobs 0..20, needs logprobs
    if top is not None and not 0 <= top <= MOST_LOGPROBS:
        raise out_of_range("top_logprobs", 0, MOST_LOGPROBS)
    if top is not None and not body.get("logprobs"):
        raise invalid("top_logprobs needs logprobs to be true")


def _user_id(body: Body, model: Model, thinking: bool) -> None:
    # sheet 4b: user_id: <=512 bytes; its characters are only advised
    if len((body.get("user_id") or "").encode()) > LONGEST_USER_ID:
        raise invalid(f"Invalid user_id value, at most {LONGEST_USER_ID} bytes are allowed")


def _format(body: Body, model: Model, thinking: bool) -> None:
    if (body.get("response_format") or {}).get("type") != "json_object":
        return
    # sheet 3: R1: no json
    if model.generation == "R1":
        raise invalid("response_format json_object is not supported by this model")
    # sheet 4a: json_object: the prompt must hold the word json
    if not mention_json(body["messages"]):
        raise invalid("The prompt must contain the word 'json' to use response_format of type 'json_object'")


def _tools(body: Body, model: Model, thinking: bool) -> None:
    tools = body.get("tools") or []
    # sheet 3: R1: no tools
    if tools and model.generation == "R1":
        raise invalid("tools are not supported by this model")
    # sheet 4a: tools <=128
    if len(tools) > MOST_TOOLS:
        raise invalid(f"At most {MOST_TOOLS} tools are allowed")
    # sheet 4b: the vendor's tools: flash only
    if not model.takes_files and any(tool["type"] in VENDOR_TOOLS for tool in tools):
        raise invalid("This tool is not supported by this model")


def _choice(body: Body, model: Model, thinking: bool) -> None:
    choice = body.get("tool_choice")
    # sheet 4a: tool_choice none, auto. "one vendor guide says even any tool_choice" is refused in thinking mode (M), but
    # the live error is reported for required and named only (H)
    if choice in (None, "none", "auto"):
        return
    if thinking and model.generation == "V4":
        raise tool_choice_in_thinking()
    # sheet 4a: tool_choice: with safety_check high only auto and none
    if is_reviewed(body):
        raise invalid("tool_choice must be auto or none when safety_check is high")
    # the sheet is silent about the two cases below; as in OpenAI's API they are refused
    names = [tool["function"]["name"] for tool in body.get("tools") or [] if tool["type"] == "function"]
    if not names:
        raise invalid("tool_choice needs tools")
    if isinstance(choice, dict) and choice["function"]["name"] not in names:
        raise invalid("tool_choice names a function that is not among the tools")


RULES: tuple[Rule, ...] = (_sampling, _penalties, _logprobs, _user_id, _format, _tools, _choice)


def check(body: Body, model: Model, *, thinking: bool) -> None:
    """Raise RequestRefused for the first parameter that DeepSeek refuses. The types must be valid."""
    for rule in RULES:
        rule(body, model, thinking)


def is_reviewed(body: Body) -> bool:
    """Return whether the whole output is reviewed before the stream ends (sheet 4b: safety_check high)."""
    return bool((body.get("safety_check") or {}).get("level") == "high")


def check_strict(body: Body, *, beta: bool) -> None:
    """Raise RequestRefused for a strict function that DeepSeek refuses (sheet 4a: function.strict)."""
    functions = [tool["function"] for tool in body.get("tools") or [] if tool["type"] == "function"]
    strict = [function for function in functions if function.get("strict")]
    if not strict:
        return
    # "only on /beta"; the sheet does not state that it is refused elsewhere. A client that drops it is right either way
    if not beta:
        raise invalid("strict is available on the beta API only (base_url https://api.deepseek.com/beta)")
    if len(strict) < len(functions):
        raise invalid("All functions must have strict set to true if one of them has")
    try:
        for function in strict:
            _strict_schema(function.get("parameters") or {})
    except RecursionError:
        raise invalid("Invalid strict schema: too deep") from None


def _strict_schema(schema: Any) -> None:
    """Check a schema and those in it: all properties required, additionalProperties false."""
    if not isinstance(schema, dict):
        return
    properties = schema.get("properties")
    if isinstance(properties, dict):
        names = schema.get("required")
        if schema.get("additionalProperties") is not False:
            raise invalid("Invalid strict schema: additionalProperties must be false")
        if not isinstance(names, list) or any(name not in names for name in properties):
            raise invalid("Invalid strict schema: all properties must be required")
    for inner in _inner_schemas(schema):
        _strict_schema(inner)


def _inner_schemas(schema: dict[str, Any]) -> list[Any]:
    maps = [schema.get(name) for name in ("properties", "$defs", "definitions")]
    lists = [schema.get(name) for name in ("anyOf", "oneOf", "allOf", "prefixItems")]
    in_maps = [value for one in maps if isinstance(one, dict) for value in one.values()]
    return [*in_maps, *(value for one in lists if isinstance(one, list) for value in one), schema.get("items")]
