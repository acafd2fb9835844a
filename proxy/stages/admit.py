"""Whether there is room for one more."""

from types import TracebackType

from proxy.errors import Overloaded
from proxy.kit import Kit


class Admitted:
    """A place among the requests in progress, held to the last byte."""

    __slots__ = ("_kit",)

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    def __enter__(self) -> None:
        self._kit.active += 1
        self._kit.retries.request()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._kit.active -= 1


def admit(kit: Kit) -> Admitted:
    """A place, to be held in a with block. Raises Overloaded."""
    limit = kit.settings.server.max_concurrency
    if kit.active >= limit:
        full = Overloaded(f"The server is at its limit of {limit} requests at once. Try again in a moment.")
        full.retry_after_s = 1.0
        raise full
    return Admitted(kit)
