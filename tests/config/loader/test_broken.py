"""Invalid configurations, each with its complete message: ``broken/*.txt``."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.config.config_file import VENDOR, diagnostics

FOLDER = Path(__file__).with_name("broken")
CASE = re.compile(
    r"=== (?P<name>[^\[\n]+?)(?: \[(?P<variable>\w+)=(?P<value>.*)\])?\n(?P<text>.*?)--- says\n(?P<says>.*?)\n*\Z",
    re.DOTALL,
)


def cases() -> Sequence[object]:
    found = []
    for path in sorted(FOLDER.glob("*.txt")):
        for case in re.split(r"^(?==== )", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
            match = CASE.match(case)
            assert match, case
            environ = {match["variable"]: match["value"]} if match["variable"] else {}
            found.append(pytest.param(match["text"], environ, match["says"], id=f"{path.stem}: {match['name']}"))
    return found


CASES = cases()


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, two_vendors: None) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("text", "environ", "says"), CASES)
def test_a_broken_file_is_reported_with_line_key_and_cure(text: str, environ: dict[str, str], says: str) -> None:
    assert "\n".join(diagnostics(text, environ)) == says


@pytest.mark.parametrize(("text", "environ", "says"), CASES)
def test_no_message_is_long_foreign_or_contains_a_secret(text: str, environ: dict[str, str], says: str) -> None:
    for problems in diagnostics(text, environ):
        assert "\n" not in problems
        assert len(problems) < 300
        assert not re.search(r"pydantic|Traceback|Input should|validation error|errors\.|class|canary", problems)


def test_there_are_at_least_forty_of_them() -> None:
    assert len(CASES) >= 40


def test_a_control_character_is_reported_with_its_position() -> None:
    assert diagnostics("vendors:\n  kimi: {api_key: \x07}\n") == [
        "banjia.yaml:2:19: a character that YAML does not allow; expected printable UTF-8 text"
    ]


def test_a_line_break_in_a_key_is_reported_without_the_key() -> None:
    problems = diagnostics("vendors:\n  kimi:\n    api_key: ${KIMI}\n", {"KIMI": "sk-canary\r"})
    wrong = "the key contains a space, a line break or a non-ASCII character; expected the key alone"
    assert problems == [f"banjia.yaml:3:14: vendors.kimi.api_key: {wrong}"]


def test_a_file_that_is_not_utf_8_is_reported_with_its_position(tmp_path: Path) -> None:
    from config.loader.load import ConfigError, load

    path = tmp_path / "latin.yaml"
    path.write_bytes(b"vendors:\n  kimi: {api_key: \xe9}\n")
    with pytest.raises(ConfigError, match=r"latin\.yaml:2:19: not UTF-8 text$"):
        load(path, {})


def test_a_missing_file_is_reported_with_its_name(tmp_path: Path) -> None:
    from config.loader.load import ConfigError, load

    with pytest.raises(ConfigError, match=r"/none\.yaml: cannot read the file: no such file or directory$"):
        load(tmp_path / "none.yaml", {})


def test_all_errors_are_reported_at_once_in_the_order_of_the_file() -> None:
    text = (
        "version: 3\n" + VENDOR.replace("k}", "k, region: moon}") + "server: {listen: '${L}'}\npolicy: {attempt: 1}\n"
    )
    assert [problems.split(":")[1] for problems in diagnostics(text)] == ["1", "3", "4", "5"]
