"""The base of wrappers: runs children made by another Make, and passes on what they ask for.

A wrapper sees its children's wishes (Emit, Done, Fail, Spent), never what they are told. All children draw ids from
the one seed, so nothing is renamed: ``owner`` knows whose an id is.
"""

from typing import ClassVar, Literal

from adapters.core.event import Event
from adapters.core.exchange import Close, Do, Done, Emit, Exchange, Fail, Send, Sleep
from adapters.core.failures import Failure
from adapters.core.wire import End, Got, Id, Lost, Woke

Holds = Literal["NONE", "TAIL", "ALL"]


class Wrapper:
    """Routes what arrives to the child it is for. Override ``start``, ``on_emit``, ``on_done`` and ``on_fail``.

    ``holds`` says how much of an answer is kept back: nothing, a tail, or all of it until the end.
    """

    holds: ClassVar[Holds] = "NONE"
    calls: int = 1
    """How many calls it makes in all, if none fails."""

    def __init__(self) -> None:
        self._owner: dict[Id, Exchange] = {}

    def start(self) -> list[Do]:
        """What to do first: begin the children with :meth:`begin`."""
        raise NotImplementedError

    def begin(self, child: Exchange) -> list[Do]:
        """Start a child."""
        return self._take(child, child.start())

    def feed(self, got: Got) -> list[Do]:
        """Hand what arrived to its child; what belongs to a child that has ended is dropped."""
        child = self._owner.get(got.id)
        if child is None:
            return []
        if isinstance(got, (End, Lost, Woke)):
            del self._owner[got.id]
        return self._take(child, child.feed(got))

    def _end(self, dos: list[Do]) -> list[Do]:
        """After our own end nothing that arrives is ours any more; the driver closes what is open."""
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
        """Close what an ended child left open."""
        left = [id_ for id_, owner in self._owner.items() if owner is child]
        for id_ in left:
            del self._owner[id_]
        return [Close(id_) for id_ in left]

    def on_emit(self, child: Exchange, events: list[Event]) -> list[Do]:
        """A child has events: passed on, unless overridden."""
        return [Emit(events)]

    def on_done(self, child: Exchange) -> list[Do]:
        """A child's answer is whole: so is ours, unless overridden."""
        return [Done()]

    def on_fail(self, child: Exchange, failure: Failure) -> list[Do]:
        """A child has failed: so have we, unless overridden."""
        return [Fail(failure)]
