"""Attempts, until one answers or none is left: which target, which key, and what to do after a failure."""

import random
import time
from dataclasses import replace
from itertools import count

from tenacity import AsyncRetrying, RetryCallState, retry_if_result, stop_never

from adapters.core.failures import Failure, Refused
from adapters.core.shapes import Ask, Seed
from adapters.core.vendor import Plan, Target, plan
from adapters.core.wire import Call
from adapters.emulations import wrapped
from proxy.errors import BadRequest, NotSupported, UpstreamFailed
from proxy.fronts.writer import Writer
from proxy.kit import Kit, Live
from proxy.nouns import Attempt, Route
from proxy.policy import GiveUp, NextKey, NextTarget, Retry, Standing, decide
from proxy.services.keys import VendorKey
from proxy.stages.drive import Drive
from proxy.tally import Tally


async def send(ask: Ask, route: Route, out: Writer, kit: Kit, live: Live, tally: Tally) -> None:
    """Answer the ask from the route's targets, best first.

    Raises NotSupported if no target can serve it, UpstreamFailed if none did; what has left by then stays out.
    """
    course = Course(ask, route, kit, live, tally, out)
    failure = await course.attempt()
    if failure is not None:  # only now: entering tenacity costs as much as the rest of an attempt
        failure = await _go_on(course, failure)
    if failure is not None:
        raise UpstreamFailed(failure, attempts=tally.attempts, in_stream=out.head_sent)


async def _go_on(course: "Course", failure: Failure) -> Failure | None:
    """After a first failure: the policy decides, tenacity waits. Returns the last failure, or None."""
    known = [failure]

    async def attempt() -> Failure | None:
        return known.pop() if known else await course.attempt()

    retrying = AsyncRetrying(
        retry=retry_if_result(course.goes_on), wait=course.wait, stop=stop_never, sleep=course.kit.sleep
    )
    return await retrying(attempt)


class Course:
    """The way of one request through its route: the target and key in use, and those still to come."""

    def __init__(self, ask: Ask, route: Route, kit: Kit, live: Live, tally: Tally, out: Writer) -> None:
        self.kit = kit
        self._live = live
        self._ask = ask
        self._route = route
        self._tally = tally
        self._out = out
        self._answer_id = kit.fresh_id(12)
        self._created = int(time.time())
        self._wait_s = 0.0
        self._on_target = 0
        self._on_key = 0
        # A target whose keys all rest is tried after the others, never left out.
        self._refusal: Refused | None = None
        self._targets = list(route.targets)
        if len(self._targets) > 1:
            self._targets.sort(key=lambda target: live.accounts[target.entry].resting())
        first = self._plan_next()
        if first is None:
            raise self._not_supported()
        self._plan: Plan = first
        self._keys: list[VendorKey] = live.accounts[first.target.entry].in_turn()
        self._upcoming: Plan | None = None

    def _not_supported(self) -> BadRequest:
        """Every target refused: the caller is told what the first of them said."""
        refusal = self._refusal
        assert refusal is not None  # a route has a target, and each one plans or refuses
        kind = BadRequest if refusal.code is None else NotSupported
        return kind(refusal.message, param=refusal.param, code=refusal.code)

    def _plan_next(self) -> Plan | None:
        """The next target that can serve the ask; the others are passed over, and the first reason is kept."""
        while self._targets:
            target = self._targets.pop(0)
            try:
                return plan(self._ask, target)
            except Refused as refusal:
                self._refusal = self._refusal or refusal
        return None

    async def attempt(self) -> Failure | None:
        """One attempt with the target and key in use. None for a whole answer."""
        chosen, key = self._plan, self._keys[0]
        attempt = Attempt(chosen.target, self._tally.attempts + 1, chosen.told, {})
        self._tally.attempt(attempt)
        self._on_target += 1
        self._on_key += 1
        self._out.drop()
        seed = Seed(count(1), self._answer_id, self._created)
        account = self._live.accounts[chosen.target.entry]
        self._times = account.times(chosen.thinks, self._ask.stream)

        def sign(call: Call) -> Call:
            if account.headers:
                call = replace(call, headers=(*call.headers, *account.headers))
            return chosen.target.vendor.auth.sign(call, key.secret.get_secret_value(), time.time())

        drive = Drive(attempt, self._out, account.way, sign, self._times, self._tally)
        failure = await drive.run(wrapped(chosen)(chosen.ask, seed))
        if failure is not None:
            self._tally.failure(chosen.target.label, failure.kind)
            failure = self._in_our_words(failure, chosen.target, key)
        return failure

    def _in_our_words(self, failure: Failure, target: Target, key: VendorKey) -> Failure:
        message = self.kit.redact(failure.message)
        if failure.kind in ("key_refused", "forbidden"):
            region = self._live.settings.vendors[target.entry].region
            message = (
                f"{target.vendor.title} refused the key ending in {key.tail} (vendor '{target.entry}'). Check the key"
            )
            if target.vendor.base_urls:
                message += (
                    f", and that it belongs to this region ({region}): a key works at one of the vendor's hosts only"
                )
            message += "."
        return failure._replace(message=message)

    # --- after a failure ----------------------------------------------------------------------------------------

    def goes_on(self, failure: Failure | None) -> bool:
        """Decide, and move to the key or target that is next. False: the failure is handed to the caller."""
        if failure is None:
            return False
        if self._upcoming is None:
            self._upcoming = self._plan_next()
        if failure.fault == "credential" and failure.kind != "model_not_found" and self._may_rest():
            self._keys[0].rests_until = time.monotonic() + self.kit.key_rest_s
        standing = Standing(
            attempts=self._tally.attempts,
            on_target=self._on_target,
            on_key=self._on_key,
            content_sent=self._out.content_sent,
            more_keys=len(self._keys) > 1,
            more_targets=self._upcoming is not None,
            other_named=failure.kind in self._route.policy.reroute,
            budget_left=self.kit.retries.left(),
            left_s=self._times.total_s - self._tally.elapsed_s(),
            draw=random.random(),  # noqa: S311 - jitter, not a secret
        )
        self._wait_s = 0.0
        match decide(failure, standing, self._route.policy):
            case GiveUp():
                return False
            case Retry(wait_s):
                self._wait_s = wait_s
                self.kit.retries.spend()
            case NextKey():
                self._keys = self._keys[1:]
                self._on_key = 0
            case NextTarget():
                assert self._upcoming is not None
                self._plan, self._upcoming = self._upcoming, None
                self._keys = self._live.accounts[self._plan.target.entry].in_turn()
                self._on_target = self._on_key = 0
        return True

    def _may_rest(self) -> bool:
        """The last key of the last target is never rested: there would be nothing left to try."""
        return len(self._keys) > 1 or self._upcoming is not None

    def wait(self, state: RetryCallState) -> float:
        """How long to wait before the next attempt, in seconds: what was decided."""
        return self._wait_s
