"""``python -m scripts.names``: names that must not come back, classes that share a name, folders with too many entries.

A part of ``scripts/check``. It reads what is defined in the packages: modules, classes, functions and attributes.
"""

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PACKAGES = ("adapters", "config", "proxy", "emulators")

OLD_MODULES = frozenset(
    [
        "around",
        "changes",
        "chinese",
        "compact",
        "complaints",
        "completions",
        "course",
        "descriptors",
        "document",
        "door",
        "drain",
        "drive",
        "emulated",
        "families",
        "farewell",
        "findings",
        "fronts",
        "heart",
        "kit",
        "mend",
        "mind",
        "nouns",
        "order",
        "overlay",
        "paced",
        "patience",
        "phrasebook",
        "place",
        "retired",
        "shapes",
        "split",
        "stages",
        "surface",
        "tally",
        "tree",
        "watch",
        "watching",
        "way",
        "wording",
    ]
) - {"completions"}
OLD_CLASSES = frozenset(
    [
        "Account",
        "Answer",
        "Around",
        "Arrived",
        "Ask",
        "BadAnswer",
        "Budget",
        "Complaint",
        "Connection",
        "Counts",
        "Course",
        "Deaf",
        "Dial",
        "Door",
        "Doors",
        "Draft",
        "Drive",
        "Ease",
        "Ending",
        "Fading",
        "Farewell",
        "Findings",
        "Found",
        "Front",
        "Growing",
        "Heart",
        "Held",
        "Kit",
        "Line",
        "Listed",
        "Live",
        "LoopWatch",
        "Mind",
        "NamedFront",
        "NoSocks",
        "OneProxy",
        "Orders",
        "Overlay",
        "OwnRow",
        "PacedDrive",
        "PacedLine",
        "Parting",
        "Patience",
        "Place",
        "Placed",
        "Pressure",
        "Refusal",
        "Relay",
        "Reloaded",
        "Rest",
        "Reworded",
        "Row",
        "Rule",
        "Scene",
        "Seed",
        "Shown",
        "Spare",
        "Split",
        "Standing",
        "StandIns",
        "Tally",
        "Told",
        "Trouble",
        "Turn",
        "Watch",
        "Way",
        "Wire",
        "Wishes",
        "Word",
    ]
)
OLD_FUNCTIONS = frozenset(
    [
        "account_of",
        "again",
        "answering",
        "beat",
        "but",
        "complaint",
        "complaints_of",
        "dial",
        "door",
        "fate",
        "goes_on",
        "heard",
        "in_turn",
        "judge",
        "make_up",
        "mend",
        "named",
        "of_functions",
        "rest_key",
        "resting",
        "rung",
        "saw",
        "settle_thinking",
        "shows",
        "tell",
        "told",
        "turn",
        "turn_away",
        "unseen",
        "way_of",
        "wish",
    ]
)
OLD_ATTRIBUTES = frozenset(
    [
        "again",
        "complaint",
        "complaints",
        "dial",
        "fate",
        "gone",
        "heard_at",
        "kit",
        "make_up",
        "meant",
        "overlay",
        "patience",
        "rests_until",
        "reworded",
        "shown",
        "tally",
        "told",
        "troubled",
        "under_way",
        "way",
    ]
)
"""The names of before: metaphors, words with several meanings, coined words. None may be defined again."""

ALLOWED: Mapping[str, str] = {
    "emulators: Refusal": "an error of an emulated vendor, raised; the package shares nothing with the others",
}
"""Old names that are in use with another, standard meaning, and why."""

DEFINED_TWICE: Mapping[str, str] = {}
"""Public classes of one name in several modules, and why."""

MAX_ENTRIES = 16
MANY_ENTRIES = {
    "adapters/vendors": "a file for each vendor",
    "config/catalog/data": "a file for each vendor",
    "proxy": "its rooms, and what is read first",
    "proxy/openai_api": "a file or folder for each family of the API",
}
"""Folders that may have more entries, and why."""


class Definition(NamedTuple):
    """A name that is defined: its kind, where, and whether it is public."""

    kind: str
    name: str
    path: str
    line: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.kind} {self.name}"


def definitions(root: Path = ROOT) -> Iterator[Definition]:
    """Yield every module, class, function and attribute that the packages define."""
    for package in PACKAGES:
        for file in sorted((root / package).rglob("*.py")):
            path = file.relative_to(root).as_posix()
            module = file.parent.name if file.name == "__init__.py" else file.stem
            yield Definition("module", module, path, 1)
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                for kind, name in _defined(node):
                    yield Definition(kind, name, path, node.lineno)  # type: ignore[attr-defined]


def _defined(node: ast.AST) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.ClassDef):
        yield "class", node.name
        for member in node.body:
            targets = member.targets if isinstance(member, ast.Assign) else [getattr(member, "target", None)]
            yield from (("attribute", target.id) for target in targets if isinstance(target, ast.Name))
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield "function", node.name
    elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
        yield "attribute", node.attr


def old_names(found: list[Definition]) -> list[str]:
    """List the definitions that have a name of before."""
    old = {"module": OLD_MODULES, "class": OLD_CLASSES, "function": OLD_FUNCTIONS, "attribute": OLD_ATTRIBUTES}
    return [
        f"{one}: an old name; use the standard term"
        for one in found
        if one.name.lstrip("_") in old[one.kind] and f"{one.path.partition('/')[0]}: {one.name}" not in ALLOWED
    ]


def defined_twice(found: list[Definition]) -> list[str]:
    """List public classes of adapters, config and proxy that share their name with another one."""
    places: defaultdict[str, list[Definition]] = defaultdict(list)
    for one in found:
        if one.kind == "class" and not one.name.startswith("_") and not one.path.startswith("emulators/"):
            places[one.name].append(one)
    return [
        f"{ones[1]}: {ones[0].path} has a class of this name, too"
        for name, ones in places.items()
        if len(ones) > 1 and name not in DEFINED_TWICE
    ]


def crowded_folders(root: Path = ROOT) -> list[str]:
    """List the folders of the packages and tests with more entries than a reader takes in."""
    wrong = []
    for top in (*PACKAGES, "tests"):
        for folder in [root / top, *(path for path in sorted((root / top).rglob("*")) if path.is_dir())]:
            path = folder.relative_to(root).as_posix()
            code = [one for one in folder.iterdir() if one.suffix == ".py" or (one.is_dir() and any(one.rglob("*.py")))]
            code = [one for one in code if one.name not in ("__pycache__", "__init__.py")]
            if len(code) > MAX_ENTRIES and path not in MANY_ENTRIES:
                wrong.append(f"{path}: {len(code)} entries, at most {MAX_ENTRIES}")
    return wrong


def problems(root: Path = ROOT) -> list[str]:
    """List everything that is wrong with the names of the packages."""
    found = list(definitions(root))
    return [*old_names(found), *defined_twice(found), *crowded_folders(root)]


if __name__ == "__main__":
    wrong = problems()
    print("\n".join(wrong), end="\n" if wrong else "")
    sys.exit(bool(wrong))
