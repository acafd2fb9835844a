"""Connect to a host: DNS, TCP with Happy Eyeballs (RFC 8305) and TLS, without blocking the event loop."""

import asyncio
import ipaddress
import socket
import ssl
from itertools import chain, zip_longest

HEAD_START_S = 0.25
"""How long an address is tried before the next one is tried in parallel (seconds; RFC 8305's figure)."""

Address = tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]


async def connect(protocol: asyncio.Protocol, host: str, port: int, tls: ssl.SSLContext | None) -> None:
    """Connect the protocol. Raises gaierror, UnicodeError (invalid host name), SSLError or another OSError."""
    await connect_to(protocol, await _resolve(host, port), host, tls)


async def connect_to(
    protocol: asyncio.Protocol, addresses: list[Address], host: str, tls: ssl.SSLContext | None
) -> None:
    """Connect to one of these addresses of a host, without a lookup. Raises SSLError or another OSError."""
    sock = await _first_of(addresses)
    loop = asyncio.get_running_loop()
    if tls is None:
        await loop.create_connection(lambda: protocol, sock=sock)
        return
    try:
        await loop.create_connection(lambda: protocol, sock=sock, ssl=tls, server_hostname=host.rstrip("."))
    except ssl.SSLError:
        raise
    except OSError as error:  # the connection was closed during the handshake
        raise ssl.SSLEOFError(f"the TLS handshake was broken off: {error}") from error


async def _resolve(host: str, port: int) -> list[Address]:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        results = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    else:
        results = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    if not results:
        raise socket.gaierror(socket.EAI_NONAME, "the name has no address")
    return alternate_families([(row[0], row[4]) for row in results])


def alternate_families(addresses: list[Address]) -> list[Address]:
    """Return the resolver's order with alternating address families, so that a broken family costs one head start."""
    first = [address for address in addresses if address[0] == addresses[0][0]]
    rest = [address for address in addresses if address[0] != addresses[0][0]]
    return [address for address in chain.from_iterable(zip_longest(first, rest)) if address is not None]


async def _first_of(addresses: list[Address]) -> socket.socket:
    """Return the first socket that connects and close the others. Raises the last failure if none connects."""
    if len(addresses) == 1:
        return await _open(addresses[0])
    remaining = list(reversed(addresses))
    racing: set[asyncio.Task[socket.socket]] = set()
    failure: OSError = OSError("no address was tried")
    try:
        while remaining or racing:
            if remaining:
                racing.add(asyncio.create_task(_open(remaining.pop())))
            done, racing = await asyncio.wait(
                racing, timeout=HEAD_START_S if remaining else None, return_when=asyncio.FIRST_COMPLETED
            )
            winner, failed = _collect(done)
            if winner is not None:
                return winner
            failure = failed or failure
        raise failure
    finally:
        for task in racing:
            task.add_done_callback(_close_late)
            task.cancel()


def _collect(done: set[asyncio.Task[socket.socket]]) -> tuple[socket.socket | None, OSError | None]:
    """Return a connected socket from the finished tasks, if any, and a failure. Closes further sockets."""
    winner: socket.socket | None = None
    failure: OSError | None = None
    for task in done:
        error = task.exception()
        if isinstance(error, OSError):
            failure = error
        elif error is not None:
            raise error
        elif winner is None:
            winner = task.result()
        else:
            task.result().close()
    return winner, failure


def _close_late(task: asyncio.Task[socket.socket]) -> None:
    """Close the socket of a cancelled task that connected at the same moment."""
    if not task.cancelled() and task.exception() is None:
        task.result().close()


async def _open(address: Address) -> socket.socket:
    family, sockaddr = address
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        await asyncio.get_running_loop().sock_connect(sock, sockaddr)
    except BaseException:
        sock.close()
        raise
    return sock
