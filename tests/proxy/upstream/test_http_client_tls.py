"""TLS to vendors: only a trusted certificate for the right name gets any byte of a request, and so the key."""

import asyncio
import datetime
import socket
import ssl
import threading
from collections.abc import Iterator

import httpx2
import pytest
import trustme

from proxy.upstream.errors import PHASES, phase_of
from proxy.upstream.http_client import connect as transport_dial
from proxy.upstream.http_client.pool import HttpTransport
from tests.proxy.upstream.peers import Peer, Talk, TransportKind, always, call, fast, request, run, slow

both = pytest.mark.parametrize(
    ("make", "uv"), [(slow, False), (fast, False), (fast, True)], ids=["httpx2", "fast", "fast-uvloop"]
)
loops = pytest.mark.parametrize("uv", [False, True], ids=["asyncio", "uvloop"])
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
CA = trustme.CA()
PAST = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    CA.configure_trust(context)
    return context


def serving(cert: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    cert.configure_cert(context)
    return context


def old_tls() -> ssl.SSLContext:
    context = serving(CA.issue_cert("localhost"))
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1 is deprecated"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


UNTRUSTED = {
    "expired": lambda: serving(CA.issue_cert("localhost", not_before=PAST, not_after=PAST.replace(month=2))),
    "for another name": lambda: serving(CA.issue_cert("example.org")),
    "of an unknown authority": lambda: serving(trustme.CA().issue_cert("localhost")),
    "old TLS": old_tls,
}


@both
def test_a_trusted_certificate_serves_and_its_connection_is_kept(make: TransportKind, uv: bool) -> None:
    async def main() -> None:
        async with Peer(always(ANSWER), serving(CA.issue_cert("localhost"))) as peer, make(tls=trusting()) as transport:
            for _ in range(3):
                assert await call(transport, request(peer.url)) == (200, b"ok")
            assert peer.met == 1

    run(main(), uv=uv)


@both
def test_large_bodies_go_both_ways_over_tls(make: TransportKind, uv: bool) -> None:
    async def echo(talk: Talk) -> None:
        while got := await talk.request():
            await talk.answer(got.partition(b"\r\n\r\n")[2])

    async def main() -> None:
        body = bytes(range(256)) * 8000
        async with Peer(echo, serving(CA.issue_cert("localhost"))) as peer, make(tls=trusting()) as transport:
            for _ in range(2):
                assert await call(transport, request(peer.url, body)) == (200, body)
            assert peer.met == 1

    run(main(), uv=uv)


@both
@pytest.mark.parametrize("name", UNTRUSTED)
def test_a_certificate_that_is_not_trusted_gets_no_byte_of_the_request(
    make: TransportKind, uv: bool, name: str
) -> None:
    async def script(talk: Talk) -> None:
        peer.received += len(await talk.reader.read())

    async def main() -> None:
        async with peer, make(tls=trusting()) as transport:
            with pytest.raises(httpx2.ConnectError) as caught:
                await call(transport, request(peer.url))
            assert phase_of(caught.value) == "tls"
            await peer.empty()
        assert peer.received == 0

    peer = Peer(script, UNTRUSTED[name]())
    run(main(), uv=uv)


@loops
def test_the_systems_trust_store_is_the_default(uv: bool) -> None:
    async def main() -> None:
        async with Peer(always(ANSWER), serving(CA.issue_cert("localhost"))) as peer, HttpTransport() as transport:
            with pytest.raises(httpx2.ConnectError) as caught:
                await call(transport, request(peer.url))
            assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)

    run(main(), uv=uv)


@loops
def test_the_file_of_certificates_that_the_environment_names_is_used(uv: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with Peer(always(ANSWER), serving(CA.issue_cert("localhost"))) as peer, HttpTransport() as transport:
            assert await call(transport, request(peer.url)) == (200, b"ok")

    with CA.cert_pem.tempfile() as path:
        monkeypatch.setenv("SSL_CERT_FILE", path)
        run(main(), uv=uv)


@loops
def test_an_address_is_verified_as_an_address(uv: bool) -> None:
    async def main() -> None:
        cert = CA.issue_cert("127.0.0.1")
        async with Peer(always(ANSWER), serving(cert)) as peer, HttpTransport(tls=trusting()) as transport:
            url = peer.url.replace("localhost", "127.0.0.1")
            assert await call(transport, request(url)) == (200, b"ok")

    run(main(), uv=uv)


@loops
def test_only_http_1_1_is_offered(uv: bool) -> None:
    context = serving(CA.issue_cert("localhost"))
    context.set_alpn_protocols(["h2", "http/1.1"])
    chosen: list[str | None] = []

    async def script(talk: Talk) -> None:
        chosen.append(talk.writer.get_extra_info("ssl_object").selected_alpn_protocol())
        await talk.request()
        await talk.answer()

    async def main() -> None:
        async with Peer(script, context) as peer, HttpTransport(tls=trusting()) as transport:
            await call(transport, request(peer.url))
        assert chosen == ["http/1.1"]

    run(main(), uv=uv)


@both
def test_a_cut_over_tls_after_the_handshake_is_not_taken_for_a_failed_handshake(make: TransportKind, uv: bool) -> None:
    async def script(talk: Talk) -> None:
        await talk.request()
        await talk.say(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello" if talk.number > 1 else b"")

    async def main() -> None:
        async with Peer(script, serving(CA.issue_cert("localhost"))) as peer, make(tls=trusting()) as transport:
            for _ in range(2):
                with pytest.raises(httpx2.TransportError) as caught:
                    await call(transport, request(peer.url))
                assert phase_of(caught.value) == "reset"

    run(main(), uv=uv)


@both
def test_a_server_that_hangs_up_in_the_handshake_is_a_tls_failure(make: TransportKind, uv: bool) -> None:
    async def script(talk: Talk) -> None:
        await talk.reader.read(100)

    async def main() -> None:
        async with Peer(script) as peer, make(tls=trusting()) as transport:
            with pytest.raises(httpx2.ConnectError) as caught:
                await call(transport, request(f"https://localhost:{peer.port}/"))
            if make is fast:  # httpx2 reports only that the connection ended
                assert phase_of(caught.value) == "tls"
            await peer.empty()

    run(main(), uv=uv)


@both
def test_silence_in_the_handshake_is_a_connect_timeout(make: TransportKind, uv: bool) -> None:
    async def script(talk: Talk) -> None:
        await talk.reader.read()

    async def main() -> None:
        async with Peer(script) as peer, make(tls=trusting()) as transport:
            with pytest.raises(httpx2.ConnectTimeout) as caught:
                await call(transport, request(f"https://localhost:{peer.port}/", connect=0.2))
            assert phase_of(caught.value) == "connect_timeout"
            await peer.empty()

    run(main(), uv=uv)


@loops
def test_clients_that_disconnect_during_the_handshake_leave_no_socket(uv: bool) -> None:
    async def main() -> None:
        async with Peer(always(ANSWER), serving(CA.issue_cert("localhost"))) as peer:
            async with HttpTransport(20, tls=trusting()) as transport:
                for wait in [n * 0.0002 for n in range(60)]:
                    tasks = [asyncio.create_task(call(transport, request(peer.url))) for _ in range(3)]
                    await asyncio.sleep(wait)
                    for task in tasks:
                        task.cancel()
                    await asyncio.gather(*tasks, return_exceptions=True)
                    close_kept(transport)
                assert await call(transport, request(peer.url)) == (200, b"ok")
                async with asyncio.timeout(30):
                    while transport._free_slots + sum(map(len, transport._idle.values())) != 20:
                        await asyncio.sleep(0.005)
            await peer.empty()

    run(main(), uv=uv)


def close_kept(transport: HttpTransport) -> None:
    """Close the kept connections, so that the next calls need new handshakes."""
    for idle in transport._idle.values():
        for wire in idle:
            wire.close()


# --- names ------------------------------------------------------------------------------------------------------


@pytest.fixture
def resolved() -> threading.Event:
    """The DNS lookup of ``slow.test`` does not end until it is set."""
    return threading.Event()


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch, resolved: threading.Event) -> dict[str, list[tuple[str, int]]]:
    """Replaces the system's resolver."""
    known: dict[str, list[tuple[str, int]]] = {}
    real = socket.getaddrinfo

    def look_up(host: str | bytes, port: int, *args: int, **kwargs: int) -> object:
        name = host.decode() if isinstance(host, bytes) else host
        if name == "slow.test":
            resolved.wait(50)
        if name not in known:
            return real(host, port, *args, **kwargs)
        return [
            (socket.AF_INET6 if ":" in ip else socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, at))
            for ip, at in known[name]
        ]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return known


def test_a_slow_resolver_holds_up_its_own_call_only(
    names: dict[str, list[tuple[str, int]]], resolved: threading.Event
) -> None:
    """Both calls end while the lookup continues: the other with its response, this one with the timeout."""

    async def main() -> None:
        async with Peer(always(ANSWER)) as peer, HttpTransport() as transport:
            names["slow.test"] = [("127.0.0.1", peer.port)]
            waiting = asyncio.create_task(call(transport, request("http://slow.test/", connect=0.3)))
            await asyncio.sleep(0)
            assert await call(transport, request(peer.url)) == (200, b"ok")
            with pytest.raises(httpx2.ConnectTimeout):
                await waiting
            resolved.set()

    run(main())


def test_an_address_that_refuses_is_passed_over(names: dict[str, list[tuple[str, int]]]) -> None:
    async def main() -> None:
        async with Peer(always(ANSWER)) as peer, HttpTransport() as transport:
            names["vendor.test"] = [("::1", 9), ("127.0.0.1", 9), ("127.0.0.1", peer.port)]
            assert await call(transport, request("http://vendor.test/")) == (200, b"ok")

    run(main())


def test_an_address_that_does_not_answer_costs_a_head_start_only(
    names: dict[str, list[tuple[str, int]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with IPv6 that is announced but not routed."""
    monkeypatch.setattr(transport_dial, "HEAD_START_S", 0.05)

    async def main() -> None:
        with socket.socket() as full, socket.socket() as filler:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            filler.connect(full.getsockname())
            async with Peer(always(ANSWER)) as peer, HttpTransport() as transport:
                names["vendor.test"] = [full.getsockname(), ("127.0.0.1", peer.port)]
                async with asyncio.timeout(30):
                    assert await call(transport, request("http://vendor.test/")) == (200, b"ok")

    run(main())


def test_of_two_families_the_second_is_tried_second() -> None:
    six, four = socket.AF_INET6, socket.AF_INET
    found: list[transport_dial.Address] = [
        (six, ("a", 1, 0, 0)),
        (six, ("b", 1, 0, 0)),
        (four, ("c", 1)),
        (four, ("d", 1)),
    ]
    assert [where[0] for _, where in transport_dial.alternate_families(found)] == ["a", "c", "b", "d"]


# --- the table of phases ----------------------------------------------------------------------------------------


def all_below(kind: type[Exception]) -> Iterator[type[Exception]]:
    yield kind
    for below in kind.__subclasses__():
        yield from all_below(below)


@pytest.mark.parametrize("kind", sorted(all_below(httpx2.TransportError), key=str))
def test_every_error_of_a_transport_has_a_phase_and_the_particular_stands_before_the_general(
    kind: type[httpx2.TransportError],
) -> None:
    rows = [row for row, _ in PHASES]
    first = next(place for place, row in enumerate(rows) if issubclass(kind, row))
    if kind in rows:
        assert rows[first] is kind
    else:
        bases = (httpx2.TimeoutException, httpx2.NetworkError, httpx2.ProtocolError)
        assert kind in (*bases, httpx2.SSEError), "the bases are never raised, SSEError by httpx2's event reader"
    assert phase_of(kind("x")) == PHASES[first][1]
