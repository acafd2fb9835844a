"""Runs the parts of an application in its own environment: ``play.py PROGRAM``, the path of a Python file.

Its parts are its public functions without parameters. For each one it prints a line of JSON: the name, the error or
null, and the duration in seconds; the next part runs when a line arrives on standard input.
"""

import importlib.util
import inspect
import json
import sys
import time
import traceback
import warnings
from pathlib import Path


def main(path: Path) -> None:
    """Play the parts of the program at this path, in the order of the file."""
    warnings.simplefilter("ignore")
    sys.path[0] = str(path.parent)
    found = importlib.util.spec_from_file_location(path.stem, path)
    assert found is not None
    assert found.loader is not None
    program = importlib.util.module_from_spec(found)
    found.loader.exec_module(program)
    for part in list(vars(program).values()):
        if not inspect.isfunction(part) or part.__module__ != path.stem or part.__name__.startswith("_"):
            continue
        if inspect.signature(part).parameters:
            continue
        begun = time.perf_counter()
        try:
            part()
            error = None
        except Exception:
            error = traceback.format_exc()[-7000:]
        seconds = round(time.perf_counter() - begun, 3)
        # An application may have printed half a line.
        sys.stdout.write("\n" + json.dumps({"part": part.__name__, "error": error, "seconds": seconds}) + "\n")
        sys.stdout.flush()
        sys.stdin.readline()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
