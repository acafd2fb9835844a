"""A vendor on a real socket whose account is one of the simulator's models (``bench/limits/accounts.py``)."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson

from bench.limits.accounts import Account

BODY = orjson.dumps({
    "id": "x", "object": "chat.completion", "created": 1, "model": "kimi-k2.6",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "ok"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
})  # fmt: skip
NAMES = {"requests_per_minute": "max organization RPM", "concurrency": "max organization concurrency"}


class LimitedVendor:
    """Answers whole chat completions after ``call_s`` seconds if the account accepts the call, else refuses at once."""

    def __init__(self, account: Account, call_s: float = 0.2) -> None:
        self.account = account
        self.call_s = call_s
        self.url = ""
        self.calls = 0
        self.refusals = 0
        self._began = time.monotonic()

    def start_clock(self) -> None:
        """Start the account's clock."""
        self._began = time.monotonic()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["LimitedVendor"]:
        """Serve on loopback until the block ends."""
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/v1"
        self.start_clock()
        try:
            yield self
        finally:
            server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
                await reader.readexactly(length)
                await self._answer(writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _answer(self, writer: asyncio.StreamWriter) -> None:
        self.calls += 1
        refusal = self.account.take(time.monotonic() - self._began, 1000)
        if refusal is None:
            try:
                await asyncio.sleep(self.call_s)
            finally:
                self.account.end()
            writer.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(BODY) + BODY
            )
            return
        self.refusals += 1
        limit, after_s = refusal.limit, refusal.retry_after_s
        text = "rate limit reached" if limit is None else f"request reached {NAMES[limit.kind]}: {limit.figure:.0f}"
        error = orjson.dumps({"error": {"message": text, "type": "rate_limit_reached_error"}})
        head = b"" if after_s is None else b"retry-after: %d\r\n" % after_s
        writer.write(b"HTTP/1.1 429 Too Many Requests\r\n%bcontent-length: %d\r\n\r\n" % (head, len(error)) + error)
