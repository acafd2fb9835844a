"""Read the files that a configuration includes: their content replaces the path in the tree."""

from collections.abc import Iterator
from pathlib import Path

from adapters.core.message import Message
from config.errors import ConfigError, Diagnostic, Location
from config.loader.regular_file import MAX_BYTES, TooLarge, read_regular
from config.loader.system_errors import reason_of
from config.loader.yaml_parser import parse
from config.nodes import Node, scalars


def catalogs(root: Node, folder: Path) -> list[Diagnostic]:
    """Replace each path under ``vendors.*.catalog`` by the content of its file, in place. Return the errors.

    The values keep their positions in the included file, so that diagnostics point there.
    """
    diagnostics: list[Diagnostic] = []
    for name, node in _overlays(root):
        try:
            included = _read(node, ("vendors", name, "catalog"), folder)
        except ConfigError as error:
            node.broken = True
            diagnostics += error.diagnostics
        else:
            node.value, node.location = included.value, included.location
    return diagnostics


def included_files(root: Node, folder: Path) -> Iterator[Path]:
    """Yield the files of catalogs and secrets that a tree names, whether they exist or not. Call it before ``catalogs``."""
    for _, node in _overlays(root):
        yield folder / node.value
    for _, node in scalars(root):
        if node.from_file:
            yield Path(node.from_file)


def _overlays(root: Node) -> Iterator[tuple[str, Node]]:
    """Yield the vendors whose ``catalog`` is the path of a file, with its node."""
    vendors = root.child("vendors")
    for name, entry in vendors.value.items() if vendors and isinstance(vendors.value, dict) else ():
        node = entry.child("catalog")
        if node is not None and isinstance(node.value, str) and not node.broken:
            yield name, node


def text(path: Path) -> str:
    """Return the text of a file. Raises ConfigError if it is too large or not UTF-8, OSError if reading fails."""
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
                    Message("not UTF-8 text"),
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
        problem = Message("cannot read the file {path}: {why}", path=node.value, why=why)
        raise ConfigError([node.diagnostic(key, problem, Message("a path relative to this file"))]) from None
