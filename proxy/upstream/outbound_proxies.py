"""Outbound proxies of the environment and of the configuration."""

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx2

from adapters.core.message import Message


def without_credentials(proxy: str) -> str:
    """Return a proxy's URL without user and password."""
    scheme, _, rest = proxy.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2].rstrip('/')}"


class NamedProxy:
    """A forward proxy, through httpx2's transport: CONNECT for https, the absolute URL in the request for http."""

    def __init__(self, url: str, limits: httpx2.Limits) -> None:
        self._url = url
        self._transport: httpx2.AsyncBaseTransport
        if url.startswith("socks"):
            self._transport = SocksUnsupported()
        else:
            self._transport = httpx2.AsyncHTTPTransport(proxy=url, limits=limits, retries=0)

    def transport_for(self, url: str) -> httpx2.AsyncBaseTransport:
        """Return the proxy's transport for any URL. NO_PROXY does not apply to a configured proxy."""
        return self._transport

    def proxy_of(self, url: str) -> str:
        """Return the proxy's own URL."""
        return self._url

    async def aclose(self) -> None:
        """Close every connection."""
        await self._transport.aclose()


class SocksUnsupported(httpx2.AsyncBaseTransport):
    """The transport for a SOCKS proxy of the environment, which is not supported: it needs another library."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Raise ProxyError. Bypassing the proxy would be against the operator's intent."""
        raise httpx2.ProxyError(Message("the environment sets a SOCKS proxy, which is not supported"))


class EnvironmentProxies:
    """The outbound proxies of the environment (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY).

    A transport does not read these variables itself. They are read once, at startup.
    """

    def __init__(self, limits: httpx2.Limits) -> None:
        self._limits = limits
        self._by_scheme = getproxies()
        self._by_proxy: dict[str, NamedProxy] = {}
        self._chosen: dict[str, str | None] = {}

    def transport_for(self, url: str) -> httpx2.AsyncBaseTransport | None:
        """Return the proxy's transport for a URL, or None if it is called directly."""
        proxy = self._chosen.get(url, "")
        if proxy == "":
            proxy = self._chosen[url] = self.proxy_of(url)
        if proxy is None:
            return None
        if proxy not in self._by_proxy:
            self._by_proxy[proxy] = NamedProxy(proxy, self._limits)
        return self._by_proxy[proxy].transport_for(url)

    def proxy_of(self, url: str) -> str | None:
        """Return the URL of the proxy for a vendor's URL, or None."""
        parts = urlsplit(url)
        if proxy_bypass(parts.netloc):
            return None
        proxy = self._by_scheme.get(parts.scheme) or self._by_scheme.get("all")
        return proxy if proxy is None or "://" in proxy else f"http://{proxy}"

    async def aclose(self) -> None:
        """Close every connection."""
        for proxy in self._by_proxy.values():
            await proxy.aclose()
