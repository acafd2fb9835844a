"""Whether there is room for one more."""

from proxy.errors import Overloaded
from proxy.kit import Kit, Place


def admit(kit: Kit) -> Place:
    """A place, to be held in a with block. Raises Overloaded."""
    limit = kit.live.settings.server.max_concurrency
    if kit.active >= limit:
        full = Overloaded(f"The server is at its limit of {limit} requests at once. Try again in a moment.")
        full.retry_after_s = 1.0
        raise full
    return kit.place
