"""Zhipu's two forms of credentials: the key itself, and a token that is made of it (sheet 1)."""

import binascii
import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import orjson

from emulators.core.checks import is_integer
from emulators.zhipu.errors import fixed


def check(authorization: str, key: str, now_ms: float) -> None:
    """Raise Refusal if the header has neither the key nor a valid token of it. `now_ms`: the Unix time."""
    scheme, _, rest = authorization.partition(" ")
    has_scheme = scheme.lower() == "bearer"
    credential = (rest if has_scheme else authorization).strip()
    if not credential:
        raise fixed("no_key")
    # sheet 1: the key needs `Bearer`, "token accepted with and without"
    if hmac.compare_digest(credential.encode(), key.encode()) and has_scheme:
        return
    parts = credential.split(".")
    if len(parts) == 3:
        _check_token(parts, key, now_ms)
    elif len(parts) == 2 and all(parts) and has_scheme:
        raise fixed("bad_key")
    else:
        raise fixed("bad_token")


def _check_token(parts: list[str], key: str, now_ms: float) -> None:
    """Check a JWT: HS256 with the key's second half, times in milliseconds (sheet 1: JWT recipe)."""
    header, claims = _decoded(parts[0]), _decoded(parts[1])
    # whether the vendor enforces sign_type is not in the sheet; a client that follows the recipe sends it
    if header.get("alg") != "HS256" or header.get("sign_type") != "SIGN":
        raise fixed("bad_token")
    if not is_integer(claims.get("exp")) or not is_integer(claims.get("timestamp")):
        raise fixed("bad_token")
    key_id, _, secret = key.partition(".")
    digest = hmac.new(secret.encode(), f"{parts[0]}.{parts[1]}".encode(), hashlib.sha256).digest()
    expected = urlsafe_b64encode(digest).rstrip(b"=")
    if not hmac.compare_digest(parts[2].encode(), expected) or claims.get("api_key") != key_id:
        raise fixed("forged_token")
    # a time in seconds is a time of 1970
    if claims["exp"] <= now_ms:
        raise fixed("expired_token")


def _decoded(part: str) -> dict[str, Any]:
    try:
        value = orjson.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, ValueError):
        raise fixed("bad_token") from None
    if not isinstance(value, dict):
        raise fixed("bad_token")
    return value
