"""Shows the path of one request through the project's files: which files it crosses, and how often it changes the file.

A proxy, the mock vendor and the client run in this process. After a few requests that fill the caches, a profiler
records each entry into a function of ``proxy``, ``adapters`` or ``config``, including each time a coroutine resumes.
Two entries in a row that are in different files count as one change of file; returns are not counted.

    python -m bench.trace [--path]      # --path also prints the entries, indented by their depth
"""

import argparse
import asyncio
import contextlib
import io
import itertools
import os
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import NamedTuple

import orjson
import uvloop

from bench.mock import LENGTH, Vendor
from config.schema import Settings
from proxy.app_state import AppState
from proxy.lifecycle.run import bind, serve
from proxy.upstream.client import Upstream

ROOT = Path(__file__).parents[1]
FOLDERS = tuple(f"{ROOT / folder}{os.sep}" for folder in ("proxy", "adapters", "config"))
WARM = 5
"""Requests before the recorded ones."""
ROUNDS = 15
"""Recorded requests. The most frequent path counts: in some, timers of the server run or two events arrive together."""
MESSAGES = {"request": (False, "a question"), "stream": (True, "<n=3 gap=30>")}
"""Whether each kind of request streams, and its message. The stream's three events arrive one by one, 30 ms apart."""


class Entry(NamedTuple):
    """One entry into a function: its file and name, and how many functions of the project are around it."""

    file: str
    function: str
    depth: int


class Recorder:
    """A profile function that records the entries into functions of the project."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._depth = 0
        self._names: dict[str, str] = {}  # file name of code -> path in the project; empty for other code

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        """Record an event of ``sys.setprofile``."""
        if event not in ("call", "return"):
            return
        name = frame.f_code.co_filename
        if name not in self._names:
            self._names[name] = str(Path(name).relative_to(ROOT)) if name.startswith(FOLDERS) else ""
        file = self._names[name]
        if not file:
            return
        if event == "return":
            self._depth = max(0, self._depth - 1)
        else:
            self.entries.append(Entry(file, frame.f_code.co_qualname, self._depth))
            self._depth += 1

    @contextlib.contextmanager
    def recording(self) -> Iterator[None]:
        """Record until the block ends."""
        sys.setprofile(self)
        try:
            yield
        finally:
            sys.setprofile(None)


def changes(entries: list[Entry]) -> int:
    """Return how many entries are in another file than the entry before."""
    return sum(entry.file != before.file for before, entry in itertools.pairwise(entries))


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kind: str) -> None:
    """Send one request over a kept connection, in one write, and read the complete response. Raises RuntimeError."""
    stream, text = MESSAGES[kind]
    body = orjson.dumps({"model": "bench", "stream": stream, "messages": [{"role": "user", "content": text}]})
    head = (
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer sk-bench\r\n"
        b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
    )
    writer.write(head + body)
    response = await reader.readuntil(b"\r\n\r\n")
    length = LENGTH.search(response)
    response += await (reader.readuntil(b"\r\n0\r\n\r\n") if length is None else reader.readexactly(int(length[1])))
    if not response.startswith(b"HTTP/1.1 200") or (stream and b"data: [DONE]" not in response):
        raise RuntimeError(response[:200])


async def record(port: int, kind: str) -> list[Entry]:
    """Return the entries of one request of a kind, the most frequent ones of ``ROUNDS``."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(WARM):
        await ask(reader, writer, kind)
    recorders = [Recorder() for _ in range(ROUNDS)]
    for recorder in recorders:
        with recorder.recording():
            await ask(reader, writer, kind)
            await asyncio.sleep(0.02)  # what the server does after the last byte
    writer.close()
    await writer.wait_closed()
    [(entries, _)] = Counter(tuple(recorder.entries) for recorder in recorders).most_common(1)
    return list(entries)


async def measure() -> dict[str, list[Entry]]:
    """Run a proxy in front of the mock vendor and return the entries of each kind of request."""
    loop = asyncio.get_running_loop()
    vendor = await loop.create_server(Vendor, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{vendor.sockets[0].getsockname()[1]}/v1"
    settings = Settings.model_validate(
        {
            "server": {"client_keys": ["sk-bench"]},
            "vendors": {"kimi": {"api_key": "sk-upstream", "base_url": url}},
            "models": {"bench": "kimi/kimi-k2.6"},
        }
    )
    state = AppState(settings, Upstream.over_the_network(100))
    sock, ready = bind("127.0.0.1:0"), asyncio.Event()
    serving = asyncio.create_task(serve(state, sock, ready=ready.set))
    await ready.wait()
    try:
        return {kind: await record(sock.getsockname()[1], kind) for kind in MESSAGES}
    finally:
        signal.raise_signal(signal.SIGTERM)
        await serving
        vendor.close()


def lines(entries: list[Entry]) -> Iterator[str]:
    """Yield the path: a line per entry, indented by depth; equal entries in a row are one line with their count."""
    at = 0
    while at < len(entries):
        entry, count = entries[at], 1
        while at + count < len(entries) and entries[at + count] == entry:
            count += 1
        yield f"{'  ' * entry.depth}{entry.file}  {entry.function}" + (f"  x{count}" if count > 1 else "")
        at += count


def main() -> None:
    """Print the figures of a request and of a short stream, and the path with ``--path``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--path", action="store_true", help="print the path, too")
    given = parser.parse_args()
    with contextlib.redirect_stdout(io.StringIO()):  # the access log
        traced = uvloop.run(measure())
    for kind, entries in traced.items():
        files = {entry.file for entry in entries}
        print(f"{kind}: {len(files)} files, {changes(entries)} changes of file, {len(entries)} entries")  # noqa: T201
        if given.path:
            print(*(f"  {line}" for line in lines(entries)), sep="\n")  # noqa: T201


if __name__ == "__main__":
    main()
