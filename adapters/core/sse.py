"""Server-sent events: decodes bytes split at arbitrary places into payloads.

Lines end at CR, LF or CRLF and nothing else: U+2028 and U+0085 may occur unescaped inside Chinese JSON, and a general
line splitter would split an event there. https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import orjson

MAX_EVENT = 8 * 1024 * 1024
"""The maximum size of an event, in bytes; a larger one raises :class:`EventTooLarge`."""

MANY = 1024
"""How many data lines are kept as separate objects: a short line costs many times its size in memory."""

BOM = b"\xef\xbb\xbf"


class EventTooLarge(Exception):
    """An event is larger than ``MAX_EVENT`` bytes."""


class Decoder:
    """Decodes bytes as they arrive and returns the payloads of completed events.

    A payload is the event's ``data`` lines joined by a newline. Comments, ``id``, ``event``, ``retry`` and events
    whose data is blank yield nothing: vendors that name an error event repeat the error in its data. The result does
    not depend on where the bytes were split.

    Beyond the standard: a single newline suffices between two events if each is a complete JSON object on one line
    (some gateways send this), and at the end of the body such an event needs none.
    """

    __slots__ = ("_after_cr", "_data", "_line", "_size", "_started")

    def __init__(self) -> None:
        self._line = bytearray()  # the unfinished line: a large event may come in thousands of reads
        self._data: list[bytes | bytearray] = []  # data lines of the unfinished event, joined beyond MANY
        self._size = 0  # of those lines, in bytes
        self._started = False
        self._after_cr = False  # the last byte was a CR: a LF directly after it belongs to the same line end

    def feed(self, data: bytes) -> list[bytes]:
        """Return the payloads completed by these bytes, in order. Raises :class:`EventTooLarge`."""
        if data.startswith(b"data: ") and data.endswith(b"\n\n") and self._fresh() and len(data) <= MAX_EVENT:
            whole = data[6:-2].split(b"\n\ndata: ")
            one_line_each = data.count(b"\n") == 2 * len(whole) and b"\r" not in data
            if one_line_each and all(whole) and not any(map(bytes.isspace, whole)):
                self._started = True
                return whole  # the usual read: complete events of one line each
        if not self._started:
            data = self._without_bom(data)
        if self._after_cr and data:
            data = data.removeprefix(b"\n")
            self._after_cr = False
        if b"\r" in data:
            self._after_cr = data.endswith(b"\r")
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if b"\n" not in data:
            self._line += data
            self._check(len(self._line))
            return []
        *lines, rest = data.split(b"\n")
        if self._line:
            lines[0] = bytes(self._line) + lines[0]
        self._line = bytearray(rest)
        payloads: list[bytes] = []
        for line in lines:
            if line:
                self._take(line, payloads)
            elif self._data:
                self._flush(payloads)
        self._check(len(rest))
        return payloads

    def _fresh(self) -> bool:
        """Whether no data of earlier reads is pending."""
        return not (self._line or self._data or self._after_cr)

    def end(self) -> list[bytes]:
        """Return the payload that the end of the body completes, if it is a complete JSON object or an end marker."""
        payloads: list[bytes] = []
        if self._line:
            self._take(bytes(self._line), payloads)
        if len(self._data) == 1 and (_is_object(self._data[0]) or self._data[0].lstrip().startswith(b"[")):
            self._flush(payloads)
        return payloads

    def _take(self, line: bytes, payloads: list[bytes]) -> None:
        self._check(len(line))
        if line.startswith(b"data:"):
            value = line[6:] if line.startswith(b"data: ") else line[5:]
        elif line == b"data":
            value = b""
        else:
            return
        # Only the first line is tested: otherwise an event of many lines would be parsed again with each line.
        if len(self._data) == 1 and value.lstrip().startswith((b"{", b"[")) and _is_object(self._data[0]):
            self._flush(payloads)
        self._size += len(line) if self._data else len(value)  # empty lines count as well
        self._data.append(value)
        if self._size > MAX_EVENT:
            raise EventTooLarge
        if len(self._data) > MANY:
            first, *more = self._data
            joined = first if type(first) is bytearray else bytearray(first)
            joined += b"\n" + b"\n".join(more)
            self._data = [joined]

    def _flush(self, payloads: list[bytes]) -> None:
        held = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
        payload = held if type(held) is bytes else bytes(held)
        if payload and not payload.isspace():
            payloads.append(payload)
        self._data = []
        self._size = 0

    def _check(self, line: int) -> None:
        """Raise EventTooLarge if the event with this line is too large; ``data: `` itself is allowed on top."""
        if self._size + line > MAX_EVENT + len(b"data: "):
            raise EventTooLarge

    def _without_bom(self, data: bytes) -> bytes:
        data = bytes(self._line) + data
        self._line = bytearray()
        if len(data) < len(BOM) and BOM.startswith(data):
            return data  # too short to tell: tested again with the next bytes
        self._started = True
        return data.removeprefix(BOM)


def _is_object(line: bytes | bytearray) -> bool:
    """Whether a data line is a complete JSON object."""
    if not (line.startswith(b"{") and line.rstrip().endswith(b"}")):
        return False
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True
