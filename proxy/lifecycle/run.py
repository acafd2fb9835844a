"""Runs the app under uvicorn with the settings of a proxy."""

import asyncio
import contextlib
import errno
import gc
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import uvicorn
import uvloop

from adapters.core.message import COMMA, SEMICOLON, Message, joined
from config.loader.load import ENVIRONMENT, LoadedConfig, sources
from config.loader.system_errors import reason_of
from config.routing import base_url_of
from config.schema import OFF
from config.schema import Server as ServerSettings
from proxy.app import create_app
from proxy.app_state import AppState
from proxy.fd_limits import raise_limit, shares
from proxy.lifecycle.emulation import EmulatedVendors, Emulators, emulated
from proxy.lifecycle.file_watcher import read_states
from proxy.lifecycle.reload import ConfigReader, reload_on_change, reload_on_hangup
from proxy.lifecycle.shutdown import GracefulServer, QuietServer, stop_on_signals
from proxy.lifecycle.store_sweep import sweep_store
from proxy.observability.log_writer import LogStreams
from proxy.observability.loop_monitor import LoopMonitor
from proxy.server.protocol import GuardedHttpProtocol
from proxy.upstream.client import Upstream


class AddressError(OSError):
    """The server can't listen on an address. ``code``: the diagnostic code that ``banjia help`` explains."""

    def __init__(self, message: Message, code: str) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


def bind(listen: str, *, tries: int = 1, key: str = "--port, or server.listen") -> socket.socket:
    """Return a listening socket for ``host:port``, or for one of the next ``tries - 1`` ports.

    Raises AddressError, whose message names ``key``, the setting to change.
    """
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for offset in range(tries):
        # The protocol is explicit: asyncio sets TCP_NODELAY only on sockets whose protocol is IPPROTO_TCP.
        sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((host, int(port) + offset))
            sock.listen(2048)  # here, not later: until one process listens, two may bind the same port
        except OSError as error:
            sock.close()
            if offset == tries - 1:
                code = "port-in-use" if error.errno == errno.EADDRINUSE else "address-unavailable"
                raise AddressError(
                    Message(
                        "can't listen on {listen}: {why} (set {key})",
                        listen=listen,
                        why=reason_of(error),
                        key=key,
                    ),
                    code,
                ) from None
        else:
            sock.setblocking(False)
            return sock
    raise AssertionError


def bind_admin(server: ServerSettings, out: Callable[[Message], None]) -> socket.socket | None:
    """Return the socket of the admin port; None if the port is off, or with a warning if the default address is in use.

    Raises AddressError if the configuration names the address.
    """
    if server.admin_listen == OFF:
        return None
    try:
        return bind(server.admin_listen, key="server.admin_listen")
    except AddressError as error:
        if "admin_listen" in server.model_fields_set:
            raise
        out(
            Message("warning: {line}", line=Message("{error}; running without metrics and status", error=error.message))
        )
        return None


def url_of(sock: socket.socket) -> str:
    """Return the URL under which a client on this machine reaches the socket."""
    host, port = sock.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{host}:{port}"


async def serve(
    state: AppState,
    sock: socket.socket,
    *,
    admin: socket.socket | None = None,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve on bound sockets until a signal, then shut down gracefully. Closes the app state."""

    def opened() -> None:
        freeze()
        ready()

    server = GracefulServer(
        uvicorn.Config(
            create_app(state), interface="asgi3", http=GuardedHttpProtocol, ws="none", lifespan="on", log_level="warning", access_log=False,
            server_header=False, proxy_headers=False, timeout_keep_alive=75, backlog=2048,
        ),
        opened,
    )  # fmt: skip
    try:
        with monitor_event_loop(state), stop_on_signals(server, state):
            async with admin_server(state, admin), sweep_store(state):
                await server.serve([sock])
    finally:
        await state.store.aclose()  # the server waits only a moment for AppState.aclose


@contextmanager
def monitor_event_loop(state: AppState) -> Iterator[None]:
    """Monitor the event loop until the block ends."""
    monitor = LoopMonitor()
    monitor.register(state.metrics)
    monitor.start()
    try:
        yield
    finally:
        monitor.stop()


@asynccontextmanager
async def admin_server(state: AppState, sock: socket.socket | None) -> AsyncIterator[None]:
    """Serve the admin port until the block ends, which includes the draining of the server."""
    if sock is None:
        yield
        return
    from proxy.admin.app import create_admin

    server = QuietServer(
        uvicorn.Config(
            create_admin(state), http=GuardedHttpProtocol, ws="none", lifespan="off", log_level="warning", access_log=False,
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
    """Exclude all current objects from garbage collection, and collect the youngest generation less often.

    The thresholds of the older generations stay low: objects of requests under way at one collection are garbage by the
    next, and with a threshold of 20 they grew to a third of the memory.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 2, 5)


def run(
    loaded: LoadedConfig,
    out: Callable[[Message], None],
    environ: Mapping[str, str],
    emulators: Emulators | None = None,
    logs: LogStreams | None = None,
) -> None:
    """Serve until a signal; with emulators, no vendor is called. Raises OSError if an address is not available.

    ``logs``: the queues of stdout and stderr; the lines they drop are a metric.

    The configuration file is read again when it changes and on SIGHUP; ``environ`` is never read again.
    """
    path = Path(loaded.source) if loaded.source != ENVIRONMENT else None
    seen = read_states(sources(path, environ)) if path else {}

    async def main() -> None:
        async with contextlib.AsyncExitStack() as stack:
            emulated_vendors: EmulatedVendors | None = None
            settings = loaded.settings
            if emulators:
                emulated_vendors = await stack.enter_async_context(emulated(settings, emulators))
                settings = emulated_vendors.apply_to(settings)
            sock = bind(settings.server.listen)
            admin = bind_admin(settings.server, out)
            connections = min(settings.server.max_concurrency, shares().upstream_calls)
            upstream = Upstream.over_the_network(connections, settings.server.transport)
            state = AppState(settings, upstream, emulated=bool(emulators))
            state.source = loaded.source
            state.notify = out
            if logs is not None:
                logs.register(state.metrics)
                logs.json_lines = lambda: state.log.format == "json"
                state.drain_log = logs.drain
            reader = None
            if path is not None:
                reader = ConfigReader(path, dict(environ), emulated_vendors, loaded.warnings, out)
            state.load_config = reader
            stack.enter_context(reload_on_hangup(state))
            if reader is not None:
                await stack.enter_async_context(reload_on_change(state, reader, seen))

            def ready() -> None:
                out(greeting(state, url_of(sock)))
                out(store_line(state))
                out(outbound_line(state))
                if admin is not None:
                    out(Message("metrics on {url}", url=f"{url_of(admin)}/metrics"))

            await serve(state, sock, admin=admin, ready=ready)

    raise_limit()
    uvloop.run(main())


def greeting(state: AppState, url: str) -> Message:
    """Return the startup line: the URL and the vendors. Without a configuration file it lists the vendors in order."""
    names = list(state.snapshot.routing.enabled)
    settings, served = state.snapshot.settings, f"{url}/v1"
    if settings.in_file or len(names) < 2:
        vendors = joined(COMMA, names or [Message("no vendor")])
        line = Message("banjia serves {url}, answered by {vendors}", url=served, vendors=vendors)
    elif settings.policy.failover:
        vendors = joined(COMMA, names)
        line = Message("banjia serves {url}, answered by {vendors} in this order", url=served, vendors=vendors)
    else:
        first, *others = names
        line = Message(
            "banjia serves {url}, answered by {first}, or by {others} for models that {first} lacks",
            url=served,
            first=first,
            others=joined(COMMA, others),
        )
    return Message("{line} (emulated: no vendor is called)", line=line) if state.emulated else line


def outbound_line(state: AppState) -> Message:
    """Return the startup line with the outbound proxy of upstream calls, by vendor where they differ."""
    outbound_routes: dict[str | None, list[str]] = {}
    for name, entry in state.snapshot.routing.enabled.items():
        proxy = state.upstream.via(entry.outbound()).proxy_of(base_url_of(name, entry))
        outbound_routes.setdefault(proxy, []).append(name)
    if len(outbound_routes) == 1:
        proxy = next(iter(outbound_routes))
        if proxy is None:
            return Message("connecting to vendors directly")
        return Message("connecting to vendors through {proxy}", proxy=_proxy(proxy))
    parts = [
        Message("{vendors} through {proxy}", vendors=joined(COMMA, names), proxy=_proxy(proxy))
        if proxy
        else Message("{vendors} directly", vendors=joined(COMMA, names))
        for proxy, names in outbound_routes.items()
    ]
    return Message("connecting to vendors: {routes}", routes=joined(SEMICOLON, parts))


def store_line(state: AppState) -> Message:
    """Return the startup line about the store."""
    settings = state.snapshot.settings.store
    if settings.path:
        return Message("storing responses and conversations in {path}", path=settings.path)
    limit = state.store.metrics.limit or 0
    return Message(
        "storing in memory, up to {limit} MiB; it is lost at a restart (store.url: sqlite:PATH keeps it)",
        limit=limit // (1024 * 1024),
    )


def _proxy(url: str) -> str:
    return Message("{proxy} (not supported: SOCKS)", proxy=url) if url.startswith("socks") else url


def environment_lines(url: str, keys: Sequence[str] = ()) -> list[str]:
    """Return the two lines that point an OpenAI SDK at this server. A client key is never printed."""
    return [f"OPENAI_BASE_URL={url}/v1", f"OPENAI_API_KEY={'<one of server.client_keys>' if keys else 'anything'}"]
