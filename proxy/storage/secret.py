"""The secret of a server, from which it derives the names of tenants. Keys of clients are never stored."""

import hashlib
import hmac
import secrets

SIZE = 32
"""The size of the secret and of derived keys (bytes): that of SHA-256."""
ANONYMOUS = "-"
"""The tenant of all clients if no client keys are configured."""


class ServerSecret:
    """A random secret of this process. Derived keys differ by label, so that one reveals nothing about another."""

    def __init__(self, secret: bytes | None = None) -> None:
        """``secret``: at least 32 bytes; a new random one if None."""
        self._secret = secret or secrets.token_bytes(SIZE)
        self._tenants = self.derive("tenant")

    def derive(self, label: str) -> bytes:
        """Return the key of a label: HKDF with SHA-256 (RFC 5869), without salt, one block."""
        pseudorandom_key = hmac.digest(bytes(SIZE), self._secret, hashlib.sha256)
        return hmac.digest(pseudorandom_key, f"banjia {label}".encode() + b"\x01", hashlib.sha256)

    def tenant(self, key_hash: bytes) -> str:
        """Return the name of the tenant with this client key, given its hash: 32 hexadecimal digits.

        Without client keys (no bytes) all clients are the tenant ``-``.
        """
        return hmac.digest(self._tenants, key_hash, hashlib.sha256)[:16].hex() if key_hash else ANONYMOUS
