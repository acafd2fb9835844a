"""Sends a vendor's response and applies the faults.

Faults of streams affect a response that is not streamed where that makes sense: `cut` and `stall_within` after half of
the body, `no_end` and `bad_json` by sending half of it, `invalid_utf8` in its text, `drip`, `split_utf8`, `gzip` and
`short_body` unchanged. `error_event`, `no_done`, `done_only`, `comments` and `crlf` have no effect on it.
"""

import asyncio
import gzip
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from email.utils import formatdate

from emulators.core.http import LAST_CHUNK, HttpConnection, HttpRequest, chunk, head
from emulators.core.responses import DONE, Frame, ModelResponse, Response

Active = dict[str, float]
Failure = Callable[[str], Response]
"""Returns the vendor's response for a kind of failure."""

MISSING_BYTES = 64
"""The excess of `content-length` over the body with `short_body`."""
DRIP_BYTES = 8
SPLIT_PAUSE_S = 0.002
"""Long enough that the parts of a character are sent in two TCP segments (seconds)."""


class ConnectionReset(Exception):
    """Raised where a fault resets the connection."""


async def send_response(
    wire: HttpConnection, request: HttpRequest, reply: Response | ModelResponse, active: Active, fail: Failure
) -> bool:
    """Send `reply` and return whether the connection may be reused. Raises ConnectionReset if a fault resets it."""
    await asyncio.sleep(active.get("delay", 0) / 1000)
    if "stall_before" in active:
        await asyncio.sleep(active["stall_before"])
    if "reset" in active:
        raise ConnectionReset
    body_allowed = request.method != "HEAD"
    if isinstance(reply, ModelResponse) and reply.stream:
        return await _stream(wire, reply, active, fail)
    if isinstance(reply, ModelResponse):
        reply = _with_fault(reply, active)
        return await _whole(wire, reply, active, body_allowed)
    return await _whole(wire, reply, _only_writing(active), body_allowed)


def _only_writing(active: Active) -> Active:
    """Return the faults that also affect an error response: those of the headers and of how bytes are written."""
    return {name: value for name, value in active.items() if name not in ("cut", "stall_within")}


def _with_fault(answer: ModelResponse, active: Active) -> Response:
    _enlarge(answer, active)
    body = answer.whole()
    if "no_end" in active or "bad_json" in active:
        body = body[: len(body) // 2]
    if "invalid_utf8" in active:
        body = _with_bad_byte(body)
    return Response(answer.status, body, answer.headers(stream=False))


async def _whole(wire: HttpConnection, reply: Response, active: Active, body_allowed: bool) -> bool:
    body, headers = reply.body, list(reply.headers)
    if "gzip" in active:
        body = gzip.compress(body)
        headers.append(("content-encoding", "gzip"))
    length = len(body) + (MISSING_BYTES if "short_body" in active else 0)
    headers += [("content-length", str(length)), ("date", formatdate(usegmt=True))]
    write = _Writer(wire, active, chunked=False)
    start = head(reply.status, headers)
    if not {"reset_after_head", "stall_after_head", "drip", "split_utf8", "cut", "stall_within"} & active.keys():
        await wire.send(start + (body if body_allowed else b""))
    else:
        await wire.send(start)
        await _after_head(wire, active)
        await _body_in_halves(wire, write, body, active)
    return "short_body" not in active


async def _body_in_halves(wire: HttpConnection, write: "_Writer", body: bytes, active: Active) -> None:
    half = len(body) // 2
    await write(body[:half])
    if "cut" in active:
        raise ConnectionReset
    if "stall_within" in active:
        await asyncio.sleep(active["stall_within"])
    await write(body[half:])


async def _after_head(wire: HttpConnection, active: Active) -> None:
    if "reset_after_head" in active:
        raise ConnectionReset
    if "stall_after_head" in active:
        await asyncio.sleep(active["stall_after_head"])


async def _stream(wire: HttpConnection, answer: ModelResponse, active: Active, fail: Failure) -> bool:
    _enlarge(answer, active)
    headers = [*answer.headers(stream=True), ("date", formatdate(usegmt=True))]
    if "gzip" in active:
        headers.append(("content-encoding", "gzip"))
    if "short_body" in active:
        return await _short_stream(wire, answer, active, headers)
    await wire.send(head(200, [*headers, ("transfer-encoding", "chunked")]))
    await _after_head(wire, active)
    write = _Writer(wire, active, chunked=True)
    await _events(write, answer, active, fail)
    await write.end()
    return True


async def _short_stream(
    wire: HttpConnection, answer: ModelResponse, active: Active, headers: list[tuple[str, str]]
) -> bool:
    body = b"".join(_event(frame, active) for frame in answer.frames())
    await wire.send(head(200, [*headers, ("content-length", str(len(body) + MISSING_BYTES))]) + body)
    return False


async def _events(write: "_Writer", answer: ModelResponse, active: Active, fail: Failure) -> None:
    most = active.get("cut", active.get("error_event"))
    contents = 0
    for index, frame in enumerate(_faulty_frames(answer, active)):
        if index == most:
            break
        if index and answer.gap_s:
            await asyncio.sleep(answer.gap_s)
        await write(_event(frame, active))
        contents += frame.part in ("content", "tool")
        if contents == 2 and frame.part in ("content", "tool") and "stall_within" in active:
            await asyncio.sleep(active["stall_within"])
    if "cut" in active:
        raise ConnectionReset
    if "error_event" in active:
        await write(_event(Frame("error", fail("error_500").body), active))


def _faulty_frames(answer: ModelResponse, active: Active) -> Iterator[Frame]:
    """Return the events of the completion, removed or corrupted by the faults."""
    if "done_only" in active:
        return iter([DONE])
    if "no_end" in active:
        return _half(answer)
    frames = answer.frames()
    if "no_done" in active:
        frames = (frame for frame in frames if frame.part != "done")
    if "bad_json" in active:
        return _corrupt_one(frames, lambda raw: raw[: len(raw) // 2])
    if "invalid_utf8" in active:
        return _corrupt_one(frames, _with_bad_byte)
    return frames


def _half(answer: ModelResponse) -> Iterator[Frame]:
    frames = [frame for frame in answer.frames() if frame.part in ("role", "reasoning", "content", "tool")]
    contents = [index for index, frame in enumerate(frames) if frame.part in ("content", "tool")]
    return iter(frames[: contents[len(contents) // 2]] if contents else frames)


def _corrupt_one(frames: Iterator[Frame], corrupt: Callable[[bytes], bytes]) -> Iterator[Frame]:
    """Corrupt the second content event, or the finish event if there is only one."""
    seen, corrupted = 0, False
    for frame in frames:
        seen += frame.part in ("content", "reasoning", "tool")
        if not corrupted and (seen == 2 or frame.part == "finish"):
            corrupted = True
            yield replace(frame, raw=corrupt(frame.raw))
        else:
            yield frame


def _with_bad_byte(raw: bytes) -> bytes:
    """Insert a byte that is not UTF-8 into the first text that is not empty, else before the last bracket."""
    for key in (b'"content":"', b'"reasoning_content":"', b'"arguments":"'):
        at = raw.find(key)
        if at >= 0 and raw[at + len(key) : at + len(key) + 1] != b'"':
            return raw[: at + len(key)] + b"\xff" + raw[at + len(key) :]
    return raw[:-1] + b"\xff" + raw[-1:]


def _enlarge(answer: ModelResponse, active: Active) -> None:
    if "big_event" in active:
        answer.completions[0].content.insert(0, "x" * int(active["big_event"]))


def _event(frame: Frame, active: Active) -> bytes:
    line = b"\r\n" if "crlf" in active else b"\n"
    before = b": keep-alive" + line * 2 + line if "comments" in active else b""
    if frame.comment:
        before += f": {frame.comment}".encode() + line * 2
    return before + b"data: " + frame.raw + line * 2


class _Writer:
    """Writes the pieces of a body: whole, in small parts, split inside characters, or compressed."""

    def __init__(self, wire: HttpConnection, active: Active, *, chunked: bool) -> None:
        self._wire = wire
        self._active = active
        self._chunked = chunked
        # A whole body is compressed before its length is sent; a stream is compressed piece by piece.
        self._compressor = zlib.compressobj(wbits=31) if chunked and "gzip" in active else None

    async def __call__(self, data: bytes) -> None:
        if self._compressor is not None:
            data = self._compressor.compress(data) + self._compressor.flush(zlib.Z_SYNC_FLUSH)
        if "drip" in self._active:
            pieces = [data[at : at + DRIP_BYTES] for at in range(0, len(data), DRIP_BYTES)]
            await self._slowly(pieces, self._active["drip"] / 1000)
        elif "split_utf8" in self._active:
            await self._slowly(split_characters(data), SPLIT_PAUSE_S)
        else:
            await self._wire.send(self._framed(data))

    async def _slowly(self, pieces: list[bytes], pause_s: float) -> None:
        for piece in pieces:
            await self._wire.send(self._framed(piece))
            if len(pieces) > 1:
                await asyncio.sleep(pause_s)

    def _framed(self, data: bytes) -> bytes:
        return chunk(data) if self._chunked else data

    async def end(self) -> None:
        """End a chunked body."""
        rest = self._compressor.flush() if self._compressor is not None else b""
        await self._wire.send(chunk(rest) + LAST_CHUNK)


def split_characters(data: bytes) -> list[bytes]:
    """Split `data` inside each character that has several bytes."""
    pieces, start = [], 0
    for at in range(1, len(data)):
        inside = data[at] & 0xC0 == 0x80
        if inside and data[at - 1] & 0xC0 == 0xC0:
            pieces.append(data[start:at])
            start = at
    return [*pieces, data[start:]]
