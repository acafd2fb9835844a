"""The version of banjia that is running."""

import tomllib
from functools import cache
from importlib import metadata
from pathlib import Path


@cache
def version() -> str:
    """Return the installed version, else the one in the checkout's pyproject.toml."""
    return _installed() or _checkout()


def display_version() -> str:
    """Return the version for display; one read from a checkout is marked as such."""
    return _installed() or f"{_checkout()} (from a checkout)"


def _installed() -> str | None:
    try:
        return metadata.version("banjia")
    except metadata.PackageNotFoundError:
        return None


def _checkout() -> str:
    project = Path(__file__).parents[1] / "pyproject.toml"
    return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])
