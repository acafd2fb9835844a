"""InvalidSchema, the error of a schema that banjia does not accept."""

from collections.abc import Iterable

from adapters.core.message import Message

LONGEST_PATH = 200
"""How many characters of a path are shown: property names may be of any length."""
INVALID = Message("the schema is invalid")


class InvalidSchema(Exception):
    """A schema is invalid, or can't be checked. ``path``: of the offending part, for example ``.properties.x.anyOf[0]``."""

    def __init__(self, path: str, why: Message) -> None:
        path = path if len(path) <= LONGEST_PATH else f"{path[:LONGEST_PATH]}…"
        super().__init__(f"{path}: {why}")
        self.path = path
        self.why = why


def path_of(parts: Iterable[object]) -> str:
    """Return the path of these names and indexes: ``.properties.x.anyOf[0]``."""
    return "".join(f"[{part}]" if type(part) is int else f".{part}" for part in parts)
