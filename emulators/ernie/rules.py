"""The parameters that ERNIE accepts on v2 (sheet 4.3). Error texts that the sheet does not quote are invented.

How v2 treats undocumented members is open (sheet 9). Strict reading: those of OpenAI's schema that the
sheet calls "not documented" are refused; members that it does not name are ignored.
"""

from collections.abc import Callable
from typing import Any

from emulators.core.checks import is_integer, is_number
from emulators.ernie.errors import invalid
from emulators.ernie.models import Model

Body = dict[str, Any]
Rule = Callable[[Body, Model], None]

MOST_STOPS, LONGEST_STOP = 4, 20
LARGEST_SEED = 2**31 - 1
MOST_PAIRS = 16
EFFORTS = ("low", "medium", "high")
BUDGET = (100, 16_384)

UNDOCUMENTED = (
    # sheet 4.3: store, service_tier, prediction, modalities, audio, web_search_options
    *("store", "service_tier", "prediction", "modalities", "audio", "web_search_options"),
    # sheet 4.3: logprobs, top_logprobs, logit_bias (L)
    *("logprobs", "top_logprobs", "logit_bias"),
    # sheet 4.3: functions, function_call (legacy)
    *("functions", "function_call"),
    # sheet 4.3: max_completion_tokens: "listed by the Go SDK only"
    "max_completion_tokens",
)


def _undocumented(body: Body, model: Model) -> None:
    for name in UNDOCUMENTED:
        if body.get(name) is not None:
            raise invalid(f"{name} is not supported")
    # sheet 4.3: n: "not documented" (L)
    if body.get("n") not in (None, 1):
        raise invalid("n must be 1")


def _between(body: Body, name: str, low: float, high: float, *, above: bool = False) -> None:
    """Refuse a number outside [low, high], or (low, high] if `above`."""
    value = body.get(name)
    if value is None:
        return
    if not is_number(value) or not low <= value <= high or (above and value == low):
        raise invalid(f"{name} must be in {'(' if above else '['}{low:g}, {high:g}]")


def _whole(name: str, value: Any, low: int, high: int) -> None:
    if value is not None and (not is_integer(value) or not low <= value <= high):
        raise invalid(f"{name} must be an integer in [{low}, {high}]")


def _true_or_false(holder: Body, *names: str) -> None:
    for name in names:
        if holder.get(name) not in (None, True, False) or is_number(holder.get(name)):
            raise invalid(f"{name} must be a boolean")


def _sampling(body: Body, model: Model) -> None:
    # sheet 4.3: temperature: "5.5-flash-preview none"
    if body.get("temperature") is not None and not model.temperature:
        raise invalid(f"temperature is not supported by the model {model.id}")
    # sheet 4.3: temperature: "older ERNIE (0, 1.0]"; the ranges of current ids are open (sheet 9), so: the narrow one
    _between(body, "temperature", 0, 1, above=True)
    # sheet 4.3: top_p
    _between(body, "top_p", 0, 1)


def _penalties(body: Body, model: Model) -> None:
    for name in ("frequency_penalty", "presence_penalty"):
        # sheet 4.3: "[-2, 2] on resold models; ERNIE uses `penalty_score`"; thinking models ignore what they do not
        # support if it is in range. Strict reading: the others refuse it.
        if body.get(name) is not None and model.thinking != "always":
            raise invalid(f"{name} is not supported by the model {model.id}")
        _between(body, name, -2, 2)
    # sheet 4.3: penalty_score [1, 2], "not on X1"
    if body.get("penalty_score") is not None and not model.steady:
        raise invalid(f"penalty_score is not supported by the model {model.id}")
    _between(body, "penalty_score", 1, 2)
    # sheet 4.3, vendor-only: repetition_penalty (0, 2]
    _between(body, "repetition_penalty", 0, 2, above=True)


def _stop(body: Body, model: Model) -> None:
    stop = body.get("stop")
    if stop is None:
        return
    if not model.steady:
        raise invalid(f"stop is not supported by the model {model.id}")
    # sheet 4.3: stop: up to 4, 1-20 chars each; a bare string must become a list on v1 (4.2), and is not documented as
    # accepted here
    if not isinstance(stop, list) or not all(isinstance(one, str) for one in stop):
        raise invalid("stop must be a list of strings")
    if len(stop) > MOST_STOPS or not all(1 <= len(one) <= LONGEST_STOP for one in stop):
        raise invalid(f"stop may have {MOST_STOPS} strings of 1 to {LONGEST_STOP} characters")


def _seed(body: Body, model: Model) -> None:
    seed = body.get("seed")
    if seed is not None and not model.steady:
        raise invalid(f"seed is not supported by the model {model.id}")
    # sheet 4.3: seed: open interval (0, 2147483647)
    _whole("seed", seed, 1, LARGEST_SEED - 1)


def _limits(body: Body, model: Model) -> None:
    # sheet 4.3: max_tokens: per-model maximum; v1's minimum of 2 is not stated for v2
    _whole("max_tokens", body.get("max_tokens"), 1, model.most_out)


def _thinking(body: Body, model: Model) -> None:
    # sheet 4.3, vendor-only: enable_thinking, thinking_budget, thinking_strategy; which ids accept them is not
    # stated completely: those whose row says "reasoning"
    _true_or_false(body, "enable_thinking")
    enable_thinking = body.get("enable_thinking")
    if (enable_thinking is True and model.thinking == "never") or (
        enable_thinking is False and model.thinking == "always"
    ):
        raise invalid(f"enable_thinking={str(enable_thinking).lower()} is not supported by the model {model.id}")
    for name in ("thinking_budget", "thinking_strategy", "reasoning_effort"):
        if body.get(name) is not None and model.thinking == "never":
            raise invalid(f"{name} is not supported by the model {model.id}")
    # sheet 4.3: thinking_budget "default 16384, min 100"; a gateway clamps to 100..16384
    _whole("thinking_budget", body.get("thinking_budget"), *BUDGET)
    if body.get("thinking_strategy") not in (None, "short_think", "chain_of_draft"):
        raise invalid("thinking_strategy must be short_think or chain_of_draft")
    # sheet 4.3: reasoning_effort: low, medium, high (M)
    if body.get("reasoning_effort") not in (None, *EFFORTS):
        raise invalid(f"reasoning_effort must be one of {', '.join(EFFORTS)}")


def _tools(body: Body, model: Model) -> None:
    # sheet 4.3: parallel_tool_calls
    _true_or_false(body, "parallel_tool_calls")
    tools = body.get("tools")
    if tools is None or tools == []:
        return
    # sheet 3.3: tools, by model
    if not model.tools:
        raise invalid(f"tools are not supported by the model {model.id}")
    if not isinstance(tools, list):
        raise invalid("tools must be a list")
    for tool in tools:
        # sheet 4.3: tools: OpenAI shape; the pattern of names and the number of tools are not stated
        function = tool.get("function") if isinstance(tool, dict) else None
        if not isinstance(function, dict) or tool.get("type") != "function":
            raise invalid("tools must be functions")
        name = function.get("name")
        if not isinstance(name, str) or not name:
            raise invalid("tools must have a name")
        if not isinstance(function.get("parameters") or {}, dict):
            raise invalid(f"parameters of {name} must be a schema")


def _choice(body: Body, model: Model) -> None:
    choice = body.get("tool_choice")
    # sheet 4.3: tool_choice: none, auto, required, named object
    if choice in (None, "auto", "none"):
        return
    named = isinstance(choice, dict) and choice.get("type") == "function" and isinstance(choice.get("function"), dict)
    if not named and choice != "required":
        raise invalid("tool_choice must be none, auto, required or a function")
    names = [tool["function"]["name"] for tool in body.get("tools") or []]
    if not names or (named and choice["function"].get("name") not in names):
        raise invalid("tool_choice names no function that is among the tools")


def _format(body: Body, model: Model) -> None:
    response_format = body.get("response_format")
    if response_format is None:
        return
    # sheet 4.3: response_format: text, json_object, json_schema; "not on X1". 3.2: which ids of 2024 have json_object
    kind = response_format.get("type") if isinstance(response_format, dict) else None
    if kind not in model.formats:
        raise invalid(f"response_format {kind!r} is not supported by the model {model.id}")
    if kind == "json_schema":
        json_schema = response_format.get("json_schema")
        valid = isinstance(json_schema, dict) and isinstance(json_schema.get("name"), str)
        if not valid or not isinstance(json_schema.get("schema"), dict):
            raise invalid("json_schema needs a name and a schema")


def _stream(body: Body, model: Model) -> None:
    _true_or_false(body, "stream")
    options = body.get("stream_options")
    if options is None:
        return
    # sheet 4.3: stream_options.include_usage, chunk_include_usage; like OpenAI, read strictly: of a stream only
    if not isinstance(options, dict) or body.get("stream") is not True:
        raise invalid("stream_options must be an object, and needs stream")
    _true_or_false(options, "include_usage", "chunk_include_usage")


def _labels(body: Body, model: Model) -> None:
    # sheet 4.3: user
    if not isinstance(body.get("user") or "", str):
        raise invalid("user must be a string")
    # sheet 4.3: metadata: up to 16 string pairs
    labels = body.get("metadata")
    if labels is None:
        return
    if not isinstance(labels, dict) or not all(isinstance(value, str) for value in labels.values()):
        raise invalid("metadata must be pairs of strings")
    if len(labels) > MOST_PAIRS:
        raise invalid(f"metadata may have {MOST_PAIRS} pairs")


def _search(body: Body, model: Model) -> None:
    # sheet 4.3, vendor-only: web_search{…}
    web_search = body.get("web_search")
    if web_search is None:
        return
    if not isinstance(web_search, dict):
        raise invalid("web_search must be an object")
    _true_or_false(web_search, "enable", "enable_citation", "enable_trace", "enable_status")
    if web_search.get("search_mode") not in (None, "auto", "required"):
        raise invalid("search_mode must be auto or required")
    _whole("search_number", web_search.get("search_number"), 1, 28)


RULES: tuple[Rule, ...] = (
    _undocumented,
    _sampling,
    _penalties,
    _stop,
    _seed,
    _limits,
    _thinking,
    _tools,
    _choice,
    _format,
    _stream,
    _labels,
    _search,
)


def check(body: Body, model: Model) -> None:
    """Raise Refusal for the first parameter that ERNIE rejects. The messages must be valid."""
    for rule in RULES:
        rule(body, model)
