"""Emulations: each wrapper adds one feature that a vendor lacks, around any codec."""

from adapters.core.exchange import Make
from adapters.core.vendor import Plan
from adapters.emulations.batch_embeddings import batch_embeddings
from adapters.emulations.cut_dimensions import cut_dimensions
from adapters.emulations.fan_out import fan_out
from adapters.emulations.keep_reasoning import keep_reasoning
from adapters.emulations.single_tool_call import single_tool_call
from adapters.emulations.stop import stop
from adapters.emulations.structured_output import structured_output

WRAPS = (single_tool_call, stop, structured_output, cut_dimensions, batch_embeddings, fan_out, keep_reasoning)
"""The wrappers, innermost first."""


def wrapped(plan: Plan) -> Make:
    """Return the codec of the plan's operation, inside all wrappers that the plan needs."""
    make = plan.op.codec(plan)
    if not plan.emulations and not plan.further_requests and plan.request.operation != "embeddings":
        return make  # nearly every request: only these make a wrapper necessary
    for wrap in WRAPS:
        make = wrap(make, plan)
    return make
