"""Make attempts until one succeeds or the retry policy gives up."""

from collections.abc import Awaitable, Callable

from tenacity import AsyncRetrying, retry_if_result, stop_never

from adapters.core.failures import Failure
from adapters.core.request import ApiRequest
from proxy._types import Route
from proxy.app_state import AppState, ConfigSnapshot
from proxy.attempts.failover import Failover
from proxy.attempts.hedge import Hedge
from proxy.errors import UpstreamFailed
from proxy.observability.request_record import RequestRecord
from proxy.openai_api.writer import Writer


async def send_with_retries(
    request: ApiRequest, route: Route, out: Writer, state: AppState, snapshot: ConfigSnapshot, record: RequestRecord
) -> None:
    """Serve the request from the route's targets, best first.

    Raises NotSupported if no target supports it, Overloaded if the target's vendor has too many requests in progress,
    UpstreamFailed if every attempt failed. The response may have begun by then.
    """
    failover = Failover(request, route, state, snapshot, record, out)
    attempt = Hedge(failover).attempt if failover.hedge_s else failover.attempt
    failure = await attempt()
    if failure is not None:  # not before: entering tenacity costs as much as the rest of an attempt
        failure = await _retry(failover, attempt, failure)
    if failure is not None:
        spent = record.attempts + record.earlier_requests >= route.policy.attempts
        calls = record.attempts + record.refused_calls
        raise UpstreamFailed(failure, attempts=calls, spent=spent, in_stream=out.head_sent)


async def _retry(
    failover: Failover, attempt: Callable[[], Awaitable[Failure | None]], failure: Failure
) -> Failure | None:
    """Continue after the first failure: the policy decides, tenacity waits. Return the last failure, or None."""
    first = [failure]

    async def next_attempt() -> Failure | None:
        return first.pop() if first else await attempt()

    retrying = AsyncRetrying(
        retry=retry_if_result(failover.should_continue), wait=failover.wait, stop=stop_never, sleep=failover.state.sleep
    )
    try:
        return await retrying(next_attempt)
    finally:
        retrying.iter_state.reset()  # breaks a reference cycle that would wait for the garbage collector
