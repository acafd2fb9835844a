"""Creates or updates a virtual environment: ``environment.py FOLDER REQUIREMENTS…``. Needs only the standard library.

``environment.py --current FOLDER REQUIREMENTS…`` only checks: exit code 0 if the environment is up to date.

An environment is kept while its Python and its requirement files are unchanged. Concurrent runs wait for one another.
Uses ``uv`` if it is installed, else pip.
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
"""The folder of the locks: outside the environments, which are recreated while their lock is held."""


class SetUpError(Exception):
    """The environment cannot be created; the message has the cure."""


def stamp(requirements: Path) -> str:
    """Return the hash that marks an environment with these requirements."""
    return hashlib.sha256(requirements.read_bytes()).hexdigest()


def mark(folder: Path, requirements: Path) -> Path:
    """Return the file that holds the stamp of these requirements."""
    return folder / f".installed-{requirements.stem}"


def is_current(folder: Path, requirements: Path) -> bool:
    """Return whether the environment has the current requirements of the file."""
    file = mark(folder, requirements)
    return file.is_file() and file.read_text() == stamp(requirements)


def runs(folder: Path) -> bool:
    """Return whether the environment's Python starts in this folder; a moved environment refers to its old folder."""
    python = folder / "bin" / "python"
    if not python.exists():
        return False
    answer = subprocess.run(
        [python, "-c", "import sys; print(sys.prefix)"], capture_output=True, text=True, check=False
    )
    return answer.returncode == 0 and Path(answer.stdout.strip()).resolve() == folder.resolve()


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the environment's lock. The system releases it when the process ends."""
    LOCKS.mkdir(exist_ok=True)
    with (LOCKS / f"{folder.name}.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            tell(f"waiting for another run that is setting up {folder.name}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def tell(line: str) -> None:
    """Print a line on standard error; standard output belongs to the command that follows."""
    print(f"set-up: {line}", file=sys.stderr, flush=True)


def make(folder: Path) -> None:
    """Create an empty environment and replace an existing one."""
    tell(f"making {folder.name} with Python {sys.version.split()[0]}")
    result = subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=False)
    if result.returncode:
        raise SetUpError(
            "this Python can't create virtual environments; on Debian and Ubuntu: apt-get install python3-venv"
        )


def installers(folder: Path, requirements: Sequence[Path]) -> Iterator[list[str]]:
    """Yield the commands that can install these files, in order of preference."""
    python = str(folder / "bin" / "python")
    files = [word for path in requirements for word in ("-r", str(path))]
    if uv := shutil.which("uv"):
        yield [uv, "pip", "install", "--quiet", "--python", python, "--require-hashes", *files]
    yield [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", *files]


def install(folder: Path, requirements: Sequence[Path]) -> None:
    """Install the files, with pip if uv fails: pip reads other settings and may reach an index that uv does not."""
    for command in installers(folder, requirements):
        tell(f"installing {', '.join(path.name for path in requirements)} with {Path(command[0]).name}")
        if subprocess.run(command, check=False).returncode == 0:
            return
    raise SetUpError("the packages could not be installed; the lines above say why")


def ensure(folder: Path, requirements: Sequence[Path]) -> None:
    """Make sure that the environment exists, runs, and has all requirements. Raises SetUpError."""
    with alone(folder):
        if not runs(folder):
            make(folder)
        missing = [path for path in requirements if not is_current(folder, path)]
        if missing:
            install(folder, missing)
        for path in missing:
            mark(folder, path).write_text(stamp(path))


def main(arguments: Sequence[str]) -> int:
    """Run the command. Returns exit code 0, or 1 with the reason on standard error."""
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
