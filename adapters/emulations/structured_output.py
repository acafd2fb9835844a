"""JSON Schema and JSON mode for models that lack them: checks that the content of an answer is JSON as requested.

The instruction is in the prompt (``adapters/rules/json_mode.py``). Answers that did not end by themselves, refusals and tool
calls pass unchecked, as at OpenAI.
"""

import re
from typing import Any

from adapters.core.event import Event
from adapters.core.message import Message
from adapters.core.request import ApiRequest
from adapters.core.vendor import Plan
from adapters.emulations.checked_response import ResponseChecker, with_complaint
from adapters.json_schema.validator import TextChecker
from adapters.rules.json_mode import EMULATION

FENCE = re.compile(r"```[A-Za-z0-9_+-]*[ \t]*\r?\n(.*?)\r?\n?[ \t]*```", re.DOTALL)
REPAIR_PROMPT = "That answer is invalid: {problem}. Answer again, with the corrected JSON and nothing else."
EMPTY = Message("the content is empty")


def structured_output(plan: Plan) -> ResponseChecker | None:
    """Return the check of the content if the plan emulates ``response_format``."""
    text_checker = plan.emulations.get(EMULATION)
    return None if text_checker is None else JsonContent(text_checker, plan.target.repair_limit(EMULATION))


class JsonContent:
    """Checks the content of an answer. ``most_tokens``: the largest prompt of a repair; 0 for none."""

    def __init__(self, text_checker: TextChecker, most_tokens: int) -> None:
        self._text_checker = text_checker
        self._most_tokens = most_tokens

    def check(self, event: Event) -> Message | None:
        """Return what is wrong with the content. Spaces around it and one code fence are removed."""
        for choice in event.data["choices"]:
            if not is_checked(choice):
                continue
            content = choice["message"].get("content") or ""
            text = json_text(content)
            problem = EMPTY if not text else self._text_checker.problem(text)
            if problem is not None:
                return problem
            if text != content:
                event.edit()
                choice["message"]["content"] = text
        return None

    def repair(self, request: ApiRequest, event: Event, problem: Message) -> ApiRequest | None:
        """Return the request with the invalid answer and what is wrong with it; after an empty answer, the same again."""
        return with_complaint(request, event, REPAIR_PROMPT.format(problem=problem), self._most_tokens)


def is_checked(choice: dict[str, Any]) -> bool:
    """Whether a choice ended by itself, with content instead of calls or a refusal."""
    message = choice["message"]
    calls = message.get("tool_calls") or message.get("function_call")
    return choice["finish_reason"] == "stop" and not calls and not message.get("refusal")


def json_text(content: str) -> str:
    """Return the content without spaces around it and without one code fence."""
    text = content.strip()
    fenced = FENCE.fullmatch(text)
    return fenced[1].strip() if fenced else text
