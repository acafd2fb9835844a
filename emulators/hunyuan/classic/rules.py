"""The parameters that the classic edition accepts (sheet 4.3). Error texts that the sheet does not quote are invented.

Members that the sheet calls ignored (penalties, logit_bias, logprobs, user), leaves to the client to convert
(max_completion_tokens, functions and the like) or does not name are ignored.
"""

from collections.abc import Callable

from emulators.core.checks import is_integer, is_number
from emulators.hunyuan.classic.errors import invalid
from emulators.hunyuan.classic.models import Model
from emulators.hunyuan.edition import Body
from emulators.hunyuan.tools import check_tool

Rule = Callable[[Body, Model], None]
LARGEST_SEED = 10_000


def _sampling(body: Body, model: Model) -> None:
    # sheet 4.3: temperature [0, 2], top_p [0, 1]
    for name, high in (("temperature", 2), ("top_p", 1)):
        value = body.get(name)
        if value is not None and (not is_number(value) or not 0 <= value <= high):
            raise invalid(f"{name} must be in [0, {high}]")
    # sheet 4.3: seed 1..10000
    seed = body.get("seed")
    if seed is not None and (not is_integer(seed) or not 1 <= seed <= LARGEST_SEED):
        raise invalid(f"seed must be in [1, {LARGEST_SEED}]")


def _n(body: Body, model: Model) -> None:
    # sheet 4.3: n: not supported
    n = body.get("n")
    if n is not None and (not is_integer(n) or n != 1):
        raise invalid("n is not supported")


def _stop(body: Body, model: Model) -> None:
    # sheet 4.3: stop as native: a list (4.2), of no limited length. OpenAI's single string is not documented as accepted
    stop = body.get("stop")
    if stop is not None and (not isinstance(stop, list) or not all(isinstance(one, str) for one in stop)):
        raise invalid("stop must be a list of strings")


def _limit(body: Body, model: Model) -> None:
    # sheet 4.3: max_tokens: accepted (L); its range is not stated
    most = body.get("max_tokens")
    if most is not None and (not is_integer(most) or most < 1):
        raise invalid("max_tokens must be a positive integer")


def _thinking(body: Body, model: Model) -> None:
    # sheet 4.3: enable_thinking (a13b); other models have no such switch and ignore it
    if model.thinking == "on" and body.get("enable_thinking") not in (None, True, False):
        raise invalid("enable_thinking must be a boolean")


def _tools(body: Body, model: Model) -> None:
    tools = body.get("tools")
    if not tools:
        return
    # sheet 3.1: tools "no": that they are refused there is not written
    if not model.tools or not isinstance(tools, list):
        raise invalid("tools are not supported by this model")
    for index, tool in enumerate(tools):
        check_tool(tool, f"tools[{index}]", invalid)


def _choice(body: Body, model: Model) -> None:
    # sheet 4.3: tool_choice none, auto, custom-like; neither required nor named
    choice = body.get("tool_choice")
    if choice in (None, "auto", "none"):
        return
    if choice != "custom":
        raise invalid("tool_choice must be none, auto or custom")
    # sheet 4.2: CustomTool is the full tool object; 4.3: in snake_case
    check_tool(body.get("custom_tool"), "custom_tool", invalid)
    names = [tool["function"]["name"] for tool in body.get("tools") or []]
    if body["custom_tool"]["function"]["name"] not in names:
        raise invalid("custom_tool is not among the tools")


def _format(body: Body, model: Model) -> None:
    # sheet 4.3: response_format: not documented
    response_format = body.get("response_format")
    if response_format is not None and response_format != {"type": "text"}:
        raise invalid("response_format is not supported")


RULES: tuple[Rule, ...] = (_sampling, _n, _stop, _limit, _thinking, _tools, _choice, _format)


def check(body: Body, model: Model) -> None:
    """Raise Refusal for the first parameter that the classic edition rejects."""
    for rule in RULES:
        rule(body, model)
