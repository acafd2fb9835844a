"""Files that a configuration names in the place of a value: their content is read as if it stood there."""

from collections.abc import Iterator
from pathlib import Path

from adapters.core.message import Message
from config.loader.errors import ConfigError, Diagnostic, Location
from config.loader.nodes import Node, scalars
from config.loader.regular_file import MAX_BYTES, TooLarge, read_regular
from config.loader.system_errors import reason_of
from config.loader.yaml_parser import parse


def catalogs(root: Node, folder: Path) -> list[Diagnostic]:
    """Put the files under ``vendors.*.catalog`` in their names' place, in the tree; what can't be read is returned.

    Their values keep the places in their own file, so that whatever is wrong with them is told from there.
    """
    diagnostics: list[Diagnostic] = []
    for name, node in _overlays(root):
        try:
            found = _read(node, ("vendors", name, "catalog"), folder)
        except ConfigError as error:
            node.broken = True
            diagnostics += error.diagnostics
        else:
            node.value, node.location = found.value, found.location
    return diagnostics


def named(root: Node, folder: Path) -> Iterator[Path]:
    """The files that a tree names, whether they are there or not: of catalogs, before they are read in, and of secrets."""
    for _, node in _overlays(root):
        yield folder / node.value
    for _, node in scalars(root):
        if node.from_file:
            yield Path(node.from_file)


def _overlays(root: Node) -> Iterator[tuple[str, Node]]:
    """The vendors whose ``catalog`` is the path of a file, with its node."""
    vendors = root.child("vendors")
    for name, entry in vendors.value.items() if vendors and isinstance(vendors.value, dict) else ():
        node = entry.child("catalog")
        if node is not None and isinstance(node.value, str) and not node.broken:
            yield name, node


def text(path: Path) -> str:
    """The text of a file. Raises ConfigError where it is too large or not UTF-8, OSError where it can't be read."""
    try:
        return read_regular(path, MAX_BYTES).decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except TooLarge:
        raise ConfigError(
            [
                Diagnostic(
                    Location(str(path)),
                    "",
                    Message("the file is larger than 4 MiB"),
                    Message("a smaller file"),
                    code="config-too-large",
                )
            ]
        ) from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        column = error.start - error.object.rfind(b"\n", 0, error.start)
        raise ConfigError(
            [
                Diagnostic(
                    Location(str(path), line, column),
                    "",
                    Message("this is not text in UTF-8"),
                    code="config-unreadable",
                )
            ]
        ) from None


def _read(node: Node, key: tuple[str, ...], folder: Path) -> Node:
    path = folder / node.value
    try:
        return parse(text(path), str(path), "models: or stand_ins:")
    except OSError as error:
        why = reason_of(error, lower_case=True)
        wrong = Message("the file {path} can't be read ({why})", path=node.value, why=why)
        raise ConfigError(
            [node.diagnostic(key, wrong, Message("the path of a file, from the folder of this one"))]
        ) from None
