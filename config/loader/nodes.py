"""Settings as they were written: values with their places, before they are validated."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.core.message import EMPTY, Message, as_message
from config.loader.errors import Diagnostic, Location, key_path, looks_secret

Path = tuple[str | int, ...]

_URL_WITH_MORE = re.compile(r"://[^/]*@|://.*[?#]")

CREDENTIALS = ("api_key", "api_keys", "access_key", "secret_key", "secret_id")
"""The keys of a vendor that may stay unset: the vendor is then off."""

SERVER_SECRETS = (("server", "client_keys"), ("server", "admin_token"))
"""Where the secrets of the server stand."""


@dataclass(slots=True)
class Node:
    """A value and where it stands.

    ``raw`` is a scalar's text before interpolation; ``quoted`` tells that it can only be text; ``variables`` are
    those that its value came from, ``from_file`` the path of the file; ``unset`` is the variable that a credential was
    to come from; ``broken`` marks what has been reported.
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
        """The value without places."""
        if isinstance(self.value, dict):
            return {key: child.plain() for key, child in self.value.items()}
        if isinstance(self.value, list):
            return [child.plain() for child in self.value]
        return self.value

    def child(self, part: str | int) -> "Node | None":
        """The node under a key or an index, or None."""
        if isinstance(self.value, dict) and isinstance(part, str):
            return self.value.get(part)
        if isinstance(self.value, list) and isinstance(part, int) and part < len(self.value):
            found: Node = self.value[part]
            return found
        return None

    def diagnostic(
        self, path: Sequence[str | int], wrong: Message, expected: Message = EMPTY, meant: str = "", *, at_key: bool = False,
        code: str = "",
    ) -> Diagnostic:  # fmt: skip
        """A diagnostic about this value, or about its key."""
        place = self.key_location if at_key and self.key_location else self.location
        return Diagnostic(place, key_path(path), wrong, expected, meant, code=code)


def node_of(value: Any, place: Location) -> Node:
    """A tree of plain data that all stands at one place."""
    if isinstance(value, dict):
        return Node({str(key): node_of(child, place) for key, child in value.items()}, place, place)
    if isinstance(value, list):
        return Node([node_of(child, place) for child in value], place, place)
    return Node(value, place, place, raw=value if isinstance(value, str) else "")


def find(root: Node, *path: str | int) -> Node | None:
    """The node at exactly this path, or None."""
    node: Node | None = root
    for part in path:
        node = node.child(part) if node else None
    return node


def follow(root: Node, loc: Sequence[str | int]) -> tuple[Node, list[str | int]]:
    """The innermost node on the way to a place in the settings, and its path as written.

    Levels that the short forms leave out (a model that is just a target) are passed over.
    """
    node, path = root, []
    for part in loc:
        below = node.child(part)
        if below is not None:
            node = below
            path.append(part)
    return node, path


def scalars(node: Node, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    """All values that hold no others, with their paths."""
    if isinstance(node.value, dict):
        for key, child in node.value.items():
            yield from scalars(child, (*path, key))
    elif isinstance(node.value, list):
        for index, child in enumerate(node.value):
            yield from scalars(child, (*path, index))
    else:
        yield path, node


def is_credential(path: Sequence[str | int]) -> bool:
    """Whether this is the place of a vendor's credential."""
    return len(path) >= 3 and path[0] == "vendors" and path[2] in CREDENTIALS


def is_secret(path: Sequence[str | int]) -> bool:
    """Whether what stands here is never to be shown."""
    return is_credential(path) or tuple(path[:2]) in SERVER_SECRETS or "headers" in path or "proxy" in path


def describe(node: Node, path: Sequence[str | int]) -> Message:
    """A value for a message: its kind, and the value itself unless that may be a secret."""
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
    """A scalar as it may be shown: text in quotes, and cut; None if it may be a secret."""
    text = str(node.value)
    if is_secret(path) or node.from_file or looks_secret(text) or _URL_WITH_MORE.search(text):
        return None
    if isinstance(node.value, bool):
        return text.lower()
    text = f"{text[:37]}..." if len(text) > 40 else text
    return f"'{text}'" if isinstance(node.value, str) else text
