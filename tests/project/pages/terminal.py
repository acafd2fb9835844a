"""A simulated terminal of a reader: a folder, a persistent environment, ``banjia`` on the path, and vendors.

The vendors are ``banjia emulate`` with the keys that the pages show; everything else runs as the page shows it.
"""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from adapters.registry import VENDORS
from config.loader.environment import key_names
from emulators import NAMES
from tests.project.pages.documents import ROOT, Block

SHOWN_KEY = "sk-..."
SHOWN = "127.0.0.1:8080"
SHOWN_ADMIN = "127.0.0.1:8081"
SAFE = ("banjia", "cat", "curl", "echo", "eval", "export", "grep", "unset")
"""Commands that a page's block may run here. A block with any other is parsed only."""
ELSEWHERE = re.compile(r"^pip install \.$", re.MULTILINE)
"""Steps that are already done for this environment; tests/project/test_packaging.py repeats them."""

BANJIA = f"""#!{sys.executable}
import os, pathlib, subprocess, sys, time

READY = {{"serve": "connecting to vendors", "demo": "Serving", "emulate": "\\nready"}}
here = pathlib.Path(__file__).parent
named = [sys.argv[at + 1] for at, word in enumerate(sys.argv) if word in ("-c", "--config")] or ["banjia.yaml"]
file = pathlib.Path(named[0])
text = file.read_text() if file.exists() else None
for line in (here / "vendors").read_text().splitlines():  # vendor, its key variables, its emulator
    vendor, keys, url = line.split()
    if f" {{vendor}}:" in text if text else any(map(os.environ.get, keys.split(","))):
        os.environ.setdefault(f"BANJIA_VENDORS__{{vendor.upper()}}__BASE_URL", url)
command = [sys.executable, "-u", "-m", "proxy", *sys.argv[1:]]
if sys.argv[1] not in READY:
    os.execv(sys.executable, command)
log = here / f"{{sys.argv[1]}}.log"
with log.open("w") as out:
    server = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True)
with (here / "servers").open("a") as servers:
    print(server.pid, file=servers)
for _ in range(2000):
    if READY[sys.argv[1]] in log.read_text() or server.poll() is not None:
        break
    time.sleep(0.02)
print(log.read_text())
sys.exit(server.poll() or 0)
"""
"""A server occupies the reader's terminal; here it continues in the background until the terminal closes."""


class Terminal:
    """One terminal. Variables exported by one command are set for the next."""

    def __init__(self, folder: Path, vendors: str) -> None:
        self.folder = folder
        self.at, self.admin_at = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
        self._bin = folder / ".bin"
        self._bin.mkdir()
        (self._bin / "vendors").write_text(vendors, encoding="utf-8")
        (self._bin / "banjia").write_text(BANJIA, encoding="utf-8")
        (self._bin / "banjia").chmod(0o755)

    def run(self, code: str) -> subprocess.CompletedProcess[str]:
        """Run a block of shell, with the ports of this terminal instead of the shown ones."""
        code = ELSEWHERE.sub("", code).replace(SHOWN, self.at).replace(SHOWN_ADMIN, self.admin_at)
        code = re.sub(r"(?<!\S)curl ", "curl -sSf ", code)
        kept = self._bin / "environment"
        before = f". {kept}\n" if kept.exists() else ""
        return self._done("bash", "-euo", "pipefail", "-c", f"{before}{code}\nexport -p >{kept}")

    def python(self, code: str) -> subprocess.CompletedProcess[str]:
        """Run a block of Python in the same environment."""
        script = self._bin / "script.py"
        script.write_text(code.replace(SHOWN, self.at), encoding="utf-8")
        return self.run(f"{sys.executable} {script}")

    def write(self, name: str, text: str) -> None:
        """Save a file, as an editor would."""
        (self.folder / name).write_text(text.replace(SHOWN, self.at), encoding="utf-8")

    def _done(self, *command: str) -> subprocess.CompletedProcess[str]:
        output, wrong = (
            self._bin / "said",
            self._bin / "wrong",
        )  # files, because a running server would keep a pipe open
        with output.open("w") as out, wrong.open("w") as err:
            code = subprocess.call(
                command, cwd=self.folder, env=self._environment(), stdout=out, stderr=err, timeout=150
            )
        return subprocess.CompletedProcess(command, code, output.read_text(), wrong.read_text())

    def _environment(self) -> Mapping[str, str]:
        mine = {key: value for key, value in os.environ.items() if not key.startswith(("BANJIA_", "OPENAI_"))}
        keys = {name for vendor in VENDORS for name in key_names(vendor)}
        return {key: value for key, value in mine.items() if key not in keys and not key.lower().endswith("_proxy")} | {
            "PATH": f"{self._bin}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "BANJIA_SERVER__LISTEN": self.at,
            "BANJIA_SERVER__ADMIN_LISTEN": self.admin_at,
            "SHELL": "/bin/bash",
        }

    def stop(self) -> None:
        """End the remaining servers of this terminal, and no others."""
        pids = self._bin / "servers"
        for pid in map(int, pids.read_text().split()) if pids.exists() else ():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT)
        pids.unlink(missing_ok=True)


GIVEN: set[int] = set()
"""The ports that were assigned: the kernel may offer one again while no process listens on it yet."""


def free_port() -> int:
    """Return a free port, another one each time."""
    while True:
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            port: int = sock.getsockname()[1]
        if port not in GIVEN:
            GIVEN.add(port)
            return port


@contextmanager
def terminal(folder: Path, vendors: str) -> Iterator[Terminal]:
    """Run a terminal until the block ends."""
    opened = Terminal(folder, vendors)
    try:
        yield opened
    finally:
        opened.stop()


@contextmanager
def vendors_to_call() -> Iterator[str]:
    """The vendors' emulators for as long as the block runs; a line for each: its name, its key variables, its URL."""
    keys = {vendor.name: key_names(vendor) for vendor in VENDORS if vendor.name in NAMES}
    environment = os.environ | {name: SHOWN_KEY for names in keys.values() for name in names}
    command = [sys.executable, "-u", "-m", "proxy", "emulate", *keys, "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            reported: dict[str, str] = {}
            for line in iter(process.stdout.readline, "ready\n"):
                name, equals, value = line.strip().partition("=")
                assert equals, line
                reported[name] = value
            urls = {vendor: reported[names[0].replace("_API_KEY", "_BASE_URL")] for vendor, names in keys.items()}
            yield "\n".join(f"{vendor} {','.join(names)} {urls[vendor]}" for vendor, names in keys.items())
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)


def can_be_run(block: Block) -> bool:
    """Return whether each command of a shell block may be run here."""
    code = re.sub(r"'[^']*'|\"[^\"]*\"", "text", ELSEWHERE.sub("", block.code).replace("\\\n", " "))
    pieces = [re.sub(r"#.*", "", piece).split() for piece in re.split(r"\n|&&|\|\||\||;", code)]
    firsts = [next((word for word in words if not re.match(r"\w+=", word)), "export") for words in pieces if words]
    return bool(firsts) and all(first in SAFE for first in firsts)
