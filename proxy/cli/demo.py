"""``banjia demo``: run emulated vendors with the proxy in front, and make one streamed call."""

import asyncio
import http.client
import json
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager, suppress
from urllib.parse import urlsplit

import uvloop

from adapters.core.message import Message
from config.schema import Server, Settings
from config.sections import SQLITE, StoreSettings
from proxy.app_state import AppState
from proxy.commands.env import lines, no_proxy_variables
from proxy.lifecycle.emulation import Emulators, emulated
from proxy.lifecycle.run import bind, environment_lines, serve, url_of
from proxy.storage.interface import StoreError
from proxy.upstream.client import Upstream

QUESTION = "你好! Say hello from the other side of the move."
PORTS = 64
"""Number of ports to try, starting at 8080."""


def run(
    emulators: Emulators, out: Callable[[str], None], write: Callable[[str], None], listen: str | None = None
) -> None:
    """Show one streamed answer and the environment lines, then serve until a signal. Needs no key and no network.

    ``listen``: host and port; None: the first free port from 8080 on. Raises OSError if the address is in use.
    """

    async def main() -> None:
        settings = Settings(server=Server(drain_delay_s=0, listen=listen or Server().listen))
        async with AsyncExitStack() as stack:
            running = await stack.enter_async_context(emulated(settings, emulators))
            used = running.apply_to(settings)
            sock = bind(listen) if listen is not None else bind(used.server.listen, tries=PORTS)
            state = stack.enter_context(state_with_temporary_store(used))
            stop_on_hangup()
            print_steps: list[asyncio.Future[None]] = []

            def ready() -> None:
                print_steps.append(asyncio.ensure_future(asyncio.to_thread(show, url_of(sock), out, write)))

            await serve(state, sock, ready=ready)
            await asyncio.gather(*print_steps)

    uvloop.run(main())


@contextmanager
def state_with_temporary_store(settings: Settings) -> Iterator[AppState]:
    """Yield a state whose store is a SQLite file in a temporary directory; remove the directory at the end.

    Without a directory for temporary files that can hold the file, the store is in memory.
    """
    with ExitStack() as stack:
        state = None
        with suppress(OSError, StoreError):
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="banjia-demo-", ignore_cleanup_errors=True))
            state = _state(settings, StoreSettings(url=f"{SQLITE}{folder}/banjia.db"))
            state.before_exit = stack.close
        yield state or _state(settings, StoreSettings())


def _state(settings: Settings, store: StoreSettings) -> AppState:
    used = settings.model_copy(update={"store": store})
    return AppState(used, Upstream.over_the_network(100), lambda line: None, emulated=True)


def stop_on_hangup() -> None:
    """Stop as for Ctrl-C if the terminal is closed, unless the caller ignores that (``nohup``)."""
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, signal.raise_signal, signal.SIGINT)


def show(url: str, out: Callable[[str], None], write: Callable[[str], None]) -> None:
    """Make the call as any HTTP client would, and print the answer as it arrives."""
    out(f"POST {url}/v1/chat/completions  model gpt-4o, stream: true")
    out(f"> {QUESTION}")
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    body = {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": QUESTION}]}
    connection.request("POST", "/v1/chat/completions", json.dumps(body), {"content-type": "application/json"})
    response = connection.getresponse()
    write("< ")
    for received in response:
        if received.startswith(b"data: {"):
            event = json.loads(received[6:])
            if "error" in event:
                raise RuntimeError(event["error"]["message"])
            for choice in event["choices"]:
                write(choice["delta"].get("content") or "")
    out("")
    adapted = response.getheader("x-banjia-adapted")
    status, target = response.status, response.getheader("x-banjia-target")
    if adapted:
        about = Message("  ({status}, {target}, changed: {changed})", status=status, target=target, changed=adapted)
    else:
        about = Message("  ({status}, {target}, changed: nothing)", status=status, target=target)
    if adapted and "thinking=mapped" in adapted:
        about = Message("{line} thinking disabled, because gpt-4o is not a reasoning model", line=about)
    out(about)
    connection.close()
    out("")
    out(Message("Point your app to banjia with two lines, without changing its code:"))
    for line in environment_lines(url):
        out(line)
    no_proxy = no_proxy_variables(url, os.environ)
    if no_proxy:
        out(Message("The environment has a proxy, which would not reach banjia on this machine. Add:"))
    for line in lines(no_proxy, "dotenv"):
        out(line)
    out(Message("Serving emulated answers until Ctrl-C. For real answers, run: banjia serve"))
