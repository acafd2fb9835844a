"""Temporary tokens that a vendor issues for a key pair: fetched when first needed, kept, and replaced before they end."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from tenacity import AsyncRetrying, RetryCallState, retry_if_result, stop_after_attempt

from adapters.core.auth import ExpiringToken, KeyPair, TokenExchange, TokenIssuer, TokenScope
from adapters.core.failures import Failure
from adapters.core.message import Message
from adapters.core.wire import Call, Data, Head, Lost
from proxy.upstream.client import Upstream

TRIES = 3
"""Calls to the control plane for one token."""
CALL_S = 10.0
"""The time limit of one of them (seconds)."""
MAX_BODY = 64 * 1024
"""The largest response of a control plane (bytes)."""
MOST_TOKENS = 256
"""The most tokens that are kept for a key pair: clients may request models by any id."""
PAUSE_S = 60.0
"""How long after a failed replacement of a token that still holds the next one begins (seconds)."""


class TokenSource(NamedTuple):
    """Where the tokens of an account come from. ``vendor``: its title; ``connect_s``: the limit for connecting."""

    exchange: TokenExchange
    issuer: TokenIssuer
    project: str
    vendor: str
    connect_s: float


class TemporaryTokens:
    """The tokens of one key pair, by resource. At most one fetch per resource runs at a time."""

    def __init__(
        self,
        pair: KeyPair,
        source: TokenSource,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """``now``: the time (epoch seconds)."""
        self._pair = pair
        self._source = source
        self._now = now
        self._sleep = sleep
        self._tokens: dict[str, ExpiringToken] = {}
        self._fetches: dict[str, asyncio.Task[ExpiringToken | Failure]] = {}
        self._not_before: dict[str, float] = {}  # when a failed replacement may be tried again, by resource

    async def get(self, resource: str, upstream: Upstream) -> ExpiringToken | Failure:
        """Return the token for a resource, or the failure of its fetch.

        A token that ends soon is returned, and replaced in the background. While none holds, callers wait for the fetch;
        a caller that is cancelled does not stop it.
        """
        exchange, now = self._source.exchange, self._now()
        held = self._tokens.get(resource)
        left_s = held.expires_at - now if held is not None else 0.0
        if held is not None and left_s > exchange.refresh_s:
            return held
        if held is not None and left_s > 0 and now < self._not_before.get(resource, 0.0):
            return held
        fetch = self._fetches.get(resource) or self._begin(resource, upstream)
        if held is not None and left_s > exchange.required_s:
            return held
        fetched = await asyncio.shield(fetch)
        if isinstance(fetched, Failure) and held is not None and held.expires_at > self._now():
            return held
        return fetched

    def forget(self, resource: str, token: ExpiringToken) -> None:
        """Drop a token that the vendor refuses."""
        if self._tokens.get(resource) is token:
            del self._tokens[resource]

    def _begin(self, resource: str, upstream: Upstream) -> asyncio.Task[ExpiringToken | Failure]:
        """Start the fetch of a token."""
        task = asyncio.create_task(self._fetch(resource, upstream))
        self._fetches[resource] = task
        task.add_done_callback(lambda done: self._ended(resource, done))
        return task

    def _ended(self, resource: str, task: asyncio.Task[ExpiringToken | Failure]) -> None:
        del self._fetches[resource]
        # Reading the exception marks it as seen: no caller awaits a fetch in the background.
        fetched = None if task.cancelled() or task.exception() is not None else task.result()
        if isinstance(fetched, ExpiringToken):
            self._keep(resource, fetched)
        elif resource in self._tokens:
            self._not_before[resource] = self._now() + PAUSE_S

    def _keep(self, resource: str, token: ExpiringToken) -> None:
        self._not_before.pop(resource, None)
        if resource not in self._tokens and len(self._tokens) >= MOST_TOKENS:
            first = min(self._tokens, key=lambda other: self._tokens[other].expires_at)
            del self._tokens[first]
            self._not_before.pop(first, None)
        self._tokens[resource] = token
        if token.expires_at - self._now() <= self._source.exchange.refresh_s:  # issued for a short time
            self._not_before[resource] = self._now() + PAUSE_S

    async def _fetch(self, resource: str, upstream: Upstream) -> ExpiringToken | Failure:
        """Request a token; repeat calls that failed for a reason that may pass."""
        retrying = AsyncRetrying(
            retry=retry_if_result(_may_pass),
            stop=stop_after_attempt(TRIES),
            wait=_wait,
            sleep=self._sleep,
            retry_error_callback=_last_result,
        )
        try:
            fetched: ExpiringToken | Failure = await retrying(self._try, resource, upstream)
        finally:
            retrying.iter_state.reset()  # breaks a reference cycle that would wait for the garbage collector
        return fetched

    async def _try(self, resource: str, upstream: Upstream) -> ExpiringToken | Failure:
        """Make one call to the control plane."""
        source = self._source
        now = self._now()
        call = source.exchange.request(self._pair, source.issuer, TokenScope(resource, source.project), now)
        answered = await exchanged(upstream, call, source)
        if isinstance(answered, Failure):
            return answered
        return source.exchange.read(*answered, now)


async def exchanged(upstream: Upstream, call: Call, source: TokenSource) -> tuple[int, bytes] | Failure:
    """Make a call, and return the status and the body of its response, or a failure. Raises Overloaded."""
    running = upstream.call(1, call, source.connect_s)
    status, body = 0, bytearray()
    try:
        async with asyncio.timeout(CALL_S):
            while True:
                for got in await running.next():
                    if type(got) is Head:
                        status = got.status
                    elif type(got) is Data:
                        body += got.data
                        if len(body) > MAX_BODY:
                            return unavailable(source, Message("the response is too large"))
                    elif type(got) is Lost:
                        return unavailable(source, got.why)._replace(phase=got.phase)
                    else:
                        return status, bytes(body)
    except TimeoutError:
        return unavailable(source, Message("no response within {seconds} s", seconds=f"{CALL_S:g}"))
    finally:
        if not running.closed:
            await running.aclose()


def unavailable(source: TokenSource, why: Message) -> Failure:
    """Return the failure of a call that got no response from the control plane."""
    return Failure.of(
        "overloaded",
        Message(
            "{vendor} issued no temporary key: its control plane did not respond ({why}).",
            vendor=source.vendor,
            why=why,
        ),
        cause="timeout",
    )


def _may_pass(fetched: ExpiringToken | Failure) -> bool:
    return isinstance(fetched, Failure) and fetched.fault == "vendor" and fetched.phase != "tls"


def _wait(state: RetryCallState) -> float:
    """Return the wait before the next call (seconds): at random, up to half a second more after each."""
    return random.uniform(0, 0.5 * state.attempt_number)  # noqa: S311 - jitter, not a secret


def _last_result(state: RetryCallState) -> ExpiringToken | Failure:
    """Return what the last call returned, for tenacity."""
    assert state.outcome is not None
    result: ExpiringToken | Failure = state.outcome.result()
    return result
