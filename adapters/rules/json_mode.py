"""Rules for ``response_format``: JSON mode and JSON Schema, which vendors support by model."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from adapters.core.adaptations import VerdictWord
from adapters.core.builder import RequestBuilder
from adapters.core.message import Message
from adapters.rules.reasons import DEFAULT_OMITTED, SENT_AS_IS
from adapters.rules.tools import send_schema
from adapters.rules.verdicts import Condition, lacks

CONFLICT = Message("JSON mode cannot be combined with thinking")
NOT_WHILE_THINKING = Message("the model has no JSON mode while thinking: turn thinking off for this name")
NO_JSON = Message("the model has no JSON mode, and banjia does not emulate it: map the name to a model that has")
NO_SCHEMA = Message("the model does not support json_schema, and banjia does not emulate it: use json_object")
WORD_ADDED = Message("a system message was added, because the vendor's JSON mode requires the word {word}", word="json")
BY_MODEL = Message("json_object and json_schema, depending on the model")
HAS_JSON, HAS_SCHEMA = lacks("no_json"), lacks("no_schema")


def json_mode(builder: RequestBuilder) -> Message | None:
    """Return why a request in JSON mode runs without thinking: a rule for ``ReasoningSwitch.excludes``."""
    response_format = builder.request.fields.get("response_format") or {}
    return CONFLICT if response_format.get("type") == "json_object" else None


@dataclass(frozen=True, slots=True)
class JsonMode:
    """One vendor's rules for ``response_format``; used as the verdict.

    ``json``: models with JSON mode (``json_object``). ``schema``: models that support ``json_schema``; they have JSON mode
    as well. ``dialect`` rewrites a schema in the vendor's dialect of JSON Schema, and raises NotExpressible. ``word`` must
    occur in the messages of a request in JSON mode; a system message with it is added if it does not.
    ``while_thinking``: JSON mode can be combined with thinking. ``no_json`` and ``no_schema`` are the reasons of a refusal.
    """

    json: Condition = HAS_JSON
    schema: Condition = HAS_SCHEMA
    dialect: Callable[[Any], dict[str, Any]] | None = None
    word: str | None = None
    while_thinking: bool = True
    no_json: Message = NO_JSON
    no_schema: Message = NO_SCHEMA
    why: Message = BY_MODEL
    words: tuple[VerdictWord, ...] = ("honoured", "mapped", "refused")

    def apply(self, name: str, value: dict[str, Any], builder: RequestBuilder) -> None:
        """Write the format, and the messages if they need the word. Raises Refused."""
        kind, json = value["type"], self.json(builder)
        if kind == "text" and not json:
            builder.record(name, "mapped", DEFAULT_OMITTED)
            return
        if kind == "json_schema":
            value = self._schema(name, value, builder)
        elif kind == "json_object":
            if not json:
                builder.refuse(name, self.no_json)
            if builder.thinks and not self.while_thinking:
                builder.refuse(name, NOT_WHILE_THINKING)
        builder.body[name] = value
        builder.record(name, "honoured", SENT_AS_IS)
        if kind == "json_object" and self.word is not None:
            self._add_word(self.word, builder)

    def _schema(self, name: str, value: dict[str, Any], builder: RequestBuilder) -> dict[str, Any]:
        """Return the format with the schema in the vendor's dialect. Raises Refused."""
        if not (self.schema(builder) and self.json(builder)):
            builder.refuse(name, self.no_schema if self.json(builder) else self.no_json)
        named = value.get("json_schema", {})
        if self.dialect is None or "schema" not in named:
            return value
        schema = send_schema(f"{name}.json_schema.schema", named["schema"], self.dialect, name, builder)
        return {**value, "json_schema": {**named, "schema": schema}}

    def _add_word(self, word: str, builder: RequestBuilder) -> None:
        """Add a system message unless the messages have the word."""
        if word in str(builder.body.get("messages")).lower():
            return
        hint = {"role": "system", "content": f"Answer with a {word.upper()} object."}
        builder.body["messages"] = [hint, *builder.body["messages"]]
        builder.record("messages", "mapped", WORD_ADDED)
