"""Converts tools to text for models that have none: a system prompt, and plain turns for earlier calls and results.

This happens during planning, before a vendor's table applies, so that its rules for messages see plain turns. The wrapper
``prompted_tools`` (``adapters/emulations``) reads the calls in the answer.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from adapters.core.builder import RequestBuilder
from adapters.core.failures import Refused
from adapters.core.message import Message
from adapters.json_schema.graph import MOST_COMPILE_US, SchemaReader
from adapters.json_schema.invalid import InvalidSchema
from adapters.json_schema.validator import MOST_SCHEMA_BYTES, AnyObject, TextChecker, compile_schema
from adapters.rules.json_mode import with_text, with_user_text
from adapters.rules.messages import EMPTY, MessageDict, has_content
from adapters.rules.reasons import DEFAULT_OMITTED, EMPTY_OMITTED
from adapters.rules.tool_choice import NOT_A_FUNCTION, check_tool_choice, function_name
from adapters.rules.tools import EMULATION, SINGLE_CALL, OfferedTools

FACT = "no_tools"
"""The fact of models that have no tools."""
PROMPTED = Message("the model has no tools: they are in the prompt, and banjia reads the calls in the answer")
CHOICE_IN_PROMPT = Message("expressed in the prompt, and checked in the answer")
NOT_OFFERED = Message("omitted: the model has no tools, and no call is requested")
CALLS_AS_TEXT = Message("calls and results are sent as text, because the model has no tools")
TOO_LARGE = Message("the schemas of all tools have more than {most} bytes", most=MOST_SCHEMA_BYTES)
TOO_SLOW = Message("the patterns are too large: use fewer repetitions")
ONLY_TEXT = Message("the model has no tools, so a tool result can only contain text")

OFFER = """You can call functions. These are the functions, as JSON:
{functions}

To call functions, answer with exactly one JSON object and nothing else, whatever the conversation says about the format:
{{"tool_calls": [{{"name": "<name of the function>", "arguments": {{<arguments by its parameters>}}}}]}}
The results come in the next message."""
MAY_CALL = "If no function is needed, answer as usual, without such an object."
MUST_CALL = "You must call at least one function now."
MUST_CALL_ONE = "You must call the function {name} now."
ONE_CALL = "Call at most one function in an answer."
RESULT = "Result of {name}:\n{content}"


def tools_as_prompt(builder: RequestBuilder) -> None:
    """Replace tools by text in the builder's request. Raises Refused for what can't be expressed so.

    Does nothing if the operator has disabled the emulation: the vendor's table then refuses tools.
    """
    if EMULATION in builder.disabled_emulations or not uses_tools(builder.request.fields):
        return
    fields = dict(builder.request.fields)
    choice = fields.pop("tool_choice", None)
    check_tool_choice("tool_choice", choice, builder)
    if type(choice) is dict and function_name(choice) is None:
        builder.refuse("tool_choice", NOT_A_FUNCTION)
    tools = fields.pop("tools", None)
    parallel = fields.pop(SINGLE_CALL, None) if tools else None
    fields["messages"] = as_text(fields["messages"], builder)
    if tools and choice != "none":
        offered = [tool for tool in tools if type(choice) is not dict or function_name(tool) == function_name(choice)]
        required, single = choice not in (None, "auto"), parallel is False
        checkers = argument_checkers(tools, offered, builder)
        builder.adaptations.pop("tools", None)  # of an empty list beside functions
        builder.emulate("tools", EMULATION, OfferedTools(checkers, required), PROMPTED)
        if single:
            builder.emulate(SINGLE_CALL, SINGLE_CALL, True, CHOICE_IN_PROMPT)
        builder.answer_whole()
        fields["messages"] = with_offer(fields["messages"], offer(offered, choice, single), builder)
    elif tools is not None:
        builder.record("tools", "mapped", NOT_OFFERED if tools else EMPTY_OMITTED)
    for name, value, default in (("tool_choice", choice, "auto"), (SINGLE_CALL, parallel, True)):
        if value is not None and name not in builder.emulations:
            why = DEFAULT_OMITTED if value == default else NOT_OFFERED if value == "none" else CHOICE_IN_PROMPT
            builder.record(name, "mapped", why)
    builder.request = builder.request.with_fields(fields)


def uses_tools(fields: Mapping[str, Any]) -> bool:
    """Whether a request has tools, a choice of them, or messages with calls or results."""
    if not fields.keys().isdisjoint(("tools", "tool_choice")):
        return True
    return any(message["role"] == "tool" or "tool_calls" in message for message in fields["messages"])


def argument_checkers(tools: list[Any], offered: list[Any], builder: RequestBuilder) -> dict[str, TextChecker]:
    """Return the check of each offered function's arguments. Raises Refused for a schema that can't be checked.

    The limits on one schema's size and patterns hold for all together, so that a plan takes no longer than with one.
    """
    checkers: dict[str, TextChecker] = {}
    size = compile_us = 0
    for at, tool in enumerate(tools):
        if tool["type"] != "function":
            builder.refuse(
                f"tools[{at}].type", Message("the vendor supports only tools of type {types}", types="function")
            )
        parameters = tool["function"].get("parameters")
        if tool not in offered or not parameters:
            checkers.update({} if tool not in offered else {tool["function"]["name"]: AnyObject()})
            continue
        try:
            checker = compile_schema({"type": "object", **parameters})
            size += len(orjson.dumps(parameters))
            compile_us += SchemaReader(parameters).compile_us
            if size > MOST_SCHEMA_BYTES or compile_us > MOST_COMPILE_US:
                raise InvalidSchema("", TOO_LARGE if size > MOST_SCHEMA_BYTES else TOO_SLOW)
        except InvalidSchema as invalid:
            where = f"tools[{at}].function.parameters{invalid.path}"
            raise Refused(
                where, Message("Invalid '{where}': {why}.", where=where, why=invalid.why), code=None
            ) from None
        checkers[tool["function"]["name"]] = checker
    return checkers


def offer(tools: list[Any], choice: Any, single: bool) -> str:
    """Return the prompt that offers these tools."""
    members = ("name", "description", "parameters")
    functions = [{key: tool["function"][key] for key in members if key in tool["function"]} for tool in tools]
    if type(choice) is dict:
        rule = MUST_CALL_ONE.format(name=function_name(choice))
    else:
        rule = MUST_CALL if choice == "required" else MAY_CALL
    text = OFFER.format(functions=orjson.dumps(functions).decode())
    return "\n".join([text, rule, *([ONE_CALL] if single else [])])


def with_offer(messages: list[MessageDict], text: str, builder: RequestBuilder) -> list[MessageDict]:
    """Return the messages with the prompt: in the system message, or in the last user message if the model has none."""
    if messages and messages[0]["role"] in ("system", "developer"):
        return [with_text(messages[0], text), *messages[1:]]
    if builder.model.facts.get("no_system"):
        return with_user_text(messages, text)
    return [{"role": "system", "content": text}, *messages]


def as_text(messages: list[MessageDict], builder: RequestBuilder) -> list[MessageDict]:
    """Return the messages with earlier calls as text, and with the results that follow each other as one user message."""
    names: dict[Any, str] = {}
    out: list[MessageDict] = []
    results: list[str] = []
    for at, message in enumerate(messages):
        if message["role"] == "tool":
            name = names.get(message.get("tool_call_id"), "the function")
            results.append(RESULT.format(name=name, content=result_text(f"messages[{at}].content", message, builder)))
            continue
        add_results(out, results)
        calls = message.get("tool_calls")
        if calls:
            names.update((call.get("id"), str(function_name(call))) for call in calls)
            builder.record("messages.tool_calls", "mapped", CALLS_AS_TEXT)
        out.append(calling_turn(message, calls) if calls else message)
    add_results(out, results)
    return out


def add_results(out: list[MessageDict], results: list[str]) -> None:
    """Append the results as one user message, and clear them."""
    if results:
        out.append({"role": "user", "content": "\n\n".join(results)})
        results.clear()


def result_text(where: str, message: MessageDict, builder: RequestBuilder) -> str:
    """Return the text of a tool result; ``EMPTY`` for a blank one. Raises Refused for other content."""
    content: Any = message.get("content") or ""
    if type(content) is str:
        return content if has_content(content) else EMPTY
    if any(part["type"] != "text" for part in content):
        builder.refuse(where, ONLY_TEXT)
    return "".join(part["text"] for part in content) if has_content(content) else EMPTY


def calling_turn(message: MessageDict, calls: list[Any]) -> MessageDict:
    """Return an assistant message with its calls as text, in the form in which the prompt asks for them."""
    rest = {key: member for key, member in message.items() if key != "tool_calls"}
    made = [{"name": function_name(call), "arguments": parsed(call)} for call in calls]
    return with_text(rest, orjson.dumps({"tool_calls": made}).decode())


def parsed(call: Any) -> Any:
    """Return the arguments of a call as a value; as the text if they are no JSON that can be sent."""
    text = (call.get("function") or {}).get("arguments") or "{}"
    try:
        value = orjson.loads(text)
        orjson.dumps(value)
    except (orjson.JSONDecodeError, TypeError):
        return text
    return value
