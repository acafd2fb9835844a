"""The tools that Zhipu accepts (sheet 4a, 4b), and what its search finds (sheet 5)."""

import re
from typing import Any

from emulators.core.checks import is_integer
from emulators.zhipu.errors import empty, fixed, illegal
from emulators.zhipu.models import Model

MOST_TOOLS = 128
NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}\Z")
KINDS = ("function", "web_search", "retrieval", "mcp")
REQUIRED = {"retrieval": "knowledge_id", "mcp": "server_label"}
"""The member that a tool of the vendor must have (the vendor's spec)."""
SEARCH_TEXTS = ("search_engine", "search_query", "search_domain_filter", "search_prompt")
SEARCH_SWITCHES = ("enable", "search_result", "require_search")
SEARCH_CHOICES = {
    "search_recency_filter": ("oneDay", "oneWeek", "oneMonth", "oneYear", "noLimit"),
    "content_size": ("medium", "high"),
    "result_sequence": ("before", "after"),
}
MOST_FOUND = 50
Json = dict[str, Any]


def check(tools: Any, model: Model) -> None:
    """Raise Refusal for the first tool that Zhipu refuses."""
    if tools is None:
        return
    # sheet 4a: tools <=128
    if not isinstance(tools, list) or len(tools) > MOST_TOOLS:
        raise illegal("tools")
    # sheet 3: vision models of 2024: no tools; 4a: function on 4.6v and later only
    if tools and model.tools == "none":
        raise fixed("call")
    for index, tool in enumerate(tools):
        kind = tool.get("type") if isinstance(tool, dict) else None
        if kind not in KINDS:
            raise illegal(f"tools[{index}].type")
        if model.tools == "functions" and kind != "function":
            raise fixed("call")
        value = tool.get(kind)
        if not isinstance(value, dict):
            raise empty(f"tools[{index}].{kind}")
        if kind == "function":
            _check_function(f"tools[{index}].function", value)
        elif kind == "web_search":
            _check_search(value)
        elif not isinstance(value.get(REQUIRED[kind]), str):
            raise empty(f"tools[{index}].{kind}.{REQUIRED[kind]}")


def _check_function(path: str, function: Json) -> None:
    # sheet 4a: function: name, description and parameters required; the text was reported for the name. An empty
    # description is a description
    for name in ("name", "description", "parameters"):
        if function.get(name) is None:
            raise empty(f"{path}.{name}")
    if not isinstance(function["name"], str) or not NAME.match(function["name"]):
        raise illegal(f"{path}.name")
    if not isinstance(function["description"], str):
        raise illegal(f"{path}.description")
    if not isinstance(function["parameters"], dict):
        raise illegal(f"{path}.parameters")


def _check_search(search: Json) -> None:
    """Check sheet 4b: web_search tool. The names of engines are uncertain, and an engine is not required."""
    for name in SEARCH_TEXTS:
        if not isinstance(search.get(name, ""), str):
            raise illegal(f"web_search.{name}")
    for name in SEARCH_SWITCHES:
        if not is_switch(search.get(name)):
            raise illegal(f"web_search.{name}")
    for name, allowed in SEARCH_CHOICES.items():
        if search.get(name) is not None and search[name] not in allowed:
            raise illegal(f"web_search.{name}")
    count = search.get("count")
    if count is not None and not (is_integer(count) and 1 <= count <= MOST_FOUND):
        raise illegal("web_search.count")


def is_switch(value: Any) -> bool:
    """Return whether it is a boolean, or absent."""
    return value is None or isinstance(value, bool)


def search_of(body: Json) -> Json:
    """Return the search of a valid request if it runs and reports what it found, else `{}`.

    The vendor's spec: `enable` and `search_result` are false by default.
    """
    for tool in body.get("tools") or []:
        if tool["type"] == "web_search":
            search: Json = tool["web_search"]
            return search if search.get("enable") and search.get("search_result") else {}
    return {}


# sheet 5: web_search
FOUND = [
    {
        "title": "Made up",
        "content": "Nothing was searched.",
        "link": "https://example.invalid/1",
        "media": "Example",
        "icon": "https://example.invalid/icon.png",
        "refer": "ref_1",
        "publish_date": "2026-01-01",
    }
]
