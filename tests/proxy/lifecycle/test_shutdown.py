"""Shutdown of a real process: first not ready, then closed; every request under way gets a response or an error.

``tests/acceptance/waits.py`` judges the times.
"""

import asyncio
import contextlib
import json
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.proxy.attempts.test_disconnects import SSE_HEAD, piece, read_all, request_sent, settings
from tests.proxy.lifecycle.test_processes import KEYLESS, ROOT
from tests.proxy.play import DONE, chunk
from tests.support.harness import hang_up, vendor

FIRST = SSE_HEAD + piece(chunk({"role": "assistant", "content": "a"}))
LAST = piece(chunk({}, "stop") + DONE) + b"0\r\n\r\n"


@dataclass
class Served:
    """A process that serves."""

    process: Process
    url: str

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    async def ended(self) -> tuple[int, list[dict[str, Any]], str]:
        """Return the exit code, the access lines, and the other output."""
        async with asyncio.timeout(30):
            out, err = await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode, [json.loads(line) for line in out.splitlines()], err.decode()


@asynccontextmanager
async def serving(
    tmp_path: Path,
    base_url: str,
    policy: Mapping[str, Any] | None = None,
    command: Sequence[str] = ("-m", "proxy"),
    **server: Any,
) -> AsyncIterator[Served]:
    """A proxy in a separate process in front of this vendor. ``command``: what Python runs."""
    file = tmp_path / "banjia.yaml"
    made = settings(base_url, server={"listen": "127.0.0.1:0", "admin_listen": "off", **server})
    file.write_text(json.dumps({**made, "policy": dict(policy or {})}))
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, "serve", "-c", str(file),
        env={**KEYLESS, "PYTHONPATH": str(ROOT)}, stdout=PIPE, stderr=PIPE,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        url = ""
        async with asyncio.timeout(30):
            while not (output := (await process.stderr.readline()).decode()).startswith("connecting to vendors"):
                assert process.returncode is None
                if output.startswith("banjia serves "):
                    url = output.split()[2].removesuffix("/v1,")
        yield Served(process, url)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def get(url: str, path: str) -> tuple[int, bytes]:
    """Return status and head of a request on a new connection. Raises OSError or EOFError if the port is closed."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(b"GET %b HTTP/1.1\r\nhost: localhost\r\n\r\n" % path.encode())
        head = await reader.readuntil(b"\r\n\r\n")
    finally:  # a server that is just closing accepts the connection and closes it
        await hang_up(writer)
    return int(head.split()[1]), head.lower()


async def closed(url: str) -> None:
    """Wait until no connection is accepted any more."""
    with contextlib.suppress(OSError, EOFError):
        while True:
            await get(url, "/livez")


def test_it_is_not_ready_at_once_serves_on_for_the_delay_and_finishes_its_streams(tmp_path: Path) -> None:
    async def scene() -> None:
        end = asyncio.Event()

        async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
            writer.write(FIRST)
            await end.wait()
            writer.write(LAST)

        async with (
            vendor(slow) as base_url,
            serving(tmp_path, base_url, drain_delay_s=3, grace_s=60) as served,
            request_sent(served.url, stream=True) as reader,
        ):
            await reader.readuntil(b'"content":"a"')
            assert (await get(served.url, "/readyz"))[0] == 200
            served.signal(signal.SIGTERM)
            while (await get(served.url, "/readyz"))[0] == 200:
                await asyncio.sleep(0.005)
            async with request_sent(served.url, stream=True) as later:  # the server still accepts connections
                assert b"200 OK" in await later.readuntil(b"\r\n\r\n")
                status, head = await get(served.url, "/livez")
                assert (status, b"connection: close" in head) == (200, True)
                with contextlib.suppress(OSError, EOFError):
                    while True:
                        await get(served.url, "/livez")
                        await asyncio.sleep(0.02)
                assert served.process.returncode is None
                end.set()
                for stream in (reader, later):
                    assert b"[DONE]" in await stream.read(-1)
            code, lines, output = await served.ended()
            assert (code, [line["ending"] for line in lines], output) == (0, ["complete", "complete"], "")

    asyncio.run(scene())


def test_at_the_end_of_the_grace_every_client_gets_an_error_and_the_exit_code_is_0(tmp_path: Path) -> None:
    """A stream, a whole response, a body that is still arriving, and a client that does not read."""

    async def scene() -> None:
        async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
            if b'"stream": true' in body or b'"stream":true' in body:
                writer.write(FIRST)
            while b"flood" in body:
                writer.write(piece(chunk({"content": "a" * 60_000})))
                await writer.drain()
            assert await reader.read(1) == b""
            raise ConnectionError

        async with (
            vendor(never) as base_url,
            serving(tmp_path, base_url, drain_delay_s=0.1, grace_s=0.6) as served,
            request_sent(served.url, stream=True) as stream,
            request_sent(served.url, stream=True, messages=[{"role": "user", "content": "flood"}]) as unread,
        ):
            await stream.readuntil(b'"content":"a"')
            await unread.readuntil(b"content")
            whole = asyncio.create_task(read_all(served.url))
            host, port = served.url.removeprefix("http://").split(":")
            halfway, writer = await asyncio.open_connection(host, int(port))
            writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99\r\n\r\n{")
            await asyncio.sleep(0.2)  # until the flood has filled what there is between the two
            served.signal(signal.SIGTERM)
            code, lines, output = await served.ended()
            assert code == 0
            assert output == ""

            rest = await stream.read(-1)
            assert b'"code":"server_shutting_down"' in rest
            assert b"[DONE]" not in rest
            status, body = await whole
            assert (status, json.loads(body)["error"]["code"]) == (503, "server_shutting_down")
            head = await halfway.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 503 ")
            assert b"retry-after: 1\r\n" in head
            assert b"x-should-retry: true\r\n" in head  # no vendor was called
            await hang_up(writer)
            assert sorted(line["ending"] for line in lines) == ["rejected", "rejected", "truncated", "truncated"]
            assert {line["code"] for line in lines} == {"server_shutting_down"}

    asyncio.run(scene())


SLOW_ENDS = """
import time
from proxy import cli
from proxy.attempts.runner import AttemptRunner

async def close_all(self, close_all=AttemptRunner._close_all):
    time.sleep(0.02)
    await close_all(self)

AttemptRunner._close_all = close_all
cli.main()
"""
"""The end of each attempt takes 20 ms of the event loop, as on a machine that is short of CPU time."""


def test_at_the_end_of_the_grace_every_client_gets_an_error_also_if_the_event_loop_is_late(tmp_path: Path) -> None:
    async def scene() -> None:
        async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
            writer.write(FIRST)
            assert await reader.read(1) == b""
            raise ConnectionError

        async with contextlib.AsyncExitStack() as stack:
            base_url = await stack.enter_async_context(vendor(never))
            served = await stack.enter_async_context(
                serving(tmp_path, base_url, command=["-c", SLOW_ENDS], drain_delay_s=0, grace_s=0.3)
            )
            streams = [await stack.enter_async_context(request_sent(served.url, stream=True)) for _ in range(40)]
            for stream in streams:
                await stream.readuntil(b'"content":"a"')
            served.signal(signal.SIGTERM)
            for stream in streams:
                rest = await stream.read(-1)
                assert b'"code":"server_shutting_down"' in rest
                assert rest.endswith(b"\r\n0\r\n\r\n")
            code, lines, _ = await served.ended()
            assert code == 0
            assert {(line["ending"], line["code"]) for line in lines} == {("truncated", "server_shutting_down")}

    asyncio.run(scene())


def test_a_call_that_was_made_is_not_to_be_made_again_without_thought(tmp_path: Path) -> None:
    """The vendor may have billed it: a header prevents a retry by the SDK."""

    async def scene() -> None:
        reached = asyncio.Event()

        async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
            reached.set()
            assert await reader.read(1) == b""
            raise ConnectionError

        async with (
            vendor(never) as base_url,
            serving(tmp_path, base_url, drain_delay_s=120, grace_s=0.2) as served,
            request_sent(served.url) as reader,
        ):
            await reached.wait()
            served.signal(signal.SIGTERM)
            head = await reader.readuntil(b"\r\n\r\n")
            assert b"x-should-retry: false\r\n" in head
            assert (await served.ended())[0] == 0  # the grace period also limits accepting

    asyncio.run(scene())


HELD_OPEN = FIRST + piece(chunk({}, "stop") + DONE)


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("transport", ["fast", "httpx"])
def test_a_stop_just_after_an_answers_end_changes_nothing_about_it(tmp_path: Path, transport: str, n: int) -> None:
    """The vendor keeps its connection open after the end marker; the client has its response and connection."""

    async def scene() -> None:
        async def held_open(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
            writer.write(HELD_OPEN)
            assert await reader.read(1) == b""
            raise ConnectionError

        async with (
            vendor(held_open) as base_url,
            serving(tmp_path, base_url, drain_delay_s=0, grace_s=0, transport=transport) as served,
            request_sent(served.url, stream=True, n=n) as reader,
        ):
            await reader.readuntil(DONE + b"\r\n0\r\n\r\n")
            served.signal(signal.SIGTERM)
            assert await reader.read(-1) == b""
            code, lines, output = await served.ended()
            assert (code, output) == (0, "")
            assert [(line["ending"], line["code"]) for line in lines] == [("complete", None)]

    asyncio.run(scene())


def test_a_stop_during_a_body_that_no_vendor_gets_is_reported_and_recorded(tmp_path: Path) -> None:
    """A response of banjia's own (policy.moderations: pass) ends like any other."""

    async def scene() -> None:
        policy = {"moderations": "pass"}
        async with serving(tmp_path, "http://127.0.0.1:9/v1", policy, drain_delay_s=0, grace_s=0) as served:
            host, port = served.url.removeprefix("http://").split(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(b"POST /v1/moderations HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99\r\n\r\n{")
            await asyncio.sleep(0.2)
            served.signal(signal.SIGTERM)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 503 ")
            await hang_up(writer)
            code, lines, output = await served.ended()
            assert (code, output) == (0, "")
            assert [(line["ending"], line["code"]) for line in lines] == [("rejected", "server_shutting_down")]

    asyncio.run(scene())


@pytest.mark.parametrize("first", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_it_at_once(first: signal.Signals, tmp_path: Path) -> None:
    async def scene() -> None:
        async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
            writer.write(FIRST)
            assert await reader.read(1) == b""
            raise ConnectionError

        async with (
            vendor(never) as base_url,
            serving(tmp_path, base_url, drain_delay_s=120, grace_s=120) as served,
            request_sent(served.url, stream=True) as reader,
        ):
            await reader.readuntil(b'"content":"a"')
            served.signal(first)
            if first is signal.SIGINT:  # closes without delay
                async with asyncio.timeout(30):
                    await closed(served.url)
            else:
                while (await get(served.url, "/readyz"))[0] == 200:
                    await asyncio.sleep(0.01)
            assert served.process.returncode is None
            served.signal(signal.SIGINT)
            assert (await served.ended())[0] == 1  # long before the delay or the grace is over

    asyncio.run(scene())
