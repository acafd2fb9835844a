"""A plain relay, the baseline of the benchmark. The difference to banjia is the cost of banjia's guarantees.

Raw ASGI under uvicorn: checks a key, parses the body and renames its model, makes one upstream call, forwards the bytes,
detects a disconnect, logs a line. No retry, no failover, no validation of responses, no error at the end of a broken
stream.

    python -m bench.plain --port 9220 --transport fast
"""

import argparse
import asyncio
import gc
import sys
import time
from typing import Any

import httpx2
import orjson
import uvicorn

from proxy.upstream.http_client.pool import HttpTransport

KEY = b"Bearer sk-bench"
FLUSH_S = 0.2


class Log:
    """Writes lines in batches."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []

    def add(self, **line: object) -> None:
        """Add a line; all lines are written a little later."""
        if not self._lines:
            asyncio.get_running_loop().call_later(FLUSH_S, self._flush)
        self._lines.append(orjson.dumps(line))

    def _flush(self) -> None:
        lines, self._lines = self._lines, []
        sys.stdout.write(b"\n".join(lines).decode() + "\n")
        sys.stdout.flush()


class Plain:
    """The ASGI app."""

    def __init__(self, transport: httpx2.AsyncBaseTransport, vendor: str) -> None:
        self._transport = transport
        self._url = httpx2.URL(vendor + "/chat/completions")
        self._host = self._url.netloc
        self._log = Log()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["path"] == "/livez":
            await _short(send, 200, b"ok")
        elif dict(scope["headers"]).get(b"authorization") != KEY:
            await _short(send, 401, b"{}")
        else:
            await self._relay(receive, send)

    async def _relay(self, receive: Any, send: Any) -> None:
        began = time.monotonic()
        body = orjson.loads(await _read(receive))
        body["model"] = "bench-upstream"
        task = asyncio.current_task()
        watcher = asyncio.create_task(_watch(receive, task))
        try:
            status = await self._call(orjson.dumps(body), send)
        finally:
            watcher.cancel()
        self._log.add(status=status, model=body["model"], ms=round((time.monotonic() - began) * 1000, 1))

    async def _call(self, body: bytes, send: Any) -> int:
        headers = [
            (b"host", self._host),
            (b"content-length", b"%d" % len(body)),
            (b"content-type", b"application/json"),
            (b"authorization", b"Bearer sk-upstream"),
            (b"accept-encoding", b"identity"),
        ]
        timeout = {"connect": 10.0, "pool": 10.0, "read": None, "write": None}
        request = httpx2.Request(
            "POST", self._url, headers=headers, stream=httpx2.ByteStream(body), extensions={"timeout": timeout}
        )
        response = await self._transport.handle_async_request(request)
        stream: Any = response.stream
        try:
            keep = (b"content-type", b"content-length")
            head = [(name.lower(), value) for name, value in response.headers.raw if name.lower() in keep]
            await send({"type": "http.response.start", "status": response.status_code, "headers": head})
            async for part in stream:
                await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            await stream.aclose()
        return response.status_code

    async def _lifespan(self, receive: Any, send: Any) -> None:
        await receive()
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 20)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._transport.aclose()
        await send({"type": "lifespan.shutdown.complete"})


async def _short(send: Any, status: int, body: bytes) -> None:
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _read(receive: Any) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _watch(receive: Any, task: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    task.cancel()


def main() -> None:
    """Serve until a signal."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=9220)
    parser.add_argument("--vendor", default="http://127.0.0.1:9100/v1")
    parser.add_argument("--transport", choices=("fast", "httpx"), default="fast")
    args = parser.parse_args()
    limits = httpx2.Limits(max_connections=2000, max_keepalive_connections=2000, keepalive_expiry=30)
    transport = HttpTransport(2000) if args.transport == "fast" else httpx2.AsyncHTTPTransport(limits=limits)
    uvicorn.run(
        Plain(transport, args.vendor), host="127.0.0.1", port=args.port, loop="uvloop", http="httptools", ws="none",
        log_level="warning", access_log=False, server_header=False, proxy_headers=False, timeout_keep_alive=75,
    )  # fmt: skip


if __name__ == "__main__":
    main()
