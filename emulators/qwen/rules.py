"""The parameters that Qwen accepts in compatible mode (sheet 4a, 4b).

Error texts that the sheet does not quote are invented. Members that the sheet does not name, or calls ignored, are ignored.
"""

from collections.abc import Callable
from typing import Any

from emulators.core.checks import is_integer, is_number
from emulators.qwen.errors import INSIDE, invalid, out_of_range
from emulators.qwen.messages import mention_json
from emulators.qwen.models import Model

Body = dict[str, Any]
Rule = Callable[[Body, Model, bool], None]
LARGEST_SEED = 2**31 - 1


def _stream(body: Body, model: Model, thinking: bool) -> None:
    streams = body.get("stream") is True
    # sheet 6: "only support stream mode"
    if model.stream_only and not streams:
        raise invalid("This model only support stream mode, please enable the stream parameter to access the model.")
    # sheet 4b: enable_thinking, the old rule
    if thinking and model.thinks_in_streams_only and not streams:
        raise invalid("parameter.enable_thinking must be set to false for non-streaming calls")
    # sheet 4a: modalities, audio: "omni only, and stream must be true"
    modalities = body.get("modalities")
    if isinstance(modalities, list) and "audio" in modalities and not (model.hears and streams):
        raise invalid("modalities with audio need an omni model and stream mode")


def _temperature(body: Body, model: Model, thinking: bool) -> None:
    # sheet 4a: temperature
    value = body.get("temperature")
    if value is not None and (not is_number(value) or not 0 <= value < 2):
        raise invalid("Temperature should be in [0.0, 2.0)")


def _top_p(body: Body, model: Model, thinking: bool) -> None:
    # sheet 4a: top_p
    value = body.get("top_p")
    if value is not None and (not is_number(value) or not 0 < value <= 1):
        raise invalid(f"{INSIDE}Range of top_p should be (0.0, 1.0]")


def _n(body: Body, model: Model, thinking: bool) -> None:
    # sheet 4a: n: 1..4, some models only, 1 with tools
    n = body.get("n")
    if n is None or (is_integer(n) and n == 1):
        return
    allowed = model.many == "always" or (model.many == "unless thinking" and not thinking)
    if not is_integer(n) or not 1 <= n <= 4 or not allowed or body.get("tools"):
        raise out_of_range("n", "1", "4")


def _stop(body: Body, model: Model, thinking: bool) -> None:
    # sheet 4a: stop: string, list of strings, token id list (not mixed)
    stop = body.get("stop")
    if stop is None or isinstance(stop, str):
        return
    kinds = {type(one) for one in stop} if isinstance(stop, list) else {None}
    if len(kinds) > 1 or not kinds <= {str, int}:
        raise invalid("stop should be a string, a list of strings or a list of token ids")


def _penalties(body: Body, model: Model, thinking: bool) -> None:
    # sheet 4a: presence_penalty
    value = body.get("presence_penalty")
    if value is not None and (not is_number(value) or not -2 <= value <= 2):
        raise out_of_range("presence_penalty", "-2.0", "2.0")
    # sheet 4b: repetition_penalty (>0), top_k (>=0)
    value = body.get("repetition_penalty")
    if value is not None and (not is_number(value) or value <= 0):
        raise invalid("repetition_penalty should be greater than 0.0")
    value = body.get("top_k")
    if value is not None and (not is_integer(value) or value < 0):
        raise invalid("top_k should be greater than or equal to 0")


def _limits(body: Body, model: Model, thinking: bool) -> None:
    # sheet 4a: max_tokens
    value = body.get("max_tokens")
    if value is not None and (not is_integer(value) or not 1 <= value <= model.most_out):
        raise out_of_range("max_tokens", "1", str(model.most_out))
    # sheet 4a: max_completion_tokens; 4b: thinking_budget
    for name in ("max_completion_tokens", "thinking_budget"):
        value = body.get(name)
        known = model.caps_all if name == "max_completion_tokens" else thinking
        if value is not None and known and (not is_integer(value) or value < 1):
            raise invalid(f"{name} should be a positive integer")


def _seed(body: Body, model: Model, thinking: bool) -> None:
    # sheet 4a: seed
    seed = body.get("seed")
    if seed is not None and (not is_integer(seed) or not 0 <= seed <= LARGEST_SEED):
        raise out_of_range("seed", "0", str(LARGEST_SEED))


def _logprobs(body: Body, model: Model, thinking: bool) -> None:
    # sheet 4a: logprobs / top_logprobs: 0..5
    top = body.get("top_logprobs")
    if top is not None and (not is_integer(top) or not 0 <= top <= 5):
        raise out_of_range("top_logprobs", "0", "5")


def _thinking(body: Body, model: Model, thinking: bool) -> None:
    # sheet 4b: enable_thinking
    if body.get("enable_thinking") not in (None, True, False):
        raise invalid("enable_thinking should be a boolean")
    # sheet 4a: reasoning_effort: qwen3.8 has low, medium, xhigh, "others may 400"
    effort = body.get("reasoning_effort")
    if effort is not None and model.efforts and effort not in model.efforts:
        raise invalid(f"reasoning_effort should be one of {list(model.efforts)}")


def _tools(body: Body, model: Model, thinking: bool) -> None:
    tools = body.get("tools")
    if not tools:
        return
    # sheet 3a: tools n
    if not model.tools or not isinstance(tools, list):
        raise invalid(f"tools are not supported by the model {model.id}")
    for tool in tools:
        function = tool.get("function") if isinstance(tool, dict) else None
        name = function.get("name") if isinstance(function, dict) else None
        # sheet 4a: tools: function tools
        if not isinstance(name, str) or not name or tool.get("type") != "function":
            raise invalid("tools should be functions with a name")
        # sheet 4a: tools: name `search` forbidden
        if name == "search":
            raise invalid("Tool names are not allowed to be [search]")


def _choice(body: Body, model: Model, thinking: bool) -> None:
    choice = body.get("tool_choice")
    # sheet 4a: tool_choice auto, none
    if choice in (None, "auto", "none"):
        return
    named = isinstance(choice, dict) and isinstance(choice.get("function"), dict)
    # sheet 4a: tool_choice required: rejected by older ids
    if not named and (choice != "required" or not model.required):
        raise invalid('tool_choice is one of the strings that should be ["none", "auto"]')
    # sheet 4a: tool_choice: thinking + required/named
    if thinking:
        raise invalid(
            f"{INSIDE}The tool_choice parameter does not support being set to required or object in thinking mode"
        )
    names = [tool["function"]["name"] for tool in body.get("tools") or []]
    if named and choice["function"].get("name") not in names:
        raise invalid("tool_choice names a function that is not among the tools")


def _format(body: Body, model: Model, thinking: bool) -> None:
    response_format = body.get("response_format")
    kind = response_format.get("type") if isinstance(response_format, dict) else None
    if response_format is None or kind == "text":
        return
    if kind == "json_object" and model.json:
        # sheet 4a: json_object: not with thinking on
        if thinking:
            raise invalid("Json mode response is not supported when enable_thinking is true")
        # sheet 4a: json_object requires the word "json" in the messages
        if not mention_json(body["messages"]):
            raise invalid(
                f"{INSIDE}'messages' must contain the word 'json' in some form, to use 'response_format' of type "
                "'json_object'."
            )
    elif kind == "json_schema" and model.schema:
        # sheet 4a: json_schema: which ids is uncertain (M)
        json_schema = response_format.get("json_schema")
        if not isinstance(json_schema, dict) or not isinstance(json_schema.get("schema"), dict):
            raise invalid("json_schema needs a schema")
    else:
        raise invalid(f"response_format {kind!r} is not supported by the model {model.id}")


def _translation(body: Body, model: Model, thinking: bool) -> None:
    # sheet 3a: qwen-mt needs translation_options
    if model.id.startswith("qwen-mt") and not isinstance(body.get("translation_options"), dict):
        raise invalid("translation_options is required by this model")


RULES: tuple[Rule, ...] = (
    _stream,
    _temperature,
    _top_p,
    _n,
    _stop,
    _penalties,
    _limits,
    _seed,
    _logprobs,
    _thinking,
    _tools,
    _choice,
    _format,
    _translation,
)


def check(body: Body, model: Model, *, thinking: bool) -> None:
    """Raise Refusal for the first parameter that Qwen rejects. The messages must be valid."""
    for rule in RULES:
        rule(body, model, thinking)
