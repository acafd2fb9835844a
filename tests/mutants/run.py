"""Draws mutants by seed, runs the tests of each, and counts the survivors.

python -m tests.mutants.run --seed 1 --count 100 --workers 1 --report survivors.json
python -m tests.mutants.run --seed 1 --skip 100 --count 100   those of the same seed behind the first hundred
python -m tests.mutants.run --only survivors.json             those of an earlier report again
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from queue import Empty, Queue
from typing import Any, Self

from tests.mutants import operators
from tests.mutants.operators import Mutant, differs
from tests.mutants.scope import DESELECTED, ROOT, covering, modules, wider

LEFT_OUT = (".*", "dist", "build", "requirements", "*.egg-info")
"""What no test of a mutant reads, of the top folder."""
SHORTEST_S = 60.0
"""A mutant's tests may take as long as all tests take without it, and at least so long (seconds)."""
WIDER_WITHIN_S = 1800.0
"""The same for all tests near a module: one that takes longer has hung (seconds)."""
EXPLAINED = ROOT / "tests" / "mutants" / "explained.txt"


@dataclass
class Report:
    """The results of the mutants of one seed."""

    seed: int
    killed: list[dict[str, Any]] = field(default_factory=list)
    explained: list[dict[str, Any]] = field(default_factory=list)
    survived: list[dict[str, Any]] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Return their number."""
        return len(self.killed) + len(self.explained) + len(self.survived)


def drawn(seed: int, count: int, paths: Iterable[str] | None = None) -> list[Mutant]:
    """So many mutants of these modules (of all, unless given), each of another line; every line has the same chance.

    Their order depends on the seed and the sources alone: a smaller count draws the first of a larger one.
    """
    lines: dict[tuple[str, int], list[Mutant]] = {}
    sources = {path: (ROOT / path).read_text(encoding="utf-8") for path in paths or modules()}
    for path, source in sources.items():
        for mutant in operators.mutants(path, source):
            lines.setdefault((path, mutant.line), []).append(mutant)
    rng, chosen = random.Random(seed), list[Mutant]()
    for path, line in rng.sample(sorted(lines), len(lines)):
        if len(chosen) == count:
            break
        found = rng.sample(lines[path, line], len(lines[path, line]))
        chosen += [mutant for mutant in found if differs(mutant, sources[path])][:1]
    return chosen


def explained() -> dict[tuple[str, str], str]:
    """The reasons of mutants that may survive, by file and mutated line: a row each, parted by tabs."""
    rows = [row for row in EXPLAINED.read_text(encoding="utf-8").splitlines() if row and not row.startswith("#")]
    return {(path, text): reason for path, text, reason in (row.split("\t") for row in rows)}


def judge(chosen: Iterable[Mutant], seed: int, workers: int = 2) -> Report:
    """Run the tests of each mutant. Raises RuntimeError where tests fail without one."""
    report, jobs, lock, reasons = Report(seed), Queue[Mutant](), threading.Lock(), explained()
    errors: list[BaseException] = []
    mutants = list(chosen)
    tests = sorted({test for mutant in mutants for test in (*covering(mutant.path), *wider(mutant.path))})
    for mutant in mutants:
        jobs.put(mutant)

    def work() -> None:
        try:
            with Worker() as worker:
                worker.pass_without(tests)
                while not errors:
                    mutant = jobs.get_nowait()
                    row = worker.tried(mutant)
                    place = report.survived
                    if row.pop("killed"):
                        place = report.killed
                    elif (mutant.path, row["text"]) in reasons:
                        place = report.explained
                    with lock:
                        place.append(row)
                        word = next(name for name, rows in vars(report).items() if rows is place)
                        sys.stderr.write(f"{word:9} {row['took_s']:5} s {described(row)}: {row['text']}\n")
        except Empty:
            pass
        except BaseException as error:
            errors.append(error)
            raise

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise RuntimeError(str(errors[0]))
    return report


class Worker:
    """A process in a copy of the checkout (``worker``), and how long each set of tests takes there."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="mutants-")
        self.root = Path(self._folder.name)
        self._within_s = SHORTEST_S

    def __enter__(self) -> Self:
        ignored = shutil.ignore_patterns("__pycache__", "node_modules", *LEFT_OUT)
        shutil.copytree(ROOT, self.root, ignore=ignored, dirs_exist_ok=True)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.mutants.worker"],
            cwd=self.root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        self._folder.cleanup()

    def tried(self, mutant: Mutant) -> dict[str, Any]:
        """The result of one mutant."""
        source = (self.root / mutant.path).read_text(encoding="utf-8")
        answer = self._ask(mutant.path, mutant.applied(source), covering(mutant.path), self._within_s)
        if not answer["killed"]:
            first_s = answer["took_s"]
            answer = self._ask(mutant.path, mutant.applied(source), wider(mutant.path), WIDER_WITHIN_S)
            answer["took_s"] = round(first_s + answer["took_s"], 2)
        before = source.splitlines()[mutant.line - 1].strip()
        return {**asdict(mutant), "text": mutant.text(source), "before": before, **answer}

    def pass_without(self, tests: Sequence[str]) -> None:
        """Run the tests without a mutant, which compiles them, too. Raises RuntimeError where they fail."""
        answer = self._ask(None, "", tests, 1800.0)
        if answer["killed"]:
            raise RuntimeError(f"tests fail without a mutant: {answer['output']}")
        self._within_s = max(SHORTEST_S, answer["took_s"])

    def _ask(self, path: str | None, source: str, tests: Sequence[str], within_s: float) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        job = {
            "path": path,
            "source": source,
            "tests": [*tests, *(f"--deselect={test}" for test in DESELECTED)],
            "within_s": within_s,
        }
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


def described(row: Mapping[str, Any]) -> str:
    """The place and the kind of a mutant."""
    return f"{row['path']}:{row['line']}: {row['what']}"


def main() -> None:
    """Print the figures, and the survivors."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants.run")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--skip", type=int, default=0, help="how many of the seed's first mutants are left out")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--path", action="append", help="a module of which mutants are drawn, and of no others")
    parser.add_argument("--only", type=Path, help="a report whose survivors are tried again")
    parser.add_argument("--report", type=Path, help="where the survivors are written")
    given = parser.parse_args()
    if given.only:
        names = Mutant.__slots__
        chosen = [Mutant(**{name: row[name] for name in names}) for row in json.loads(given.only.read_text())]
    else:
        chosen = drawn(given.seed, given.skip + given.count, given.path)[given.skip :]
    report = judge(chosen, given.seed, given.workers)
    reported = (
        f"seed {given.seed}: {report.count} mutants, {len(report.killed)} killed, {len(report.explained)} explained"
    )
    lines = [f"survived {described(row)}\n    {row['before']}\n    {row['text']}" for row in report.survived]
    sys.stdout.write("\n".join([reported, *lines, ""]))
    if given.report:
        given.report.write_text(json.dumps(report.survived, indent=1))


if __name__ == "__main__":
    main()
