"""On Windows every command prints one line with the alternative; help and version work."""

import pytest

from proxy.cli import common, main
from tests.proxy.cli.conftest import Run


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python names this platform Windows."""
    monkeypatch.setattr(common, "platform", lambda: "win32")


@pytest.mark.usefixtures("windows")
@pytest.mark.parametrize("name", sorted(set(main.commands) - {"help", "version"}))
def test_a_command_names_wsl_and_docker_in_one_line(name: str, banjia: Run) -> None:
    ended = banjia(name)
    assert ended.exit_code == 1
    assert ended.stderr == (
        "error: banjia does not run on Windows: use WSL or Docker (banjia help unsupported-platform)\n"
    )


@pytest.mark.usefixtures("windows")
@pytest.mark.parametrize(
    "args", [["--help"], ["serve", "--help"], ["--version"], ["version"], ["help"], ["help", "unsupported-platform"]]
)
def test_help_and_the_version_are_shown_everywhere(args: list[str], banjia: Run) -> None:
    ended = banjia(*args)
    assert ended.exit_code == 0
    assert ended.stdout
