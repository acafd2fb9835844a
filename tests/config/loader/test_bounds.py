"""Configuration paths that are not files, or files that are too large, are refused at once, with the fix."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from config.errors import ConfigError
from config.loader.load import load, sources
from config.loader.regular_file import MAX_BYTES
from config.loader.yaml_parser import MAX_CHARACTERS, MAX_DEPTH, MAX_LINES, MAX_VALUES
from proxy.cli import main
from tests.support.effort import calls_made_by

MIB = 1024 * 1024
GOOD = "vendors: {kimi: {api_key: k}}\n"


def pipe(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/null")


def bound_socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the path of a socket has room for a hundred bytes
    try:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(path.name)
    finally:
        os.chdir(here)


IRREGULAR: list[tuple[Callable[[Path], None], str]] = [
    (pipe, "it is a pipe, not a regular file"),
    (device, "it is a device, not a regular file"),
    (bound_socket, "it is a socket, not a regular file"),
    (Path.mkdir, "is a directory"),
]


@pytest.mark.parametrize(("make", "why"), IRREGULAR)
def test_a_configuration_that_is_no_regular_file_is_refused(
    tmp_path: Path, make: Callable[[Path], None], why: str
) -> None:
    file = tmp_path / "banjia.yaml"
    make(file)
    with pytest.raises(ConfigError) as refused:
        load(file, {})
    assert str(refused.value) == f"{file}: cannot read the file: {why}; expected a regular file"
    assert sources(file, {}) == [file]


@pytest.mark.parametrize(("make", "why"), IRREGULAR)
@pytest.mark.parametrize("what", ["catalog: ./named", "api_key: file:./named"])
def test_so_is_a_catalog_or_a_secret_that_it_names(
    tmp_path: Path, make: Callable[[Path], None], why: str, what: str
) -> None:
    make(tmp_path / "named")
    file = tmp_path / "banjia.yaml"
    file.write_text(f"vendors:\n  kimi:\n    {what}\n")
    with pytest.raises(ConfigError, match=rf"banjia.yaml:3:\d+: vendors.kimi.\w+: cannot read the file .*named: {why}"):
        load(file, {})


def test_four_mebibytes_are_read_and_no_byte_more(tmp_path: Path) -> None:
    file = tmp_path / "banjia.yaml"
    line = "#" + "x" * (256 * 1024 - 2) + "\n"
    file.write_text(GOOD + line * (MAX_BYTES // len(line) - 1))
    assert list(load(file, {}).settings.vendors) == ["kimi"]
    file.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(ConfigError, match="the file is larger than 4 MiB; expected a smaller file"):
        load(file, {})
    file.unlink()
    with file.open("wb") as sparse:
        sparse.truncate(1 << 40)
    with pytest.raises(ConfigError, match="the file is larger than 4 MiB"):
        load(file, {})


def laughs(times: str) -> str:
    """Ten levels of nine aliases each."""
    return "a0: &a0 {}\n" + "".join(
        f"a{n}: &a{n} {times.format(', '.join([f'*a{n - 1}'] * 9))}\n" for n in range(1, 10)
    )


BOMBS: dict[str, tuple[str, str]] = {
    "4 MiB of brackets": ("[" * 4 * MIB, "the file has more than 512 KiB without comments"),
    "brackets": ("[" * 9_000, f"nested more than {MAX_DEPTH} levels deep"),
    "braces": ("{" * 9_000, f"nested more than {MAX_DEPTH} levels deep"),
    "mappings in braces": ("{a: " * 4_000, f"nested more than {MAX_DEPTH} levels deep"),
    "brackets that are closed": ("a: " + "[" * 200 + "]" * 200, f"nested more than {MAX_DEPTH} levels deep"),
    "brackets inside lines": ("a:\n" + " [\n" * 200, f"nested more than {MAX_DEPTH} levels deep"),
    "dashes": ("- " * 9_000, f"nested more than {MAX_DEPTH} levels deep"),
    "question marks": ("? " * 9_000, f"nested more than {MAX_DEPTH} levels deep"),
    "indentation": ("".join(" " * n + "a:\n" for n in range(900)), f"nested more than {MAX_DEPTH} levels deep"),
    "empty lists": ("a: [" + "[]," * 100_000 + "]", f"the file has more than {MAX_VALUES:,} values"),
    "a list in lines": ("a:\n" + "- 1\n" * 20_000, f"the file has more than {MAX_VALUES:,} values"),
    "keys": ("".join(f"k{n}: 1\n" for n in range(20_000)), f"the file has more than {MAX_VALUES:,} values"),
    "keys of JSON": ("{" + ",".join(f'"{n}":1' for n in range(20_000)) + "}", f"the file has more than {MAX_VALUES:,} values"),
    "anchors": ("a: [" + "&a x," * 20_000 + "]", f"the file has more than {MAX_VALUES:,} values"),
    "words": ("a: " + "x y " * (MAX_CHARACTERS // 4), "the file has more than 512 KiB without comments"),
    "spaces": (" " * MIB, "the file has more than 512 KiB without comments"),
    "short lines": ("a: >\n" + " x\n" * (MAX_LINES + 1), f"the file has more than {MAX_LINES:,} lines"),
    "empty lines": ("\n" * 4 * MIB, f"the file has more than {MAX_LINES:,} lines"),
    "carriage returns": ("\r" * 4 * MIB, f"the file has more than {MAX_LINES:,} lines"),
    "short comments": ("#\n" * MIB, f"the file has more than {MAX_LINES:,} lines"),
    "aliases in lists": (laughs("[{}]"), "an alias that expands without end"),
    "aliases in mappings": (laughs("{{<<: [{}]}}"), "an alias that expands without end"),
    "an alias in itself": ("a: &a [*a]\n", "an alias that expands without end"),
    "a mapping merged into itself": ("a: &a {<<: *a}\n", "an alias that expands without end"),
    "a mapping merged into itself below": ("a: &a {b: &b {<<: *a}}\n", "an alias that expands without end"),
    "a chain of aliases": (
        "a0: &a0 [1]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 200)),
        f"nested more than {MAX_DEPTH} levels deep",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_yaml_that_is_deep_or_huge_is_refused_before_it_costs_anything(tmp_path: Path, name: str) -> None:
    text, wrong = BOMBS[name]
    file = tmp_path / "banjia.yaml"
    file.write_text(text)

    def refused() -> None:
        with pytest.raises(ConfigError, match=wrong):
            load(file, {})

    assert calls_made_by(refused) < 1_500_000  # 700,000 for the aliases, the most of all


@pytest.mark.parametrize("name", ["4 MiB of brackets", "dashes", "keys", "aliases in mappings"])
def test_a_catalog_has_the_same_bounds(tmp_path: Path, name: str) -> None:
    text, wrong = BOMBS[name]
    (tmp_path / "own.yaml").write_text(text)
    file = tmp_path / "banjia.yaml"
    file.write_text("vendors: {kimi: {api_key: k, catalog: own.yaml}}\n")
    with pytest.raises(ConfigError, match=f"own.yaml.*{wrong}"):
        load(file, {})


def test_the_position_of_too_deep_nesting_is_reported_also_below_comments(tmp_path: Path) -> None:
    file = tmp_path / "banjia.yaml"
    file.write_text("# [[[[ \n\n  # }}}\na:\n  " + "[" * 70)
    with pytest.raises(ConfigError, match=r"banjia.yaml:5:67: nested more than 64 levels deep; expected fewer levels"):
        load(file, {})


def test_a_large_configuration_is_read(tmp_path: Path) -> None:
    file = tmp_path / "banjia.yaml"
    keys = "".join(f"    - sk-{n:040d}\n" for n in range(4_000))
    file.write_text(f"{GOOD}server:\n  client_keys:\n{keys}")
    assert len(load(file, {}).settings.server.client_keys) == 4_000


def test_of_thousands_of_errors_the_first_hundreds_are_reported(tmp_path: Path) -> None:
    file = tmp_path / "banjia.yaml"
    file.write_text("server:\n" + "".join(f"  lissten{n}: 1\n" for n in range(4_000)))
    with pytest.raises(ConfigError) as refused:
        load(file, {})
    assert len(refused.value.diagnostics) == 300


def test_defaults_of_defaults_end_somewhere(tmp_path: Path) -> None:
    file = tmp_path / "banjia.yaml"
    for levels, key, most in ((40, "vendors.kimi.api_key: '.{' ", 32), (900, "", MAX_DEPTH)):
        file.write_text('vendors: {kimi: {api_key: "' + "${A:-" * levels + "k" + "}" * levels + '"}}')
        with pytest.raises(ConfigError, match=f"{key}nested more than {most} levels deep"):
            load(file, {})
    file.write_text('vendors: {kimi: {api_key: "' + "${A:-" * 32 + "k" + "}" * 32 + '"}}')
    assert load(file, {}).settings.vendors["kimi"].keys()


def test_a_variable_with_deep_json_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        load(None, {"BANJIA_VENDORS__KIMI__HEADERS": '{"a": ' * 50_000, "KIMI_API_KEY": "k"})
    with pytest.raises(ConfigError):
        load(None, {"BANJIA_MODELS__gpt-4o": '{"set": {"a": ' + "[" * 50_000, "KIMI_API_KEY": "k"})


@pytest.mark.parametrize("command", [["check"], ["doctor", "--offline"], ["env"], ["routes"], ["serve"]])
@pytest.mark.parametrize(
    ("make", "wrong"),
    [
        (pipe, "cannot read the file: it is a pipe, not a regular file"),
        (lambda file: file.write_text("- " * 9_000), f"nested more than {MAX_DEPTH} levels deep"),
        (lambda file: file.write_text("[" * 4 * MIB), "the file has more than 512 KiB without comments"),
    ],
)
def test_every_command_reports_the_error_in_the_file(
    tmp_path: Path, command: list[str], make: Callable[[Path], object], wrong: str
) -> None:
    file = tmp_path / "banjia.yaml"
    make(file)
    ended = CliRunner().invoke(main, [*command, "-c", str(file)], env={"BANJIA_LANG": "en"})
    assert (ended.exit_code, wrong in ended.output) == (1 if command[0] == "doctor" else 2, True)


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_init_writes_to_no_pipe(tmp_path: Path, force: list[str]) -> None:
    pipe(tmp_path / "banjia.yaml")
    ended = CliRunner().invoke(main, ["init", str(tmp_path / "banjia.yaml"), *force])
    assert ended.exit_code == 1
