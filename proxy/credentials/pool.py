"""Client keys, which are stored as hashes only, and the pool of each vendor's API keys with their cooldowns."""

import hashlib
import hmac
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pydantic import SecretStr

from adapters.core.auth import WITHOUT_KEY, BearerToken, Credential, ExpiringToken, KeyPair, TokenIssuer
from adapters.core.vendor import Vendor
from config.schema import Timeouts, VendorEntry
from proxy.credentials.redaction import Secrets, secret_headers
from proxy.credentials.tokens import MOST_TOKENS, TemporaryTokens, TokenSource
from proxy.limiter.limiter import Limiter
from proxy.upstream.client import Upstream

KEY_COOL_DOWN_S = 60.0
"""The cooldown of an API key that the vendor refused or whose account has no funds (seconds)."""


class ClientKeys:
    """The keys that clients may send. If there are none, no key is required."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._hashes = {_hash(key) for key in keys if key}
        self.needed = bool(self._hashes)
        """Whether clients must send a key."""

    def hash_of(self, key: str) -> bytes | None:
        """Return the key's hash if the key is configured, else None. Takes the same time for every key."""
        digest = _hash(key)
        matches = False
        for known in self._hashes:
            matches |= hmac.compare_digest(known, digest)
        return digest if matches and key else None

    def knows(self, key: str) -> bool:
        """Whether the key is configured."""
        return self.hash_of(key) is not None


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


@dataclass(slots=True, eq=False)
class VendorKey:
    """One API key of a configured vendor, or its key pair, for which the vendor issues temporary keys.

    ``cools_until``: when its cooldown ends (seconds, monotonic clock).
    """

    secret: SecretStr
    """The key as it is configured: the API key, or the secret key of the pair."""
    key_id: str = ""
    """The access key id of a pair; empty for an API key."""
    source: TokenSource | None = None
    """Where the temporary keys of a pair come from; None for an API key."""
    credential: Credential = field(init=False)
    """The key as the vendor's Auth signs calls with it. With a pair, calls are signed with a token of ``tokens``."""
    tokens: TemporaryTokens | None = field(init=False, default=None)
    """The temporary keys of a pair; None for an API key."""
    cools_until: float = 0.0
    calls: int = 0
    """The attempts in flight that began without a limiter."""
    limiter: Limiter | None = None
    """The limiter that calls wait in for a slot; None if the key has no limits."""

    def __post_init__(self) -> None:
        secret = self.secret.get_secret_value()
        if self.source is None:
            self.credential = BearerToken(secret)
        else:
            self.credential = KeyPair(self.key_id, secret)
            self.tokens = TemporaryTokens(self.credential, self.source)

    @property
    def identity(self) -> tuple[str, str, TokenSource | None]:
        """What makes a key of a new configuration the same as one in use."""
        return self.secret.get_secret_value(), self.key_id, self.source

    @property
    def digest(self) -> bytes:
        """The key's hash, which identifies it where the key itself must not be stored."""
        return _hash(self.secret.get_secret_value())

    @property
    def absent(self) -> bool:
        """Whether it stands for a server without keys."""
        return self.credential == WITHOUT_KEY

    @property
    def tail(self) -> str:
        """The last four characters of the key, or of the access key id, for messages; an ellipsis if it is short."""
        text = self.key_id or self.secret.get_secret_value()
        return text[-4:] if len(text) >= 12 else "…"


def vendor_keys(entry: VendorEntry, vendor: Vendor) -> list[VendorKey]:
    """Return the API keys of an entry, or its key pair with the source of its temporary keys."""
    secrets = entry.keys()
    exchange = vendor.token_exchange
    if not entry.key_id() or exchange is None:
        return [VendorKey(secret) for secret in secrets]
    issuer = exchange.issuers.get(entry.region) or next(iter(exchange.issuers.values()))
    if entry.token_url is not None:
        issuer = TokenIssuer(entry.token_url, issuer.region)
    source = TokenSource(exchange, issuer, entry.project, vendor.title, entry.timeouts.connect_s)
    return [VendorKey(secret, entry.key_id(), source) for secret in secrets]


class Times(NamedTuple):
    """The time limits of one attempt, in seconds."""

    connect_s: float
    first_token_s: float
    idle_s: float
    total_s: float


def times_of(timeouts: Timeouts, thinks: bool, stream: bool) -> Times:
    """Return the time limits of an attempt. The defaults depend on thinking and streaming."""
    return Times(
        timeouts.connect_s,
        timeouts.first_token_s or (600.0 if thinks else 120.0),
        timeouts.idle_s,
        timeouts.total_s or (1800.0 if stream else 600.0),
    )


class VendorAccount:
    """One configured vendor, ready for use: its keys, the headers and time limits of its calls, and its upstream.

    ``known``: keys already in use; those that are still configured keep their state, including cooldowns.
    """

    def __init__(self, entry: VendorEntry, vendor: Vendor, upstream: Upstream, known: Sequence[VendorKey] = ()) -> None:
        self.entry = entry
        self.upstream = upstream
        kept = {key.identity: key for key in known}
        self.keys = [kept.get(key.identity, key) for key in vendor_keys(entry, vendor)]
        self.in_flight = 0  # attempts, including those that wait for a slot
        self.headers = tuple((name.lower().encode(), value.encode()) for name, value in entry.headers.items())
        self._secret_headers = secret_headers(entry.headers.items())
        self.secrets = {
            key: Secrets([key.secret.get_secret_value(), key.key_id, *self._secret_headers]) for key in self.keys
        }
        """The secrets in calls with a key."""
        self._secrets_with: dict[str, Secrets] = {}  # by temporary key
        self._turn = 0
        self.times = {
            (thinks, stream): times_of(entry.timeouts, thinks, stream)
            for thinks in (False, True)
            for stream in (False, True)
        }
        """The time limits of a call, by whether the model thinks and whether the response is a stream."""

    def secrets_with(self, key: VendorKey, token: ExpiringToken) -> Secrets:
        """Return the secrets in calls with a temporary key of a pair."""
        found = self._secrets_with.get(token.value)
        if found is None:
            if len(self._secrets_with) >= MOST_TOKENS:
                self._secrets_with.clear()
            texts = [token.value, key.secret.get_secret_value(), key.key_id, *self._secret_headers]
            found = self._secrets_with[token.value] = Secrets(texts)
        return found

    def candidates(self, now: float | None = None, model: str = "") -> list[VendorKey]:
        """Return the keys to try, in order: rotated, with the shortest queue for ``model`` first.

        Keys that are cooling down are left out. If all are, return the one whose cooldown ends first.
        """
        if len(self.keys) == 1:
            return self.keys
        now = time.monotonic() if now is None else now
        self._turn = (self._turn + 1) % len(self.keys) if self.keys else 0
        rotated = self.keys[self._turn :] + self.keys[: self._turn]
        ready = [key for key in rotated if key.cools_until <= now]
        if any(key.limiter is not None for key in ready):
            ready.sort(key=lambda key: 0.0 if key.limiter is None else key.limiter.wait_s(model))
        return ready or sorted(rotated, key=lambda key: key.cools_until)[:1]

    def cooling_down(self, now: float | None = None) -> bool:
        """Whether every key is cooling down."""
        now = time.monotonic() if now is None else now
        return all(key.cools_until > now for key in self.keys)
