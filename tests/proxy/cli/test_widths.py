"""Listings fit the terminal width, and their output may be closed early."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from proxy.cli.output import BROKEN_PIPE
from proxy.commands.table import display_width, fit_table, fold_cell
from tests.project.pages.terminal import free_port
from tests.proxy.cli.conftest import KIMI_KEY, QWEN_KEY, Run
from tests.proxy.lifecycle.test_processes import KEYLESS, ROOT

BOTH = {"MOONSHOT_API_KEY": KIMI_KEY, "DASHSCOPE_API_KEY": QWEN_KEY}
LISTINGS = [["routes"], ["vendors"], ["models"], ["models", "--history"], ["models", "--at", "2024-07-09"]]


@pytest.mark.parametrize("width", [60, 80, 100, 200])
@pytest.mark.parametrize("args", LISTINGS, ids=" ".join)
def test_no_line_of_a_listing_is_wider_than_the_terminal(banjia: Run, args: list[str], width: int) -> None:
    lines = banjia(*args, env=BOTH | {"COLUMNS": str(width)}).stdout.splitlines()
    assert len(lines) > 10
    assert [line for line in lines if display_width(line) > width] == []


@pytest.mark.parametrize("args", LISTINGS, ids=" ".join)
def test_a_narrow_listing_has_every_word_of_the_wide_one(banjia: Run, args: list[str]) -> None:
    narrow, broad = (
        re.sub(r"[\s,;]+", "", banjia(*args, env=BOTH | {"COLUMNS": width}).stdout) for width in ("60", "400")
    )
    words = {
        word
        for line in banjia(*args, env=BOTH | {"COLUMNS": "400"}).stdout.splitlines()
        for word in re.split(r"[\s,;]+", line)
        if len(word) > 7
    }
    assert len(words) > 20
    assert broad
    assert [word for word in sorted(words) if word not in narrow] == []


def test_output_to_a_pipe_has_eighty_columns_by_default(banjia: Run) -> None:
    assert banjia("models", env={"COLUMNS": ""}).stdout == banjia("models", env={"COLUMNS": "80"}).stdout
    assert banjia("models", env={"COLUMNS": "many"}).stdout == banjia("models", env={"COLUMNS": "80"}).stdout


def test_policies_of_names_have_a_column_only_where_one_has_any(banjia: Run, tmp_path: Path) -> None:
    assert "policy" not in banjia("routes", env=BOTH).stdout.splitlines()[0]
    (tmp_path / "banjia.yaml").write_text(
        "vendors: {kimi: {api_key: '${MOONSHOT_API_KEY}'}}\n"
        "models: {gpt-4o: {target: kimi/kimi-k2.6}, x: {targets: [kimi/kimi-k2.6], policy: {attempts: 1}}}\n"
    )
    assert banjia("routes", env=BOTH).stdout.splitlines()[0].endswith("policy")


def test_a_table_folds_where_it_may_and_stacks_where_that_does_not_suffice() -> None:
    head, rows = ["name", "answered by"], [["gpt-4o", "qwen/a then kimi/b"]]
    assert list(fit_table(head, rows, 0, [1])) == [["name    answered by"], ["gpt-4o  qwen/a then kimi/b"]]
    assert list(fit_table(head, rows, 20, [1])) == [["name    answered by"], ["gpt-4o  qwen/a then", "        kimi/b"]]
    assert list(fit_table(head, rows, 14, [1])) == [
        ["name"],
        ["gpt-4o", "    answered", "    by qwen/a", "    then", "    kimi/b"],
    ]
    assert fold_cell("text+image+video", 11) == ["text+image+", "video"]
    assert fold_cell("a-word-that-is-longer-than-that", 5) == ["a-word-that-is-longer-than-that"]


FULL = [
    (["--help"], 1), (["--version"], 1), (["version"], 1), (["vendors"], 1), (["models"], 1), (["routes"], 1),
    (["routes", "--json"], 1), (["env"], 1), (["init", "-"], 1), (["check"], 1), (["doctor", "--offline"], 1),
    (["demo", "--port", "0"], 1), (["emulate", "kimi", "--port", "0"], 1), (["serve", "--help"], 1),
]  # fmt: skip


@pytest.mark.parametrize(("args", "code"), FULL, ids=[" ".join(args) for args, _ in FULL])
def test_a_full_disk_is_one_line_and_exit_code_1(args: list[str], code: int, tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "proxy", *args], stdout=full, stderr=subprocess.PIPE, cwd=tmp_path, timeout=60,
            env={**KEYLESS, **BOTH, "PYTHONPATH": str(ROOT), "BANJIA_SERVER__LISTEN": f"127.0.0.1:{free_port()}"},
        )  # fmt: skip
    assert done.returncode == code
    assert done.stderr.decode() == "error: cannot write the output: No space left on device\n"


@pytest.mark.parametrize("args", [["models"], ["vendors", "--json"], ["--help"]], ids=" ".join)
def test_a_reader_that_leaves_ends_the_command_without_a_word(args: list[str], tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "proxy", *args], stdout=writer, stderr=subprocess.PIPE, cwd=tmp_path, timeout=60,
            env={**KEYLESS, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (BROKEN_PIPE, b"")
