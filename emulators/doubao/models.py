"""Ark's models (sheet 3), what differs between their generations (sheet 4), and the emulated account's endpoints.

Sheet 3 names some models without their date; the dates, and whether a model reads images, videos and audio, are those of the
vendor's list of models, volcengine.com/docs/82379/1330310, and of its `GET /models`. Resold models are not emulated.
"""

from dataclasses import dataclass, replace
from typing import Any

K = 1024
LENIENT_SINCE = "260909"
"""Sheet 4a: before 2026-09-09 some things are errors; here that is a property of the models dated before that day."""
FOUR_EFFORTS = ("minimal", "low", "medium", "high")
ALL_EFFORTS = ("none", *FOUR_EFFORTS, "xhigh", "max")
WITHOUT_THINKING = ("none", "minimal")
"""Sheet 4a: reasoning_effort: `minimal` is no thinking; `none` is in live answers."""
MOST_COMPLETION = 65_536
"""Sheet 4a: max_completion_tokens."""


@dataclass(frozen=True, slots=True)
class Model:
    """A row of sheet 3; limits in tokens. `media`: the kinds of content parts other than text."""

    id: str
    window: int
    most_out: int
    media: tuple[str, ...] = ()
    thinks_by_default: bool | None = None
    """`None`: a model without thinking."""
    takes_auto: bool = False
    """Whether `thinking.type` may be `auto`."""
    efforts: tuple[str, ...] = ()
    formats: bool = False
    """Whether response_format may be other than text."""
    required: bool = False
    """Whether tool_choice may be `required`."""
    most_temperature: float = 2

    @property
    def is_lenient(self) -> bool:
        """Return whether it takes the role developer, and empty content and ids (sheet 4a)."""
        return _date(self.id) >= LENIENT_SINCE

    @property
    def most_completion(self) -> int:
        """Return the most max_completion_tokens.

        A model without thinking has its limit of output here, too: a live answer of 2026-08 names 12288 for this parameter.
        """
        return MOST_COMPLETION if self.thinks_by_default is not None else self.most_out


def _date(model_id: str) -> str:
    last = model_id.rpartition("-")[2]
    # sheet 3: doubao-seed-evolving has no date: it is the newest
    return last if last.isdecimal() else LENIENT_SINCE


# sheet 4a: temperature [0,1], max_tokens up to 4096: the pages of 2024
_OF_2024 = Model("", 32 * K, 4096, most_temperature=1)
_OF_1_5 = Model("", 32 * K, 12 * K)
_SEED = Model(
    "",
    256 * K,
    128 * K,
    media=("image_url", "video_url"),
    thinks_by_default=True,
    efforts=FOUR_EFFORTS,
    formats=True,
    required=True,
)
_1_6 = replace(_SEED, most_out=32 * K)
_LONG = replace(_SEED, window=1_024_000, most_out=256 * K)

_ROWS: dict[str, Model] = {
    "doubao-seed-2-1-pro-260915": _LONG,
    # sheet 3: lite also audio in
    "doubao-seed-2-1-lite-260915": replace(_LONG, media=("image_url", "video_url", "input_audio")),
    "doubao-seed-2-1-pro-260628": _SEED,
    "doubao-seed-2-1-turbo-260628": _SEED,
    "doubao-seed-evolving": _SEED,
    "doubao-seed-2-0-pro-260215": _SEED,
    "doubao-seed-2-0-code-preview-260215": _SEED,
    "doubao-seed-2-0-lite-260215": _SEED,
    "doubao-seed-2-0-mini-260215": _SEED,
    # sheet 4a: reasoning_effort: live answers of 2026-08
    "doubao-seed-2-0-lite-260428": replace(_SEED, efforts=ALL_EFFORTS),
    "doubao-seed-2-0-mini-260428": replace(_SEED, efforts=ALL_EFFORTS),
    # sheet 4a: only none and minimal; live answers: on its own, because thinking is off by default
    "doubao-seed-character-260628": replace(
        _SEED, window=128 * K, most_out=32 * K, media=(), thinks_by_default=False, efforts=ALL_EFFORTS
    ),
    "doubao-seed-1-8-251228": replace(_SEED, most_out=64 * K),
    "doubao-seed-code-preview-251028": _1_6,
    "doubao-seed-1-6-251015": _1_6,
    # sheet 4b: thinking: auto only on 1.6; live answers: not on vision
    "doubao-seed-1-6-250615": replace(_1_6, takes_auto=True),
    "doubao-seed-1-6-flash-250828": replace(_1_6, takes_auto=True),
    # sheet 4a: response_format: this one has none
    "doubao-seed-1-6-flash-250715": replace(_1_6, takes_auto=True, formats=False),
    "doubao-seed-1-6-vision-250815": _1_6,
    "doubao-1-5-pro-32k-250115": _OF_1_5,
    "doubao-1-5-pro-256k-250115": replace(_OF_1_5, window=256 * K),
    "doubao-1-5-lite-32k-250115": _OF_1_5,
    "doubao-1-5-vision-pro-32k-250115": replace(_OF_1_5, media=("image_url",)),
    "doubao-pro-32k-240615": _OF_2024,
    "doubao-pro-32k-241215": _OF_2024,
}
MODELS: dict[str, Model] = {name: replace(row, id=name) for name, row in _ROWS.items()}


@dataclass(frozen=True, slots=True)
class Embedder:
    """A model of /embeddings, or with `multimodal` of /embeddings/multimodal. `width`: its longest vectors."""

    id: str
    width: int
    multimodal: bool = False


# sheet 3: dim 2560; 4096 / 2048. The vision models and their vectors are those of the vendor's list of models
EMBEDDERS: dict[str, Embedder] = {
    row.id: row
    for row in (
        Embedder("doubao-embedding-text-240515", 2560),
        Embedder("doubao-embedding-text-240715", 2560),
        Embedder("doubao-embedding-large-text-240915", 4096),
        Embedder("doubao-embedding-large-text-250515", 2048),
        Embedder("doubao-embedding-vision-250615", 2048, multimodal=True),
        Embedder("doubao-embedding-vision-251215", 2048, multimodal=True),
    )
}

NOT_OPEN = ("deepseek-v3-1-250821", "doubao-seed-translation-250915")
"""Models that the emulated account has not activated (sheet 1: 404 ModelNotOpen)."""

ENDPOINTS: dict[str, str] = {
    # sheet 7
    "ep-20240701123456-abcde": "doubao-pro-32k-240615",
    "ep-20250201123456-abcde": "doubao-1-5-pro-32k-250115",
    "ep-20250701123456-abcde": "doubao-seed-1-6-250615",
    "ep-20260701123456-abcde": "doubao-seed-2-1-pro-260628",
    "ep-20240801123456-embed": "doubao-embedding-text-240715",
    "ep-m-20260915123456-abcde": "doubao-seed-2-1-pro-260915",
}
"""The emulated account's endpoints, and the model of each (sheet 1: `ep-m-` is a preset endpoint)."""
CLOSED = ("ep-20240601123456-close",)
"""Endpoints that are closed (sheet 6: InvalidEndpoint.ClosedEndpoint)."""


def underlying(name: str) -> str:
    """Return the model of an endpoint; another name is returned unchanged. Sheet 5: replies name the underlying model."""
    return ENDPOINTS.get(name, name)


def thinking_type(model: Model, body: dict[str, Any]) -> str:
    """Return the effective `thinking.type`. It must be valid."""
    default = "enabled" if model.thinks_by_default else "disabled"
    return str((body.get("thinking") or {}).get("type") or default)


def thinks(model: Model, body: dict[str, Any]) -> bool:
    """Return whether this request has thinking enabled. Its `thinking` must be valid; with `auto` the model thinks."""
    effort = body.get("reasoning_effort")
    return model.thinks_by_default is not None and (
        thinking_type(model, body) != "disabled" and effort not in WITHOUT_THINKING
    )


def listing() -> dict[str, Any]:
    """Return the body of `GET /models` (sheet 2, M), with some members of a live answer."""
    chat = [
        _row(one.id, {"context_window": one.window, "max_output_token_length": one.most_out}) for one in MODELS.values()
    ]
    return {"object": "list", "data": [*chat, *(_row(name, {}) for name in EMBEDDERS)]}


def _row(model_id: str, limits: dict[str, int]) -> dict[str, Any]:
    name, _, version = model_id.rpartition("-")
    return {
        "id": model_id,
        "object": "model",
        "created": 1_700_000_000,
        "name": name,
        "version": version,
        "token_limits": limits,
    }
