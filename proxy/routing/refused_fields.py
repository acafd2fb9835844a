"""Which targets refuse a field that banjia adds to requests by itself, so that later calls leave it out.

A field is remembered after a call was refused for it and the same call was answered without it, for an hour: a server
that is upgraded gets the field again. Nothing of a caller is kept, so all callers share it.
"""

import time
from collections.abc import Callable, Iterable

REMEMBERED_S = 3600.0
"""How long a field is left out, in seconds."""
MOST_TARGETS = 4096
"""How many targets are remembered: their names may come from callers."""


class RefusedFields:
    """Fields by target. ``known`` is empty as long as no vendor refuses anything, which is the usual case."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock``: seconds, which only go up."""
        self.clock = clock
        self.known: dict[str, dict[str, float]] = {}  # a target's label -> each field, and until when it is left out

    def at(self, label: str) -> tuple[str, ...]:
        """The fields that this target refuses."""
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
        """Leave these fields out of calls to this target from now on. Whether any of them is new."""
        if label not in self.known and len(self.known) >= MOST_TARGETS:
            del self.known[next(iter(self.known))]
        there = self.known.setdefault(label, {})
        until, before = self.clock() + REMEMBERED_S, len(there)
        there.update(dict.fromkeys(fields, until))
        return len(there) > before

    def clear(self) -> None:
        """Forget all, as after a reload."""
        self.known.clear()
