"""Requests to an emulator by raw socket and by the official client."""

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, TypeVar

import orjson
from openai import AsyncOpenAI

import emulators
from emulators import Emulator
from tests.emulators import facts
from tests.emulators.facts import Facts

T = TypeVar("T")
LONGEST_S = 150.0
Json = dict[str, Any]
FACTS: dict[str, Facts] = {
    module.name: import_module(f"{facts.__name__}.{module.name}").FACTS for module in iter_modules(facts.__path__)
}
"""By the names of the modules in ``tests/emulators/facts/``: those of the catalogs."""


def with_emulator(
    vendor: str,
    act: Callable[[Emulator], Awaitable[T]],
    *,
    faults: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
) -> T:
    """Start an emulator, act, close it."""

    async def main() -> T:
        emulator = await emulators.start(vendor, environ=environ or {}, faults=faults)
        try:
            return await asyncio.wait_for(act(emulator), LONGEST_S)
        finally:
            await emulator.aclose()

    return asyncio.run(main())


def key_of(emulator: Emulator) -> str:
    return next(value for name, value in emulator.environment.items() if name.endswith("_KEY"))


def client(emulator: Emulator, key: str | None = None, *, vendor: str | None = None) -> AsyncOpenAI:
    """Return the official client without retries, so that the test sees each response. ``vendor``: an variant's name."""
    key_name, url_name = FACTS[vendor or emulator.name].variables
    at = emulator.environment
    return AsyncOpenAI(base_url=at[url_name], api_key=key or at[key_name], max_retries=0)


@dataclass
class Raw:
    """The data from the socket: each read, and whether it ended in a reset."""

    reads: list[bytes]
    reset: bool

    @property
    def all(self) -> bytes:
        return b"".join(self.reads)

    @property
    def head(self) -> str:
        return self.all.partition(b"\r\n\r\n")[0].decode()

    @property
    def status(self) -> int:
        return int(self.head.split(" ")[1])

    @property
    def headers(self) -> dict[str, str]:
        lines = [line.partition(": ") for line in self.head.split("\r\n")[1:]]
        return {name.lower(): value for name, _, value in lines}

    @property
    def body(self) -> bytes:
        rest = self.all.partition(b"\r\n\r\n")[2]
        if self.headers.get("transfer-encoding") == "chunked":
            rest = joined(rest)
        return zlib.decompress(rest, wbits=47) if self.headers.get("content-encoding") == "gzip" else rest

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def events(self) -> list[bytes]:
        """The data of each SSE event, `[DONE]` included."""
        lines = self.body.replace(b"\r\n", b"\n").split(b"\n\n")
        return [line.strip(b"\n").removeprefix(b"data: ") for line in lines if line.strip(b"\n").startswith(b"data: ")]

    @property
    def chunks(self) -> list[Json]:
        return [orjson.loads(event) for event in self.events if event != b"[DONE]"]


def joined(rest: bytes) -> bytes:
    """Decode a chunked body, which may be incomplete."""
    body = b""
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size, 16)
        body += rest[:length]
        rest = rest[length + 2 :]
    return body


def spelled(emulator: Emulator, body: Any, path: str, method: str, headers: Mapping[str, str]) -> bytes:
    """Return a request's bytes; a path that starts with `//` is relative to the root instead of the base URL."""
    prefix = emulator.base_url.split(f":{emulator.port}", 1)[1]
    target = path[1:] if path.startswith("//") else prefix + path
    payload = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
    sent = {"authorization": f"Bearer {key_of(emulator)}", "connection": "close", **headers}
    lines = [f"{method} {target} HTTP/1.1", "host: emulator", f"content-length: {len(payload)}"]
    lines += [f"{name}: {value}" for name, value in sent.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + payload


async def send(
    emulator: Emulator,
    body: Any = None,
    path: str = "/chat/completions",
    *,
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
) -> Raw:
    """Send one request on a new connection and read the complete response."""
    reader, writer = await asyncio.open_connection(emulator.host, emulator.port)
    reads: list[bytes] = []
    reset = False
    try:
        writer.write(spelled(emulator, body, path, method, headers or {}))
        while data := await reader.read(1 << 20):
            reads.append(data)
    except ConnectionResetError:
        reset = True
    finally:
        writer.close()
    try:
        await writer.wait_closed()
    except ConnectionResetError:
        reset = True
    return Raw(reads, reset)


def chat(vendor: str, text: str = "Hello", **more: Any) -> Json:
    """A plain request; thinking is off by default."""
    known = FACTS[vendor]
    return {"model": known.model, "messages": [{"role": "user", "content": text}], **known.quiet, **more}


def function(name: str, **properties: Any) -> Json:
    """A tool whose parameters are strings, unless given as schemas."""
    schema = {"type": "object", "properties": properties}
    return {"type": "function", "function": {"name": name, "description": "A function.", "parameters": schema}}


WEATHER = function("get_weather", city={"type": "string"})


async def until(true: Callable[[], bool]) -> None:
    """Wait until the condition holds. Fails after a minute."""
    async with asyncio.timeout(60):
        while not true():
            await asyncio.sleep(0.005)
