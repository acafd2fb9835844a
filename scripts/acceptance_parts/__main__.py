"""The command behind ``scripts/acceptance``."""

import argparse
import os
import pkgutil
import sys
from importlib import import_module

from scripts import acceptance_parts
from scripts.acceptance_parts import NotRun, Result

NAMES = sorted(found.name for found in pkgutil.iter_modules(acceptance_parts.__path__) if found.name != "__main__")


def described(name: str) -> str:
    """Return the first line of a part's docstring."""
    return str(import_module(f"{acceptance_parts.__name__}.{name}").__doc__).partition("\n")[0]


def row(name: str, result: Result) -> str:
    """Return the table row of a part."""
    figures = "; ".join(f"{what}: {value}" for what, value in result.figures.items())
    return f"| {name} | {figures} | {len(result.violations) or 'none'} |"


def main() -> int:
    """Run the parts. Returns the exit code: 1 for a violation, or, with ``CI=true``, for a part that could not run."""
    parser = argparse.ArgumentParser(prog="scripts/acceptance", description="Judge the full figures of each part.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(NAMES)}")
    parser.add_argument("--list", action="store_true", help="print the parts, one line each")
    parser.add_argument("--smoke", action="store_true", help="tiny counts; waits are measured but not judged")
    given = parser.parse_args()
    if unknown := sorted(set(given.names) - set(NAMES)):
        parser.error(f"unknown part: {', '.join(unknown)} (known: {', '.join(NAMES)})")
    if given.list:
        print("\n".join(f"{name:10} {described(name)}" for name in NAMES))
        return 0
    failed = []
    print("| part | figures | violations |\n|---|---|---|", flush=True)
    for name in given.names or NAMES:
        try:
            result = import_module(f"{acceptance_parts.__name__}.{name}").run(given.smoke)
        except NotRun as why:
            print(f"NOT RUN: {name}: {why}", file=sys.stderr, flush=True)
            failed += [name] if os.environ.get("CI") == "true" else []
            continue
        print(row(name, result), flush=True)
        for violation in result.violations:
            print(f"{name}: {violation}", file=sys.stderr, flush=True)
        failed += [name] if result.violations else []
    if failed:
        print(f"acceptance: failed: {' '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
