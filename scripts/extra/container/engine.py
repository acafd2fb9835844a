"""Runs an image's file system as a container engine would with ``--read-only --cap-drop ALL`` and no-new-privileges.

The container has processes and mounts of its own; its network is that of the caller.
"""

import os
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_INSIDE = """
set -eu
mount --bind {root} {root}
mount -t proc proc {root}/proc
mount --rbind /dev {root}/dev
{mounts}
mount -o remount,bind,ro {root}
cd /
exec chroot {root} setpriv --reuid {user} --regid {group} --clear-groups \\
    --inh-caps=-all --ambient-caps=-all --bounding-set=-all --no-new-privs env -i {environment} {words}
"""


class Engine:
    """One image. ``configuration`` is the ``config`` of it, ``root`` its mounted file system."""

    def __init__(self, root: Path, configuration: Mapping[str, Any]) -> None:
        self.root = root
        self.configuration = configuration

    def start(
        self,
        words: Sequence[str] | None = None,
        *,
        entrypoint: Sequence[str] | None = None,
        environment: Mapping[str, str] | None = None,
        mounts: Mapping[Path, str] | None = None,
    ) -> "Container":
        """Start it: with its own command, or with ``words``; ``mounts`` are files that lie over some of the image's."""
        command = [
            *(entrypoint or self.configuration["Entrypoint"]),
            *(self.configuration["Cmd"] if words is None else words),
        ]
        own = dict(line.split("=", 1) for line in self.configuration["Env"])
        user, _, group = self.configuration["User"].partition(":")
        script = _INSIDE.format(
            root=shlex.quote(str(self.root)),
            user=user,
            group=group,
            mounts="\n".join(
                f"mount --bind {shlex.quote(str(file))} {shlex.quote(f'{self.root}{place}')}"
                for file, place in (mounts or {}).items()
            ),
            environment=shlex.join(f"{name}={value}" for name, value in (own | dict(environment or {})).items()),
            words=shlex.join(command),
        )
        return Container(script)

    def run(self, words: Sequence[str] | None = None, **how: Any) -> "Container":
        """The same, to its end."""
        container = self.start(words, **how)
        try:
            container.wait()
        finally:
            container.end()
        return container


class Container:
    """A container that was started. ``code`` and ``said`` (both outputs) are there once it has ended."""

    def __init__(self, script: str) -> None:
        self._output = tempfile.TemporaryFile()  # noqa: SIM115  (it is open as long as the container)
        self._process = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script],
            stdin=subprocess.DEVNULL, stdout=self._output, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.code: int | None = None

    def wait(self, timeout_s: float = 30) -> int:
        """Its exit code. Raises subprocess.TimeoutExpired."""
        self.code = self._process.wait(timeout_s)
        return self.code

    @property
    def said(self) -> str:
        """What it has printed so far."""
        self._output.seek(0)
        return self._output.read().decode(errors="replace")

    @property
    def pid(self) -> int:
        """The number that its first process has outside of it."""
        pid = self._process.pid
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()[0])

    def status(self) -> dict[str, str]:
        """What the kernel says of its first process."""
        lines = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8").splitlines()
        return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}

    def signal(self, number: int) -> None:
        """Send its first process a signal."""
        os.kill(self.pid, number)

    def end(self) -> None:
        """However it stands, it is gone afterwards. Its first process has changed its user, and so outlives its parent."""
        if self._process.poll() is None:
            self.signal(signal.SIGKILL)
            self._process.wait()
