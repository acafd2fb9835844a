"""A request leaves no reference cycles, which the garbage collector would stop all requests to find.

Objects in a reference cycle, including bodies, are freed tens of thousands of objects later: memory grows, and then one
pause takes as long as many requests.
"""

import asyncio
import gc
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.harness import hang_up, proxy, vendor

REQUESTS = 20
OURS = ("proxy", "config", "adapters", "uvicorn", "starlette", "tenacity")
SERVER = ("proxy.server", "proxy.openai_api.endpoint", "uvicorn")
"""Where the objects of a connection to the server are defined."""
HI = {"role": "user", "content": "hi"}
WHOLE = (
    b'{"id":"1","object":"chat.completion","created":1,"model":"kimi-k2.6","choices":[{"index":0,"message":'
    b'{"role":"assistant","content":"hello"},"finish_reason":"stop"}]}'
)
EVENTS = (
    b'data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"kimi-k2.6","choices":[{"index":0,"delta":'
    b'{"role":"assistant","content":"hello"},"finish_reason":null}]}\n\n'
    b'data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"kimi-k2.6","choices":[{"index":0,"delta":'
    b'{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
)


async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
    stream, status = json.loads(body).get("stream"), b"500 X" if b"fail" in body else b"200 OK"
    data, kind = (EVENTS, b"text/event-stream") if stream else (WHOLE, b"application/json")
    writer.write(b"HTTP/1.1 %s\r\ncontent-type: %s\r\ncontent-length: %d\r\n\r\n" % (status, kind, len(data)) + data)


@contextmanager
def collected(kinds: Counter[str], *, server: bool = True) -> Iterator[None]:
    """Disable collection in the block; at its end count the collected objects of banjia and the server by type.

    ``server``: False without those of the server, which another test's server in this process may leave meanwhile.
    """
    gc.collect()
    gc.disable()
    try:
        yield
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        ours = [kind for kind in map(type, gc.garbage) if kind.__module__.partition(".")[0] in OURS]
        kinds.update(kind.__qualname__ for kind in ours if server or not kind.__module__.startswith(SERVER))
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


@pytest.mark.parametrize(
    ("path", "requested", "status", "pieces"),
    [
        pytest.param("chat/completions", {"messages": [HI]}, b"200", False, id="a whole answer"),
        pytest.param("chat/completions", {"messages": [HI]}, b"200", True, id="a body that comes after its head"),
        pytest.param("chat/completions", {"messages": [HI], "stream": True}, b"200", False, id="a stream"),
        pytest.param(
            "chat/completions", {"messages": [HI | {"content": "fail"}]}, b"502", False, id="a vendor that fails"
        ),
        pytest.param(
            "chat/completions", {"messages": [HI | {"content": 1}]}, b"400", False, id="a request that is wrong"
        ),
        pytest.param("completions", {"prompt": "hi"}, b"200", False, id="a completion"),
        pytest.param("nothing", {"messages": [HI]}, b"404", False, id="a path that is not served"),
    ],
)
def test_a_request_leaves_nothing_to_the_garbage_collector(
    path: str, requested: dict[str, object], status: bytes, pieces: bool
) -> None:
    async def main() -> Counter[str]:
        found: Counter[str] = Counter()
        policy = {"attempts": 2, "max_wait_s": 0.001}
        body = json.dumps({"model": "kimi/kimi-k2.6", **requested}).encode()
        async with (
            vendor(answers) as url,
            proxy({"vendors": {"kimi": {"api_key": "sk", "base_url": url}}, "policy": policy}) as running,
        ):
            host, port = running.url.removeprefix("http://").split(":")
            reader, writer = await asyncio.open_connection(host, int(port))

            async def send() -> None:
                writer.write(
                    b"POST /v1/%s HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n"
                    % (path.encode(), len(body))
                )
                if pieces:
                    await asyncio.sleep(0.002)
                writer.write(body)
                head = await reader.readuntil(b"\r\n\r\n")
                assert head.split(b" ")[1] == status, head
                if b"chunked" in head:
                    await reader.readuntil(b"\r\n0\r\n\r\n")
                else:
                    length = head.lower().split(b"content-length:")[1].split(b"\r\n")[0]
                    await reader.readexactly(int(length))

            for _ in range(3):
                await send()
            with collected(found):
                for _ in range(REQUESTS):
                    await send()
            await hang_up(writer)
        return found

    found = asyncio.run(main())
    assert not {kind: number for kind, number in found.items() if number >= REQUESTS}
