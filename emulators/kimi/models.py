"""Kimi's models (sheet 3) and the rules of each family (sheet 4)."""

from dataclasses import dataclass
from typing import Any, Literal

Family = Literal["V1", "K2p", "K"]
"""V1: moonshot-v1; K2p: the kimi-k2 previews; K: kimi-k2.5 and newer, with fixed sampling."""


@dataclass(frozen=True, slots=True)
class Model:
    """A row of sheet 3; context windows and output limits in tokens."""

    id: str
    family: Family
    window: int
    sees: bool = False
    thinking: Literal["never", "toggle", "always"] = "never"
    retired: bool = False
    efforts: tuple[str, ...] = ()
    default_temperature: float = 1.0

    @property
    def temperature_without_thinking(self) -> float:
        return 0.6 if self.id in ("kimi-k2.5", "kimi-k2.6") else 1.0


_NEW = (
    Model("kimi-k3", "K", 1_048_576, sees=True, thinking="always", efforts=("low", "high", "max")),
    Model("kimi-k2.7-code", "K", 262_144, sees=True, thinking="always"),
    Model("kimi-k2.7-code-highspeed", "K", 262_144, sees=True, thinking="always"),
    Model("kimi-k2.6", "K", 262_144, sees=True, thinking="toggle"),
)
_RETIRED_K = (
    Model("kimi-k2.5", "K", 262_144, sees=True, thinking="toggle", retired=True),
    Model("kimi-k2-thinking", "K2p", 262_144, thinking="always", retired=True),
    Model("kimi-k2-thinking-turbo", "K2p", 262_144, thinking="always", retired=True),
    Model("kimi-k2-0905-preview", "K2p", 262_144, retired=True, default_temperature=0.6),
    Model("kimi-k2-turbo-preview", "K2p", 262_144, retired=True, default_temperature=0.6),
    Model("kimi-k2-0711-preview", "K2p", 131_072, retired=True, default_temperature=0.6),
)
_SIZES = {"8k": 8_192, "32k": 32_768, "128k": 131_072}
_RETIRED_V1 = (
    *(Model(f"moonshot-v1-{size}", "V1", n, retired=True, default_temperature=0.0) for size, n in _SIZES.items()),
    Model("moonshot-v1-auto", "V1", 131_072, retired=True, default_temperature=0.0),
    *(
        Model(f"moonshot-v1-{size}-vision-preview", "V1", n, sees=True, retired=True, default_temperature=0.0)
        for size, n in _SIZES.items()
    ),
)
MODELS: dict[str, Model] = {model.id: model for model in (*_NEW, *_RETIRED_K, *_RETIRED_V1)}


def listing(model: Model) -> dict[str, Any]:
    """Return the model as `GET /models` lists it (sheet 2)."""
    entry: dict[str, Any] = {
        "id": model.id,
        "object": "model",
        "created": 1_790_000_000,
        "owned_by": "moonshot",
        "root": "",
        "parent": "",
        "permission": [{"id": f"modelperm-{model.id}", "object": "model_permission", "created": 1_790_000_000}],
        "context_length": model.window,
        "supports_image_in": model.sees,
        "supports_video_in": model.sees and model.family == "K",
        "supports_reasoning": model.thinking != "never",
        "supports_dynamic_tools": model.id == "kimi-k3",
    }
    if model.efforts:
        entry |= {
            "think_efforts": list(model.efforts),
            "reasoning_efforts": list(model.efforts),
            "supports_thinking_type": ["enabled"],
        }
    return entry


def thinks(model: Model, body: dict[str, Any]) -> bool:
    """Return whether this request has thinking enabled. Its `thinking` must be valid."""
    setting = body.get("thinking")
    off = isinstance(setting, dict) and setting.get("type") == "disabled"
    if model.id == "kimi-k3":
        # sheet 4b: disabled nevertheless worked on chat
        return not off
    return model.thinking == "always" or (model.thinking == "toggle" and not off)
