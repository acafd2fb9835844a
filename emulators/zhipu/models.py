"""Zhipu's models (sheet 3) and what differs between their generations (sheet 4)."""

from dataclasses import dataclass
from typing import Any, Literal

K = 1024
Thinking = Literal["never", "inline", "toggle", "always"]
IMAGE = ("image_url",)
VIDEO = ("image_url", "video_url")
FILE = ("image_url", "video_url", "file_url")
LEVELS = ("low", "high", "max")
"""The levels of `reasoning_effort` that glm-5.3 accepts (sheet 4a)."""
ALIASES = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""The levels that glm-5.2 accepts and maps to its own (sheet 4a)."""


@dataclass(frozen=True, slots=True)
class Model:
    """A row of sheet 3; limits in tokens.

    `thinking`: `inline` has the reasoning in its text. `takes`: the content parts besides text. `tools`: the types of
    tools. `efforts`: the levels of `reasoning_effort`, empty if it is ignored. `streams_tools`: whether it knows
    `tool_stream`. `numbers_calls`: whether tool calls in a stream have an index. `boxes`: whether its text is marked.
    """

    id: str
    window: int
    most_out: int
    thinking: Thinking = "toggle"
    takes: tuple[str, ...] = ()
    tools: Literal["all", "functions", "none"] = "all"
    json: bool = True
    efforts: tuple[str, ...] = ()
    streams_tools: bool = True
    numbers_calls: bool = True
    boxes: bool = False
    retired: bool = False

    @property
    def is_early(self) -> bool:
        """Return whether it is older than GLM-4.5 (sheet 4b: thinking is known from 4.5 on)."""
        return self.thinking in ("never", "inline")


def _vision(name: str, window: int, most_out: int, **more: Any) -> Model:
    # sheet 4a: tools: function on 4.6v and later; response_format: text models only
    facts = {"takes": FILE, "tools": "functions", "json": False, **more}
    return Model(name, window, most_out, **facts)


def _early(name: str, window: int, most_out: int, **more: Any) -> Model:
    return Model(name, window, most_out, **{"thinking": "never", "streams_tools": False, **more})


# sheet 3: 4.7 and 4.5v "always think"; but its map of OpenAI's names uses glm-4.7-flash with thinking disabled, and the
# vendor's page says "forced when it is enabled". So `disabled` is obeyed by all models but glm-5.3. The models that
# decide themselves think whenever it is enabled.
_NEW = (
    Model("glm-5.3", K * K, 128 * K, "always", efforts=LEVELS),
    # sheet 4a: json_schema on glm-5.3-flash is answered with 200, so response_format is not refused there
    _vision("glm-5.3-flash", K * K, 128 * K, thinking="always", efforts=LEVELS, json=True),
    Model("glm-5.2", K * K, 128 * K, efforts=ALIASES),
    Model("glm-5.1", 200 * K, 128 * K),
    Model("glm-5-turbo", 200 * K, 128 * K),
    _vision("glm-5v-turbo", 200 * K, 128 * K),
    Model("glm-5", 200 * K, 128 * K),
    *(Model(f"glm-4.7{kind}", 200 * K, 128 * K) for kind in ("", "-flash", "-flashx")),
    Model("glm-4.6", 200 * K, 128 * K),
    *(_vision(f"glm-4.6v{kind}", 128 * K, 32 * K) for kind in ("", "-flashx", "-flash")),
    # sheet 5: index -1 seen on 4.5; 4b: tool_stream from 4.6 on
    *(
        Model(f"glm-4.5{kind}", 128 * K, 96 * K, streams_tools=False, numbers_calls=False)
        for kind in ("", "-x", "-air", "-airx", "-flash")
    ),
    # sheet 5: the text of glm-4.5v "may hold" the marks of a box: here it always does
    _vision("glm-4.5v", 64 * K, 16 * K, tools="none", streams_tools=False, boxes=True),
)
# glm-zero-preview, charglm, emohaa and codegeex-4 are not served: the sheet is silent about their requests.
_EARLY = (
    _early("glm-4-32b-0414-128k", 128 * K, 16 * K),
    # the vendor's page: the reasoning of GLM-Z1 is in the content, between <think> and </think>
    *(_early(f"glm-z1-{kind}", 128 * K, 32 * K, thinking="inline") for kind in ("air", "airx", "flashx", "flash")),
    # sheet 3: "4095-16K" for the whole row
    _early("glm-4-flash-250414", 128 * K, 16 * K),
    _early("glm-4-air-250414", 128 * K, 16 * K),
    _early("glm-4-long", 1_024_000, 4095),
    _early("glm-4-plus", 128 * K, 4095),
    _early("glm-4-airx", 8 * K, 4095),
    _early("glm-4-flashx", 128 * K, 4095),
    _early("glm-4-0520", 128 * K, 4095),
    _early("glm-4-air", 128 * K, 4095),
    _early("glm-4-flash", 128 * K, 4095),
    _early("glm-4", 128 * K, 4095, retired=True),
    _early("glm-3-turbo", 128 * K, 4095, retired=True),
    # sheet 3: 2K-4K and 8-16K: the larger ones; no tools, no json
    _early("glm-4v", 4 * K, 1024, takes=IMAGE, tools="none", json=False),
    _early("glm-4v-plus", 16 * K, 1024, takes=VIDEO, tools="none", json=False),
)
MODELS: dict[str, Model] = {model.id: model for model in (*_NEW, *_EARLY)}

LISTED = (
    *("glm-5.3", "glm-5.3-flash", "glm-5.2", "glm-5.1", "glm-5", "glm-5-turbo"),
    *("glm-4.7", "glm-4.6", "glm-4.5", "glm-4.5-air"),
)
"""What `GET /models` lists. The sheet has no such endpoint; these names were reported in August 2026."""
COUNTED = ("glm-4.5", "glm-4.6", "glm-4.6v")
"""The models of `/tokenizer` (sheet 2)."""


@dataclass(frozen=True, slots=True)
class Embedder:
    """A model for embeddings (sheet 3 and 4e); limits in tokens, except `most_texts`."""

    id: str
    widths: tuple[int, ...]
    """The first is the default."""
    most_tokens: int
    most_in_all: int | None = None
    most_texts: int | None = None
    sizable: bool = False
    """Whether it takes `dimensions`."""


EMBEDDERS: dict[str, Embedder] = {
    "embedding-2": Embedder("embedding-2", (1024,), 512, most_in_all=8 * K),
    # the sheet is silent about the default; the vendor's page: 2048
    "embedding-3": Embedder("embedding-3", (2048, 1024, 512, 256), 3072, most_texts=64, sizable=True),
}


def listing() -> dict[str, Any]:
    """Return the body of `GET /models`."""
    entries = [{"id": name, "object": "model", "created": 1_786_636_800, "owned_by": "z-ai"} for name in LISTED]
    return {"object": "list", "data": entries}


def thinks(model: Model, body: dict[str, Any]) -> bool:
    """Return whether this request has thinking enabled. Its parameters must be valid."""
    if model.thinking != "toggle":
        return model.thinking != "never"
    # sheet 4b: thinking: default enabled; 4a: reasoning_effort none and minimal on glm-5.2 mean no thinking
    gives_up = bool(model.efforts) and body.get("reasoning_effort") in ("none", "minimal")
    return not is_disabled(body) and not gives_up


def is_disabled(body: dict[str, Any]) -> bool:
    """Return whether the request disables thinking."""
    setting = body.get("thinking")
    return isinstance(setting, dict) and setting.get("type") == "disabled"
