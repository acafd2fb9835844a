"""``measure.py ENVIRONMENT``: measures an installed banjia. Exit code 1 if a limit is exceeded.

Times are the best of several runs, because other processes slow the rest down.
"""

import subprocess
import sys
import time
from pathlib import Path

MOST_PACKAGES = 40
MOST_MB = 55.0
MOST_MS = 400.0
RUNS = 9


def size_mb(site: Path) -> float:
    """Return the size of the packages on disk, in MB, without bytecode."""
    files = (path for path in site.rglob("*") if path.is_file() and not path.is_symlink() and path.suffix != ".pyc")
    return sum(path.stat().st_size for path in files) / 1e6


def first_output_ms(command: Path) -> float:
    """Return the time from the start of ``banjia --help`` to its first bytes, in milliseconds."""
    started = time.perf_counter()
    with subprocess.Popen([command, "--help"], stdout=subprocess.PIPE, bufsize=0) as process:
        assert process.stdout
        first = process.stdout.read(1)
        took = (time.perf_counter() - started) * 1e3
        process.stdout.read()
    if process.returncode or not first:
        raise SystemExit(f"measure.py: banjia --help ended with {process.returncode}")
    return took


def main(environment: str) -> int:
    """Return exit code 0, or 1 if a figure exceeds its limit."""
    folder = Path(environment)
    [site] = folder.glob("lib/python*/site-packages")
    figures = {
        "packages, banjia among them": (len(list(site.glob("*.dist-info"))), MOST_PACKAGES),
        "MB without bytecode": (size_mb(site), MOST_MB),
        "ms to the first output of banjia --help": (
            min(first_output_ms(folder / "bin" / "banjia") for _ in range(RUNS)),
            MOST_MS,
        ),
    }
    for what, (found, most) in figures.items():
        print(f"measure.py: {found:.0f} {what} (at most {most:.0f})", file=sys.stderr)
    return int(any(found > most for found, most in figures.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
