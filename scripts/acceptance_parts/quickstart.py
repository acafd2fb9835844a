"""A fresh environment, `pip install .`, the demo, and the app of each README and quickstart, which gets an answer."""

import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from scripts.acceptance_parts import ROOT, NotRun, Result, call

START_S = 60
"""The time limit until the demo serves (seconds)."""


def run(smoke: bool) -> Result:
    """Install from the checkout, run the demo, and run the first program of each page against it."""
    from tests.project.pages.documents import BLOCKS, PAIRS, named

    pages = [page for pair in PAIRS for page in pair if page.name in ("README.md", "README.zh-CN.md", "quickstart.md")]
    result = Result({"pages": str(len(pages))})
    with tempfile.TemporaryDirectory() as folder:
        python = _installed(Path(folder, "env"))
        with subprocess.Popen(
            [python.with_name("banjia"), "demo", "--port", "0"],
            cwd=folder,
            stdout=subprocess.PIPE,
            text=True,
            env=_clean(),
        ) as demo:
            try:
                url = _address(demo)
                for page in pages:
                    app = next(block for block in BLOCKS if block.page == page and block.kind == "python")
                    done = subprocess.run(
                        [python, "-c", app.code], cwd=folder, capture_output=True, text=True, timeout=START_S, check=False,
                        env=_clean() | {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": "anything", "NO_PROXY": "127.0.0.1"},
                    )  # fmt: skip
                    if done.returncode or not done.stdout.strip():
                        result.violations.append(f"{named(page)}: no answer: {done.stderr.strip()[-300:]}")
            finally:
                demo.send_signal(signal.SIGINT)
                demo.communicate(timeout=START_S)
        if demo.returncode:
            result.violations.append(f"the demo ended with {demo.returncode}")
    return result


def _installed(folder: Path) -> Path:
    """Return the Python of a new environment with the checkout, installed by pip, and the SDK. Raises NotRun."""
    commands: list[list[str | Path]] = [
        [sys.executable, "-m", "venv", folder],
        [folder / "bin" / "pip", "install", "--quiet", ROOT, "openai"],
    ]
    for command in commands:
        if call(command).returncode:
            raise NotRun("the packages can't be installed here")
    return folder / "bin" / "python"


def _clean() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("BANJIA_", "OPENAI_", "PYTHON")) and "API_KEY" not in name
    }


def _address(demo: subprocess.Popen[str]) -> str:
    """Return the base URL that the demo prints after its answer."""
    assert demo.stdout is not None
    url = ""
    for line in demo.stdout:
        found = re.match(r"OPENAI_BASE_URL=(\S+)", line)
        url = found[1] if found else url
        if line.startswith("Serving"):
            break
    return url
