"""The classic edition's models (sheet 3.1, 3.3). Windows in tokens; 1K is 1024. All of them are retired.

Dated ids and the `-video` ids are not listed individually in the sheet and are not served.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Model:
    """A row of sheet 3.1. A longer prompt is truncated at its start (sheet 4.1)."""

    id: str
    most_in: int
    thinking: Literal["never", "on", "always"] = "never"
    """`enable_thinking` can disable `on`."""
    tools: bool = False
    sees: bool = False


_K = 1024
_SHORT = Model("", 28 * _K)
_TOOLS = replace(_SHORT, tools=True)
# sheet 3.1: vision: 8K, 6K in; which models have tools is not stated ("some"): none here
_VISION = Model("", 6 * _K, sees=True)

_ROWS: dict[str, Model] = {
    "hunyuan-lite": Model("", 256 * _K),
    "hunyuan-standard": Model("", 32 * _K),
    "hunyuan-standard-256K": Model("", 256 * _K),
    "hunyuan-pro": _TOOLS,
    "hunyuan-turbo": _TOOLS,
    "hunyuan-turbo-latest": _TOOLS,
    "hunyuan-turbos-latest": replace(_TOOLS, most_in=32 * _K),
    "hunyuan-turbos-longtext-128k": replace(_TOOLS, most_in=128 * _K),
    "hunyuan-t1-latest": replace(_TOOLS, thinking="always"),
    "hunyuan-a13b": replace(_TOOLS, most_in=224 * _K, thinking="on"),
    # sheet 3.1: tools by a gateway's table; 4.2: the SDK names turbos, t1 and functioncall, in 2024 pro and turbo, as
    # well
    "hunyuan-large": Model("", 32 * _K),
    "hunyuan-large-longcontext": Model("", 134 * _K),
    "hunyuan-functioncall": replace(_TOOLS, most_in=32 * _K),
    "hunyuan-code": Model("", 8 * _K),
    "hunyuan-role": Model("", 32 * _K),
    "hunyuan-vision": _VISION,
    "hunyuan-turbo-vision": _VISION,
    "hunyuan-turbos-vision": _VISION,
    "hunyuan-t1-vision": replace(_VISION, thinking="always"),
    "hunyuan-lite-vision": _VISION,
    "hunyuan-standard-vision": _VISION,
    "hunyuan-translation": Model("", 8 * _K),
    "hunyuan-translation-lite": Model("", 8 * _K),
    "hunyuan-2.0-thinking-20251109": replace(_TOOLS, most_in=128 * _K, thinking="always"),
    "hunyuan-2.0-instruct-20251111": replace(_TOOLS, most_in=128 * _K),
}
MODELS: dict[str, Model] = {name: replace(row, id=name) for name, row in _ROWS.items()}

EMBEDDER = "hunyuan-embedding"
# sheet 3.3: 1024 fixed; up to 50 texts; 1024 tokens each, the tail cut off
DIMENSIONS, MOST_TEXTS, MOST_EMBEDDED = 1024, 50, 1024


def thinks(model: Model, body: dict[str, Any]) -> bool:
    """Return whether this request has thinking enabled. Sheet 4.3: `enable_thinking` (a13b); 3.1: on by default."""
    return model.thinking == "always" or (model.thinking == "on" and body.get("enable_thinking") is not False)
