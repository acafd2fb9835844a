"""Model: the catalog facts that verdicts depend on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from adapters.core.request import Operation

Thinking = Literal["never", "always", "default_on", "default_off"]


@dataclass(frozen=True, slots=True)
class Model:
    """The facts of one model that a verdict may depend on; built from ``config/catalog/data/<vendor>.yaml``.

    ``family`` groups models that share quirks, wherever they are hosted; ``facts`` are vendor-specific per-model flags
    and values (for example ``json_schema: true``); limits are in tokens, None if unknown.
    """

    id: str
    family: str = ""
    operation: Operation = "chat"
    context: int | None = None
    max_output: int | None = None
    input: frozenset[str] = frozenset({"text"})
    thinking: Thinking = "never"
    facts: Mapping[str, Any] = field(default_factory=dict)
