"""Look up the addresses of a host that a client chose, without holding up the lookups of vendors."""

import socket
import threading
from collections.abc import Awaitable, Callable

from proxy.daemon_thread import in_daemon_thread
from proxy.upstream.image_fetch.errors import FetchesBusy

Resolve = Callable[[str], Awaitable[list[str]]]
"""Returns the addresses of a host name, as text. Raises OSError or UnicodeError."""

MAX_LOOKUPS = 32
"""The most lookups under way, including those whose request has given up. A DNS server may take long to answer."""


class NameLookup:
    """The system's resolver, in threads of its own.

    The threads of the event loop are few and look up the vendors' names: clients must not be able to occupy them with
    names whose DNS server does not answer.
    """

    def __init__(self) -> None:
        self._free = threading.BoundedSemaphore(MAX_LOOKUPS)

    async def __call__(self, host: str) -> list[str]:
        """Return all addresses of a name. Raises OSError or UnicodeError, and FetchesBusy."""
        if not self._free.acquire(blocking=False):
            raise FetchesBusy

        def look_up() -> list[str]:
            try:
                return addresses_of(host)
            finally:
                self._free.release()

        try:
            return await in_daemon_thread(look_up, "image-host-lookup")
        except RuntimeError:  # the system has no thread left
            self._free.release()
            raise FetchesBusy from None


def addresses_of(host: str) -> list[str]:
    """Return the addresses of a name. Blocks. Raises OSError or UnicodeError.

    The dot at the end makes the name absolute: the search domains of this machine (such as those of a cluster) do not
    apply.
    """
    found = socket.getaddrinfo(f"{host}.", None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(row[4][0]) for row in found))
