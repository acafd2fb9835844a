"""The input and the results of the configuration checks."""

import datetime
from dataclasses import dataclass, field

from adapters import registry
from adapters.core.message import EMPTY, Message
from adapters.core.vendor import Vendor
from config.loader.errors import Diagnostic, looks_secret
from config.loader.nodes import Node, follow
from config.schema import Settings


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
        wrong: Message,
        expected: Message = EMPTY,
        meant: str = "",
        *,
        at_key: bool = False,
        code: str = "",
    ) -> Diagnostic:
        """Return a diagnostic about a path of the settings, at the nearest position in the file."""
        node, path = follow(self.root, loc)
        return node.diagnostic(path, wrong, expected, meant, at_key=at_key, code=code)

    def error(
        self,
        loc: tuple[str | int, ...],
        wrong: Message,
        expected: Message = EMPTY,
        meant: str = "",
        *,
        at_key: bool = False,
        code: str = "",
    ) -> None:
        """Add an error: the configuration cannot be used."""
        self.errors.append(self.diagnostic(loc, wrong, expected, meant, at_key=at_key, code=code))

    def warn(
        self,
        loc: tuple[str | int, ...],
        wrong: Message,
        expected: Message = EMPTY,
        meant: str = "",
        *,
        at_key: bool = False,
        code: str = "",
    ) -> None:
        """Add a warning."""
        self.warnings.append(self.diagnostic(loc, wrong, expected, meant, at_key=at_key, code=code))

    def quote(self, loc: tuple[str | int, ...], text: str) -> str:
        """Return a value of the settings in quotes, or the variables it came from if it may be a secret."""
        node, _ = follow(self.root, loc)
        if node.from_file or looks_secret(text):
            return Message("(not shown)")
        if node.variables:
            return Message("from {variables}", variables=" ".join(f"${{{name}}}" for name in node.variables))
        return f"'{text}'"

    def kind(self, name: str) -> Vendor | None:
        """Return the adapter of a configured vendor's kind, in its usual edition."""
        return registry.BY_NAME.get(self.settings.vendors[name].kind or name)

    def vendor(self, name: str) -> Vendor | None:
        """Return the adapter of a configured vendor, in its edition."""
        kind = self.kind(name)
        return kind.of_edition(self.settings.vendors[name].edition) if kind else None
