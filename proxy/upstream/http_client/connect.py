"""From a host name to a connected socket, with TLS on it if asked: no wait of it is on the event loop's own time."""

import asyncio
import ipaddress
import socket
import ssl
from itertools import chain, zip_longest

HEAD_START_S = 0.25
"""How long the first address is tried alone before the next one is tried beside it (RFC 8305's figure)."""

Address = tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]


async def connect(protocol: asyncio.Protocol, host: str, port: int, tls: ssl.SSLContext | None) -> None:
    """Connect the protocol. Raises gaierror, UnicodeError (no such host name), SSLError or another OSError."""
    sock = await _first_of(await _resolve(host, port))
    loop = asyncio.get_running_loop()
    if tls is None:
        await loop.create_connection(lambda: protocol, sock=sock)
        return
    try:
        await loop.create_connection(lambda: protocol, sock=sock, ssl=tls, server_hostname=host.rstrip("."))
    except ssl.SSLError:
        raise
    except OSError as error:  # hung up in the midst of the handshake
        raise ssl.SSLEOFError(f"the TLS handshake was broken off: {error}") from error


async def _resolve(host: str, port: int) -> list[Address]:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    else:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    if not found:
        raise socket.gaierror(socket.EAI_NONAME, "the name has no address")
    return _families_in_turn([(row[0], row[4]) for row in found])


def _families_in_turn(found: list[Address]) -> list[Address]:
    """The resolver's order, but with the families alternating: one broken family then costs one head start."""
    first = [address for address in found if address[0] == found[0][0]]
    rest = [address for address in found if address[0] != found[0][0]]
    return [address for address in chain.from_iterable(zip_longest(first, rest)) if address is not None]


async def _first_of(addresses: list[Address]) -> socket.socket:
    """The first socket that connects; the others are closed. Raises the last failure if none does."""
    if len(addresses) == 1:
        return await _open(addresses[0])
    left = list(reversed(addresses))
    racing: set[asyncio.Task[socket.socket]] = set()
    failure: OSError = OSError("no address was tried")
    try:
        while left or racing:
            if left:
                racing.add(asyncio.create_task(_open(left.pop())))
            over, racing = await asyncio.wait(
                racing, timeout=HEAD_START_S if left else None, return_when=asyncio.FIRST_COMPLETED
            )
            won, failed = _sift(over)
            if won is not None:
                return won
            failure = failed or failure
        raise failure
    finally:
        for task in racing:
            task.add_done_callback(_close_late)
            task.cancel()


def _sift(over: set[asyncio.Task[socket.socket]]) -> tuple[socket.socket | None, OSError | None]:
    """A connected socket of those that are over, if there is one (a second one is closed), and a failure."""
    won: socket.socket | None = None
    failure: OSError | None = None
    for task in over:
        error = task.exception()
        if isinstance(error, OSError):
            failure = error
        elif error is not None:
            raise error
        elif won is None:
            won = task.result()
        else:
            task.result().close()
    return won, failure


def _close_late(task: asyncio.Task[socket.socket]) -> None:
    """For one that lost the race: it may have connected in the very moment it was cancelled."""
    if not task.cancelled() and task.exception() is None:
        task.result().close()


async def _open(address: Address) -> socket.socket:
    family, where = address
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        await asyncio.get_running_loop().sock_connect(sock, where)
    except BaseException:
        sock.close()
        raise
    return sock
