"""The base writer of all JSON operations: headers, held events, comments, end. Operations override a few hooks."""

import asyncio
from collections.abc import Mapping
from time import perf_counter

from adapters.core.adaptations import Adaptation, adaptations_header
from adapters.core.event import WHOLE, Event
from adapters.core.json_limits import SMALL
from adapters.core.request import ApiRequest
from proxy._types import Attempt
from proxy.credentials.redaction import NO_SECRETS
from proxy.errors import ProxyError
from proxy.observability.request_record import RequestRecord
from proxy.openai_api.writer import Header, ResponseChannel

JSON = (b"content-type", b"application/json")
STREAM: tuple[Header, ...] = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),  # nginx in front would hold the events back
)
NOTHING = ApiRequest("chat", "", {})
"""Stands for a request that could not be parsed: its writer only writes an error."""
COMMENT = b": keep-alive\n\n"
MAX_VALUE = 1024
"""The longest header value with text of a client or a vendor, in bytes; longer values are truncated."""
MAX_HELD = 256 * 1024
"""The most bytes of events without content that are held."""


class ResponseWriter:
    """A writer for responses that are JSON bodies or streams of JSON events."""

    def __init__(self, request: ApiRequest, out: ResponseChannel, record: RequestRecord) -> None:
        self._request = request
        self._channel = out
        self._send = out.send
        self._record = record
        self._held: list[Event] = []
        self._last: Event | None = None  # the last event of the stream, which may still be held
        self._writing = False
        self._comment_pending: asyncio.Task[None] | None = None  # the task that is writing a comment
        self._sized = False  # whether the headers sent have a content-length
        self._attempt: Attempt | None = None
        self.head_sent = False
        self.content_sent = False
        self.ended = False  # whether the server has taken the last byte

    # --- hooks of the operations --------------------------------------------------------------------------------

    def whole(self, event: Event) -> bytes:
        """Return the body for a whole response."""
        return event.raw

    def chunks(self, event: Event) -> list[Event]:
        """Return the events of a stream for a whole response."""
        raise NotImplementedError

    def closing_chunks(self) -> list[bytes]:
        """Return the payloads between the last event and ``[DONE]``."""
        return []

    # --- the writer ---------------------------------------------------------------------------------------------

    async def events(self, events: list[Event], attempt: Attempt) -> None:
        self._attempt = attempt
        if not self._request.stream:
            await self._answer(events[0])
            return
        self._last = events[-1]
        if events[0].kind is WHOLE:
            events = self.chunks(events[0])
        if not self.content_sent:
            self._held += events
            if not any(event.has_content() for event in events) and self._held_bytes() < MAX_HELD:
                return
            events, self._held = self._held, []
            self.content_sent = True  # before the first await: no other target may be tried from here on
            self._record.first_content_s = perf_counter() - self._record.started
        if self._comment_pending is not None:
            await self._comment_written()
        await self._write(self._encoded([event.raw for event in events]))

    def _held_bytes(self) -> int:
        return sum(len(event.raw) for event in self._held)

    def discard_held(self) -> None:
        self._held = []
        self._attempt = None

    async def write_comment(self) -> None:
        if self._writing or self.ended:
            return
        self._comment_pending = asyncio.current_task()
        try:
            await self._write(COMMENT)
        finally:
            self._comment_pending = None

    async def _comment_written(self) -> None:
        """Wait until the comment is written: ASGI takes one message at a time."""
        while self._comment_pending is not None:
            await asyncio.wait([self._comment_pending])

    async def done(self) -> None:
        if not self._request.stream:
            return
        payloads = [event.raw for event in self._held] + self.closing_chunks() + [b"[DONE]"]
        self._held = []
        if self._comment_pending is not None:
            await self._comment_written()
        await self._write(self._encoded(payloads), more=False)
        self._record.outcome_word = "complete"

    async def fail(self, error: ProxyError) -> None:
        if self._comment_pending is not None:
            await self._comment_written()
        if self.ended:
            return
        self._held = []
        self._record.code, self._record.param, self._record.reason = error.code, error.param, error.reason
        self._record.outcome_word = "truncated" if self.head_sent else "rejected"  # also if sending it is interrupted
        body = error.body(self._channel.language())
        if self._sized:
            return  # the announced body has no room for an error: the server closes the connection
        if self.head_sent:
            await self._write(encode([body]), more=False)
            return
        head = [JSON, (b"content-length", b"%d" % len(body)), *error.headers(), *self._common()]
        if self._record.attempts:
            head.append((b"x-banjia-attempts", b"%d" % self._record.attempts))
        await self._send_whole(error.http_status, head, body)

    async def write_own_answer(self, body: bytes, adaptations: Mapping[str, Adaptation]) -> None:
        """Send a JSON body that banjia computed without a vendor, with its adaptations in a header."""
        self._record.adaptations = adaptations
        head = [JSON, (b"content-length", b"%d" % len(body)), *self._common()]
        adapted = adaptations_header(adaptations)
        if adapted is not None:
            head.append((b"x-banjia-adapted", adapted.encode()))
        await self._send_whole(200, head, body)
        self._record.outcome_word = "complete"

    async def _answer(self, event: Event) -> None:
        body = self.whole(event)
        secrets = self._attempt.secrets if self._attempt is not None else NO_SECRETS
        if secrets.may_be_in(body):
            body = secrets.redacted(body)
        self.content_sent = True  # before the first await: no other target may be tried from here on
        if len(body) > SMALL:
            await asyncio.sleep(0)  # run other tasks first: serializing a large body took long
        self._record.first_content_s = perf_counter() - self._record.started
        head = [JSON, (b"content-length", b"%d" % len(body)), *self._about_attempt(), *self._common()]
        await self._send_whole(200, head, body)
        self._record.outcome_word = "complete"

    def _encoded(self, payloads: list[bytes]) -> bytes:
        """Return the SSE events of these payloads, with the secrets of their attempt redacted."""
        data = encode(payloads)
        secrets = self._attempt.secrets if self._attempt is not None else NO_SECRETS
        if secrets.may_be_in(data):
            data = encode([secrets.redacted(payload) for payload in payloads])
        return data

    # State is updated after the server has taken the data: a request may be cancelled while the client does not read, and
    # the error that can still be sent then depends on the data already sent.

    async def _send_whole(self, status: int, headers: list[Header], body: bytes) -> None:
        if not self._channel.try_send(status, headers, body):
            await self._send({"type": "http.response.start", "status": status, "headers": headers})
            self.head_sent = self._sized = True
            self._record.status = status
            await self._send({"type": "http.response.body", "body": body})
        self.head_sent = self.ended = True
        self._record.status = status

    async def _write(self, data: bytes, *, more: bool = True) -> None:
        self._writing = True  # keeps comments out
        try:
            if not self.head_sent:
                about = self._about_attempt() if self.content_sent or not more else []
                headers = [*STREAM, *about, *self._common()]
                await self._send({"type": "http.response.start", "status": 200, "headers": headers})
                self.head_sent = True
                self._record.status = 200
            await self._send({"type": "http.response.body", "body": data, "more_body": more})
            self.ended = not more
        finally:
            self._writing = False

    def _common(self) -> list[Header]:
        return [
            (b"x-request-id", self._record.request_id.encode()),
            (b"openai-processing-ms", b"%d" % ((perf_counter() - self._record.started) * 1000)),
            (b"openai-version", b"2020-10-01"),
        ]

    def _about_attempt(self) -> list[Header]:
        attempt = self._attempt
        if attempt is None:
            return []
        head = [
            (b"x-banjia-target", attempt.target.label.encode("ascii", "replace")),
            (b"x-banjia-attempts", b"%d" % attempt.number),
        ]
        for adaptation in attempt.adaptations.values():
            if adaptation.word != "honoured" and not adaptation.quiet:
                adapted = adaptations_header(attempt.adaptations)
                if adapted is not None:
                    head.append((b"x-banjia-adapted", adapted.encode()))
                break
        head += [
            (name.encode("latin-1"), value[:MAX_VALUE].encode("latin-1"))
            for name, value in attempt.vendor_headers.items()
        ]
        return head


def encode(payloads: list[bytes]) -> bytes:
    """Encode payloads as server-sent events, framed as OpenAI does, for a single write."""
    return b"data: " + b"\n\ndata: ".join(payloads) + b"\n\n"
