"""Emulations: each wrapper adds one feature that a vendor lacks, around any codec."""

from adapters.core.exchange import Exchange, Make
from adapters.core.request import ApiRequest, AttemptIds
from adapters.core.vendor import Plan
from adapters.emulations.batch_embeddings import batch_embeddings
from adapters.emulations.checked_response import AllChecks, CheckedResponse
from adapters.emulations.cut_dimensions import cut_dimensions
from adapters.emulations.fan_out import fan_out
from adapters.emulations.forced_call import forced_call
from adapters.emulations.keep_reasoning import keep_reasoning
from adapters.emulations.prompted_tools import prompted_tools
from adapters.emulations.single_tool_call import single_tool_call
from adapters.emulations.stop import stop
from adapters.emulations.structured_output import structured_output
from adapters.emulations.think_tags import think_tags


def checked(make: Make, plan: Plan) -> Make:
    """Wrap ``make`` if the plan has an emulation that checks whole responses: one wrapper for all, so one repair."""
    if CHECKED.isdisjoint(plan.emulations):
        return make

    def checked_response(request: ApiRequest, attempt_ids: AttemptIds) -> Exchange:
        checks = (prompted_tools(plan, attempt_ids), forced_call(plan), structured_output(plan))
        checker = AllChecks([check for check in checks if check is not None])
        return CheckedResponse(make, request, attempt_ids, checker, plan.target.vendor.title)

    return checked_response


CHECKED = frozenset({"tools", "tool_choice", "response_format"})
"""The emulations that check whole responses."""
WRAPS = (think_tags, stop, checked, single_tool_call, cut_dimensions, batch_embeddings, fan_out, keep_reasoning)
"""The wrappers, innermost first."""


def wrapped(plan: Plan) -> Make:
    """Return the codec of the plan's operation, inside all wrappers that the plan needs."""
    make = plan.op.codec(plan)
    for wrap in WRAPS:
        make = wrap(make, plan)
    return make
