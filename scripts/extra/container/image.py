"""``image.py IMAGE.json``: checks an image's configuration against the documentation. Exit code 1 if it differs."""

import json
import sys
import tomllib
from pathlib import Path
from typing import Any

TOP = Path(__file__).parents[3]


def wanted() -> dict[str, Any]:
    """The required values of the image's configuration, by key."""
    project = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    labels = {"title": "banjia", "version": project["version"], "licenses": project["license"]}
    return {
        "User": "10001:10001",
        "StopSignal": "SIGTERM",
        "Entrypoint": ["banjia"],
        "Cmd": ["serve"],
        "ExposedPorts": {"8080/tcp": {}},
        "Healthcheck.Test": ["CMD", "banjia", "healthcheck"],
        **{f"Labels.org\0opencontainers\0image\0{name}": value for name, value in labels.items()},
        "Labels.org\0opencontainers\0image\0base\0name": "python:3.11-slim-bookworm",
    }


def at(configuration: dict[str, Any], key: str) -> Any:
    """Return the value at a path of keys; a dot inside a key is written as NUL."""
    value: Any = configuration
    for part in key.split("."):
        value = (value or {}).get(part.replace("\0", "."))
    return value


def main(path: str) -> int:
    """Return exit code 0, or print the differences and return 1."""
    configuration = json.loads(Path(path).read_text(encoding="utf-8"))["Docker"]["config"]
    wrong = {
        key.replace("\0", "."): at(configuration, key)
        for key, value in wanted().items()
        if at(configuration, key) != value
    }
    if "org.opencontainers.image.description" not in configuration["Labels"]:
        wrong["Labels"] = configuration["Labels"]
    for key, found in wrong.items():
        print(f"the image has {key}: {found}", file=sys.stderr)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
