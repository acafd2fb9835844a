"""Published flaws of packages: unexpected code execution, and flaws of dependencies. See test_published_flaws.py."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.project.pages.documents import ROOT
from tests.project.test_requirements import pins

SHIPPED = ("adapters", "config", "emulators", "proxy")
FILES = sorted(path for folder in SHIPPED for path in (ROOT / folder).rglob("*.py"))
FORBIDDEN_MODULES = {
    "subprocess", "pickle", "cPickle", "dill", "marshal", "shelve", "ctypes", "cffi", "code", "codeop", "runpy", "pty", "commands",
    "multiprocessing", "jinja2", "mako", "imp", "xml", "xmlrpc", "telnetlib", "ftplib", "smtplib",
}  # fmt: skip
"""What runs other programs, or turns data into code. SQL has tests of its own (test_database.py)."""
ALLOWED = (
    "proxy/observability/memory_budget.py:8: ctypes",
    "adapters/registry.py:4: import_module",
    "emulators/__init__.py:6: import_module",
)
"""One call of the C library with constants, that gives memory back to the system (``mallopt``), and the scans of the
packages ``adapters.vendors``, ``adapters.presets`` and ``emulators``, whose names are those of their own files."""
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
FORBIDDEN_MEMBERS = {
    "system", "popen", "execv", "execve", "execvp", "execl", "spawnl", "spawnv", "fork", "import_module", "exec_module",
    "load_module", "create_subprocess_exec", "create_subprocess_shell", "unsafe_load", "full_load", "entry_points",
}  # fmt: skip


def wrongs(path: Path) -> Iterator[str]:
    """Yield every position of a file that could run received code."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        what = None
        if isinstance(node, ast.Import):
            what = next((alias.name for alias in node.names if _forbidden(alias.name)), None)
        elif isinstance(node, ast.ImportFrom):
            names = {alias.name for alias in node.names} & FORBIDDEN_MEMBERS
            what = node.module if node.module and _forbidden(node.module) else next(iter(names), None)
        elif isinstance(node, ast.Call):
            called = node.func
            if isinstance(called, ast.Name) and called.id in FORBIDDEN_CALLS:
                what = called.id
            elif isinstance(called, ast.Attribute) and called.attr in FORBIDDEN_MEMBERS:
                what = called.attr
            elif any(word.arg == "typ" and ast.unparse(word.value) not in ("'safe'", "'rt'") for word in node.keywords):
                what = ast.unparse(node)
        if what:
            yield f"{path}:{node.lineno}: {what}"  # type: ignore[attr-defined]


def _forbidden(module: str) -> bool:
    return module.partition(".")[0] in FORBIDDEN_MODULES


def test_cve_2026_42203_40217_42271_nothing_that_is_shipped_runs_code_or_programs_out_of_data() -> None:
    """CVE-2026-42203, CVE-2026-40217 (templates and a sandbox), CVE-2026-42271, CVE-2026-30623 (commands): all LiteLLM's.

    In banjia requests and files are data only. There is no template, no evaluation, no plugin and no other program.
    """
    assert len(FILES) > 100
    found = [wrong for path in FILES for wrong in wrongs(path)]
    assert [wrong for wrong in found if not any(wrong.endswith(allowed) for allowed in ALLOWED)] == []


@pytest.mark.parametrize(
    "text",
    [
        "import subprocess", "from pickle import loads", "eval('1')", "import os\nos.system('x')", "YAML(typ='unsafe')",
        "import importlib\nimportlib.import_module(x)", "from importlib import import_module", "from os import system", "from os import path\nimport xml.etree",
    ],
)  # fmt: skip
def test_the_look_at_what_is_shipped_would_see_it(text: str, tmp_path: Path) -> None:
    file = tmp_path / "x.py"
    file.write_text(text)
    assert len(list(wrongs(file))) == 1


SECRET = re.compile(r"secret|digest|password|\bkey\.get_secret|authorization|_hash\(", re.IGNORECASE)


def test_every_secret_is_compared_in_constant_time() -> None:
    """``==`` ends at the first byte that differs. Keys are looked up by their hash, with ``hmac.compare_digest``."""
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {ast.unparse(node)}"
        for path in FILES
        if path.relative_to(ROOT).parts[0] in ("proxy", "adapters")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Compare)
        and any(isinstance(by, ast.Eq | ast.NotEq | ast.In | ast.NotIn) for by in node.ops)
        and not any(isinstance(side, ast.Constant) for side in (node.left, *node.comparators))
        and any(SECRET.search(ast.unparse(side)) for side in (node.left, *node.comparators))
    ]
    assert [where for where in found if "encoding.sha256" not in where] == []  # the hash of a public table


IMPORTS = """
import socket, sys, pathlib
def refuse(*args, **named):
    raise SystemExit(f"network at import: {args}")
for name in ("connect", "connect_ex", "sendto", "bind"):
    setattr(socket.socket, name, refuse)
socket.getaddrinfo = socket.gethostbyname = socket.create_connection = refuse
import importlib
seen = 0
for folder in ("adapters", "config", "emulators", "proxy"):
    for path in sorted(pathlib.Path(folder).rglob("*.py")):
        name = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
        if name != "proxy.__main__":
            importlib.import_module(name)
            seen += 1
print(seen)
"""


def test_litellm_1_82_8_no_module_calls_anybody_while_it_is_imported() -> None:
    """litellm 1.82.7 and 1.82.8 on PyPI (2026-03-24): a stolen token, and a payload that ran when Python started."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS], cwd=ROOT, capture_output=True, text=True, timeout=150, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 100


def test_litellm_1_82_8_what_is_installed_is_installed_by_hash() -> None:
    """The locks have hashes (tests/project/test_requirements.py); this test checks that installations require them."""
    found = 0
    for name in ("scripts/lib/environment.py", "Dockerfile"):
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
            if re.search(r"\bpip\b.*\binstall\b", line) and not re.search(r"--no-index|wheel|RUN python3", line):
                assert "--require-hashes" in line, line
                found += 1
    assert found == 4


FLOORS = {
    "httpx2": "2.12.0",  # CVE-2026-84382: what was decompressed came in pieces of any size
    "httpcore2": "2.12.0",  # of one release with it
    "starlette": "1.3.1",  # CVE-2026-48710, PYSEC-2026-248 (paths), CVE-2025-62727 (ranges), limits of forms
    "h11": "0.16.0",  # CVE-2025-43859: chunks that two servers read differently
    "urllib3": "2.7.0",  # CVE-2026-44432
}
"""The first version without the flaw."""
LOCKED = sorted((ROOT / "requirements").glob("*.txt"))


@pytest.mark.parametrize("path", LOCKED, ids=lambda path: path.name)
def test_flaws_of_the_stack_are_in_no_lock(path: Path) -> None:
    found = pins(path)
    assert {
        name: found[name] for name in FLOORS.keys() & found.keys() if Version(found[name]) < Version(FLOORS[name])
    } == {}


def test_flaws_of_the_stack_can_not_be_installed_beside_us_either() -> None:
    """The lock is for the image and the tests; an installed wheel gets the requirements of pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    request = {need.name: need for need in map(Requirement, project["dependencies"])}
    for name in ("httpx2", "starlette"):
        assert not request[name].specifier.contains("0"), name
        below = str(Version(FLOORS[name])).rpartition(".")[0]
        assert not request[name].specifier.contains(f"{below}.0a0", prereleases=True), name
