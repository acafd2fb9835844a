"""Makes or renews a virtual environment: ``environment.py FOLDER REQUIREMENTS…``; the standard library is all it needs.

``environment.py --current FOLDER REQUIREMENTS…`` only tells, by its exit code, whether there is anything to do.

An environment is left as it is while its Python and its requirement files are those that it was made from. Runs that
come together wait for one another. Uses ``uv`` where there is one and pip otherwise.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

LOCKS = Path(__file__).parents[2] / ".venvs"
"""Where the locks are: outside the environments, which are made anew while their lock is held."""


class SetUpError(Exception):
    """The environment cannot be made; the message says what to do."""


def stamp(requirements: Path) -> str:
    """What an environment that has these requirements is marked with."""
    return hashlib.sha256(requirements.read_bytes()).hexdigest()


def mark(folder: Path, requirements: Path) -> Path:
    """The file that holds the stamp of these requirements."""
    return folder / f".installed-{requirements.stem}"


def is_current(folder: Path, requirements: Path) -> bool:
    """Whether the environment has what the file says now."""
    there = mark(folder, requirements)
    return there.is_file() and there.read_text() == stamp(requirements)


def runs(folder: Path) -> bool:
    """Whether the environment's Python starts, and is in this folder: a moved one points at its old place."""
    python = folder / "bin" / "python"
    if not python.exists():
        return False
    answer = subprocess.run(
        [python, "-c", "import sys; print(sys.prefix)"], capture_output=True, text=True, check=False
    )
    return answer.returncode == 0 and Path(answer.stdout.strip()).resolve() == folder.resolve()


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the environment's lock. The system lets go of it however the holder ends."""
    LOCKS.mkdir(exist_ok=True)
    with (LOCKS / f"{folder.name}.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            tell(f"waiting for another run that is setting up {folder.name}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def tell(line: str) -> None:
    """A line on standard error: standard output belongs to the command that follows."""
    print(f"set-up: {line}", file=sys.stderr, flush=True)


def make(folder: Path) -> None:
    """An empty environment, in place of whatever is there."""
    tell(f"making {folder.name} with Python {sys.version.split()[0]}")
    done = subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=False)
    if done.returncode:
        raise SetUpError(
            "this Python makes no virtual environments; on Debian and Ubuntu: apt-get install python3-venv"
        )


def installers(folder: Path, requirements: Sequence[Path]) -> Iterator[list[str]]:
    """The commands that may install these files, best first."""
    python = str(folder / "bin" / "python")
    files = [word for path in requirements for word in ("-r", str(path))]
    if uv := shutil.which("uv"):
        yield [uv, "pip", "install", "--quiet", "--python", python, "--require-hashes", *files]
    yield [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", *files]


def install(folder: Path, requirements: Sequence[Path]) -> None:
    """Put them in. Where uv fails, pip is tried: it reads other settings and may reach an index that uv does not."""
    for command in installers(folder, requirements):
        tell(f"installing {', '.join(path.name for path in requirements)} with {Path(command[0]).name}")
        if subprocess.run(command, check=False).returncode == 0:
            return
    raise SetUpError("the packages could not be installed; the lines above say why")


def ensure(folder: Path, requirements: Sequence[Path]) -> None:
    """The environment is there, runs, and has all of them. Raises SetUpError."""
    with alone(folder):
        if not runs(folder):
            make(folder)
        missing = [path for path in requirements if not is_current(folder, path)]
        if missing:
            install(folder, missing)
        for path in missing:
            mark(folder, path).write_text(stamp(path))


def main(arguments: Sequence[str]) -> int:
    """Exit code 0, or 1 with the reason on standard error."""
    os.environ.pop("PYTHONHOME", None)
    if arguments[0] == "--current":
        folder, requirements = Path(arguments[1]), [Path(name) for name in arguments[2:]]
        return int(not (runs(folder) and all(is_current(folder, path) for path in requirements)))
    folder, requirements = Path(arguments[0]), [Path(name) for name in arguments[1:]]
    try:
        ensure(folder, requirements)
    except SetUpError as error:
        tell(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
