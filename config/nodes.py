"""The parsed configuration before validation: a tree of values with their positions."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.core.message import EMPTY, Message, as_message
from config.errors import Diagnostic, Location, key_path, looks_secret

Path = tuple[str | int, ...]

_URL_WITH_MORE = re.compile(r"://[^/]*@|://.*[?#]")

CREDENTIALS = ("api_key", "api_keys", "access_key", "access_key_id", "secret_key", "secret_id")
"""Keys of a vendor that may be unset: the vendor is then off."""

SERVER_SECRETS = (("server", "client_keys"), ("server", "admin_token"), ("store", "secret"))
"""Paths of the server's secrets."""


@dataclass(slots=True)
class Node:
    """A value and its position.

    ``raw``: a scalar's text before interpolation. ``quoted``: the scalar can only be text. ``variables``: the variables
    that the value contains. ``from_file``: the path of the file that it comes from. ``unset``: the unset variable that a
    credential refers to. ``broken``: an error about this value has been reported already.
    """

    value: Any
    location: Location
    key_location: Location | None = None
    raw: str = ""
    quoted: bool = True
    variables: tuple[str, ...] = ()
    from_file: str = ""
    unset: str = ""
    broken: bool = False

    def plain(self) -> Any:
        """Return the value without positions."""
        if isinstance(self.value, dict):
            return {key: child.plain() for key, child in self.value.items()}
        if isinstance(self.value, list):
            return [child.plain() for child in self.value]
        return self.value

    def child(self, part: str | int) -> "Node | None":
        """Return the node under a key or an index, or None."""
        if isinstance(self.value, dict) and isinstance(part, str):
            return self.value.get(part)
        if isinstance(self.value, list) and isinstance(part, int) and part < len(self.value):
            item: Node = self.value[part]
            return item
        return None

    def diagnostic(
        self, path: Sequence[str | int], problem: Message, expected: Message = EMPTY, suggestion: str = "", *, at_key: bool = False,
        code: str = "",
    ) -> Diagnostic:  # fmt: skip
        """Return a diagnostic at this value, or with ``at_key`` at its key."""
        place = self.key_location if at_key and self.key_location else self.location
        return Diagnostic(place, key_path(path), problem, expected, suggestion, code=code)


def node_of(value: Any, place: Location) -> Node:
    """Return plain data as a tree whose nodes all have one position."""
    if isinstance(value, dict):
        return Node({str(key): node_of(child, place) for key, child in value.items()}, place, place)
    if isinstance(value, list):
        return Node([node_of(child, place) for child in value], place, place)
    return Node(value, place, place, raw=value if isinstance(value, str) else "")


def find(root: Node, *path: str | int) -> Node | None:
    """Return the node at exactly this path, or None."""
    node: Node | None = root
    for part in path:
        node = node.child(part) if node else None
    return node


def follow(root: Node, loc: Sequence[str | int]) -> tuple[Node, list[str | int]]:
    """Return the innermost existing node on a path of the settings, and its path in the file.

    Levels that short forms leave out (a model that is just a target) are skipped.
    """
    node, path = root, []
    for part in loc:
        below = node.child(part)
        if below is not None:
            node = below
            path.append(part)
    return node, path


def scalars(node: Node, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    """Yield all scalar values with their paths."""
    if isinstance(node.value, dict):
        for key, child in node.value.items():
            yield from scalars(child, (*path, key))
    elif isinstance(node.value, list):
        for index, child in enumerate(node.value):
            yield from scalars(child, (*path, index))
    else:
        yield path, node


def is_credential(path: Sequence[str | int]) -> bool:
    """Whether this is the path of a vendor credential."""
    return len(path) >= 3 and path[0] == "vendors" and path[2] in CREDENTIALS


def is_secret(path: Sequence[str | int]) -> bool:
    """Whether the value at this path must never be shown."""
    return is_credential(path) or tuple(path[:2]) in SERVER_SECRETS or "headers" in path or "proxy" in path


def describe(node: Node, path: Sequence[str | int]) -> Message:
    """Return a value for a message: its type, and the value itself unless it may be a secret."""
    value = node.value
    if value is None:
        return Message("nothing")
    if isinstance(value, dict):
        return Message("a mapping")
    if isinstance(value, list):
        return Message("a list") if value else Message("an empty list")
    if node.variables:
        return Message("the value of {variables}", variables=", ".join(f"${{{name}}}" for name in node.variables))
    literal = describe_literal(node, path)
    if isinstance(value, bool):
        return Message("true or false (not shown)") if literal is None else as_message(literal)
    if isinstance(value, int | float):
        return Message("a number (not shown)") if literal is None else Message("the number {number}", number=literal)
    return Message("text (not shown)") if literal is None else Message("text {text}", text=literal)


def describe_literal(node: Node, path: Sequence[str | int]) -> str | None:
    """Return a scalar for display, text in quotes and shortened to 40 characters; None if it may be a secret."""
    text = str(node.value)
    if is_secret(path) or node.from_file or looks_secret(text) or _URL_WITH_MORE.search(text):
        return None
    if isinstance(node.value, bool):
        return text.lower()
    text = f"{text[:37]}..." if len(text) > 40 else text
    return f"'{text}'" if isinstance(node.value, str) else text
