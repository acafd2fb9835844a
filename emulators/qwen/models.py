"""Qwen's models (sheet 3a, 3b, 3c). Context windows and output limits in tokens."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Model:
    """A row of sheet 3a, and the rules of sheet 4 for such models."""

    id: str
    most_in: int
    most_out: int
    thinking: Literal["never", "off", "on", "always"] = "never"
    """`enable_thinking` can change `off` and `on`, which are the defaults (sheet 4b)."""
    sees: bool = False
    hears: bool = False
    tools: bool = True
    json: bool = True
    schema: bool = False
    stream_only: bool = False
    many: Literal["never", "unless thinking", "always"] = "never"
    """Whether n may be more than 1 (sheet 4a: n)."""
    required: bool = False
    """Whether tool_choice may be `required` (sheet 4a; which ids is uncertain: M)."""
    logprobs: bool = False
    caps_all: bool = False
    """Whether max_completion_tokens is known (sheet 4a); other models ignore it."""
    efforts: tuple[str, ...] = ()
    thinks_in_streams_only: bool = False
    """The old rule of sheet 4b: enable_thinking. The sheet does not state which models still have it: open qwen3."""


_M = 1_000_000
_LONG = 991_808
_EFFORTS = ("low", "medium", "xhigh")

_NEW = Model("", _M, 65_536, "on", sees=True, required=True)
_CAPPED = replace(_NEW, most_in=_LONG, caps_all=True)
_SCHEMA = replace(_CAPPED, schema=True)
_OLD = Model("", 131_072, 8_192)
_CODER = Model("", 997_952, 65_536)
_OMNI = Model("", 262_144, 65_536, sees=True, hears=True, stream_only=True)
_OPEN = Model("", 131_072, 16_384, "on", many="unless thinking", logprobs=True, thinks_in_streams_only=True)
_MT = Model("", 16_384, 8_192, tools=False, json=False)
_MATH = Model("", 4_096, 3_072, tools=False, json=False)

_ROWS: dict[str, Model] = {
    "qwen3.8-max": replace(_SCHEMA, most_out=131_072, efforts=_EFFORTS),
    "qwen3.8-flash": replace(_SCHEMA, most_out=131_072, efforts=_EFFORTS),
    "qwen3.8-omni-flash": replace(_CAPPED, most_out=131_072, hears=True, efforts=_EFFORTS),
    "qwen3.7-max": replace(_SCHEMA, sees=False),
    "qwen3.7-plus": _SCHEMA,
    "qwen3.7-flash": _SCHEMA,
    "qwen3.6-plus": replace(_NEW, caps_all=True),
    "qwen3.6-flash": _NEW,
    "qwen3.6-max-preview": replace(_NEW, most_in=262_144, sees=False),
    "qwen3.5-plus": _CAPPED,
    "qwen3.5-flash": _NEW,
    "qwen3-max": Model("", 258_048, 65_536, "off", required=True),
    "qwen3-max-preview": Model("", 262_144, 65_536, "off"),
    "qwen-plus": Model("", 997_952, 32_768, "off", many="always"),
    "qwen-plus-latest": Model("", 997_952, 32_768, "off"),
    "qwen-plus-character": replace(_OLD, many="always"),
    "qwen-flash": Model("", 997_952, 32_768, "off"),
    "qwen-turbo": Model("", _M, 16_384, "off"),
    "qwen-max": replace(_OLD, most_in=30_720),
    "qwen-long": replace(_OLD, most_in=10_000_000, tools=False),
    "qwen3-coder-plus": _CODER,
    "qwen3-coder-flash": _CODER,
    "qwen3-vl-plus": Model("", 260_096, 32_768, "off", sees=True),
    "qwen3-vl-flash": Model("", 260_096, 32_768, "off", sees=True),
    "qwen-vl-max": replace(_OLD, sees=True),
    "qwen-vl-plus": replace(_OLD, sees=True, tools=False),
    "qwen-vl-ocr": Model("", 34_096, 4_096, sees=True, tools=False, json=False),
    "qvq-max": replace(_OLD, thinking="always", sees=True, stream_only=True),
    "qwq-plus": replace(_OLD, thinking="always", stream_only=True),
    "qwq-32b": replace(_OLD, thinking="always", stream_only=True),
    "qwen3.5-omni-plus": _OMNI,
    "qwen3.5-omni-flash": _OMNI,
    "qwen3-omni-flash": replace(_OMNI, most_in=65_536, most_out=16_384),
    "qwen-omni-turbo": replace(_OMNI, most_in=32_768, most_out=2_048),
    "qwen-mt-plus": _MT,
    "qwen-mt-turbo": _MT,
    "qwen-math-plus": _MATH,
    "qwen-math-turbo": _MATH,
    "qwen3-235b-a22b": _OPEN,
    "qwen3-32b": _OPEN,
    "qwen3-30b-a3b": _OPEN,
    "qwen3-14b": _OPEN,
    "qwen3-8b": _OPEN,
    "qwen3-4b": _OPEN,
    "qwen3-235b-a22b-instruct-2507": replace(_OPEN, thinking="never"),
    "qwen3-235b-a22b-thinking-2507": replace(_OPEN, thinking="always", thinks_in_streams_only=False),
    "qwen3-next-80b-a3b-instruct": replace(_OPEN, thinking="never"),
    "qwen3-next-80b-a3b-thinking": replace(_OPEN, thinking="always", thinks_in_streams_only=False),
    "qwen3-coder-480b-a35b-instruct": replace(_OPEN, most_in=262_144, most_out=65_536, thinking="never"),
    "qwen3-coder-30b-a3b-instruct": replace(_OPEN, most_in=262_144, most_out=65_536, thinking="never"),
    "qwen2.5-72b-instruct": _OLD,
    "qwen2.5-32b-instruct": _OLD,
    "qwen2.5-14b-instruct": _OLD,
    "qwen2.5-7b-instruct": _OLD,
}
MODELS: dict[str, Model] = {name: replace(row, id=name) for name, row in _ROWS.items()}

NATIVE_ONLY = ("qwen-audio-turbo", "qwen-audio-chat")
"""Sheet 3b: never in compatible mode."""


@dataclass(frozen=True, slots=True)
class Embedder:
    """A row of sheet 3c: dimensions (default first), texts a call, tokens a text."""

    id: str
    dimensions: tuple[int, ...]
    most_texts: int
    most_tokens: int


EMBEDDERS: dict[str, Embedder] = {
    one.id: one
    for one in (
        Embedder("text-embedding-v4", (1024, 2048, 1536, 768, 512, 256, 128, 64), 10, 8_192),
        Embedder("text-embedding-v3", (1024, 768, 512, 256, 128, 64), 10, 8_192),
        Embedder("text-embedding-v2", (1536,), 25, 2_048),
        Embedder("text-embedding-v1", (1536,), 25, 2_048),
    )
}


def thinks(model: Model, body: dict[str, Any]) -> bool:
    """Return whether this request has thinking enabled (sheet 4b: enable_thinking)."""
    if model.thinking in ("never", "always"):
        return model.thinking == "always"
    enable_thinking = body.get("enable_thinking")
    return enable_thinking if isinstance(enable_thinking, bool) else model.thinking == "on"


def listing() -> Iterator[dict[str, Any]]:
    """Yield what `GET /models` lists (sheet 2: an OpenAI list; its body is not documented)."""
    for name in (*MODELS, *EMBEDDERS):
        yield {"id": name, "object": "model", "created": 1_762_000_000, "owned_by": "system"}
