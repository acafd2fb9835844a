"""Expand ``${VAR}``, ``${VAR:-default}``, ``${VAR:?message}``, ``$$`` and ``file:/path`` in values."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from adapters.core.message import EMPTY, Message, as_message
from config.errors import Diagnostic, InvalidValue
from config.loader.regular_file import MAX_SECRET_BYTES, TooLarge, read_regular
from config.loader.system_errors import reason_of
from config.loader.yaml_parser import typed
from config.nodes import Node, is_credential, scalars

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BARE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)$|os\.environ/(\w+)$|env\.([A-Z0-9_]+)$")
_MAX_DEPTH = 32
"""Maximum nesting of variables in defaults."""
_FORMS = Message("${VAR}, ${VAR:-default} or ${VAR:?message}")


class UnsetVariable(Exception):
    """A required variable is not set. ``message`` is the text after ``:?``, if there is one."""

    def __init__(self, name: str, message: str = "") -> None:
        super().__init__(name)
        self.name = name
        self.message = message


class _Text:
    """Expands one text. ``used`` collects the names of the variables whose values it contains."""

    def __init__(self, text: str, environ: Mapping[str, str]) -> None:
        self._depth = 0
        self.text = text
        self.environ = environ
        self.used: list[str] = []

    def until(self, at: int, *, closing: bool, live: bool = True) -> tuple[str, int]:
        """Expand from ``at`` to the closing brace or the end of the text. Return the value and the end position.

        With ``live=False`` only the end matters: this is a default that is not used.
        """
        text, parts = self.text, []
        while at < len(text) and not (closing and text[at] == "}"):
            if text.startswith("$$", at):
                parts.append("$")
                at += 2
            elif text.startswith("${", at):
                value, at = self.variable(at + 2, live=live)
                parts.append(value)
            else:
                parts.append(text[at])
                at += 1
        if closing and at == len(text):
            raise InvalidValue(Message("'${' without a closing '}'"))
        return "".join(parts), at

    def variable(self, at: int, *, live: bool) -> tuple[str, int]:
        """Return the value of the variable whose name begins at ``at``, and the position after its closing brace."""
        match = _NAME.match(self.text, at)
        if match is None:
            raise InvalidValue(Message("'${' without a variable name"))
        name, at = match.group(), match.end()
        form = self.text[at : at + 2]
        given = self.environ.get(name)
        if live and given is not None and (given or form.startswith("}")):
            self.used.append(name)
        if form.startswith("}"):
            if live and given is None:
                raise UnsetVariable(name)
            return given or "", at + 1
        if not form:
            raise InvalidValue(Message("'${' without a closing '}'"))
        if form not in (":-", ":?"):
            raise InvalidValue(Message("unknown syntax after '${{{name}'", name=name))
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise InvalidValue(Message("'${{' nested more than {number} levels deep", number=_MAX_DEPTH))
        rest, end = self.until(at + 2, closing=True, live=live and not given)
        self._depth -= 1
        if live and not given and form == ":?":
            raise UnsetVariable(name, rest or Message("it is required"))
        return given or rest, end + 1


def expand(text: str, environ: Mapping[str, str]) -> tuple[str, list[str]]:
    """Return the text with its variables expanded, and the names of the variables used.

    An empty variable counts as set for ``${VAR}``, as unset for the other two forms. Raises UnsetVariable if a required
    variable is not set, InvalidValue if the text is malformed.
    """
    reading = _Text(text, environ)
    value, _ = reading.until(0, closing=False)
    return value, reading.used


def secret_path(value: str, folder: Path) -> Path:
    """Return the path of a ``file:`` value."""
    return folder / value.removeprefix("file:").replace("//", "/", 1)


def read_secret(value: str, folder: Path) -> str:
    """Return the content of a ``file:`` value's file, without its last line break. Raises InvalidValue with the path."""
    path = secret_path(value, folder)
    try:
        return read_regular(path, MAX_SECRET_BYTES).decode().removesuffix("\n").removesuffix("\r")
    except TooLarge:
        raise InvalidValue(Message("the file {path} is larger than 64 KiB", path=path)) from None
    except UnicodeDecodeError:
        raise InvalidValue(Message("the file {path} is not UTF-8 text", path=path)) from None
    except OSError as error:
        raise InvalidValue(
            Message("cannot read the file {path}: {why}", path=path, why=reason_of(error, lower_case=True))
        ) from None


def is_file(value: str) -> bool:
    """Whether a value is the path of a file to read: ``file:/run/secrets/x``, or ``file:./x`` next to the configuration."""
    return value.startswith(("file:/", "file:./", "file:../"))


def interpolate(root: Node, environ: Mapping[str, str], folder: Path) -> list[Diagnostic]:
    """Expand every text value of the tree, in place. Mark values that fail as broken and return their diagnostics.

    A vendor credential whose variable is unset becomes empty, with the variable's name in ``unset``.
    """
    diagnostics = []
    for path, node in scalars(root):
        if isinstance(node.value, str) and (
            "$" in node.value or node.value.startswith(("file:", "os.environ/", "env."))
        ):
            diagnostic = _fill(node, path, environ, folder)
            if diagnostic is not None:
                node.broken = True
                diagnostics.append(diagnostic)
    return diagnostics


def _fill(node: Node, path: tuple[str | int, ...], environ: Mapping[str, str], folder: Path) -> Diagnostic | None:
    bare = _BARE.match(node.value)
    if bare is not None:
        name = next(filter(None, bare.groups()))
        return node.diagnostic(path, Message("not banjia's syntax for a variable"), as_message(f'"${{{name}}}"'))
    try:
        value, used = expand(node.value, environ)
        node.variables = tuple(used)
        if node.raw.startswith("file:") and is_file(value):
            node.from_file = str(secret_path(value, folder))
            value = read_secret(value, folder)
    except UnsetVariable as unset:
        if unset.message:
            diagnostic = node.diagnostic(
                path,
                Message("{variable} is not set: {message}", variable=unset.name, message=unset.message),
                code="config-unset-variable",
            )
        elif is_credential(path):
            node.value, node.unset = "", unset.name
            return None
        else:
            expected = Message("a value in the environment, or ${{{variable}:-default}}", variable=unset.name)
            diagnostic = node.diagnostic(
                path, Message("{variables} is not set", variables=unset.name), expected, code="config-unset-variable"
            )
        return replace(diagnostic, unset=(unset.name,))
    except InvalidValue as error:
        return node.diagnostic(path, error.problem, _FORMS if "${" in error.problem else EMPTY)
    node.value = typed(value) if not node.quoted and "set" in path and node.variables else value
    return None
