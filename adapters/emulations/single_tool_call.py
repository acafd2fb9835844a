"""``parallel_tool_calls: false`` for vendors without that parameter: banjia returns the first tool call of each choice.

The vendor bills the other calls, and the client never sees them: the next request then has one call and one result. The
wrapper is outside the checks of whole responses, which remove calls of other functions than a forced one.
"""

from typing import Any

from adapters.core.event import WHOLE, Event
from adapters.core.exchange import Do, Emit, Exchange, Make
from adapters.core.request import ApiRequest, AttemptIds
from adapters.core.vendor import Plan
from adapters.core.wrapper import Wrapper
from adapters.rules.tools import SINGLE_CALL


def single_tool_call(make: Make, plan: Plan) -> Make:
    """Wrap ``make`` if the plan emulates ``parallel_tool_calls: false``."""
    if SINGLE_CALL not in plan.emulations:
        return make
    return lambda request, attempt_ids: SingleToolCall(make, request, attempt_ids)


class SingleToolCall(Wrapper):
    """Drops all tool calls of a choice but the first, and the chunks that then have nothing for the client."""

    def __init__(self, make: Make, request: ApiRequest, attempt_ids: AttemptIds) -> None:
        super().__init__()
        self._child = make(request, attempt_ids)

    def start(self) -> list[Do]:
        """Start the call."""
        return self.begin(self._child)

    def on_emit(self, child: Exchange, events: list[Event]) -> list[Do]:
        """Pass on the events without further calls."""
        kept = [event for event in events if _keep_first_call(event)]
        return [Emit(kept)] if kept else []


def _keep_first_call(event: Event) -> bool:
    """Remove further calls from the event; False if nothing is left of it."""
    choices = event.data["choices"]
    kept = [choice for choice in choices if _has_more_than_further_calls(event, choice)]
    if len(kept) < len(choices):
        event.edit()["choices"] = kept
    return bool(kept)


def _has_more_than_further_calls(event: Event, choice: dict[str, Any]) -> bool:
    message = choice["message" if event.kind is WHOLE else "delta"]
    calls = message.get("tool_calls")
    if not calls:
        return True
    # The codec numbers the calls of a stream from 0; those of a whole message have no index.
    first = calls[:1] if event.kind is WHOLE else [call for call in calls if call["index"] == 0]
    if len(first) == len(calls):
        return True
    event.edit()
    if first:
        message["tool_calls"] = first
        return True
    del message["tool_calls"]
    return choice.get("finish_reason") is not None or any(message.values())
