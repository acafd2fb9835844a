"""Request signing: a pure function of the call and a secret, which the runner applies when it sends the call."""

from functools import lru_cache
from typing import Protocol

from adapters.core.wire import Call


class Auth(Protocol):
    """A vendor's signing scheme. ``secret`` is the operator's key; ``now_s`` is the time in epoch seconds."""

    def sign(self, call: Call, secret: str, now_s: float) -> Call:
        """Return the call with its credential."""
        ...


class Bearer:
    """``Authorization: Bearer <key>``; the key ``none`` sends no header, for servers without keys."""

    def sign(self, call: Call, secret: str, now_s: float) -> Call:
        """Return the call with the header, or unchanged for the key ``none``."""
        if secret == "none":
            return call
        return Call(call.method, call.url, (*call.headers, bearer(secret)), call.body, call.streams)


@lru_cache(maxsize=256)
def bearer(secret: str) -> tuple[bytes, bytes]:
    """Return the ``Authorization`` header for a key."""
    return b"authorization", b"Bearer " + secret.encode("latin-1")
