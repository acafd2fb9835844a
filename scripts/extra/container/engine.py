"""Runs an image's file system like a container engine with ``--read-only --cap-drop ALL`` and no-new-privileges.

The container has its own process and mount namespaces, and shares the network of the calling process.
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
    """One image: ``configuration`` is its ``config``, ``root`` its mounted file system."""

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
        """Start it with its own command, or with ``words``; ``mounts`` are files mounted over files of the image."""
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
        """Start it and wait for its end."""
        container = self.start(words, **how)
        try:
            container.wait()
        finally:
            container.end()
        return container


class Container:
    """A started container. ``code`` and ``output`` (stdout and stderr) are available after it has ended."""

    def __init__(self, script: str) -> None:
        self._output = tempfile.TemporaryFile()  # noqa: SIM115  (it is open as long as the container)
        self._process = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script],
            stdin=subprocess.DEVNULL, stdout=self._output, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.code: int | None = None

    def wait(self, timeout_s: float = 30) -> int:
        """Wait for its exit code. Raises subprocess.TimeoutExpired."""
        self.code = self._process.wait(timeout_s)
        return self.code

    @property
    def output(self) -> str:
        """Return its output so far."""
        self._output.seek(0)
        return self._output.read().decode(errors="replace")

    @property
    def pid(self) -> int:
        """Return the pid of its first process outside the container."""
        pid = self._process.pid
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()[0])

    def status(self) -> dict[str, str]:
        """Return the kernel's status of its first process."""
        lines = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8").splitlines()
        return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}

    def signal(self, number: int) -> None:
        """Send a signal to its first process."""
        os.kill(self.pid, number)

    def end(self) -> None:
        """Kill it in any state. Its first process has changed its user, and so outlives its parent."""
        if self._process.poll() is None:
            self.signal(signal.SIGKILL)
            self._process.wait()
