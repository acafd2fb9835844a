"""The scripts: each can be run, parsed, and does the light part of what it promises."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMANDS = [ROOT / "scripts" / name for name in ("check", "demo", "docs", "fix", "lock", "test")]
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
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=55, check=False)


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


def test_what_cannot_be_installed_fails_and_is_tried_again_the_next_time(tmp_path: Path) -> None:
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
