"""Counting JSON before parsing is exact, wherever the text is split, and fast."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.core import json_limits
from adapters.core.json_limits import (
    MAX_LEVELS,
    MAX_SLOW,
    TooManyLevels,
    TooManyValues,
    TooMuchSlowText,
    ValueCounter,
    check,
)

TEXTS = st.text(st.sampled_from('[]{},:"\\ a中😀'), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=30,
)


def counted(value: Any) -> tuple[int, int]:
    """The values of a parsed text, names of members included, and its levels."""
    if isinstance(value, dict):
        inner = [counted(one) for one in value.values()]
        return 1 + len(value) + sum(n for n, _ in inner), 1 + max((level for _, level in inner), default=0)
    if isinstance(value, list):
        inner = [counted(one) for one in value]
        return 1 + sum(n for n, _ in inner), 1 + max((level for _, level in inner), default=0)
    return 1, 0


@given(VALUES, st.booleans(), st.lists(st.integers(1, 20), min_size=1, max_size=20))
def test_the_count_is_that_of_the_parsed_text_wherever_it_is_cut(value: Any, escaped: bool, cuts: list[int]) -> None:
    text = json.dumps(value, ensure_ascii=escaped, separators=(",", ":")).encode()
    counter, at = ValueCounter(), 0
    while at < len(text):
        for size in cuts:
            counter.add(text[at : at + size])
            at += size
    assert counter.values == counted(value)[0]


@given(VALUES, st.integers(1, 8), st.integers(1, 30))
def test_a_text_is_too_deep_exactly_when_it_has_more_levels_than_it_may(value: Any, most: int, size: int) -> None:
    text = json.dumps(value, separators=(",", ":")).encode()
    before, json_limits.MAX_LEVELS = json_limits.MAX_LEVELS, most
    counter = ValueCounter()
    try:
        for at in range(0, len(text), size):
            counter.add(text[at : at + size])
        deep = False
    except TooManyLevels:
        deep = True
    finally:
        json_limits.MAX_LEVELS = before
    assert deep == (counted(value)[1] > most)


def listed(value: bytes, times: int) -> bytes:
    return b"[" + b",".join([value] * times) + b"]"


@pytest.mark.parametrize("value", [b"[]", b"{}", b"1", b'""', b'"[,]"', b'"\\",\\""', b"null", b"[ ]"])
def test_a_million_values_are_the_most(value: bytes) -> None:
    spaced = value == b"[ ]"  # of an array with nothing but space in it the count is one too high
    check(listed(value, 499_999 if spaced else 999_999))
    with pytest.raises(TooManyValues):
        check(listed(value, 1_000_000))


def test_the_names_of_members_count_as_values() -> None:
    members = [b'"k%d":1' % at for at in range(500_000)]
    check(b"{" + b",".join(members[:-1]) + b"}")
    with pytest.raises(TooManyValues):
        check(b"{" + b",".join(members) + b"}")


@pytest.mark.parametrize(("start", "end"), [(b"[", b"]"), (b'{"a":', b"}"), (b'["]",', b"]"), (b'["[[",', b"]")])
def test_sixty_four_levels_are_the_most_and_brackets_in_texts_do_not_count(start: bytes, end: bytes) -> None:
    check(start * MAX_LEVELS + b"1" + end * MAX_LEVELS)
    with pytest.raises(TooManyLevels):
        check(start * (MAX_LEVELS + 1) + b"1" + end * (MAX_LEVELS + 1))


@pytest.mark.parametrize("text", [b'\\"', b"\\\\", "中".encode(), "😀".encode(), b"\\u4e2d", b"\\ud83d\\ude00"])
def test_text_that_is_slow_to_read_has_a_bound_of_its_own(text: bytes) -> None:
    check(b'"' + text * (MAX_SLOW // 2 // len(text)) + b'"')
    with pytest.raises(TooMuchSlowText):
        check(b'"' + text * (2 * MAX_SLOW // len(text)) + b'"')


def test_one_wide_character_makes_all_of_its_text_slow_and_none_of_another() -> None:
    quick = b"a" * (MAX_SLOW + 1)
    check(b'["' + quick + '","中"]'.encode())
    with pytest.raises(TooMuchSlowText):
        check(b'["' + quick + '中"]'.encode())


def test_small_texts_are_not_counted_and_large_ones_are_parsed_as_ever() -> None:
    text = listed(b"[]", 200_000)
    assert json_limits.parse(text) == orjson.loads(text)
    assert json_limits.parse(b"[1]") == [1]
