"""The contents of the wheel, and that they work in site-packages."""

import json
import os
import re
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

from adapters.registry import BY_CATALOG

ROOT = Path(__file__).parents[2]
ELSEWHERE = """
import json, sys
import banjia
sys.path.insert(0, banjia.__path__[0])
import proxy
from config.catalog.models import load
from adapters.registry import BY_CATALOG
models = {name: len(load(name).models) for name, vendor in BY_CATALOG.items() if vendor.base_urls}
print(json.dumps({"proxy": proxy.__file__, "models": models}))
"""


@dataclass(frozen=True)
class Installed:
    """An environment with only banjia's wheel; the dependencies come from the test environment."""

    folder: Path
    site: Path
    before: frozenset[str]

    def run(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the environment, outside the checkout."""
        environment = variables | {
            key: value for key, value in os.environ.items() if not key.startswith(("BANJIA_", "PYTHON"))
        }
        name, *arguments = command
        return subprocess.run(
            [self.folder / "bin" / name, *arguments],
            cwd=self.folder, env=environment, capture_output=True, text=True, timeout=150, check=False,
        )  # fmt: skip


def pip(*arguments: str | Path) -> None:
    """Run pip without an index, and without the machine's settings."""
    command = [sys.executable, "-m", "pip", "--isolated", "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stderr


def empty(folder: Path) -> Installed:
    """An environment that sees the test environment's packages after its own."""
    venv.create(folder, with_pip=False, symlinks=True)
    [site] = folder.glob("lib/python*/site-packages")
    [here] = [path for path in sys.path if path.endswith("site-packages") and path.startswith(sys.prefix)]
    (site / "test-environment.pth").write_text(here)
    return Installed(folder, site, frozenset(path.name for path in site.iterdir()))


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    wheels = tmp_path_factory.mktemp("wheels")
    pip("wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", wheels, ".")
    made = empty(tmp_path_factory.mktemp("installed") / "env")
    [wheel] = wheels.glob("*.whl")
    pip("--python", made.folder / "bin" / "python", "install", "--no-deps", "--no-index", "--no-compile", wheel)
    return made


def test_only_banjia_reaches_site_packages(installed: Installed) -> None:
    added = {path.name for path in installed.site.iterdir()} - installed.before
    assert added - {name for name in added if name.endswith(".dist-info")} == {"banjia"}


def test_litellm_1_82_8_the_wheel_has_nothing_that_runs_by_itself(installed: Installed) -> None:
    """litellm 1.82.7 and 1.82.8 on PyPI brought a ``.pth`` file, which Python runs at each start (tests/gateway_failures)."""
    bad = re.compile(r"\.pth$|\.so$|\.exe$|sitecustomize|usercustomize")
    [record] = installed.site.glob("banjia-*.dist-info/RECORD")
    files = [line.partition(",")[0] for line in record.read_text(encoding="utf-8").splitlines()]
    assert [name for name in files if bad.search(name)] == []
    assert [name for name in files if not name.startswith(("banjia/", "banjia-"))] == ["../../../bin/banjia"]


def test_all_that_the_checkout_has_is_in_the_wheel_but_the_sources_of_the_catalogs(installed: Installed) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "adapters", "config", "emulators", "proxy"], cwd=ROOT, capture_output=True, text=True, check=False
    )  # fmt: skip
    files = listed.stdout.split() or [
        str(path.relative_to(ROOT))
        for folder in ("adapters", "config", "emulators", "proxy")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    ]
    sources = {name for name in files if name.startswith("config/catalog/data/") and name.endswith(".yaml")}
    sources |= {name for name in files if name.endswith(".po")}
    there = [name for name in files if (ROOT / name).exists() and name not in sources]
    catalog = "proxy/i18n/locale/zh/LC_MESSAGES/banjia.mo"
    assert {"config/banjia.schema.json", "config/catalog/data/catalogs.json", catalog} <= set(there)
    assert [name for name in there if not (installed.site / "banjia" / name).is_file()] == []
    assert sources
    assert list((installed.site / "banjia" / "config" / "catalog" / "data").iterdir()) == [
        installed.site / "banjia" / "config" / "catalog" / "data" / "catalogs.json"
    ]


@pytest.mark.parametrize("command", [("banjia", "--help"), ("python", "-m", "banjia", "--help")], ids=" ".join)
def test_the_command_runs_when_installed(installed: Installed, command: tuple[str, ...]) -> None:
    done = installed.run(*command)
    assert done.returncode == 0, done.stderr
    assert "healthcheck" in done.stdout


def test_the_installed_version_is_shown(installed: Installed) -> None:
    done = installed.run("banjia", "--version")
    assert (done.returncode, done.stdout) == (0, "banjia 0.1.0\n"), done.stderr


def test_catalogs_load_from_where_they_were_installed(installed: Installed) -> None:
    done = installed.run("python", "-c", ELSEWHERE)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert Path(found["proxy"]).is_relative_to(installed.site / "banjia")
    assert found["models"].keys() == {name for name, vendor in BY_CATALOG.items() if vendor.base_urls}
    assert all(count for name, count in found["models"].items() if not BY_CATALOG[name].preset)


def test_the_examples_that_ship_can_be_used_as_they_are(installed: Installed) -> None:
    example = installed.site / "banjia" / "config" / "examples" / "failover.yaml"
    done = installed.run("banjia", "check", str(example), KIMI_KEY_1="sk-one")
    assert done.returncode == 0, done.stderr


def test_an_editable_install_runs_the_checkout(tmp_path: Path) -> None:
    made = empty(tmp_path / "env")
    python = made.folder / "bin" / "python"
    pip("--python", python, "install", "--no-deps", "--no-index", "--no-build-isolation", "--editable", ROOT)
    assert made.run("banjia", "--help").returncode == 0
    found = made.run("python", "-c", "import proxy; print(proxy.__file__)")
    assert Path(found.stdout.strip()).is_relative_to(ROOT), found.stderr
