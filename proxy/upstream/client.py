"""Upstream calls, the HTTP calls to vendors, reported to the code above as ``Head``, ``Data``, ``End`` and ``Lost``.

It uses httpx2's transports, not its client: an ``AsyncClient`` costs 250 us a call for cookies, redirects and auth
flows, which a proxy must not have. httpx2 is the maintained continuation of httpx, with the same API.
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
from adapters.core.wire import Call, Data, End, Got, Head, Id, Lost, Phase
from proxy.fd_limits import exhausted
from proxy.upstream.errors import DESCRIPTIONS, causes, describe_timeout, out_of_descriptors, phase_of
from proxy.upstream.http_client.connection import ResponseStream
from proxy.upstream.http_client.pool import HttpTransport, ReplayBudget
from proxy.upstream.http_client.request import head_prefix
from proxy.upstream.outbound_proxies import EnvironmentProxies, NamedProxy, without_credentials

READ_ON_S = 0.25
"""How long a connection is read after the response's end marker, so that it can be reused (seconds)."""


class Upstream:
    """Makes upstream calls over pooled connections, through an outbound proxy where one applies.

    ``proxies``: the outbound proxies to use, if any; ``limits``: of connections through proxies of the configuration.
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
        """Return the usual one. ``connections``: the most open at once; ``kind``: banjia's or httpx2's transport."""
        logging.getLogger("httpcore2").setLevel(logging.INFO)  # its debug lines include the vendor's headers
        limits = httpx2.Limits(max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=30)
        proxies = EnvironmentProxies(limits) if getproxies() else None
        if kind == "fast":
            return cls(HttpTransport(connections), proxies, limits)
        return cls(httpx2.AsyncHTTPTransport(limits=limits, retries=0), proxies, limits)

    def via(self, outbound: str) -> "Upstream":
        """Return the upstream for a vendor's outbound proxy: ``env`` (from the environment), ``none``, or a URL."""
        if outbound == "env":
            return self
        if outbound == "none":
            return Upstream(self._direct)
        if outbound not in self._named:
            self._named[outbound] = NamedProxy(outbound, self._limits)
        return Upstream(self._direct, self._named[outbound])

    def call(self, id_: Id, call: Call, connect_s: float, replay_budget: ReplayBudget | None = None) -> "UpstreamCall":
        """Return a call that is not sent yet. ``connect_s`` limits connecting, and the wait for a pool connection.

        ``replay_budget``: whether the call may be replayed if the vendor closes a reused connection just then.
        """
        return UpstreamCall(self.transport_for(call.url), id_, call, connect_s, replay_budget)

    def transport_for(self, url: str) -> httpx2.AsyncBaseTransport:
        """Return the transport for a URL."""
        by_proxy = self._proxies.transport_for(url) if self._proxies is not None else None
        return by_proxy or self._direct

    def proxy_of(self, url: str) -> str | None:
        """Return the outbound proxy for a URL, without its credentials; None if it is called directly."""
        proxy = self._proxies.proxy_of(url) if self._proxies is not None else None
        return proxy and without_credentials(proxy)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._direct.aclose()
        for proxies in (self._proxies, *self._named.values()):
            if proxies is not None:
                await proxies.aclose()


NO_TRANSPORT = httpx2.AsyncBaseTransport()
NO_CALL = Call("POST", "", (), b"", streams=False)


class UpstreamCall:
    """One upstream call. ``next`` returns what has arrived; the last result of all is ``End`` or ``Lost``."""

    __slots__ = ("_body", "_chunks", "_connect_s", "_id", "_replay_budget", "_response", "_transport", "call")

    def __init__(
        self,
        transport: httpx2.AsyncBaseTransport,
        id_: Id,
        call: Call,
        connect_s: float,
        replay_budget: ReplayBudget | None = None,
    ) -> None:
        self._transport = transport
        self._id = id_
        self.call = call
        self._connect_s = connect_s
        self._replay_budget = replay_budget
        self._response: ResponseStream | None = None
        self._body: httpx2.AsyncByteStream | None = None
        self._chunks: AsyncIterator[bytes] | None = None

    async def next(self) -> list[Got]:
        """Wait until something arrives, and return all that has. A short response usually arrives with its head.

        Raises Overloaded if no file descriptor is left for the call.
        """
        results: list[Got] = []
        try:
            if self._chunks is None:
                results.append(await self._begin())
            stream = self._response
            if stream is None:  # httpx2's transport
                return results if self._chunks is None or results else [Data(self._id, await anext(self._chunks))]
            if not results:
                while not stream.pending:
                    await stream.wait()
            if stream.pending:
                data = stream.take()
                if data:
                    results.append(Data(self._id, data))
                if stream.complete:
                    self._response = self._body = None  # the connection is back in the pool
                    results.append(End(self._id))
                elif not results and stream.error is not None:
                    raise stream.error
            return results
        except StopAsyncIteration:
            await self.aclose()
            return [End(self._id)]
        except Exception as error:  # noqa: BLE001 - a transport may raise anything, and it all becomes Lost
            if any(map(exhausted, causes(error))):
                raise out_of_descriptors() from None
            return [self._lost(phase_of(error))]

    def _lost(self, phase: Phase) -> Lost:
        if phase == "connect_timeout":
            return Lost(self._id, phase, describe_timeout(phase, self._connect_s))
        if phase == "dns":
            return Lost(self._id, phase, Message("DNS lookup failed for {host}", host=urlsplit(self.call.url).hostname))
        return Lost(self._id, phase, DESCRIPTIONS[phase])

    async def _begin(self) -> Got:
        call = self.call
        if len(call.body) > SMALL:
            await asyncio.sleep(0)  # let other tasks run: it took long to serialize, and takes long to send
        url, host, origin = parse_url(call.url)
        # No read and write limits here: the attempt's deadline covers both.
        limits = {"connect": self._connect_s, "pool": self._connect_s, "read": None, "write": None}
        if isinstance(self._transport, HttpTransport):
            head = head_prefix(call.method, url.raw_path, (host, *call.headers))
            head = b"%b%d\r\n\r\n" % (head, len(call.body))
            stream = await self._transport.send(origin, head, call.body, limits, self._replay_budget)
            self._response = self._body = self._chunks = stream
            return Head(self._id, stream.status, stream.headers)
        headers = [host, (b"content-length", b"%d" % len(call.body)), *call.headers]
        request = httpx2.Request(
            call.method, url, headers=headers, stream=httpx2.ByteStream(call.body), extensions={"timeout": limits}
        )
        response = await self._transport.handle_async_request(request)
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        self._body = response.stream
        if response.status_code < 200:  # httpx2 passes on a protocol upgrade
            raise httpx2.RemoteProtocolError(str(response.status_code))
        self._chunks = aiter(self._body)
        return Head(self._id, response.status_code, [(name.lower(), value) for name, value in response.headers.raw])

    @property
    def closed(self) -> bool:
        """Whether the connection is already released."""
        return self._body is None

    def read_on(self) -> None:
        """Discard the rest in the background. The connection is reused if the response ends within ``READ_ON_S``."""
        response, body, chunks = self._response, self._body, self._chunks
        self._response = self._body = None
        if response is not None:
            response.read_on(READ_ON_S)
        elif body is not None and chunks is not None:
            task = asyncio.create_task(_read_on(body, chunks))
            READING_ON.add(task)
            task.add_done_callback(READING_ON.discard)

    async def aclose(self) -> None:
        """Release the connection, or close it if its response was not read to the end. May be called twice."""
        body, self._body = self._body, None
        self._response = None
        if body is not None:
            try:
                await body.aclose()
            except (httpx2.HTTPError, OSError):
                pass  # it is closed either way


class DeclinedCall(UpstreamCall):
    """An optional call that is not sent: all that arrives is ``Lost``, with the reason."""

    __slots__ = ("_why",)

    def __init__(self, id_: Id, why: Message) -> None:
        super().__init__(NO_TRANSPORT, id_, NO_CALL, 0.0)
        self._why = why

    async def next(self) -> list[Got]:
        """Return that the call was declined."""
        return [Lost(self._id, "declined", self._why)]


READING_ON: set[asyncio.Task[None]] = set()
"""Responses of httpx2's transport that are read to their end; asyncio keeps only weak references to tasks."""


async def _read_on(body: httpx2.AsyncByteStream, chunks: AsyncIterator[bytes]) -> None:
    with contextlib.suppress(Exception):  # no request is left to report an error to
        try:
            async with asyncio.timeout(READ_ON_S):
                async for _ in chunks:
                    pass
        finally:
            await body.aclose()


@lru_cache(maxsize=256)
def parse_url(text: str) -> tuple[httpx2.URL, tuple[bytes, bytes], tuple[bytes, bytes, int | None]]:
    """Return a URL, its Host header and its origin. Cached: parsing takes 17 us, and a vendor has only a few URLs."""
    url = httpx2.URL(text)
    return url, (b"host", url.netloc), (url.raw_scheme, url.raw_host, url.port)
