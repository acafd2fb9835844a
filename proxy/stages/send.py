"""Attempts, until one answers or none is left."""

from collections.abc import Awaitable, Callable

from tenacity import AsyncRetrying, retry_if_result, stop_never

from adapters.core.failures import Failure
from adapters.core.request import ApiRequest
from proxy.errors import UpstreamFailed
from proxy.fronts.writer import Writer
from proxy.kit import Kit, Live
from proxy.nouns import Route
from proxy.stages.course import Course
from proxy.stages.hedge import Hedge
from proxy.tally import Tally


async def send(ask: ApiRequest, route: Route, out: Writer, kit: Kit, live: Live, tally: Tally) -> None:
    """Answer the ask from the route's targets, best first.

    Raises NotSupported if no target can serve it, Overloaded if too many wait for the only one that can, UpstreamFailed if
    none did; what has left by then stays out.
    """
    course = Course(ask, route, kit, live, tally, out)
    attempt = Hedge(course).attempt if course.hedge_s else course.attempt
    failure = await attempt()
    if failure is not None:  # only now: entering tenacity costs as much as the rest of an attempt
        failure = await _go_on(course, attempt, failure)
    if failure is not None:
        spent = tally.attempts + tally.earlier >= route.policy.attempts
        calls = tally.attempts + tally.refused_calls
        raise UpstreamFailed(failure, attempts=calls, spent=spent, in_stream=out.head_sent)


async def _go_on(course: Course, attempt: Callable[[], Awaitable[Failure | None]], failure: Failure) -> Failure | None:
    """After a first failure: the policy decides, tenacity waits. Returns the last failure, or None."""
    known = [failure]

    async def again() -> Failure | None:
        return known.pop() if known else await attempt()

    retrying = AsyncRetrying(
        retry=retry_if_result(course.goes_on), wait=course.wait, stop=stop_never, sleep=course.kit.sleep
    )
    try:
        return await retrying(again)
    finally:
        retrying.iter_state.reset()  # its actions refer back to it: all of this would wait for the garbage collector
