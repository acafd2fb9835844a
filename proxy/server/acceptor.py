"""Accept client connections, even when no file descriptor is left.

When the descriptors are used up, libuv accepts all waiting connections and closes them. This acceptor sends a 503 to
each connection that it has no room for before it closes it, and keeps one descriptor in reserve for that.
"""

import asyncio
import errno
import os
import secrets
import socket
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress

from uvicorn.protocols.http.httptools_impl import STATUS_LINE
from uvicorn.server import ServerState

from adapters.core.message import Message
from proxy.errors import Overloaded, ProxyError
from proxy.fd_limits import shares
from proxy.i18n.negotiate import Language, wanted

BURST = 64
"""The most connections that are accepted in one event loop callback."""
LINGER_S = 1.0
"""How long a refused connection is kept open so that its client can read the 503 (seconds)."""
PAUSE_S = 0.05
"""How long accepting pauses if even the reserved descriptor is in use (seconds)."""
EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

Headers = Sequence[tuple[bytes, bytes]]


class Acceptor:
    """Accepts connections of one listening socket. ``state``: open connections, and the default response headers."""

    def __init__(self, sock: socket.socket, protocol: Callable[[], asyncio.Protocol], state: ServerState) -> None:
        self._loop = asyncio.get_running_loop()
        self._sock = sock
        self._protocol = protocol
        self._state = state
        self._starting: set[asyncio.Task[object]] = set()  # accepted, but not yet in state.connections
        self._refused: deque[socket.socket] = deque()
        self._sweep: asyncio.TimerHandle | None = None
        self._reserve: int | None = None
        self._open_reserve()
        self._listen()

    def close(self) -> None:
        """Stop accepting. The owner of the socket closes it."""
        self._loop.remove_reader(self._sock.fileno())
        if self._sweep is not None:
            self._sweep.cancel()
        while self._refused:
            self._close_oldest()
        if self._reserve is not None:
            os.close(self._reserve)
            self._reserve = None

    def _listen(self) -> None:
        if self._sock.fileno() >= 0:  # -1 if it was closed during a pause
            self._loop.add_reader(self._sock.fileno(), self._accept)

    def _accept(self) -> None:
        """Accept waiting connections."""
        for _ in range(BURST):
            try:
                sock, _ = self._sock.accept()
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionError:
                continue
            except OSError as error:
                if error.errno not in EXHAUSTED or not self._refuse_one():
                    self._pause()
                    return
                continue
            sock.setblocking(False)
            if len(self._state.connections) + len(self._starting) >= shares().clients:
                self._refuse(sock)
            else:
                self._serve(sock)

    def _serve(self, sock: socket.socket) -> None:
        task: asyncio.Task[object] = self._loop.create_task(self._loop.connect_accepted_socket(self._protocol, sock))
        self._starting.add(task)
        task.add_done_callback(self._served)

    def _served(self, task: asyncio.Task[object]) -> None:
        self._starting.discard(task)
        if not task.cancelled():
            task.exception()  # mark it as retrieved: the client has disconnected already

    # --- refused connections ------------------------------------------------------------------------------------

    def _refuse(self, sock: socket.socket) -> None:
        """Send a 503 and keep the connection open for a moment, so that its client can read it."""
        error = Overloaded(
            Message(
                "The server is at its limit of {limit} connections at once. Try again in a moment.",
                limit=shares().clients,
            )
        )
        error.retry_after_s = 1.0
        with suppress(OSError):
            sock.send(final_response(error, self._state.default_headers, wanted({})))
            sock.shutdown(socket.SHUT_WR)
        self._refused.append(sock)
        if len(self._refused) > shares().refused:
            self._close_oldest()
        if self._sweep is None:
            self._sweep = self._loop.call_later(LINGER_S, self._close_expired, len(self._refused))

    def _close_expired(self, count: int) -> None:
        """Close the ``count`` oldest refused connections; their time is over."""
        self._sweep = None
        for _ in range(min(count, len(self._refused))):
            self._close_oldest()
        if self._refused:
            self._sweep = self._loop.call_later(LINGER_S, self._close_expired, len(self._refused))

    def _close_oldest(self) -> None:
        """Close the oldest refused connection. Its data is read first, because unread data makes the close a reset."""
        sock = self._refused.popleft()
        with suppress(OSError):
            while sock.recv(65_536):
                pass
        sock.close()

    def _refuse_one(self) -> bool:
        """Refuse one connection with the reserved descriptor, since no other is left. False if it is in use."""
        if self._refused:
            self._close_oldest()
            return True
        self._open_reserve()
        if self._reserve is None:
            return False
        os.close(self._reserve)
        self._reserve = None
        with suppress(OSError):
            sock, _ = self._sock.accept()
            sock.setblocking(False)
            self._refuse(sock)
            if sock in self._refused:
                self._refused.remove(sock)
                self._refused.appendleft(sock)
                self._close_oldest()
        self._open_reserve()
        return True

    def _open_reserve(self) -> None:
        if self._reserve is None:
            with suppress(OSError):
                self._reserve = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)

    def _pause(self) -> None:
        self._loop.remove_reader(self._sock.fileno())
        self._loop.call_later(PAUSE_S, self._listen)


def final_response(error: ProxyError, headers: Headers, language: Language) -> bytes:
    """Return an error as the bytes of a connection's last response; ``headers`` are added to its own."""
    body = error.body(language)
    head = [
        *headers, (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)), *error.headers(),
        (b"x-request-id", b"req_" + secrets.token_hex(16).encode()), (b"connection", b"close"),
    ]  # fmt: skip
    lines = b"".join(b"%b: %b\r\n" % header for header in head)
    return STATUS_LINE[error.http_status] + lines + b"\r\n" + body
