"""The faults that an emulator can be told to have, in one table, and their grammar: `NAME[=VALUE][@N]`.

Without `@N` every request is hit; with it only the N-th one after the faults were set, counted from 1.
"""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


class FaultKind(NamedTuple):
    """What a fault does, what its value means, and the value it has when none is given."""

    does: str
    unit: str = ""
    default: float = 0.0
    needs_value: bool = False


AS_THE_VENDOR = -1.0
"""No value was given and the vendor has one of its own."""

TABLE: dict[str, FaultKind] = {
    # Refusals in the vendor's own words, instead of an answer.
    "rate_limit": FaultKind("429 with the vendor's own headers; asks to wait", "seconds", AS_THE_VENDOR),
    "overloaded": FaultKind("the vendor has no room: its own status and body"),
    "quota": FaultKind("the account has no funds, as the vendor says it"),
    "inspection": FaultKind("the vendor's content check refuses the input"),
    "bad_key": FaultKind("401, whatever the key"),
    "model_missing": FaultKind("no such model: 404, or what the vendor says instead"),
    "context": FaultKind("400: the input is too long for the model"),
    "error_500": FaultKind("the vendor's own internal error"),
    # Replies that are no vendor's words.
    "html_502": FaultKind("an HTML page with status 502"),
    "html_200": FaultKind("an HTML page with status 200"),
    "empty_200": FaultKind("status 200, JSON by its content type, and no body"),
    "redirect": FaultKind("307 to another path"),
    "error_in_200": FaultKind("status 200 with the vendor's error as the body, or as a stream's first event"),
    "json_instead": FaultKind("one JSON completion in answer to a stream"),
    # Before and around the head.
    "delay": FaultKind("waits before the head", "milliseconds", 0, needs_value=True),
    "stall_before": FaultKind("sends no head for so long", "seconds", 3600),
    "stall_after_head": FaultKind("sends the head, then nothing for so long", "seconds", 3600),
    "reset": FaultKind("TCP reset before any byte"),
    "reset_after_head": FaultKind("TCP reset after the head"),
    # In the body. For an answer that is not streamed, see `deliver.py`.
    "stall_within": FaultKind("falls silent after two content events, for so long", "seconds", 3600),
    "error_event": FaultKind("the vendor's error as an event after so many events, then the end", "events", 2),
    "cut": FaultKind("TCP reset after so many events", "events", 0, needs_value=True),
    "no_end": FaultKind("half of the text, then a clean end of the body: no finish_reason, no [DONE]"),
    "no_done": FaultKind("finish_reason, but no [DONE]"),
    "done_only": FaultKind("[DONE] and nothing before it"),
    "bad_json": FaultKind("one event is broken JSON"),
    "invalid_utf8": FaultKind("one event's text has a byte that is not UTF-8"),
    "big_event": FaultKind("one content event's text is so long", "bytes", 0, needs_value=True),
    # How the bytes are written.
    "comments": FaultKind("SSE comments and blank lines between events"),
    "crlf": FaultKind("SSE lines end with CRLF"),
    "drip": FaultKind("eight bytes at a time, with a pause after each piece", "milliseconds", 0, needs_value=True),
    "split_utf8": FaultKind("characters of several bytes are cut between two TCP writes"),
    "short_body": FaultKind("content-length is larger than the body, then the connection closes"),
    "gzip": FaultKind("content-encoding: gzip, asked for or not"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that is set. `at`: the only request it hits, counted from 1; `None`: all."""

    name: str
    value: float
    at: int | None
    spelled: str


def parse(spelled: str) -> Fault:
    """Return the fault that `spelled` names. Raises ValueError saying what is wrong with it."""
    if not isinstance(spelled, str):
        raise ValueError(f"a fault is text such as rate_limit=2@1, not {spelled!r}")  # noqa: TRY004
    rest, at_sign, turn = spelled.strip().partition("@")
    name, equals, value = rest.partition("=")
    kind = TABLE.get(name)
    if kind is None:
        raise ValueError(f"no fault is called {name!r}{_nearest(name)}; there are: {', '.join(TABLE)}")
    if at_sign and (not turn.isdecimal() or int(turn) < 1):
        raise ValueError(f"{spelled}: after @ stands the request's number, 1 or more")
    return Fault(name, _value(spelled, kind, value if equals else None), int(turn) if at_sign else None, spelled)


def _value(spelled: str, kind: FaultKind, value: str | None) -> float:
    if value is None:
        if kind.needs_value:
            raise ValueError(f"{spelled}: needs a number of {kind.unit}, as in {spelled.partition('@')[0]}=3")
        return kind.default
    if not kind.unit:
        raise ValueError(f"{spelled}: takes no value")
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise ValueError(f"{spelled}: {value!r} is no number of {kind.unit}")
    return number


def _nearest(name: str) -> str:
    near = difflib.get_close_matches(name, TABLE, n=1, cutoff=0.5)
    return f", did you mean {near[0]!r}?" if near else ""


class Faults:
    """The faults in force, and how many requests have come since they were set."""

    def __init__(self, spelled: Sequence[str] = ()) -> None:
        self.set(spelled)

    def set(self, spelled: Sequence[str]) -> None:
        """Put these in the place of the old ones. Raises ValueError, and changes nothing, if one cannot be read."""
        self._faults = [parse(one) for one in spelled]
        self._seen = 0

    def spelled(self) -> list[str]:
        """Return the faults as they were given."""
        return [fault.spelled for fault in self._faults]

    def take(self) -> dict[str, float]:
        """Count one request and return the faults that hit it, name to value."""
        self._seen += 1
        return {fault.name: fault.value for fault in self._faults if fault.at in (None, self._seen)}
