"""Request signing: a pure function of the call, a credential and the time, applied when the call is sent.

A vendor whose calls take a token may issue temporary ones for a key pair; its TokenExchange requests and reads them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple, Protocol

from adapters.core.failures import Failure
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


class TokenIssuer(NamedTuple):
    """Where a vendor issues tokens: the URL, and the vendor's name of the region for the signature."""

    url: str
    region: str


class TokenScope(NamedTuple):
    """What a temporary token is valid for: a model or endpoint, and the project of the account that it belongs to."""

    resource: str
    project: str


@dataclass(frozen=True, slots=True, eq=False)
class TokenExchange:
    """How a vendor issues temporary tokens for a key pair. Pure, like Auth.

    ``key_names``: the usual environment variables of the access key id and the secret key. ``issuers``: by region.
    ``request(pair, issuer, scope, now_s)`` returns the signed call; ``read(status, body, now_s)`` what its response means.
    ``refresh_s``: how long before its end a token is replaced, ``required_s``: how long before it must be.
    """

    key_names: tuple[str, str]
    issuers: Mapping[str, TokenIssuer]
    request: Callable[[KeyPair, TokenIssuer, TokenScope, float], Call]
    read: Callable[[int, bytes, float], ExpiringToken | Failure]
    refresh_s: float
    required_s: float


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
