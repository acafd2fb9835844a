"""The mock vendor of the benchmark: answers chat completions in a few microseconds of CPU, so that the proxy dominates.

A directive in the request's last message, which every proxy forwards, defines the response: ``<n=64 gap=20>`` requests a
stream of 64 events, one every 20 ms; with ``gap=0`` all at once. Each event carries the monotonic clock (ns), which the
load generator on the same machine compares with its own: the difference is the latency of the event.

    python -m bench.mock --port 9100
"""

import argparse
import asyncio
import re
import signal
import time

import orjson
import uvloop

ORDER = re.compile(rb"<n=(\d+) gap=(\d+)>")
LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
COMMON = {"id": "chatcmpl-bench", "created": 1700000000, "model": "bench-upstream"}
USAGE = {"prompt_tokens": 120, "completion_tokens": 64, "total_tokens": 184}
HEAD = b"HTTP/1.1 200 OK\r\nx-request-id: bench\r\ncontent-type: "
STAMP = b"T%019d;"


def _whole() -> bytes:
    message = {"role": "assistant", "content": "BENCH " + "a plain answer of some length " * 26}
    choice = {"index": 0, "finish_reason": "stop", "logprobs": None, "message": message}
    body = orjson.dumps({**COMMON, "object": "chat.completion", "choices": [choice], "usage": USAGE})
    return HEAD + b"application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)


def _event(delta: dict[str, str], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    extra = {"usage": USAGE} if finish else {}
    data = orjson.dumps({**COMMON, "object": "chat.completion.chunk", "choices": [choice], **extra})
    return b"data: %b\n\n" % data


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


WHOLE = _whole()
OPEN = HEAD + b"text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n" + _chunk(_event({"role": "assistant"}))
BEFORE, AFTER = _chunk(_event({"content": (STAMP % 0).decode() + " some more text"})).split(STAMP % 0)
CLOSE = _chunk(_event({}, "stop")) + _chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"


def _stamped() -> bytes:
    return BEFORE + STAMP % time.monotonic_ns() + AFTER


class Vendor(asyncio.Protocol):
    """One connection with one request at a time, as a proxy's pool sends them."""

    def __init__(self) -> None:
        self._got = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None

    def data_received(self, data: bytes) -> None:
        self._got += data
        end = self._got.find(b"\r\n\r\n") + 4
        length = LENGTH.search(self._got, 0, end) if end > 3 else None
        if length is None or len(self._got) < end + int(length[1]):
            return
        body, self._got = self._got, b""
        self._answer(body)

    def _answer(self, request: bytes) -> None:
        assert self._transport is not None
        order = ORDER.search(request)
        if order is None:
            self._transport.write(WHOLE)
            return
        n, gap_s = int(order[1]), int(order[2]) / 1000
        if not gap_s:
            self._transport.write(OPEN + b"".join(_stamped() for _ in range(n)) + CLOSE)
            return
        self._transport.write(OPEN)
        loop = asyncio.get_running_loop()
        loop.call_later(gap_s, self._next, n, gap_s, loop.time() + gap_s)

    def _next(self, left: int, gap_s: float, due: float) -> None:
        if self._transport is None:
            return
        self._transport.write(_stamped())
        if left == 1:
            self._transport.write(CLOSE)
        else:
            asyncio.get_running_loop().call_at(due + gap_s, self._next, left - 1, gap_s, due + gap_s)


async def _serve(port: int) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    server = await loop.create_server(Vendor, "127.0.0.1", port, backlog=2048)
    await stop.wait()
    server.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=9100)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(parser.parse_args().port))
