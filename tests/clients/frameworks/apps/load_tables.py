"""A client's tiktoken loads both tables without a network; run by its Python, with one of the two variables set.

TIKTOKEN_CACHE_DIR=FOLDER python tests/clients/frameworks/apps/load_tables.py
"""

import socket
from typing import Any

import tiktoken


def refused(*args: Any, **more: Any) -> Any:
    """Stand in for every call that would reach a network."""
    raise OSError("no network in this test")


for name in ("create_connection", "getaddrinfo"):
    setattr(socket, name, refused)
socket.socket.connect = refused
for name in ("cl100k_base", "o200k_base"):
    encoding = tiktoken.get_encoding(name)
    assert encoding.decode(encoding.encode("banjia 搬家")) == "banjia 搬家", name
