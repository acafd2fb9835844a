"""What a new configuration changes: by the path of each key, never by its value."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from adapters.core.message import BAR, COMMA, Message, joined
from config.loader.errors import ConfigError, Diagnostic, Location, key_path
from config.schema import Settings

NEEDS_RESTART = ("listen", "admin_listen", "transport", "max_concurrency")
"""The keys of ``server`` that stay as they were at the start: sockets and pools are made once."""
MAX_LISTED = 20
"""How many changes or diagnostics a log line has, at most."""


class ReloadResult(NamedTuple):
    """What came of reading the configuration anew: ``applied``, ``refused``, or there is ``no file`` to read.

    ``changed``: the keys that hold from now on. ``restart``: those that differ, but hold only after a restart.
    ``diagnostics``: why it is not used, as ``file:line:col: key: what is wrong``. ``source``: the file that was read.
    """

    word: Literal["applied", "refused", "no file"]
    source: str = ""
    changed: Sequence[str] = ()
    restart: Sequence[str] = ()
    diagnostics: Sequence[Message] = ()

    @property
    def ok(self) -> bool:
        """Whether the configuration that was read is in use now."""
        return self.word == "applied"

    @property
    def changes(self) -> list[str]:
        """What there is to say about it: the diagnostics, or the keys that changed and those that need a restart."""
        return [*self.diagnostics, *self.changed, *(f"{key} needs a restart" for key in self.restart)]

    def line(self) -> Message:
        """The line for the log. It has no value of any key."""
        if self.word == "no file":
            return Message(
                "reload: there is no configuration file, so there is nothing to read again; the environment is as it was"
            )
        if self.word == "refused":
            return Message(
                "reload refused, the configuration before stays in use: {diagnostics}",
                diagnostics=_list_some(self.diagnostics, BAR),
            )
        told = Message(
            "reload applied from {source}: {keys} changed",
            source=self.source,
            keys=_list_some(self.changed, COMMA),
        )
        if not self.changed:
            told = Message("reload applied from {source}: nothing changed", source=self.source)
        if not self.restart:
            return told
        return Message("{line}; warning: a restart is needed for {keys}", line=told, keys=joined(COMMA, self.restart))


def _list_some(texts: Sequence[str], separator: Message) -> Message:
    more = len(texts) - MAX_LISTED
    return joined(separator, [*texts[:MAX_LISTED], Message("and {more} more", more=more)] if more > 0 else texts)


def keep_fixed_settings(before: Settings, after: Settings, source: str) -> tuple[Settings, list[str]]:
    """The new settings with what can't change while the server runs as it was, and the keys that would have changed.

    Raises ConfigError if that would leave a door open: ``source`` is where the new settings come from.
    """
    differ = [key for key in NEEDS_RESTART if getattr(before.server, key) != getattr(after.server, key)]
    server = after.server.model_copy(update={key: getattr(before.server, key) for key in differ})
    if server.beyond_loopback() and not after.client_keys() and not server.insecure:
        wrong = Message(
            "{listen} stays open until a restart, can be reached from other machines, and would need no key",
            listen=server.listen,
        )
        raise ConfigError(
            [
                Diagnostic(
                    Location(source),
                    "server.client_keys",
                    wrong,
                    Message("a client key, or a restart"),
                    code="config-open-to-network",
                )
            ]
        )
    if server.admin_beyond_loopback() and not after.admin_token():
        wrong = Message(
            "{listen} stays open until a restart, can be reached from other machines, and would need no token",
            listen=server.admin_listen,
        )
        raise ConfigError(
            [
                Diagnostic(
                    Location(source),
                    "server.admin_token",
                    wrong,
                    Message("a token, or a restart"),
                    code="config-open-to-network",
                )
            ]
        )
    return after.model_copy(update={"server": server}), [f"server.{key}" for key in differ]


def changed_keys(before: Settings, after: Settings) -> list[str]:
    """The paths of the keys that differ, in the order of the settings; a list counts as one."""
    return list(_differing(before.model_dump(), after.model_dump(), []))


def _differing(before: Mapping[str, Any], after: Mapping[str, Any], path: list[str]) -> Iterator[str]:
    for key in dict.fromkeys([*before, *after]):
        old, new = before.get(key), after.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            yield from _differing(old, new, [*path, key])
        elif old != new:
            yield key_path([*path, key])
