"""The input and the results of the configuration checks."""

import datetime
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Concatenate, ParamSpec

from adapters import registry
from adapters.core.message import EMPTY, Message
from adapters.core.vendor import Vendor
from config.errors import Diagnostic, looks_secret
from config.nodes import Node, follow
from config.schema import Settings

P = ParamSpec("P")


def _appending(
    make: Callable[Concatenate["LintContext", P], Diagnostic], list_of: Callable[["LintContext"], list[Diagnostic]]
) -> Callable[Concatenate["LintContext", P], None]:
    """Return a method that makes a diagnostic and appends it to a list of the context."""

    def method(self: "LintContext", /, *args: P.args, **kwargs: P.kwargs) -> None:
        list_of(self).append(make(self, *args, **kwargs))

    return method


@dataclass(slots=True)
class LintContext:
    """The configuration that the checks read, and the diagnostics that they add.

    ``today`` decides whether a model is retired already. ``disabled`` has the vendors without an API key, with the reason.
    """

    settings: Settings
    root: Node
    today: datetime.date
    errors: list[Diagnostic] = field(default_factory=list)
    warnings: list[Diagnostic] = field(default_factory=list)
    disabled: dict[str, Message] = field(default_factory=dict)

    def diagnostic(
        self,
        loc: tuple[str | int, ...],
        problem: Message,
        expected: Message = EMPTY,
        suggestion: str = "",
        *,
        at_key: bool = False,
        code: str = "",
    ) -> Diagnostic:
        """Return a diagnostic about a path of the settings, at the nearest position in the file."""
        node, path = follow(self.root, loc)
        return node.diagnostic(path, problem, expected, suggestion, at_key=at_key, code=code)

    error = _appending(diagnostic, lambda context: context.errors)
    """Add an error: the configuration cannot be used. Takes the arguments of ``diagnostic``."""
    warn = _appending(diagnostic, lambda context: context.warnings)
    """Add a warning. Takes the arguments of ``diagnostic``."""

    def quote(self, loc: tuple[str | int, ...], text: str) -> str:
        """Return a value of the settings in quotes, or the variables it came from if it may be a secret."""
        node, _ = follow(self.root, loc)
        if node.from_file or looks_secret(text):
            return Message("(not shown)")
        if node.variables:
            return Message("from {variables}", variables=" ".join(f"${{{name}}}" for name in node.variables))
        return f"'{text}'"

    def kind(self, name: str) -> Vendor | None:
        """Return the adapter of a configured vendor's kind, in its usual variant."""
        return registry.BY_NAME.get(self.settings.vendors[name].kind or name)

    def vendor(self, name: str) -> Vendor | None:
        """Return the adapter of a configured vendor, in its variant."""
        kind = self.kind(name)
        return kind.of_variant(self.settings.vendors[name].variant) if kind else None
