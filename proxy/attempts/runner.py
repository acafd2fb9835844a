"""One attempt: does what an Exchange asks for, tells it what came of it, and leaves nothing open behind."""

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
from proxy.observability.memory_budget import A_VALUE, AN_ANSWER, MemoryBudget, most_values
from proxy.observability.request_record import OutputCounter, RequestRecord
from proxy.openai_api.writer import Writer
from proxy.upstream.client import Upstream, UpstreamCall
from proxy.upstream.errors import TIMEOUT_KEYS, describe_timeout

MAX_HEADER_VALUE = 1024
"""The longest value of a vendor's header that is passed on (bytes); a longer one, or one that is not printable ASCII, is left
out."""

FOUND_IN_RESPONSE = Message("seen in the answer")
FREE_ANSWER = 64 * 1024
"""The memory budget counts an answer, or an event of a stream, from this size on (bytes)."""

Sign = Callable[[Call], Call]


class AttemptRunner:
    """The driver of one attempt. Use once: ``await Drive(...).run(exchange)``."""

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
        "_unpaid",
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
        self._unpaid: dict[Id, bytes] = {}  # calls that had a 200 head and of which no cost is known: their bodies
        self._output = OutputCounter()
        self._held = 0  # bytes of the memory budget
        self._values = 0  # JSON values of the answer, or of the event, that they are for
        self._deadline = AttemptDeadline(times)

    async def run(self, exchange: Exchange) -> Failure | None:
        """Drive it to its end. Returns None for a whole answer, else the failure. Leaves no line open, ever."""
        size = 0  # bytes received since the last output: of an answer, or an event, that is not complete
        try:
            dos = exchange.start()
            while True:
                for do in dos:
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
                        self._take(do)
                got = self._ready() or await self._next()
                if not self._writer.content_sent and type(got) is not Head:
                    self._record.first_byte_at = perf_counter()
                dos = exchange.feed(got)
                if not dos:
                    if type(got) is Data:
                        size += len(got.data)
                        if size > FREE_ANSWER:
                            self._hold(size, got.data)
                elif size:
                    if size > FREE_ANSWER:
                        self._values = 0
                        await asyncio.sleep(0)  # run other tasks first: it took long to parse
                    size = 0
        finally:
            self._deadline.stop()
            if self._unpaid:
                self._pay_estimates()
            if self._held:
                self._budget.give(self._held)
            if self._calls or self._pumps:
                await self._close_all()

    def _hold(self, size: int, data: bytes) -> None:
        """Take from the memory budget, until the attempt ends, what its largest answer or event needs.

        ``size``: the bytes of it so far, of which ``data`` came last. Raises OutOfMemory.
        """
        self._values += most_values(data)
        more = size * AN_ANSWER + self._values * A_VALUE - self._held
        if more <= 0:
            return
        try:
            self._budget.take(more)
        except MemoryError:
            full = OutOfMemory()
            full.should_retry = False  # the vendor bills the call
            raise full from None
        self._held += more

    def _take(self, do: Do) -> None:
        """What is done without waiting."""
        if type(do) is Send:
            self._calls[do.id] = self._upstream.call(do.id, self._sign(do.call), self._times.connect_s, self)
            if self._record.sent_at is None:
                self._record.sent_at = perf_counter()
            self._deadline.start(streams=do.call.streams)
        elif type(do) is Spent:
            self._unpaid.pop(do.id, None)
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
        """How many calls may still be sent again, as :class:`proxy.upstream.http_client.pool.Spare` has it."""
        return self._record.replays

    def replay(self) -> bool:
        """Whether a call may be sent once more; the attempt then has the next number."""
        if not self._record.replay():
            return False
        self._attempt.number += 1
        return True

    # --- waiting ------------------------------------------------------------------------------------------------

    def _ready(self) -> Got | None:
        """What the one open line has brought already, so that nothing need be awaited; None if there is no such thing."""
        if len(self._calls) != 1 or self._queue is not None:
            return None
        [line] = self._calls.values()
        got = line.ready()
        if type(got) is End:
            self._calls.clear()
        return got

    async def _next(self) -> Got:
        """What arrives next on anything that is open; a timer that rings becomes Lost on the oldest open line."""
        watch = self._deadline
        while True:
            watch.wait()
            try:
                if self._queue is None and len(self._calls) == 1 and not self._sleeps:
                    # The usual case: awaited in place, so that the caller's pace is the vendor's.
                    [line] = self._calls.values()
                    got = await line.next()
                else:
                    got = await self._pumped()
            except asyncio.CancelledError:
                lost = self._rung()
                if lost is None:
                    raise
                got = lost
            watch.received(got)
            if got.id not in self._calls and got.id not in self._sleeps:
                continue  # closed meanwhile: what was still under way is not for us
            if type(got) is Head:
                if got.status == 200:
                    self._unpaid[got.id] = self._calls[got.id].call.body
            elif type(got) is not Data:
                await self._over(got.id)
            return got

    def _rung(self) -> Lost | None:
        """What a cancelled wait came to, if it was our timer that cancelled it; None for any other cancellation."""
        phase = self._deadline.expired()
        task = asyncio.current_task()
        if phase is None or task is None or task.uncancel() > 0:
            return None
        return Lost(
            min(self._calls, default=0), phase, describe_timeout(phase, getattr(self._times, TIMEOUT_KEYS[phase]))
        )

    async def _pumped(self) -> Got:
        """From several open things: a task each, into one queue of one place. Once pumped, always pumped."""
        if self._queue is None:
            self._queue = asyncio.Queue(1)
        for id_, line in self._calls.items():
            if id_ not in self._pumps:
                self._pumps[id_] = asyncio.create_task(_pump(line, self._queue))
        for id_, s in self._sleeps.items():
            if id_ not in self._pumps:
                self._pumps[id_] = asyncio.create_task(_sleep(id_, s, self._queue))
        if not self._pumps:
            raise RuntimeError("an Exchange waits with nothing open")
        got = await self._queue.get()
        if isinstance(got, BaseException):
            raise got
        return got

    # --- ending -------------------------------------------------------------------------------------------------

    async def _finish(self) -> None:
        """End the response. The connections read what follows the end marker without this request."""
        if self._unpaid:
            self._pay_estimates()
        await self._writer.done()
        self._record.ended_at = perf_counter()
        if self._queue is None:
            for line in self._calls.values():
                line.read_on()
            self._calls.clear()

    def _pay_estimates(self) -> None:
        """The vendor bills calls whose cost it never told, also those broken off: estimate them."""
        for body in self._unpaid.values():
            prompt = estimate_prompt(orjson.loads(body))
            self._record.add_usage(Usage(prompt, self._output.take(), source="estimated"))
        self._unpaid.clear()

    async def _over(self, id_: Id) -> None:
        """A line or a sleep has ended by itself."""
        line = self._calls.pop(id_, None)
        if line is None:
            self._sleeps.pop(id_, None)
        elif not line.closed:
            await line.aclose()
        self._pumps.pop(id_, None)

    async def _close(self, id_: Id) -> None:
        self._sleeps.pop(id_, None)
        pump = self._pumps.pop(id_, None)
        if pump is not None and not pump.done():
            pump.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.shield(asyncio.wait([pump]))
        line = self._calls.pop(id_, None)
        if line is not None:
            await line.aclose()

    async def _close_all(self) -> None:
        # All of them, even where the caller leaves just now: with the answer's last byte he often does.
        await asyncio.shield(asyncio.gather(*map(self._close, [*self._calls, *self._sleeps])))


async def _pump(line: UpstreamCall, queue: "asyncio.Queue[Got | BaseException]") -> None:
    try:
        while True:
            got = await line.next()
            await queue.put(got)
            if isinstance(got, (End, Lost)):
                return
    except Exception as error:  # noqa: BLE001 - a pump that dies unheard hangs the request
        await queue.put(error)


async def _sleep(id_: Id, s: float, queue: "asyncio.Queue[Got | BaseException]") -> None:
    await asyncio.sleep(s)
    await queue.put(Woke(id_))
