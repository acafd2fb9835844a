"""The load generator of the benchmark. Prints one JSON object; every run has a fixed length.

    python -m bench.load requests --port 9210 --pid PID     # 32 connections, each with one request after the other
    python -m bench.load burst    --port 9210 --pid PID     # the same with streams of 64 events sent at once
    python -m bench.load paced    --port 9210 --pid PID     # 50 streams, an event every 20 ms
    python -m bench.load many     --port 9210 --pid PID     # 1,000 concurrent streams, an event every 500 ms

A response counts only with status 200 and all of its events, so that failures do not look fast.
"""

# ruff: noqa: T201

import argparse
import asyncio
import os
import re
import resource
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import uvloop

STAMP = re.compile(rb"T(\d{19});")
ADVICE = "You are a careful assistant. Answer briefly, in plain words, and say so when you do not know. "


@dataclass
class Mode:
    """Kind of requests, number of connections and duration (seconds); ``rounds`` ends a run by count instead."""

    clients: int
    events: int = 0
    gap_ms: int = 0
    for_s: float = 3.0
    rounds: int = 0


MODES = {
    "requests": Mode(32),
    "single": Mode(1, for_s=2),
    "burst": Mode(16, events=64, for_s=2),
    "paced": Mode(50, events=100, gap_ms=20, rounds=1),
    "many": Mode(1000, events=10, gap_ms=500, rounds=1),
}


@dataclass
class Seen:
    """The results of a run. Times in nanoseconds."""

    good: int = 0
    bad: int = 0
    took: list[int] = field(default_factory=list)
    delays: list[int] = field(default_factory=list)


class Client(asyncio.Protocol):
    """A kept-alive connection that repeats the same request."""

    def __init__(self, question: bytes, events: int, seen: Seen) -> None:
        self._question = question
        self._events = events
        self._seen = seen
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[None] | None = None
        self._got = bytearray()
        self._count = 0
        self._at = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._over()

    async def ask(self) -> None:
        """Send one request and read the complete response."""
        if self._transport is None:
            raise ConnectionError("the proxy closed the connection")
        self._got.clear()
        self._count = self._at = 0
        self._answer = asyncio.get_running_loop().create_future()
        began = time.monotonic_ns()
        self._transport.write(self._question)
        await self._answer
        good = self._got.startswith(b"HTTP/1.1 200") and self._whole()
        self._seen.good += good
        self._seen.bad += not good
        self._seen.took.append(time.monotonic_ns() - began)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic_ns()
        self._got += data
        if self._events:
            for stamp in STAMP.finditer(self._got, self._at):
                self._seen.delays.append(now - int(stamp[1]))
                self._count += 1
                self._at = stamp.end()
        if self._whole():
            self._over()

    def _whole(self) -> bool:
        if self._events:
            return self._count == self._events and self._got.endswith(b"0\r\n\r\n")
        head = self._got.find(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: *(\d+)", self._got[:head]) if head > 0 else None
        if length is not None:
            return len(self._got) == head + 4 + int(length[1])
        return self._got.endswith(b"0\r\n\r\n")

    def _over(self) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(None)

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()


def question(port: int, mode: Mode) -> bytes:
    """Return a request of about a kilobyte."""
    directive = f"<n={mode.events} gap={mode.gap_ms}> " if mode.events else ""
    texts = [("system", ADVICE * 3), ("user", ADVICE * 2), ("assistant", ADVICE * 2), ("user", directive + ADVICE)]
    body: dict[str, Any] = {
        "model": "bench",
        "messages": [{"role": role, "content": text} for role, text in texts],
        "temperature": 0.7,
        "max_tokens": 256,
    }
    if mode.events:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    data = orjson.dumps(body)
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer sk-bench\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data


def cpu_s(pid: int) -> float:
    """Return user and system time of a process with all its threads and children."""
    total = 0.0
    for task in Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0]) / 1e9
        total += sum(cpu_s(int(child)) for child in (task / "children").read_text().split())
    return total


def rss_mb(pid: int) -> float:
    """Return the resident memory of a process with its children (MiB)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    children = [
        child for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20 + sum(rss_mb(int(child)) for child in children)


async def play(port: int, mode: Mode, seen: Seen) -> float:
    """Run a mode and return the seconds it took."""
    loop = asyncio.get_running_loop()
    request = question(port, mode)
    clients: list[Client] = []
    for _ in range(mode.clients):
        made = await loop.create_connection(lambda: Client(request, mode.events, seen), "127.0.0.1", port)
        clients.append(made[1])
    began = loop.time()
    ramp_s = mode.gap_ms / 1000

    async def one(number: int, client: Client) -> None:
        await asyncio.sleep(ramp_s * number / len(clients))
        done = 0
        while done < mode.rounds if mode.rounds else loop.time() - began < mode.for_s:
            await client.ask()
            done += 1

    limit_s = 30 + mode.for_s + 3 * ramp_s * mode.events * mode.rounds
    results = await asyncio.gather(
        *(asyncio.wait_for(one(number, client), limit_s) for number, client in enumerate(clients)),
        return_exceptions=True,
    )
    seen.bad += sum(isinstance(result, Exception) for result in results)
    took = loop.time() - began
    for client in clients:
        client.close()
    return took


def at(values: list[int], share: float) -> float | None:
    """Return the quantile, in milliseconds."""
    return round(sorted(values)[min(len(values) - 1, int(len(values) * share))] / 1e6, 3) if values else None


async def measure(port: int, pid: int, mode: Mode) -> dict[str, Any]:
    """Warm up for half a second, then run."""
    await play(port, Mode(8, min(mode.events, 4), min(mode.gap_ms, 1), for_s=0.5), Seen())
    seen = Seen()
    before = cpu_s(pid)
    took = await play(port, mode, seen)
    used = cpu_s(pid) - before
    units = len(seen.delays) if mode.gap_ms else seen.good
    return {
        "good": seen.good,
        "bad": seen.bad,
        "per_s": round(seen.good / took),
        "cpu_us": round(used * 1e6 / units, 1) if units else None,
        "cores": round(used / took, 3),
        "p50_ms": at(seen.delays if mode.gap_ms else seen.took, 0.5),
        "p99_ms": at(seen.delays if mode.gap_ms else seen.took, 0.99),
        "rss_mb": round(rss_mb(pid), 1),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=MODES)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--pid", type=int, required=True)
    args = parser.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(orjson.dumps(runner.run(measure(args.port, args.pid, MODES[args.mode]))).decode())
