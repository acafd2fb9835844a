"""Parse web origins and host names, from the configuration and from the headers ``Origin`` and ``Host``."""

import ipaddress
import re

from adapters.core.message import Message
from config.errors import InvalidValue

ANY_PAGE = ("*", "null")
"""Entries that match any web page: every page can make its browser send ``Origin: null``."""

_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::([0-9]{1,5}))?")
_NAME = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_MAX_LENGTH = 300
"""Maximum length of an origin, in characters. A host name has at most 253."""


def normalize_origin(text: str) -> str | None:
    """Return ``scheme://host`` or ``scheme://host:port``, in lower case and without a default port; None if invalid.

    Any scheme is valid: pages in desktop apps and browser extensions have their own (``tauri://localhost``).
    """
    match = _ORIGIN.fullmatch(text.lower()) if len(text) <= _MAX_LENGTH and text.isascii() else None
    if match is None:
        return None
    scheme, address, name, digits = match.groups()
    host = name if address is None else _bracketed(address)
    port = _DEFAULT_PORTS.get(scheme) if digits is None else int(digits)
    if host is None or (port is not None and port > 65535):
        return None
    return f"{scheme}://{host}" if port == _DEFAULT_PORTS.get(scheme) else f"{scheme}://{host}:{port}"


def _bracketed(address: str) -> str | None:
    """Return an IPv6 address in brackets and in its canonical shortest form."""
    try:
        return f"[{ipaddress.IPv6Address(address).compressed}]"
    except ValueError:
        return None


def normalize_header(value: bytes) -> bytes | None:
    """Normalize the value of an ``Origin`` header like ``normalize_origin``. Never raises."""
    origin = normalize_origin(value.decode("latin-1"))
    return None if origin is None else origin.encode()


def configured_origin(value: str) -> str:
    """Return an entry of ``server.cors_origins``, normalized. Raises InvalidValue with the expected form."""
    if value in ANY_PAGE:
        return value
    origin = normalize_origin(value)
    if origin is not None:
        return origin
    if normalize_origin(value.rstrip("/")) is not None:
        raise InvalidValue(Message("an origin has no path"), Message("the origin without the slash at the end"))
    raise InvalidValue(expected=Message("scheme://host or scheme://host:port, for example https://app.example.com"))


def configured_host(value: str) -> str:
    """Return an entry of ``server.hosts`` in lower case. Raises InvalidValue with the expected form."""
    name = value.lower().removesuffix(".")
    if len(name) > 253 or not name.isascii() or not _NAME.fullmatch(name):
        raise InvalidValue(expected=Message("a host name without scheme and port, for example banjia.example.com"))
    return name
