"""Run one attempt: perform an Exchange's actions, feed it the results, close every upstream call at the end."""

import asyncio
import contextlib
from collections.abc import Callable
from time import perf_counter

import orjson

from adapters.core.adaptations import Adaptation
from adapters.core.event import CHUNK
from adapters.core.exchange import Close, Do, Done, Emit, Exchange, Fail, Note, Say, Send, Sleep, Spent
from adapters.core.failures import Failure
from adapters.core.message import Message
from adapters.core.tokens import estimate_prompt
from adapters.core.usage import Usage
from adapters.core.wire import Call, Data, End, Got, Head, Id, Lost, Woke
from proxy._types import Attempt
from proxy.attempts.deadline import AttemptDeadline
from proxy.credentials.pool import Times
from proxy.errors import OutOfMemory
from proxy.observability.memory_budget import RESPONSE_FACTOR, VALUE_BYTES, MemoryBudget, count_values
from proxy.observability.request_record import OutputCounter, RequestRecord
from proxy.openai_api.writer import Writer
from proxy.upstream.client import Upstream, UpstreamCall
from proxy.upstream.errors import TIMEOUT_KEYS, describe_timeout

MAX_HEADER_VALUE = 1024
"""The longest vendor header value that is forwarded (bytes). Longer or not printable ASCII values are dropped."""

FOUND_IN_RESPONSE = Message("found in the response")
UNCOUNTED_RESPONSE_BYTES = 64 * 1024
"""Responses, and events of a stream, larger than this are counted in the memory budget (bytes)."""

Sign = Callable[[Call], Call]


class AttemptRunner:
    """Runs one attempt. Use once: ``await AttemptRunner(...).run(exchange)``."""

    __slots__ = (
        "_attempt",
        "_budget",
        "_calls",
        "_deadline",
        "_held",
        "_output",
        "_pumps",
        "_queue",
        "_record",
        "_sign",
        "_sleeps",
        "_times",
        "_unreported",
        "_upstream",
        "_values",
        "_writer",
    )  # fmt: skip

    def __init__(
        self,
        attempt: Attempt,
        out: Writer,
        upstream: Upstream,
        sign: Sign,
        times: Times,
        record: RequestRecord,
        budget: MemoryBudget,
    ) -> None:
        self._attempt = attempt
        self._writer = out
        self._upstream = upstream
        self._sign = sign
        self._times = times
        self._record = record
        self._budget = budget
        self._calls: dict[Id, UpstreamCall] = {}
        self._sleeps: dict[Id, float] = {}
        self._pumps: dict[Id, asyncio.Task[None]] = {}
        self._queue: asyncio.Queue[Got | BaseException] | None = None
        self._unreported: dict[Id, bytes] = {}  # request bodies of calls with status 200 and no usage yet
        self._output = OutputCounter()
        self._held = 0  # bytes of the memory budget
        self._values = 0  # JSON values in the response or event that they are held for
        self._deadline = AttemptDeadline(times)

    async def run(self, exchange: Exchange) -> Failure | None:
        """Run the exchange to its end; return None for a complete response, else the failure.

        No upstream call is left open, whatever happens.
        """
        size = 0  # bytes of the current response or event received so far
        try:
            actions = exchange.start()
            while True:
                for do in actions:
                    if type(do) is Emit:
                        events = do.events
                        if events[0].kind is CHUNK:
                            self._output.add(events)
                        await self._writer.events(events, self._attempt)
                        if self._writer.content_sent:
                            self._deadline.content()
                    elif type(do) is Done:
                        if do.vendor_id is not None:
                            self._record.notes["vendor_id"] = self._attempt.secrets.redacted_text(do.vendor_id)
                        await self._finish()
                        return None
                    elif type(do) is Fail:
                        return do.failure
                    elif type(do) is Close:
                        await self._close(do.id)
                    else:
                        self._perform(do)
                got = self._ready() or await self._next()
                if not self._writer.content_sent and type(got) is not Head:
                    self._record.first_byte_at = perf_counter()
                actions = exchange.feed(got)
                if not actions:
                    if type(got) is Data:
                        size += len(got.data)
                        if size > UNCOUNTED_RESPONSE_BYTES:
                            self._hold(size, got.data)
                elif size:
                    if size > UNCOUNTED_RESPONSE_BYTES:
                        self._values = 0
                        await asyncio.sleep(0)  # let other tasks run: parsing it took long
                    size = 0
        finally:
            self._deadline.stop()
            if self._unreported:
                self._add_estimates()
            if self._held:
                self._budget.release(self._held)
            if self._calls or self._pumps:
                await self._close_all()

    def _hold(self, size: int, data: bytes) -> None:
        """Hold memory for the attempt's largest response or event until the attempt ends.

        ``size``: its bytes so far, including ``data``, the latest. Raises OutOfMemory.
        """
        self._values += count_values(data)
        more = size * RESPONSE_FACTOR + self._values * VALUE_BYTES - self._held
        if more <= 0:
            return
        try:
            self._budget.reserve(more)
        except MemoryError:
            full = OutOfMemory()
            full.should_retry = False  # the vendor bills the call anyway
            raise full from None
        self._held += more

    def _perform(self, do: Do) -> None:
        """Perform an action that needs no waiting."""
        if type(do) is Send:
            self._calls[do.id] = self._upstream.call(do.id, self._sign(do.call), self._times.connect_s, self)
            if self._record.sent_at is None:
                self._record.sent_at = perf_counter()
            self._deadline.start(streams=do.call.streams)
        elif type(do) is Spent:
            self._unreported.pop(do.id, None)
            self._record.add_usage(do.usage)
        elif type(do) is Say:
            value = do.value
            if len(value) <= MAX_HEADER_VALUE and value.isascii() and value.isprintable():
                self._attempt.vendor_headers[do.name] = self._attempt.secrets.redacted_text(value)
        elif type(do) is Note:
            self._attempt.adaptations = {**self._attempt.adaptations, do.field: Adaptation(do.word, FOUND_IN_RESPONSE)}
        elif type(do) is Sleep:
            self._sleeps[do.id] = do.s
        else:
            raise AssertionError(do)

    @property
    def replays(self) -> int:
        """How many calls may still be replayed; see :class:`proxy.upstream.http_client.pool.ReplayBudget`."""
        return self._record.replays

    def replay(self) -> bool:
        """Whether a call may be replayed. If so, the attempt takes the next number."""
        if not self._record.replay():
            return False
        self._attempt.number += 1
        return True

    # --- waiting ------------------------------------------------------------------------------------------------

    def _ready(self) -> Got | None:
        """Return what the only open call has already received, without waiting; None if there is nothing."""
        if len(self._calls) != 1 or self._queue is not None:
            return None
        [call] = self._calls.values()
        got = call.ready()
        if type(got) is End:
            self._calls.clear()
        return got

    async def _next(self) -> Got:
        """Wait for the next result of any open call or sleep; an expired deadline becomes Lost on the oldest call."""
        deadline = self._deadline
        while True:
            deadline.wait()
            try:
                if self._queue is None and len(self._calls) == 1 and not self._sleeps:
                    # The usual case: awaited in place, so that a slow client slows the vendor down (backpressure).
                    [call] = self._calls.values()
                    got = await call.next()
                else:
                    got = await self._pumped()
            except asyncio.CancelledError:
                lost = self._expired()
                if lost is None:
                    raise
                got = lost
            deadline.received(got)
            if got.id not in self._calls and got.id not in self._sleeps:
                continue  # closed meanwhile: discard its result
            if type(got) is Head:
                if got.status == 200:
                    self._unreported[got.id] = self._calls[got.id].call.body
            elif type(got) is not Data:
                await self._ended(got.id)
            return got

    def _expired(self) -> Lost | None:
        """Return Lost if the attempt's own deadline cancelled the wait; None for any other cancellation."""
        phase = self._deadline.expired()
        task = asyncio.current_task()
        if phase is None or task is None or task.uncancel() > 0:
            return None
        return Lost(
            min(self._calls, default=0), phase, describe_timeout(phase, getattr(self._times, TIMEOUT_KEYS[phase]))
        )

    async def _pumped(self) -> Got:
        """Wait on several calls and sleeps: a task for each, all into one queue of size 1, until the attempt ends."""
        if self._queue is None:
            self._queue = asyncio.Queue(1)
        for id_, call in self._calls.items():
            if id_ not in self._pumps:
                self._pumps[id_] = asyncio.create_task(_pump(call, self._queue))
        for id_, s in self._sleeps.items():
            if id_ not in self._pumps:
                self._pumps[id_] = asyncio.create_task(_sleep(id_, s, self._queue))
        if not self._pumps:
            raise RuntimeError("an Exchange waits with no open call or sleep")
        got = await self._queue.get()
        if isinstance(got, BaseException):
            raise got
        return got

    # --- ending -------------------------------------------------------------------------------------------------

    async def _finish(self) -> None:
        """End the response. The connections read whatever follows the end marker in the background."""
        if self._unreported:
            self._add_estimates()
        await self._writer.done()
        self._record.ended_at = perf_counter()
        if self._queue is None:
            for call in self._calls.values():
                call.read_on()
            self._calls.clear()

    def _add_estimates(self) -> None:
        """Estimate the cost of calls without reported usage; the vendor bills them even if they were broken off."""
        for body in self._unreported.values():
            prompt = estimate_prompt(orjson.loads(body))
            self._record.add_usage(Usage(prompt, self._output.take(), source="estimated"))
        self._unreported.clear()

    async def _ended(self, id_: Id) -> None:
        """Forget a call or a sleep that has ended by itself."""
        call = self._calls.pop(id_, None)
        if call is None:
            self._sleeps.pop(id_, None)
        elif not call.closed:
            await call.aclose()
        self._pumps.pop(id_, None)

    async def _close(self, id_: Id) -> None:
        self._sleeps.pop(id_, None)
        pump = self._pumps.pop(id_, None)
        if pump is not None and not pump.done():
            pump.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.shield(asyncio.wait([pump]))
        call = self._calls.pop(id_, None)
        if call is not None:
            await call.aclose()

    async def _close_all(self) -> None:
        # Shielded: clients often disconnect at the last byte, and the cancellation must not leave calls open.
        await asyncio.shield(asyncio.gather(*map(self._close, [*self._calls, *self._sleeps])))


async def _pump(call: UpstreamCall, queue: "asyncio.Queue[Got | BaseException]") -> None:
    try:
        while True:
            got = await call.next()
            await queue.put(got)
            if isinstance(got, (End, Lost)):
                return
    except Exception as error:  # noqa: BLE001 - without it the request would wait forever
        await queue.put(error)


async def _sleep(id_: Id, s: float, queue: "asyncio.Queue[Got | BaseException]") -> None:
    await asyncio.sleep(s)
    await queue.put(Woke(id_))
