"""The plan of a chaos run, drawn from its seed before the start: the same seed gives the same plan."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from tests.chaos.fault_proxy import Fault

STREAMED = 0.7
FAULTY = 0.5
SDK = 0.2
"""Shares of the requests: streamed, with a fault, made by the official client."""
BAD_CONNECTIONS = 0.02
"""The share of vendor connections that never come to life."""
ALWAYS = 3
"""A fault that strikes so many attempts strikes all of them."""
REFUSED = 0.1
"""The share of the calls at the vendors that are refused by rate at random, whatever else is planned for them."""
REFUSED_WITH_WAIT = 0.5
"""How many of these refusals have a ``retry-after``."""

Behaviour = Literal["reads", "leaves", "stalls", "stalls_and_leaves"]

_WORDS = [
    "move",
    "house",
    "box",
    "搬家",
    "钥匙",
    "窗户",
    "vendor",
    "模型",
    "chair",
    "茶",
    "lamp",
    "🚚",
    "étagère",
    "naïve",
    "\u2028",
    "corner",
    "门",
    "the",
    "and",
    "of",
]
_TCP: list[Callable[[random.Random], Fault]] = [
    lambda draw: Fault("reset_after_request"),
    lambda draw: Fault("silence"),
    lambda draw: Fault("reset", at=draw.randint(1, 3000)),
    lambda draw: Fault("cut", at=draw.randint(1, 3000)),
    lambda draw: Fault("half_close", at=draw.randint(1, 3000)),
    lambda draw: Fault("trickle", pause_s=0.001),
    lambda draw: Fault("delay", pause_s=draw.uniform(0.05, 0.5)),
]
_VENDOR = [
    "rate_limit=0", "rate_limit=1", "overloaded", "quota", "inspection", "bad_key", "model_missing", "context", "error_500",
    "html_502", "html_200", "empty_200", "redirect", "error_in_200", "json_instead", "delay=200", "stall_before", "stall_after_head",
    "reset", "reset_after_head", "stall_within", "error_event=3", "cut=2", "cut=5", "no_end", "no_done", "done_only", "bad_json",
    "invalid_utf8", "big_event=50000", "comments", "crlf", "drip=1", "split_utf8", "short_body", "gzip",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Planned:
    """One request: its content, its faults and how many attempts they affect, and the behaviour of its client.

    ``patience``: bytes of the response that a client reads before it disconnects or stalls; ``stall_s``: for how long.
    """

    number: int
    model: str
    stream: bool
    sdk: bool
    text: str
    tcp: Fault | None = None
    vendor: str = ""
    attempts: int = 0
    behaviour: Behaviour = "reads"
    patience: int = 0
    stall_s: float = 0.0
    instance: int = 0

    @property
    def fault(self) -> str:
        """Return the name of the fault, empty for none."""
        return self.tcp.kind if self.tcp else self.vendor

    def prompt(self, turn: int) -> str:
        """Return the user's text; its beginning identifies the request and the client's try."""
        return f"#{self.number}.{turn}# {self.text}"


class Refusal(NamedTuple):
    """A 429 of a vendor. ``retry_after_s``: the value of the header, None for no header."""

    retry_after_s: int | None


@dataclass
class Plan:
    """All requests of a run, and the faults of connections as they come."""

    seed: int
    requests: list[Planned]
    connections: random.Random = field(repr=False)

    def of_connection(self) -> Fault | None:
        """The fault of the next connection."""
        if self.connections.random() >= BAD_CONNECTIONS:
            return None
        return Fault("silent_connect" if self.connections.random() < 0.3 else "reset_on_connect")

    def refusal(self, number: int, turn: int, call: int) -> Refusal | None:
        """Return whether a vendor refuses this call at random, by the seed and the call, not by the order of calls."""
        draw = random.Random(f"{self.seed} {number} {turn} {call}")
        if draw.random() >= REFUSED:
            return None
        return Refusal(1 if draw.random() < REFUSED_WITH_WAIT else None)


def drawn(seed: int, count: int) -> Plan:
    """The plan of a seed."""
    draw = random.Random(seed)
    return Plan(seed, [_request(draw, number) for number in range(count)], random.Random(draw.getrandbits(64)))


def _request(draw: random.Random, number: int) -> Planned:
    made: dict[str, Any] = {
        "number": number,
        "model": draw.choice(["gpt-4o", "gpt-4o-mini"]),
        "stream": draw.random() < STREAMED,
        "sdk": draw.random() < SDK,
        "text": _text(draw),
        "instance": draw.randrange(2),
    }
    kind = draw.random()
    if kind < FAULTY * 0.25:
        made.update(_behaviour(draw), sdk=False)
    elif kind < FAULTY * 0.6:
        made.update(tcp=draw.choice(_TCP)(draw), attempts=draw.choice([1, 1, ALWAYS]))
    elif kind < FAULTY:
        made.update(vendor=draw.choice(_VENDOR), attempts=draw.choice([1, 1, ALWAYS]))
    return Planned(**made)


def _behaviour(draw: random.Random) -> dict[str, Any]:
    behaviour = draw.choice(["leaves", "leaves", "stalls", "stalls_and_leaves"])
    patience = draw.choice([0, 1, draw.randint(1, 400), draw.randint(400, 4000)])
    return {"behaviour": behaviour, "patience": patience, "stall_s": draw.uniform(0.2, 2.0)}


def _text(draw: random.Random) -> str:
    words = " ".join(draw.choices(_WORDS, k=draw.choice([3, 20, 60, draw.randint(60, 250)])))
    gap = draw.choice([0, 0, 1, 3])
    return f"emulator:gap={gap} {words}" if gap else words
