"""Running the app under uvicorn, with the flags that a proxy wants."""

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
from proxy.observability.log_writer import LogStreams
from proxy.observability.loop_monitor import LoopMonitor
from proxy.server.protocol import GuardedHttpProtocol
from proxy.upstream.client import Upstream


class AddressError(OSError):
    """An address that can't be listened on. ``code``: what ``banjia help`` explains."""

    def __init__(self, message: Message, code: str) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


def bind(listen: str, *, tries: int = 1, key: str = "--port, or server.listen") -> socket.socket:
    """A listening socket for ``host:port``, or for one of the next ports. Raises AddressError, naming the cure."""
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
    """The admin port's socket; None if it is off, or if nobody asked for it and another program has it: that is told.

    Raises OSError where the configuration names the address.
    """
    if server.admin_listen == OFF:
        return None
    try:
        return bind(server.admin_listen, key="server.admin_listen")
    except AddressError as error:
        if "admin_listen" in server.model_fields_set:
            raise
        out(
            Message(
                "warning: {line}", line=Message("{error}; going on without metrics and status", error=error.message)
            )
        )
        return None


def url_of(sock: socket.socket) -> str:
    """Where a client on this machine finds it."""
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
    """Serve on bound sockets until a signal, then stop in order. Closes the kit."""

    def opened() -> None:
        freeze()
        ready()

    server = GracefulServer(
        uvicorn.Config(
            create_app(state), http=GuardedHttpProtocol, ws="none", lifespan="on", log_level="warning", access_log=False,
            server_header=False, proxy_headers=False, timeout_keep_alive=75, backlog=2048,
        ),
        opened,
    )  # fmt: skip
    with watch_config(state), stop_on_signals(server, state):
        async with admin_server(state, admin):
            await server.serve([sock])


@contextmanager
def watch_config(state: AppState) -> Iterator[None]:
    """Watch whether the event loop answers."""
    watch = LoopMonitor()
    watch.register(state.metrics)
    watch.start()
    try:
        yield
    finally:
        watch.stop()


@asynccontextmanager
async def admin_server(state: AppState, sock: socket.socket | None) -> AsyncIterator[None]:
    """The admin port, for as long as the block runs: also while the server drains."""
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
    """What is there now stays: the collector need not look at it again, and looks less often at the rest.

    Less often at what is young alone: what was under way in one look is garbage by the next, and with the older
    generations waiting for twenty looks each it piled up to a third of the memory.
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
    """Serve until a signal; with emulators, no vendor is called. Raises OSError if an address can't be had.

    ``logs``: the queues that stdout and stderr go through; their losses are a metric.

    The configuration's file is read again when it changes and on SIGHUP; ``environ`` stays as it is now.
    """
    path = Path(loaded.source) if loaded.source != ENVIRONMENT else None
    seen = read_states(sources(path, environ)) if path else {}

    async def main() -> None:
        async with contextlib.AsyncExitStack() as stack:
            over: EmulatedVendors | None = None
            used = loaded.settings
            if emulators:
                over = await stack.enter_async_context(emulated(used, emulators))
                used = over.over(used)
            sock = bind(used.server.listen)
            admin = bind_admin(used.server, out)
            connections = min(used.server.max_concurrency, shares().calls)
            upstream = Upstream.over_the_network(connections, used.server.transport)
            state = AppState(used, upstream, emulated=bool(emulators))
            state.source = loaded.source
            state.notify = out
            if logs is not None:
                logs.register(state.metrics)
                logs.json_lines = lambda: state.log.format == "json"
                state.drain_log = logs.drain
            again = ConfigReader(path, dict(environ), over, loaded.warnings, out) if path is not None else None
            state.reread = again
            stack.enter_context(reload_on_hangup(state))
            if again is not None:
                await stack.enter_async_context(reload_on_change(state, again, seen))

            def ready() -> None:
                out(greeting(state, url_of(sock)))
                out(outbound_line(state))
                if admin is not None:
                    out(Message("metrics on {url}", url=f"{url_of(admin)}/metrics"))

            await serve(state, sock, admin=admin, ready=ready)

    raise_limit()
    uvloop.run(main())


def greeting(state: AppState, url: str) -> Message:
    """The line at the start: where we are, and who answers. Without a file the vendors are listed in their order."""
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
            "banjia serves {url}, answered by {first}; under names that it lacks by {others}",
            url=served,
            first=first,
            others=joined(COMMA, others),
        )
    return Message("{line} (emulated: no vendor is called)", line=line) if state.emulated else line


def outbound_line(state: AppState) -> Message:
    """The line that says how vendor calls leave: directly, or through which proxy, by vendor where they differ."""
    outbound_routes: dict[str | None, list[str]] = {}
    for name, entry in state.snapshot.routing.enabled.items():
        proxy = state.upstream.via(entry.outbound()).proxy_of(base_url_of(name, entry))
        outbound_routes.setdefault(proxy, []).append(name)
    if len(outbound_routes) == 1:
        proxy = next(iter(outbound_routes))
        if proxy is None:
            return Message("vendor calls leave directly")
        return Message("vendor calls leave through {proxy}", proxy=_proxy(proxy))
    parts = [
        Message("{vendors} through {proxy}", vendors=joined(COMMA, names), proxy=_proxy(proxy))
        if proxy
        else Message("{vendors} directly", vendors=joined(COMMA, names))
        for proxy, names in outbound_routes.items()
    ]
    return Message("vendor calls leave: {ways}", ways=joined(SEMICOLON, parts))


def _proxy(url: str) -> str:
    return Message("{proxy} (not supported: SOCKS)", proxy=url) if url.startswith("socks") else url


def environment_lines(url: str, keys: Sequence[str] = ()) -> list[str]:
    """The two lines that point an OpenAI SDK here. A client key is never printed."""
    return [f"OPENAI_BASE_URL={url}/v1", f"OPENAI_API_KEY={'<one of server.client_keys>' if keys else 'anything'}"]
