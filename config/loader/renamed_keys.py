"""Renamed configuration keys: the old name still works, with a warning."""

from typing import NamedTuple

from adapters.core.message import Message, as_message
from config.errors import Diagnostic
from config.nodes import Node


class RenamedKey(NamedTuple):
    """One renamed key: its section, old name and new name."""

    section: str
    old: str
    new: str


RENAMED: tuple[RenamedKey, ...] = (RenamedKey("breaker", "rest_s", "cooldown_s"),)


def old_names(section: str) -> list[str]:
    """Return the old names of a section's keys."""
    return [row.old for row in RENAMED if row.section == section]


def rename(root: Node) -> tuple[list[Diagnostic], list[Diagnostic]]:
    """Move values from old names to new ones, in place. Return errors and warnings.

    Both names in the file, or both in the environment, are an error. The environment overrides the file. Call it after
    reading each of them, so that a variable with the new name overrides a value under the old name in the file.
    """
    errors, warnings = [], []
    for row in RENAMED:
        section = root.child(row.section)
        old = section.child(row.old) if section else None
        if section is None or old is None:
            continue
        del section.value[row.old]
        path = (row.section, row.old)
        new = section.child(row.new)
        if new is not None and bool(new.location.variable) == bool(old.location.variable):
            problem = Message("both {new} and its old name {old} are set", new=row.new, old=row.old)
            errors.append(old.diagnostic(path, problem, as_message(row.new), at_key=True))
            continue
        section.value[row.new] = old
        variable = old.location.variable
        name = variable[: -len(row.old)] + row.new.upper() if variable.lower().endswith(row.old) else row.new
        warnings.append(
            old.diagnostic(
                path, Message("{old} was renamed to {new}", old=row.old, new=row.new), as_message(name), at_key=True
            )
        )
    return errors, warnings
