"""Calls to vendors: the one module that knows httpx2. Everything above it sees ``Head``, ``Data``, ``End`` and ``Lost``.

A transport, not a client: an ``AsyncClient`` costs 250 us a call for cookies, redirects and auth flows that a proxy
must not have. httpx2 is the maintained continuation of httpx, with the same API.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from functools import lru_cache
from typing import Literal
from urllib.parse import urlsplit
from urllib.request import getproxies

import httpx2

from adapters.core.json_limits import SMALL
from adapters.core.message import Message
from adapters.core.wire import Call, Data, End, Got, Head, Id, Lost
from proxy.fd_limits import exhausted
from proxy.upstream.errors import DESCRIPTIONS, causes, describe_timeout, out_of_descriptors, phase_of
from proxy.upstream.http_client.connection import ResponseStream
from proxy.upstream.http_client.pool import HttpTransport, ReplayBudget
from proxy.upstream.http_client.request import head_prefix
from proxy.upstream.outbound_proxies import EnvironmentProxies, NamedProxy, without_credentials

READ_ON_S = 0.25
"""How long a connection is read on after its answer's end marker, so that it can be kept (seconds)."""


class Upstream:
    """The way to all vendors. Connections are pooled; a proxy of the environment is used where it applies.

    ``proxies`` are those of the environment; ``limits`` hold for the proxies that are named in the configuration.
    """

    def __init__(
        self,
        transport: httpx2.AsyncBaseTransport,
        proxies: "EnvironmentProxies | NamedProxy | None" = None,
        limits: httpx2.Limits | None = None,
    ) -> None:
        self._direct = transport
        self._proxies = proxies
        self._limits = limits or httpx2.Limits()
        self._named: dict[str, NamedProxy] = {}

    @classmethod
    def over_the_network(cls, connections: int, kind: Literal["fast", "httpx"] = "fast") -> "Upstream":
        """The usual one. ``connections``: how many may be open at once; ``kind``: ours, or httpx2's own transport."""
        logging.getLogger("httpcore2").setLevel(logging.INFO)  # its debug lines hold the vendor's headers
        limits = httpx2.Limits(max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=30)
        proxies = EnvironmentProxies(limits) if getproxies() else None
        if kind == "fast":
            return cls(HttpTransport(connections), proxies, limits)
        return cls(httpx2.AsyncHTTPTransport(limits=limits, retries=0), proxies, limits)

    def via(self, wish: str) -> "Upstream":
        """How one vendor's calls leave: by the environment (``env``), ``none``, or a proxy's URL."""
        if wish == "env":
            return self
        if wish == "none":
            return Upstream(self._direct)
        if wish not in self._named:
            self._named[wish] = NamedProxy(wish, self._limits)
        return Upstream(self._direct, self._named[wish])

    def call(self, id_: Id, call: Call, connect_s: float, spare: ReplayBudget | None = None) -> "UpstreamCall":
        """One call, not begun yet. ``connect_s`` limits the connection and the wait for a place in the pool.

        ``spare`` says whether it may be sent again unseen, when the vendor closes a kept connection just then.
        """
        return UpstreamCall(self.transport_for(call.url), id_, call, connect_s, spare)

    def transport_for(self, url: str) -> httpx2.AsyncBaseTransport:
        """What a call to this URL goes over."""
        by_proxy = self._proxies.transport_for(url) if self._proxies is not None else None
        return by_proxy or self._direct

    def proxy_of(self, url: str) -> str | None:
        """The proxy that a call to this URL goes through, without its credentials; None if it goes directly."""
        proxy = self._proxies.proxy_of(url) if self._proxies is not None else None
        return proxy and without_credentials(proxy)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._direct.aclose()
        for proxies in (self._proxies, *self._named.values()):
            if proxies is not None:
                await proxies.aclose()


class UpstreamCall:
    """One call under way. ``next`` hands over what comes, ending with ``End`` or ``Lost``."""

    __slots__ = ("_answer", "_body", "_chunks", "_connect_s", "_id", "_replay_budget", "_transport", "call")

    def __init__(
        self,
        transport: httpx2.AsyncBaseTransport,
        id_: Id,
        call: Call,
        connect_s: float,
        spare: ReplayBudget | None = None,
    ) -> None:
        self._transport = transport
        self._id = id_
        self.call = call
        self._connect_s = connect_s
        self._replay_budget = spare
        self._answer: ResponseStream | None = None
        self._body: httpx2.AsyncByteStream | None = None
        self._chunks: AsyncIterator[bytes] | None = None

    def ready(self) -> Got | None:
        """The next thing, if it has arrived already: most of a short answer comes together with its head."""
        answer = self._answer
        if answer is None:
            return None
        data = answer.take()
        if data:
            return Data(self._id, data)
        if answer.whole:
            self._answer = self._body = None  # the connection is free again
            return End(self._id)
        return None

    async def next(self) -> Got:
        """The next thing that arrives. Raises CancelledError, and Overloaded where we have no descriptor for the call."""
        try:
            if self._chunks is None:
                return await self._begin()
            return Data(self._id, await anext(self._chunks))
        except StopAsyncIteration:
            return End(self._id)
        except Exception as error:  # noqa: BLE001 - a transport may raise anything, and all of it is Lost
            if any(map(exhausted, causes(error))):
                raise out_of_descriptors() from None
            phase = phase_of(error)
            if phase == "connect_timeout":
                return Lost(self._id, phase, describe_timeout(phase, self._connect_s))
            if phase == "dns":
                host = urlsplit(self.call.url).hostname
                return Lost(self._id, phase, Message("DNS lookup failed for {host}", host=host))
            return Lost(self._id, phase, DESCRIPTIONS[phase])

    async def _begin(self) -> Got:
        call = self.call
        if len(call.body) > SMALL:
            await asyncio.sleep(0)  # run other tasks first: it took long to serialize, and takes long to send
        url, host, origin = parse_url(call.url)
        # Read and write have no limit here: the driver's own timer sees to both.
        limits = {"connect": self._connect_s, "pool": self._connect_s, "read": None, "write": None}
        if isinstance(self._transport, HttpTransport):
            head = head_prefix(call.method, url.raw_path, (host, *call.headers))
            head = b"%b%d\r\n\r\n" % (head, len(call.body))
            answer = await self._transport.send(origin, head, call.body, limits, self._replay_budget)
            self._answer = self._body = self._chunks = answer
            return Head(self._id, answer.status, [(name.lower(), value) for name, value in answer.headers])
        headers = [host, (b"content-length", b"%d" % len(call.body)), *call.headers]
        request = httpx2.Request(
            call.method, url, headers=headers, stream=httpx2.ByteStream(call.body), extensions={"timeout": limits}
        )
        response = await self._transport.handle_async_request(request)
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        self._body = response.stream
        if response.status_code < 200:  # httpx2 hands a change of protocol on
            raise httpx2.RemoteProtocolError(str(response.status_code))
        self._chunks = aiter(self._body)
        return Head(self._id, response.status_code, [(name.lower(), value) for name, value in response.headers.raw])

    @property
    def closed(self) -> bool:
        """Whether there is nothing left to close."""
        return self._body is None

    def read_on(self) -> None:
        """Want no more of it. The connection is kept if the answer ends within ``READ_ON_S``, else closed; never waits."""
        answer, body, chunks = self._answer, self._body, self._chunks
        self._answer = self._body = None
        if answer is not None:
            answer.read_on(READ_ON_S)
        elif body is not None and chunks is not None:
            task = asyncio.create_task(_read_on(body, chunks))
            READING_ON.add(task)
            task.add_done_callback(READING_ON.discard)

    async def aclose(self) -> None:
        """Give the connection back, or close it if its answer was not read to the end. May be called twice."""
        body, self._body = self._body, None
        self._answer = None
        if body is not None:
            try:
                await body.aclose()
            except (httpx2.HTTPError, OSError):
                pass  # it is closed either way


READING_ON: set[asyncio.Task[None]] = set()
"""Answers of httpx2's own transport that are read on; asyncio itself does not hold its tasks."""


async def _read_on(body: httpx2.AsyncByteStream, chunks: AsyncIterator[bytes]) -> None:
    with contextlib.suppress(Exception):  # whatever it is, no request is there to hear of it
        try:
            async with asyncio.timeout(READ_ON_S):
                async for _ in chunks:
                    pass
        finally:
            await body.aclose()


@lru_cache(maxsize=256)
def parse_url(text: str) -> tuple[httpx2.URL, tuple[bytes, bytes], tuple[bytes, bytes, int | None]]:
    """A URL, its Host header and its origin. Cached: parsing costs 17 us, and a vendor has a handful of URLs."""
    url = httpx2.URL(text)
    return url, (b"host", url.netloc), (url.raw_scheme, url.raw_host, url.port)
