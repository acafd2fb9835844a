"""The parameters that Ark accepts (sheet 4a, 4b). Error texts that neither the sheet nor the vendor's page has are invented.

Members that the sheet does not name, and `seed`, are ignored: whether unknown members are refused is open (sheet 7).
`functions` and `function_call` are not emulated.
"""

import re
from collections.abc import Callable
from typing import Any

from emulators.core.checks import is_integer, is_number
from emulators.doubao.errors import (
    invalid,
    invalid_request,
    missing,
    most_tokens,
    out_of_range,
    unknown_value,
    unsupported_parameter,
    unsupported_value,
    wrong_type,
)
from emulators.doubao.models import ALL_EFFORTS, WITHOUT_THINKING, Model, thinking_type

MOST_STOPS = 4
MOST_TOOLS = 128
MOST_LOGPROBS = 20
MOST_CHOICES = 128
"""The sheet has no range for n; this is OpenAI's."""
FUNCTION_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}\Z")
"""The SDK's types: a function's name."""

Body = dict[str, Any]
Rule = Callable[[Body, Model, bool], None]


def _boolean(param: str, value: Any) -> None:
    if value is not None and not isinstance(value, bool):
        raise wrong_type(param, "a boolean", value)


def _booleans(body: Body, model: Model, thinking: bool) -> None:
    for name in ("stream", "logprobs", "parallel_tool_calls"):
        _boolean(name, body.get(name))


def _limits(body: Body, model: Model, thinking: bool) -> None:
    # sheet 4a: max_tokens, max_completion_tokens: both at once, then the caps
    names = ("max_tokens", "max_completion_tokens")
    for name in names:
        if body.get(name) is not None and not is_integer(body[name]):
            raise wrong_type(name, "an integer", body[name])
    if all(body.get(name) is not None for name in names):
        raise invalid("max_tokens", "max_tokens and max_completion_tokens cannot be set at the same time")
    for name, most in zip(names, (model.most_out, model.most_completion), strict=True):
        if body.get(name) is not None and not 0 <= body[name] <= most:
            raise most_tokens(name, body[name], most)


def _decimal(body: Body, name: str, low: float, high: float) -> None:
    value = body.get(name)
    if value is None:
        return
    if not is_number(value):
        raise wrong_type(name, "a number", value)
    if not low <= value <= high:
        raise out_of_range(name, "decimal", value, low, high)


def _sampling(body: Body, model: Model, thinking: bool) -> None:
    # sheet 4a: temperature by generation; "thinking models may fix it (M)" names neither model nor value: no check
    _decimal(body, "temperature", 0, model.most_temperature)
    _decimal(body, "top_p", 0, 1)
    _decimal(body, "frequency_penalty", -2, 2)
    _decimal(body, "presence_penalty", -2, 2)
    # sheet 4b: no range
    if body.get("repetition_penalty") is not None and not is_number(body["repetition_penalty"]):
        raise wrong_type("repetition_penalty", "a number", body["repetition_penalty"])
    # sheet 4a: logit_bias -100..100
    biases = body.get("logit_bias") or {}
    if not isinstance(biases, dict):
        raise wrong_type("logit_bias", "an object", biases)
    for token in biases:
        _decimal(biases, token, -100, 100)


def _choices(body: Body, model: Model, thinking: bool) -> None:
    # sheet 4a: n is typed; n > 1 in practice is open (sheet 7): here it is served
    n = body.get("n")
    if n is None:
        return
    if not is_integer(n):
        raise wrong_type("n", "an integer", n)
    if not 1 <= n <= MOST_CHOICES:
        raise out_of_range("n", "integer", n, 1, MOST_CHOICES)


def _stop(body: Body, model: Model, thinking: bool) -> None:
    stop = body.get("stop")
    if stop is None:
        return
    stops = [stop] if isinstance(stop, str) else stop
    if not isinstance(stops, list) or not all(isinstance(one, str) for one in stops):
        raise wrong_type("stop", "a string or an array of strings", stop)
    if len(stops) > MOST_STOPS:
        raise invalid("stop", f"expected an array with at most {MOST_STOPS} strings, but got {len(stops)} instead")
    # sheet 4a: stop: not supported by thinking models; here while the model thinks. The sheet does not state that it is
    # refused, and a live answer was 200
    if stops and thinking:
        raise invalid("stop", "`stop` is not supported by this model in thinking mode")


def _logprobs(body: Body, model: Model, thinking: bool) -> None:
    top = body.get("top_logprobs")
    if top is not None and not is_integer(top):
        raise wrong_type("top_logprobs", "an integer", top)
    if top is not None and not 0 <= top <= MOST_LOGPROBS:
        raise out_of_range("top_logprobs", "integer", top, 0, MOST_LOGPROBS)
    # the SDK's types: "logprobs must be set to true if this parameter is used"
    if top is not None and not body.get("logprobs"):
        raise invalid("top_logprobs", "logprobs must be true")
    # sheet 4a: logprobs: refused before 2026-09-09 on newer models. Read as: since that day those of Seed 2 take them.
    if body.get("logprobs") and model.thinks_by_default is not None and "-seed-1-" in model.id:
        raise invalid("logprobs", "`logprobs` is not supported by this model")


def _texts(body: Body, model: Model, thinking: bool) -> None:
    if not isinstance(body.get("user") or "", str):
        raise wrong_type("user", "a string", body["user"])
    # sheet 4a: service_tier auto, default
    if body.get("service_tier") not in (None, "auto", "default"):
        raise unknown_value("service_tier", body["service_tier"], ("auto", "default"))
    # sheet 4a: functions, function_call: typed
    for name in ("functions", "function_call"):
        if body.get(name) is not None:
            raise invalid(name, "the emulator has no functions, only tools")


def _stream_options(body: Body, model: Model, thinking: bool) -> None:
    options = body.get("stream_options")
    if options is None:
        return
    if not isinstance(options, dict):
        raise wrong_type("stream_options", "an object", options)
    # sheet 4a: stream_options: only with stream true
    if not body.get("stream"):
        raise invalid("stream_options", "stream_options can only be set when stream is true")
    for name in ("include_usage", "chunk_include_usage"):
        _boolean(f"stream_options.{name}", options.get(name))


def check_thinking(body: Body, model: Model) -> None:
    """Raise Refusal if `thinking` or `reasoning_effort` is not one of the model's."""
    setting = body.get("thinking")
    if setting is not None and not isinstance(setting, dict):
        raise wrong_type("thinking", "an object", setting)
    kind = (setting or {}).get("type")
    if setting is not None and kind is None:
        raise missing("thinking.type")
    if kind not in (None, "enabled", "disabled", "auto"):
        raise unknown_value("thinking.type", kind, ("enabled", "disabled", "auto"))
    # sheet 4b: thinking: auto only on 1.6; the text is that of live answers. The sheet is silent about models without
    # thinking: they take `disabled`
    if (kind == "auto" and not model.takes_auto) or (kind == "enabled" and model.thinks_by_default is None):
        raise invalid_request(f"Unsupported thinking type for the current model: {kind}")
    _check_effort(body, model)


def _check_effort(body: Body, model: Model) -> None:
    effort = body.get("reasoning_effort")
    if effort is None:
        return
    # sheet 4a: reasoning_effort: Seed 1.6+
    if not model.efforts:
        raise unsupported_parameter("reasoning_effort")
    if effort not in ALL_EFFORTS:
        raise unknown_value("reasoning_effort", effort, model.efforts)
    if effort not in model.efforts:
        raise unsupported_value("reasoning_effort", effort)
    # live answers of 2026: an effort needs thinking, which seed-character has off by default
    kind = thinking_type(model, body)
    if kind == "disabled" and effort not in WITHOUT_THINKING:
        raise invalid_request(f"Invalid combination of reasoning_effort and thinking type: {effort} + {kind}")


def _format(body: Body, model: Model, thinking: bool) -> None:
    wanted = body.get("response_format")
    if wanted is None:
        return
    if not isinstance(wanted, dict):
        raise wrong_type("response_format", "an object", wanted)
    kind = wanted.get("type")
    if kind not in ("text", "json_object", "json_schema"):
        raise unknown_value("response_format.type", kind, ("text", "json_object", "json_schema"))
    # sheet 4a: response_format: Seed 1.6-250615 and later; the text is that of live answers
    if kind != "text" and not model.formats:
        raise unsupported_value("response_format.type", kind)
    if kind == "json_schema":
        _check_json_schema(wanted.get("json_schema"))


def _check_json_schema(described: Any) -> None:
    if not isinstance(described, dict):
        raise missing("response_format.json_schema")
    name = described.get("name")
    if not isinstance(name, str):
        raise missing("response_format.json_schema.name")
    # the SDK's types: the name, and that schema may be absent
    if not FUNCTION_NAME.match(name):
        raise invalid("response_format.json_schema.name", f"`{name}` is no name")
    if not isinstance(described.get("schema") or {}, dict):
        raise wrong_type("response_format.json_schema.schema", "an object", described["schema"])
    _boolean("response_format.json_schema.strict", described.get("strict"))


def _tools(body: Body, model: Model, thinking: bool) -> None:
    tools = body.get("tools")
    if tools is None:
        return
    if not isinstance(tools, list):
        raise wrong_type("tools", "an array", tools)
    # sheet 4a: tools <= 128
    if len(tools) > MOST_TOOLS:
        raise invalid("tools", f"expected an array with at most {MOST_TOOLS} tools, but got {len(tools)} instead")
    for tool in tools:
        # the text is that of a live answer
        if not isinstance(tool, dict) or tool.get("type") is None:
            raise invalid_request("Invalid function format: 'type'")
        if tool["type"] != "function":
            raise unknown_value("tools.type", tool["type"], ("function",))
        if not isinstance(tool.get("function"), dict):
            raise missing("tools.function")
        _check_function(tool["function"])


def _check_function(function: Body) -> None:
    name = function.get("name")
    if not isinstance(name, str):
        raise missing("tools.function.name")
    if not FUNCTION_NAME.match(name):
        raise invalid("tools.function.name", f"`{name}` is no name of a function")
    if not isinstance(function.get("description") or "", str):
        raise wrong_type("tools.function.description", "a string", function["description"])
    if not isinstance(function.get("parameters") or {}, dict):
        raise wrong_type("tools.function.parameters", "an object", function["parameters"])
    _boolean("tools.function.strict", function.get("strict"))


def _tool_choice(body: Body, model: Model, thinking: bool) -> None:
    choice = body.get("tool_choice")
    if choice in (None, "none", "auto"):
        return
    names = [tool["function"]["name"] for tool in body.get("tools") or []]
    if choice == "required":
        # sheet 4a: required on Seed 1.6+ only (M)
        if not model.required:
            raise unsupported_value("tool_choice", "required")
    elif isinstance(choice, dict):
        function = choice.get("function")
        if choice.get("type") != "function" or not isinstance(function, dict):
            raise missing("tool_choice.function")
        if not isinstance(function.get("name"), str):
            raise missing("tool_choice.function.name")
        # the sheet is silent about this case, and about a choice without tools; as in OpenAI's API they are refused
        if names and function["name"] not in names:
            raise invalid("tool_choice", f"`{function['name']}` is not among the tools")
    else:
        raise unknown_value("tool_choice", choice, ("none", "auto", "required"))
    if not names:
        raise invalid("tool_choice", "tool_choice needs tools")


RULES: tuple[Rule, ...] = (
    _booleans,
    _limits,
    _sampling,
    _choices,
    _stop,
    _logprobs,
    _texts,
    _stream_options,
    _format,
    _tools,
    _tool_choice,
)


def check(body: Body, model: Model, *, thinking: bool) -> None:
    """Raise Refusal for the first parameter that Ark refuses for this model. `check_thinking` comes before."""
    for rule in RULES:
        rule(body, model, thinking)
