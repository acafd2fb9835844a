"""How many connections this process may hold: each needs a file descriptor, and so does each call to a vendor."""

import functools
import resource

WANTED = 65_536
"""What a proxy has use for."""


def raise_limit() -> None:
    """Take as many descriptors as the system lets us have: the usual 1,024 are for programs of another kind."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED if hard == resource.RLIM_INFINITY else min(hard, WANTED)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@functools.cache
def most_connections() -> int:
    """How many callers may be connected: half of the descriptors, since each may need one more to a vendor."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return WANTED if soft == resource.RLIM_INFINITY else soft // 2
