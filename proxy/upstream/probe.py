"""Make single test calls to a vendor over the same path as real calls, and report why they fail."""

import asyncio
import socket
import ssl
from collections.abc import Mapping
from typing import NamedTuple

import httpx2

from adapters.core.message import EMPTY, Message
from adapters.core.wire import Call, Phase
from proxy.upstream.client import Upstream
from proxy.upstream.errors import causes, phase_of

LARGEST = 1024 * 1024
"""The most of a response body that is read (bytes)."""


class ProbeResponse(NamedTuple):
    """A response: its status, headers by lower-case name, and the beginning of its body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class ProbeFailure(NamedTuple):
    """A failed call: its phase, and for TLS what is wrong with the certificate or the peer."""

    phase: Phase
    why: Message = EMPTY


async def get(
    upstream: Upstream, call: Call, connect_s: float = 5.0, within_s: float = 10.0
) -> ProbeResponse | ProbeFailure:
    """Make one call. Times are in seconds. Raises only CancelledError."""
    transport = upstream.transport_for(call.url)
    limits = {"connect": connect_s, "pool": connect_s, "read": within_s, "write": within_s}
    try:
        url = httpx2.URL(call.url)
        headers = [(b"host", url.netloc), *call.headers]
        request = httpx2.Request(
            call.method, url, headers=headers, stream=httpx2.ByteStream(b""), extensions={"timeout": limits}
        )
        async with asyncio.timeout(within_s):
            response = await transport.handle_async_request(request)
            return ProbeResponse(response.status_code, _by_name(response), await _beginning(response))
    except TimeoutError:
        return ProbeFailure("total")
    except Exception as error:  # noqa: BLE001 - a transport may raise anything, and each error is a result here
        phase = phase_of(error)
        return ProbeFailure(phase, tls_problem(error) if phase == "tls" else EMPTY)


def _by_name(response: httpx2.Response) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers.raw}


async def _beginning(response: httpx2.Response) -> bytes:
    stream = response.stream
    assert isinstance(stream, httpx2.AsyncByteStream)
    body = b""
    try:
        async for part in stream:
            body += part
            if len(body) >= LARGEST:
                break
    except httpx2.HTTPError:
        pass  # the head is enough
    finally:
        await stream.aclose()
    return body


NO_TLS = Message("the server does not speak TLS")
OTHER_NAME = Message("the certificate is for another name")
OTHER_ADDRESS = Message("the certificate is for another address")
CERTIFICATES: Mapping[int, Message] = {
    9: Message("the certificate is not valid yet"),
    10: Message("the certificate has expired"),
    18: Message("the certificate is self-signed"),
    19: Message("the certificate comes from an authority that this machine does not trust"),
    20: Message("the certificate comes from an authority that this machine does not trust"),
    21: Message("the certificate comes from an authority that this machine does not trust"),
    62: OTHER_NAME,
    64: OTHER_ADDRESS,
}
"""Messages for OpenSSL's verification errors (its X509_V_ERR_ numbers)."""


def tls_problem(error: BaseException) -> Message:
    """Return what is wrong, for an error caused by a failed TLS handshake."""
    for cause in causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return CERTIFICATES.get(
                cause.verify_code, Message("the certificate was not accepted ({why})", why=cause.verify_message)
            )
    for cause in causes(error):
        if isinstance(cause, ssl.SSLError):
            if cause.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"):
                return NO_TLS
            if cause.reason in ("UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "NO_PROTOCOLS_AVAILABLE"):
                return Message("the server supports only an outdated TLS version")
    return Message("the TLS handshake was aborted")


async def addresses_of(host: str) -> list[str]:
    """Return the addresses that a host name resolves to. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(row[4][0]) for row in found))
