"""Server-sent events: bytes cut anywhere in, payloads out.

Lines end at CR, LF or CRLF and at nothing else: U+2028 and U+0085 may stand raw inside Chinese JSON, and a general
line splitter would cut an event in three there. https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

MAX_EVENT = 8 * 1024 * 1024
"""The largest event taken, in bytes; one that is larger raises :class:`EventTooLarge`."""

BOM = b"\xef\xbb\xbf"


class EventTooLarge(Exception):
    """A single event went over ``MAX_EVENT`` bytes."""


class Decoder:
    """Feed it bytes as they arrive; it hands back the payloads of the events that became complete.

    A payload is the event's ``data`` lines joined by a newline. Comments, ``id``, ``event``, ``retry`` and events
    with empty data yield nothing: the vendors that name an error event say so in its data too.
    """

    __slots__ = ("_data", "_parts", "_size", "_started")

    def __init__(self) -> None:
        self._parts: list[bytes] = []  # the unfinished line, unjoined: a large event may come in thousands of reads
        self._data: list[bytes] = []  # the data lines of the unfinished event
        self._size = 0
        self._started = False

    def feed(self, data: bytes) -> list[bytes]:
        """The payloads completed by these bytes, in order. Raises :class:`EventTooLarge`."""
        if not self._started:
            data = self._without_bom(data)
        if b"\n" not in data and b"\r" not in data and not (self._parts and self._parts[-1].endswith(b"\r")):
            self._parts.append(data)
            self._grow(len(data))
            return []
        payloads: list[bytes] = []
        for line in self._lines(data):
            if not line:
                self._flush(payloads)
            elif line.startswith(b"data:"):
                value = line[6:] if line.startswith(b"data: ") else line[5:]
                self._data.append(value)
                self._grow(len(value))
        return payloads

    def _lines(self, data: bytes) -> list[bytes]:
        """The lines that are whole now; the beginning of the next one is kept."""
        whole = b"".join(self._parts) + data if self._parts else data
        held = b""
        if b"\r" in whole:
            if whole.endswith(b"\r"):  # perhaps the first half of a CRLF: wait for what follows
                whole, held = whole[:-1], b"\r"
            whole = whole.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, rest = whole.split(b"\n")
        self._parts = [rest + held] if rest or held else []
        self._size = sum(map(len, self._data)) + len(rest)
        return lines

    def _flush(self, payloads: list[bytes]) -> None:
        if self._data:
            payload = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
            if payload:
                payloads.append(payload)
            self._data = []
            self._size = 0

    def _grow(self, size: int) -> None:
        self._size += size
        if self._size > MAX_EVENT:
            raise EventTooLarge

    def _without_bom(self, data: bytes) -> bytes:
        data = b"".join(self._parts) + data
        self._parts = []
        if len(data) < len(BOM) and BOM.startswith(data):
            return data  # too short to tell; looked at again with the next bytes
        self._started = True
        return data.removeprefix(BOM)


def encode(payloads: list[bytes]) -> bytes:
    """The events of these payloads as OpenAI frames them, for one write."""
    return b"data: " + b"\n\ndata: ".join(payloads) + b"\n\n"
