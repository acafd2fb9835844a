"""A body that needs far more memory than its size is refused as it arrives, and the memory for large bodies is limited.

Real processes: ``tests/acceptance/measured.py`` measures its own callbacks and memory. These tests assert only statuses;
``tests/acceptance/bodies.py`` judges callbacks and memory.
"""

import asyncio
import functools
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.proxy.server.raw_client import ANSWER, CONTENT, run_within
from tests.support.harness import vendor

MIB = 1024 * 1024
ROOT = Path(__file__).parents[3]
GOOD = ANSWER[:-1]


def listed(value: bytes, times: int) -> bytes:
    return b"[" + b",".join([value] * times) + b"]"


def named(times: int) -> bytes:
    return b"{" + b",".join(b'"k%d":1' % at for at in range(times)) + b"}"


def chat_body(**members: bytes) -> bytes:
    """A chat request to a server that accepts any fields."""
    fields = {"model": b'"office/m"', "messages": b'[{"role":"user","content":"hi"}]', **members}
    return b"{" + b",".join(b'"%b":%b' % (name.encode(), value) for name, value in fields.items()) + b"}"


def deep(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


CHAT = b"/v1/chat/completions"
EMBEDDINGS = b"/v1/embeddings"
AZURE = b"/openai/deployments/office%2Fm/chat/completions"

BODIES: dict[str, tuple[bytes, Callable[[], bytes], int]] = {
    "16 MiB of empty lists": (CHAT, lambda: chat_body(x=listed(b"[]", 16 * MIB // 3)), 400),
    "the same, as a deployment's": (AZURE, lambda: chat_body(x=listed(b"[]", 16 * MIB // 3)), 400),
    "60 MiB of empty lists": (CHAT, lambda: chat_body(x=listed(b"[]", 20 * MIB)), 400),
    "objects": (CHAT, lambda: chat_body(x=listed(b"{}", 2_000_000)), 400),
    "texts": (CHAT, lambda: chat_body(x=listed(b'""', 2_000_000)), 400),
    "a million names": (CHAT, lambda: chat_body(x=named(1_000_000)), 400),
    "as many names as are taken": (CHAT, lambda: chat_body(x=named(490_000)), 200),
    "as many lists as are taken": (CHAT, lambda: chat_body(x=listed(b"[]", 990_000)), 200),
    "one name again and again": (CHAT, lambda: chat_body(x=b"{" + b",".join([b'"a":[]'] * 490_000) + b"}"), 200),
    "65 levels": (CHAT, lambda: chat_body(x=deep(65)), 400),
    "65 levels behind much text": (CHAT, lambda: chat_body(y=b'"' + b"a" * MIB + b'"', x=deep(65)), 400),
    "towers of 61 levels": (CHAT, lambda: chat_body(x=listed(deep(61), 15_000)), 200),
    "30 MiB of commas in a text": (CHAT, lambda: chat_body(x=b'"' + b"," * (30 * MIB) + b'"'), 200),
    "60 MiB of escapes": (CHAT, lambda: chat_body(x=b'"' + b'\\"' * (30 * MIB) + b'"'), 400),
    "60 MiB of text and an emoji": (CHAT, lambda: chat_body(x=b'"' + b"a" * (60 * MIB) + '😀"'.encode()), 400),
    "60 MiB of Chinese": (CHAT, lambda: chat_body(x=b'"' + "中".encode() * (20 * MIB) + b'"'), 400),
    "a number of a million digits": (CHAT, lambda: chat_body(x=b"[0." + b"1" * MIB + b"]"), 200),
    "an exponent of a million digits": (CHAT, lambda: chat_body(x=b"[1e" + b"1" * MIB + b"]"), 400),
    "200,000 messages": (CHAT, lambda: chat_body(messages=listed(b'{"role":"user","content":"a"}', 199_000)), 400),
    "150,000 parts": (
        CHAT, lambda: chat_body(messages=b'[{"role":"user","content":%b}]' % listed(b'{"type":"text","text":"a"}', 150_000)), 400,
    ),
    "300,000 tools": (CHAT, lambda: chat_body(tools=listed(b'{"type":"function"}', 300_000)), 400),
    "a tool's name of 4 MiB": (
        CHAT, lambda: chat_body(tools=b'[{"type":"function","function":{"name":"%b"}}]' % (b"." * (4 * MIB))), 400,
    ),
    "a stop string of 4 MiB": (CHAT, lambda: chat_body(stop=b'"' + b"a" * (4 * MIB) + b'"'), 400),
    "a million token ids": (EMBEDDINGS, lambda: b'{"model":"office/m","input":%b}' % listed(b"1", 990_000), 400),
    "300,000 inputs": (EMBEDDINGS, lambda: b'{"model":"office/m","input":%b}' % listed(b'"a"', 300_000), 400),
    # Each message copied all that stood before it, for a vendor that wants one message a turn.
    "2,048 messages of 8 KiB to a vendor that takes turns": (
        CHAT,
        lambda: chat_body(
            model=b'"ernie/ernie-4.5-turbo-vl"', messages=listed(b'{"role":"user","content":"%b"}' % (b"a" * 8192), 2048)
        ),
        200,
    ),
    "400,000 members before 2,000 messages, to the same": (
        CHAT,
        lambda: chat_body(
            model=b'"ernie/ernie-4.5-turbo-vl"',
            messages=b'[{"role":"user","content":"a",%b,%b]'
            % (named(400_000)[1:], listed(b'{"role":"user","content":"a"}', 2000)[1:-1]),
        ),
        200,
    ),
}  # fmt: skip

ANSWERS: dict[str, tuple[Callable[[], bytes], int]] = {
    "16 MiB of empty lists": (lambda: GOOD + b',"x":' + listed(b"[]", 16 * MIB // 3) + b"}", 502),
    "as many names as are taken": (lambda: GOOD + b',"x":' + named(490_000) + b"}", 200),
    "190,000 choices": (lambda: b'{"choices":' + listed(b'{"message":{}}', 190_000) + b"}", 502),
    "120,000 tool calls": (
        lambda: (
            b'{"choices":[{"finish_reason":"stop","message":{"tool_calls":%b}}]}'
            % listed(b'{"id":"a","function":{"name":"f"}}', 120_000)
        ),
        502,
    ),
    "a usage of 490,000 members": (lambda: GOOD + b',"usage":{"prompt_tokens":1,' + named(490_000)[1:] + b"}", 200),
    "an error of 60 MiB": (lambda: b'{"error":{"message":"' + b"a" * (60 * MIB) + b'"}}', 502),
    "an error that is a list": (lambda: b'{"error":{"message":' + listed(b"1", 990_000) + b"}}", 502),
    "60 MiB of escapes": (lambda: GOOD + b',"x":"' + b'\\"' * (30 * MIB) + b'"}', 502),
    "60 MiB of bad UTF-8": (lambda: GOOD + b',"x":"' + b"\xff" * (60 * MIB) + b'"}', 502),
    "65 levels behind much text": (lambda: GOOD + b',"y":"' + b"a" * MIB + b'","x":' + deep(65) + b"}", 502),
    "300 levels": (lambda: GOOD + b',"x":' + deep(300) + b"}", 502),
}

EVENTS: dict[str, tuple[Callable[[], bytes], bool]] = {
    "a million lists": (lambda: CONTENT[:-1] + b',"x":' + listed(b"[]", 1_000_000) + b"}", False),
    "half a million names": (lambda: CONTENT[:-1] + b',"x":' + named(500_000) + b"}", False),
    "65 levels behind much text": (lambda: CONTENT[:-1] + b',"y":"' + b"a" * MIB + b'","x":' + deep(65) + b"}", False),
    "60 levels behind much text": (lambda: CONTENT[:-1] + b',"y":"' + b"a" * MIB + b'","x":' + deep(60) + b"}", True),
    "escapes": (lambda: CONTENT[:-1] + b',"x":"' + b'\\"' * (3 * MIB) + b'"}', True),
    "90,000 tool calls": (
        lambda: CONTENT.replace(b'{"content":"a"}', b'{"tool_calls":%b}' % listed(b'{"id":"a","function":{}}', 90_000)), False,
    ),
}  # fmt: skip


class Site:
    """A proxy in a separate process, and its vendor's response."""

    def __init__(self, process: asyncio.subprocess.Process, url: str, script: "Script") -> None:
        self._process = process
        self._host, self._port = urlsplit(url).hostname, urlsplit(url).port
        self.vendor = script

    async def report(self) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"\n")
        reported: dict[str, Any] = json.loads(await self._process.stdout.readline())
        return reported

    async def post(self, body: bytes, path: bytes = CHAT, *, reads_after_s: float = 0.0) -> tuple[int, bytes]:
        """The status and the beginning of an answer."""
        reader, writer = await asyncio.open_connection(self._host, self._port)
        head = b"POST %b HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Stainless-Retry-Count: 2\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"

        async def send() -> None:
            try:
                writer.write(head % (path, len(body)) + body)
                await writer.drain()
            except ConnectionError:  # refused as it came
                pass

        sending = asyncio.create_task(send())
        try:
            answer = await reader.read(4096)
            await asyncio.sleep(reads_after_s)
            while piece := await reader.read(MIB):
                if len(answer) < 16_384:
                    answer += piece[:16_384]
        except ConnectionError:
            pass
        await sending
        writer.close()
        return int(answer[9:12] or b"0"), answer

    async def cost(self, requested: Callable[[], Awaitable[Any]], times: int) -> tuple[Any, float]:
        """Return the result, and the longest callback meanwhile, the shortest of several runs."""
        took: list[float] = []
        for _ in range(times):
            await self.report()
            came = await requested()
            await asyncio.sleep(0.05)
            took.append((await self.report())["longest_s"])
        return came, min(took)


class Script:
    """A vendor that always sends the same bytes, until they are changed."""

    def __init__(self) -> None:
        self.body, self.kind, self.after_s = ANSWER, b"application/json", 0.0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        sent = self.body
        await asyncio.sleep(self.after_s)
        writer.write(
            b"HTTP/1.1 200 X\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n" % (self.kind, len(sent)) + sent
        )


@asynccontextmanager
async def site(directory: Path, limit: int) -> AsyncIterator[Site]:
    """Run a proxy under a memory limit (bytes) until the block ends."""
    script = Script()
    async with vendor(script) as url:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.acceptance.measured", url, str(limit), str(directory), cwd=ROOT,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield Site(process, (await process.stdout.readline()).decode().strip(), script)
        finally:
            process.stdin.close()
            try:
                await asyncio.wait_for(process.wait(), 20)
            except TimeoutError:
                process.kill()
                await process.wait()


LARGEST = ("30 MiB", "60 MiB")
"""How the names of bodies begin that take seconds each: acceptance sends them, the core tests do not."""


async def all_bodies(running: Site, times: int = 1, left_out: tuple[str, ...] = ()) -> dict[str, float]:
    """Send each body; each status must be the expected one. Returns what the longest callback took for each, in seconds of
    processor time: the least of so many times."""
    costs: dict[str, float] = {}
    for name, (path, make, wanted) in BODIES.items():
        if name.startswith(left_out):
            continue
        body = make()
        (status, answer), costs[name] = await running.cost(functools.partial(running.post, body, path), times)
        assert status in (wanted, 0), (name, answer[-300:])
    return costs


async def all_answers(running: Site, times: int = 1, left_out: tuple[str, ...] = ()) -> dict[str, float]:
    """The same for each answer, and each event, of the vendor."""
    costs: dict[str, float] = {}
    for name, (make, wanted) in ANSWERS.items():
        if name.startswith(left_out):
            continue
        running.vendor.body = make()
        (status, answer), costs[name] = await running.cost(lambda: running.post(chat_body()), times)
        assert status == wanted, (name, answer[-300:])
        if status == 502:
            assert b"upstream_invalid_response" in answer or b"upstream_error" in answer, name
    running.vendor.kind = b"text/event-stream"
    for name, (event, taken) in EVENTS.items():
        last = CONTENT.replace(b"null", b'"stop"')
        running.vendor.body = b"".join(b"data: %b\n\n" % one for one in (CONTENT, event(), last, b"[DONE]"))
        (status, answer), cost = await running.cost(lambda: running.post(chat_body(stream=b"true")), times)
        assert status == 200, name
        if not taken:
            assert b"upstream_invalid_response" in answer, name
        costs[f"an event with {name}"] = cost
    return costs


def test_each_large_body_is_served_or_refused_as_it_should_be(tmp_path: Path) -> None:
    async def scene() -> None:
        async with site(tmp_path, 8 * 1024 * MIB) as running:
            await all_bodies(running, left_out=LARGEST)

    run_within(scene(), 170)


def test_each_large_answer_of_a_vendor_is_forwarded_or_refused_as_it_should_be(tmp_path: Path) -> None:
    async def scene() -> None:
        async with site(tmp_path, 8 * 1024 * MIB) as running:
            await all_answers(running, left_out=LARGEST)

    run_within(scene(), 170)


LIMIT = 256 * MIB


async def large_mix(limit: int, directory: Path, every: int = 1) -> tuple[int, Counter[int]]:
    """The most memory that was resident under a mix of large bodies (bytes), and how many answers had which status.

    ``every``: with 6 its first round, of long texts, and its last one, of each kind of body.
    """
    text = chat_body(x=b'"' + b"a" * (14 * MIB) + b'"')
    emoji = chat_body(x=b'"' + b"a" * (14 * MIB) + '😀"'.encode())
    lists, names = chat_body(x=listed(b"[]", 990_000)), chat_body(x=named(490_000))
    large = ANSWER.replace(b"hello", b"a" * (14 * MIB))
    bomb = GOOD + b',"x":' + listed(b"[]", 900_000) + b"}"

    async with site(directory, limit) as running:
        came: Counter[int] = Counter()
        running.vendor.after_s = 0.2
        await running.report()
        rounds = [([text] * 8, ANSWER), ([emoji] * 8, ANSWER), ([lists] * 8, ANSWER), ([names] * 8, ANSWER)]
        rounds += [
            ([chat_body()] * 8, bomb),
            ([chat_body()] * 8, large),
            ([text, emoji, lists, names, chat_body()] * 2, large),
        ]
        for bodies, answer in rounds[::every]:
            running.vendor.body = answer
            answers = await asyncio.gather(*(running.post(body, reads_after_s=0.5) for body in bodies))
            came.update(status for status, _ in answers)
            for status, reported in answers:
                if status == 503:
                    assert b"server_is_overloaded" in reported
                    assert b"retry-after: 1" in reported
        running.vendor.body = ANSWER
        report = await running.report()
        resident = report["most_bytes"]
        while report["held_bytes"]:  # all is given back, the last of it when a connection has closed
            await asyncio.sleep(0.1)
            report = await running.report()
            resident = max(resident, report["most_bytes"])
        assert (await running.post(chat_body()))[0] == 200
        return resident, came


def test_under_a_mix_of_large_bodies_some_are_served_and_others_get_a_retryable_refusal(tmp_path: Path) -> None:
    """Far from the limit the same mix succeeds completely: the control run. All rounds: tests/acceptance/bodies.py."""

    async def scene() -> None:
        _, came = await large_mix(LIMIT, tmp_path / "limited", every=6)
        assert came[200], "some are served"
        assert came[503], "others get 503"
        _, without = await large_mix(16 * 1024 * MIB, tmp_path / "control", every=6)
        assert set(without) == {200}

    run_within(scene(), 170)


@pytest.mark.parametrize("size", [1, 1000])
def test_a_body_in_small_chunks_is_counted_the_same(size: int, tmp_path: Path) -> None:
    body = chat_body(x=listed(b"[]", 1_000_001) if size > 1 else deep(65))

    async def scene() -> None:
        async with site(tmp_path, 8 * 1024 * MIB) as running:
            reader, writer = await asyncio.open_connection(running._host, running._port)
            writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n")
            try:
                for at in range(0, len(body), size):
                    piece = body[at : at + size]
                    writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                    if size > 1:
                        await writer.drain()
                writer.write(b"0\r\n\r\n")
            except ConnectionError:
                pass
            try:
                assert (await reader.read(4096)).startswith(b"HTTP/1.1 400")
            except ConnectionError:  # reset, since it was still sending
                assert size > 1
            writer.close()

    run_within(scene(), 60)
