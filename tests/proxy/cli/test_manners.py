"""Common behaviour of the commands: fast help with exit codes, and JSON for listings."""

import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from proxy.cli import main
from tests.proxy.cli.conftest import Run

HEAVY = (
    "starlette",
    "httpx2",
    "uvicorn",
    "uvloop",
    "pydantic",
    "orjson",
    "ruamel",
    "adapters.core.vendor",
    "config",
    "emulators",
)


@pytest.mark.parametrize("args", ["'--help'", "'routes', '--help'", "'doctor', '--help'"])
def test_help_comes_without_importing_what_it_does_not_need(args: str) -> None:
    code = (
        "import sys; from proxy.cli import main\n"
        f"try: main([{args}])\n"
        f"finally: print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize("name", ["routes", "vendors", "models"])
def test_listings_and_doctor_start_no_server(name: str) -> None:
    code = (
        "import sys; from proxy.cli import main\n"
        f"try: main([{name!r}])\n"
        "finally: print([name for name in ('starlette', 'httpx2', 'uvicorn') if name in sys.modules], file=sys.stderr)"
    )
    env = {"MOONSHOT_API_KEY": "sk-kimi-0000000000000001", "PATH": "/usr/bin"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env=env)
    assert done.returncode == 0, done.stderr
    assert done.stderr.strip() == "[]"


def test_the_help_of_every_command_has_its_purpose_and_its_exit_codes(banjia: Run) -> None:
    shown = banjia("--help").stdout
    assert "Examples:" in shown
    for name, command in main.commands.items():
        assert name in shown
        assert "Exit code" in banjia(name, "--help").stdout, name
        assert command.help, name


def test_the_version_is_shown_installed_or_not(banjia: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Path(__file__).parents[3] / "pyproject.toml"
    number = tomllib.loads(project.read_text())["project"]["version"]

    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", lambda name: "9.8.7")
    assert banjia("--version").stdout == "banjia 9.8.7\n"
    monkeypatch.setattr(metadata, "version", missing)
    assert banjia("--version").stdout == f"banjia {number} (from a checkout)\n"


def test_check_takes_its_file_by_place_and_by_option(banjia: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("vendors: {kimi: {api_key: '${KEY}'}}\n")
    for args in (["mine.yaml"], ["-c", "mine.yaml"], ["mine.yaml", "--config", "mine.yaml"]):
        assert banjia("check", *args, env={"KEY": "k"}).stdout == "mine.yaml: ok\n"
    two = banjia("check", "mine.yaml", "-c", "other.yaml", env={"KEY": "k"})
    assert two.exit_code == 2
    assert "mine.yaml and other.yaml" in two.stderr


@pytest.mark.parametrize("name", ["routes", "vendors", "models", "check", "explain", "doctor"])
def test_every_listing_has_json(name: str) -> None:
    assert any("--json" in parameter.opts for parameter in main.commands[name].params)
