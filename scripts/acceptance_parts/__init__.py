"""The parts of ``scripts/acceptance``, one module each.

Each part is a module with one function; ``scripts/acceptance --list`` shows the first line of its docstring::

    def run(smoke: bool) -> Result: ...

``smoke``: use tiny counts and do not judge waits, so that a slow machine runs the part within seconds.
"""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parents[2]


class NotRun(Exception):
    """This machine lacks a requirement of the part; the message names it."""


@dataclass
class Result:
    """The measurements of a part, as short texts by name, and its violations. A part without violations has passed."""

    figures: dict[str, str] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)


def call(command: Sequence[str | Path], *, capture: bool = False) -> subprocess.CompletedProcess[str]:
    """Run a command from the top folder. Its output goes to standard error, or to the result with ``capture``."""
    out = subprocess.PIPE if capture else sys.stderr
    return subprocess.run(command, cwd=ROOT, stdout=out, stdin=subprocess.DEVNULL, text=True, check=False)


def python(*arguments: str | Path, capture: bool = False) -> subprocess.CompletedProcess[str]:
    """Run the environment's Python from the top folder."""
    return call([sys.executable, *arguments], capture=capture)


def judged_by_pytest(file: str, *, smoke: bool) -> Result:
    """Run a file of ``tests/acceptance``. Returns its figures (fixture ``figure``), and its failures as violations."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        arguments = [
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            f"--junitxml={report}",
            "-o",
            "junit_family=xunit1",
            f"tests/acceptance/{file}",
        ]
        ended = python(*arguments, *(["--smoke"] if smoke else []))
        if not report.exists():
            return Result(violations=[f"pytest ended with {ended.returncode} and no report"])
        tree = ElementTree.parse(report)
    result = Result()
    for case in sorted(tree.iter("testcase"), key=lambda case: case.attrib["name"]):
        for one in case.iter("property"):
            result.figures[one.attrib["name"]] = one.attrib["value"]
        for kind in ("failure", "error"):
            for problem in case.iter(kind):
                message = problem.attrib.get("message", kind).partition("\n")[0]
                result.violations.append(f"{case.attrib['name']}: {message}")
    if ended.returncode and not result.violations:
        result.violations.append(f"pytest ended with {ended.returncode}")
    return result
