"""Rules for ``response_format``: JSON mode and JSON Schema, which vendors support by model.

What a model lacks is emulated: the schema goes into the prompt, in JSON mode where that is possible, and the wrapper
``structured_output`` checks the answer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from adapters.core.adaptations import VerdictWord
from adapters.core.builder import RequestBuilder
from adapters.core.failures import Refused
from adapters.core.message import Message
from adapters.json_schema.invalid import InvalidSchema
from adapters.json_schema.validator import AnyObject, TextChecker, compile_schema
from adapters.rules.reasons import DEFAULT_OMITTED, SENT_AS_IS
from adapters.rules.tools import SCHEMAS_REWRITTEN, NotExpressible
from adapters.rules.verdicts import Condition, always, has, lacks

EMULATION = "response_format"
"""The name in ``policy.emulate``."""
CONFLICT = Message("JSON mode cannot be combined with thinking")
NO_JSON = Message("the model has no JSON mode: the prompt requests a JSON object, and banjia checks the answer")
NO_SCHEMA = Message("the model does not support json_schema: the schema is in the prompt, and banjia checks the answer")
IGNORED = Message("the model ignores json_schema: the schema is also in the prompt, and banjia checks the answer")
WORD_ADDED = Message("a system message was added, because the vendor's JSON mode requires the word {word}", word="json")
BY_MODEL = Message("json_object and json_schema, depending on the model; others are emulated by prompt and check")
CONTINUES = Message("it is emulated for this model, and an emulated answer cannot continue an assistant message")
HAS_JSON, HAS_SCHEMA = lacks("no_json"), lacks("no_schema")
IGNORES_SCHEMA = has("ignores_schema")

OBJECT_PROMPT = "Answer with a JSON object and nothing else: no explanation and no code fence."
SCHEMA_PROMPT = (
    "Answer with JSON that is valid by the JSON Schema below, and with nothing else: no explanation and no code fence."
)


def json_mode(response_format: Any, builder: RequestBuilder) -> Message | None:
    """Return why a request in JSON mode runs without thinking: for ``response_format`` in ``ReasoningSwitch.excludes``."""
    return CONFLICT if response_format.get("type") == "json_object" else None


def begins_with_system(builder: RequestBuilder) -> bool:
    """Whether the first message is a system message, to which a text can be added."""
    return bool(builder.body["messages"][0]["role"] == "system")


@dataclass(frozen=True, slots=True)
class JsonMode:
    """One vendor's rules for ``response_format``; used as the verdict.

    ``json``: models with JSON mode (``json_object``). ``schema``: models that support ``json_schema``; they have JSON mode
    as well. ``dialect`` rewrites a schema in the vendor's dialect of JSON Schema, and raises NotExpressible. ``word`` must
    occur in the messages of a request in JSON mode; a system message with it is added if it does not.
    ``while_thinking``: JSON mode can be combined with thinking. ``in_system_message``: requests whose instruction may
    be in the system message; in others it is added to the last user message.
    """

    json: Condition = HAS_JSON
    schema: Condition = HAS_SCHEMA
    dialect: Callable[[Any], dict[str, Any]] | None = None
    word: str | None = None
    while_thinking: bool = True
    in_system_message: Condition = always
    why: Message = BY_MODEL
    words: tuple[VerdictWord, ...] = ("honoured", "mapped", "emulated", "refused")

    def apply(self, name: str, value: dict[str, Any], builder: RequestBuilder) -> None:
        """Write the format, and into the messages what it needs there. Raises Refused."""
        kind = value["type"]
        if kind == "json_schema":
            self._schema(name, value, builder)
        elif kind == "json_object":
            self._object(name, value, builder)
        elif self.json(builder):
            builder.body[name] = value
            builder.record(name, "honoured", SENT_AS_IS)
        else:
            builder.record(name, "mapped", DEFAULT_OMITTED)

    def _object(self, name: str, value: dict[str, Any], builder: RequestBuilder) -> None:
        if not self._has_json_mode(builder):
            self._emulate(name, AnyObject(), OBJECT_PROMPT, NO_JSON, builder)
            return
        builder.body[name] = value
        builder.record(name, "honoured", SENT_AS_IS)
        if self.word is not None:
            self._add_word(self.word, builder)

    def _has_json_mode(self, builder: RequestBuilder) -> bool:
        return self.json(builder) and (self.while_thinking or not builder.thinks)

    def _schema(self, name: str, value: dict[str, Any], builder: RequestBuilder) -> None:
        """Send the schema in the vendor's dialect, or emulate it. Raises Refused."""
        named = value.get("json_schema") or {}
        # A schema that the vendor enforces would leave no room for calls in the text of the answer.
        native = self.schema(builder) and self.json(builder) and "tools" not in builder.emulations
        if native:
            try:
                sent = self._in_dialect(value, named)
            except NotExpressible as wrong:
                self._emulate_schema(name, named, wrong.why, builder)
                return
            builder.body[name] = sent
            if sent is not value and sent != value:
                builder.record(name, "mapped", SCHEMAS_REWRITTEN)
            if not IGNORES_SCHEMA(builder):
                builder.record(name, "honoured", SENT_AS_IS)
                return
        self._emulate_schema(name, named, IGNORED if native else NO_SCHEMA, builder)

    def _in_dialect(self, value: dict[str, Any], named: dict[str, Any]) -> dict[str, Any]:
        """Return the format with the schema in the vendor's dialect. Raises NotExpressible."""
        if self.dialect is None or "schema" not in named:
            return value
        return {**value, "json_schema": {**named, "schema": self.dialect(named["schema"])}}

    def _emulate_schema(self, name: str, named: dict[str, Any], why: Message, builder: RequestBuilder) -> None:
        schema = named.get("schema", {})
        try:
            checker = compile_schema(schema)
        except InvalidSchema as invalid:
            where = f"{name}.json_schema.schema{invalid.path}"
            raise Refused(
                where, Message("Invalid '{where}': {why}.", where=where, why=invalid.why), code=None
            ) from None
        if name not in builder.body and self._has_json_mode(builder) and schema.get("type", "object") == "object":
            builder.body[name] = {"type": "json_object"}
        parts = [SCHEMA_PROMPT, str(named.get("description") or ""), orjson.dumps(schema).decode()]
        self._emulate(name, checker, "\n".join(filter(None, parts)), why, builder)

    def _emulate(self, name: str, checker: TextChecker, prompt: str, why: Message, builder: RequestBuilder) -> None:
        """Add the instruction to the messages, and have the answer checked. Raises Refused."""
        builder.emulate(name, EMULATION, checker, why)
        if builder.body["messages"][-1]["role"] == "assistant":
            builder.refuse(name, CONTINUES)
        builder.answer_whole()
        if self.in_system_message(builder):
            builder.body["messages"] = with_system_text(builder.body["messages"], prompt)
        else:
            builder.body["messages"] = with_user_text(builder.body["messages"], prompt)

    def _add_word(self, word: str, builder: RequestBuilder) -> None:
        """Add a system message unless the messages have the word."""
        if word in str(builder.body.get("messages")).lower():
            return
        hint = {"role": "system", "content": f"Answer with a {word.upper()} object."}
        builder.body["messages"] = [hint, *builder.body["messages"]]
        builder.record("messages", "mapped", WORD_ADDED)


def with_system_text(messages: list[dict[str, Any]], text: str) -> list[dict[str, Any]]:
    """Return the messages with a text at the end of the first system message, which is inserted if there is none."""
    first = messages[0]
    if first["role"] != "system":
        return [{"role": "system", "content": text}, *messages]
    return [with_text(first, text), *messages[1:]]


def with_user_text(messages: list[dict[str, Any]], text: str) -> list[dict[str, Any]]:
    """Return the messages with a text at the end of the last user message; as a user message if there is none."""
    for at in reversed(range(len(messages))):
        if messages[at]["role"] == "user":
            return [*messages[:at], with_text(messages[at], text), *messages[at + 1 :]]
    return [{"role": "user", "content": text}, *messages]


def with_text(message: dict[str, Any], text: str) -> dict[str, Any]:
    """Return the message with a text at its end, after an empty line."""
    content = message.get("content")
    if type(content) is list:
        return {**message, "content": [*content, {"type": "text", "text": f"\n\n{text}"}]}
    return {**message, "content": f"{content}\n\n{text}" if content else text}
