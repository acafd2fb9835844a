"""Running the app under uvicorn, with the flags that a proxy wants, and stopping it in order."""

import asyncio
import contextlib
import gc
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Protocol

import uvicorn
import uvloop
from pydantic import SecretStr

from config.routing import base_url_of, vendor_of
from config.schema import OFF, Settings, VendorEntry
from config.schema import Server as ServerSettings
from proxy.app import create_app
from proxy.door import Door
from proxy.kit import Kit
from proxy.services.loop_watch import LoopWatch
from proxy.services.upstream import Upstream


class Quiet(uvicorn.Server):
    """uvicorn, with signals left to us: it would close the door at once and exit with the signal's number."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing: see :func:`stop_on_signals`."""
        yield


class Server(Quiet):
    """The server that callers use."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the door, then tell."""
        await super().startup(sockets)
        freeze()
        self._ready()


def bind(listen: str, *, tries: int = 1, key: str = "server.listen") -> socket.socket:
    """A listening socket for ``host:port``, or for one of the next ports. Raises OSError, naming the cure."""
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for at in range(tries):
        # The protocol is said aloud: asyncio turns off the delay of small packets only where it is told that it is TCP.
        sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((host, int(port) + at))
            sock.listen(2048)  # here, not later: until somebody listens, two may bind the same port
        except OSError as error:
            sock.close()
            if at == tries - 1:
                raise OSError(f"can't listen on {listen}: {error.strerror or error} (set {key})") from None
        else:
            sock.setblocking(False)
            return sock
    raise AssertionError


def bind_admin(server: ServerSettings, out: Callable[[str], None]) -> socket.socket | None:
    """The admin port's socket; None if it is off, or if nobody asked for it and another program has it: that is told.

    Raises OSError where the configuration names the address.
    """
    if server.admin_listen == OFF:
        return None
    try:
        return bind(server.admin_listen, key="server.admin_listen")
    except OSError as error:
        if "admin_listen" in server.model_fields_set:
            raise
        out(f"warning: {error}; going on without metrics and status")
        return None


def url_of(sock: socket.socket) -> str:
    """Where a client on this machine finds it."""
    host, port = sock.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{host}:{port}"


async def serve(
    kit: Kit, sock: socket.socket, *, admin: socket.socket | None = None, ready: Callable[[], None] = lambda: None
) -> None:
    """Serve on bound sockets until a signal, then stop in order. Closes the kit."""
    server = Server(
        uvicorn.Config(
            create_app(kit), http=Door, ws="none", lifespan="on", log_level="warning", access_log=False,
            server_header=False, proxy_headers=False, timeout_keep_alive=75, backlog=2048,
            timeout_graceful_shutdown=int(kit.live.settings.server.grace_s),
        ),
        ready,
    )  # fmt: skip
    with watched(kit), stop_on_signals(server, kit):
        async with beside(kit, admin):
            await server.serve([sock])


@contextmanager
def watched(kit: Kit) -> Iterator[None]:
    """Watch whether the event loop answers."""
    watch = LoopWatch()
    watch.register(kit.metrics)
    watch.start()
    try:
        yield
    finally:
        watch.stop()


@asynccontextmanager
async def beside(kit: Kit, sock: socket.socket | None) -> AsyncIterator[None]:
    """The admin port, for as long as the block runs: also while the server drains."""
    if sock is None:
        yield
        return
    from proxy.admin import create_admin

    server = Quiet(
        uvicorn.Config(
            create_admin(kit), http=Door, ws="none", lifespan="off", log_level="warning", access_log=False,
            server_header=False, proxy_headers=False, timeout_keep_alive=75, timeout_graceful_shutdown=1,
        )
    )  # fmt: skip
    task = asyncio.create_task(server.serve([sock]))
    try:
        yield
    finally:
        server.should_exit = True
        await task


def freeze() -> None:
    """What is there now stays: the collector need not look at it again, and looks less often at the rest."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@contextmanager
def stop_on_signals(server: Server, kit: Kit) -> Iterator[None]:
    """SIGTERM: not ready any more, the door stays open for ``drain_delay_s``, then closes. SIGINT: closes now.

    A second signal ends the process.
    """
    loop = asyncio.get_running_loop()

    def close() -> None:
        server.should_exit = True

    def stop(delay_s: float) -> None:
        if kit.draining:
            kit.flush()
            os._exit(1)  # asked twice: at once, whatever is still going on
        kit.draining = True
        loop.call_later(delay_s, close)

    loop.add_signal_handler(signal.SIGTERM, stop, kit.live.settings.server.drain_delay_s)
    loop.add_signal_handler(signal.SIGINT, stop, 0.0)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
        loop.remove_signal_handler(signal.SIGINT)


class Emulator(Protocol):
    """What is needed of a running emulator."""

    base_url: str
    environment: dict[str, str]

    async def aclose(self) -> None:
        """Stop it."""
        ...


Emulators = Mapping[str, Callable[[], Awaitable[Emulator]]]
"""How to start the emulator of each vendor that has one."""


@asynccontextmanager
async def emulated(settings: Settings, emulators: Emulators) -> AsyncIterator[Settings]:
    """The same settings with every vendor stood in for by an emulator of ours, for as long as the block runs."""
    kinds = {name: entry.kind or name for name, entry in settings.vendors.items()} or {name: name for name in emulators}
    running = {name: await emulators[kind]() for name, kind in kinds.items() if kind in emulators}
    try:
        entries = {name: _entry(settings.vendors.get(name), kinds[name], running[name]) for name in running}
        yield settings.model_copy(update={"vendors": entries})
    finally:
        for emulator in running.values():
            await emulator.aclose()


def _entry(configured: VendorEntry | None, kind: str, emulator: Emulator) -> VendorEntry:
    entry = (configured or VendorEntry()).model_copy(update={"kind": kind})
    key, base_url = door_of(vendor_of(kind, entry).key_names, emulator.environment)
    mine = {"base_url": base_url, "api_key": SecretStr(key), "api_keys": [], "region": "cn"}
    mine["proxy"] = "none"  # it is on loopback: a proxy of the environment could not reach it
    return entry.model_copy(update=mine)


def door_of(key_names: Sequence[str], environment: Mapping[str, str]) -> tuple[str, str]:
    """The key and the base URL of one API among those that an emulator serves: a vendor may have two editions."""
    name = next(name for name in key_names if name in environment)
    return environment[name], environment[name.replace("_API_KEY", "_BASE_URL")]


def run(
    settings: Settings, out: Callable[[str], None], emulators: Emulators | None = None, source: str = "environment"
) -> None:
    """Serve until a signal; with emulators, no vendor is called. Raises OSError if an address can't be had.

    ``source`` is where the settings came from, to be told.
    """

    async def main() -> None:
        async with contextlib.AsyncExitStack() as stack:
            used = await stack.enter_async_context(emulated(settings, emulators)) if emulators else settings
            sock = bind(used.server.listen)
            admin = bind_admin(used.server, out)
            upstream = Upstream.over_the_network(used.server.max_concurrency, used.server.transport)
            kit = Kit(used, upstream, emulated=bool(emulators))
            kit.source = source

            def ready() -> None:
                out(greeting(kit, url_of(sock)))
                out(leaving(kit))
                if admin is not None:
                    out(f"metrics on {url_of(admin)}/metrics")

            await serve(kit, sock, admin=admin, ready=ready)

    uvloop.run(main())


def greeting(kit: Kit, url: str) -> str:
    """The line at the start: where we are, and who answers."""
    vendors = ", ".join(kit.live.routing.live) or "nobody"
    how = " (emulated: no vendor is called)" if kit.emulated else ""
    return f"banjia serves {url}/v1, answered by {vendors}{how}"


def leaving(kit: Kit) -> str:
    """The line that says how vendor calls leave: directly, or through which proxy, by vendor where they differ."""
    ways: dict[str, list[str]] = {}
    for name, entry in kit.live.routing.live.items():
        proxy = kit.upstream.way(entry.outbound()).proxy_of(base_url_of(name, entry))
        socks = " (in vain: banjia speaks no SOCKS)" if proxy and proxy.startswith("socks") else ""
        ways.setdefault(f"through {proxy}{socks}" if proxy else "directly", []).append(name)
    if len(ways) == 1:
        return f"vendor calls leave {next(iter(ways))}"
    return "vendor calls leave: " + "; ".join(f"{', '.join(names)} {way}" for way, names in ways.items())


def environment_lines(url: str, keys: Sequence[str] = ()) -> list[str]:
    """The two lines that point an OpenAI SDK here. A client key is never printed."""
    return [f"OPENAI_BASE_URL={url}/v1", f"OPENAI_API_KEY={'<one of server.client_keys>' if keys else 'anything'}"]
