"""The findings of the doctor: one line each, with the cure."""

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from adapters.core.message import EMPTY, Message

Level = Literal["ok", "warn", "fail"]


class Finding(NamedTuple):
    """The result of one check: its level, name, text, and cure (empty if nothing is wrong)."""

    level: Level
    check: str
    text: Message
    cure: Message = EMPTY


def ok(check: str, text: Message) -> Finding:
    """Return a finding without a problem."""
    return Finding("ok", check, text)


def warn(check: str, text: Message, cure: Message) -> Finding:
    """Return a warning."""
    return Finding("warn", check, text, cure)


def failed(check: str, text: Message, cure: Message) -> Finding:
    """Return a failure."""
    return Finding("fail", check, text, cure)


def lines(finding: Finding) -> Iterator[Message]:
    """Yield the finding as lines for a terminal."""
    yield Message("{start} {text}", start=f"{finding.level:<4}  {finding.check:<11}", text=finding.text)
    if finding.cure:
        yield Message("{start} -> {cure}", start=f"{'':<4}  {'':<11}", cure=finding.cure)


def about(name: str, text: Message) -> Message:
    """Prefix a text with the name of a vendor."""
    return Message("{name}: {text}", name=name, text=text)


def data(found: list[Finding]) -> dict[str, Any]:
    """Return the findings as data. ``ok`` is false if one of them is a failure."""
    return {"ok": healthy(found), "findings": [finding._asdict() for finding in found]}


def healthy(found: list[Finding]) -> bool:
    """Whether no check failed."""
    return all(finding.level != "fail" for finding in found)
