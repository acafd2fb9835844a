"""Remember which targets refuse a field that banjia adds to requests, so that later calls omit it.

A field is remembered for an hour after a call was refused because of it and the same call succeeded without it. It
expires so that an upgraded server receives the field again. No client data is stored, so all clients share it.
"""

import time
from collections.abc import Callable, Iterable

REMEMBERED_S = 3600.0
"""How long a field is omitted (seconds)."""
MOST_TARGETS = 4096
"""The most targets that are remembered: clients may send any model name."""


class RefusedFields:
    """The refused fields by target. ``known`` is usually empty: few vendors refuse a field."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock``: a monotonic clock (seconds)."""
        self.clock = clock
        self.known: dict[str, dict[str, float]] = {}  # target label -> field -> end of the omission

    def at(self, label: str) -> tuple[str, ...]:
        """Return the fields that this target refuses."""
        fields = self.known.get(label)
        if fields is None:
            return ()
        now = self.clock()
        for name in [name for name, until in fields.items() if until <= now]:
            del fields[name]
        if not fields:
            del self.known[label]
        return tuple(fields)

    def remember(self, label: str, fields: Iterable[str]) -> bool:
        """Omit these fields in calls to this target from now on. Return whether any of them is new."""
        if label not in self.known and len(self.known) >= MOST_TARGETS:
            del self.known[next(iter(self.known))]
        refused = self.known.setdefault(label, {})
        until, before = self.clock() + REMEMBERED_S, len(refused)
        refused.update(dict.fromkeys(fields, until))
        return len(refused) > before

    def clear(self) -> None:
        """Forget all fields; called after a reload."""
        self.known.clear()
