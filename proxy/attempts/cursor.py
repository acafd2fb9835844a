"""The cursor of a request: which target and credential its attempts use, and which ones remain.

Pure: it has no clock, no randomness and no state of the server. It gets what it needs of them as arguments: the plan for
a target, whether a target is ready, the credentials of its vendor. So it never waits, and a hedge can run two attempts
over one cursor.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

from adapters.core.failures import Refused
from adapters.core.vendor import Plan, Target

Key = TypeVar("Key")
"""A credential; compared by identity, so it must not define equality of its own."""


class Position(Generic[Key]):
    """A target of the route and the credentials to try there, with what has happened there so far.

    ``plan``: the request planned for the target. ``keys``: the credentials to try, best first; the first is in use.
    ``attempts`` and ``attempts_with_key`` count the attempts at the target and with the credential in use, including
    one under way. ``waited_s``: the time spent waiting for slots here. ``omitted``: the fields that the vendor refused
    and the plan leaves out.
    """

    __slots__ = ("attempts", "attempts_with_key", "failed", "keys", "omitted", "plan", "waited_s")

    def __init__(self, plan: Plan, keys: list[Key]) -> None:
        self.plan = plan
        self.keys = keys
        self.attempts = 0
        self.attempts_with_key = 0
        self.waited_s = 0.0
        self.omitted: tuple[str, ...] = ()
        self.failed: tuple[Key, ...] = ()  # credentials that failed by their own fault, or may not be tried again

    def use(self, keys: list[Key]) -> None:
        """Continue with these credentials, of which the first was not in use."""
        self.keys = keys
        self.attempts_with_key = 0

    def queue_on(self, keys: Sequence[Key], wait_s: Callable[[Key], float]) -> None:
        """Continue with the credential that has the shortest wait, of those that have not failed."""
        usable = [key for key in keys if key not in self.failed]
        self.keys = [min(usable or self.keys, key=wait_s)]

    def retract_attempt(self) -> None:
        """The current attempt does not count, because no call was sent or the call returned to the queue."""
        self.attempts -= 1
        self.attempts_with_key -= 1


class Cursor(Generic[Key]):
    """Moves over the targets of a route, in order, and over the credentials of each.

    ``position``: where the next attempt is made; not set before the first :meth:`advance`. ``upcoming``: the plan for
    the target after it, once :meth:`look_ahead` has found one. ``refusal``: the first refusal of a target that does not
    support the request.
    """

    __slots__ = ("_targets", "position", "refusal", "upcoming")

    position: Position[Key]

    def __init__(self, targets: Iterable[Target]) -> None:
        """``targets``: in the order in which they are to be tried, if all are ready."""
        self._targets = list(targets)
        self.upcoming: Plan | None = None
        self.refusal: Refused | None = None

    def look_ahead(self, plan: Callable[[Target], Plan], is_ready: Callable[[Target], bool]) -> Plan | None:
        """Return the plan for the next target that supports the request; None if there is none.

        ``plan`` raises Refused for a target that does not. Targets that are not ready come last and are never left out.
        """
        targets = self._targets
        while self.upcoming is None and targets:
            first = 0
            if len(targets) > 1:
                first = next((at for at, target in enumerate(targets) if is_ready(target)), 0)
            try:
                self.upcoming = plan(targets.pop(first))
            except Refused as refusal:
                self.refusal = self.refusal or refusal
        return self.upcoming

    def advance(self, keys: list[Key]) -> Position[Key]:
        """Move to the upcoming target, with its credentials, best first. Return the new position."""
        assert self.upcoming is not None
        self.position = Position(self.upcoming, keys)
        self.upcoming = None
        return self.position

    def keys_after_failed_key(self, ready: Sequence[Key], cooling_down: Sequence[Key]) -> list[Key]:
        """Return the credentials to try at the target after the one in use failed by its own fault, best first.

        ``ready`` and ``cooling_down``: all credentials of the vendor, best first. A credential that has failed is never
        returned again. If no other one and no target is left, these are the ready ones that were given up before
        because of a rate limit; else a single one that is cooling down, since each of those may fail again.
        """
        position = self.position
        position.failed += (position.keys[0],)
        left = position.keys[1:]
        if left or self.upcoming is not None:
            return left
        again = [key for key in ready if key not in position.failed]
        if again:
            return again
        last = [key for key in cooling_down if key not in position.failed]
        position.failed += tuple(last)
        return last[:1]
