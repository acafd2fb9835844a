"""One image over real sockets: what is sent, and the limits of what is accepted."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import Any

import pytest
import trustme

from proxy.upstream.http_client import connect
from proxy.upstream.image_fetch import fetcher as module
from proxy.upstream.image_fetch.errors import FetchesBusy, ImageError
from proxy.upstream.image_fetch.fetcher import MAX_IMAGE, ImageFetcher
from tests.proxy.upstream.peers import Peer, Script, Talk, always, run

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
IMAGES = {
    "image/png": PNG,
    "image/jpeg": b"\xff\xd8\xff\xe0" + b"\0" * 40,
    "image/gif": b"GIF89a" + b"\0" * 40,
    "image/webp": b"RIFF\x24\0\0\0WEBPVP8 " + b"\0" * 40,
}
OTHERS = {
    "html": b"<!doctype html><title>x</title>", "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>", "text": b"root:x:0:0:root:/root:/bin/sh",
    "json": b'{"Code": "Success", "AccessKeyId": "ASIA"}', "empty": b"", "short": b"\x89PNG", "bmp": b"BM" + b"\0" * 60,
    "riff": b"RIFF\x24\0\0\0WAVEfmt " + b"\0" * 40, "zip": b"PK\x03\x04" + b"\0" * 40, "gif of another version": b"GIF88a" + b"\0" * 40,
}  # fmt: skip
CA = trustme.CA()


def here(peer: Peer, **more: Any) -> ImageFetcher:
    """A fetcher for which loopback is public, as no setting can make it."""

    async def resolve(host: str) -> list[str]:
        return ["127.0.0.1"]

    async def no_wait(seconds: float) -> None:
        """The wait before a second attempt."""

    return ImageFetcher(
        lambda _: None, **{"resolve": resolve, "allowed": lambda _: True, "ports": None, "sleep": no_wait, **more}
    )


async def fetched(peer: Peer, path: str = "/a.png", **more: Any) -> tuple[str, bytes]:
    scheme = "https" if peer._tls else "http"
    media, data = await here(peer, **more).fetch(f"{scheme}://pictures.example:{peer.port}{path}", lambda _: None)
    return media, bytes(data)


def response(body: bytes, head: bytes = b"") -> bytes:
    return b"HTTP/1.1 200 OK\r\n%bcontent-length: %d\r\n\r\n%b" % (head, len(body), body)


def failure(script: Script, **more: Any) -> ImageError:
    """The error of a fetch from this server; its connection is closed."""
    caught: list[ImageError] = []

    async def main() -> None:
        async with Peer(script) as peer:
            with pytest.raises(ImageError) as raised:
                await fetched(peer, **more)
            caught.append(raised.value)
            await peer.empty()

    run(main())
    return caught[0]


@pytest.mark.parametrize("uv", [False, True], ids=["asyncio", "uvloop"])
@pytest.mark.parametrize("media", IMAGES)
def test_an_image_has_the_type_of_its_bytes_whatever_the_label_says(media: str, uv: bool) -> None:
    async def main() -> None:
        async with Peer(always(response(IMAGES[media], b"content-type: text/html\r\n"))) as peer:
            assert await fetched(peer) == (media, IMAGES[media])
            await peer.empty()

    run(main(), uv=uv)


@pytest.mark.parametrize("name", OTHERS)
def test_other_data_is_no_image_whatever_the_label_says(name: str) -> None:
    error = failure(always(response(OTHERS[name], b"content-type: image/png\r\n")))
    assert error.cause == "type"
    assert "it is not a PNG, JPEG, GIF or WebP image" in str(error)
    assert OTHERS[name].decode("latin-1")[:8] not in str(error) or not OTHERS[name]


def test_the_request_has_no_cookies_no_credentials_and_the_name_of_the_host() -> None:
    seen: list[bytes] = []

    async def script(talk: Talk) -> None:
        seen.append(await talk.request())
        await talk.say(response(PNG, b"set-cookie: a=b\r\n"))

    async def main() -> None:
        async with Peer(script) as peer:
            one = here(peer)
            for _ in range(2):
                await one.fetch(f"http://Pictures.Example:{peer.port}/a?b=c#d", lambda _: None)
            expected = (
                b"GET /a?b=c HTTP/1.1\r\nhost: pictures.example:%d\r\nuser-agent: banjia\r\naccept: image/*\r\n"
                b"accept-encoding: identity\r\nconnection: close\r\n\r\n" % peer.port
            )
            assert seen == [expected, expected]
            assert peer.met == 2, "connections are not shared"

    run(main())


def chunked(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)


ONE_MIB = PNG.ljust(1 << 20, b"\0")


async def endless(talk: Talk) -> None:
    """An image that never ends, in chunks."""
    await talk.request()
    await talk.say(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    while True:
        await talk.say(chunked(ONE_MIB))


async def endless_until_closed(talk: Talk) -> None:
    """An image that never ends, without a length."""
    await talk.request()
    await talk.say(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        await talk.say(ONE_MIB)


async def declared_too_large(talk: Talk) -> None:
    await talk.request()
    await talk.say(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (MAX_IMAGE + 1))
    await talk.reader.read()  # until the client disconnects


@pytest.mark.parametrize("script", [endless, endless_until_closed, declared_too_large])
def test_bytes_beyond_the_limit_are_refused_as_they_arrive(script: Script) -> None:
    error = failure(script)
    assert error.cause == "size"
    assert "it is larger than 10 MiB" in str(error)


async def endless_text(talk: Talk) -> None:
    await talk.request()
    await talk.say(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        await talk.say(b"a" * 4096)


def test_other_data_is_refused_by_its_first_bytes() -> None:
    assert failure(endless_text).cause == "type"


def test_the_largest_image_passes_and_is_admitted_as_it_arrives() -> None:
    largest = PNG.ljust(MAX_IMAGE, b"\0")
    sizes: list[int] = []

    async def main() -> None:
        async with Peer(always(response(largest))) as peer:
            _, data = await here(peer).fetch(f"http://pictures.example:{peer.port}/", sizes.append)
            assert data == largest

    run(main())
    assert sum(sizes) == MAX_IMAGE
    assert max(sizes) < MAX_IMAGE / 4


def test_memory_that_is_not_admitted_ends_the_download() -> None:
    def full(size: int) -> None:
        raise MemoryError

    async def main() -> None:
        async with Peer(endless) as peer:
            with pytest.raises(MemoryError):
                await here(peer).fetch(f"http://pictures.example:{peer.port}/", full)
            await peer.empty()

    run(main())


async def silent(talk: Talk) -> None:
    await talk.request()
    await talk.reader.read()  # until the client disconnects


async def slow(talk: Talk) -> None:
    """A byte now and then, for ever."""
    await talk.request()
    await talk.say(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n" + PNG)
    while True:
        await talk.say(b"\0")
        await asyncio.sleep(0.01)


def test_a_server_that_does_not_answer_has_the_text_of_a_closed_port() -> None:
    error = failure(silent, image_s=0.1)
    assert error.cause == "connect_timeout"
    assert "its host is not public, or does not answer" in str(error)


def test_a_slow_image_has_a_time_limit_in_all() -> None:
    error = failure(slow, image_s=0.2)
    assert error.cause == "total_timeout"
    assert "it did not arrive within 0.2 seconds" in str(error)


async def cut_body(talk: Talk) -> None:
    await talk.request()
    await talk.say(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n" + PNG)


async def reset_body(talk: Talk) -> None:
    await cut_body(talk)
    talk.reset()


async def cut_chunks(talk: Talk) -> None:
    await talk.request()
    await talk.say(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + chunked(PNG))


async def bad_chunks(talk: Talk) -> None:
    await talk.request()
    await talk.say(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + chunked(PNG) + b"zz\r\n")


@pytest.mark.parametrize("script", [cut_body, reset_body, cut_chunks, bad_chunks])
def test_a_body_that_breaks_off_is_no_image(script: Script) -> None:
    error = failure(script)
    assert error.cause == "cut"
    assert "the response broke off" in str(error)


@pytest.mark.parametrize("coding", [b"gzip", b"br", b"zstd", b"deflate, gzip", b"Identity, gzip"])
def test_a_compressed_response_is_refused_and_never_decoded(coding: bytes) -> None:
    error = failure(always(response(PNG, b"content-encoding: %b\r\n" % coding)))
    assert error.cause == "encoded"


def test_identity_is_no_compression() -> None:
    async def main() -> None:
        async with Peer(always(response(PNG, b"Content-Encoding: Identity\r\n"))) as peer:
            assert await fetched(peer) == ("image/png", PNG)

    run(main())


@pytest.mark.parametrize(
    ("status", "location", "named"),
    [
        (301, b"https://cdn.example/a.png?token=secret", "cdn.example"),
        (302, b"http://169.254.169.254/latest/meta-data/", "169.254.169.254"),
        (307, b"http://user:secret@internal.example/", None),
        (308, b"/elsewhere.png", None),
        (303, b"http://127.1/", None),
        (302, b"\xff\xfe", None),
        (304, b"", None),
    ],
)
def test_a_redirect_is_an_error_that_names_the_host_and_is_not_followed(
    status: int, location: bytes, named: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Any] = []
    open_socket = connect._open

    async def counted(address: connect.Address) -> socket.socket:
        opened.append(address)
        return await open_socket(address)

    monkeypatch.setattr(connect, "_open", counted)
    error = failure(always(b"HTTP/1.1 %d X\r\nlocation: %b\r\ncontent-length: 0\r\n\r\n" % (status, location)))
    assert error.cause == "redirect"
    assert "secret" not in str(error)
    if named is None:
        assert "the server redirects, and banjia does not follow" in str(error)
    else:
        assert f"the server redirects to {named}, and banjia does not follow" in str(error)
    assert len(opened) == 1


@pytest.mark.parametrize("status", [201, 204, 206, 403, 404, 418, 500, 503, 999])
def test_other_statuses_are_errors_that_name_it(status: int) -> None:
    error = failure(always(b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n" % (status, len(PNG)) + PNG))
    assert error.cause == "status"
    assert f"the server answered {status}" in str(error)


async def huge_head(talk: Talk) -> None:
    await talk.request()
    await talk.say(b"HTTP/1.1 200 OK\r\n")
    while True:
        await talk.say(b"x-a: " + b"a" * 8000 + b"\r\n")


async def endless_interim(talk: Talk) -> None:
    await talk.request()
    while True:
        await talk.say(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100)


async def no_http(talk: Talk) -> None:
    await talk.request()
    await talk.say(b"220 mail.example ESMTP\r\n")


@pytest.mark.parametrize("script", [huge_head, endless_interim, no_http])
def test_what_is_no_valid_response_head_has_the_text_of_a_closed_port(script: Script) -> None:
    error = failure(script)
    assert error.cause == "cut"
    assert "its host is not public, or does not answer" in str(error)


def test_a_connection_that_fails_before_a_byte_is_tried_once_more() -> None:
    async def second(talk: Talk) -> None:
        if talk.number == 1:
            talk.reset()
        else:
            await always(response(PNG))(talk)

    async def main() -> None:
        async with Peer(second) as peer:
            assert await fetched(peer) == ("image/png", PNG)
            assert peer.met == 2

    run(main())


def test_it_is_not_tried_a_third_time_and_never_after_a_byte() -> None:
    async def main() -> None:
        async def resets(talk: Talk) -> None:
            talk.reset()

        for script, met in ((resets, 2), (cut_body, 1), (no_http, 1)):
            async with Peer(script) as peer:
                with pytest.raises(ImageError):
                    await fetched(peer)
                assert peer.met == met

    run(main())


def serving(name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    CA.issue_cert(name).configure_cert(context)
    return context


def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    CA.configure_trust(context)
    return context


def test_the_certificate_must_be_for_the_name_in_the_url_though_the_connection_goes_to_an_address() -> None:
    async def main() -> None:
        async with Peer(always(response(PNG)), serving("pictures.example")) as peer:
            assert await fetched(peer, tls=trusting()) == ("image/png", PNG)

    run(main())


@pytest.mark.parametrize(
    ("name", "context"),
    [("other.example", trusting), ("127.0.0.1", trusting), ("pictures.example", ssl.create_default_context)],
    ids=["another name", "the address", "an unknown authority"],
)
def test_an_untrusted_certificate_gets_no_request(name: str, context: Callable[[], ssl.SSLContext]) -> None:
    requests: list[bytes] = []

    async def script(talk: Talk) -> None:
        requests.append(await talk.request())

    async def main() -> None:
        async with Peer(script, serving(name)) as peer:
            with pytest.raises(ImageError, match="is not public, or does not answer"):
                await fetched(peer, tls=context())

    run(main())
    assert requests == []


def test_the_system_s_authorities_are_used_unless_a_test_gives_others() -> None:
    context = ImageFetcher(lambda _: None)._context()
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname


def test_the_process_fetches_a_bounded_number_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FETCHES", 3)

    async def main() -> None:
        async with Peer(silent) as peer:
            one = here(peer, image_s=0.3)
            results = await asyncio.gather(
                *(one.fetch(f"http://pictures.example:{peer.port}/", lambda _: None) for _ in range(3)),
                return_exceptions=True,
            )
            assert [type(result) for result in results] == [ImageError] * 3
            waiting = [asyncio.create_task(one._take_place()) for _ in range(3)]
            await asyncio.wait(waiting)
            with pytest.raises(FetchesBusy):
                await one.fetch(f"http://pictures.example:{peer.port}/", lambda _: None)
            assert peer.met == 3

    run(main())


def test_a_cancelled_fetch_closes_its_connection_and_frees_its_place() -> None:
    async def main() -> None:
        async with Peer(silent) as peer:
            one = here(peer)
            for _ in range(40):
                task = asyncio.create_task(one.fetch(f"http://pictures.example:{peer.port}/", lambda _: None))
                while not peer.open:
                    await asyncio.sleep(0.001)
                task.cancel()
                await asyncio.wait([task])
                assert task.cancelled()
                await peer.empty()

    run(main())
