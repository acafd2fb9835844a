"""Request signing: a pure function of the call, a credential and the time, applied when the call is sent."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

from adapters.core.wire import Call

NO_KEY = "none"
"""The token that stands for a server without keys."""


@dataclass(frozen=True, slots=True)
class BearerToken:
    """An API key that is sent as it is; ``none`` stands for a server without keys."""

    value: str = field(repr=False)


WITHOUT_KEY = BearerToken(NO_KEY)


@dataclass(frozen=True, slots=True)
class KeyPair:
    """An access key id, which the vendor sees, and the secret key, which signs calls and is never sent."""

    access_key_id: str
    secret_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ExpiringToken:
    """A token that the vendor issued for a limited time. ``expires_at``: when it ends (epoch seconds)."""

    value: str = field(repr=False)
    expires_at: float


Credential = BearerToken | KeyPair | ExpiringToken
"""What authenticates calls at a vendor. Its ``repr`` shows no secret."""


class Auth(Protocol):
    """A vendor's signing scheme."""

    def sign(self, call: Call, credential: Credential, now_s: float) -> Call:
        """Return the call with its credential. ``now_s``: the time (epoch seconds).

        Raises TypeError for a kind of credential that the scheme does not use.
        """
        ...


class Bearer:
    """``Authorization: Bearer <token>``; the token ``none`` sends no header, for servers without keys."""

    def sign(self, call: Call, credential: Credential, now_s: float) -> Call:
        """Return the call with the header, or unchanged for the token ``none``. Raises TypeError for a key pair."""
        if isinstance(credential, KeyPair):
            raise TypeError("a bearer token is needed, not a key pair")
        if credential.value == NO_KEY:
            return call
        return Call(call.method, call.url, (*call.headers, bearer(credential.value)), call.body, call.streams)


@lru_cache(maxsize=256)
def bearer(token: str) -> tuple[bytes, bytes]:
    """Return the ``Authorization`` header for a token."""
    return b"authorization", b"Bearer " + token.encode("latin-1")
