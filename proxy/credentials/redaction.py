"""Redact the secrets of an attempt from its response: a vendor, or a gateway in between, may echo them."""

import re
from collections.abc import Iterable
from typing import Any

import orjson

MIN_SECRET = 16
"""The shortest secret that is redacted (characters): a shorter one may be a word that appears by chance."""
REDACTED = "[redacted]"
_BACKSLASH = ord("\\")
_RAREST = b'ZQXKJVYUWGBHqzFPNDxLMORECTSAI98765432kvwybpgfmjuhdclrnisoate10_-./+=\\, :"'
"""Characters of secrets, rarest in JSON first; any other character is rarer still."""

_SECRET_NAME = re.compile(r"auth|cookie|cred|key|passw|secret|session|sign|token")
_PUBLIC_NAME = re.compile(r"accept|agent|content-|origin|referer|title|version")


class Secrets:
    """The secrets of one attempt: the vendor's API key, and the operator's headers that are secret.

    Most responses contain neither the rarest character of a secret nor a backslash, so checking them takes two searches
    for a single byte. The backslash is searched because JSON may escape any character. A secret that is encoded, or
    split over several strings or events, is not found.
    """

    __slots__ = ("_escapes", "_needles", "_plain", "_slash", "_texts")

    def __init__(self, texts: Iterable[str]) -> None:
        """``texts``: the secrets; those shorter than ``MIN_SECRET`` are ignored."""
        self._texts = sorted({text for text in texts if len(text) >= MIN_SECRET}, key=len, reverse=True)
        self._plain = [orjson.dumps(text)[1:-1] for text in self._texts]
        self._needles = [(min(plain, key=_RAREST.find), plain) for plain in self._plain]
        # Escapes that JSON does not require, and that are therefore rare. A key is ASCII, or at most Latin-1.
        self._escapes = re.compile(rb"\\u00[2-7]" if all(map(str.isascii, self._texts)) else rb"\\u00")
        self._slash = any("/" in text for text in self._texts)

    def may_be_in(self, data: bytes) -> bool:
        """Whether JSON contains a secret, or an escape that may hide one; :meth:`redacted` then decides."""
        for rare, plain in self._needles:
            # An int is found with memchr. `plain in data` would first try to convert `plain` to an int.
            if rare in data and data.find(plain) >= 0:
                return True
        if _BACKSLASH not in data or not self._plain:
            return False
        if self._slash and data.find(b"\\/") >= 0:
            return True
        return data.find(b"\\u00") >= 0 and self._escapes.search(data) is not None

    def redacted(self, payload: bytes) -> bytes:
        """Return the JSON with the secrets redacted in strings and names; in invalid JSON the bytes are replaced."""
        try:
            box = [orjson.loads(payload)]
            return orjson.dumps(box[0]) if self._redact_in(box) else payload
        except (orjson.JSONDecodeError, TypeError):  # not JSON, or too deeply nested for orjson
            for plain in self._plain:
                payload = payload.replace(plain, REDACTED.encode())
            return payload

    def redacted_text(self, text: str) -> str:
        """Return a text, such as a header value, with the secrets redacted."""
        for secret in self._texts:
            text = text.replace(secret, REDACTED)
        return text

    def _redact_in(self, box: list[Any]) -> bool:
        """Redact everything in the box in place; return whether anything was. Iterative: JSON may be nested deeply."""
        changed, pending = False, [box]
        while pending:
            holder: Any = pending.pop()
            for key, value in list(holder.items() if type(holder) is dict else enumerate(holder)):
                if type(value) in (dict, list):
                    pending.append(value)
                elif self._contains_secret(str(value)):
                    holder[key] = self.redacted_text(value) if type(value) is str else 0
                    changed = True
                if type(key) is str and self._contains_secret(key):
                    holder[self.redacted_text(key)] = holder.pop(key)
                    changed = True
        return changed

    def _contains_secret(self, text: str) -> bool:
        return any(known in text for known in self._texts)


_TOKEN = re.compile(r"[\w+/=*….-]{6,}")
"""A piece of text that may be a key or a part of one."""
_MASKED = re.compile(r"\*{2}|…|\w\.{3}\w")
"""The mask that vendors put in the middle of a key."""


def without_parts_of(key: str, text: str) -> str:
    """Return a vendor's refusal of a key without any part of the key: its start, its end, or both around a mask."""

    def redacted(match: re.Match[str]) -> str:
        piece = match[0].strip("./=-")
        return REDACTED if _MASKED.search(piece) or (len(piece) > 5 and piece in key) else match[0]

    return _TOKEN.sub(redacted, text)


NO_SECRETS = Secrets(())


def secret_headers(headers: Iterable[tuple[str, str]]) -> list[str]:
    """Return the values of the operator's headers that are secret, judged by header name or by the form of the value.

    A title, a URL or a version is not a secret, because a model may mention it. Of ``Bearer x``, ``x`` is returned.
    """
    return [value.split()[-1] for name, value in headers if value.strip() and _is_secret(name.lower(), value)]


def _is_secret(name: str, value: str) -> bool:
    if _SECRET_NAME.search(name):
        return True
    looks_secret = " " not in value and "://" not in value and any(map(str.isdigit, value)) and not value.isdigit()
    return looks_secret and not _PUBLIC_NAME.search(name)
