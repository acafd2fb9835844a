"""Hedging: call a second target if a non-streaming response takes long (``policy.hedge_s``, off by default).

The client receives the first complete response, and the other attempt is closed. Both count as attempts and both are
billed: a vendor that has received a request completes it even if the connection is closed.
"""

import asyncio
from time import perf_counter

from adapters.core.event import Event
from adapters.core.failures import Failure
from adapters.core.usage import Usage
from proxy._types import Attempt
from proxy.attempts.failover import Failover
from proxy.errors import ProxyError

HEDGED = "hedged"
"""The failure kind recorded for the attempt that lost."""


class BufferedWriter:
    """The writer of one branch: holds its response until the first complete one is known."""

    def __init__(self) -> None:
        self.head_sent = self.content_sent = False
        self.answer: tuple[list[Event], Attempt] | None = None

    async def events(self, events: list[Event], attempt: Attempt) -> None:
        self.answer = (events, attempt)
        self.content_sent = True

    def discard_held(self) -> None:
        self.answer = None

    async def write_comment(self) -> None:
        """Do nothing: a non-streaming response has no keep-alive comments."""

    async def done(self) -> None:
        """Do nothing: the runner's return value tells the outcome."""

    async def fail(self, error: ProxyError) -> None:
        """Do nothing: the runner's return value tells the outcome."""


class Hedge:
    """Makes the attempts of a Failover, with a second one beside each that takes longer than ``hedge_s``."""

    def __init__(self, failover: Failover) -> None:
        self._failover = failover
        self._branches: dict[asyncio.Task[Failure | None], Failover] = {}
        self._chosen: Failover | None = None  # the branch whose response or failure counts

    async def attempt(self) -> Failure | None:
        """Make one attempt, or two in parallel. Return None for a complete response, else the failure."""
        failover, self._branches = self._failover, {}
        try:
            first = self._start(failover.branch(BufferedWriter()))
            await asyncio.wait([first], timeout=failover.hedge_s)
            if not first.done():
                second = failover.branch_to_next_target(BufferedWriter())
                if second is not None:
                    self._start(second)
            return await self._first_response()
        finally:
            try:
                await self._close()
            finally:
                self._record_costs()

    def _start(self, branch: Failover) -> "asyncio.Task[Failure | None]":
        task = asyncio.create_task(branch.attempt())
        self._branches[task] = self._chosen = branch
        return task

    async def _first_response(self) -> Failure | None:
        """Send the first complete response. If there is none, return the last failure and continue from its branch."""
        failover, pending = self._failover, set(self._branches)
        while True:
            await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            ended = [task for task in self._branches if task in pending and task.done()]
            pending.difference_update(ended)
            for task in sorted(ended, key=lambda task: task.result() is not None):  # responses before failures
                failure, branch = task.result(), self._branches[task]
                self._chosen = branch
                if failure is None:
                    await self._send_response(branch)
                    return None
                if not pending or (failure.fault == "caller" and failure.kind not in failover.reroute):
                    failover.adopt(branch)
                    return failure
                branch.cool_down_key(failure)

    async def _send_response(self, branch: Failover) -> None:
        assert isinstance(branch.writer, BufferedWriter)
        assert branch.writer.answer is not None  # its runner returned None: the response is complete
        events, attempt = branch.writer.answer
        failover = self._failover
        attempt.number = failover.record.attempts - sum(
            (branch.record.sent_at is None) - branch.record.replayed for branch in self._branches.values()
        )
        for task in self._branches:
            task.cancel()
        await failover.writer.events(events, attempt)
        await failover.writer.done()
        failover.record.ended_at = perf_counter()

    async def _close(self) -> None:
        """Close both branches. Waits for their end even if cancelled: the cost of an attempt is known only then."""
        cancelled = False
        for task in self._branches:
            task.cancel()
        while not all(task.done() for task in self._branches):
            try:
                await asyncio.wait(self._branches)
            except asyncio.CancelledError:
                cancelled = True
        for task in self._branches:
            if not task.cancelled():
                task.exception()  # mark it as retrieved; ``attempt`` raises the one that counts
        if cancelled:
            raise asyncio.CancelledError

    def _record_costs(self) -> None:
        """Record the cost of both. One that was cut off reports no usage: estimate it as that of the other."""
        record, chosen = self._failover.record, self._chosen
        assert chosen is not None  # the first branch at least
        usage = chosen.record.usage
        for task, branch in self._branches.items():
            if (
                branch is not chosen
                and branch.record.sent_at is not None
                and len(branch.record.failed) == branch.record.replayed
            ):
                if task.cancelled() and usage is not None:
                    branch.record.usage = branch.record.billed = Usage(
                        usage.prompt, usage.completion, source="estimated"
                    )
                branch.record.attempt_failed(branch.label, HEDGED)
            record.merge(branch.record)
        record.adopt(chosen.record)
