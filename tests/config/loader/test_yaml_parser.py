"""The YAML 1.2 subset for settings: plain data with positions."""

import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.errors import ConfigError
from config.loader.yaml_parser import parse, typed
from config.nodes import Node, find


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1), ("-5", -5), ("+5", 5), ("010", 10), ("0o10", 8), ("0x1f", 31), ("1.5", 1.5), ("1e3", 1000.0), ("5.", 5.0),
        (".5", 0.5), (".inf", float("inf")), ("true", True), ("False", False), ("null", None), ("~", None), ("", None),
        ("yes", "yes"), ("off", "off"), ("1:30", "1:30"), ("2024-01-01", "2024-01-01"), ("1.2.3", "1.2.3"),
        ("'1'", "1"), ('"true"', "true"), ("!!str 5", "5"), ("NaN", "NaN"),
    ],
)  # fmt: skip
def test_an_unquoted_value_is_read_as_in_yaml_1_2(text: str, value: Any) -> None:
    found = parse(f"a: {text}\n", "x").plain()["a"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "text", ["1", "-5", "010", "0o10", "0x1f", "1.5", "1e3", ".inf", "true", "null", "~", "yes", "1:30", "a", ""]
)
def test_a_filled_in_value_is_read_like_one_in_the_file(text: str) -> None:
    assert typed(text) == parse(f"a: {text}\n", "x").plain()["a"]


def test_every_key_and_value_has_its_place() -> None:
    root = parse("# first\nserver:\n  listen:   here\nmodels:\n  - a\n  - {b: c}\n", "x")
    listen, inner = find(root, "server", "listen"), find(root, "models", 1, "b")
    assert listen
    assert inner
    assert (str(listen.key_location), str(listen.location)) == ("x:3:3", "x:3:13")
    assert (str(inner.key_location), str(inner.location)) == ("x:6:6", "x:6:9")


def test_keys_are_text_whatever_they_look_like() -> None:
    assert parse("1: a\ntrue: b\nnull: c\n2024-01-01: d\n", "x").plain() == {
        "1": "a",
        "true": "b",
        "null": "c",
        "2024-01-01": "d",
    }


def test_an_anchor_serves_twice_and_can_be_merged() -> None:
    text = "a: &t {x: 1, y: 2}\nb: *t\nc: {<<: *t, y: 3}\nd: {<<: [*t, {z: 4}]}\n"
    assert parse(text, "x").plain() == {
        "a": {"x": 1, "y": 2},
        "b": {"x": 1, "y": 2},
        "c": {"x": 1, "y": 3},
        "d": {"x": 1, "y": 2, "z": 4},
    }


def test_an_anchor_may_be_used_again() -> None:
    assert parse("a: &x 1\nb: &x 2\nc: *x\n", "x").plain() == {"a": 1, "b": 2, "c": 2}


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    from config.loader.load import load

    path = tmp_path / "bom.yaml"
    path.write_bytes(b"\xef\xbb\xbfvendors: {kimi: {api_key: k}}\r\n")
    assert list(load(path, {}).settings.vendors) == ["kimi"]


def test_aliases_do_not_multiply_without_end() -> None:
    text = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
    text += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9))
    with pytest.raises(ConfigError, match="without end"):
        parse(text, "x")


def test_dates_stay_text() -> None:
    assert not isinstance(parse("a: 2024-01-01", "x").plain()["a"], datetime.date)


PIECES = ["a", "b: ", ": ", "- ", "\n", "  ", "{", "}", "[", "]", '"', "'", "&x ", "*x", "<<: ", "!t ", "|", ">", "\t", "#", "? ", "---", "%", "@", "${A}", "\r", "\x85", "\ufeff"]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join) | st.text(max_size=40))
def test_any_text_is_a_tree_or_one_complaint_with_a_place(text: str) -> None:
    try:
        assert isinstance(parse(text, "x"), Node)
    except ConfigError as error:
        for diagnostic in error.diagnostics:
            assert diagnostic.location.line >= 1
            assert diagnostic.location.column >= 1
