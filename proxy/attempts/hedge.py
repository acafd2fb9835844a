"""Hedging: call a second target if a non-streaming response takes long (``policy.hedge_s``, off by default).

Two runners over one cursor: the client receives the first complete response, and the other attempt is closed. Both count
as attempts and both are billed: a vendor that has received a request completes it even if the connection is closed.
"""

import asyncio
from collections.abc import Callable
from time import perf_counter
from typing import NamedTuple

from adapters.core.event import Event
from adapters.core.failures import Failure
from adapters.core.usage import Usage
from proxy._types import Attempt
from proxy.attempts.context import RequestContext
from proxy.attempts.cursor import Cursor, Position
from proxy.attempts.runner import AttemptRunner
from proxy.credentials.pool import VendorKey
from proxy.errors import ProxyError
from proxy.observability.request_record import RequestRecord
from proxy.openai_api.writer import Writer

HEDGED = "hedged"
"""The failure kind recorded for the attempt that lost."""

MakeRunner = Callable[[RequestContext, Cursor[VendorKey], Writer, RequestRecord], AttemptRunner]
"""Makes the runner of an attempt at the cursor's position."""


class BufferedWriter:
    """The writer of one attempt: holds its response until the first complete one is known."""

    def __init__(self) -> None:
        self.head_sent = self.content_sent = False
        self.answer: tuple[list[Event], Attempt] | None = None

    async def events(self, events: list[Event], attempt: Attempt) -> None:
        self.answer = (events, attempt)
        self.content_sent = True

    def discard_held(self) -> None:
        """Do nothing: each attempt has a writer of its own."""

    async def write_comment(self) -> None:
        """Do nothing: a non-streaming response has no keep-alive comments."""

    async def done(self) -> None:
        """Do nothing: the runner's return value tells the outcome."""

    async def fail(self, error: ProxyError) -> None:
        """Do nothing: the runner's return value tells the outcome."""


class Branch(NamedTuple):
    """One of the attempts that run side by side: its position, and its own writer and record."""

    position: Position[VendorKey]
    runner: AttemptRunner
    writer: BufferedWriter
    record: RequestRecord


class Hedge:
    """Makes attempts at the cursor's position, with a second one beside each that takes longer than ``hedge_s``."""

    def __init__(
        self, context: RequestContext, cursor: Cursor[VendorKey], out: Writer, hedge_s: float, make_runner: MakeRunner
    ) -> None:
        self._context = context
        self._cursor = cursor
        self._writer = out
        self._hedge_s = hedge_s
        self._make_runner = make_runner
        self._branches: dict[asyncio.Task[Failure | None], Branch] = {}
        self._chosen: Branch | None = None  # the branch whose response or failure counts

    async def attempt(self) -> Failure | None:
        """Make one attempt, or two in parallel. Return None for a complete response, else the failure."""
        self._branches = {}
        try:
            first = self._start()
            await asyncio.wait([first], timeout=self._hedge_s)
            if not first.done() and self._advance():
                self._start()
            return await self._first_response()
        finally:
            try:
                await self._close()
            finally:
                self._record_costs()

    def _start(self) -> "asyncio.Task[Failure | None]":
        """Start an attempt at the cursor's position."""
        context, cursor = self._context, self._cursor
        writer, record = BufferedWriter(), context.record.branch(cursor.position.plan.target.label)
        runner = self._make_runner(context, cursor, writer, record)
        task = asyncio.create_task(runner.run())
        self._branches[task] = self._chosen = Branch(cursor.position, runner, writer, record)
        return task

    def _advance(self) -> bool:
        """Move the cursor on for a second attempt. False: no attempt is left, or the next target is not ready."""
        context, cursor, retries = self._context, self._cursor, self._context.state.retries
        if context.counts.total >= context.route.policy.attempts or not retries.left():
            return False
        upcoming = cursor.look_ahead(context.plan, context.is_ready)
        if upcoming is None or not context.is_ready(upcoming.target):
            return False
        retries.spend()
        cursor.advance(context.account(upcoming.target).candidates(model=upcoming.target.model.id))
        return True

    async def _first_response(self) -> Failure | None:
        """Send the first complete response. If there is none, return the last failure and continue from its position."""
        pending, reroute = set(self._branches), self._context.route.policy.reroute
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
                if not pending or (failure.fault == "caller" and failure.kind not in reroute):
                    self._cursor.position = branch.position
                    return failure
                self._context.cool_down(branch.position.keys[0], failure)

    async def _send_response(self, branch: Branch) -> None:
        assert branch.writer.answer is not None  # its runner returned None: the response is complete
        events, attempt = branch.writer.answer
        waiting = sum(not task.done() and not branch.runner.sent for task, branch in self._branches.items())
        attempt.number = self._context.counts.made - waiting
        for task in self._branches:
            task.cancel()
        await self._writer.events(events, attempt)
        await self._writer.done()
        self._context.record.ended_at = perf_counter()

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
        context, chosen = self._context, self._chosen
        assert chosen is not None  # the first branch at least
        usage = chosen.record.usage
        for task, branch in self._branches.items():
            if branch is not chosen and branch.record.sent_at is not None and not _failed(task):
                if task.cancelled() and usage is not None:
                    branch.record.usage = branch.record.billed = Usage(
                        usage.prompt, usage.completion, source="estimated"
                    )
                branch.record.attempt_failed(branch.position.plan.target.label, HEDGED)
            context.record.merge(branch.record)
        context.record.adopt(chosen.record)
        context.record.attempts = context.counts.made
        context.counts.waited_s += max(branch.runner.waited_s for branch in self._branches.values())


def _failed(task: "asyncio.Task[Failure | None]") -> bool:
    """Whether an attempt that has ended returned a failure, which it has recorded."""
    return not task.cancelled() and task.exception() is None and task.result() is not None
