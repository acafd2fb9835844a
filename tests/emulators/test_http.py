"""The emulators' HTTP server: requests that clients may send besides the plain case."""

import asyncio

import orjson
import pytest

from emulators import Emulator
from tests.emulators.helpers import chat, key_of, send, with_emulator


def head(emulator: Emulator, *lines: str) -> bytes:
    start = ["POST /v1/chat/completions HTTP/1.1", "Host: x", f"Authorization: Bearer {key_of(emulator)}", *lines]
    return ("\r\n".join(start) + "\r\n\r\n").encode()


async def exchange(emulator: Emulator, *writes: bytes) -> bytes:
    """Write pieces, one by one, and read to the end."""
    reader, writer = await asyncio.open_connection(emulator.host, emulator.port)
    for data in writes:
        writer.write(data)
        await writer.drain()
        await asyncio.sleep(0.005)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


def test_a_chunked_body_is_read() -> None:
    async def main(emulator: Emulator) -> bytes:
        body = orjson.dumps(chat("kimi", "in chunks"))
        chunked = b"".join(
            b"%x;ext=1\r\n%s\r\n" % (len(body[i : i + 20]), body[i : i + 20]) for i in range(0, len(body), 20)
        )
        start = head(emulator, "Transfer-Encoding: chunked", "Connection: close")
        return await exchange(emulator, start, chunked + b"0\r\nTrailer: x\r\n\r\n")

    assert b"You said: in chunks" in with_emulator("kimi", main)


def test_expect_is_answered_with_continue() -> None:
    async def main(emulator: Emulator) -> bytes:
        body = orjson.dumps(chat("kimi", "wait"))
        lines = (f"Content-Length: {len(body)}", "Expect: 100-continue", "Connection: close")
        return await exchange(emulator, head(emulator, *lines), body)

    answer = with_emulator("kimi", main)
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")


def test_a_connection_is_used_again_and_bytes_may_come_one_by_one() -> None:
    async def main(emulator: Emulator) -> None:
        reader, writer = await asyncio.open_connection(emulator.host, emulator.port)
        for text in ("one", "two"):
            body = orjson.dumps(chat("kimi", text))
            for byte in head(emulator, f"content-length: {len(body)}") + body:
                writer.write(bytes([byte]))
            start = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = int(start.split("content-length: ")[1].split("\r\n")[0])
            assert f"You said: {text}".encode() in await reader.readexactly(length)
        assert emulator.open_connections == 1
        writer.close()
        await writer.wait_closed()

    with_emulator("kimi", main)


@pytest.mark.parametrize(
    "junk", [b"junk\r\n\r\n", b"GET / HTTP/3\r\n\r\n", b"POST / HTTP/1.1\r\ncontent-length: x\r\n\r\n"]
)
def test_bytes_that_are_not_http_get_400(junk: bytes) -> None:
    async def main(emulator: Emulator) -> bytes:
        return await exchange(emulator, junk)

    assert with_emulator("kimi", main).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize("vendor", ["kimi", "qwen"])
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"1", b'{"model": "\xff"}', b"{}"])
def test_a_body_that_is_no_request_is_the_vendors_400(vendor: str, body: bytes) -> None:
    async def main(emulator: Emulator) -> int:
        return (await send(emulator, body)).status

    assert with_emulator(vendor, main) == 400
