"""Read this machine's certificates once for all HTTP clients of the tests. Not loaded where httpx2 is not installed."""

import os
import ssl
from collections.abc import Iterator
from functools import cache
from typing import Any

import httpx2
import pytest


@cache
def _system_context() -> ssl.SSLContext:
    return httpx2.create_ssl_context()


def _create_context(verify: Any = True, cert: Any = None, trust_env: bool = True) -> ssl.SSLContext:
    if verify is True and cert is None and not {"SSL_CERT_FILE", "SSL_CERT_DIR"} & os.environ.keys():
        return _system_context()
    return httpx2.create_ssl_context(verify, cert, trust_env)


@pytest.fixture(scope="session", autouse=True)
def _certificates_read_once() -> Iterator[None]:
    """Share this machine's certificates between clients: reading them takes longer than most tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("httpx2._transports.default.create_ssl_context", _create_context)
        yield
