"""Each kind of tool and of tool choice: what chat gets for it, what is told, and what is refused by name."""

from typing import Any

import pytest

from adapters.core.failures import Refused
from tests.adapters.responses.conversions import told, translated, translation_of

GET = {"type": "function", "name": "get", "description": "Read.", "parameters": {"type": "object"}, "strict": True}
PUT = {"type": "function", "name": "put", "parameters": None, "strict": False, "description": None}
PATCH = {"type": "custom", "name": "patch", "description": "Edit."}
FILES = {"type": "namespace", "name": "files", "description": "Files.", "tools": [PUT, PATCH]}
SEARCH = {"type": "web_search", "external_web_access": True}
INPUT = {
    "type": "object",
    "properties": {"input": {"type": "string", "description": "The input of the tool, as plain text."}},
    "required": ["input"],
    "additionalProperties": False,
}


def function(name: str, **members: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, **members}}


CHAT_GET = function("get", description="Read.", parameters={"type": "object"}, strict=True)
CHAT_PUT = function("put")
CHAT_PATCH = function("patch", description="Edit.", parameters=INPUT)
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, str]]] = {
    "functions": ({"tools": [GET, PUT]}, {"tools": [CHAT_GET, CHAT_PUT]}, {}),
    "no tools": ({"tools": []}, {}, {}),
    "no tools, and a choice of them": ({"tools": [], "tool_choice": "auto", "parallel_tool_calls": True}, {}, {}),
    "no tools, and none chosen": ({"tool_choice": "none", "parallel_tool_calls": False}, {}, {}),
    "a custom tool": ({"tools": [PATCH]}, {"tools": [CHAT_PATCH]}, {"tools.custom": "emulated"}),
    "a custom tool with a text format": (
        {"tools": [{**PATCH, "format": {"type": "text"}}]}, {"tools": [CHAT_PATCH]}, {"tools.custom": "emulated"}),
    "a grammar": (
        {"tools": [{**PATCH, "format": {"type": "grammar", "syntax": "lark", "definition": "start: x"}}]},
        {"tools": [function("patch", description="Edit.\n\nThe input must match this Lark grammar:\nstart: x",
                            parameters=INPUT)]},
        {"tools.custom": "emulated", "tools.format": "emulated"}),
    "a namespace": (
        {"tools": [FILES, GET]},
        {"tools": [function("files__put"), function("files__patch", description="Edit.", parameters=INPUT), CHAT_GET]},
        {"tools.custom": "emulated"}),
    "search beside a function": (
        {"tools": [SEARCH, GET]}, {"tools": [CHAT_GET]}, {"tools.web_search": "dropped"}),
    "dated tools beside a namespace": (
        {"tools": [{"type": "web_search_2025_08_26"}, {"type": "web_search_preview_2025_03_11"},
                   {"type": "image_generation"}, {"type": "tool_search"}, {**FILES, "tools": [GET]}]},
        {"tools": [{**CHAT_GET, "function": {**CHAT_GET["function"], "name": "files__get"}}]},
        {"tools.web_search": "dropped", "tools.web_search_preview": "dropped", "tools.image_generation": "dropped",
         "tools.tool_search": "dropped"}),
    "search that must not be used": (
        {"tools": [SEARCH], "tool_choice": "none"}, {}, {"tools.web_search": "dropped"}),
    "members that only OpenAI has": (
        {"tools": [{**GET, "defer_loading": True, "allowed_callers": ["direct"], "output_schema": {"type": "object"}}]},
        {"tools": [CHAT_GET]},
        {"tools.defer_loading": "dropped", "tools.allowed_callers": "dropped", "tools.output_schema": "dropped"}),
    "auto": ({"tools": [GET], "tool_choice": "auto"}, {"tools": [CHAT_GET], "tool_choice": "auto"}, {}),
    "none": ({"tools": [GET], "tool_choice": "none"}, {"tools": [CHAT_GET], "tool_choice": "none"}, {}),
    "required": ({"tools": [GET], "tool_choice": "required"}, {"tools": [CHAT_GET], "tool_choice": "required"}, {}),
    "one function": (
        {"tools": [GET, PUT], "tool_choice": {"type": "function", "name": "put"}},
        {"tools": [CHAT_GET, CHAT_PUT], "tool_choice": function("put")}, {}),
    "one custom tool": (
        {"tools": [PATCH], "tool_choice": {"type": "custom", "name": "patch"}},
        {"tools": [CHAT_PATCH], "tool_choice": function("patch")}, {"tools.custom": "emulated"}),
    "one function of a namespace": (
        {"tools": [{**FILES, "tools": [GET]}], "tool_choice": {"type": "function", "name": "get"}},
        {"tools": [{**CHAT_GET, "function": {**CHAT_GET["function"], "name": "files__get"}}],
         "tool_choice": function("files__get")}, {}),
    "some tools": (
        {"tools": [GET, PUT, SEARCH], "tool_choice": {
            "type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "put"}]}},
        {"tools": [CHAT_PUT]}, {"tools.web_search": "dropped", "tool_choice": "emulated"}),
    "one of some tools": (
        {"tools": [GET, PUT, PATCH], "tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [
            {"type": "function", "name": "put"}, {"type": "function", "name": "get"}]}},
        {"tools": [CHAT_GET, CHAT_PUT], "tool_choice": "required"}, {"tool_choice": "emulated"}),
    "some tools and search": (
        {"tools": [GET, SEARCH], "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [
            {"type": "function", "name": "get"}, {"type": "web_search"}]}},
        {"tools": [CHAT_GET]},
        {"tools.web_search": "dropped", "tool_choice.web_search": "dropped", "tool_choice": "emulated"}),
    "a namespace of all": (
        {"tools": [GET, {**FILES, "tools": [PUT]}], "tool_choice": {
            "type": "allowed_tools", "mode": "auto", "tools": [{"type": "namespace", "name": "files"}]}},
        {"tools": [function("files__put")]}, {"tool_choice": "emulated"}),
    "one call at a time": (
        {"tools": [PUT], "parallel_tool_calls": False}, {"tools": [CHAT_PUT], "parallel_tool_calls": False}, {}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_tools_and_their_choice_in_chat(case: str) -> None:
    fields, wanted, adapted = CASES[case]

    request = translated({"input": "hi", **fields})

    assert {name: value for name, value in request.fields.items() if name != "messages"} == wanted
    assert told(request) == adapted


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "search alone": ({"tools": [SEARCH]}, "tools[0].type"),
    "search that must be used": (
        {"tools": [GET, {"type": "web_search_preview"}], "tool_choice": {"type": "web_search_preview"}}, "tools[1].type"),
    "a choice of search that is not offered": (
        {"tools": [GET], "tool_choice": {"type": "web_search_preview"}}, "tool_choice"),
    **{
        f"{type_} beside a function": ({"tools": [GET, {"type": type_}]}, "tools[1].type")
        for type_ in ("file_search", "mcp", "code_interpreter", "computer", "computer_use_preview",
                      "programmatic_tool_calling", "local_shell", "shell", "apply_patch", "a_tool_of_2027")
    },
    **{
        f"a choice of {type_}": ({"tools": [GET], "tool_choice": {"type": type_}}, "tool_choice")
        for type_ in ("mcp", "shell", "apply_patch", "file_search", "programmatic_tool_calling")
    },
    "a function that is not offered": (
        {"tools": [GET], "tool_choice": {"type": "function", "name": "put"}}, "tool_choice"),
    "a custom tool by the name of a function": (
        {"tools": [GET], "tool_choice": {"type": "custom", "name": "get"}}, "tool_choice"),
    "a function of two namespaces": (
        {"tools": [{**FILES, "tools": [GET]}, {**FILES, "name": "b", "tools": [GET]}],
         "tool_choice": {"type": "function", "name": "get"}}, "tool_choice"),
    "a call without tools": ({"tool_choice": "required"}, "tool_choice"),
    "a named call without tools": ({"tool_choice": {"type": "function", "name": "get"}}, "tool_choice"),
    "an allowed tool that is not offered": (
        {"tools": [GET], "tool_choice": {
            "type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "put"}]}},
        "tool_choice.tools[0]"),
    "only search allowed": (
        {"tools": [GET, SEARCH], "tool_choice": {
            "type": "allowed_tools", "mode": "auto", "tools": [{"type": "web_search"}]}}, "tool_choice"),
    "a server of tools allowed": (
        {"tools": [GET], "tool_choice": {
            "type": "allowed_tools", "mode": "auto", "tools": [{"type": "mcp", "server_label": "x"}]}},
        "tool_choice.tools[0].type"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_answer_would_rest_on_is_refused_by_name(case: str) -> None:
    fields, param = REFUSED[case]

    with pytest.raises(Refused) as raised:
        translated({"input": "hi", **fields})

    assert raised.value.param == param
    assert param in raised.value.message


def test_each_function_has_the_place_of_its_tool() -> None:
    names = translation_of(translated({"input": "hi", "tools": [SEARCH, FILES, GET]})).names

    assert {path: name for path, name in names.items() if path.startswith("tools[")} == {
        "tools[0]": "tools[1].tools[0]",
        "tools[0].function": "tools[1].tools[0]",
        "tools[1]": "tools[1].tools[1]",
        "tools[1].function": "tools[1].tools[1]",
        "tools[2]": "tools[2]",
        "tools[2].function": "tools[2]",
    }
