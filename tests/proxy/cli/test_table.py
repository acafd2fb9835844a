"""Every command with valid and invalid input in several widths, languages, terminals and pipes.

A sample; ``scripts/acceptance`` runs all combinations.
"""

import random
from pathlib import Path

import pytest
from click.testing import CliRunner

from proxy.cli import main
from tests.proxy.cli.table import CASES, Case, Ended, Setting, environment, lay, run, settings, violations

PROCESSES = 16
"""How many commands are run as processes here; ``scripts/acceptance commands`` runs each in every setting."""


def drawn() -> list[tuple[Case, Setting]]:
    """Cases and settings: each setting's sink, width and language meets right and wrong input."""
    draw = random.Random(7)
    every = [one for one in settings() if one.sink != "read"]
    picked = draw.sample(every, PROCESSES)
    cases = draw.sample([case for case in CASES if case.prints], PROCESSES // 2)
    cases += draw.sample([case for case in CASES if not case.prints], PROCESSES - len(cases))
    return list(zip(cases, picked, strict=True))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    lay(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_command_holds_in_every_width_and_language(case: Case, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for setting in (Setting(60, language="zh"), Setting(200, colour=False)):
        with monkeypatch.context() as patched:
            for name in ("NO_COLOR", "COLUMNS"):
                patched.delenv(name, raising=False)
            ended = CliRunner().invoke(main, list(case.args), env=environment(setting), catch_exceptions=False)
        found += violations(case, setting, Ended(ended.exit_code, ended.stdout, ended.stderr))
    assert found == []


@pytest.mark.parametrize(("case", "setting"), drawn(), ids=str)
def test_a_command_holds_in_terminals_and_pipes(case: Case, setting: Setting, folder: Path) -> None:
    assert violations(case, setting, run(case, setting, folder)) == []


def test_every_command_is_in_the_table_with_right_and_wrong_input() -> None:
    tried = {case.args[0] for case in CASES if case.prints}, {case.args[0] for case in CASES if case.code}
    assert set(main.commands) - tried[0] == {"healthcheck"}, (
        "it prints where a server runs: tests/proxy/lifecycle/test_processes.py"
    )
    assert set(main.commands) - tried[1] == {"version", "schema", "doctor"}, "they take nothing that could be wrong"


def test_what_is_drawn_meets_each_width_language_and_sink() -> None:
    settings_drawn = [setting for _, setting in drawn()]
    for part in ("width", "sink", "language", "colour"):
        assert {getattr(one, part) for one in settings_drawn} >= {getattr(one, part) for one in settings()} - {"read"}
