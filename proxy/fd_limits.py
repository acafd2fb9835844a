"""How many connections this process may hold: each needs a file descriptor, and so does each call to a vendor."""

import errno
import functools
import os
import resource
import socket
from typing import NamedTuple

WANTED = 65_536
"""What a proxy has use for."""


def raise_limit() -> None:
    """Take as many descriptors as the system lets us have: the usual 1,024 are for programs of another kind."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED if hard == resource.RLIM_INFINITY else min(hard, WANTED)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class DescriptorShares(NamedTuple):
    """What the descriptors of this process are for: so many of each fit beside the others at any time."""

    callers: int
    """Connections of callers."""
    refused: int
    """Connections that are refused for want of room, until their callers have read the 503."""
    calls: int
    """Connections to vendors."""


@functools.cache
def shares() -> DescriptorShares:
    """Half for callers, a sixteenth (24 at least) for files, names and sockets of our own, most of the rest for vendors."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = WANTED if soft == resource.RLIM_INFINITY else soft
    callers, refused, own = limit // 2, min(1024, max(2, limit // 32)), max(24, limit // 16)
    return DescriptorShares(callers, refused, max(1, limit - callers - refused - own))


def max_connections() -> int:
    """How many callers may be connected."""
    return shares().callers


def exhausted(error: BaseException | None) -> bool:
    """Whether an error says that there are no descriptors. A look-up of a name does not: then one is tried."""
    if isinstance(error, socket.gaierror):
        try:
            os.close(os.open(os.devnull, os.O_RDONLY))
        except OSError as failed:
            error = failed
    return isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE)
