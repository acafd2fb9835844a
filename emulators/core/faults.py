"""The table of faults that an emulator can inject, and their syntax: `NAME[=VALUE][@N]`.

Without `@N` a fault affects every request; with it only the N-th request after the faults were set, counted from 1.
"""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


class FaultKind(NamedTuple):
    """The effect of a fault, the unit of its value, and its default value."""

    does: str
    unit: str = ""
    default: float = 0.0
    needs_value: bool = False


AS_THE_VENDOR = -1.0
"""No value was given, so the vendor's own value applies."""

TABLE: dict[str, FaultKind] = {
    # Errors in the vendor's own format, instead of a completion.
    "rate_limit": FaultKind("429 with the vendor's headers; value: the requested wait", "seconds", AS_THE_VENDOR),
    "overloaded": FaultKind("the vendor is overloaded: its own status and body"),
    "quota": FaultKind("the vendor's error for an account without funds"),
    "inspection": FaultKind("the vendor's content check refuses the input"),
    "bad_key": FaultKind("401 for any key"),
    "model_missing": FaultKind("unknown model: 404, or the vendor's own error"),
    "context": FaultKind("400: the input is too long for the model"),
    "error_500": FaultKind("the vendor's own internal error"),
    # Responses that do not come from the vendor's API.
    "html_502": FaultKind("an HTML page with status 502"),
    "html_200": FaultKind("an HTML page with status 200"),
    "empty_200": FaultKind("status 200 with a JSON content type and an empty body"),
    "redirect": FaultKind("307 to another path"),
    "error_in_200": FaultKind("status 200 with the vendor's error as the body, or as the first event of a stream"),
    "json_instead": FaultKind("one JSON completion instead of a stream"),
    # Before and after the headers.
    "delay": FaultKind("delay before the headers", "milliseconds", 0, needs_value=True),
    "stall_before": FaultKind("stall before the headers", "seconds", 3600),
    "stall_after_head": FaultKind("stall after the headers", "seconds", 3600),
    "reset": FaultKind("TCP reset before any byte"),
    "reset_after_head": FaultKind("TCP reset after the headers"),
    # In the body. For a response that is not streamed, see `send.py`.
    "stall_within": FaultKind("stall after two content events", "seconds", 3600),
    "error_event": FaultKind("the vendor's error as an event after this many events, then the end", "events", 2),
    "cut": FaultKind("TCP reset after this many events", "events", 0, needs_value=True),
    "no_end": FaultKind("half of the text, then a clean end of the body: no finish_reason, no [DONE]"),
    "no_done": FaultKind("finish_reason, but no [DONE]"),
    "done_only": FaultKind("only [DONE]"),
    "bad_json": FaultKind("one event is invalid JSON"),
    "invalid_utf8": FaultKind("the text of one event has a byte that is not UTF-8"),
    "big_event": FaultKind("the text of one content event has this length", "bytes", 0, needs_value=True),
    # How the bytes are written.
    "comments": FaultKind("SSE comments and blank lines between events"),
    "crlf": FaultKind("SSE lines end with CRLF"),
    "drip": FaultKind("eight bytes at a time, with a pause after each piece", "milliseconds", 0, needs_value=True),
    "split_utf8": FaultKind("characters of several bytes are split between two TCP writes"),
    "short_body": FaultKind("content-length is larger than the body, then the connection closes"),
    "gzip": FaultKind("content-encoding: gzip, whether the client accepts it or not"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """An active fault. `at`: the number of the only request that it affects, counted from 1; `None`: all requests."""

    name: str
    value: float
    at: int | None
    spelled: str


def parse(spelled: str) -> Fault:
    """Parse a fault. Raises ValueError if it is invalid."""
    if not isinstance(spelled, str):
        raise ValueError(f"a fault is text such as rate_limit=2@1, not {spelled!r}")  # noqa: TRY004
    rest, at_sign, number = spelled.strip().partition("@")
    name, equals, value = rest.partition("=")
    kind = TABLE.get(name)
    if kind is None:
        raise ValueError(f"unknown fault {name!r}{_nearest(name)}; known: {', '.join(TABLE)}")
    if at_sign and (not number.isdecimal() or int(number) < 1):
        raise ValueError(f"{spelled}: @ must be followed by the number of a request, 1 or more")
    return Fault(name, _value(spelled, kind, value if equals else None), int(number) if at_sign else None, spelled)


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
        raise ValueError(f"{spelled}: {value!r} is not a number of {kind.unit}")
    return number


def _nearest(name: str) -> str:
    near = difflib.get_close_matches(name, TABLE, n=1, cutoff=0.5)
    return f", did you mean {near[0]!r}?" if near else ""


class Faults:
    """The active faults, and the number of requests since they were set."""

    def __init__(self, spelled: Sequence[str] = ()) -> None:
        self.set(spelled)

    def set(self, spelled: Sequence[str]) -> None:
        """Replace the faults. Raises ValueError, and changes nothing, if one is invalid."""
        self._faults = [parse(fault) for fault in spelled]
        self._seen = 0

    def spelled(self) -> list[str]:
        """Return the faults as they were given."""
        return [fault.spelled for fault in self._faults]

    def take(self) -> dict[str, float]:
        """Count one request and return the faults that affect it, name to value."""
        self._seen += 1
        return {fault.name: fault.value for fault in self._faults if fault.at in (None, self._seen)}
