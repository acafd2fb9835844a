"""TokenHub's models (sheet 3.2, 3.3).

Context windows and output limits are in tokens; 1K is 1024, which adds up in hy4-preview's row.

Models that it resells (deepseek, glm, kimi, minimax: sheet 3.2, "vendor-like") and services that a customer has
deployed (`ep-…`) are not served here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Model:
    """A row of sheet 3.2."""

    id: str
    window: int
    most_in: int
    most_out: int
    thinking: Literal["never", "off", "on", "always"] = "never"
    """`thinking` can change `off` and `on`, which are the defaults."""
    tools: bool = False
    json: bool = False
    schema: bool = False
    retired: bool = False


_K = 1024
_ROWS = (
    # sheet 4.3: thinking: off by default for hy3 and hy3-preview; hy4-preview is not named there. Strict reading: on.
    # hy4 and hy4-flash, which other lists name, are not in the sheet: not served
    # sheet, "Checked again 2026-11-28": json_schema works on hy3 and hy4-preview
    Model("hy4-preview", 1024 * _K, 960 * _K, 64 * _K, "on", tools=True, json=True, schema=True),
    # sheet 3.2: 128K out; other catalogues say 64K (sheet 9: open). Strict reading: 64K, and K is 1000 there
    Model("hy3", 256 * _K, 192 * _K, 64_000, "off", tools=True, json=True, schema=True),
    Model("hy3-preview", 256 * _K, 192 * _K, 64_000, "off", tools=True, json=True, schema=True),
    *(Model(f"hy-mt2-{size}", 8 * _K, 4 * _K, 4 * _K) for size in ("pro", "plus", "lite")),
    Model("hunyuan-role-latest", 32 * _K, 28 * _K, 4 * _K),
    # sheet 3.1: until 2026-06-22, "for a time also sold on TokenHub"
    Model("hunyuan-2.0-thinking-20251109", 192 * _K, 128 * _K, 64 * _K, "always", tools=True, retired=True),
    Model("hunyuan-2.0-instruct-20251111", 144 * _K, 128 * _K, 16 * _K, tools=True, retired=True),
)
MODELS: dict[str, Model] = {model.id: model for model in _ROWS}

EMBEDDERS: dict[str, int] = {"kinfra-text-embedding-0.6b": 1024, "kinfra-text-embedding-4b": 2560}
"""Sheet 3.3: the text embedders and their dimensions."""
MOST_EMBEDDED = 32 * _K
"""Sheet 3.3: 32K context."""
MOST_TEXTS = 50
"""The limit of texts per call is not known. Strict reading: the limit of the previous platform (sheet 3.3)."""
MULTIMODAL_EMBEDDERS = ("kinfra-vl-embedding-2b", "kinfra-vl-embedding-8b")
"""Sheet 3.3: on a separate route."""


def thinks(model: Model, body: dict[str, Any]) -> bool:
    """Return whether this request has thinking enabled. Its `thinking` must be valid.

    Sheet 4.3: thinking is a switch. No source states that `reasoning_effort` alone enables it: it does not.
    """
    setting = body.get("thinking")
    if setting is None or model.thinking in ("never", "always"):
        return model.thinking in ("on", "always")
    return bool(setting["type"] == "enabled")


def listing(models: dict[str, Model]) -> Iterator[dict[str, Any]]:
    """Yield what `GET /models` lists. Sheet 2: entries with a `status`, e.g. online."""
    for name in (*models, *EMBEDDERS, *MULTIMODAL_EMBEDDERS):
        yield {"id": name, "object": "model", "created": 1_780_000_000, "owned_by": "tencent", "status": "online"}
