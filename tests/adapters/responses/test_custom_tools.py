"""Custom tools and namespaces: their names in chat and back, and the input of calls, however the arguments are cut."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.responses.custom_tools import (
    MAX_CHAT_NAME,
    CustomInput,
    ToolName,
    ToolNames,
    as_arguments,
    as_function,
    input_of,
)
from tests.support.effort import examples

GET = {"type": "function", "name": "get"}
PATCH = {"type": "custom", "name": "apply_patch"}
FILES = {"type": "namespace", "name": "files", "tools": [GET, {"type": "custom", "name": "edit"}]}


@pytest.mark.parametrize(
    ("name", "tool"),
    [
        ("get", ToolName("function", "get", None)),
        ("apply_patch", ToolName("custom", "apply_patch", None)),
        ("files__get", ToolName("function", "get", "files")),
        ("files__edit", ToolName("custom", "edit", "files")),
        ("invented_by_the_model", ToolName("function", "invented_by_the_model", None)),
    ],
)
def test_each_tool_has_a_name_in_chat_that_leads_back_to_it(name: str, tool: ToolName) -> None:
    names = ToolNames([GET, PATCH, FILES, {"type": "web_search"}])

    assert names.of(name) == tool
    assert names.in_chat(tool) == name


names_ = st.text("ab_", min_size=1, max_size=4)
tools_ = st.lists(
    st.one_of(
        st.builds(lambda kind, name: {"type": kind, "name": name}, st.sampled_from(["function", "custom"]), names_),
        st.builds(
            lambda name, inner: {"type": "namespace", "name": name, "tools": [{**GET, "name": one} for one in inner]},
            names_ | st.text("a", min_size=60, max_size=70),
            st.lists(names_, min_size=1, max_size=3),
        ),
    ),
    max_size=8,
)


@settings(max_examples=examples(300), deadline=None)
@given(tools_)
def test_no_two_tools_share_a_name_in_chat(tools: list[dict[str, Any]]) -> None:
    names = ToolNames(tools)
    every = {
        ToolName(one["type"], one["name"], tool["name"] if one is not tool else None)
        for tool in tools
        for one in tool.get("tools", [tool])
    }

    assert {names.of(names.in_chat(tool)) for tool in every} == every
    assert all(len(names.in_chat(tool)) <= MAX_CHAT_NAME for tool in every)


def test_a_long_name_is_cut_and_ends_with_a_hash_of_the_whole() -> None:
    long = [ToolName("function", "x" * 40 + end, "mcp__" + "n" * 30) for end in "ab"]

    first, second = (ToolNames().in_chat(tool) for tool in long)

    assert len(first) == len(second) == MAX_CHAT_NAME
    assert first != second
    assert first.startswith("mcp__nnn")


def test_a_call_may_omit_the_namespace_if_only_one_tool_has_its_name() -> None:
    assert ToolNames([FILES]).in_chat(ToolName("function", "get")) == "files__get"
    assert ToolNames([FILES, GET]).in_chat(ToolName("function", "get")) == "get"
    twice = ToolNames([FILES, {**FILES, "name": "other"}])
    assert twice.in_chat(ToolName("function", "get")) == "get"


def test_a_custom_tool_is_a_function_whose_only_argument_is_its_input() -> None:
    function = as_function({**PATCH, "description": "Edit files."}, "apply_patch")["function"]

    assert function["name"] == "apply_patch"
    assert function["description"] == "Edit files."
    assert function["parameters"]["properties"]["input"]["type"] == "string"
    assert function["parameters"]["required"] == ["input"]
    assert function["parameters"]["additionalProperties"] is False


@pytest.mark.parametrize(("syntax", "kind"), [("lark", "Lark grammar"), ("regex", "regular expression")])
def test_a_grammar_stands_in_the_description(syntax: str, kind: str) -> None:
    format_ = {"type": "grammar", "syntax": syntax, "definition": "start: /x+/"}

    described = as_function({**PATCH, "description": "Edit.", "format": format_}, "p")["function"]["description"]

    assert described == f"Edit.\n\nThe input must match this {kind}:\nstart: /x+/"


def fed(pieces: list[str]) -> tuple[str, str]:
    """Return what the reader returned for these pieces, and the whole at the end."""
    reader = CustomInput()
    return "".join(map(reader.feed, pieces)), reader.done()


TEXTS = ["", "print(1)", 'a "quoted" \\ b/c\n\t\x01', "中文 é", "😀 and 😀", "*** Begin Patch\n+x\n*** End Patch"]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("indent", [None, 2])
def test_the_input_is_the_same_wherever_the_arguments_are_cut(text: str, ascii_only: bool, indent: int | None) -> None:
    arguments = json.dumps({"input": text}, ensure_ascii=ascii_only, indent=indent)

    for first in range(len(arguments) + 1):
        for second in range(first, len(arguments) + 1):
            pieces = [arguments[:first], arguments[first:second], arguments[second:]]
            assert fed(pieces) == (text, text), pieces


@settings(max_examples=examples(400), deadline=None)
@given(st.text(max_size=30), st.lists(st.integers(1, 5), max_size=80), st.booleans())
def test_any_input_is_read_back(text: str, sizes: list[int], ascii_only: bool) -> None:
    arguments = json.dumps({"input": text}, ensure_ascii=ascii_only)
    pieces, at = [], 0
    for size in sizes:
        pieces.append(arguments[at : at + size])
        at += size

    assert fed([*pieces, arguments[at:]]) == (text, text)
    assert input_of(as_arguments(text)) == text


@settings(max_examples=examples(400), deadline=None)
@given(
    st.lists(
        st.sampled_from(['{"input": "', '"}', "\\", "u", "d83d", "\\ude00", '"', "a", "{", " ", '{"x":1}']), max_size=12
    )
)
def test_the_end_continues_what_was_read_before_whatever_the_model_sends(pieces: list[str]) -> None:
    reader = CustomInput()
    deltas = "".join(map(reader.feed, pieces))

    whole = reader.done()

    assert whole.startswith(deltas)
    whole.encode()  # no half of a surrogate pair


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("print(1)", "print(1)"),  # some models send the text without the JSON around it
        ("", ""),
        ("{}", ""),
        ('{"code": "x"}', '{"code": "x"}'),
        ('{"why": "because", "input": "x"}', "x"),
        ('{"input": {"a": 1}}', '{"a":1}'),
        ('{"input": 7}', "7"),
        ('["x"]', '["x"]'),
        ('{"input": "cut o', "cut o"),
        ('{"input": "half \\ud83d', "half \ufffd"),
        ('{"input": "\\ude00 low"}', "\ufffd low"),
        ('{"input": "\\ud83d\\ud83d\\ude00"}', "\ufffd😀"),
        ('{"input": "\\x \\u12zz"}', "\\x \\u12zz"),
        ("{ not JSON", "{ not JSON"),
    ],
)
def test_arguments_of_another_form_are_read_at_the_end(arguments: str, text: str) -> None:
    assert input_of(arguments) == text
    assert fed(list(arguments))[1] == text


def test_a_call_of_an_earlier_turn_has_its_input_as_arguments() -> None:
    assert orjson.loads(as_arguments('a "b"\n')) == {"input": 'a "b"\n'}
