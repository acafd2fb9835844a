"""File descriptor limits: each client connection and each upstream call needs one."""

import errno
import functools
import os
import resource
import socket
from typing import NamedTuple

WANTED = 65_536
"""The highest limit that is requested (file descriptors)."""


def raise_limit() -> None:
    """Raise the soft RLIMIT_NOFILE to the hard limit, at most ``WANTED``. The usual 1,024 are too few for a proxy."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED if hard == resource.RLIM_INFINITY else min(hard, WANTED)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class DescriptorShares(NamedTuple):
    """How the process divides its file descriptors. All shares together fit the limit at any time."""

    clients: int
    """Connections of clients."""
    refused: int
    """Connections refused with a 503, kept open until their clients have read it."""
    upstream_calls: int
    """Connections to vendors."""


@functools.cache
def shares() -> DescriptorShares:
    """Half for clients, a sixteenth (at least 24) for files, DNS and other sockets, most of the rest for vendors."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = WANTED if soft == resource.RLIM_INFINITY else soft
    callers, refused, own = limit // 2, min(1024, max(2, limit // 32)), max(24, limit // 16)
    return DescriptorShares(callers, refused, max(1, limit - callers - refused - own))


def max_connections() -> int:
    """Return how many clients may be connected at once."""
    return shares().clients


def exhausted(error: BaseException | None) -> bool:
    """Whether an error means that no descriptor is left. A DNS error does not tell, so try to open one."""
    if isinstance(error, socket.gaierror):
        try:
            os.close(os.open(os.devnull, os.O_RDONLY))
        except OSError as failed:
            error = failed
    return isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE)
