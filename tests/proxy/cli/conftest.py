"""Fixtures for tests of the commands."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from proxy.cli import main

KIMI_KEY = "sk-kimi-0000000000000001"
QWEN_KEY = "sk-qwen-0000000000000002"
Run = Callable[..., Result]


@pytest.fixture
def banjia(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in an empty folder, with only the given environment."""
    for name in list(os.environ):
        if "API_KEY" in name or name.startswith("BANJIA_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)

    def run(*args: str, env: Mapping[str, str] = {}) -> Result:
        return CliRunner().invoke(main, args, env=env, catch_exceptions=False)

    return run


def data(result: Result) -> Any:
    """What a command printed as JSON."""
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)
