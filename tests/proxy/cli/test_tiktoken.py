"""``banjia tiktoken``: a client's tiktoken finds OpenAI's tables in the folder and downloads nothing."""

import hashlib
from pathlib import Path

import pytest

from proxy.openai_api import token_ids as tokens
from proxy.openai_api.token_ids import CL100K, O200K
from tests.proxy.cli.conftest import Run

NAMES = {
    "9b5ad71b2ce5302211f9c61530b329a4922fc6a4": CL100K,
    "fb374d419588a4632f3f557e76b4b70aebbca790": O200K,
}
"""What tiktoken calls the tables."""


def test_the_tables_have_the_names_that_tiktoken_looks_for_and_are_openais(banjia: Run, tmp_path: Path) -> None:
    assert banjia("tiktoken", "a/tables").exit_code == 0
    assert banjia("tiktoken", "a/tables").exit_code == 0, "again, over those that are there"
    found = {path.name: path for path in (tmp_path / "a" / "tables").iterdir()}
    assert set(found) == set(NAMES)
    for name, encoding in NAMES.items():
        assert hashlib.sha256(found[name].read_bytes()).hexdigest() == encoding.sha256


@pytest.mark.parametrize(
    ("shell", "line"),
    [("sh", "export {}={}"), ("fish", "set -gx {} '{}'"), ("powershell", "$env:{} = '{}'"), ("dotenv", "{}={}")],
)
def test_the_two_variables_are_printed_for_the_shell(shell: str, line: str, banjia: Run, tmp_path: Path) -> None:
    printed = banjia("tiktoken", "t", "--shell", shell).stdout.splitlines()
    assert printed == [line.format(name, tmp_path / "t") for name in ("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR")]


def test_without_the_extra_one_line_shows_how_to_install_it(
    banjia: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "folder", lambda: None)
    ended = banjia("tiktoken", "t")
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert len(ended.stderr.splitlines()) == 1
    assert "pip install 'banjia[tokens]'" in ended.stderr
    assert not (tmp_path / "t").exists()


def test_a_folder_that_cannot_be_made_is_reported_in_one_line(banjia: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ended = banjia("tiktoken", "file/t")
    assert ended.exit_code == 1
    assert ended.stderr == "error: cannot write file/t: Not a directory\n"
