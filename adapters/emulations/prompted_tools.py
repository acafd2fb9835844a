"""Tools of models that have none: reads the calls in the text of an answer, and checks them.

The prompt (``adapters/translations/tools_as_prompt.py``) asks for exactly one JSON object with the calls. All other texts are
the answer. An answer that the vendor cut off passes as it came.
"""

import re
from typing import Any, NamedTuple

import orjson

from adapters.core.event import Event
from adapters.core.message import Message
from adapters.core.request import ApiRequest, AttemptIds
from adapters.core.vendor import Plan
from adapters.emulations.checked_response import NO_CALL, ResponseChecker, with_complaint
from adapters.emulations.structured_output import json_text
from adapters.json_schema.validator import BUDGET_NS, InvalidText, parse_text, shortened
from adapters.rules.tools import EMULATION, OfferedTools

BEGINS_CALLS = re.compile(r"\{\s*\"tool_calls\"")
"""The beginning of a text that is meant as calls, also if it is invalid."""
MOST_CALLS = 128
LONGEST_NAME = 64
REPAIR_PROMPT = "That answer is invalid: {problem}. Answer again, in the form that the instructions ask for."
NOT_CALLS = Message("its tool_calls are not a list of objects with name and arguments")
TOO_MANY = Message("it has more than {most} tool calls", most=MOST_CALLS)


class TextCall(NamedTuple):
    """A call in the text of an answer; ``arguments`` is JSON text."""

    name: str
    arguments: str


class InvalidCalls(Exception):
    """The calls in a text are invalid. ``problem``: what is wrong with them, as part of a sentence."""

    def __init__(self, problem: Message) -> None:
        super().__init__(problem)
        self.problem = problem


def prompted_tools(plan: Plan, attempt_ids: AttemptIds) -> ResponseChecker | None:
    """Return the check of the calls if the plan emulates ``tools``."""
    offered = plan.emulations.get(EMULATION)
    return None if offered is None else TextCalls(offered, attempt_ids, plan.target.repair_limit(EMULATION))


class TextCalls:
    """Converts the calls in the text of each choice to OpenAI's. ``most_tokens``: the largest prompt of a repair."""

    def __init__(self, offered: OfferedTools, attempt_ids: AttemptIds, most_tokens: int) -> None:
        self._offered = offered
        self._attempt_ids = attempt_ids
        self._most_tokens = most_tokens

    def check(self, event: Event) -> Message | None:
        """Return what is wrong with the calls of the first choice that has invalid ones, or lacks a required one."""
        found: list[tuple[dict[str, Any], list[TextCall]]] = []
        for choice in event.data["choices"]:
            if choice["finish_reason"] in ("length", "content_filter") or choice["message"].get("refusal"):
                continue
            try:
                calls = read_calls(choice["message"].get("content") or "", self._offered)
            except InvalidCalls as invalid:
                return invalid.problem
            if calls:
                found.append((choice, calls))
            elif self._offered.required:
                return NO_CALL
        for choice, calls in found:
            event.edit()
            self._convert(choice, calls)
        return None

    def repair(self, request: ApiRequest, event: Event, problem: Message) -> ApiRequest | None:
        """Return the request with the invalid answer and what is wrong with it."""
        return with_complaint(request, event, REPAIR_PROMPT.format(problem=problem), self._most_tokens)

    def _convert(self, choice: dict[str, Any], calls: list[TextCall]) -> None:
        prefix = f"call_{self._attempt_ids.answer_id}{choice['index']:02d}"
        choice["message"]["content"] = None
        choice["message"]["tool_calls"] = [
            {
                "id": f"{prefix}{at:02d}",
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for at, call in enumerate(calls)
        ]
        choice["finish_reason"] = "tool_calls"


def read_calls(content: str, offered: OfferedTools) -> list[TextCall]:
    """Return the calls that a text consists of; none for another text. Raises InvalidCalls.

    Spaces around the object and one code fence are allowed, as in structured output.
    """
    text = json_text(content)
    if not BEGINS_CALLS.match(text):
        return []
    try:
        value = parse_text(text).value
    except InvalidText as invalid:
        raise InvalidCalls(invalid.problem) from None
    listed = value["tool_calls"] if value.keys() == {"tool_calls"} else None
    if type(listed) is not list or not listed:
        raise InvalidCalls(NOT_CALLS)
    if len(listed) > MOST_CALLS:
        raise InvalidCalls(TOO_MANY)
    budget_ns = BUDGET_NS // len(listed)
    return [read_call(call, offered, budget_ns) for call in listed]


def read_call(call: Any, offered: OfferedTools, budget_ns: int) -> TextCall:
    """Return one call. Raises InvalidCalls if the function was not offered, or for arguments that its schema excludes."""
    if type(call) is not dict or call.keys() != {"name", "arguments"} or type(call["name"]) is not str:
        raise InvalidCalls(NOT_CALLS)
    name, arguments = call["name"], call["arguments"]
    checker = offered.arguments.get(name)
    if checker is None:
        raise InvalidCalls(Message("there is no function {name}", name=shortened(name, LONGEST_NAME)))
    if type(arguments) is not dict:
        raise InvalidCalls(Message("the arguments of {name} are not an object", name=name))
    text = orjson.dumps(arguments).decode()
    problem = checker.problem(text, budget_ns)
    if problem is not None:
        raise InvalidCalls(Message("in the arguments of {name}: {problem}", name=name, problem=problem))
    return TextCall(name, text)
