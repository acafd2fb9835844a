"""Variables and files in values."""

from pathlib import Path
from typing import Any

import pytest

from config.loader.interpolation import UnsetVariable, expand
from tests.config.config_file import VENDOR, diagnostics, loaded

ENVIRON = {"A": "a", "B": "b c", "EMPTY": "", "PORT": "9000", "DOLLAR": "${A}$$"}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, two_vendors: None) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("${A}", "a"),
        ("x${A}y${B}z", "xayb cz"),
        ("${EMPTY}", ""),
        ("${EMPTY:-d}", "d"),
        ("${NONE:-}", ""),
        ("${NONE:-a default}", "a default"),
        ("${A:-d}", "a"),
        ("${A:?needed}", "a"),
        ("${NONE:-${A}}", "a"),
        ("${NONE:-${NEITHER:-${B}}}", "b c"),
        ("${A:-${NONE}}", "a"),
        ("${A:-${NONE:?not asked for}}", "a"),
        ("$$", "$"),
        ("$${A}", "${A}"),
        ("$$$${A}", "$${A}"),
        ("pa$word", "pa$word"),
        ("cost: 5$", "cost: 5$"),
        ("a}b", "a}b"),
        ("${DOLLAR}", "${A}$$"),
    ],
)
def test_a_text_is_filled_in_once(text: str, value: Any) -> None:
    assert expand(text, ENVIRON)[0] == value


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [("${NONE}", "NONE", ""), ("${NONE:?get one}", "NONE", "get one"), ("${EMPTY:?}", "EMPTY", "it is required"), ("${NONE:-${NEITHER}}", "NEITHER", "")],
)  # fmt: skip
def test_an_unset_variable_is_named(text: str, name: str, message: str) -> None:
    with pytest.raises(UnsetVariable) as caught:
        expand(text, ENVIRON)
    assert (caught.value.name, caught.value.message) == (name, message)


@pytest.mark.parametrize("text", ["${", "${A", "${}", "${1A}", "${A-x}", "${A?x}", "${A:+x}", "${A:-x", "${ A }"])
def test_a_malformed_variable_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"'\$\{"):
        expand(text, ENVIRON)


def test_the_names_that_a_value_came_from_are_kept() -> None:
    assert expand("${A}${NONE:-${B}}${A:-${PORT}}", ENVIRON)[1] == ["A", "B", "A"]


def test_a_variable_becomes_what_its_key_takes() -> None:
    text = (
        VENDOR.replace("k}", "k, timeouts: {idle_s: '${IDLE}'}}")
        + "policy: {attempts: '${N}', open_models: '${YES}'}\nserver: {insecure: '${YES}', client_keys: '${KEY}'}\n"
    )
    settings = loaded(text, {"IDLE": "1.5", "N": "2", "YES": "on", "KEY": "123456"}).settings
    assert settings.vendors["kimi"].timeouts.idle_s == 1.5
    assert settings.policy.attempts == 2
    assert settings.server.insecure is True
    assert settings.open_models is True
    assert settings.client_keys() == ["123456"]


def test_a_key_of_digits_stays_text() -> None:
    assert loaded("vendors: {kimi: {api_key: '${K}'}}\n", {"K": "0123"}).settings.vendors["kimi"].keys()[0].get_secret_value() == "0123"  # fmt: skip


def test_an_unquoted_variable_in_set_is_read_like_a_value_of_the_file() -> None:
    text = (
        VENDOR
        + "models:\n  a:\n    target: kimi/kimi-k2.6\n    set:\n      top_k: ${K}\n      name: '${K}'\n      on: ${T}\n      x: {y: [\"${K}\"]}\n"
    )
    target = loaded(text, {"K": "5", "T": "true"}).settings.models["a"].targets[0]
    assert target.set == {"top_k": 5, "name": "5", "on": True, "x": {"y": ["5"]}}


def test_names_of_keys_are_not_filled_in() -> None:
    settings = loaded(VENDOR + "models:\n  '${A}': kimi/kimi-k2.6\n", {"A": "b"}).settings
    assert list(settings.models) == ["${A}"]


def test_a_target_may_come_from_a_variable() -> None:
    settings = loaded(VENDOR + "models:\n  a: kimi/${MODEL:-kimi-k2.6}\n").settings
    assert settings.models["a"].targets[0].target == "kimi/kimi-k2.6"


def test_a_value_may_be_in_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sk-1\n")
    (tmp_path / "crlf").write_bytes(b"sk-2\r\n")
    (tmp_path / "two").write_bytes(b"sk-3\n\n")
    text = f"vendors:\n  kimi: {{api_keys: ['file:{tmp_path}/key', 'file:${{DIR}}/crlf', 'file://{tmp_path}/key', file:./key]}}\n"
    settings = loaded(text, {"DIR": str(tmp_path)}).settings
    assert [key.get_secret_value() for key in settings.vendors["kimi"].keys()] == ["sk-1", "sk-2", "sk-1", "sk-1"]  # noqa: SIM118
    problems = diagnostics(f"vendors:\n  kimi: {{api_key: 'file:{tmp_path}/two'}}\n")
    assert problems == [
        "banjia.yaml:2:19: vendors.kimi.api_key: the key contains a space, a line break or a non-ASCII character; expected the key alone"
    ]


def test_a_value_that_came_from_a_variable_is_not_read_as_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sk-1\n")
    settings = loaded("vendors:\n  kimi: {api_key: '${K}'}\n", {"K": f"file:{tmp_path}/key"}).settings
    assert settings.vendors["kimi"].keys()[0].get_secret_value().startswith("file:")


@pytest.mark.parametrize(("content", "why"), [(b"\xff", "is not UTF-8 text"), (b"x" * 70_000, "is larger than 64 KiB")])
def test_a_file_that_can_be_no_secret_is_named_without_what_it_holds(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "key").write_bytes(content)
    assert diagnostics("vendors:\n  kimi: {api_key: file:./key}\n") == [
        f"banjia.yaml:2:19: vendors.kimi.api_key: the file key {why}"
    ]


def test_a_folder_is_no_secret(tmp_path: Path) -> None:
    problems = diagnostics(f"vendors:\n  kimi: {{api_key: 'file:{tmp_path}'}}\n")
    assert problems == [f"banjia.yaml:2:19: vendors.kimi.api_key: cannot read the file {tmp_path}: is a directory"]
