"""The parameters that Kimi accepts (sheet 4a, 4b). Error texts that the sheet does not quote are invented.

Members that the sheet does not mention are ignored, as it states.
"""

import re
from collections.abc import Callable
from typing import Any

from emulators.core.checks import is_integer, is_number
from emulators.kimi.errors import invalid
from emulators.kimi.mfjs import check_schema
from emulators.kimi.models import Model

TOOL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9-_]{2,63}\Z")
MOST_TOOLS = 128
MOST_STOPS, LONGEST_STOP = 5, 32
TOO_COLD_FOR_MANY = 0.1
"""n > 1 is refused with a temperature "near 0"; the sheet gives no figure."""

Body = dict[str, Any]
Rule = Callable[[Body, Model, bool], None]


def _only(name: str, value: Any, allowed: float) -> None:
    if value is not None and (not is_number(value) or value != allowed):
        raise invalid(f"invalid {name}: only {allowed:g} is allowed for this model")


def _between(name: str, value: Any, low: float, high: float) -> None:
    if value is not None and (not is_number(value) or not low <= value <= high):
        raise invalid(f"Invalid request: {name} must be in [{low:g}, {high:g}]")


def _temperature(body: Body, model: Model, thinking: bool) -> None:
    # sheet 4a: temperature
    if model.family == "K":
        _only("temperature", body.get("temperature"), 1 if thinking else model.temperature_without_thinking)
    else:
        _between("temperature", body.get("temperature"), 0, 1)


def _top_p(body: Body, model: Model, thinking: bool) -> None:
    # sheet 4a: top_p
    if model.family == "K":
        _only("top_p", body.get("top_p"), 0.95)
    else:
        _between("top_p", body.get("top_p"), 0, 1)


def _n(body: Body, model: Model, thinking: bool) -> None:
    # sheet 4a: n
    n = body.get("n")
    if model.family == "K":
        _only("n", n, 1)
        return
    if n is None:
        return
    if not is_integer(n) or not 1 <= n <= 5:
        raise invalid("Invalid request: n must be in [1, 5]")
    temperature = body.get("temperature")
    effective = model.default_temperature if temperature is None else temperature
    if n > 1 and effective < TOO_COLD_FOR_MANY:
        raise invalid("Invalid request: n must be 1 when temperature is near 0")


def _penalties(body: Body, model: Model, thinking: bool) -> None:
    # sheet 4a: presence_penalty, frequency_penalty
    for name in ("presence_penalty", "frequency_penalty"):
        if model.family == "K":
            _only(name, body.get(name), 0)
        else:
            _between(name, body.get(name), -2, 2)


def _stop(body: Body, model: Model, thinking: bool) -> None:
    # sheet 4a: stop
    stop = body.get("stop")
    stops = [stop] if isinstance(stop, str) else [] if stop is None else stop
    if not isinstance(stops, list) or not all(isinstance(one, str) for one in stops):
        raise invalid("Invalid request: stop must be a string or a list of strings")
    if len(stops) > MOST_STOPS:
        raise invalid(f"stop array too long. Expected an array with maximum length {MOST_STOPS}, but got {len(stops)}")
    if any(len(one.encode()) > LONGEST_STOP for one in stops):
        raise invalid(f"Invalid request: a stop string may have at most {LONGEST_STOP} bytes")


def _limits(body: Body, model: Model, thinking: bool) -> None:
    # sheet 4a: max_tokens, max_completion_tokens
    for name in ("max_tokens", "max_completion_tokens"):
        value = body.get(name)
        if value is not None and (not is_integer(value) or value < 1):
            raise invalid(f"Invalid request: {name} must be a positive integer")


def _logprobs(body: Body, model: Model, thinking: bool) -> None:
    # sheet 4a: logprobs, top_logprobs: boolean, 0..20
    if body.get("logprobs") not in (None, True, False):
        raise invalid("Invalid request: logprobs must be a boolean")
    top = body.get("top_logprobs")
    if top is not None and (not is_integer(top) or not 0 <= top <= 20):
        raise invalid("Invalid request: top_logprobs must be in [0, 20]")


def _thinking(body: Body, model: Model, thinking: bool) -> None:
    # sheet 4b: thinking
    setting = body.get("thinking")
    if setting is None or model.family != "K":
        return
    kind = setting.get("type") if isinstance(setting, dict) else None
    if kind not in ("enabled", "disabled"):
        raise invalid("Invalid request: thinking.type must be enabled or disabled")
    if kind == "disabled" and model.id.startswith("kimi-k2.7-code"):
        raise invalid("invalid thinking: only type=enabled is allowed for this model")
    if setting.get("keep") not in (None, "all"):
        raise invalid("Invalid request: thinking.keep must be null or all")


def _effort(body: Body, model: Model, thinking: bool) -> None:
    # sheet 4a: reasoning_effort: kimi-k3 has low, high, max; kimi-k2.6 took it with 200
    effort = body.get("reasoning_effort")
    if effort is not None and model.efforts and effort not in model.efforts:
        raise invalid(f"invalid reasoning_effort: only {', '.join(model.efforts)} are allowed for this model")


def offered(body: Body) -> list[Any]:
    """Return the tools of the request and of its system messages (sheet 4b: kimi-k3 only). Raises Refused."""
    dynamic = body["model"] == "kimi-k3"
    bringing = [body, *(one for one in body["messages"] if dynamic and one["role"] == "system")]
    lists = [one.get("tools") or [] for one in bringing]
    if not all(isinstance(tools, list) for tools in lists):
        raise invalid("Invalid request: tools must be a list")
    return [tool for tools in lists for tool in tools]


def check_tools(body: Body, model: Model, thinking: bool) -> None:
    """Raise Refused for the first tool that Kimi rejects. The messages must be valid."""
    tools = offered(body)
    # sheet 4a: tools <=128
    if len(tools) > MOST_TOOLS:
        raise invalid(f"Invalid request: at most {MOST_TOOLS} tools are allowed")
    for tool in tools:
        _tool(tool, model, thinking)


def _tool(tool: Any, model: Model, thinking: bool) -> None:
    kind = tool.get("type") if isinstance(tool, dict) else None
    function = tool.get("function") if isinstance(tool, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    if kind == "builtin_function" and name == "$web_search":
        # sheet 4b: $web_search needs thinking disabled on k2.5/k2.6
        if thinking and model.thinking == "toggle":
            raise invalid("Invalid request: builtin_function $web_search is incompatible with thinking enabled")
        return
    # sheet 4a: tools: only function and builtin_function
    if kind != "function" or not isinstance(function, dict):
        raise invalid(f"Invalid request: unsupported tool type {kind!r}")
    # sheet 4a: tools: name pattern
    if not isinstance(name, str) or not TOOL_NAME.match(name):
        raise invalid(f"Invalid request: function name is invalid, must match {TOOL_NAME.pattern[:-2]}: {name!r}")
    parameters = function.get("parameters")
    # sheet 4a: tools: parameters' root type object
    if parameters is not None and (not isinstance(parameters, dict) or parameters.get("type") != "object"):
        raise invalid(f"Invalid request: parameters of {name} must be a schema of type object")


def _choice(body: Body, model: Model, thinking: bool) -> None:
    choice = body.get("tool_choice")
    # sheet 4a: tool_choice auto / none / null
    if choice in (None, "auto", "none"):
        return
    if choice == "required":
        # sheet 4a: tool_choice required: not on V1 and K2p
        if model.family != "K":
            raise invalid("Invalid request: tool_choice 'required' is not supported by this model")
        # sheet 4a: tool_choice required: the kimi-k3 doc says it is accepted
        if thinking and model.id != "kimi-k3":
            raise invalid("tool_choice 'required' is incompatible with thinking enabled")
    elif isinstance(choice, dict) and choice.get("type") == "function":
        # sheet 4a: tool_choice named
        if thinking:
            raise invalid("tool_choice 'specified' is incompatible with thinking enabled")
        name = (choice.get("function") or {}).get("name")
        if name not in [(tool.get("function") or {}).get("name") for tool in body.get("tools") or []]:
            raise invalid(f"Invalid request: tool_choice names {name!r}, which is not among the tools")
    else:
        raise invalid(f"Invalid request: unknown tool_choice {choice!r}")
    if not body.get("tools"):
        raise invalid("Invalid request: tool_choice without tools")


def _format(body: Body, model: Model, thinking: bool) -> None:
    response_format = body.get("response_format")
    if response_format is None:
        return
    kind = response_format.get("type") if isinstance(response_format, dict) else None
    # sheet 4a: response_format text / json_object
    if kind in ("text", "json_object"):
        return
    # sheet 4a: response_format json_schema: V1 and K2p none
    if kind != "json_schema" or model.family != "K":
        raise invalid(f"Invalid request: response_format {kind!r} is not supported by this model")
    json_schema = response_format.get("json_schema")
    if (
        not isinstance(json_schema, dict)
        or not isinstance(json_schema.get("name"), str)
        or not isinstance(json_schema.get("schema"), dict)
    ):
        raise invalid("Invalid request: json_schema needs a name and a schema")
    check_schema(json_schema["schema"])


RULES: tuple[Rule, ...] = (
    _thinking,
    _temperature,
    _top_p,
    _n,
    _penalties,
    _stop,
    _limits,
    _logprobs,
    _effort,
    check_tools,
    _choice,
    _format,
)


def check(body: Body, model: Model, *, thinking: bool) -> None:
    """Raise Refused for the first parameter that Kimi rejects for this model."""
    for rule in RULES:
        rule(body, model, thinking)
