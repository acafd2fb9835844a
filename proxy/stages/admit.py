"""Whether there is room for one more."""

from proxy.errors import Overloaded
from proxy.kit import Kit, Place
from proxy.reason import Reason


def admit(kit: Kit) -> Place:
    """A slot, to be held in a with block. Raises Overloaded."""
    turn_away(kit)
    return kit.place


def turn_away(kit: Kit) -> None:
    """Asked before the body is read as well: what would be turned away then need not be taken in. Raises Overloaded."""
    limit = kit.live.places
    if kit.active >= limit < kit.live.settings.server.max_concurrency:
        raise _full(
            f"The server has no file descriptors for more than {limit} requests at once.", Reason.FILE_DESCRIPTORS
        )
    if kit.active >= limit:
        raise _full(f"The server is at its limit of {limit} requests at once (server.max_concurrency).")
    if kit.memory.full:
        raise memory_is_full(kit)


def memory_is_full(kit: Kit) -> Overloaded:
    """The error for a request that comes, or whose body is still coming, while nearly all of the memory is in use."""
    return _full(
        f"The server has no memory left for another request ({kit.memory.share:.0%} of its limit is in use).",
        Reason.OUT_OF_MEMORY,
    )


def _full(why: str, reason: Reason = Reason.CONCURRENCY_LIMIT) -> Overloaded:
    full = Overloaded(f"{why} Try again in a moment.", reason=reason)
    full.retry_after_s = 1.0
    return full
