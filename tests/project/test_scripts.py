"""Each script can be run and parsed, and does the inexpensive part of its task."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.acceptance_parts import NotRun, Result
from scripts.acceptance_parts import __main__ as command

ROOT = Path(__file__).parents[2]
COMMANDS = [ROOT / "scripts" / name for name in ("acceptance", "check", "demo", "docs", "fix", "lock", "test")]
EXTRAS = sorted((ROOT / "scripts" / "extra").glob("*.sh"))
SHELL = [*COMMANDS, *EXTRAS, ROOT / ".ci" / "run"]
SET_UP = ROOT / "scripts" / "lib" / "environment.py"


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SHELL, ids=named)
def test_a_script_can_be_run_from_anywhere_and_stops_at_the_first_error(path: Path) -> None:
    text = path.read_text()
    assert os.access(path, os.X_OK)
    assert text.startswith("#!/usr/bin/env bash\n# ")
    assert '\nset -euo pipefail\ncd "$(dirname "$0")/' in text
    assert subprocess.run(["bash", "-n", path], check=False).returncode == 0


@pytest.mark.parametrize("path", [*SHELL, SET_UP, ROOT / "Dockerfile", ROOT / "pyproject.toml"], ids=named)
def test_no_script_names_an_index_or_a_folder_of_a_machine(path: Path) -> None:
    assert not re.search(r"https?://|(?<![\w.])/(work|home|root|Users)/", path.read_text())


def test_an_unknown_argument_is_refused_before_anything_is_set_up(tmp_path: Path) -> None:
    done = subprocess.run(
        [ROOT / "scripts" / "test", "--al"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "unknown argument: --al" in done.stderr


def acceptance(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command behind scripts/acceptance."""
    words = [sys.executable, "-m", "scripts.acceptance_parts", *arguments]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=150, check=False)


def test_each_part_of_the_acceptance_has_one_line() -> None:
    parts = sorted(path.stem for path in (ROOT / "scripts" / "acceptance_parts").glob("[a-z]*.py"))
    done = acceptance("--list")
    assert done.returncode == 0, done.stderr
    lines = [line.split(maxsplit=1) for line in done.stdout.splitlines()]
    assert [name for name, _ in lines] == parts
    assert all(reported.endswith(".") and len(reported) < 150 for _, reported in lines)


def test_an_unknown_part_of_the_acceptance_is_refused() -> None:
    done = acceptance("chaoss")
    assert done.returncode == 2
    assert "unknown part: chaoss (known: apps, bench, bodies, chaos, " in done.stderr


def test_a_part_with_a_violation_ends_the_acceptance_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    results = {"bench": Result({"a": "1"}), "chaos": Result({"b": "2 s"}, ["b: too long", "c: lost"])}
    for name, result in results.items():
        monkeypatch.setattr(f"scripts.acceptance_parts.{name}.run", lambda smoke, result=result: result)
    monkeypatch.setattr(sys, "argv", ["acceptance", "bench", "chaos"])
    assert command.main() == 1
    reported = capsys.readouterr()
    assert reported.out.splitlines()[2:] == ["| bench | a: 1 | none |", "| chaos | b: 2 s | 2 |"]
    assert reported.err.splitlines() == ["chaos: b: too long", "chaos: c: lost", "acceptance: failed: chaos"]
    monkeypatch.setattr(sys, "argv", ["acceptance", "bench"])
    assert command.main() == 0


@pytest.mark.parametrize(("ci", "code"), [("true", 1), ("", 0)])
def test_a_part_that_cannot_run_is_a_failure_where_everything_must_run(
    ci: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lacks(smoke: bool) -> Result:
        raise NotRun("needs two cores")

    monkeypatch.setattr("scripts.acceptance_parts.bench.run", lacks)
    monkeypatch.setattr(sys, "argv", ["acceptance", "bench"])
    monkeypatch.setenv("CI", ci)
    assert command.main() == code
    assert "NOT RUN: bench: needs two cores" in capsys.readouterr().err


def checkout(folder: Path, *scripts: str) -> Path:
    """A checkout of nothing but the set-up, and requirements that need no index."""
    shutil.copytree(ROOT / "scripts" / "lib", folder / "scripts" / "lib", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "requirements").mkdir()
    (folder / "requirements" / "none.txt").write_text("# nothing\n")
    return folder


def set_up(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the set-up of a checkout, without uv, so that pip alone is tried."""
    command: list[str | Path] = [sys.executable, folder / "scripts" / "lib" / "environment.py", *arguments]
    environment = os.environ | {"PATH": "/usr/bin:/bin"}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=150, check=False
    )


def test_an_environment_is_made_once_and_made_current_when_requirements_change(tmp_path: Path) -> None:
    folder = checkout(tmp_path)
    words = (".venv", "requirements/none.txt")
    assert set_up(folder, "--current", *words).returncode == 1
    first = set_up(folder, *words)
    assert first.returncode == 0, first.stderr
    assert "making .venv" in first.stderr
    assert set_up(folder, "--current", *words).returncode == 0
    assert set_up(folder, *words).stderr == ""
    (folder / "requirements" / "none.txt").write_text("# still nothing\n")
    again = set_up(folder, *words)
    assert "installing none.txt" in again.stderr
    assert "making" not in again.stderr


def test_an_installation_that_fails_is_tried_again_the_next_time(tmp_path: Path) -> None:
    folder = checkout(tmp_path)
    wrong = folder / "requirements" / "none.txt"
    wrong.write_text("./not-there.whl --hash=sha256:" + "0" * 64 + "\n")
    assert set_up(folder, ".venv", "requirements/none.txt").returncode == 1
    assert set_up(folder, "--current", ".venv", "requirements/none.txt").returncode == 1
    wrong.write_text("# nothing\n")
    assert set_up(folder, ".venv", "requirements/none.txt").returncode == 0


def test_a_missing_tool_is_one_line_and_its_own_exit_code(tmp_path: Path) -> None:
    script = ". scripts/lib/common.sh; not_run 'a part: tool is not installed'"
    done = subprocess.run(["bash", "-c", script], cwd=checkout(tmp_path), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (77, "NOT RUN: a part: tool is not installed\n")
