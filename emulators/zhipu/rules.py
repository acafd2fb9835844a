"""The parameters that Zhipu accepts (sheet 4a, 4b).

Members that the sheet lists as "not in the spec" (n, seed, logprobs, penalties, logit_bias, parallel_tool_calls,
max_completion_tokens, stream_options, user, metadata, store, service_tier) are ignored, and so are unknown ones and the
vendor's sensitive_word_check, watermark_enabled, meta and extra.
"""

from collections.abc import Callable
from typing import Any

from emulators.core.checks import is_integer, is_number
from emulators.zhipu import tools
from emulators.zhipu.errors import fixed, illegal, out_of_range, too_precise
from emulators.zhipu.models import Model, is_disabled
from emulators.zhipu.tools import is_switch

MOST_DECIMALS = 2
LENGTHS = {"request_id": (6, 64), "user_id": (6, 128)}
"""The least and the most characters."""

Body = dict[str, Any]
Rule = Callable[[Body, Model], None]


def _switches(body: Body, model: Model) -> None:
    for name in ("stream", "do_sample", "tool_stream"):
        if not is_switch(body.get(name)):
            raise illegal(name)


def _sampling(body: Body, model: Model) -> None:
    # sheet 4a: temperature [0,1], top_p [0.01,1]; 4b: do_sample false disables both. That the ranges still apply is an
    # inference
    for name, low in (("temperature", 0), ("top_p", 0.01)):
        value = body.get(name)
        if value is None:
            continue
        if not is_number(value):
            raise illegal(name)
        if not low <= value <= 1:
            raise out_of_range(name, low, 1, early=model.is_early)
        # the vendor's spec: at most two decimals; reported as refused for models from GLM-4.5 on, so there only
        if not model.is_early and round(value, MOST_DECIMALS) != value:
            raise too_precise(name)


def _max_tokens(body: Body, model: Model) -> None:
    # sheet 4a: max_tokens: 1 to the model's cap; sheet 8: over the cap it is refused
    most = body.get("max_tokens")
    if most is None:
        return
    if not is_integer(most):
        raise illegal("max_tokens")
    if not 1 <= most <= model.most_out:
        raise out_of_range("max_tokens", 1, model.most_out, early=model.is_early)


def _stop(body: Body, model: Model) -> None:
    # sheet 4a: stop: a list, one word. Whether several are refused is uncertain (sheet 8): reports of 2024 have the error
    stop = body.get("stop")
    if stop is None:
        return
    if not isinstance(stop, list) or not all(isinstance(one, str) for one in stop):
        raise illegal("stop")
    if len(stop) > 1:
        raise fixed("stops")


def _choice(body: Body, model: Model) -> None:
    # sheet 4a: tool_choice: only auto
    choice = body.get("tool_choice")
    if choice is not None and (choice != "auto" or model.tools == "none"):
        raise fixed("tool_choice")


def _format(body: Body, model: Model) -> None:
    response_format = body.get("response_format")
    if response_format is None:
        return
    kind = response_format.get("type") if isinstance(response_format, dict) else None
    # sheet 4a: response_format: text, json_object, text models only; json_schema is answered with 200 and ignored
    if kind not in ("text", "json_object", "json_schema"):
        raise illegal("response_format")
    if kind != "text" and not model.json:
        raise fixed("call")


def _effort(body: Body, model: Model) -> None:
    # sheet 4a: reasoning_effort: on glm-5.2 and later, ignored unless thinking is enabled
    effort = body.get("reasoning_effort")
    if effort is None or not model.efforts or is_disabled(body):
        return
    if effort not in model.efforts:
        raise fixed("always_thinks") if model.thinking == "always" else illegal("reasoning_effort")


def _ids(body: Body, model: Model) -> None:
    # sheet 4a: user -> user_id 6..128; 4b: request_id 6..64
    for name in LENGTHS:
        check_id(body, name)


def check_id(body: Body, name: str) -> None:
    """Raise Refusal if an id of `LENGTHS` is not a text of its length."""
    value = body.get(name)
    least, most = LENGTHS[name]
    if value is not None and not (isinstance(value, str) and least <= len(value) <= most):
        raise illegal(name)


def check_thinking(body: Body, model: Model, *, plan: bool) -> None:
    """Raise Refusal for an invalid `thinking`. `plan`: whether the request is for the coding plan."""
    setting = body.get("thinking")
    # sheet 4b: thinking: 4.5 and later; older models are taken to ignore it
    if setting is None or model.is_early:
        return
    if not isinstance(setting, dict) or setting.get("type") not in (None, "enabled", "disabled"):
        raise illegal("thinking")
    if not is_switch(setting.get("clear_thinking")):
        raise illegal("thinking.clear_thinking")
    # sheet 4b: glm-5.3 and glm-5.3-flash cannot be disabled; the coding plan takes it, and they still think
    if is_disabled(body) and model.thinking == "always" and not plan:
        raise fixed("always_thinks")


def _tools(body: Body, model: Model) -> None:
    tools.check(body.get("tools"), model)


RULES: tuple[Rule, ...] = (_switches, _sampling, _max_tokens, _stop, _tools, _choice, _format, _effort, _ids)


def check(body: Body, model: Model, *, plan: bool) -> None:
    """Raise Refusal for the first parameter that Zhipu refuses."""
    check_thinking(body, model, plan=plan)
    for rule in RULES:
        rule(body, model)
