"""The dependencies are few, and locked by hash."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKED = sorted((ROOT / "requirements").rglob("*.txt"))


def pins(path: Path) -> dict[str, str]:
    """Package -> version of a compiled file."""
    found = re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", path.read_text(), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}


def direct() -> set[str]:
    """The packages that pyproject.toml names."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {canonicalize_name(Requirement(line).name) for line in project["dependencies"]}


@pytest.mark.parametrize("path", LOCKED, ids=lambda path: path.name)
def test_every_pin_has_hashes_and_names_no_index(path: Path) -> None:
    entries = re.split(r"\n(?=[A-Za-z0-9])", path.read_text())
    for entry in entries:
        assert re.match(r"[A-Za-z0-9._-]+(\[\w+\])?==\S+", entry), entry
        assert "--hash=sha256:" in entry, entry
    assert not re.search(r"://|--index|--extra-index|--find-links|--trusted-host| @ ", path.read_text())


def test_the_lock_is_of_the_dependencies_that_the_project_names() -> None:
    runtime = pins(ROOT / "requirements" / "runtime.txt")
    assert direct() <= runtime.keys()
    for line in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]:
        needed = Requirement(line)
        assert needed.specifier.contains(runtime[canonicalize_name(needed.name)]), line


def test_the_group_of_development_is_what_is_locked_for_it() -> None:
    lines = (ROOT / "requirements" / "dev.in").read_text().splitlines()
    locked_from = [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    assert groups.keys() == {"dev"}
    assert [Requirement(line) for line in groups["dev"]] == locked_from
    dev = pins(ROOT / "requirements" / "dev.txt")
    for needed in locked_from:
        assert needed.specifier.contains(dev[canonicalize_name(needed.name)]), needed


def test_uvicorn_is_held_to_one_minor_version() -> None:
    """Undocumented fields of it are used."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (uvicorn,) = (need for need in map(Requirement, project["dependencies"]) if need.name == "uvicorn")
    major, minor, _ = pins(ROOT / "requirements" / "runtime.txt")["uvicorn"].split(".")
    assert uvicorn.specifier == SpecifierSet(f">={major}.{minor},<{major}.{int(minor) + 1}")


def test_the_image_has_what_runs_and_the_extra_that_decodes_token_ids() -> None:
    (needed,) = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["tokens"]
    extra = Requirement(needed)
    image = pins(ROOT / "requirements" / "image.txt")
    assert extra.specifier.contains(image[canonicalize_name(extra.name)])
    assert image.pop(extra.name) == pins(ROOT / "requirements" / "dev.txt")[extra.name]
    assert image == pins(ROOT / "requirements" / "runtime.txt")


@pytest.mark.parametrize(
    "name", ["dev.txt", "openai-tests.txt", "openai-tests-3.txt", "sdk-0.28.txt", "sdk-1.35.txt", "sdk-2.txt"]
)
def test_tests_run_on_the_very_versions_that_are_shipped(name: str) -> None:
    tested = pins(ROOT / "requirements" / name)
    shipped = pins(ROOT / "requirements" / "runtime.txt")
    assert {package: tested.get(package) for package in shipped} == shipped


def test_at_most_sixteen_direct_dependencies_and_forty_in_all_run() -> None:
    assert len(direct()) <= 16
    assert len(pins(ROOT / "requirements" / "runtime.txt")) <= 40


def test_the_old_http_client_is_no_part_of_what_runs() -> None:
    """httpx and httpcore lose pool slots when calls are cancelled; their continuation httpx2 does not."""
    assert not {"httpx", "httpcore"} & pins(ROOT / "requirements" / "runtime.txt").keys()


def test_the_lock_of_the_client_for_node_has_hashes_and_names_no_host() -> None:
    folder = ROOT / "tests" / "clients" / "sdk_node"
    text = (folder / "package-lock.json").read_text()
    assert "://" not in text
    locked = json.loads(text)["packages"]
    assert locked.pop("")["dependencies"] == json.loads((folder / "package.json").read_text())["dependencies"]
    assert locked
    assert all(re.match(r"sha512-.+", package["integrity"]) for package in locked.values())


def test_there_is_one_kind_of_lock() -> None:
    assert not list(ROOT.glob("uv.lock")) + list(ROOT.glob("poetry.lock")) + list(ROOT.glob("Pipfile.lock"))


def test_the_image_has_all_that_the_runtime_has_in_the_same_versions() -> None:
    def pinned(name: str) -> set[str]:
        text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
        return set(re.findall(r"^[a-z0-9_.-]+==\S+", text, re.MULTILINE))

    assert pinned("image.txt") >= pinned("runtime.txt")
