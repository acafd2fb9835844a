"""Compare two configurations: list the paths of changed keys, never their values."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from adapters.core.message import BAR, COMMA, Message, joined
from config.errors import ConfigError, Diagnostic, Location, key_path
from config.schema import Settings

NEEDS_RESTART = ("listen", "admin_listen", "transport", "max_concurrency")
"""Keys of ``server`` that need a restart: sockets and pools are created once, at startup. So do all keys of ``store``."""
MAX_LISTED = 20
"""Maximum number of changes or diagnostics in a log line."""


class ReloadResult(NamedTuple):
    """The result of a reload: ``applied``, ``refused``, or ``no file`` if the configuration has none.

    ``changed``: keys whose new values are in use. ``restart``: changed keys that need a restart to take effect.
    ``diagnostics``: why it was refused, as ``file:line:col: key: what is problem``. ``source``: the file that was read.
    """

    word: Literal["applied", "refused", "no file"]
    source: str = ""
    changed: Sequence[str] = ()
    restart: Sequence[str] = ()
    diagnostics: Sequence[Message] = ()

    @property
    def ok(self) -> bool:
        """Whether the new configuration is in use."""
        return self.word == "applied"

    @property
    def changes(self) -> list[str]:
        """The diagnostics, the changed keys and the keys that need a restart."""
        return [*self.diagnostics, *self.changed, *(f"{key} needs a restart" for key in self.restart)]

    def line(self) -> Message:
        """Return the log line. It contains no values."""
        if self.word == "no file":
            return Message(
                "reload: no configuration file to reload; the environment of a running process does not change"
            )
        if self.word == "refused":
            return Message(
                "reload refused, the current configuration stays in use: {diagnostics}",
                diagnostics=_list_some(self.diagnostics, BAR),
            )
        line = Message(
            "reload applied from {source}: {keys} changed",
            source=self.source,
            keys=_list_some(self.changed, COMMA),
        )
        if not self.changed:
            line = Message("reload applied from {source}: nothing changed", source=self.source)
        if not self.restart:
            return line
        return Message("{line}; warning: a restart is needed for {keys}", line=line, keys=joined(COMMA, self.restart))


def _list_some(texts: Sequence[str], separator: Message) -> Message:
    more = len(texts) - MAX_LISTED
    return joined(separator, [*texts[:MAX_LISTED], Message("and {more} more", more=more)] if more > 0 else texts)


def keep_fixed_settings(before: Settings, after: Settings, source: str) -> tuple[Settings, list[str]]:
    """Return the new settings with the old values of the keys that need a restart, and the paths of those keys.

    Raises ConfigError if an open port would lose its authentication. ``source`` is where the new settings come from.
    """
    differ = [key for key in NEEDS_RESTART if getattr(before.server, key) != getattr(after.server, key)]
    server = after.server.model_copy(update={key: getattr(before.server, key) for key in differ})
    if server.beyond_loopback() and not after.client_keys() and not server.insecure:
        problem = Message(
            "{listen} stays open to other machines until a restart and would need no client key",
            listen=server.listen,
        )
        raise ConfigError(
            [
                Diagnostic(
                    Location(source),
                    "server.client_keys",
                    problem,
                    Message("a client key, or a restart"),
                    code="config-open-to-network",
                )
            ]
        )
    if server.admin_beyond_loopback() and not after.admin_token():
        problem = Message(
            "{listen} stays open to other machines until a restart and would need no token",
            listen=server.admin_listen,
        )
        raise ConfigError(
            [
                Diagnostic(
                    Location(source),
                    "server.admin_token",
                    problem,
                    Message("a token, or a restart"),
                    code="config-open-to-network",
                )
            ]
        )
    stored = [
        f"store.{key}"
        for key in type(after.store).model_fields
        if getattr(before.store, key) != getattr(after.store, key)
    ]
    settings = after.model_copy(update={"server": server, "store": before.store})
    return settings, [*(f"server.{key}" for key in differ), *stored]


def changed_keys(before: Settings, after: Settings) -> list[str]:
    """Return the paths of the keys that differ, in the order of the settings. A list counts as one value."""
    return list(_differing(before.model_dump(), after.model_dump(), []))


def _differing(before: Mapping[str, Any], after: Mapping[str, Any], path: list[str]) -> Iterator[str]:
    for key in dict.fromkeys([*before, *after]):
        old, new = before.get(key), after.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            yield from _differing(old, new, [*path, key])
        elif old != new:
            yield key_path([*path, key])
