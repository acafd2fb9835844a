"""Converts the function API of before November 2023 (``functions``, ``function_call``, their messages) to tools.

This happens during planning, before a vendor's table applies: tables, thinking rules and catalogs only see tools,
whether the functions came from a client or from an operator's ``set``, and no vendor needs rules for functions. The
response is converted back in ``proxy/openai_api/chat/legacy_functions.py``.
"""

from collections.abc import Mapping
from typing import Any

from adapters.core.builder import RequestBuilder
from adapters.core.failures import Refused
from adapters.core.message import Message
from adapters.rules.reasons import EMPTY_OMITTED

FUNCTIONS_AS_TOOLS = Message("sent as tools, returned as function_call: only the first call")
EMPTY_BESIDE_FUNCTIONS = Message("the empty list is omitted: functions are sent as tools")
SENT_AS_TOOL_CHOICE = Message("sent as tool_choice")
NOTHING_TO_CALL = Message("omitted: the request has no functions")
CALLS_AS_TOOL_CALLS = Message("function calls and results are sent as tool calls and results")

MessageDict = dict[str, Any]
NAMES = {"tools": "functions", "tool_choice": "function_call"}
"""The legacy name of each field."""


def as_tools(builder: RequestBuilder, *, one_at_a_time: bool) -> None:
    """Replace functions by tools in the builder's request. Raises Refused for contradictory fields.

    ``one_at_a_time``: the vendor supports ``parallel_tool_calls: false``; the legacy format has room for one call only.
    """
    fields = dict(builder.request.fields)
    functions, choice = fields.pop("functions", None), fields.pop("function_call", None)
    if functions:
        if fields.get("tools"):
            raise Refused(
                "functions",
                Message("Invalid 'functions': send either functions or tools, not both."),
                "unsupported_value",
            )
        if "tools" in fields:
            builder.record("tools", "mapped", EMPTY_BESIDE_FUNCTIONS)
        fields["tools"] = [{"type": "function", "function": function} for function in functions]
        if one_at_a_time and len(functions) > 1:
            fields.setdefault("parallel_tool_calls", False)
        builder.record("functions", "mapped", FUNCTIONS_AS_TOOLS)
    elif functions is not None:
        builder.record("functions", "mapped", EMPTY_OMITTED)
    if choice is not None:
        _choice(choice, functions or [], fields, builder)
    fields["messages"] = _messages(fields["messages"], builder)
    builder.request = builder.request.with_fields(fields)


def _choice(choice: Any, functions: list[Any], fields: dict[str, Any], builder: RequestBuilder) -> None:
    """Convert ``function_call`` (``none``, ``auto`` or a function by name) to ``tool_choice``."""
    if not functions:
        if choice not in ("none", "auto"):
            why = Message("it is only allowed when functions are sent")
            raise Refused(
                "function_call", Message("Invalid value for 'function_call': {why}.", why=why), "unsupported_value"
            )
        builder.record("function_call", "mapped", NOTHING_TO_CALL)
        return
    if type(choice) is dict:
        name = choice["name"]
        if name not in [function["name"] for function in functions]:
            why = Message("no function is called '{name}'", name=name)
            raise Refused(
                "function_call", Message("Invalid value for 'function_call': {why}.", why=why), "unsupported_value"
            )
        choice = {"type": "function", "function": {"name": name}}
    fields.setdefault("tool_choice", choice)
    builder.record("function_call", "mapped", SENT_AS_TOOL_CHOICE)


def _messages(messages: list[MessageDict], builder: RequestBuilder) -> list[MessageDict]:
    """Convert calls and results, adding the ids that functions lack: each result belongs to the last call before it."""
    out: list[MessageDict] = []
    called: tuple[str, str] | None = None  # name and id of a call whose result has not come yet
    for at, message in enumerate(messages):
        call = message.get("function_call")
        if message["role"] == "function":
            name = message["name"]
            if (
                called is None or called[0] != name
            ):  # no matching call: add one, since vendors refuse a result without it
                called = (name, f"call_{at:04d}")
                out.append(_calling({"role": "assistant", "content": None}, {"name": name}, called[1]))
            out.append({"role": "tool", "tool_call_id": called[1], "content": message.get("content") or ""})
            called = None
        elif call is not None and not message.get("tool_calls"):
            called = (str(call.get("name") or ""), f"call_{at:04d}")
            out.append(_calling(message, call, called[1]))
        else:
            out.append({key: value for key, value in message.items() if key != "function_call"})
            continue
        builder.record("messages.function_call", "mapped", CALLS_AS_TOOL_CALLS)
    return out


def _calling(message: MessageDict, call: Mapping[str, Any], id_: str) -> MessageDict:
    """Return the assistant message with this call."""
    function = {"name": call.get("name"), "arguments": call.get("arguments") or "{}"}
    rest = {key: value for key, value in message.items() if key != "function_call"}
    return {"content": None, **rest, "tool_calls": [{"id": id_, "type": "function", "function": function}]}


def in_legacy_terms(refused: Refused, fields: Mapping[str, Any]) -> Refused:
    """Rewrite a refusal of tools for a client that sent functions."""
    field, rest = _split(refused.param)
    legacy_field = NAMES.get(field)
    if legacy_field is None or legacy_field not in fields or field in fields:
        return refused
    message, name = refused.message, refused.message.fields.get("name")
    if isinstance(name, str) and name.startswith(field):
        message = message.with_fields(name=legacy_field + name.removeprefix(field))
    return Refused(legacy_field + rest, message, refused.code)


def _split(param: str) -> tuple[str, str]:
    end = min((at for at in (param.find("["), param.find(".")) if at >= 0), default=len(param))
    return param[:end], param[end:]
