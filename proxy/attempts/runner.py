"""Run one attempt: perform an Exchange's actions, feed it the results, close every upstream call at the end."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from time import perf_counter

from adapters.core.adaptations import Adaptation
from adapters.core.auth import ExpiringToken
from adapters.core.event import CHUNK
from adapters.core.exchange import Began, Close, Do, Done, Emit, Exchange, Fail, Keep, Note, Say, Send, Sleep, Spent
from adapters.core.failures import Failure
from adapters.core.message import Message
from adapters.core.request import AttemptIds
from adapters.core.wire import Call, Data, End, Got, Head, Id, Lost
from adapters.emulations import wrapped
from adapters.planning import MOST_CALLS
from proxy._types import Attempt
from proxy.attempts.context import RequestContext
from proxy.attempts.cursor import Position
from proxy.attempts.deadline import AttemptDeadline
from proxy.attempts.failure_text import describe, vendor_overloaded
from proxy.attempts.pumps import Pumps
from proxy.attempts.recorders import Recorder, begin_recording, usual_recorders
from proxy.attempts.usage import estimates, text_of
from proxy.credentials.pool import VendorKey
from proxy.credentials.redaction import without_parts_of
from proxy.credentials.tokens import TemporaryTokens
from proxy.errors import OutOfMemory
from proxy.observability.memory_budget import RESPONSE_FACTOR, VALUE_BYTES, count_values
from proxy.observability.request_record import RequestRecord
from proxy.openai_api.writer import Writer
from proxy.upstream.client import DeclinedCall, UpstreamCall
from proxy.upstream.errors import TIMEOUT_KEYS, describe_timeout

MAX_HEADER_VALUE = 1024
"""The longest vendor header value that is forwarded (bytes). Longer or not printable ASCII values are dropped."""

FOUND_IN_RESPONSE = Message("found in the response")
OPTIONAL_SHARE = 1 / 3
"""An optional call is sent only while this share of the total time limit is left."""
UNCOUNTED_RESPONSE_BYTES = 64 * 1024
"""Responses, and events of a stream, larger than this are counted in the memory budget (bytes)."""


class AttemptRunner:
    """Runs one attempt at a position of the cursor: ``await AttemptRunner(...).run()``. Use once.

    ``record``: the request's, or its own for an attempt beside another one.
    """

    __slots__ = (
        "_account",
        "_ascii_size",
        "_attempt",
        "_calls",
        "_context",
        "_credential",
        "_deadline",
        "_held",
        "_key",
        "_other_size",
        "_position",
        "_pumps",
        "_record",
        "_sleeps",
        "_streams",
        "_times",
        "_unreported",
        "_values",
        "_writer",
        "replays",
        "sent",
        "waited_s",
    )  # fmt: skip

    def __init__(
        self, context: RequestContext, position: Position[VendorKey], out: Writer, record: RequestRecord
    ) -> None:
        plan, key = position.plan, position.keys[0]
        account = context.snapshot.accounts[plan.target.entry]
        self._context = context
        self._position = position
        self._writer = out
        self._record = record
        self._key = key
        self._credential = key.credential
        self._account = account
        self._streams = plan.request.stream or "stream" in plan.emulations  # whether the vendor's response is a stream
        usual = account.times[plan.thinks, self._streams]
        self._times = usual if context.counts.time_factor == 1 else context.times(plan, streams=self._streams)
        self._attempt = Attempt(plan.target, context.counts.made + 1, plan.adaptations, {}, account.secrets[key])
        self._calls: dict[Id, UpstreamCall] = {}
        self._sleeps: dict[Id, float] = {}
        self._pumps: Pumps | None = None  # set once the attempt waits on several calls or sleeps
        self._unreported: dict[Id, bytes] = {}  # the request bodies of accepted calls without reported usage so far
        self._ascii_size = self._other_size = 0  # characters of the text in the events so far
        self._held = 0  # bytes of the memory budget
        self._values = 0  # JSON values in the response or event that they are held for
        self.replays = context.counts.replays
        """How many calls may still be replayed; see :class:`proxy.upstream.http_client.pool.ReplayBudget`."""
        self.sent = True
        """Whether any call was sent; if not, it was no attempt."""
        self.waited_s = 0.0
        """The time spent waiting for slots, with no call at the vendor."""

    async def run(self) -> Failure | None:
        """Make the attempt. Return None for a complete response, else the failure as the client may see it.

        No upstream call is left open, whatever happens. Raises Overloaded if the vendor has too many requests in progress.
        """
        context, position, account = self._context, self._position, self._account
        plan, counts = position.plan, context.counts
        if account.in_flight >= context.snapshot.max_requests_per_vendor:
            raise vendor_overloaded(plan.target, account.in_flight, counts.made)
        counts.made += 1
        position.attempts += 1
        position.attempts_with_key += 1
        self._attempt.number = counts.made
        key, target, breaker = self._key, plan.target, context.state.breaker
        untracked = key.limiter is None
        account.in_flight += 1
        key.calls += untracked
        recorders: Sequence[Recorder] | None = None  # made when they are needed, and a usual attempt needs none
        if context.timed or target.label in breaker.failing:
            recorders = begin_recording(context, target, key, self._record, untracked=untracked)
        try:
            try:
                if self.sent:
                    self._record.attempt(self._attempt)
                ids = AttemptIds(count(1), context.response_id, context.created)
                # Nearly every request needs no wrapper.
                is_wrapped = plan.emulations or plan.further_requests or plan.request.operation == "embeddings"
                make = wrapped(plan) if is_wrapped else plan.op.codec(plan)
                failure = None if key.tokens is None else await self._take_token(key.tokens)
                if failure is None:
                    failure = await self._run(make(plan.request, ids))
            finally:
                account.in_flight -= 1
                key.calls -= untracked
                if not self.sent:
                    counts.made -= 1
        except BaseException:  # the client disconnected, or a bug
            for recorder in recorders or usual_recorders(context, target, key, untracked=untracked):
                recorder.abandoned()
            raise
        if recorders is None and (failure is not None or key.limiter is not None or target.label in breaker.failing):
            recorders = usual_recorders(context, target, key, untracked=untracked)
        for recorder in recorders or ():
            recorder.ended(failure, sent=self.sent)
        if failure is None:
            key.cools_until = 0.0
            if position.omitted:
                context.remember_omitted(target, position.omitted)
                position.omitted = ()
            return None
        if self.sent:
            self._record.attempt_failed(target.label, failure.kind)
        else:
            position.retract_attempt()
        if key.tokens is not None:
            failure = self._without_token(failure, key.tokens)
        return describe(failure, target, key, account.entry.region, context.state)

    async def _take_token(self, tokens: TemporaryTokens) -> Failure | None:
        """Take the temporary key of the pair for the model. Return the failure if the vendor issues none.

        A failed fetch is an attempt, although no call to the model was sent.
        """
        try:
            token = await tokens.get(self._position.plan.target.model.id, self._account.upstream)
        except BaseException:
            self._count_unsent()
            raise
        if isinstance(token, Failure):
            self._count_unsent()
            return token
        self._credential = token
        self._attempt.secrets = self._account.secrets_with(self._key, token)
        return None

    def _count_unsent(self) -> None:
        """Count the attempt, also if a limiter has given it no slot yet."""
        if not self.sent:
            self.sent = True
            self._record.attempt(self._attempt)

    def _without_token(self, failure: Failure, tokens: TemporaryTokens) -> Failure:
        """Return the failure without the temporary key, which is forgotten if the vendor refuses it."""
        token = self._credential
        if not isinstance(token, ExpiringToken):
            return failure
        if failure.kind == "key_refused":
            tokens.forget(self._position.plan.target.model.id, token)
        message = failure.message.with_texts(self._attempt.secrets.redacted_text)
        if failure.fault == "credential":
            message = message.with_texts(partial(without_parts_of, token.value))
        param = None if failure.param is None else self._attempt.secrets.redacted_text(failure.param)
        return failure._replace(message=message, param=param)

    def _sign(self, call: Call) -> Call:
        """Return the call with the operator's headers and the credential."""
        account = self._account
        if account.headers:
            call = replace(call, headers=(*call.headers, *account.headers))
        return self._attempt.target.vendor.auth.sign(call, self._credential, time.time())

    # --- the exchange -------------------------------------------------------------------------------------------

    async def _run(self, exchange: Exchange) -> Failure | None:
        """Run the exchange to its end; return None for a complete response, else the failure."""
        loop = asyncio.get_running_loop()
        # Created here, because it belongs to the task that runs the attempt.
        deadline = self._deadline = AttemptDeadline(self._times, loop, streams=self._streams)
        if self.sent:  # else a call waits for its slot first
            deadline.start()
        record, writer, calls = self._record, self._writer, self._calls
        size = 0  # bytes of the current response or event received so far
        arrived: list[Got] = []
        try:
            actions = exchange.start()
            while True:
                for do in actions:
                    if type(do) is Emit:
                        if do.events[0].kind is CHUNK:
                            for event in do.events:
                                text = event.text if event.text is not None else text_of(event)
                                if text.isascii():
                                    self._ascii_size += len(text)
                                else:
                                    self._other_size += len(text)
                        await writer.events(do.events, self._attempt)
                        deadline.content_sent = writer.content_sent
                    elif type(do) is Spent:
                        self._unreported.pop(do.id, None)
                        record.add_usage(do.usage)
                    elif type(do) is Done:
                        if do.vendor_id is not None:
                            record.notes["vendor_id"] = self._attempt.secrets.redacted_text(do.vendor_id)
                        if self._unreported:
                            self._add_estimates()
                        await writer.done()
                        record.ended_at = perf_counter()
                        if calls and self._pumps is None:
                            self._read_on()
                        return None
                    elif type(do) is Fail:
                        return do.failure
                    elif type(do) is Close:
                        await self._close(do.id)
                    elif type(do) is Keep:
                        await self._context.keep(do)
                    else:
                        self._perform(do)
                while True:  # until the next result of a call or sleep that is still open
                    if not arrived:
                        deadline.waiting_since = loop.time()
                        try:
                            if len(calls) == 1 and not self._sleeps and self._pumps is None:
                                # Awaited in place, so that a slow client slows the vendor down (backpressure).
                                [call] = calls.values()
                                arrived = await call.next()
                            else:
                                self._pumps = self._pumps or Pumps()
                                arrived = [await self._pumps.next(calls, self._sleeps)]
                        except asyncio.CancelledError:
                            lost = self._expired()
                            if lost is None:
                                raise
                            arrived = [lost]
                        deadline.waiting_since = None
                    got = arrived.pop(0)
                    if got.id in calls or got.id in self._sleeps:
                        break
                if type(got) is Data:
                    size += len(got.data)
                elif type(got) is Head:
                    if got.status == 200:
                        self._unreported[got.id] = calls[got.id].call.body
                    if self._streams:
                        deadline.head_received()
                elif type(got) is End and self._pumps is None:
                    del calls[got.id]
                else:
                    await self._ended(got.id)
                if not writer.content_sent and type(got) is not Head:
                    record.first_byte_at = perf_counter()
                actions = exchange.feed(got)
                if size > UNCOUNTED_RESPONSE_BYTES:
                    if actions:
                        self._values = 0
                        await asyncio.sleep(0)  # let other tasks run: parsing it took long
                    elif type(got) is Data:
                        self._hold(size, got.data)
                if actions:
                    size = 0
        finally:
            deadline.stop()
            if self._unreported:
                self._add_estimates()
            if self._held:
                self._context.state.budget.release(self._held)
            if calls or self._sleeps:
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
            self._context.state.budget.reserve(more)
        except MemoryError:
            full = OutOfMemory()
            full.should_retry = False  # the vendor bills the call anyway
            raise full from None
        self._held += more

    def _perform(self, do: Do) -> None:
        """Perform an action that needs no waiting."""
        if type(do) is Send:
            if do.optional and self._declines(do.id):
                return
            self._calls[do.id] = self._account.upstream.call(do.id, self._sign(do.call), self._times.connect_s, self)
            if self._record.sent_at is None:
                self._record.sent_at = perf_counter()
        elif type(do) is Began:
            self._deadline.content_sent = True
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

    def _declines(self, id_: Id) -> bool:
        """Whether an optional call is declined, as its Exchange then learns. If not, it counts as an attempt."""
        why = self._reason_to_decline(id_)
        if why is not None:
            self._calls[id_] = DeclinedCall(id_, why)
            return True
        counts = self._context.counts
        counts.made += 1
        counts.retries.spend()
        self._attempt.number = counts.made
        self._position.attempts += 1
        self._record.repaired(self._attempt)
        return False

    def _reason_to_decline(self, id_: Id) -> Message | None:
        """Return why an optional call is not sent: no attempt, call or time is left for it; None if it is."""
        counts = self._context.counts
        if counts.total >= self._context.route.policy.attempts:
            return Message("the request has no attempt left (policy.attempts)")
        if id_ > MOST_CALLS:  # ids are numbered from 1
            return Message("the request has made the maximum number of calls")
        total_s = self._times.total_s
        if total_s - counts.elapsed_s() + counts.waited_s + self.waited_s < total_s * OPTIONAL_SHARE:
            return Message("too little of timeouts.total_s is left")
        return None

    def replay(self) -> bool:
        """Whether a call may be replayed. If so, the attempt takes the next number."""
        counts = self._context.counts
        replayed = counts.replay()
        self.replays = counts.replays
        if not replayed:
            return False
        self._attempt.number += 1
        self._position.attempts += 1
        self._record.replayed(self._attempt)
        return True

    # --- ending -------------------------------------------------------------------------------------------------

    def _expired(self) -> Lost | None:
        """Return Lost if the attempt's own deadline cancelled the wait; None for any other cancellation."""
        phase = self._deadline.expired()
        task = asyncio.current_task()
        if phase is None or task is None or task.uncancel() > 0:
            return None
        why = describe_timeout(phase, getattr(self._times, TIMEOUT_KEYS[phase]))
        return Lost(min(self._calls, default=0), phase, why)

    def _read_on(self) -> None:
        """Let the connections read in the background whatever follows the end marker of the response."""
        for call in self._calls.values():
            call.read_on()
        self._calls.clear()

    def _add_estimates(self) -> None:
        """Record the estimated usage of calls without a reported one, also of those that were broken off."""
        for usage in estimates(self._unreported.values(), self._ascii_size, self._other_size):
            self._record.add_usage(usage)
        self._unreported.clear()

    async def _ended(self, id_: Id) -> None:
        """Forget a call or a sleep that has ended by itself."""
        call = self._calls.pop(id_, None)
        if call is None:
            self._sleeps.pop(id_, None)
        elif not call.closed:
            await call.aclose()
        if self._pumps is not None:
            self._pumps.forget(id_)

    async def _close(self, id_: Id) -> None:
        self._sleeps.pop(id_, None)
        if self._pumps is not None:
            await self._pumps.stop(id_)
        call = self._calls.pop(id_, None)
        if call is not None:
            await call.aclose()

    async def _close_all(self) -> None:
        # Shielded: clients often disconnect at the last byte, and the cancellation must not leave calls open.
        await asyncio.shield(asyncio.gather(*map(self._close, [*self._calls, *self._sleeps])))
