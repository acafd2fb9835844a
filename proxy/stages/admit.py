"""Whether there is room for one more."""

from collections.abc import Iterator
from contextlib import contextmanager

from proxy.errors import Overloaded
from proxy.kit import Kit


@contextmanager
def admit(kit: Kit) -> Iterator[None]:
    """A place among the requests in progress, held to the last byte. Raises Overloaded."""
    limit = kit.settings.server.max_concurrency
    if kit.active >= limit:
        full = Overloaded(f"The server is at its limit of {limit} requests at once. Try again in a moment.")
        full.retry_after_s = 1.0
        raise full
    kit.active += 1
    kit.retries.request()
    try:
        yield
    finally:
        kit.active -= 1
