"""The command line aider in a small repository, without settings for banjia."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

BEFORE = "def add(a, b):\n    return a - b\n"
AFTER = "def add(a, b):\n    return a + b\n"
EDIT = """Mend the sum.
emulator:answer
The sum is a difference.

calc.py
```python
<<<<<<< SEARCH
    return a - b
=======
    return a + b
>>>>>>> REPLACE
```
emulator:end"""
WHOLE = f"""Mend the sum.
emulator:answer
The sum is a difference.

calc.py
```
{AFTER}```
emulator:end"""
QUIET = ["--yes-always", "--no-check-update", "--no-show-release-notes", "--no-analytics", "--no-show-model-warnings"]
USER = {
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@localhost",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@localhost",
}


def _git(folder: str, *arguments: str) -> str:
    """What git prints."""
    return subprocess.run(
        ["git", *arguments], cwd=folder, env=os.environ | USER, capture_output=True, text=True, check=True
    ).stdout


def _edited(message: str, *options: str) -> None:
    """Have aider edit a file of a fresh repository, and see the edit applied and committed."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "calc.py")
        file.write_text(BEFORE)
        _git(folder, "init", "-q")
        _git(folder, "add", "calc.py")
        _git(folder, "commit", "-q", "-m", "Start")
        aider = Path(sys.executable).with_name("aider")
        done = subprocess.run(
            [aider, "--model", "gpt-4o", *QUIET, *options, "--message", message, "calc.py"],
            cwd=folder, env=os.environ | USER | {"LITELLM_LOCAL_MODEL_COST_MAP": "True"},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )  # fmt: skip
        reported = f"{done.stdout}\n{done.stderr}"
        assert done.returncode == 0, reported
        assert file.read_text() == AFTER, reported
        assert "The sum is a difference." in done.stdout, reported
        assert len(_git(folder, "log", "--oneline").splitlines()) == 2, reported
        assert _git(folder, "status", "--porcelain", "calc.py") == "", reported


def edit() -> None:
    _edited(EDIT)


def whole_file_without_stream() -> None:
    _edited(WHOLE, "--edit-format", "whole", "--no-stream")
