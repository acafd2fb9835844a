"""Estimates what a regular expression costs to compile and to match, from its text. Measured with the regex crate."""

from typing import NamedTuple

MATCH_NS, COMPILE_US = 5, 3
"""The time per state of the automaton: to match one byte in the worst case (ns), and to compile it (us)."""
CLASS_STATES = 24
"""The states of a class of Unicode characters, when it is compiled."""
FIXED_US = 60
LONGEST_COUNT = 1_000_000
LONG_DIGITS = 8
"""Numbers of so many digits are larger than LONGEST_COUNT, and may be too long to be converted."""


class PatternCost(NamedTuple):
    """``byte_ns``: the time for one byte of a string (ns). ``compile_us``: the time to compile the pattern (us)."""

    byte_ns: int
    compile_us: int


def pattern_cost(pattern: str) -> PatternCost:
    """Return the estimated cost of a pattern; of an invalid one, anything."""
    return PatternCost(
        1 + MATCH_NS * count_states(pattern, 1), FIXED_US + COMPILE_US * count_states(pattern, CLASS_STATES)
    )


def count_states(pattern: str, class_states: int) -> int:
    """Count the states of the automaton: one for each character, ``class_states`` for each class, times repetitions."""
    sums, last, at = [0], 0, 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "(":
            sums.append(0)
            last = 0
        elif char == ")":
            last = sums.pop() if len(sums) > 1 else 0
            sums[-1] += last
        elif char == "{" and (end := pattern.find("}", at)) > 0 and pattern[at : at + 1].isdecimal():
            more = last * (_largest(pattern[at:end]) - 1)
            sums[-1] += more
            last += more
            at = end + 1
        elif char == "[":
            at = _end_of_class(pattern, at)
            last = class_states
            sums[-1] += last
        elif char == "\\":
            if pattern[at : at + 2] in ("p{", "P{"):
                at = max(pattern.find("}", at), at)
            at += 1
            last = class_states
            sums[-1] += last
        else:
            last = class_states if char == "." or not char.isascii() else 1
            sums[-1] += last
    return sum(sums)


def _largest(counts: str) -> int:
    """Return the larger number of ``m``, ``m,`` or ``m,n``; at least 1."""
    parts = [part.lstrip("0") for part in counts.split(",") if part.isdecimal()]
    numbers = [int(part or 0) if len(part) < LONG_DIGITS else LONGEST_COUNT for part in parts]
    return min(max(numbers, default=LONGEST_COUNT) or 1, LONGEST_COUNT)


def _end_of_class(pattern: str, at: int) -> int:
    """Return the position behind a class that begins before ``at``; classes may contain classes."""
    level, start = 1, at
    while at < len(pattern) and level:
        char = pattern[at]
        if char == "\\":
            at += 1
        elif char == "[":
            level += 1
        elif char == "]" and at > start:
            level -= 1
        at += 1
    return at
