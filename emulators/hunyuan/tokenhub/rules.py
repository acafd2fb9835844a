"""The parameters that TokenHub accepts (sheet 4.3). Error texts that the sheet does not quote are invented.

Members that the sheet calls ignored (penalties, logit_bias, logprobs, user), leaves to the client to convert
(max_completion_tokens, functions and the like) or does not name are ignored.
"""

from collections.abc import Callable
from typing import Any

from emulators.core.checks import is_integer, is_number
from emulators.hunyuan.edition import Body
from emulators.hunyuan.messages import check as check_messages
from emulators.hunyuan.tokenhub.errors import invalid, unsupported, unsupported_format
from emulators.hunyuan.tokenhub.models import Model, thinks
from emulators.hunyuan.tools import check_tool

Rule = Callable[[Body, Model], None]
EFFORTS = ("low", "medium", "high")
MOST_STOPS = 4


def _messages(body: Body, model: Model) -> None:
    check_messages(body.get("messages"), invalid, _part)


def _part(part: dict[str, Any]) -> None:
    # sheet 4.3: content parts: hy3 text only; the other models are not described: text only
    raise unsupported(f"content part {part.get('type')!r} is not supported by this model")


def _sampling(body: Body, model: Model) -> None:
    # sheet 4.3: temperature [0, 2], top_p [0, 1]
    for name, high in (("temperature", 2), ("top_p", 1)):
        value = body.get(name)
        if value is not None and (not is_number(value) or not 0 <= value <= high):
            raise invalid(f"{name} must be in [0, {high}]")
    # sheet 4.3: seed is listed; its range is not
    if body.get("seed") is not None and not is_integer(body["seed"]):
        raise invalid("seed must be an integer")


def _n(body: Body, model: Model) -> None:
    # sheet 4.3: n: "support per model" (L), and no model that supports it is named: none does
    n = body.get("n")
    if n is not None and (not is_integer(n) or n < 1):
        raise invalid("n must be a positive integer")
    if n is not None and n > 1:
        raise unsupported("n above 1 is not supported by this model")


def _stop(body: Body, model: Model) -> None:
    # sheet 4.3: stop: string or up to 4
    stop = body.get("stop")
    stops = stop if isinstance(stop, list) else [stop]
    if stop is not None and not all(isinstance(one, str) for one in stops):
        raise invalid("stop must be a string or a list of strings")
    if len(stops) > MOST_STOPS:
        raise invalid(f"stop has at most {MOST_STOPS} entries")


def _limit(body: Body, model: Model) -> None:
    # sheet 4.3: max_tokens; 3.2: out. That more than the model has is refused is not written
    most = body.get("max_tokens")
    if most is not None and (not is_integer(most) or not 1 <= most <= model.most_out):
        raise invalid(f"max_tokens must be in [1, {model.most_out}]")


def _thinking(body: Body, model: Model) -> None:
    # sheet 4.3: thinking
    setting = body.get("thinking")
    if setting is not None:
        kind = setting.get("type") if isinstance(setting, dict) else None
        if kind not in ("enabled", "disabled"):
            raise invalid("thinking.type must be enabled or disabled")
        # sheet 3.2: the switch is hy3's; a model that does not think, or always does, cannot do otherwise
        if model.thinking == ("never" if kind == "enabled" else "always"):
            raise unsupported(f"thinking {kind} is not supported by this model")
    # sheet 4.3: reasoning_effort: low, medium, high; none is expressed by `thinking`
    effort = body.get("reasoning_effort")
    if effort is not None and model.thinking != "never" and effort not in EFFORTS:
        raise invalid(f"reasoning_effort must be one of {', '.join(EFFORTS)}")


def _tools(body: Body, model: Model) -> None:
    tools = body.get("tools")
    if not tools:
        return
    if not isinstance(tools, list):
        raise invalid("tools must be a list")
    # sheet 3.2: tools are not among the features of every model
    if not model.tools:
        raise unsupported("tools are not supported by this model")
    for index, tool in enumerate(tools):
        check_tool(tool, f"tools[{index}]", invalid)


def _choice(body: Body, model: Model) -> None:
    # sheet 4.3: tool_choice none, auto, required, named
    choice = body.get("tool_choice")
    if choice in (None, "auto", "none"):
        return
    names = [tool["function"]["name"] for tool in body.get("tools") or []]
    if choice == "required":
        wanted = names
    elif isinstance(choice, dict) and choice.get("type") == "function" and isinstance(choice.get("function"), dict):
        wanted = [name for name in names if name == choice["function"].get("name")]
    else:
        raise invalid("tool_choice must be none, auto, required or a named function")
    if not wanted:
        raise invalid("tool_choice asks for a tool that is not among the tools")
    # not in the sheet: the vendor's page on thinking allows only auto while the model thinks; applied strictly
    if thinks(model, body):
        raise unsupported("tool_choice can only be auto while the model thinks")


def _format(body: Body, model: Model) -> None:
    response_format = body.get("response_format")
    if response_format is None:
        return
    kind = response_format.get("type") if isinstance(response_format, dict) else None
    if kind not in ("text", "json_object", "json_schema"):
        raise invalid("response_format.type must be text, json_object or json_schema")
    # sheet 4.3, and "Checked again": response_format: json_schema on hy3 and hy4-preview. Which models lack json_object is not stated;
    # here: the special models for translation and role play, and the retired models
    if (kind == "json_object" and not model.json) or (kind == "json_schema" and not model.schema):
        raise unsupported_format(f"response_format {kind} is not supported by this model")
    json_schema = response_format.get("json_schema")
    valid = (
        isinstance(json_schema, dict)
        and isinstance(json_schema.get("name"), str)
        and isinstance(json_schema.get("schema"), dict)
    )
    if kind == "json_schema" and not valid:
        raise invalid("json_schema needs a name and a schema")


def _search(body: Body, model: Model) -> None:
    # sheet 4.3: web_search_options: the vendor's form is {"enable": true}
    web_search_options = body.get("web_search_options")
    if web_search_options is not None and (
        not isinstance(web_search_options, dict) or not isinstance(web_search_options.get("enable"), bool)
    ):
        raise invalid("web_search_options.enable must be a boolean")


RULES: tuple[Rule, ...] = (
    _messages,
    _sampling,
    _n,
    _stop,
    _limit,
    _thinking,
    _tools,
    _choice,
    _format,
    _search,
)


def check(body: Body, model: Model) -> None:
    """Raise Refusal for the first member of the request that TokenHub rejects."""
    for rule in RULES:
        rule(body, model)
