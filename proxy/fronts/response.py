"""The writer that all JSON fronts share: heads, held events, comments, endings. What differs is a few hooks."""

from collections.abc import Awaitable, Mapping

from adapters.core.params import Told, header
from adapters.core.shapes import WHOLE, Ask, Event
from adapters.core.sse import encode
from proxy.errors import ProxyError
from proxy.fronts.writer import Header, Out
from proxy.nouns import Attempt
from proxy.tally import Tally

JSON = (b"content-type", b"application/json")
STREAM: tuple[Header, ...] = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),  # nginx in front would hold the events back
)
NOTHING = Ask("chat", "", {})
"""The ask of a request that could not be read: its writer only ever writes an error."""
BEAT = b": keep-alive\n\n"
MAX_HELD = 256 * 1024
"""How many bytes of events without content are held, at most."""


class ResponseWriter:
    """A writer for answers that are JSON bodies or streams of JSON events."""

    def __init__(self, ask: Ask, out: Out, tally: Tally) -> None:
        self._ask = ask
        self._out = out
        self._tally = tally
        self._held: list[Event] = []
        self._writing = False
        self._attempt: Attempt | None = None
        self.head_sent = False
        self.content_sent = False
        self.ended = False

    # --- hooks of the fronts ------------------------------------------------------------------------------------

    def whole(self, event: Event) -> bytes:
        """The body for a whole answer."""
        return event.raw

    def chunks(self, event: Event) -> list[Event]:
        """The events of a stream for a whole answer."""
        raise NotImplementedError

    def saw(self, events: list[Event]) -> None:
        """Events have come, which may still be held."""

    def last(self) -> list[bytes]:
        """What stands between the last event and the end marker."""
        return []

    # --- the writer ---------------------------------------------------------------------------------------------

    async def events(self, events: list[Event], attempt: Attempt) -> None:
        self._attempt = attempt
        if not self._ask.stream:
            await self._answer(events[0])
            return
        self.saw(events)
        if events[0].kind is WHOLE:
            events = self.chunks(events[0])
        if not self.content_sent:
            self._held += events
            if not any(event.shows() for event in events) and self._held_bytes() < MAX_HELD:
                return
            events, self._held = self._held, []
            self.content_sent = True  # before the first await: from here on no other target may be tried
            self._tally.first_content_s = self._tally.elapsed_s()
        await self._write(encode([event.raw for event in events]))

    def _held_bytes(self) -> int:
        return sum(len(event.raw) for event in self._held)

    def drop(self) -> None:
        self._held = []
        self._attempt = None

    async def beat(self) -> None:
        if not self._writing and not self.ended:
            await self._write(BEAT)

    async def done(self) -> None:
        if not self._ask.stream:
            return
        payloads = [event.raw for event in self._held] + self.last() + [b"[DONE]"]
        self._held = []
        self._tally.word = "complete"
        await self._write(encode(payloads), more=False)

    async def fail(self, error: ProxyError) -> None:
        self._held = []
        self._tally.code = error.code
        body = error.body(self._out.language())
        if self.head_sent:
            self._tally.word = "cut"
            await self._write(encode([body]), more=False)
            return
        self._tally.word = "refused"
        head = [JSON, (b"content-length", b"%d" % len(body)), *error.headers(), *self._common()]
        if self._tally.attempts:
            head.append((b"x-banjia-attempts", b"%d" % self._tally.attempts))
        await self._send_whole(error.http_status, head, body)

    async def ours(self, body: bytes, told: Mapping[str, Told]) -> None:
        """Send a JSON body that no vendor had a part in, telling what was made up for."""
        self._tally.told = told
        self._tally.word = "complete"
        head = [JSON, (b"content-length", b"%d" % len(body)), *self._common()]
        adapted = header(told)
        if adapted is not None:
            head.append((b"x-banjia-adapted", adapted.encode()))
        await self._send_whole(200, head, body)

    async def _answer(self, event: Event) -> None:
        body = self.whole(event)
        self.content_sent = True
        self._tally.first_content_s = self._tally.elapsed_s()
        self._tally.word = "complete"
        head = [JSON, (b"content-length", b"%d" % len(body)), *self._about_attempt(), *self._common()]
        await self._send_whole(200, head, body)

    def _send_whole(self, status: int, headers: list[Header], body: bytes) -> Awaitable[None]:
        self.head_sent = self.ended = True
        self._tally.status = status
        return self._out.whole(status, headers, body)

    async def _write(self, data: bytes, *, more: bool = True) -> None:
        self._writing = True  # a beat keeps out of the way meanwhile
        try:
            if not self.head_sent:
                about = self._about_attempt() if self.content_sent or not more else []
                self.head_sent = True
                self._tally.status = 200
                await self._out.start(200, [*STREAM, *about, *self._common()])
            self.ended = not more
            await self._out.write(data, more=more)
        finally:
            self._writing = False

    def _common(self) -> list[Header]:
        return [
            (b"x-request-id", self._tally.request_id.encode()),
            (b"openai-processing-ms", b"%d" % (self._tally.elapsed_s() * 1000)),
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
        adapted = header(attempt.told)
        if adapted is not None:
            head.append((b"x-banjia-adapted", adapted.encode()))
        head += [(name.encode("latin-1"), value.encode("latin-1")) for name, value in attempt.said.items()]
        return head
