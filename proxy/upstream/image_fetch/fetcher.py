"""Fetch one image from a public host: look up, check, connect to what was checked, read within limits.

Each fetch has its own connection, with no cookies, no credentials and no redirects. The connection goes to an address
that was checked, so a name whose addresses change in between (DNS rebinding) changes nothing.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
from tenacity import AsyncRetrying, RetryCallState, retry_if_result, stop_after_attempt, wait_random

from adapters.core.message import Message
from proxy.fd_limits import exhausted
from proxy.upstream.errors import causes, out_of_descriptors
from proxy.upstream.http_client.connect import Address, alternate_families, connect_to
from proxy.upstream.http_client.connection import PooledConnection, ResponseStream
from proxy.upstream.http_client.request import serialize_head
from proxy.upstream.image_fetch.errors import Cause, FetchesBusy, ImageError, unreachable
from proxy.upstream.image_fetch.image_types import HEAD_BYTES, media_type
from proxy.upstream.image_fetch.image_url import PORTS, ImageUrl, host_of, parse_image_url
from proxy.upstream.image_fetch.name_lookup import NameLookup, Resolve
from proxy.upstream.image_fetch.public_addresses import IPAddress, is_public

MIB = 1024 * 1024
MAX_IMAGE = 10 * MIB
"""The largest image (bytes)."""
IMAGE_S = 10.0
"""How long one image may take, from the DNS lookup to its last byte (seconds)."""
MAX_FETCHES = 32
"""The most fetches under way in the process."""
ATTEMPTS = 2
"""How often a connection is tried that fails before a byte has arrived."""
MAX_ADDRESSES = 4
"""The most addresses of a host that are tried. All of them are checked."""
HEADERS = (
    (b"user-agent", b"banjia"),
    (b"accept", b"image/*"),
    (b"accept-encoding", b"identity"),
    (b"connection", b"close"),
)

Admit = Callable[[int], None]
"""Called with the number of bytes that have arrived, before they are kept. May raise."""


class ClosedAfterUse:
    """The owner of a connection that serves one response."""

    def release(self, connection: PooledConnection) -> None:
        connection.close()

    def closed(self, connection: PooledConnection) -> None:
        """Keep nothing."""


OWNER = ClosedAfterUse()


class ImageFetcher:
    """Fetches images. One for the process, because ``MAX_FETCHES`` holds for all requests together.

    ``outbound_proxy``: returns the outbound proxy of the environment for a URL. The others are for tests: ``resolve``
    looks up a name, ``allowed`` judges an address, ``ports`` are those that a URL may have (None: any), ``tls`` is a
    context in place of the system's authorities, ``image_s`` the time limit.
    """

    def __init__(
        self,
        outbound_proxy: Callable[[str], str | None],
        *,
        resolve: Resolve | None = None,
        allowed: Callable[[IPAddress], bool] = is_public,
        ports: frozenset[int] | None = PORTS,
        tls: ssl.SSLContext | None = None,
        image_s: float = IMAGE_S,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._outbound_proxy = outbound_proxy
        self._resolve = resolve or NameLookup()
        self._allowed = allowed
        self._ports = ports
        self._tls = tls
        self._image_s = image_s
        self._sleep = sleep
        self._places = asyncio.Semaphore(MAX_FETCHES)

    async def fetch(self, text: str, admit: Admit) -> tuple[str, bytearray]:
        """Return the media type and the data of the image at this URL.

        Raises ImageError; FetchesBusy and Overloaded if the process has no capacity; whatever ``admit`` raises.
        """
        url = parse_image_url(text, self._ports)
        if self._outbound_proxy(f"{url.scheme}://{url.host_header.decode()}/") is not None:
            why = Message("banjia calls this host through an outbound proxy, and can't check its address then")
            raise ImageError(why, "outbound_proxy", host=url.host)
        await self._take_place()
        response: list[ResponseStream] = []  # set when a head has arrived
        try:
            async with asyncio.timeout(self._image_s):
                await self._request(url, response)
                return await read_image(url, response[0], admit)
        except TimeoutError:
            if not response:
                raise unreachable(url.host, "connect_timeout") from None
            why = Message("it did not arrive within {limit} seconds", limit=f"{self._image_s:g}")
            raise ImageError(why, "total_timeout", host=url.host) from None
        finally:
            self._places.release()
            if response:
                await response[0].aclose()

    async def _take_place(self) -> None:
        """Wait for a place, as long as one image may take. Raises FetchesBusy."""
        try:
            async with asyncio.timeout(self._image_s):
                await self._places.acquire()
        except TimeoutError:
            raise FetchesBusy from None

    async def _request(self, url: ImageUrl, response: list[ResponseStream]) -> None:
        """Look up the host once, check it, and add the response to the list when its head has arrived."""
        addresses = await self._checked_addresses(url)

        async def attempt() -> ResponseStream | BaseException:
            # tenacity keeps an exception together with its frame, which is a reference cycle, but not a result.
            try:
                return await self._attempt(url, addresses)
            except BaseException as error:  # noqa: BLE001 - raised below
                return error

        retrying = AsyncRetrying(
            retry=retry_if_result(lambda result: isinstance(result, ImageError) and result.transient),
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_random(0, 0.2),
            sleep=self._sleep,
            retry_error_callback=last_result,
        )
        try:
            result: ResponseStream | BaseException = await retrying(attempt)
        finally:
            retrying.iter_state.reset()  # breaks a reference cycle that would wait for the garbage collector
        try:
            if isinstance(result, BaseException):
                raise result
            response.append(result)
        finally:
            del result

    async def _checked_addresses(self, url: ImageUrl) -> list[Address]:
        """Return the addresses to connect to. Raises ImageError if the host has none, or one that is not public."""
        found = [url.address] if url.address is not None else await self._look_up(url.host)
        if not all(map(self._allowed, found)):
            raise unreachable(url.host, "address")
        return alternate_families([socket_address(address, url.port) for address in found])[:MAX_ADDRESSES]

    async def _look_up(self, host: str) -> list[IPAddress]:
        try:
            found = [ipaddress.ip_address(text) for text in await self._resolve(host)]
        except (OSError, UnicodeError, ValueError) as error:
            if exhausted(error):
                raise out_of_descriptors() from None
            raise unreachable(host, "dns") from None
        if not found:
            raise unreachable(host, "dns")
        return found

    async def _attempt(self, url: ImageUrl, addresses: list[Address]) -> ResponseStream:
        """Connect to one of the addresses, send the request and wait for the response head. Raises ImageError."""
        connection = PooledConnection(OWNER, (url.scheme.encode(), url.host.encode(), url.port))
        try:
            await connect_to(connection, addresses, url.host, self._context() if url.scheme == "https" else None)
            head = serialize_head(b"GET", url.target, ((b"host", url.host_header), *HEADERS), 0)
            return await connection.send(head, b"", {}, no_body=False)
        except (OSError, httpx2.TransportError) as error:
            connection.close()
            if any(map(exhausted, causes(error))):
                raise out_of_descriptors() from None
            raise failed_attempt(url, error) from None
        except BaseException:
            connection.close()
            raise

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = httpx2.create_ssl_context()
            self._tls.set_alpn_protocols(["http/1.1"])
        return self._tls


def last_result(state: RetryCallState) -> Any:
    """Return what the last attempt returned, for tenacity: no attempt is left."""
    assert state.outcome is not None
    return state.outcome.result()


def socket_address(address: IPAddress, port: int) -> Address:
    """Return what a socket connects to, made of the checked address and of nothing else."""
    if isinstance(address, ipaddress.IPv4Address):
        return socket.AF_INET, (str(address), port)
    return socket.AF_INET6, (str(address), port, 0, 0)


def failed_attempt(url: ImageUrl, error: Exception) -> ImageError:
    """Return the error for an attempt without a response head. It is transient if the connection failed."""
    tls = isinstance(error, ssl.SSLError)
    cause: Cause = "cut" if isinstance(error, httpx2.RemoteProtocolError) else "connect"
    return unreachable(url.host, cause, transient=not tls and cause == "connect")


async def read_image(url: ImageUrl, response: ResponseStream, admit: Admit) -> tuple[str, bytearray]:
    """Read the body. Bytes are counted as they arrive: ``content-length`` only shortens the wait for a refusal.

    Raises ImageError, and whatever ``admit`` raises.
    """
    check_head(url, response)
    data = bytearray()
    media = None
    try:
        async for piece in response:
            if len(data) + len(piece) > MAX_IMAGE:
                raise too_large(url)
            admit(len(piece))
            data += piece
            if media is None and len(data) >= HEAD_BYTES:
                media = checked_type(url, data)
    except httpx2.TransportError:
        raise ImageError(Message("the response broke off"), "cut", host=url.host) from None
    return media or checked_type(url, data), data


def check_head(url: ImageUrl, response: ResponseStream) -> None:
    """Check status, encoding and size. Raises ImageError."""
    headers = {name.lower(): value for name, value in response.headers}
    status = response.status
    if 300 <= status < 400:
        to = host_of(headers.get(b"location", b"").decode("latin-1"))
        if to is None:
            raise ImageError(Message("the server redirects, and banjia does not follow"), "redirect", host=url.host)
        why = Message(
            "the server redirects to {to}, and banjia does not follow: send the URL of the image itself", to=to
        )
        raise ImageError(why, "redirect", host=url.host)
    if status != 200:
        raise ImageError(Message("the server answered {status}", status=status), "status", host=url.host)
    if headers.get(b"content-encoding", b"identity").strip().lower() not in (b"identity", b""):
        raise ImageError(Message("the response is compressed"), "encoded", host=url.host)
    length = headers.get(b"content-length", b"")
    if length.isdigit() and (len(length) > 18 or int(length) > MAX_IMAGE):
        raise too_large(url)


def checked_type(url: ImageUrl, data: bytearray) -> str:
    """Return the media type. Raises ImageError for anything else than an image of a type that vendors accept."""
    media = media_type(bytes(data[:HEAD_BYTES]))
    if media is None:
        raise ImageError(Message("it is not a PNG, JPEG, GIF or WebP image"), "type", host=url.host)
    return media


def too_large(url: ImageUrl) -> ImageError:
    """Return the error for an image beyond ``MAX_IMAGE``."""
    return ImageError(Message("it is larger than {most} MiB", most=MAX_IMAGE // MIB), "size", host=url.host)
