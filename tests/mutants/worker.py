"""Runs tests against mutants in a copy of the checkout, its current folder: one line per job, one line per result.

A job is ``{"path", "source", "tests", "within_s"}``, a result ``{"killed", "took_s", "output"}``. The libraries are imported
once; each job is a fork, so that a mutant costs only the import of the project and its tests. This module imports nothing
of the project, because modules must be imported after their mutation.
"""

import gc
import importlib
import json
import math
import os
import resource
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

LIBRARIES = (
    "httpx2", "orjson", "pydantic", "starlette.applications", "uvicorn", "ruamel.yaml", "tenacity", "prometheus_client", "click",
    "openai.types.chat", "_pytest.assertion.rewrite", "xml.etree.ElementTree", "asyncio", "email.utils",
)  # fmt: skip
OUTPUT_TAIL = 2000
"""How much of a run's output is handed on, in characters: its end."""


def main() -> None:
    """Do the jobs on standard input until there are no more."""
    os.environ.pop("CI", None)
    sys.dont_write_bytecode = True
    for name in LIBRARIES:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        job = json.loads(line)
        sys.stdout.write(json.dumps(run(**job)) + "\n")
        sys.stdout.flush()


def run(path: str | None, source: str, tests: list[str], within_s: float) -> dict[str, Any]:
    """Run the tests with this source in the module's place, and put the old one back. ``path`` None: as it is."""
    if path is None:
        return judged(tests, within_s, write=True)
    file = Path(path)
    before = file.read_text(encoding="utf-8")
    for compiled in (file.parent / "__pycache__").glob(f"{file.stem}.*"):
        compiled.unlink()  # its time stamp has whole seconds: it could be taken for the mutant's
    file.write_text(source, encoding="utf-8")
    try:
        return judged(tests, within_s)
    finally:
        file.write_text(before, encoding="utf-8")


def judged(tests: list[str], within_s: float, *, write: bool = False) -> dict[str, Any]:
    """Run pytest in a fork, until the first failure. A timeout counts as detected."""
    begun = time.monotonic()
    output = Path("mutant.out")
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        run_pytest(tests, output, math.ceil(within_s), write=write)
    status: int | None = None
    while status is None and time.monotonic() - begun < within_s:
        ended, code = os.waitpid(child, os.WNOHANG)
        if ended:
            status = code
        else:
            time.sleep(0.02)
    if status is None:
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
    took_s = round(time.monotonic() - begun, 2)
    reported = output.read_text(encoding="utf-8", errors="replace")[-OUTPUT_TAIL:]
    return {"killed": status != 0, "took_s": took_s, "output": reported if status is not None else "took too long"}


def run_pytest(tests: list[str], output: Path, cpu_s: int, *, write: bool) -> None:
    """The child: pytest in this process. ``cpu_s`` ends a loop without an end also where the worker is gone."""
    code = 70
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
        out = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1)
        os.dup2(out, 2)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.dont_write_bytecode = not write
        import pytest

        imported = "ignore:Module already imported:pytest.PytestAssertRewriteWarning"
        plugins = ["-p", "no:cacheprovider", "-p", "tests.mutants.profile"]
        code = int(pytest.main(["-x", "-q", "-n", "0", "-W", imported, *plugins, *tests]))
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
