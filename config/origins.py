"""Origins of web pages and names of hosts, as the configuration and the request headers ``Origin`` and ``Host`` have them."""

import ipaddress
import re

from adapters.core.message import Message
from config.loader.errors import InvalidValue

ANY_PAGE = ("*", "null")
"""Entries that stand for no page in particular: every web page can make its browser send ``Origin: null``."""

_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::([0-9]{1,5}))?")
_NAME = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_MAX_LENGTH = 300
"""The longest origin that is looked at, in characters: a host name has 253 at most."""


def normalize_origin(text: str) -> str | None:
    """``scheme://host`` or ``scheme://host:port`` in lower case and without a default port; None for anything else.

    Any scheme is taken: pages in desktop apps and browser extensions have their own (``tauri://localhost``).
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
    """An IPv6 address in its one shortest form."""
    try:
        return f"[{ipaddress.IPv6Address(address).compressed}]"
    except ValueError:
        return None


def normalize_header(value: bytes) -> bytes | None:
    """The same for the value of an ``Origin`` header. Never raises."""
    found = normalize_origin(value.decode("latin-1"))
    return None if found is None else found.encode()


def configured_origin(value: str) -> str:
    """An entry of ``server.cors_origins``, normalized. Raises ValueError, which says what is expected."""
    if value in ANY_PAGE:
        return value
    origin = normalize_origin(value)
    if origin is not None:
        return origin
    if normalize_origin(value.rstrip("/")) is not None:
        raise InvalidValue(
            Message("an origin ends after its host and port"), Message("it without the slash at its end")
        )
    raise InvalidValue(expected=Message("scheme://host or scheme://host:port, for example https://app.example.com"))


def configured_host(value: str) -> str:
    """An entry of ``server.hosts``, in lower case. Raises ValueError, which says what is expected."""
    name = value.lower().removesuffix(".")
    if len(name) > 253 or not name.isascii() or not _NAME.fullmatch(name):
        raise InvalidValue(expected=Message("a host name without scheme and port, for example banjia.example.com"))
    return name
