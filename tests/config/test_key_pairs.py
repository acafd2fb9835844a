"""An access key id and a secret key in place of an API key: which forms are accepted, and what turns a vendor off."""

from pathlib import Path

import pytest

from config.lint.key_pairs import PAIR
from config.loader.load import ConfigError, LoadedConfig, load
from tests.config.config_file import diagnostics, loaded

PLAIN = "vendors:\n  doubao: {access_key_id: '${AK}', secret_key: '${SK}'%s}\n"
BOTH = {"AK": "AKLTxxxxxxxx0001", "SK": "c2VjcmV0LWtleS0wMDAwMDAx"}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def pair_of(found: LoadedConfig) -> tuple[str, list[str]]:
    entry = found.settings.vendors["doubao"]
    return entry.key_id(), [key.get_secret_value() for key in entry.keys()]  # noqa: SIM118 - no mapping


def test_a_pair_takes_the_place_of_an_api_key() -> None:
    found = loaded(PLAIN % "", BOTH)
    assert pair_of(found) == (BOTH["AK"], [BOTH["SK"]])
    assert found.warnings == []


def test_a_pair_may_come_from_files(tmp_path: Path) -> None:
    (tmp_path / "ak").write_text(BOTH["AK"])
    (tmp_path / "sk").write_text(BOTH["SK"] + "\n")
    text = "vendors:\n  doubao: {access_key_id: 'file:./ak', secret_key: 'file:./sk'}\n"
    assert pair_of(loaded(text)) == (BOTH["AK"], [BOTH["SK"]])


def test_without_a_file_a_pair_is_never_read_because_it_opens_more_than_models() -> None:
    pair = {"VOLC_ACCESSKEY": BOTH["AK"], "VOLC_SECRETKEY": BOTH["SK"]}
    with pytest.raises(ConfigError):
        load(None, pair)
    assert pair_of(load(None, {"ARK_API_KEY": "k", **pair})) == ("", ["k"])


def test_a_variable_with_an_api_key_replaces_the_pair_of_the_file() -> None:
    found = loaded(PLAIN % "", {**BOTH, "BANJIA_VENDORS__DOUBAO__API_KEY": "k"})
    assert pair_of(found) == ("", ["k"])


@pytest.mark.parametrize(
    ("text", "environ", "said"),
    [
        (PLAIN % "", {"AK": "a"}, "SK is not set"),
        (PLAIN % "", {}, "AK and SK are not set"),
        ("vendors:\n  doubao: {access_key_id: '${AK}'}\n", {"AK": "a"}, "secret_key is missing"),
        ("vendors:\n  doubao: {secret_key: '${SK}'}\n", {"SK": "a"}, "access_key_id is missing"),
    ],
)
def test_half_a_pair_turns_the_vendor_off_and_the_reason_is_said(text: str, environ: dict[str, str], said: str) -> None:
    kimi = text.replace("vendors:\n", "vendors:\n  kimi: {api_key: '${K}'}\n")
    [warning] = loaded(kimi, {**environ, "K": "k"}).warnings
    assert f"{said}: doubao is off" in str(warning)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (PLAIN.replace("doubao", "kimi") % "", "vendors.kimi.access_key_id: Kimi takes an API key, not access_key_id; expected api_key"),
        (PLAIN % ", api_key: k", "both an API key and access_key_id with secret_key are set; expected one of them"),
        (PLAIN % ", region: intl", "the host that issues temporary keys in the region intl is not known"),
        ("vendors:\n  doubao: {api_key: '${AK}', project: chat}\n", "project has an effect only with access_key_id and secret_key"),
        ("vendors:\n  doubao: {api_key: '${AK}', token_url: 'http://x'}\n", "token_url has an effect only with access_key_id and secret_key"),
    ],
)  # fmt: skip
def test_what_contradicts_a_pair_is_an_error(text: str, said: str) -> None:
    assert any(said in found for found in diagnostics(text, BOTH)), diagnostics(text, BOTH)


def test_a_region_without_a_known_issuer_is_fine_with_its_url() -> None:
    found = loaded(PLAIN % ", region: intl, token_url: 'https://ark.example'", BOTH)
    assert found.settings.vendors["doubao"].token_url == "https://ark.example"


def test_a_pair_in_the_file_itself_is_a_warning_with_the_vendors_variables() -> None:
    text = "vendors:\n  doubao: {access_key_id: AKLTYWViMTVmZGYzM2E0, secret_key: WkRZeE1EQmxPVGhsWWpWak5HVmtNbUUx}\n"
    said = [str(warning) for warning in loaded(text).warnings]
    assert len(said) == len(PAIR)
    assert all("the file contains a secret" in warning for warning in said)
    assert all(
        variable in warning for variable, warning in zip(("VOLC_ACCESSKEY", "VOLC_SECRETKEY"), said, strict=True)
    )
    assert "WkRZeE1E" not in "".join(said)


def test_a_pair_is_masked_in_every_form_of_the_settings() -> None:
    settings = loaded(PLAIN % "", BOTH).settings
    for shown in (repr(settings), settings.model_dump_json()):
        assert BOTH["SK"] not in shown
        assert BOTH["AK"] not in shown
