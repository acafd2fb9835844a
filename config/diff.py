"""What a new configuration changes: by the path of each key, never by its value."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from config.complaints import Complaint, ConfigError, Place, key_path
from config.schema import Settings

NEEDS_RESTART = ("listen", "admin_listen", "transport", "max_concurrency")
"""The keys of ``server`` that stay as they were at the start: sockets and pools are made once."""
MOST_TOLD = 20
"""How many changes or complaints a log line has, at most."""


class ReloadResult(NamedTuple):
    """What came of reading the configuration anew: ``applied``, ``refused``, or there is ``no file`` to read.

    ``changed``: the keys that hold from now on. ``restart``: those that differ, but hold only after a restart.
    ``complaints``: why it is not used, as ``file:line:col: key: what is wrong``. ``source``: the file that was read.
    """

    word: Literal["applied", "refused", "no file"]
    source: str = ""
    changed: Sequence[str] = ()
    restart: Sequence[str] = ()
    complaints: Sequence[str] = ()

    @property
    def ok(self) -> bool:
        """Whether the configuration that was read is in use now."""
        return self.word == "applied"

    @property
    def changes(self) -> list[str]:
        """What there is to say about it: the complaints, or the keys that changed and those that need a restart."""
        return [*self.complaints, *self.changed, *(f"{key} needs a restart" for key in self.restart)]

    def line(self) -> str:
        """The line for the log. It has no value of any key."""
        if self.word == "no file":
            return "reload: there is no configuration file, so there is nothing to read again; the environment is as it was"
        if self.word == "refused":
            return f"reload refused, the configuration before stays in use: {_some(self.complaints, ' | ')}"
        told = f"reload applied from {self.source}: {_some(self.changed, ', ') or 'nothing'} changed"
        return f"{told}; warning: a restart is needed for {', '.join(self.restart)}" if self.restart else told


def _some(texts: Sequence[str], joint: str) -> str:
    more = len(texts) - MOST_TOLD
    return joint.join([*texts[:MOST_TOLD], f"and {more} more"] if more > 0 else texts)


def kept(before: Settings, after: Settings, source: str) -> tuple[Settings, list[str]]:
    """The new settings with what can't change while the server runs as it was, and the keys that would have changed.

    Raises ConfigError if that would leave a door open: ``source`` is where the new settings come from.
    """
    differ = [key for key in NEEDS_RESTART if getattr(before.server, key) != getattr(after.server, key)]
    server = after.server.model_copy(update={key: getattr(before.server, key) for key in differ})
    if server.beyond_loopback() and not after.client_keys() and not server.insecure:
        wrong = f"{server.listen} stays open until a restart, can be reached from other machines, and would need no key"
        raise ConfigError(
            [
                Complaint(
                    Place(source),
                    "server.client_keys",
                    wrong,
                    "a client key, or a restart",
                    code="config-open-to-network",
                )
            ]
        )
    if server.admin_beyond_loopback() and not after.admin_token():
        wrong = f"{server.admin_listen} stays open until a restart, can be reached from other machines, and would need no token"
        raise ConfigError(
            [
                Complaint(
                    Place(source), "server.admin_token", wrong, "a token, or a restart", code="config-open-to-network"
                )
            ]
        )
    return after.model_copy(update={"server": server}), [f"server.{key}" for key in differ]


def changed(before: Settings, after: Settings) -> list[str]:
    """The paths of the keys that differ, in the order of the settings; a list counts as one."""
    return list(_differing(before.model_dump(), after.model_dump(), []))


def _differing(before: Mapping[str, Any], after: Mapping[str, Any], path: list[str]) -> Iterator[str]:
    for key in dict.fromkeys([*before, *after]):
        old, new = before.get(key), after.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            yield from _differing(old, new, [*path, key])
        elif old != new:
            yield key_path([*path, key])
