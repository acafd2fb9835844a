"""``${VAR}``, ``${VAR:-default}``, ``${VAR:?message}``, ``$$`` and ``file:/path`` in values."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from adapters.core.message import EMPTY, Message, as_message
from config.loader.errors import Diagnostic, InvalidValue
from config.loader.nodes import Node, is_credential, scalars
from config.loader.regular_file import MAX_SECRET_BYTES, TooLarge, read_regular
from config.loader.system_errors import reason_of
from config.loader.yaml_parser import typed

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BARE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)$|os\.environ/(\w+)$|env\.([A-Z0-9_]+)$")
_MAX_DEPTH = 32
"""The most variables in the defaults of variables."""
_FORMS = Message("${VAR}, ${VAR:-default} or ${VAR:?message}")


class UnsetVariable(Exception):
    """A variable without a value where one is needed; ``message`` is the operator's own, if given."""

    def __init__(self, name: str, message: str = "") -> None:
        super().__init__(name)
        self.name = name
        self.message = message


class _Text:
    """One text being expanded. ``used`` collects the names of the variables that its value came from."""

    def __init__(self, text: str, environ: Mapping[str, str]) -> None:
        self._depth = 0
        self.text = text
        self.environ = environ
        self.used: list[str] = []

    def until(self, at: int, *, closing: bool, live: bool = True) -> tuple[str, int]:
        """What stands from here to the closing brace, or to the end, and where that is.

        Not ``live``: a default that is not needed, of which only the end is looked for.
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
            raise InvalidValue(Message("a '${' that is never closed"))
        return "".join(parts), at

    def variable(self, at: int, *, live: bool) -> tuple[str, int]:
        """The value of the variable whose name begins here, and where the text goes on after its brace."""
        match = _NAME.match(self.text, at)
        if match is None:
            raise InvalidValue(Message("a '${' without a variable's name"))
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
            raise InvalidValue(Message("a '${' that is never closed"))
        if form not in (":-", ":?"):
            raise InvalidValue(Message("'${{{name}' goes on in an unknown way", name=name))
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise InvalidValue(Message("'${{' nested more than {number} levels deep", number=_MAX_DEPTH))
        rest, end = self.until(at + 2, closing=True, live=live and not given)
        self._depth -= 1
        if live and not given and form == ":?":
            raise UnsetVariable(name, rest or Message("it is needed"))
        return given or rest, end + 1


def expand(text: str, environ: Mapping[str, str]) -> tuple[str, list[str]]:
    """The text with its variables filled in, and the names of those that were used.

    An empty variable counts as set for ``${VAR}``, as unset for the other two forms. Raises Unset; InvalidValue says
    how the text is malformed.
    """
    reading = _Text(text, environ)
    value, _ = reading.until(0, closing=False)
    return value, reading.used


def secret_path(value: str, folder: Path) -> Path:
    """The file that a ``file:`` value names."""
    return folder / value.removeprefix("file:").replace("//", "/", 1)


def read_secret(value: str, folder: Path) -> str:
    """What the file of a ``file:`` value holds, without its last line break. Raises InvalidValue, which names the file."""
    path = secret_path(value, folder)
    try:
        return read_regular(path, MAX_SECRET_BYTES).decode().removesuffix("\n").removesuffix("\r")
    except TooLarge:
        raise InvalidValue(Message("the file {path} is larger than 64 KiB", path=path)) from None
    except UnicodeDecodeError:
        raise InvalidValue(Message("the file {path} is not text in UTF-8", path=path)) from None
    except OSError as error:
        raise InvalidValue(
            Message("the file {path} can't be read ({why})", path=path, why=reason_of(error, lower_case=True))
        ) from None


def is_file(value: str) -> bool:
    """Whether a whole value names a file to read: ``file:/run/secrets/x``, or ``file:./x`` beside the configuration."""
    return value.startswith(("file:/", "file:./", "file:../"))


def interpolate(root: Node, environ: Mapping[str, str], folder: Path) -> list[Diagnostic]:
    """Fill in every text value of the tree, in place; what can't be is marked broken and reported.

    A vendor's credential whose variable is unset is left empty, with the variable's name in ``unset``.
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
        return node.diagnostic(path, Message("a variable in another spelling"), as_message(f'"${{{name}}}"'))
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
            expected = Message("it in the environment, or ${{{variable}:-a default}}", variable=unset.name)
            diagnostic = node.diagnostic(
                path, Message("{variables} is not set", variables=unset.name), expected, code="config-unset-variable"
            )
        return replace(diagnostic, unset=(unset.name,))
    except InvalidValue as error:
        return node.diagnostic(path, error.problem, _FORMS if "${" in error.problem else EMPTY)
    node.value = typed(value) if not node.quoted and "set" in path and node.variables else value
    return None
