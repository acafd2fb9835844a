"""DeepSeek's models (sheet 3) and what differs between their generations (sheet 4)."""

from dataclasses import dataclass
from typing import Any, Literal

K = 1024
Generation = Literal["V3", "R1", "V3.2", "V4"]


@dataclass(frozen=True, slots=True)
class Model:
    """A row of sheet 3; limits in tokens."""

    id: str
    generation: Generation
    window: int
    most_out: int
    thinking: Literal["never", "toggle", "always"]
    takes_files: bool = False
    """Whether it accepts images and files, and the vendor's tools."""
    usage_on_finish: bool = False
    """Whether a stream has its usage on the finish chunk instead of in a chunk of its own."""


# sheet 5: usage of a stream is on the finish chunk (as in sample 8) or in a trailing chunk, without stating when:
# one model has each, so that a client meets both
FLASH = Model("deepseek-flash", "V4", K * K, 384 * K, "toggle", takes_files=True, usage_on_finish=True)
PRO = Model("deepseek-v4-pro", "V4", K * K, 384 * K, "toggle")
CURRENT: dict[str, Model] = {
    FLASH.id: FLASH,
    PRO.id: PRO,
    # sheet 3: retired names, "served and billed as deepseek-flash"
    "deepseek-v4-flash": FLASH,
    "deepseek-v4-flash-vision-exp": FLASH,
}

# sheet 3: deepseek-chat and deepseek-reasoner: "Emulate as refused for 2026, live for 2024-25"
LATE_2025 = (
    Model("deepseek-chat", "V3.2", 128 * K, 8 * K, "never"),
    Model("deepseek-reasoner", "V3.2", 128 * K, 64 * K, "always"),
)
# sheet 3: R1 has "8K (+32K CoT)", so its max_tokens limits the answer alone; sheet 6 quotes the range [1, 8192]
EARLY_2025 = (
    Model("deepseek-chat", "V3", 64 * K, 8 * K, "never"),
    Model("deepseek-reasoner", "R1", 64 * K, 8 * K, "always"),
)
R1_MOST_REASONING = 32 * K
EARLY = "2025"
"""The value of `BANJIA_EMULATOR_RETIRED` that serves the old names as in early 2025; with `1` they are as in late 2025."""


def served(retired: str) -> dict[str, Model]:
    """Return the models by name; `retired` is the value of `BANJIA_EMULATOR_RETIRED`."""
    old = {"1": LATE_2025, EARLY: EARLY_2025}.get(retired, ())
    return CURRENT | {model.id: model for model in old}


def listing(models: dict[str, Model]) -> dict[str, Any]:
    """Return the body of `GET /models` (sheet 2). The sheet is silent about aliases: they are not listed."""
    ids = [name for name, model in models.items() if name == model.id]
    return {"object": "list", "data": [{"id": name, "object": "model", "owned_by": "deepseek"} for name in ids]}


def thinks(model: Model, body: dict[str, Any]) -> bool:
    """Return whether this request has thinking enabled. Its `thinking` must be valid."""
    # sheet 4b: thinking: default enabled on V4; older models do not know the parameter
    setting = body.get("thinking") or {}
    return model.thinking == "always" or (model.thinking == "toggle" and setting.get("type") != "disabled")


EFFORTS = {"minimal": "low", "low": "low", "medium": "high", "high": "high", "xhigh": "high", "max": "max"}
EFFORTS["ultra"] = "max"
"""Sheet 4a: reasoning_effort: the server's map. `none` is valid only on /responses."""


def default_max_tokens(model: Model, body: dict[str, Any], *, thinking: bool) -> int:
    """Return the output limit of a request without `max_tokens`."""
    # sheet 4a: max_tokens: 4096 in 2024-25; now 8K, in thinking 64K, at effort max 128K
    if model.generation == "R1" or not thinking:
        return 8 * K if model.generation == "V4" else 4 * K
    effort = EFFORTS.get(body.get("reasoning_effort") or "")
    return 128 * K if model.generation == "V4" and effort == "max" else 64 * K
