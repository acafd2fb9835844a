"""A second target beside the first, when a whole answer is long in coming (``policy.hedge_s``, off by default).

The first whole answer is the caller's, the other attempt is closed. Both are counted as attempts and both are billed:
a vendor that has a request works on it to the end, whoever waits.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from adapters.core.failures import Failure
from adapters.core.shapes import Event, Usage
from proxy.errors import ProxyError
from proxy.nouns import Attempt

if TYPE_CHECKING:
    from proxy.stages.send import Course

Legs = dict["asyncio.Task[Failure | None]", "Course"]


class Held:
    """The writer of one of the two: keeps its answer until it is known which of them was first."""

    def __init__(self) -> None:
        self.head_sent = self.content_sent = False
        self.answer: tuple[list[Event], Attempt] | None = None

    async def events(self, events: list[Event], attempt: Attempt) -> None:
        self.answer = (events, attempt)

    def drop(self) -> None:
        self.answer = None

    async def beat(self) -> None:
        """Nothing: a caller who waits for a whole answer sees no signs of life."""

    async def done(self) -> None:
        """Nothing: the driver's return says so."""

    async def fail(self, error: ProxyError) -> None:
        """Nothing: the driver's return says so."""


def hedging(course: "Course") -> Callable[[], Awaitable[Failure | None]]:
    """The course's attempts, with a second one beside each that takes longer than ``hedge_s``."""

    async def attempt() -> Failure | None:
        legs: Legs = {}
        try:
            first = _start(course.beside(Held()), legs)
            await asyncio.wait([first], timeout=course.hedge_s)
            if not first.done():
                second = course.second(Held())
                if second is not None:
                    _start(second, legs)
            return await _first_answer(course, legs)
        finally:
            try:
                await _close(legs)
            finally:
                _bill(course, legs)

    return attempt


def _start(leg: "Course", legs: Legs) -> "asyncio.Task[Failure | None]":
    task = asyncio.create_task(leg.attempt())
    legs[task] = leg
    return task


async def _first_answer(course: "Course", legs: Legs) -> Failure | None:
    """Hand over the first whole answer. When none came, the last failure: the course goes on from there."""
    pending = set(legs)
    while True:
        await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        ended = [task for task in legs if task in pending and task.done()]
        pending.difference_update(ended)
        for task in sorted(ended, key=lambda task: task.result() is not None):  # an answer before a failure
            failure, leg = task.result(), legs[task]
            course.tally.show(leg.tally)
            if failure is None:
                await _hand_over(course, leg, legs)
                return None
            if not pending or (failure.fault == "caller" and failure.kind not in course.reroute):
                course.adopt(leg)
                return failure
            leg.rest_key(failure)


async def _hand_over(course: "Course", leg: "Course", legs: Legs) -> None:
    assert isinstance(leg.out, Held)
    assert leg.out.answer is not None  # its driver said that the answer is whole
    events, attempt = leg.out.answer
    attempt.number = course.tally.attempts
    for task, other in legs.items():
        if other is not leg:
            course.tally.notes["hedged"] = other.tally.target
            task.cancel()
    await course.out.events(events, attempt)
    await course.out.done()


async def _close(legs: Legs) -> None:
    """Leave nothing open. A caller who has his answer often leaves just now: what is closed is waited for all the same."""
    for task in legs:
        task.cancel()
    closed = asyncio.gather(*legs, return_exceptions=True)
    try:
        await asyncio.shield(closed)
    except asyncio.CancelledError:
        await asyncio.shield(closed)
        raise


def _bill(course: "Course", legs: Legs) -> None:
    """What both cost. Of the one that was broken off nobody will hear: it was asked for the same as the other."""
    usage = course.tally.usage
    for task, leg in legs.items():
        if task.cancelled() and usage is not None:
            leg.tally.billed = Usage(usage.prompt, usage.completion, source="estimated")
        course.tally.take(leg.tally)
