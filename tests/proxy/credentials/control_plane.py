"""A small stand-in of Volcengine's control plane, which checks signatures and issues temporary keys, and of Ark beside it."""

import asyncio
import functools
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, ParamSpec

from tests.support.harness import vendor

P = ParamSpec("P")
ACCESS_KEY_ID, SECRET_KEY = "AKLTstandin00000001", "c2VjcmV0LWtleS1vZi10aGUtc3RhbmQtaW4="
ANSWER = {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [
    {"index": 0, "message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}  # fmt: skip
UNAUTHORIZED = {"error": {"code": "AuthenticationError", "message": "The API key is invalid.", "type": "Unauthorized"}}


@dataclass
class StandIn:
    """What the stand-in has seen, and what it does. ``base_url`` is of both APIs."""

    base_url: str = ""
    now: float = 1_790_000_000.0
    """Its time, and that of the tests (epoch seconds)."""
    lasts_s: float = 7 * 24 * 3600
    """How long the keys that it issues are valid."""
    requests: list[dict[str, Any]] = field(default_factory=list)
    """The bodies of the calls for a key that were signed correctly."""
    refused: int = 0
    """Calls with a wrong signature."""
    trouble: list[bytes] = field(default_factory=list)
    """Answers of the next calls for a key."""
    used: list[str] = field(default_factory=list)
    """The keys of the calls to models."""
    replies: list[bytes] = field(default_factory=list)
    """Answers of the next calls to models."""
    wait: asyncio.Event | None = None
    """Calls for a key wait for it."""

    def key(self, number: int) -> str:
        """Return the key that the call with this number got."""
        return f"temporary-key-{number:04d}-aaaaaaaa"

    async def handle(self, head: bytes, body: bytes) -> bytes:
        """Answer one request."""
        lines = head.decode().split("\r\n")
        method, path, _ = lines[0].split(" ")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:] if line)}
        if "Action=GetApiKey" not in path:
            return self._model(headers)
        if self.wait is not None:
            await self.wait.wait()
        if not signed(method, path, headers, body):
            self.refused += 1
            return error(401, "SignatureDoesNotMatch", "The request signature we calculated does not match.")
        self.requests.append(json.loads(body))
        if self.trouble:
            return self.trouble.pop(0)
        result = {"ApiKey": self.key(len(self.requests)), "ExpiredTime": int(self.now + self.lasts_s)}
        return http(200, {"ResponseMetadata": {"RequestId": "1", "Action": "GetApiKey"}, "Result": result})

    def _model(self, headers: dict[str, str]) -> bytes:
        self.used.append(headers.get("authorization", "").removeprefix("Bearer "))
        return self.replies.pop(0) if self.replies else http(200, ANSWER)


def http(status: int, body: Any) -> bytes:
    """Return a response with a JSON body."""
    raw = json.dumps(body).encode()
    return b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (status, len(raw), raw)


def error(status: int, code: str, message: str = "No.") -> bytes:
    """Return an error of the control plane."""
    return http(status, {"ResponseMetadata": {"RequestId": "1", "Error": {"Code": code, "Message": message}}})


def signed(method: str, path: str, headers: dict[str, str], body: bytes) -> bool:
    """Whether a call has the signature that the vendor's page on signatures describes."""
    scheme, _, rest = headers["authorization"].partition(" ")
    parts = dict(part.split("=", 1) for part in rest.split(", "))
    key_id, _, scope = parts["Credential"].partition("/")
    day, region, service, _ = scope.split("/")
    bare, _, query = path.partition("?")
    names = parts["SignedHeaders"].split(";")
    digest = hashlib.sha256(body).hexdigest()
    lines = [method, bare, query, "".join(f"{name}:{headers[name]}\n" for name in names), ";".join(names), digest]
    hashed = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    text = f"HMAC-SHA256\n{headers['x-date']}\n{scope}\n{hashed}"
    key = SECRET_KEY.encode()
    for word in (day, region, service, "request"):
        key = hmac.new(key, word.encode(), hashlib.sha256).digest()
    wanted = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    return (
        (scheme, key_id) == ("HMAC-SHA256", ACCESS_KEY_ID)
        and {"host", "x-date", "x-content-sha256"} <= set(names)
        and headers["x-content-sha256"] == digest
        and hmac.compare_digest(parts["Signature"], wanted)
    )


def in_a_loop(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run a test in an event loop of its own."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


@asynccontextmanager
async def control_plane() -> AsyncIterator[StandIn]:
    """Run the stand-in until the block ends."""
    stand_in = StandIn()
    heads: list[bytes] = []

    async def handle(_: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        writer.write(await stand_in.handle(heads.pop(), body))

    async with vendor(handle, heads) as url:
        stand_in.base_url = url
        yield stand_in
