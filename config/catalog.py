"""What changes without code: each vendor's models, prices, retirements and stand-ins for OpenAI's names."""

import datetime
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from ruamel.yaml import YAML

from adapters.core.shapes import Model, Operation, Thinking


class Row(BaseModel):
    """A row of a catalog: nothing unknown in it, nothing changed later."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Price(Row):
    """A price in the catalog's currency per million tokens, valid from a day on. ``source`` says where it was read.

    A tier holds for prompts of up to ``up_to`` tokens; the whole request is billed at its tier.
    """

    input: float
    output: float
    cached: float | None = None
    up_to: int | None = None
    thinking_output: float | None = None
    since: datetime.date | None = None
    source: str


class ModelRow(Row):
    """One model of a vendor, as its pages describe it. Limits are in tokens."""

    id: str
    family: str = ""
    operation: Operation = "chat"
    context: int | None = None
    max_output: int | None = None
    input: frozenset[str] = frozenset({"text"})
    thinking: Thinking = "never"
    prices: list[Price] = []
    retired: datetime.date | None = None
    successor: str | None = None
    facts: dict[str, Any] = {}

    def model(self) -> Model:
        """The facts that verdicts may rest on."""
        return Model(
            self.id, self.family, self.operation, self.context, self.max_output, self.input, self.thinking, self.facts
        )


class StandIn(Row):
    """A vendor's model that answers under an OpenAI name, with fields laid over the request."""

    model: str
    set: dict[str, Any] = {}


class Catalog(Row):
    """One vendor's catalog."""

    vendor: str
    currency: Literal["CNY", "USD"] = "CNY"
    read: datetime.date
    """The day these facts were last read."""
    models: list[ModelRow]
    stand_ins: dict[str, StandIn] = {}
    """OpenAI's names, with * at the end for a family of them; the longest match wins."""
    by_id: dict[str, ModelRow] = Field(default={}, exclude=True)

    def model_post_init(self, context: Any) -> None:
        self.by_id.update({row.id: row for row in self.models})

    def model(self, id_: str) -> Model | None:
        """The model of this id, or None."""
        row = self.by_id.get(id_)
        return row.model() if row else None

    def stand_in(self, name: str, operation: Operation) -> StandIn | None:
        """Who answers under this OpenAI name, for this operation; the longest pattern wins."""
        matches = [pattern for pattern in self.stand_ins if fnmatchcase(name, pattern)]
        for pattern in sorted(matches, key=len, reverse=True):
            found = self.stand_ins[pattern]
            if self.by_id[found.model].operation == operation:
                return found
        return None


@cache
def load(vendor: str) -> Catalog:
    """The catalog that ships for a vendor. Raises FileNotFoundError if there is none."""
    text = resources.files("config").joinpath("catalog", f"{vendor}.yaml").read_text(encoding="utf-8")
    raw: Mapping[str, Any] = YAML(typ="safe").load(text)
    return Catalog.model_validate(raw)
