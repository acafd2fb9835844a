"""Which version runs."""

import tomllib
from functools import cache
from importlib import metadata
from pathlib import Path


@cache
def version() -> str:
    """As installed, else as the checkout says."""
    return _installed() or _checkout()


def told() -> str:
    """The same for a reader: a checkout of which nothing is installed says so."""
    return _installed() or f"{_checkout()} (from a checkout)"


def _installed() -> str | None:
    try:
        return metadata.version("banjia")
    except metadata.PackageNotFoundError:
        return None


def _checkout() -> str:
    project = Path(__file__).parents[1] / "pyproject.toml"
    return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])
