"""The parameters that MiniMax accepts (sheet 4a). The texts are invented, except that of `thinking`.

Members that the sheet lists as "not in the vendor's schema" or as ignored (stop, seed, logprobs, user,
parallel_tool_calls, reasoning_effort, penalties, logit_bias) are ignored, and so are unknown ones; models of 2025 and before
name the first of them in `status_msg`, with the number 0.
"""

import re
from collections.abc import Callable
from typing import Any

from emulators.core.checks import is_integer, is_number
from emulators.minimax import tools
from emulators.minimax.errors import invalid
from emulators.minimax.models import WARNED, Model

KNOWN = (
    *("model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens"),
    *("temperature", "top_p", "tools", "tool_choice", "response_format", "mask_sensitive_info"),
)
"""The members of the schema of 2025."""
SWITCHES = ("stream", "reasoning_split", "mask_sensitive_info")
LIMITS = ("max_completion_tokens", "max_tokens")
TIERS = ("standard", "priority")
SCHEMA_NAME = re.compile(r"[a-zA-Z0-9]{1,64}\Z")

Body = dict[str, Any]
Rule = Callable[[Body, Model], None]


def _switches(body: Body, model: Model) -> None:
    for name in SWITCHES:
        if body.get(name) not in (None, True, False) or is_number(body.get(name)):
            raise invalid(f"{name} must be a boolean")
    options = body.get("stream_options")
    if options is None:
        return
    if not isinstance(options, dict) or not isinstance(options.get("include_usage") or False, bool):
        raise invalid("stream_options.include_usage must be a boolean")


def _sampling(body: Body, model: Model) -> None:
    # sheet 4a: temperature: (0,1], 0 and >1 are 2013; [0,2] on M3
    _between(body, "temperature", model.max_temperature, zero=model.zero_temperature)
    # sheet 4a: top_p (0,1]; a later page of the vendor has [0,1]
    _between(body, "top_p", 1, zero=False)


def _between(body: Body, name: str, high: int, *, zero: bool) -> None:
    value = body.get(name)
    if value is None:
        return
    if not is_number(value) or not 0 <= value <= high or (value == 0 and not zero):
        raise invalid(f"{name} must be in {'[' if zero else '('}0, {high}]")


def _limits(body: Body, model: Model) -> None:
    # sheet 4a: max_completion_tokens >= 1; max_tokens is deprecated. Over the cap "longer is cut"
    for name in LIMITS:
        value = body.get(name)
        if value is not None and not (is_integer(value) and value >= 1):
            raise invalid(f"{name} must be at least 1")


def _count(body: Body, model: Model) -> None:
    # sheet 4a: n: 1 only; the real reaction is open (sheet 7)
    if body.get("n") not in (None, 1) or isinstance(body.get("n"), bool):
        raise invalid("n must be 1")


def _thinking(body: Body, model: Model) -> None:
    setting = body.get("thinking")
    # sheet 4a: thinking: adaptive, disabled; the older models are taken to ignore it
    if setting is None or model.early or model.id in WARNED or model.role_play:
        return
    if not isinstance(setting, dict):
        raise invalid("thinking must be an object")
    kind = setting.get("type")
    # reported for M3.1-Flash-Preview
    if kind == "disabled" and model.adaptive_only:
        raise invalid(
            f'model "{model.id}" requires adaptive thinking; thinking.type="disabled" '
            "(including reasoning.effort=none) is not allowed"
        )
    if kind not in (None, "adaptive", "disabled"):
        quoted = f'"{kind}"' if isinstance(kind, str) else str(kind)
        raise invalid(f"invalid thinking.type: {quoted} (allowed: adaptive, disabled)")


def _format(body: Body, model: Model) -> None:
    form = body.get("response_format")
    # sheet 4a: response_format: json_schema on Text-01 only; reported as ignored on M2.5
    if form is None or not model.schema:
        return
    json_schema = form.get("json_schema") if isinstance(form, dict) and form.get("type") == "json_schema" else None
    name = json_schema.get("name") if isinstance(json_schema, dict) else None
    # the vendor's page of 2025: type json_schema only; name of letters and digits, at most 64
    if not isinstance(json_schema, dict) or not isinstance(name, str) or not SCHEMA_NAME.match(name):
        raise invalid("invalid response_format")
    if not isinstance(json_schema.get("schema"), dict):
        raise invalid("invalid response_format")


def _tier(body: Body, model: Model) -> None:
    # the vendor's page: service_tier; sheet 3: a Priority tier of M3
    if model.tiers and body.get("service_tier") not in (None, *TIERS):
        raise invalid("invalid service_tier (allowed: standard, priority)")


def _tools(body: Body, model: Model) -> None:
    tools.check(body.get("tools"), model)


RULES: tuple[Rule, ...] = (_switches, _sampling, _limits, _count, _thinking, _format, _tier, _tools)


def check(body: Body, model: Model) -> None:
    """Raise Refusal for the first parameter that MiniMax refuses."""
    for rule in RULES:
        rule(body, model)


def most_out(body: Body, model: Model) -> int:
    """Return the limit of the answer in tokens, reasoning included."""
    asked = next((body[name] for name in LIMITS if body.get(name) is not None), model.default_out)
    return int(min(asked, model.most_out))


def warning(body: Body, model: Model) -> str:
    """Return the `status_msg` of a response with the number 0."""
    unknown = next((name for name in body if name not in KNOWN), None)
    if unknown is None or not (model.early or model.id in WARNED):
        return ""
    return f'Invalid parameters detected, json: unknown field "{unknown}"'
