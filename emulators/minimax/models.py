"""MiniMax's models (sheet 3) and what differs between their generations (sheet 4 and 5)."""

from dataclasses import dataclass
from typing import Any, Literal

K = 1024
Thinking = Literal["never", "toggle", "always"]
IMAGE = ("image_url",)
VIDEO = ("image_url", "video_url")


@dataclass(frozen=True, slots=True)
class Model:
    """A row of sheet 3; limits in tokens."""

    id: str
    window: int
    most_out: int
    default_out: int
    """The limit of a request that names none."""
    released: int = 0
    thinking: Thinking = "always"
    takes: tuple[str, ...] = ()
    """The content parts besides text."""
    tools: bool = True
    max_temperature: int = 1
    zero_temperature: bool = False
    schema: bool = False
    """Whether it takes `response_format`; others ignore it."""
    role_play: bool = False
    tiers: bool = False
    """Whether it takes `service_tier`, and repeats it."""
    in_member: bool = False
    """Whether its reasoning is in `reasoning_content` without `reasoning_split`."""
    bare: bool = False
    """Whether its messages have no `name` and `audio_content`, and the marks of its reasoning no line breaks; the chunks of
    its streams cut the marks, and have an empty role after the first."""
    adaptive_only: bool = False
    """Whether it refuses to turn thinking off; others that always think ignore that."""
    counts_reasoning: bool = True
    """Whether usage has the tokens of reasoning."""
    repeats: bool = False
    """Whether a stream ends with the whole message."""
    sends_done: bool = True
    """Whether a stream ends with `[DONE]`."""
    early: bool = False
    """Whether it is of 2024."""
    retired: bool = False


def _m2(name: str, released: int, **more: Any) -> Model:
    # sheet 3: 204,800 / 131,072. A page of the vendor says "maximum 2048, longer is cut": open, see sheet 7
    facts: dict[str, Any] = {"window": 204_800, "most_out": 131_072, "default_out": 131_072, **more}
    return Model(name, released=released, **facts)


def _abab(name: str, window: int, **more: Any) -> Model:
    # sheet 4a: native default 256 in 2024; the sheet is silent about the cap: it is the window
    facts: dict[str, Any] = {"thinking": "never", "repeats": True, "early": True, "retired": True, **more}
    return Model(name, window, window, 256, **facts)


# sheet 4a: temperature of M3: two resellers that copy the vendor's schema say [0,2]
_M3: dict[str, Any] = {"max_temperature": 2, "zero_temperature": True, "counts_reasoning": False, "tiers": True}
# Sheet 5 has `[DONE]` on the OpenAI path (M). Streams of M2.7 were recorded without it, and one of M2.7-highspeed with the
# whole message at its end, as on the native path: one model has each, so that a client meets all.
CURRENT = (
    Model("MiniMax-M3", 1_000_000, 512 * K, 512 * K, 1_780_279_200, "toggle", takes=VIDEO, **_M3),
    _m2("MiniMax-M2.7", 1_773_799_200, sends_done=False),
    _m2("MiniMax-M2.7-highspeed", 1_773_799_200, repeats=True),
    # recorded in 2026 for M2.5 and M2.1: no name, `<think>` without line breaks, no count of reasoning. Reported for M2.5: an
    # empty role in chunks. Reported for M3: a mark that two chunks cut
    _m2("MiniMax-M2.5", 1_770_948_000, bare=True, counts_reasoning=False),
    _m2("MiniMax-M2.5-highspeed", 1_770_948_000),
    _m2("MiniMax-M2.1", 1_766_455_200, bare=True, counts_reasoning=False),
    _m2("MiniMax-M2.1-highspeed", 1_766_455_200),
    _m2("MiniMax-M2", 1_761_530_400),
)
"""What `GET /models` lists: the vendor's enumeration. Sheet 3 reads as if there was an M2-highspeed: the vendor has none."""
_OTHERS = (
    # sheet 3: subscription plan only, images, its reasoning in reasoning_content; the account is taken to have the plan, and
    # the limits to be those of M3
    Model(
        "MiniMax-M3.1-Flash-Preview",
        1_000_000,
        512 * K,
        512 * K,
        takes=IMAGE,
        in_member=True,
        adaptive_only=True,
        **_M3,
    ),
    Model("M2-her", 64 * K, 2 * K, 2 * K, thinking="never", role_play=True),
    # The vendor's page of 2025: max_tokens 8192 and 2048 by default, the reasoning of M1 in reasoning_content
    Model("MiniMax-M1", 1_000_000, 40 * K, 8 * K, in_member=True),
    # sheet 4a: images also on Text-01, json_schema on Text-01 only
    Model("MiniMax-Text-01", 1_000_000, 40 * K, 2 * K, thinking="never", takes=IMAGE, schema=True),
)
_2024 = (
    _abab("abab6.5s-chat", 245_760),
    *(_abab(f"abab{kind}-chat", 8 * K) for kind in ("6.5", "6.5g", "6.5t")),
    _abab("abab6-chat", 32 * K),
    _abab("abab5.5-chat", 16 * K),
    # the vendor's page of function calling excludes it
    _abab("abab5.5s-chat", 8 * K, tools=False),
)
MODELS: dict[str, Model] = {model.id: model for model in (*CURRENT, *_OTHERS, *_2024)}
WARNED = ("MiniMax-M1", "MiniMax-Text-01")
"""Models of 2025 that name an unknown member in `status_msg`; those of 2024 are taken to do the same."""


def thinks(model: Model, body: dict[str, Any]) -> bool:
    """Return whether this request has thinking enabled. Its parameters must be valid."""
    setting = body.get("thinking")
    # sheet 4a: thinking: adaptive by default, disabled on M3 only; adaptive thinking always decides to think here
    disabled = isinstance(setting, dict) and setting.get("type") == "disabled"
    return model.thinking == "always" or (model.thinking == "toggle" and not disabled)


def entry(model: Model) -> dict[str, Any]:
    """Return a model as `GET /models/ID` shows it."""
    return {"id": model.id, "object": "model", "created": model.released, "owned_by": "minimax"}


def listing() -> dict[str, Any]:
    """Return the body of `GET /models`."""
    return {"object": "list", "data": [entry(model) for model in CURRENT]}
