"""``complete.py SBOM.json REQUIREMENTS…``: compares a bill of materials with the locked requirements.

It must list every package of the requirement files in the locked version, nothing beyond the first file, and a licence
of each. Exit code 1 if not.
"""

import collections
import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

TOP = Path(__file__).parents[3]


def canonical(name: str) -> str:
    """Return the normalized name of a package."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(path: Path) -> set[tuple[str, str]]:
    """Return the packages of a compiled requirement file, with their versions."""
    found = re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {(canonical(name), version) for name, version in found}


def licences(component: dict[str, Any]) -> list[str]:
    """Return the licences of a component, as SPDX ids or as text."""
    found = []
    for entry in component.get("licenses", ()):
        licence = entry.get("license", {})
        found.append(entry.get("expression") or licence.get("id") or licence.get("name") or "")
    return [text for text in found if text]


def mistakes(bill: dict[str, Any], requirements: list[Path]) -> list[str]:
    """Return the packages that are missing in the bill, or superfluous."""
    project = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    listed = {(canonical(part["name"]), part["version"]) for part in bill["components"]}
    found = [
        f"{name} {version} is locked and not listed" for path in requirements for name, version in locked(path) - listed
    ]
    found += [f"{name} {version} is listed and not locked" for name, version in listed - locked(requirements[0])]
    found += [f"{part['name']} has no licence" for part in bill["components"] if not licences(part)]
    itself = bill["metadata"]["component"]
    if (itself["name"], itself["version"], licences(itself)) != ("banjia", project["version"], [project["license"]]):
        found.append(f"the bill is of {itself['name']} {itself['version']}")
    return found


def main(file: str, *requirements: str) -> int:
    """Print a summary and return exit code 0, or print the errors and return 1."""
    bill = json.loads(Path(file).read_text(encoding="utf-8"))
    wrong = mistakes(bill, [Path(name) for name in requirements])
    for line in wrong:
        print(f"complete.py: {line}", file=sys.stderr)
    count = collections.Counter(text for part in bill["components"] for text in licences(part))
    print(f"complete.py: {len(bill['components'])} packages; licences: {dict(count.most_common())}", file=sys.stderr)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
