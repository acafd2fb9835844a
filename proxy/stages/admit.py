"""Whether there is room for one more."""

from collections.abc import Iterator
from contextlib import contextmanager

from proxy.errors import Overloaded, ShuttingDown
from proxy.kit import Kit


@contextmanager
def admit(kit: Kit) -> Iterator[None]:
    """A place among the requests in progress, held to the last byte. Raises Overloaded or ShuttingDown."""
    if kit.draining:
        raise _later(ShuttingDown("The server is shutting down. Try again in a moment."))
    limit = kit.settings.server.max_concurrency
    if kit.active >= limit:
        raise _later(Overloaded(f"The server is at its limit of {limit} requests at once. Try again in a moment."))
    kit.active += 1
    kit.retries.request()
    try:
        yield
    finally:
        kit.active -= 1


def _later(error: Overloaded) -> Overloaded:
    error.retry_after_s = 1.0
    return error
