"""Each command with valid and invalid input, and the properties of its output in every terminal, pipe and language."""

import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fcntl import ioctl
from itertools import product
from pathlib import Path
from typing import Literal

from proxy.cli.output import BROKEN_PIPE
from proxy.commands.table import display_width
from tests.project.pages.documents import ROOT

Sink = Literal["read", "terminal", "head", "full"]
REQUEST = '{"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}'
FILES = {
    "good.yaml": 'vendors: {kimi: {api_key: "${MOONSHOT_API_KEY}"}}\n',
    "bad.yaml": "vendrs: {}\n",
    "broken.yaml": "vendors: {kimi: {\n",
    "request.json": REQUEST,
    "empty.json": "",
}
LISTINGS = ("routes", "vendors", "models", "help")
"""Commands whose output fits the width."""


@dataclass(frozen=True)
class Case:
    """A command line, its exit code, and whether it prints anything on standard output."""

    args: Sequence[str]
    code: int = 0
    prints: bool = True

    def __str__(self) -> str:
        return " ".join(self.args)


def right(*lines: str) -> list[Case]:
    """Command lines that succeed and print."""
    return [Case(line.split()) for line in lines]


def wrong(code: int, *lines: str) -> list[Case]:
    """Command lines that fail with this code and print nothing on standard output."""
    return [Case(line.split(), code, prints=False) for line in lines]


CASES = [
    *right(
        "--help", "-h", "--version", "-v", "version", "help", "help serve", "help port-in-use", "help model_not_found",
        "init -", "schema", "check good.yaml", "check good.yaml --json", "env", "env --shell fish",
        "env --shell powershell -c good.yaml", "routes", "routes --json", "routes -c good.yaml", "vendors",
        "vendors --json", "models", "models --vendor kimi", "models --history", "models --at 2024-07-09",
        "models --at 2001-01-01", "explain request.json", "explain request.json --json", "doctor --offline",
        "doctor --offline --json", "tiktoken tables", "serve --help", "demo --help", "emulate --help",
        "state --help", "state size --help",
    ),
    *wrong(
        2, "nonsense", "--nonsense", "help nonsense", "check bad.yaml", "check broken.yaml", "check none.yaml",
        "check good.yaml -c bad.yaml", "env --shell nonsense", "env -c bad.yaml", "routes -c bad.yaml",
        "routes --nonsense", "vendors nonsense", "models --vendor nonsense", "models --at yesterday",
        "models -c broken.yaml", "explain none.json", "explain request.json -c bad.yaml", "explain", "serve -c none.yaml",
        "serve -c bad.yaml", "serve --port 70000", "serve --port 1 --listen 127.0.0.1:1", "serve --listen nowhere",
        "demo --port x", "demo nonsense", "emulate", "emulate nonsense", "emulate kimi --fault nonsense",
        "healthcheck --url nonsense", "tiktoken", "tiktoken a b", "init a b", "state nonsense", "state purge", "state export",
        "state size -c bad.yaml",
    ),
    *wrong(1, "init good.yaml", "init nowhere/banjia.yaml", "explain empty.json", "healthcheck --url http://127.0.0.1:9",
           "tiktoken good.yaml/tables", "state size", "state export resp_1"),
]  # fmt: skip


@dataclass(frozen=True)
class Setting:
    """Where a command runs."""

    width: int = 80
    sink: Sink = "read"
    colour: bool = True
    language: str = "en"

    def __str__(self) -> str:
        return f"{self.width}-{self.sink}-{self.language}{'' if self.colour else '-NO_COLOR'}"


def settings() -> Iterator[Setting]:
    """All of them."""
    sinks: tuple[Sink, ...] = ("read", "terminal", "head", "full")
    for width, sink, colour, language in product((60, 80, 200), sinks, (True, False), ("en", "zh")):
        yield Setting(width, sink, colour, language)


def environment(setting: Setting) -> dict[str, str]:
    """The environment of a command."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if "API_KEY" not in name and not name.startswith("BANJIA_") and name not in ("NO_COLOR", "COLUMNS")
    }
    kept |= {
        "MOONSHOT_API_KEY": "sk-kimi-0000000000000001", "BANJIA_LANG": setting.language, "PYTHONPATH": str(ROOT),
        "TERM": "xterm-256color", "BANJIA_SERVER__LISTEN": "127.0.0.1:0", "SHELL": "/bin/sh",
    }  # fmt: skip
    if not setting.colour:
        kept["NO_COLOR"] = "1"
    if setting.sink != "terminal":
        kept["COLUMNS"] = str(setting.width)
    return kept


@dataclass(frozen=True)
class Ended:
    """The result of a command."""

    code: int
    stdout: str
    stderr: str


def lay(folder: Path) -> None:
    """Write the files that the command lines name."""
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")


def run(case: Case, setting: Setting, folder: Path) -> Ended:
    """Run a command as a process, in a folder with ``FILES``."""
    if setting.sink == "terminal":
        return _in_terminal(case, setting, folder)
    read, write = os.pipe()
    os.close(read)  # a reader that has gone
    with Path("/dev/full").open("wb") as full:
        out = subprocess.PIPE if setting.sink == "read" else write if setting.sink == "head" else full.fileno()
        done = subprocess.run(
            [sys.executable, "-m", "proxy", *case.args], stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE,
            env=environment(setting), cwd=folder, timeout=120, check=False,
        )  # fmt: skip
    os.close(write)
    return Ended(done.returncode, (done.stdout or b"").decode(), done.stderr.decode())


def _in_terminal(case: Case, setting: Setting, folder: Path) -> Ended:
    """The same with standard output at a terminal of that width."""
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, setting.width, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "proxy", *case.args], stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.PIPE,
        env=environment(setting), cwd=folder,
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    while select.select([ours], [], [], 120)[0]:
        try:
            part = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(ours)
    _, output = process.communicate(timeout=120)
    return Ended(process.returncode, shown.decode().replace("\r\n", "\n"), output.decode())


def violations(case: Case, setting: Setting, ended: Ended) -> list[str]:
    """Return the violations."""
    found = []
    unwritten = case.prints and setting.sink in ("head", "full")
    code = case.code if not unwritten else BROKEN_PIPE if setting.sink == "head" else 1
    if ended.code != code:
        found.append(f"exit code {ended.code} in the place of {code}")
    output = ended.stderr.splitlines()
    if "Traceback" in ended.stdout + ended.stderr:
        found.append("a traceback")
    if unwritten and len(output) != (setting.sink == "full"):
        found.append(f"{len(output)} lines on standard error")
    elif case.code and output[:1] and output[0].startswith(("Usage:", "用法:")):
        found += [] if output[-1].startswith(("Error: ", "错误：")) else ["a usage error without its last line"]
    elif case.code and len(output) != 1:
        found.append(f"{len(output)} lines of errors")
    if not unwritten and case.prints != bool(ended.stdout):
        found.append("something is printed" if ended.stdout else "nothing is printed")
    if not setting.colour and "\x1b[" in ended.stdout + ended.stderr:
        found.append("colour")
    if case.args[0] in LISTINGS and "--json" not in case.args and case.args != ["help"]:
        longest = max(map(display_width, ended.stdout.splitlines()), default=0)
        if longest > setting.width and not re.search(r"(?m)^ +Examples:|^(Usage|用法):", ended.stdout):
            found.append(f"a line of {longest} columns")
    return [f"banjia {case} [{setting}]: {what}" for what in found]
