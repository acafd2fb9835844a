"""Outbound proxies of upstream calls: from the environment, direct, or a named proxy, with real forward proxies."""

import asyncio
import base64
import contextlib
import ssl
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2
import pytest
import trustme

from adapters.core.wire import Call, Data, End, Head, Lost
from config.schema import Settings
from emulators import start
from proxy.app_state import AppState, secrets_of
from proxy.lifecycle.emulation import emulated
from proxy.lifecycle.run import outbound_line
from proxy.upstream.client import Upstream
from tests.proxy.upstream.peers import Peer, always, run
from tests.support.harness import proxy

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
CA = trustme.CA()
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


class ForwardProxy:
    """A forward proxy on loopback: CONNECT, and http in absolute form. ``request_lines``: the received request lines."""

    def __init__(self, credentials: str = "") -> None:
        self._wanted = f"Basic {base64.b64encode(credentials.encode()).decode()}" if credentials else ""
        self.request_lines: list[str] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._forward(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *fields = head.rstrip("\r\n").split("\r\n")
        self.request_lines.append(line)
        sent = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
        if sent.get("proxy-authorization", "") != self._wanted:
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")
            return
        method, target, _ = line.split(" ")
        url = httpx2.URL(target if method != "CONNECT" else f"https://{target}")
        there, away = await asyncio.open_connection(url.host, url.port)
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            away.write(head.replace(target, url.raw_path.decode(), 1).encode("latin-1"))
        try:
            await asyncio.gather(_pour(reader, away), _pour(there, writer))
        finally:
            away.transport.abort()


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    with contextlib.suppress(OSError, RuntimeError):
        writer.write_eof()


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


async def called(upstream: Upstream, url: str, wish: str = "env") -> bytes | Lost:
    """Return the body of a call with this proxy setting, or its failure."""
    line = upstream.via(wish).call(1, Call("POST", url, [(b"x-a", b"b")], b"{}", streams=False), 5.0)
    body = b""
    try:
        while True:
            for result in await line.next():
                match result:
                    case Data(_, data):
                        body += data
                    case End():
                        return body
                    case Lost() as lost:
                        return lost
                    case Head(_, status, _):
                        assert status == 200, status
    finally:
        await line.aclose()


def with_tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    CA.issue_cert("localhost").configure_cert(context)
    return context


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "ca.pem"
    CA.cert_pem.write_to_path(str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))


def test_env_sends_http_in_absolute_form_through_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with Peer(always(ANSWER)) as vendor, ForwardProxy() as through:
            monkeypatch.setenv("HTTP_PROXY", through.url)
            upstream = Upstream.over_the_network(10)
            assert await called(upstream, vendor.url) == b"ok"
            assert through.request_lines == [f"POST {vendor.url} HTTP/1.1"]
            await upstream.aclose()

    run(main())


@pytest.mark.usefixtures("trusted")
def test_env_sends_https_through_a_tunnel(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with Peer(always(ANSWER), with_tls()) as vendor, ForwardProxy() as through:
            monkeypatch.setenv("HTTPS_PROXY", through.url)
            upstream = Upstream.over_the_network(10)
            assert await called(upstream, vendor.url) == b"ok"
            assert through.request_lines == [f"CONNECT localhost:{vendor.port} HTTP/1.1"]
            await upstream.aclose()

    run(main())


def test_env_respects_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with Peer(always(ANSWER)) as vendor, ForwardProxy() as through:
            monkeypatch.setenv("HTTP_PROXY", through.url)
            monkeypatch.setenv("NO_PROXY", "10.0.0.1,127.0.0.1")
            upstream = Upstream.over_the_network(10)
            assert await called(upstream, vendor.url) == b"ok"
            assert through.request_lines == []
            await upstream.aclose()

    run(main())


def test_none_connects_directly_regardless_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with Peer(always(ANSWER)) as vendor, ForwardProxy() as through:
            monkeypatch.setenv("HTTP_PROXY", through.url)
            upstream = Upstream.over_the_network(10)
            assert await called(upstream, vendor.url, "none") == b"ok"
            assert through.request_lines == []
            assert await called(upstream, vendor.url, "env") == b"ok"
            assert len(through.request_lines) == 1
            await upstream.aclose()

    run(main())


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_a_named_proxy_gets_the_vendors_calls_with_its_password(monkeypatch: pytest.MonkeyPatch, tls: bool) -> None:
    async def main() -> None:
        async with (
            Peer(always(ANSWER), with_tls() if tls else None) as vendor,
            ForwardProxy("me:p@ss word") as through,
            ForwardProxy() as other,
        ):
            monkeypatch.setenv("HTTP_PROXY", other.url)
            monkeypatch.setenv("HTTPS_PROXY", other.url)
            monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")  # the setting in the file takes precedence
            upstream = Upstream.over_the_network(10)
            wish = through.url.replace("//", "//me:p%40ss%20word@")
            assert await called(upstream, vendor.url, wish) == b"ok"
            assert len(through.request_lines) == 1
            assert other.request_lines == []
            await upstream.aclose()

    run(main())


@pytest.mark.usefixtures("trusted")
def test_a_proxy_that_refuses_the_password_is_a_failed_connection_and_no_secret_is_shown() -> None:
    async def main() -> None:
        async with Peer(always(ANSWER), with_tls()) as vendor, ForwardProxy("me:other") as through:
            upstream = Upstream.over_the_network(10)
            wish = through.url.replace("//", "//me:canary@")
            lost = await called(upstream, vendor.url, wish)
            assert isinstance(lost, Lost)
            assert lost.phase == "connect"
            assert "canary" not in repr(lost)
            assert upstream.via(wish).proxy_of(vendor.url) == through.url
            await upstream.aclose()

    run(main())


def test_a_socks_proxy_of_the_environment_is_a_failed_connection_not_a_direct_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def main() -> None:
        async with Peer(always(ANSWER)) as vendor:
            monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
            upstream = Upstream.over_the_network(10)
            lost = await called(upstream, vendor.url)
            assert isinstance(lost, Lost)
            assert lost.phase == "connect"
            assert vendor.met == 0
            await upstream.aclose()

    run(main())


def vendors(**outbound: str) -> Settings:
    entries: Mapping[str, Any] = {name: {"api_key": "k", "proxy": wish} for name, wish in outbound.items()}
    return Settings.model_validate({"vendors": entries})


@pytest.mark.parametrize(
    ("settings", "environ", "line"),
    [
        (vendors(kimi="env", qwen="none"), {}, "connecting to vendors directly"),
        (
            vendors(kimi="env", qwen="env"),
            {"HTTPS_PROXY": "http://me:canary@10.0.0.1:3128/"},
            "connecting to vendors through http://10.0.0.1:3128",
        ),
        (
            vendors(kimi="env", qwen="none"),
            {"HTTPS_PROXY": "10.0.0.1:3128"},
            "connecting to vendors: kimi through http://10.0.0.1:3128; qwen directly",
        ),
        (
            vendors(kimi="env", qwen="http://me:canary@10.0.0.2:3128"),
            {},
            "connecting to vendors: kimi directly; qwen through http://10.0.0.2:3128",
        ),
        (
            vendors(kimi="env"),
            {"HTTPS_PROXY": "http://10.0.0.1:3128", "NO_PROXY": ".moonshot.cn"},
            "connecting to vendors directly",
        ),
        (
            vendors(kimi="env"),
            {"ALL_PROXY": "socks5://10.0.0.1:1080"},
            "connecting to vendors through socks5://10.0.0.1:1080 (not supported: SOCKS)",
        ),
    ],
)
def test_the_start_shows_the_proxies_of_vendor_calls(
    settings: Settings, environ: Mapping[str, str], line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    async def main() -> None:
        state = AppState(settings, Upstream.over_the_network(10), lambda line: None)
        assert outbound_line(state) == line
        await state.aclose()

    run(main())


def test_the_password_of_a_proxy_is_among_the_secrets_that_are_taken_out_of_messages() -> None:
    secrets = {secret.get_secret_value() for secret in secrets_of(vendors(kimi="http://me:can%40ary-1@10.0.0.1:3128"))}
    assert {"can%40ary-1", "can@ary-1"} <= secrets


def test_a_request_of_the_application_leaves_through_the_vendors_own_proxy() -> None:
    async def main() -> None:
        emulator = await start("kimi", environ={})
        async with ForwardProxy() as through:
            entry = {
                "api_key": emulator.environment["MOONSHOT_API_KEY"],
                "base_url": emulator.base_url,
                "proxy": through.url,
            }
            async with proxy({"vendors": {"kimi": entry}}) as running, httpx2.AsyncClient(trust_env=False) as client:
                ask = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
                answer = await client.post(f"{running.url}/v1/chat/completions", json=ask)
                assert answer.status_code == 200
            assert through.request_lines == [f"POST {emulator.base_url}/chat/completions HTTP/1.1"]
        await emulator.aclose()

    run(main())


def test_our_own_emulators_are_called_directly_regardless_of_the_environment() -> None:
    async def main() -> None:
        settings = vendors(kimi="http://10.0.0.1:3128")
        async with emulated(settings, {"kimi": lambda: start("kimi", environ={})}) as stand_ins:
            assert stand_ins.apply_to(settings).vendors["kimi"].outbound() == "none"

    run(main())
