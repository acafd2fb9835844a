"""LM Studio: a local server that refuses a named tool, JSON mode without a schema, and images at URLs.

Sources: lmstudio.ai/docs/developer/openai-compat, and issues 670, 169, 307 and 1120 of lmstudio-bug-tracker (2024 to 2026),
as collected in docs/vendors/presets.md.
"""

from typing import Any

from adapters.core.builder import RequestBuilder
from adapters.core.message import Message
from adapters.rules.defaults import ONE_CALL_PER_CHOICE
from adapters.rules.reasons import SENT_AS_IS
from adapters.rules.server_messages import ServerMessages
from adapters.rules.tool_choice import ToolChoice
from adapters.rules.verdicts import Rename, Rewrite, never
from adapters.vendors.openai_compatible import CHOSEN_TOOLS, preset

ANY_OBJECT = {"type": "json_schema", "json_schema": {"name": "object", "schema": {"type": "object"}}}
AS_SCHEMA = Message("json_object is sent as the schema of any object")


def with_schema(name: str, value: dict[str, Any], builder: RequestBuilder) -> None:
    """Send ``json_object`` as a schema: 400 "'response_format.type' must be 'json_schema' or 'text'"."""
    if value["type"] == "json_object":
        builder.body[name] = ANY_OBJECT
        builder.record(name, "mapped", AS_SCHEMA)
    else:
        builder.body[name] = value
        builder.record(name, "honoured", SENT_AS_IS)


LMSTUDIO = preset(
    "lmstudio",
    "LM Studio",
    docs="https://lmstudio.ai/docs/developer/openai-compat",
    base_urls={"local": "http://localhost:1234/v1"},
    # 400 "'url' field must be a base64 encoded image"
    messages=ServerMessages(developer_as="system", image_urls=False),
    chat={
        "max_completion_tokens": Rename("max_tokens"),
        "n": ONE_CALL_PER_CHOICE,
        "response_format": Rewrite(with_schema, AS_SCHEMA, ("honoured", "mapped")),
        "tools": CHOSEN_TOOLS,
        # 400 "Invalid tool_choice type: 'object'. Supported string values: none, auto, required"
        "tool_choice": ToolChoice(named=never),
    },
    completions={},
    embeddings={},
)
