"""A key under its former name is read as the new one, with a warning that names it."""

from pathlib import Path

import pytest

from config.loader.load import ConfigError
from config.loader.renamed_keys import RENAMED
from config.loader.schema_walk import at, fields
from config.schema import Settings
from tests.config.config_file import VENDOR, loaded

VARIABLE = "BANJIA_BREAKER__REST_S"
NEW_VARIABLE = "BANJIA_BREAKER__COOLDOWN_S"
IN_FILE = "banjia.yaml:3:12: breaker.rest_s: rest_s was renamed to cooldown_s; expected cooldown_s"
IN_ENVIRONMENT = f"environment: {VARIABLE} (breaker.rest_s): rest_s was renamed to cooldown_s; expected {NEW_VARIABLE}"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def cooldown_and_warnings(text: str, environ: dict[str, str] | None = None) -> tuple[float, list[str]]:
    """The length of the first cooldown, and the warnings."""
    found = loaded(VENDOR + text, environ or {})
    return found.settings.breaker.cooldown_s, [str(warning) for warning in found.warnings]


def wrong(text: str, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as error:
        loaded(VENDOR + text, environ or {})
    return [str(diagnostic) for diagnostic in error.value.diagnostics]


def test_every_new_name_is_a_key_and_no_old_name_is() -> None:
    for section, old, new in RENAMED:
        assert section in Settings.model_fields
        assert new in fields(at([section]))
        assert old not in fields(at([section]))


def test_the_new_name_has_no_warning() -> None:
    assert cooldown_and_warnings("breaker: { cooldown_s: 7 }\n") == (7, [])
    assert cooldown_and_warnings("", {NEW_VARIABLE: "7"}) == (7, [])


def test_the_old_name_is_read_with_a_warning_at_its_place() -> None:
    assert cooldown_and_warnings("breaker: { rest_s: 7 }\n") == (7, [IN_FILE])


def test_the_old_variable_is_read_with_a_warning_that_names_the_new_one() -> None:
    assert cooldown_and_warnings("", {VARIABLE: "7"}) == (7, [IN_ENVIRONMENT])
    assert cooldown_and_warnings("", {"BANJIA_BREAKER": '{"rest_s": 7}'}) == (
        7,
        ["environment: BANJIA_BREAKER (breaker.rest_s): rest_s was renamed to cooldown_s; expected cooldown_s"],
    )
    assert cooldown_and_warnings("", {VARIABLE: ""}) == (30, [])


def test_a_value_of_the_environment_wins_under_either_name() -> None:
    assert cooldown_and_warnings("breaker: { cooldown_s: 7 }\n", {VARIABLE: "8"}) == (8, [IN_ENVIRONMENT])
    assert cooldown_and_warnings("breaker: { rest_s: 7 }\n", {NEW_VARIABLE: "8"}) == (8, [IN_FILE])
    assert cooldown_and_warnings("breaker: { rest_s: 7 }\n", {VARIABLE: "8"}) == (8, [IN_FILE, IN_ENVIRONMENT])


def test_both_names_at_once_are_an_error() -> None:
    both = "both cooldown_s and its old name rest_s are set; expected cooldown_s"
    assert wrong("breaker: { rest_s: 7, cooldown_s: 7 }\n") == [f"banjia.yaml:3:12: breaker.rest_s: {both}"]
    assert wrong("", {VARIABLE: "7", NEW_VARIABLE: "7"}) == [f"environment: {VARIABLE} (breaker.rest_s): {both}"]


def test_a_wrong_value_under_the_old_name_is_an_error_at_its_place() -> None:
    assert wrong("breaker: { rest_s: soon }\n") == [
        "banjia.yaml:3:20: breaker.cooldown_s: got text 'soon'; expected a number"
    ]
    assert wrong("breaker: [rest_s]\n") != []
    assert wrong("", {f"{VARIABLE}__X": "1"})[0].startswith(f"environment: {VARIABLE}__X: unknown variable")
    assert wrong("", {"BANJIA_POLICY__REST_S": "1"})[0].startswith("environment: BANJIA_POLICY__REST_S: unknown")
