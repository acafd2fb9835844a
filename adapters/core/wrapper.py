"""The base class of wrappers: it runs child exchanges created by another Make and passes their commands on.

A wrapper handles its children's Emit, Done and Fail. All children draw ids from the same AttemptIds, so ids never
collide and need no translation: ``_owner`` maps an id to its child.
"""

from typing import ClassVar, Literal

from adapters.core.event import Event
from adapters.core.exchange import Close, Do, Done, Emit, Exchange, Fail, Send, Sleep
from adapters.core.failures import Failure
from adapters.core.wire import End, Got, Id, Lost, Woke

Holds = Literal["NONE", "TAIL", "ALL"]


class Wrapper:
    """Routes what arrives to the child that owns its id. Override ``start``, ``on_emit``, ``on_done`` and ``on_fail``.

    ``holds``: how much of a response the wrapper holds back: nothing, a tail, or all of it until the end.
    """

    holds: ClassVar[Holds] = "NONE"
    calls: int = 1
    """The total number of calls, if none fails."""

    def __init__(self) -> None:
        self._owner: dict[Id, Exchange] = {}

    def start(self) -> list[Do]:
        """Return the first commands: start the children with :meth:`begin`."""
        raise NotImplementedError

    def begin(self, child: Exchange) -> list[Do]:
        """Start a child."""
        return self._take(child, child.start())

    def feed(self, got: Got) -> list[Do]:
        """Pass what arrived to its child; drop it if that child has ended."""
        child = self._owner.get(got.id)
        if child is None:
            return []
        if isinstance(got, (End, Lost, Woke)):
            del self._owner[got.id]
        return self._take(child, child.feed(got))

    def _end(self, dos: list[Do]) -> list[Do]:
        """After Done or Fail, forget all ids: what still arrives is ignored, and the runner closes what is open."""
        if dos and isinstance(dos[-1], (Done, Fail)):
            self._owner.clear()
        return dos

    def _take(self, child: Exchange, dos: list[Do]) -> list[Do]:
        out: list[Do] = []
        for do in dos:
            match do:
                case Send(id_) | Sleep(id_):
                    self._owner[id_] = child
                    out.append(do)
                case Close(id_):
                    self._owner.pop(id_, None)
                    out.append(do)
                case Emit(events):
                    out += self.on_emit(child, events)
                case Done():
                    return self._end(out + self._close(child) + self.on_done(child))
                case Fail(failure):
                    return self._end(out + self._close(child) + self.on_fail(child, failure))
                case _:
                    out.append(do)
        return out

    def _close(self, child: Exchange) -> list[Do]:
        """Close the calls and timers that an ended child left open."""
        left = [id_ for id_, owner in self._owner.items() if owner is child]
        for id_ in left:
            del self._owner[id_]
        return [Close(id_) for id_ in left]

    def on_emit(self, child: Exchange, events: list[Event]) -> list[Do]:
        """Handle a child's events: pass them on, unless overridden."""
        return [Emit(events)]

    def on_done(self, child: Exchange) -> list[Do]:
        """Handle the completion of a child: complete the wrapper's response, unless overridden."""
        return [Done()]

    def on_fail(self, child: Exchange, failure: Failure) -> list[Do]:
        """Handle the failure of a child: fail as well, unless overridden."""
        return [Fail(failure)]
