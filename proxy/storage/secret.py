"""The secret of a server, from which it derives the names of tenants and the keys of seals. Client keys are never stored."""

import hashlib
import hmac
import os
import secrets
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from contextlib import suppress
from pathlib import Path

from adapters.core.message import Message
from config.loader.system_errors import reason_of
from proxy.storage.interface import StoreError

SIZE = 32
"""The size of the secret and of derived keys (bytes): that of SHA-256."""
ANONYMOUS = "-"
"""The tenant of all clients if no client keys are configured."""
SECRET_FILE = "secret"
"""The name of the file with the secret, in ``store.dir``."""
MAX_SEALED = 256 * 1024
"""The longest text that a seal holds (bytes of UTF-8)."""
MARK = "bj1."
"""The beginning of each seal."""
NONCE = 24
"""The size of a nonce of XChaCha20-Poly1305 (bytes): long enough to be random for any number of seals with one key."""
TAG = 16
"""The size of the tag of XChaCha20-Poly1305 (bytes)."""
MAX_SEAL = len(MARK) + (NONCE + MAX_SEALED + 1024 + TAG) * 4 // 3 + 4
"""No seal is longer, even if its text cannot be compressed."""


class ServerSecret:
    """A secret of at least 32 bytes. Derived keys differ by label, so that one reveals nothing about another."""

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

    def seal(self, tenant: str, kind: str, text: str) -> str:
        """Return the text compressed and encrypted, for this tenant and kind only: ``bj1.`` and unpadded base64url.

        Raises ValueError if the text is longer than MAX_SEALED bytes.
        """
        from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_encrypt as encrypt

        plain = text.encode("utf-8", "replace")
        if len(plain) > MAX_SEALED:
            raise ValueError(f"a sealed text has at most {MAX_SEALED} bytes")
        nonce = secrets.token_bytes(NONCE)
        sealed = encrypt(zlib.compress(plain), _bound_to(tenant, kind), nonce, self._seal_key(tenant))
        return MARK + urlsafe_b64encode(nonce + sealed).rstrip(b"=").decode()

    def unseal(self, tenant: str, kind: str, sealed: str) -> str | None:
        """Return the text of a seal; None if it is malformed, too long, or made for another tenant, kind or secret."""
        if not sealed.startswith(MARK) or len(sealed) > MAX_SEAL:
            return None
        from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_decrypt as decrypt
        from nacl.exceptions import CryptoError

        with suppress(ValueError, CryptoError, zlib.error):  # ValueError: no base64url, no UTF-8
            packed = _decoded(sealed[len(MARK) :])
            if len(packed) < NONCE + TAG:
                return None
            compressed = decrypt(packed[NONCE:], _bound_to(tenant, kind), packed[:NONCE], self._seal_key(tenant))
            decompressor = zlib.decompressobj()
            plain = decompressor.decompress(compressed, MAX_SEALED + 1)
            if len(plain) <= MAX_SEALED and decompressor.eof and not decompressor.unused_data:
                return plain.decode()
        return None

    def _seal_key(self, tenant: str) -> bytes:
        return self.derive(f"seal {tenant}")


def _bound_to(tenant: str, kind: str) -> bytes:
    """Return what a seal is bound to; the length makes the pair unambiguous."""
    return b"%d:%s%s" % (len(tenant), tenant.encode("utf-8", "replace"), kind.encode("utf-8", "replace"))


def _decoded(text: str) -> bytes:
    """Return the bytes of unpadded base64url. Raises ValueError also for characters that b64decode would skip."""
    data = text.encode("ascii")
    decoded = urlsafe_b64decode(data + b"=" * (-len(data) % 4))
    if urlsafe_b64encode(decoded).rstrip(b"=") != data:
        raise ValueError("not base64url")
    return decoded


def read_or_make_secret(folder: Path) -> bytes:
    """Return the secret in a folder; make a random one (mode 0600) if there is none. Raises StoreError.

    Of several processes that start together, one makes it and all use it.
    """
    path = folder / SECRET_FILE
    try:
        try:
            secret = path.read_bytes()
        except FileNotFoundError:
            secret = _make(path)
    except OSError as error:
        raise StoreError(
            Message("the secret {path} cannot be read or written: {why}", path=path, why=reason_of(error)),
            Message("correct the permissions of store.dir, or set store.secret"),
        ) from None
    if len(secret) < SIZE:
        raise StoreError(
            Message(
                "the secret {path} has {size} bytes instead of {expected}", path=path, size=len(secret), expected=SIZE
            ),
            Message("restore the file, or delete it: tenants and seals of the old secret are then lost"),
        )
    return secret


def _make(path: Path) -> bytes:
    """Write a new secret beside the path and link it there, unless another process was quicker."""
    path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    partial = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(SIZE))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(partial, path)  # unlike a rename, it replaces nothing
    finally:
        partial.unlink()
    return path.read_bytes()
