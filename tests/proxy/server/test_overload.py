"""Too many requests: the excess is refused at once, and the admitted ones are served as before.

``tests/acceptance/waits.py`` judges the waits of both.
"""

import asyncio
import gc
import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from proxy.upstream.client import Upstream
from tests.proxy.body_limits.corpus import post
from tests.proxy.server.raw_client import LIVEZ, Answer, answers_hello, chat, line, run, serving
from tests.support.harness import proxy, vendor

ROOM = 20


def test_over_the_limit_clients_are_refused_while_the_others_are_still_served() -> None:
    """The vendor answers only after every refusal has arrived: a refusal does not wait for a slot."""
    gate = asyncio.Event()

    async def waits(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        await gate.wait()
        await answers_hello(reader, writer, body)

    async def scene() -> None:
        async with serving(waits, max_concurrency=ROOM) as running:

            async def served() -> int:
                async with line(running.url) as to:
                    await to.send(chat())
                    answer = await to.answer()
                    assert answer is not None
                    return answer.status

            first = [asyncio.create_task(served()) for _ in range(ROOM)]
            while running.state.active < ROOM:
                await asyncio.sleep(0.005)
            for _ in range(2):
                async with line(running.url) as to:
                    for _ in range(ROOM):
                        await to.send(chat())
                        answer = await to.answer()
                        assert answer is not None
                        assert answer.status == 503
                        assert answer.error["code"] == "server_is_overloaded"
                        assert answer.error["type"] == "service_unavailable_error"
                        assert b"\r\nretry-after: 1\r\n" in answer.head
                        assert b"\r\nx-should-retry: true\r\n" in answer.head
                        assert b"connection: close" not in answer.head
            assert running.state.active == ROOM
            gate.set()
            assert await asyncio.gather(*first) == [200] * ROOM
            assert await served() == 200

    run(scene())


def test_a_refused_client_need_not_send_its_body() -> None:
    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        await asyncio.sleep(60)

    async def scene() -> None:
        async with serving(never, max_concurrency=1) as running, line(running.url) as first:
            await first.send(chat())
            while not running.state.active:
                await asyncio.sleep(0.005)
            async with line(running.url) as second:
                await second.send(post(b"Content-Length: 30000000", b"Expect: 100-continue"))
                answer = await second.answer()
                assert answer is not None
                assert answer.status == 503  # and not 100: the server does not request the body
                assert await second.ended()

    run(scene())


def test_bodies_that_arrive_together_still_find_no_more_places_than_there_are() -> None:
    gate = asyncio.Event()

    async def waits(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        await gate.wait()
        await answers_hello(reader, writer, body)

    async def scene() -> None:
        async with serving(waits, max_concurrency=3) as running:
            held = asyncio.Event()
            refused = 0

            async def one() -> int:
                nonlocal refused
                async with line(running.url) as caller:
                    head, _, body = chat().partition(b"\r\n\r\n")
                    await caller.send(head + b"\r\n\r\n")
                    await held.wait()
                    await caller.send(body)
                    answer = await caller.answer()
                    assert answer is not None
                    refused += answer.status == 503
                    if refused == 7:
                        gate.set()
                    return answer.status

            callers = [asyncio.create_task(one()) for _ in range(10)]
            await asyncio.sleep(0.1)  # the heads arrive
            held.set()
            assert sorted(await asyncio.gather(*callers)) == [200] * 3 + [503] * 7

    run(scene())


def test_more_connections_than_the_limit_are_refused_or_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.server.protocol.max_connections", lambda: 8)

    async def scene() -> None:
        async with serving() as running:
            lines = [line(running.url) for _ in range(12)]
            callers = [await one.__aenter__() for one in lines]
            answer = await callers[8].answer()
            assert answer is not None
            assert (answer.status, answer.error["code"]) == (503, "server_is_overloaded")
            assert b"\r\nretry-after: 1\r\n" in answer.head
            assert await callers[11].answer() is None
            await callers[0].send(LIVEZ)
            served = await callers[0].answer()
            assert served is not None
            assert served.status == 200
            for one in lines:
                await one.__aexit__(None, None, None)
            again = None
            while again is None or again.status == 503:  # until the server has seen them leave
                async with line(running.url) as caller:
                    await caller.send(LIVEZ)
                    again = await caller.answer()
            assert again.status == 200

    run(scene())


SERVE = 'ulimit -n "$1"; exec "$0" -m proxy serve'


@contextmanager
def process(tmp_path: Path, files: int, **environ: str) -> Iterator[str]:
    """Run a process with this limit of open files; yield its URL."""
    environment = {
        **os.environ,
        "KIMI_API_KEY": "sk-kimi-0000000000000001",
        "BANJIA_SERVER__LISTEN": "127.0.0.1:0",
        "BANJIA_SERVER__ADMIN_LISTEN": "off",
        "PYTHONPATH": str(Path(__file__).parents[3]),
        **environ,
    }
    output = tmp_path / "said"
    with output.open("wb") as errors:
        server = subprocess.Popen(
            ["bash", "-c", SERVE, sys.executable, str(files)], cwd=tmp_path, env=environment, stderr=errors
        )
    try:
        for _ in range(600):
            if b"/v1, answered by" in output.read_bytes():
                break
            assert server.poll() is None, output.read_text()
            time.sleep(0.05)
        yield output.read_text().split()[2].removesuffix("/v1,")
    finally:
        server.kill()
        server.wait()
    assert "Traceback" not in output.read_text()


def status_of(answer: Answer | None) -> int:
    """The status, 0 where the connection was closed instead; a 503 is of the right kind."""
    if answer is not None and answer.status == 503:
        assert answer.error["code"] == "server_is_overloaded"
        assert b"\r\nretry-after: 1\r\n" in answer.head
    return answer.status if answer is not None else 0


async def recovers(url: str) -> None:
    async with asyncio.timeout(30):
        while True:
            async with line(url) as caller:
                await caller.send(LIVEZ)
                if status_of(await caller.answer()) == 200:
                    return
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("files", [64, 128])
@pytest.mark.parametrize("request_", [LIVEZ, chat()], ids=["livez", "chat"])
def test_without_descriptors_every_client_is_served_or_gets_503_and_the_server_recovers(
    files: int, request_: bytes, tmp_path: Path
) -> None:
    """400 clients stay connected to a process that may open 64 or 128 files. Each connection gets a response."""

    async def scene(url: str) -> list[int]:
        outcomes: list[int] = []
        done = asyncio.Event()

        async def one() -> None:
            try:
                async with line(url) as caller:
                    await caller.send(request_)
                    outcomes.append(status_of(await asyncio.wait_for(caller.answer(), 30)))
                    await done.wait()
            except (ConnectionError, TimeoutError):
                outcomes.append(-1)

        crowd = [asyncio.create_task(one()) for _ in range(400)]
        while len(outcomes) < 400:
            await asyncio.sleep(0.01)
        done.set()
        await asyncio.gather(*crowd)
        await recovers(url)
        return outcomes

    async def answers() -> list[int]:
        async with vendor(answers_hello) as base_url, asyncio.timeout(50):
            with process(tmp_path, files, BANJIA_VENDORS__KIMI__BASE_URL=base_url) as url:
                return await scene(url)

    outcomes = run(answers())
    assert set(outcomes) == {200, 503}
    assert outcomes.count(200) >= (20 if request_ is LIVEZ else 1)
    assert outcomes.count(503) >= 100


@contextmanager
def no_files_left() -> Iterator[Callable[[], None]]:
    """Use up all descriptors of this process, whatever its limit is.

    Yields a function that takes released descriptors again: those of earlier tests may be closed during this one.
    """
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    gc.collect()
    gc.disable()
    taken: list[int] = []

    def take() -> None:
        with suppress(OSError):
            while True:
                taken.append(os.dup(0))

    probe = os.dup(0)
    os.close(probe)
    resource.setrlimit(resource.RLIMIT_NOFILE, (probe, limits[1]))
    try:
        take()
        yield take
    finally:
        for descriptor in taken:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        gc.enable()


@pytest.mark.parametrize("kind", ["fast", "httpx"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_call_for_which_we_have_no_descriptor_is_our_503_and_no_fault_of_the_vendors(
    stream: bool, host: str, kind: Any
) -> None:
    """The client is connected already; nothing counts against the vendor, and no other target is tried."""

    async def scene() -> None:
        async with vendor(answers_hello) as url:
            entry = {"api_key": "sk-kimi-0000000000000001", "base_url": url.replace("127.0.0.1", host)}
            settings = {"vendors": {"kimi": entry}, "models": {"gpt-4o": ["kimi/kimi-k2.6", "kimi/kimi-k2.5"]}}
            async with (
                proxy(settings, Upstream.over_the_network(10, kind)) as running,
                line(running.url) as warm,
                line(running.url) as caller,
            ):
                for connection in (warm, caller):
                    await connection.send(LIVEZ)
                    assert status_of(await connection.answer()) == 200
                # Reads the vendor's catalog, as the command does when it starts.
                running.state.snapshot.routing.find("gpt-4o", "chat")
                with no_files_left() as take:
                    for _ in range(8):  # more than opens a breaker
                        await asyncio.sleep(0.01)
                        take()
                        await caller.send(chat(model="gpt-4o", stream=stream))
                        answer = await caller.answer()
                        assert status_of(answer) == 503
                        assert answer is not None
                        assert "descriptor" in answer.error["message"]
                        assert b"\r\nx-should-retry: true\r\n" in answer.head
                await running.settled(8)
                assert [ending["attempts"] for ending in running.lines] == [1] * 8
                assert not running.state.breaker.failing
                await caller.send(chat(model="gpt-4o"))
                assert status_of(await caller.answer()) == 200

    run(scene())


def test_without_even_the_reserved_descriptor_clients_wait_and_are_served_later() -> None:
    async def scene() -> None:
        async with serving() as running:
            async with line(running.url) as first:
                await first.send(LIVEZ)
                assert status_of(await first.answer()) == 200
            socks = [socket.socket() for _ in range(3)]
            host, port = running.url.removeprefix("http://").split(":")
            with no_files_left():
                for sock in socks:
                    sock.connect((host, int(port)))
                    sock.sendall(LIVEZ)
                await asyncio.sleep(0.3)
            for sock in socks:
                sock.setblocking(False)
                head = await asyncio.get_running_loop().sock_recv(sock, 65_536)
                assert int(head[9:12]) in (200, 503)
                sock.close()

    run(scene())
