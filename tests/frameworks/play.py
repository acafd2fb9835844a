"""Plays the parts of an application in the environment of its framework: ``play.py APPLICATION [PART TO LEAVE OUT…]``.

Prints a line of JSON for every part that was played: its name, and the error or null.
"""

import importlib
import inspect
import json
import sys
import traceback
import warnings
from pathlib import Path


def main(name: str, without: list[str]) -> None:
    """Play the parts of this application: its public functions without parameters whose answer is None."""
    warnings.simplefilter("ignore")
    sys.path.insert(0, str(Path(__file__).parent / "apps"))
    app = importlib.import_module(name)
    for part in vars(app).values():
        if not inspect.isfunction(part) or part.__module__ != name or inspect.signature(part).parameters:
            continue
        if part.__name__ in without:
            continue
        try:
            part()
            error = None
        except Exception:
            error = traceback.format_exc()[-2000:]
        sys.stdout.write(json.dumps({"part": part.__name__, "error": error}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
