"""Small checks of JSON values for the rules of vendors."""

from typing import Any


def is_number(value: Any) -> bool:
    """Return whether it is a JSON number; a boolean is not a number."""
    return type(value) in (int, float)


def is_integer(value: Any) -> bool:
    """Return whether it is a whole JSON number."""
    return type(value) is int


def data_uri(url: str) -> tuple[str, str] | None:
    """Return the media type and the base64 text of a `data:` URL, `None` if it is not a base64 data URL."""
    head, comma, payload = url.partition(",")
    if not comma or not head.startswith("data:") or not head.endswith(";base64"):
        return None
    return head[len("data:") : -len(";base64")].lower(), payload


def is_base64(text: str) -> bool:
    """Return whether `text` looks like base64: not empty, only its alphabet, complete groups of four."""
    plain = text.rstrip("=")
    return bool(plain) and len(text) % 4 == 0 and plain.isascii() and plain.replace("+", "").replace("/", "").isalnum()
