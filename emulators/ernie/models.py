"""ERNIE's models on v2 (sheet 3.1, 3.3, 3.4). Context windows, output limits and texts in tokens.

Models of other vendors that Qianfan resells are not served; other sheets describe them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

Formats = tuple[str, ...]
TEXT: Formats = ("text",)
OBJECT: Formats = ("text", "json_object")
ALL: Formats = ("text", "json_object", "json_schema")


@dataclass(frozen=True, slots=True)
class Model:
    """A row of sheet 3.3, or of 3.1 if it is retired, and the rules of sheet 4.3 for such models."""

    id: str
    most_in: int
    most_out: int
    price: tuple[str, str] | None = None
    """CNY for a thousand tokens, in and out (the lower step); `None`: the sheet has none."""
    window: int = 0
    """The context window in the list of models; 0: the same as `most_in`."""
    most_characters: int | None = None
    thinking: Literal["never", "off", "on", "always"] = "never"
    """`enable_thinking` can change `off` and `on`, which are the defaults."""
    sees: bool = False
    watches: bool = False
    tools: bool = False
    formats: Formats = ALL
    """The allowed types of response_format; empty: it is rejected."""
    temperature: bool = True
    steady: bool = True
    """Whether stop, seed and penalty_score are allowed (sheet 4.3: "not on X1")."""
    retired: bool = False


_K = 1_024

# Sheet 3.3, ernie-5.0, -5.1: "tools, reasoning". Whether thinking can be disabled is open (sheet 9: reasoning_effort vs
# enable_thinking on ERNIE 5.x). Strict reading: they always think.
_FIVE = Model("", 128 * _K, 65_536, thinking="always", tools=True)
_SEEING_FIVE = replace(_FIVE, price=("0.006", "0.024"), sees=True, watches=True)
# Sheet 3.3, below the table: whether 4.5 Turbo takes tools is disputed; the vendor's own page denies it.
_TURBO = Model("", 128 * _K, 12_288, ("0.0008", "0.0032"))
# Sheet 3.3: "12288-16384" for all three: the larger window has the larger answer, by the source of the row (sheet
# source G7). "`enable_thinking` on some", which ones is not stated: on the previews below, by the vendor's page on
# thinking.
_TURBO_VL = replace(_TURBO, most_out=16_384, price=("0.003", "0.009"), sees=True, watches=True, tools=True)
_TURBO_VL_32K = replace(_TURBO_VL, most_in=32 * _K, most_out=12_288)
# Sheet 3.3: "always reasoning; no seed, stop, penalty_score, response_format".
_X1 = Model("", 64 * _K, 65_536, ("0.001", "0.004"), thinking="always", tools=True, formats=(), steady=False)

_CURRENT: dict[str, Model] = {
    # Sheet 3.3: "reasoning; rejects temperature" (L). Its output limit and its price are not known, nor whether
    # reasoning can be disabled.
    "ernie-5.5-flash-preview": Model("", 1_024 * _K, 65_536, thinking="always", temperature=False),
    "ernie-5.1": replace(_FIVE, most_in=119 * _K, window=128 * _K, price=("0.004", "0.018")),
    "ernie-5.0": _SEEING_FIVE,
    # Sheet 4.3, reasoning_effort: a gateway sends these `enable_thinking`, which is false by default; their name
    # implies that they think without it. Strict reading: they do.
    "ernie-5.0-thinking-latest": replace(_SEEING_FIVE, thinking="on"),
    "ernie-5.0-thinking-preview": replace(_SEEING_FIVE, thinking="on"),
    "ernie-4.5-turbo-128k": _TURBO,
    "ernie-4.5-turbo-latest": _TURBO,
    "ernie-4.5-turbo-20260402": _TURBO,
    "ernie-4.5-turbo-32k": replace(_TURBO, most_in=32 * _K),
    "ernie-4.5-turbo-vl": _TURBO_VL,
    "ernie-4.5-turbo-vl-32k": _TURBO_VL_32K,
    "ernie-4.5-turbo-vl-latest": _TURBO_VL,
    # Not in the sheet by name ("some"); nothing is known but that they have the switch, so: no tools, no price.
    "ernie-4.5-turbo-vl-preview": replace(_TURBO_VL, thinking="off", tools=False, price=None),
    "ernie-4.5-turbo-vl-32k-preview": replace(_TURBO_VL_32K, thinking="off", tools=False, price=None),
    "ernie-4.5-8k-preview": Model("", 8 * _K, 2_048, ("0.004", "0.016"), sees=True),
    "ernie-x1.1": _X1,
    "ernie-x1.1-preview": _X1,
    # Sheet 4.2, keys by family: Character, Fiction and Novel have no response_format; the sheet says nothing else about
    # v2.
    "ernie-char-fiction-8k": Model("", 8 * _K, 2_048, ("0.0003", "0.0006"), formats=TEXT),
    "ernie-novel-8k": Model("", 8 * _K, 2_048, ("0.04", "0.12"), formats=TEXT),
    "qianfan-8b": Model("", 32 * _K, 16 * _K, ("0.0005", "0.001")),
    "qianfan-70b": Model("", 32 * _K, 16 * _K, ("0.0008", "0.0032")),
}

# Sheet 3.1: the v2 ids of 2024, with their limits in tokens and in characters; their features: 3.2.
_FLAGSHIP_8K = Model("", 5_120, 2_048, most_characters=20_000, tools=True, formats=OBJECT)
_FLAGSHIP_128K = Model("", 126_976, 4_096, most_characters=516_096, tools=True, formats=OBJECT)
_FREE_8K = Model("", 7_168, 2_048, most_characters=11_200, formats=TEXT)
_SMALL_8K = Model("", 6_144, 2_048, most_characters=24_000, formats=TEXT)
_FREE_128K = Model("", 126_976, 4_096, most_characters=507_904, formats=TEXT)
_PRO_128K = Model("", 126_976, 4_096, most_characters=516_096, formats=TEXT)
_2024: dict[str, Model] = {
    "ernie-4.0-8k": _FLAGSHIP_8K,
    "ernie-4.0-8k-latest": _FLAGSHIP_8K,
    "ernie-4.0-8k-preview": _FLAGSHIP_8K,
    "ernie-4.0-turbo-8k": _FLAGSHIP_8K,
    "ernie-4.0-turbo-8k-latest": _FLAGSHIP_8K,
    "ernie-4.0-turbo-8k-preview": _FLAGSHIP_8K,
    "ernie-4.0-turbo-128k": _FLAGSHIP_128K,
    "ernie-3.5-8k": _FLAGSHIP_8K,
    "ernie-3.5-8k-preview": _FLAGSHIP_8K,
    "ernie-3.5-128k": _FLAGSHIP_128K,
    "ernie-speed-8k": _FREE_8K,
    "ernie-speed-128k": _FREE_128K,
    "ernie-speed-pro-8k": _SMALL_8K,
    "ernie-speed-pro-128k": _PRO_128K,
    "ernie-lite-8k": _FREE_8K,
    "ernie-lite-pro-128k": replace(_PRO_128K, tools=True),
    "ernie-tiny-8k": _SMALL_8K,
    "ernie-char-8k": _SMALL_8K,
}
MODELS: dict[str, Model] = {
    **{name: replace(row, id=name) for name, row in _CURRENT.items()},
    **{name: replace(row, id=name, retired=True) for name, row in _2024.items()},
    "ernie-x1-turbo-32k": replace(_X1, id="ernie-x1-turbo-32k", most_in=32 * _K, retired=True),
}
"""Current: sheet 3.3. Retired: the sheet has no list; by a strict reading, the ids of 3.1 that 3.3 lacks, and
x1-turbo-32k, which has a successor there."""


@dataclass(frozen=True, slots=True)
class Embedder:
    """A row of sheet 3.4: dimensions; texts a call; tokens and characters a text."""

    id: str
    width: int
    most_tokens: int
    most_characters: int | None = None
    most_texts: int = 16


EMBEDDERS: dict[str, Embedder] = {
    one.id: one
    for one in (
        Embedder("embedding-v1", 384, 384, 1_000),
        Embedder("bge-large-zh", 1_024, 512, 2_000),
        Embedder("bge-large-en", 1_024, 512, 2_000),
        Embedder("tao-8k", 1_024, 8_192, 28_000, most_texts=1),
        Embedder("qwen3-embedding-0.6b", 1_024, 8_192),
        Embedder("qwen3-embedding-4b", 2_560, 8_192),
        Embedder("qwen3-embedding-8b", 4_096, 8_192),
    )
}


def thinks(model: Model, body: dict[str, Any]) -> bool:
    """Return whether this request has thinking enabled (sheet 4.3: enable_thinking)."""
    if model.thinking in ("never", "always"):
        return model.thinking == "always"
    enable_thinking = body.get("enable_thinking")
    return enable_thinking if isinstance(enable_thinking, bool) else model.thinking == "on"


def listing(models: dict[str, Model]) -> Iterator[dict[str, Any]]:
    """Yield what `GET /models` lists (sheet 5.2): no `created`, no `owned_by`; the sheet knows no type but `chat`."""
    for model in models.values():
        entry: dict[str, Any] = {
            "id": model.id,
            "object": "model",
            "type": "chat",
            "context_length": model.window or model.most_in,
            "max_completions_tokens": model.most_out,
            "max_tokens": model.most_out,
        }
        if model.price:
            entry["pricing"] = {"prompt": model.price[0], "completion": model.price[1]}
        yield entry
