"""The exchange of vendors with OpenAI's protocol, or nearly: most of them.

It repairs small deviations of such vendors (usage in unusual places, tool call deltas without an index, empty ids, null
choices), and is strict about endings: a response is complete at ``[DONE]``, or at the end of the body if every choice has
finished, and at no other point.
"""

from collections.abc import Callable
from email.utils import parsedate_to_datetime
from functools import partial
from math import isfinite

import orjson

from adapters.codecs.openai.assemble import Assembler
from adapters.codecs.openai.errors import VENDOR, InvalidResponse, over_limits, printable
from adapters.codecs.openai.reader import ResponseReader, is_html, read_body
from adapters.core.event import Event
from adapters.core.exchange import Began, Close, Do, Done, Emit, Fail, Make, Say, Send, Spent
from adapters.core.failures import LOST, Cause, Failure, Kind
from adapters.core.json_limits import BEYOND, SMALL, ValueCounter
from adapters.core.message import Message
from adapters.core.request import ApiRequest, AttemptIds
from adapters.core.sse import Decoder, EventTooLarge
from adapters.core.vendor import Codec, Plan
from adapters.core.wire import Call, Data, End, Got, Head, Lost, Phase

MAX_BODY = 64 * 1024 * 1024
"""The maximum size of a whole response, in bytes."""

MAX_ERROR_BODY = 64 * 1024
"""How much of an error body is read, in bytes; its kind can be determined without the rest."""

MAX_RETRY_AFTER_S = 7 * 86_400.0
"""The maximum ``retry-after`` that is accepted, in seconds: a week."""

FIELDS = (b"data:", b"event:", b"id:", b"retry:", b":")
"""The possible beginnings of an event stream, after BLANKS; JSON and HTML do not begin like this."""
BLANKS = b"\xef\xbb\xbf \t\r\n"
MARKERS = (b"[DONE]", b"DONE")
"""End markers of vendors, in upper case, without QUOTES."""
QUOTES = b" \t\r\n\"'"
LONGEST_MARKER = 16
KEEP_ALIVE = (b"ping", b"pong", b"null", b"keep-alive", b"keepalive", b"heartbeat")
"""Keep-alive payloads of some gateways, in lower case, in place of the comments that the standard has for this."""

BODY_TOO_LARGE = Message("{vendor} sent a body larger than 64 MiB.", vendor=VENDOR)
EVENT_TOO_LARGE = Message("{vendor} sent an event larger than 8 MiB.", vendor=VENDOR)
NO_ANSWER = Message("{vendor} ended the stream without any content.", vendor=VENDOR)

NOT_CONNECTED: frozenset[Phase] = frozenset({"dns", "connect", "connect_timeout", "tls", "pool"})
"""The phases of a call before the connection is established."""

REQUEST_HEADERS = ((b"content-type", b"application/json"), (b"accept-encoding", b"identity"))

RATE_LIMIT_HEADERS = frozenset(
    f"x-ratelimit-{what}-{of}" for what in ("limit", "remaining", "reset") for of in ("requests", "tokens")
)


Reader = Callable[[Plan, ApiRequest, AttemptIds], ResponseReader]


def codec(reader: Reader) -> Codec:
    """Return the codec of an operation whose responses this reader reads."""

    def for_plan(plan: Plan) -> Make:
        return partial(OpenAIExchange, reader, plan)

    return for_plan


class OpenAIExchange:
    """One call to an OpenAI-compatible endpoint, with a stream or a whole body as response."""

    __slots__ = (
        "_answer",
        "_assembler",
        "_began",
        "_body",
        "_counter",
        "_head",
        "_id",
        "_is_stream",
        "_over",
        "_plan",
        "_request",
        "_size",
        "_sse",
    )

    def __init__(self, reader: Reader, plan: Plan, request: ApiRequest, attempt_ids: AttemptIds) -> None:
        self._plan = plan
        self._request = request
        self._id = next(attempt_ids.ids)
        self._head: Head | None = None
        self._body = bytearray()
        self._size = 0
        self._counter: ValueCounter | None = None  # for a large body
        self._is_stream: bool | None = None  # whether the body is a stream of events; None until that is known
        self._sse: Decoder | None = None
        self._assembler: Assembler | None = None  # for a stream although a whole body was requested
        self._began = False  # whether it was reported that its content has begun
        self._over = False
        self._answer = reader(plan, request, attempt_ids)

    def start(self) -> list[Do]:
        url = self._plan.target.base_url + self._plan.path
        try:
            body = orjson.dumps(self._request.fields)
        except TypeError:  # more levels than orjson serializes
            return self._fail(
                "bad_request",
                Message("The request cannot be sent to {vendor}: its JSON is nested too deeply.", vendor=VENDOR),
            )
        streams = self._request.stream or self._request.fields.get("stream") is True
        return [Send(self._id, Call("POST", url, REQUEST_HEADERS, body, streams))]

    def feed(self, got: Got) -> list[Do]:
        if self._over:  # some vendors send data after their end marker
            return []
        if type(got) is Data:  # not a match statement: it would be slower
            if self._is_stream is None:
                return self._sniff(got.data)
            return self._events(got.data) if self._is_stream else self._collect(got.data)
        if type(got) is Head:
            return self._begin(got)
        if type(got) is End:
            return self._finish()
        return self._lost(got) if type(got) is Lost else []

    def _begin(self, head: Head) -> list[Do]:
        self._head = head
        says: list[Do] = []
        encoding = ""
        for name, value in head.headers:  # one pass, with no call for each header
            if name == b"content-encoding":
                encoding = encoding or value.decode("latin-1")
            elif name.startswith(b"x-ratelimit-") and name.decode("latin-1") in RATE_LIMIT_HEADERS:
                says.append(Say(name.decode("latin-1"), value.decode("latin-1")))
        if encoding and encoding.lower() != "identity":
            wrong = Message(
                "{vendor} sent a body encoded as {encoding}, which was not requested.",
                vendor=VENDOR,
                encoding=printable(encoding[:40]),
            )
            return self._fail("invalid_response", wrong)
        if 300 <= head.status < 400:
            wrong = Message(
                "{vendor} answered with a redirect ({status}), which banjia never follows: check base_url.",
                vendor=VENDOR,
                status=head.status,
            )
            return self._fail("vendor_error", wrong)
        if head.status >= 400:
            self._is_stream = False
        return says

    def _sniff(self, data: bytes) -> list[Do]:
        """Detect by the first bytes whether a body is an event stream, whatever was requested and its content type says."""
        read = bytes(self._body) + data if self._body else data
        start = read[:64].lstrip(BLANKS)
        if start.startswith(FIELDS):
            self._is_stream = True
            self._body.clear()
            if not self._request.stream:
                self._assembler = Assembler()
            return self._events(read)
        if start[:1] == b"{" or (start and not any(field.startswith(start) for field in FIELDS)):  # JSON, usually
            self._is_stream = False
        return self._collect(data)

    # --- a stream -----------------------------------------------------------------------------------------------

    def _events(self, data: bytes | None) -> list[Do]:
        """Read events from the next bytes of a stream, or with None what the end of the body completes."""
        if self._assembler is not None and data is not None:
            self._size += len(data)
            if self._size > MAX_BODY:
                return self._fail("invalid_response", BODY_TOO_LARGE)
        sse = self._sse
        if sse is None:
            sse = self._sse = Decoder()
        try:
            payloads = sse.end() if data is None else sse.feed(data)
        except EventTooLarge:
            return self._fail("invalid_response", EVENT_TOO_LARGE)
        answer = self._answer
        events: list[Event] = []
        at, end = 0, len(payloads)
        while at < end:
            at = answer.plain_chunks(payloads, at, events)
            if at == end:
                break
            payload = payloads[at]
            at += 1
            was_finished = answer.finished
            try:
                if len(payload) <= LONGEST_MARKER and payload.strip(QUOTES).upper() in MARKERS:
                    return self._at_marker(events)
                event = answer.chunk(payload)
            except InvalidResponse as bad:
                if was_finished or payload.strip().lower() in KEEP_ALIVE:
                    continue  # ignore invalid data after a complete response
                return [*self._emit(events), *self._fail(bad.kind, bad.what, bad)]
            if event is not None:
                events.append(event)
        if self._assembler is not None:
            return self._assemble(self._assembler, events)
        return [Emit(events)] if events else []

    def _at_marker(self, events: list[Event]) -> list[Do]:
        """Handle the vendor's end marker: finish open choices and complete the response. Raises InvalidResponse."""
        if not self._answer.has_content:
            return [*self._emit(events), *self._fail("invalid_response", NO_ANSWER)]
        if not self._answer.finished:
            closing = self._answer.closing()
            if closing is not None:
                events.append(closing)
        return self._complete(events)

    def _emit(self, events: list[Event]) -> list[Do]:
        """Emit chunks if a stream was requested; else add them to the assembled body."""
        if self._assembler is not None:
            return self._assemble(self._assembler, events)
        return [Emit(events)] if events else []

    def _assemble(self, assembler: Assembler, events: list[Event]) -> list[Do]:
        """Add chunks to the assembled body. Report once that its content has begun."""
        for event in events:
            assembler.add(event.data)
        if self._began or not self._answer.has_content:
            return []
        self._began = True
        return [Began(self._id)]

    def _complete(self, events: list[Event]) -> list[Do]:
        """Emit the last chunks of a stream, or the body assembled from them, and complete the response."""
        dos = self._emit(events)
        if self._assembler is not None:
            try:
                dos = [Emit([self._answer.assembled(self._assembler.body())])]
            except InvalidResponse as bad:
                return self._fail(bad.kind, bad.what, bad)
        return [*dos, *self._done()]

    # --- a whole body, or an error ------------------------------------------------------------------------------

    def _collect(self, data: bytes) -> list[Do]:
        assert self._head is not None
        self._body += data
        self._size += len(data)
        if self._head.status >= 400 and self._size > MAX_ERROR_BODY:
            return [Close(self._id), *self._finish()]
        return self._check_large(data) if self._size > SMALL else []

    def _check_large(self, data: bytes) -> list[Do]:
        """Check the size of a large body, and count its values while it arrives, so that no single step takes long."""
        if self._size > MAX_BODY:
            self._body.clear()
            return self._fail("invalid_response", BODY_TOO_LARGE)
        try:
            if self._counter is None:
                self._counter = ValueCounter(self._answer.most_values)
                self._counter.add(self._body)
            else:
                self._counter.add(data)
        except BEYOND as beyond:
            self._body.clear()
            bad = over_limits(beyond)
            return self._fail(bad.kind, bad.what)
        return []

    def _finish(self) -> list[Do]:
        assert self._head is not None
        if self._is_stream:
            dos = self._events(None)
            if self._over:
                return dos
            if self._answer.finished:
                return [*dos, *self._complete([])]
            what = Message("{vendor} closed the stream before the answer was finished.", vendor=VENDOR)
            return [*dos, *self._fail("truncated" if self._answer.began else "invalid_response", what)]
        try:
            data = read_body(self._plan, self._head.status, self._body)
            event = self._answer.whole(data, large=len(self._body) > SMALL)
        except InvalidResponse as bad:
            return self._fail(bad.kind, bad.what, bad)
        return [Emit([event]), *self._done()]

    def _lost(self, lost: Lost) -> list[Do]:
        if self._is_stream and self._answer.finished:
            return self._complete([])  # only the end marker was cut off
        if self._head is not None and self._head.status >= 400:
            return self._finish()  # the status determines the kind, even without the rest of the body
        kind = LOST[lost.phase]
        if self._head is None and kind == "reset":
            kind = "vendor_error"
        if lost.phase in NOT_CONNECTED:
            message = Message("Cannot reach {vendor}: {why}.", vendor=self._vendor, why=lost.why)
        else:
            message = Message("The request to {vendor} failed: {why}.", vendor=self._vendor, why=lost.why)
        return self._end(Fail(Failure.of(kind, message, phase=lost.phase)))

    def _done(self) -> list[Do]:
        return self._end(Done(self._answer.vendor_id))

    def _fail(self, kind: Kind, what: Message, bad: InvalidResponse | None = None) -> list[Do]:
        retry_after_s = None
        if self._head is not None and self._head.status >= 400:
            retry_after_s = retry_after(self._head)
        message = what.with_fields(vendor=self._vendor)
        failure = Failure.of(kind, message, retry_after_s=retry_after_s, cause=self._cause(kind))
        if bad is not None:
            failure = bad.named_in(failure)
        return self._end(Fail(failure))

    def _cause(self, kind: Kind) -> Cause:
        """Return the symptom of a failure: an HTML page, an early end, an error inside a 200, or a status."""
        status = self._head.status if self._head is not None else 0
        if self._body and is_html(self._body):
            return "html"
        if kind == "truncated":
            return "reset"
        return "error_in_200" if status < 400 else "5xx"

    def _end(self, end: Done | Fail) -> list[Do]:
        """Return the last commands: Spent with the usage, if any, and the end."""
        self._over = True
        usage = self._answer.usage
        return [end] if usage is None else [Spent(self._id, usage), end]

    @property
    def _vendor(self) -> str:
        return self._plan.target.vendor.title


def retry_after(head: Head) -> float | None:
    """Return the requested wait in seconds: ``retry-after-ms``, else ``retry-after`` (seconds or a date); None if absent.

    At most a week. A date is compared with the response's ``date`` header, so the local clock does not matter.
    """
    for name, unit in ((b"retry-after-ms", 1000.0), (b"retry-after", 1.0), (b"x-retry-after", 1.0)):
        text = head.header(name)
        if text is None:
            continue
        try:
            wait_s = float(text) / unit
        except ValueError:
            pass
        else:
            if isfinite(wait_s):
                return min(max(0.0, wait_s), MAX_RETRY_AFTER_S)
            continue
        try:
            until = parsedate_to_datetime(text) - parsedate_to_datetime(head.header(b"date") or "")
            return min(max(0.0, until.total_seconds()), MAX_RETRY_AFTER_S)
        except (ValueError, TypeError, OverflowError):
            continue
    return None
