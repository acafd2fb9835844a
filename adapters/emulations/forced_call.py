"""A forced tool call of models that can't be forced: checks that the answer has the call.

The instruction is in the prompt (``adapters/rules/tool_choice.py``). An answer that the vendor cut off, and a refusal, pass
unchecked, as at OpenAI.
"""

from typing import Any

from adapters.core.event import Event
from adapters.core.message import Message
from adapters.core.request import ApiRequest
from adapters.core.vendor import Plan
from adapters.emulations.checked_response import NO_CALL, ResponseChecker, with_complaint
from adapters.rules.tool_choice import EMULATION, RequestedCall


def forced_call(plan: Plan) -> ResponseChecker | None:
    """Return the check of the calls if the plan emulates a forced ``tool_choice``."""
    requested = plan.emulations.get(EMULATION)
    return None if requested is None else RequiredCall(requested, plan.target.repair_limit(EMULATION))


class RequiredCall:
    """Checks that each choice has the requested call. ``most_tokens``: the largest prompt of a repair; 0 for none."""

    def __init__(self, requested: RequestedCall, most_tokens: int) -> None:
        self._requested = requested
        self._most_tokens = most_tokens

    def check(self, event: Event) -> Message | None:
        """Return what is wrong with the calls. Calls of other functions than the named one are removed."""
        name = self._requested.name
        for choice in event.data["choices"]:
            if choice["finish_reason"] in ("length", "content_filter") or choice["message"].get("refusal"):
                continue
            calls = choice["message"].get("tool_calls") or []
            wanted = [call for call in calls if name in (None, name_of(call))]
            if not wanted:
                return missing_call(name)
            if len(wanted) < len(calls):
                event.edit()
                choice["message"]["tool_calls"] = wanted
        return None

    def repair(self, request: ApiRequest, event: Event, problem: Message) -> ApiRequest | None:
        """Return the request with the answer and the demand for the call."""
        return with_complaint(request, event, self._requested.instruction, self._most_tokens)


def missing_call(name: str | None) -> Message:
    """Return the problem of an answer without a call of this function; of any function for None."""
    if name is None:
        return NO_CALL
    return Message("it has no call of the function {name}, which was required", name=name)


def name_of(call: dict[str, Any]) -> Any:
    """Return the name of the called function; None for a call of another type."""
    return (call.get("function") or {}).get("name")
