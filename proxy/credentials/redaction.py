"""The secrets of one attempt are taken out of its answer: a vendor, or a gateway before it, may echo what it was sent."""

import re
from collections.abc import Iterable
from typing import Any

import orjson

MIN_SECRET = 16
"""The shortest secret that is looked for (characters): a shorter one may be a word that an answer has by chance."""
REDACTED = "[redacted]"
_BACKSLASH = ord("\\")
_RAREST = b'ZQXKJVYUWGBHqzFPNDxLMORECTSAI98765432kvwybpgfmjuhdclrnisoate10_-./+=\\, :"'
"""Characters of secrets, the rarest in JSON first; any other is rarer still."""

_SECRET_NAME = re.compile(r"auth|cookie|cred|key|passw|secret|session|sign|token")
_PUBLIC_NAME = re.compile(r"accept|agent|content-|origin|referer|title|version")


class Secrets:
    """What one attempt was signed with: the vendor's key and those of the operator's headers that are secrets.

    Most answers have neither the rarest character of a secret nor a backslash: then two searches for single bytes are
    all that it costs. JSON may escape any character, hence the backslash. A secret that is spread over several strings
    or several events, encoded or in pieces, is not found.
    """

    __slots__ = ("_escapes", "_needles", "_plain", "_slash", "_texts")

    def __init__(self, texts: Iterable[str]) -> None:
        """``texts`` of fewer than ``MIN_SECRET`` characters are passed over."""
        self._texts = sorted({text for text in texts if len(text) >= MIN_SECRET}, key=len, reverse=True)
        self._plain = [orjson.dumps(text)[1:-1] for text in self._texts]
        self._needles = [(min(plain, key=_RAREST.find), plain) for plain in self._plain]
        # Escapes that a writer of JSON need not use, and so seldom does. A key is ASCII, or Latin-1 at the most.
        self._escapes = re.compile(rb"\\u00[2-7]" if all(map(str.isascii, self._texts)) else rb"\\u00")
        self._slash = any("/" in text for text in self._texts)

    def may_be_in(self, data: bytes) -> bool:
        """Whether JSON has one of them, or an escape that could hide one: then :meth:`redacted` tells."""
        for rare, plain in self._needles:
            # A number is found by memchr. `plain in data` would first try whether it is a number.
            if rare in data and data.find(plain) >= 0:
                return True
        if _BACKSLASH not in data or not self._plain:
            return False
        if self._slash and data.find(b"\\/") >= 0:
            return True
        return data.find(b"\\u00") >= 0 and self._escapes.search(data) is not None

    def redacted(self, payload: bytes) -> bytes:
        """The same JSON without them, in its strings and names; what is not JSON has its bytes replaced."""
        try:
            box = [orjson.loads(payload)]
            return orjson.dumps(box[0]) if self._take_out(box) else payload
        except (orjson.JSONDecodeError, TypeError):  # no JSON, or more levels than can be written
            for plain in self._plain:
                payload = payload.replace(plain, REDACTED.encode())
            return payload

    def redacted_text(self, text: str) -> str:
        """A text, such as a header's value, without them."""
        for secret in self._texts:
            text = text.replace(secret, REDACTED)
        return text

    def _take_out(self, box: list[Any]) -> bool:
        """Replace in all that is in the box, in place. Whether anything was. A loop: JSON nests deeper than Python calls."""
        found, waiting = False, [box]
        while waiting:
            holder: Any = waiting.pop()
            for at, value in list(holder.items() if type(holder) is dict else enumerate(holder)):
                if type(value) in (dict, list):
                    waiting.append(value)
                elif self._is_in(str(value)):
                    holder[at] = self.redacted_text(value) if type(value) is str else 0
                    found = True
                if type(at) is str and self._is_in(at):
                    holder[self.redacted_text(at)] = holder.pop(at)
                    found = True
        return found

    def _is_in(self, text: str) -> bool:
        return any(known in text for known in self._texts)


_TOKEN = re.compile(r"[\w+/=*….-]{6,}")
"""A piece of a text that a key, or a part of one, could be."""
_MASKED = re.compile(r"\*{2}|…|\w\.{3}\w")
"""What stands for the middle of a key where a vendor shows its ends."""


def without_parts_of(key: str, text: str) -> str:
    """A vendor's refusal of a key, without what it shows of the key: its beginning, its end, or both with a mask between."""

    def hidden(found: re.Match[str]) -> str:
        piece = found[0].strip("./=-")
        return REDACTED if _MASKED.search(piece) or (len(piece) > 5 and piece in key) else found[0]

    return _TOKEN.sub(hidden, text)


NO_SECRETS = Secrets(())


def secret_headers(headers: Iterable[tuple[str, str]]) -> list[str]:
    """Those values of the operator's headers that are secrets, by the header's name or by how the value looks.

    A title, a URL or a version that every call carries is none: a model may say it. Of ``Bearer x`` it is ``x``.
    """
    return [value.split()[-1] for name, value in headers if value.strip() and _is_secret(name.lower(), value)]


def _is_secret(name: str, value: str) -> bool:
    if _SECRET_NAME.search(name):
        return True
    looks = " " not in value and "://" not in value and any(map(str.isdigit, value)) and not value.isdigit()
    return looks and not _PUBLIC_NAME.search(name)
