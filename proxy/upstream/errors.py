"""Map the errors of upstream calls to phases and messages."""

import asyncio
import socket
import ssl

import httpx2

from adapters.core.message import Message
from adapters.core.wire import Phase
from proxy.errors import Overloaded
from proxy.reason import Reason

PHASES: tuple[tuple[type[Exception], Phase], ...] = (
    (httpx2.ConnectTimeout, "connect_timeout"),
    (httpx2.PoolTimeout, "pool"),
    (httpx2.ReadTimeout, "total"),
    (httpx2.WriteTimeout, "write"),
    (httpx2.ConnectError, "connect"),
    (httpx2.ReadError, "reset"),
    (httpx2.WriteError, "write"),
    (httpx2.CloseError, "reset"),
    (httpx2.RemoteProtocolError, "reset"),
    (httpx2.LocalProtocolError, "protocol"),
    (httpx2.ProxyError, "connect"),
    (httpx2.UnsupportedProtocol, "protocol"),
    (httpx2.TransportError, "protocol"),
)
"""The phase of each transport error, most specific class first; a test checks that none is missing."""

DESCRIPTIONS: dict[Phase, Message] = {
    "dns": Message("DNS lookup failed"),
    "connect": Message("the connection was refused or failed"),
    "connect_timeout": Message("the connection took too long"),
    "tls": Message("no trusted TLS connection could be made"),
    "pool": Message("no connection became free in time"),
    "write": Message("the request could not be written"),
    "reset": Message("the connection was cut"),
    "protocol": Message("the response is not valid HTTP"),
    "first_token": Message("no content arrived in time"),
    "idle": Message("the stream paused for too long"),
    "total": Message("it took too long"),
    "declined": Message("the call was not sent"),
}


TIMEOUT_KEYS: dict[Phase, str] = {
    "connect_timeout": "connect_s",
    "first_token": "first_token_s",
    "idle": "idle_s",
    "total": "total_s",
}
"""The configuration key in a vendor's ``timeouts`` for each phase that has a limit."""


def describe_timeout(phase: Phase, limit_s: float) -> Message:
    """Return why a call timed out, with the limit and its configuration key."""
    return Message(
        "{why} (timeouts.{key}, {limit} s)", why=DESCRIPTIONS[phase], key=TIMEOUT_KEYS[phase], limit=f"{limit_s:g}"
    )


def out_of_descriptors() -> Overloaded:
    """Return the error for a call that was not sent because no file descriptor is left; not the vendor's fault."""
    error = Overloaded(
        Message("The server has no file descriptor left for a call to the vendor. Try again in a moment."),
        reason=Reason.FILE_DESCRIPTORS,
    )
    error.retry_after_s = 1.0
    return error


def phase_of(error: Exception) -> Phase:
    """Return the phase in which a call failed. DNS and TLS failures are recognised by the error's cause."""
    # Only for a ConnectError: a reset over TLS has an SSLWantReadError in its chain that means nothing.
    for cause in causes(error) if isinstance(error, httpx2.ConnectError) else ():
        if isinstance(cause, socket.gaierror):
            return "dns"
        if isinstance(cause, ssl.SSLError):
            return "tls"
    for kind, phase in PHASES:
        if isinstance(error, kind):
            return phase
    return "reset" if isinstance(error, (OSError, asyncio.IncompleteReadError)) else "protocol"


def causes(error: BaseException) -> list[BaseException]:
    """Return the error and its chain of causes, which may contain a cycle."""
    chain: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in chain:
        chain.append(cause)
        cause = cause.__cause__ or cause.__context__
    return chain
