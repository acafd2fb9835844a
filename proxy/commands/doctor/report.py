"""What the doctor finds: one line each, with the cure."""

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from adapters.core.message import EMPTY, Message

Level = Literal["ok", "warn", "fail"]


class Finding(NamedTuple):
    """One thing that was looked at: what it is, how it stands, and what to do about it (nothing where it is well)."""

    level: Level
    check: str
    text: Message
    cure: Message = EMPTY


def ok(check: str, text: Message) -> Finding:
    """All is well."""
    return Finding("ok", check, text)


def warn(check: str, text: Message, cure: Message) -> Finding:
    """It works, but this should be known."""
    return Finding("warn", check, text, cure)


def failed(check: str, text: Message, cure: Message) -> Finding:
    """It does not work."""
    return Finding("fail", check, text, cure)


def lines(finding: Finding) -> Iterator[Message]:
    """The finding for a terminal."""
    yield Message("{start} {text}", start=f"{finding.level:<4}  {finding.check:<11}", text=finding.text)
    if finding.cure:
        yield Message("{start} -> {cure}", start=f"{'':<4}  {'':<11}", cure=finding.cure)


def about(name: str, text: Message) -> Message:
    """A text about one vendor."""
    return Message("{name}: {text}", name=name, text=text)


def data(found: list[Finding]) -> dict[str, Any]:
    """The findings as data; ``ok`` is false if one of them failed."""
    return {"ok": healthy(found), "findings": [finding._asdict() for finding in found]}


def healthy(found: list[Finding]) -> bool:
    """Whether nothing failed."""
    return all(finding.level != "fail" for finding in found)
