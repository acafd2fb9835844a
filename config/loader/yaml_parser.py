"""Parse YAML 1.2 to a tree of values with positions. Plain data only: no tags, no objects. Duplicate keys are errors.

The parser is written in Python and reads about 0.5 MB/s. Texts that would take long are rejected before parsing, by
counts that take a few milliseconds.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from adapters.core.message import EMPTY, Message, as_message, one_of
from adapters.registry import EXAMPLE, EXAMPLE_KEY
from config.errors import ConfigError, Diagnostic, Location, key_path
from config.nodes import Node

_PREFIX = "tag:yaml.org,2002:"
MAX_DEPTH = 64
"""Maximum nesting of mappings and lists."""
MAX_LINES = 50_000
MAX_VALUES = 10_000
"""Maximum number of values, counted by the characters that can introduce one."""
MAX_CHARACTERS = 512 * 1024
"""Maximum number of characters outside comments."""
_MAX_NODES = 30_000  # aliases can expand a small file to any size
_INTRODUCERS = (",", ":", "[", "{", "- ", "-\n", "-\t", "? ", "?\n", "?\t")
_COMMENT_LINE = re.compile(r"^[ \t]*#.*", re.MULTILINE)
_BRACKET = re.compile(r"[\[\]{}]")
_KEY_VALUE = as_message("key: value")
_SMALLER = Message("a smaller file")
_SHALLOWER = Message("fewer levels")
_INDENT = Message("the same indentation as the lines around it, in spaces")

_PROBLEMS: tuple[tuple[str, Message, Message], ...] = (
    (r"character '\\t'", Message("a tab"), Message("spaces for indentation")),
    (r"undefined alias|alphabetic or numeric", Message("* and & at the start of a value have a special meaning in YAML"), Message('quotes around the value, for example "gpt-4*"')),
    (r"cannot start any token", Message("a value cannot start with this character"), Message("quotes around the value")),
    (r"sequence entries are not allowed", Message("'- ' is not allowed here"), Message("each list item on its own line")),
    (r"expected <block end>.*'[\]}]'", Message("a closing bracket without an opening one"), EMPTY),
    (r"expected <block end>", Message("the indentation does not match the lines above"), _INDENT),
    (r"could not find expected ':'", Message("a key without ':'"), _KEY_VALUE),
    (r"unexpected end of stream|document separator", Message("a quote that is not closed"), EMPTY),
    (r"unknown escape character|escape sequence", Message("an unknown escape sequence in double quotes"), Message("single quotes, or \\\\ for a backslash")),
    (r"found another document", Message("the file contains a second document"), Message("one document per file")),
    (r"maximum depth", Message("nested more than {number} levels deep", number=MAX_DEPTH), _SHALLOWER),
)  # fmt: skip


def _at_least() -> Message:
    """Return what the smallest configuration has."""
    return Message(
        'at least vendors: {{{name}: {{api_key: "${{{variable}}}"}}}}', name=EXAMPLE.name, variable=EXAMPLE_KEY
    )


def parse(text: str, source: str, keys: str = "") -> Node:
    """Return the tree of a document. ``keys``: examples of its keys, if it is not the configuration itself.

    Raises ConfigError if it is not YAML, is not a mapping, or has a duplicate key.
    """
    _check_size(text, source)
    yaml = YAML(typ="safe", pure=True)
    yaml.max_depth = MAX_DEPTH
    yaml.composer.warn_double_anchors = False
    try:
        root = yaml.compose(text)
    except YAMLError as error:
        raise ConfigError([_syntax(error, text, source)]) from None
    start = Location(source, 1, 1)
    if root is None:
        raise ConfigError(
            [
                Diagnostic(
                    start,
                    "",
                    Message("the file is empty"),
                    as_message(keys) if keys else _at_least(),
                )
            ]
        )
    if not isinstance(root, MappingNode):
        kind = Message("a list") if isinstance(root, SequenceNode) else Message("text")
        raise ConfigError(
            [
                Diagnostic(
                    start,
                    "",
                    Message("the file contains {kind}", kind=kind),
                    Message("keys such as {keys}", keys=keys or "vendors: and models:"),
                )
            ]
        )
    tree = _TreeBuilder(source)
    node = tree.node(root, ())
    if tree.diagnostics:
        raise ConfigError(tree.diagnostics)
    return node


def _check_size(text: str, source: str) -> None:
    """Raise ConfigError for a text that would take long to parse."""
    if text.count("\n") > MAX_LINES:
        raise ConfigError(
            [
                Diagnostic(
                    Location(source),
                    "",
                    Message("the file has more than {number} lines", number=f"{MAX_LINES:,}"),
                    _SMALLER,
                    code="config-too-large",
                )
            ]
        )
    content = _COMMENT_LINE.sub("", text)
    if len(content) > MAX_CHARACTERS:
        raise ConfigError(
            [
                Diagnostic(
                    Location(source),
                    "",
                    Message("the file has more than 512 KiB without comments"),
                    _SMALLER,
                    code="config-too-large",
                )
            ]
        )
    if sum(map(content.count, _INTRODUCERS)) > MAX_VALUES:
        raise ConfigError(
            [
                Diagnostic(
                    Location(source),
                    "",
                    Message("the file has more than {number} values", number=f"{MAX_VALUES:,}"),
                    _SMALLER,
                    code="config-too-large",
                )
            ]
        )
    depth = 0
    for bracket in _BRACKET.finditer(content):
        depth = depth + 1 if bracket[0] in "[{" else max(0, depth - 1)
        if depth > MAX_DEPTH:
            at = bracket.start()
            place = Location(source, content.count("\n", 0, at) + 1, at - content.rfind("\n", 0, at))
            raise ConfigError(
                [
                    Diagnostic(
                        place,
                        "",
                        Message("nested more than {number} levels deep", number=MAX_DEPTH),
                        _SHALLOWER,
                        code="config-too-large",
                    )
                ]
            )


def _syntax(error: YAMLError, text: str, source: str) -> Diagnostic:
    if not isinstance(error, MarkedYAMLError):
        at = getattr(error, "position", 0)
        place = Location(source, text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))
        return Diagnostic(place, "", Message("a character that YAML does not allow"), Message("printable UTF-8 text"))
    problem, mark = str(error.problem), error.problem_mark
    if (error.context or "").startswith("while parsing a flow"):
        return _unclosed(error, text, source)
    if "end of stream" in problem and error.context_mark:
        mark = error.context_mark  # the quote that was opened, not the end of the file
    place = Location(source, mark.line + 1, mark.column + 1) if mark else Location(source, 1, 1)
    if "mapping values" in problem:
        return _colon(place, text)
    for pattern, description, expected in _PROBLEMS:
        if re.search(pattern, problem):
            return Diagnostic(place, "", description, expected)
    return Diagnostic(place, "", Message("not YAML"), _KEY_VALUE)


def _colon(place: Location, text: str) -> Diagnostic:
    """Return the cause of an unexpected colon: one missing above, the indentation, or a colon inside a value."""
    lines = _lines(text)
    this = lines[place.line - 1]
    if re.search(r":\s", this[: place.column - 1]):
        return Diagnostic(
            place, "", Message("a second ':' in one line"), Message("quotes around a value that contains ': '")
        )
    above = next((n for n in range(place.line - 1, 0, -1) if _yaml_problem(lines[n - 1])), 0)
    if above and not re.search(r":(\s|$)", _yaml_problem(lines[above - 1])):
        column = len(lines[above - 1]) - len(lines[above - 1].lstrip()) + 1
        return Diagnostic(Location(place.source, above, column), "", Message("a key without ':'"), _KEY_VALUE)
    start = Location(place.source, place.line, len(this) - len(this.lstrip()) + 1)
    return Diagnostic(start, "", Message("the indentation does not match the lines above"), _INDENT)


def _lines(text: str) -> list[str]:
    """Return the lines as YAML counts them, and an empty one for errors at the end of the text."""
    return [*re.split(r"\r\n|[\n\r\x85\u2028\u2029]", text), ""]


def _yaml_problem(line: str) -> str:
    return re.sub(r"(^|\s)#.*", "", line).strip()


def _unclosed(error: MarkedYAMLError, text: str, source: str) -> Diagnostic:
    mark, opened = error.problem_mark, error.context_mark
    place = Location(source, mark.line + 1, mark.column + 1)
    line = _lines(text)[mark.line]
    if line[: mark.column].endswith("$"):
        return Diagnostic(place, "", Message("${...} inside { } or [ ] needs quotes"), as_message('"${VARIABLE}"'))
    bracket = "{" if "mapping" in str(error.context) else "["
    close = "}" if bracket == "{" else "]"
    return Diagnostic(
        place,
        "",
        Message("'{bracket}' in line {line} is not closed before this point", bracket=bracket, line=opened.line + 1),
        one_of(["','", f"'{close}'"]),
    )


class _TreeBuilder:
    """Converts one document from the parser's nodes to :class:`Node`."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.diagnostics: list[Diagnostic] = []
        self._open: set[int] = set()
        self._count = 0

    def location(self, node: Any) -> Location:
        return Location(self.source, node.start_mark.line + 1, node.start_mark.column + 1)

    def node(self, node: Any, path: tuple[str | int, ...]) -> Node:
        with self._inside(node):
            if isinstance(node, ScalarNode):
                return self._scalar(node)
            if isinstance(node, MappingNode):
                return Node(self._mapping(node, path), self.location(node))
            return Node([self.node(item, (*path, n)) for n, item in enumerate(node.value)], self.location(node))

    @contextmanager
    def _inside(self, node: Any) -> Iterator[None]:
        """Count a node and mark it as being read. Raises ConfigError if aliases expand without end or nest too deeply."""
        self._count += 1
        if id(node) in self._open or self._count > _MAX_NODES:
            raise ConfigError([Diagnostic(self.location(node), "", Message("an alias that expands without end"))])
        if len(self._open) > MAX_DEPTH:
            problem = Message("nested more than {number} levels deep", number=MAX_DEPTH)
            raise ConfigError([Diagnostic(self.location(node), "", problem, _SHALLOWER, code="config-too-large")])
        self._open.add(id(node))
        try:
            yield
        finally:
            self._open.discard(id(node))

    def _mapping(self, mapping: Any, path: tuple[str | int, ...]) -> dict[str, Node]:
        own: dict[str, Node] = {}
        merged: dict[str, Node] = {}
        for key, value in mapping.value:
            place = self.location(key)
            if key.tag == f"{_PREFIX}merge":
                for name, child in self._merged(value, path):
                    merged.setdefault(name, child)
            elif not isinstance(key, ScalarNode):
                self.diagnostics.append(Diagnostic(place, "", Message("a key that is not text"), _KEY_VALUE))
            elif key.value in own:
                first = own[key.value].key_location
                assert first is not None
                self.diagnostics.append(
                    Diagnostic(
                        place,
                        key_path((*path, key.value)),
                        Message("duplicate key, first defined in line {line}", line=first.line),
                        Message("one definition"),
                    )
                )
            else:
                own[key.value] = self.node(value, (*path, key.value))
                own[key.value].key_location = place
                if own[key.value].value is None and not own[key.value].raw:
                    own[key.value].location = place  # an empty value has no position of its own
        return {**merged, **own}

    def _merged(self, value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[str, Node]]:
        """Yield the keys that ``<<: *anchor`` merges, from one mapping or several."""
        for part in value.value if isinstance(value, SequenceNode) else [value]:
            if isinstance(part, MappingNode):
                with self._inside(part):
                    merged = self._mapping(part, path)
                yield from merged.items()
            else:
                self.diagnostics.append(
                    Diagnostic(self.location(value), "", Message("'<<' without a mapping"), as_message("<<: *anchor"))
                )

    def _scalar(self, node: Any) -> Node:
        tag = str(node.tag)
        scalar = Node(node.value, self.location(node), raw=node.value, quoted=node.style is not None)
        if not tag.startswith(_PREFIX) or tag.removeprefix(_PREFIX) not in _KNOWN:
            self.diagnostics.append(
                Diagnostic(
                    self.location(node), "", Message("YAML tags are not supported"), Message("the value without '!'")
                )
            )
        elif not scalar.quoted:
            scalar.value = typed(node.value, tag.removeprefix(_PREFIX))
        return scalar


_KNOWN = frozenset({"str", "int", "float", "bool", "null", "timestamp", "value"})


def typed(text: str, tag: str | None = None) -> Any:
    """Return the value of an unquoted text under YAML 1.2: null, a boolean, a number, or text."""
    if tag is None:
        tag = next((name for name, pattern in _CORE if pattern.fullmatch(text)), "str")
    if tag == "null":
        return None
    if tag == "bool":
        return text.lower() == "true"
    try:
        if tag == "int":
            return _integer(text.replace("_", ""))
        if tag == "float":
            return float(text.replace("_", "").lower().replace(".inf", "inf").replace(".nan", "nan"))
    except ValueError:
        return text
    return text


_CORE = (
    ("null", re.compile(r"~|null|Null|NULL|")),
    ("bool", re.compile(r"true|True|TRUE|false|False|FALSE")),
    ("int", re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")),
    ("float", re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")),
)


def _integer(text: str) -> int:
    return int(text, 0) if text.lstrip("+-")[:2].lower() in ("0x", "0o", "0b") else int(text)
