"""``scripts/names.py`` finds an old name, a class that is defined twice and a folder with too many entries."""

from pathlib import Path

import pytest

from scripts.names import MAX_ENTRIES, PACKAGES, problems


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for package in (*PACKAGES, "tests"):
        (tmp_path / package).mkdir()
    return tmp_path


def write(tree: Path, path: str, text: str) -> None:
    file = tree / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_standard_names_are_no_problem(tree: Path) -> None:
    write(
        tree,
        "proxy/pipeline.py",
        "class Failover:\n    retries: int = 0\n\n    def wait(self):\n        self.slot = 1\n",
    )
    assert problems(tree) == []


@pytest.mark.parametrize(
    ("path", "text", "found"),
    [
        ("proxy/door.py", "", "proxy/door.py:1: module door"),
        ("proxy/kit/__init__.py", "", "proxy/kit/__init__.py:1: module kit"),
        ("adapters/x.py", "class Dial:\n    pass\n", "adapters/x.py:1: class Dial"),
        ("config/x.py", "class A:\n    def tell(self):\n        pass\n", "config/x.py:2: function tell"),
        ("proxy/x.py", "class A:\n    told: int\n", "proxy/x.py:1: attribute told"),
        ("proxy/x.py", "def f(a):\n    a._tally = 1\n", "proxy/x.py:2: attribute _tally"),
        ("emulators/x.py", "async def wish():\n    pass\n", "emulators/x.py:1: function wish"),
    ],
)
def test_an_old_name_is_found_wherever_it_is_defined(tree: Path, path: str, text: str, found: str) -> None:
    write(tree, path, text)
    assert problems(tree) == [f"{found}: an old name; use the standard term"]


def test_a_public_class_that_is_defined_twice_is_found_and_a_private_one_is_not(tree: Path) -> None:
    for path in ("adapters/a.py", "proxy/b.py"):
        write(tree, path, "class Limits:\n    pass\n\n\nclass _Own:\n    pass\n")
    assert problems(tree) == ["proxy/b.py:1: class Limits: adapters/a.py has a class of this name, too"]


def test_a_folder_with_too_many_entries_is_found(tree: Path) -> None:
    for number in range(MAX_ENTRIES + 1):
        write(tree, f"config/loader/m{number}.py", "")
    assert problems(tree) == [f"config/loader: {MAX_ENTRIES + 1} entries, at most {MAX_ENTRIES}"]
