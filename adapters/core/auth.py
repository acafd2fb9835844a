"""How a call is signed: a pure function of the call and a secret, applied by the driver as the call leaves."""

from functools import lru_cache
from typing import Protocol

from adapters.core.wire import Call


class Auth(Protocol):
    """A vendor's way of signing. ``secret`` is the operator's key; ``now_s`` is the time in epoch seconds."""

    def sign(self, call: Call, secret: str, now_s: float) -> Call:
        """The same call with its credential."""
        ...


class Bearer:
    """``Authorization: Bearer <key>``; a key of ``none`` sends no header, for servers that have no keys."""

    def sign(self, call: Call, secret: str, now_s: float) -> Call:
        """The same call with the header, or untouched for the key ``none``."""
        if secret == "none":
            return call
        return Call(call.method, call.url, (*call.headers, bearer(secret)), call.body, call.streams)


@lru_cache(maxsize=256)
def bearer(secret: str) -> tuple[bytes, bytes]:
    """The header that says who pays."""
    return b"authorization", b"Bearer " + secret.encode("latin-1")
