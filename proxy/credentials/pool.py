"""Keys: our callers', kept as hashes only, and the vendors', which take turns and rest when refused; and what goes along."""

import hashlib
import hmac
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pydantic import SecretStr

from config.schema import Timeouts, VendorEntry
from proxy.credentials.redaction import Secrets, secret_headers
from proxy.limiter.limiter import Limiter
from proxy.upstream.client import Upstream

KEY_COOL_DOWN_S = 60.0
"""How long a refused or empty vendor key is passed over, in seconds."""


class ClientKeys:
    """The keys that callers may send. Without any, everybody may call."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._hashes = {_hash(key) for key in keys if key}

    @property
    def needed(self) -> bool:
        """Whether a caller must send a key."""
        return bool(self._hashes)

    def knows(self, key: str) -> str | None:
        """The first eight hex digits of the key's hash if it is one of ours, else None."""
        digest = _hash(key)
        found = False
        for known in self._hashes:
            found |= hmac.compare_digest(known, digest)
        return digest.hex()[:8] if found and key else None


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


@dataclass(slots=True)
class VendorKey:
    """One key of one configured vendor; ``rests_until`` is on the monotonic clock, in seconds."""

    secret: SecretStr
    cools_until: float = 0.0
    calls: int = 0
    """Attempts in flight that began without a limiter."""
    limiter: Limiter | None = None
    """Where calls wait for their slot, if anything limits them."""

    @property
    def digest(self) -> bytes:
        """What it is known by where the key itself is not to be held."""
        return _hash(self.secret.get_secret_value())

    @property
    def tail(self) -> str:
        """The last four characters, to recognise it by."""
        text = self.secret.get_secret_value()
        return text[-4:] if len(text) >= 12 else "…"


class Times(NamedTuple):
    """The limits of one attempt, in seconds."""

    connect_s: float
    first_token_s: float
    idle_s: float
    total_s: float


def times_of(timeouts: Timeouts, thinks: bool, stream: bool) -> Times:
    """The limits of an attempt: what is left out of the settings depends on the call."""
    return Times(
        timeouts.connect_s,
        timeouts.first_token_s or (600.0 if thinks else 120.0),
        timeouts.idle_s,
        timeouts.total_s or (1800.0 if stream else 600.0),
    )


class VendorAccount:
    """One configured vendor, ready for use: its keys, the headers of every call to it, the limits of a call, the way out.

    ``known``: keys that are in use already; those that are still configured go on as they are, resting or not.
    """

    def __init__(self, entry: VendorEntry, way: Upstream, known: Sequence[VendorKey] = ()) -> None:
        self.entry = entry
        self.upstream = way
        same = {key.secret.get_secret_value(): key for key in known}
        self.keys = [same.get(key.get_secret_value()) or VendorKey(key) for key in entry.keys()]  # noqa: SIM118 - no mapping: its keys are its credentials
        self.in_flight = 0  # attempts, those that wait for a slot included
        self.headers = tuple((name.lower().encode(), value.encode()) for name, value in entry.headers.items())
        secret = secret_headers(entry.headers.items())
        self.secrets = {id(key): Secrets([key.secret.get_secret_value(), *secret]) for key in self.keys}
        """What a call is signed with, by the ``id`` of its key."""
        self._turn = 0
        self._times = {
            (thinks, stream): times_of(entry.timeouts, thinks, stream)
            for thinks in (False, True)
            for stream in (False, True)
        }

    def times(self, thinks: bool, stream: bool) -> Times:
        """The limits of one call."""
        return self._times[thinks, stream]

    def candidates(self, now: float | None = None, model: str = "") -> list[VendorKey]:
        """The keys to try, in order: rotated, those with the shortest queue for ``model`` first, those that rest last.

        Never empty unless there are no keys.
        """
        if len(self.keys) == 1:
            return self.keys
        now = time.monotonic() if now is None else now
        self._turn = (self._turn + 1) % len(self.keys) if self.keys else 0
        rotated = self.keys[self._turn :] + self.keys[: self._turn]
        awake = [key for key in rotated if key.cools_until <= now]
        if any(key.limiter is not None for key in awake):
            awake.sort(key=lambda key: 0.0 if key.limiter is None else key.limiter.wait_s(model))
        return awake or sorted(rotated, key=lambda key: key.cools_until)[:1]

    def cooling_down(self, now: float | None = None) -> bool:
        """Whether every key rests."""
        now = time.monotonic() if now is None else now
        return all(key.cools_until > now for key in self.keys)
