"""What changes without code: each vendor's models, prices, retirements and stand-ins for OpenAI's names.

People edit ``catalog/<vendor>.yaml``. ``scripts/docs`` validates these and writes ``catalog/catalogs.json``, the only file that
is read here and that ships: a YAML parser takes 40 to 150 ms for one catalog, orjson less than 1 ms for all.
"""

import datetime
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from adapters.core.message import Message
from adapters.core.model import Model, Thinking
from adapters.core.request import Operation
from config.catalog.openai_names import covering

FILE = Path(__file__).with_name("data") / "catalogs.json"
"""All catalogs, by the names of their YAML files."""

Confidence = Literal["high", "medium", "low"]
"""high: the vendor's own page or recorded traffic; medium: one third party; low: hearsay, or sources disagree."""
Money = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Tokens = Annotated[int, Field(gt=0)]


class CatalogSection(BaseModel):
    """A row of a catalog: nothing unknown in it, nothing changed later."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Price(CatalogSection):
    """A price in the catalog's currency per million tokens. ``source`` says where it was read.

    A tier holds for prompts of up to ``up_to`` tokens; the whole request is billed at its tier. A price that is not
    known has no row: a zero would be read as free.
    """

    input: Money
    output: Money
    cached: Money | None = None
    """What input costs that the vendor has in its cache, where it tells so."""
    up_to: Tokens | None = None
    thinking_output: Money | None = None
    """What output costs while the model thinks, where that differs."""
    since: datetime.date
    """The first day on which it is known to hold."""
    until: datetime.date | None = None
    """The last day on which it is known to hold; left out while it does."""
    source: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
    confidence: Confidence

    @model_validator(mode="after")
    def _sane(self) -> "Price":
        if self.until is not None and self.until < self.since:
            raise _price_error(
                "until",
                Message("it ends before it begins ({day})", day=self.since),
                Message("a later day, or the key left out"),
            )
        if self.cached is not None and self.cached > self.input:
            raise _price_error(
                "cached",
                Message("cached input costs more than other input ({price})", price=f"{self.input:g}"),
                Message("a lower price"),
            )
        return self

    def holds(self, day: datetime.date) -> bool:
        """Whether it is known to hold on that day."""
        return self.since <= day and (self.until is None or day <= self.until)

    def covers(self, prompt_tokens: int) -> bool:
        """Whether a prompt of that length is within its tier."""
        return self.up_to is None or prompt_tokens <= self.up_to


def _price_error(at: str | int, wrong: Message, expected: Message) -> PydanticCustomError:
    """``at``: the key or the index, below what is validated, at which it stands."""
    return PydanticCustomError(
        "price", "{wrong}; expected {expected}", {"at": at, "wrong": wrong, "expected": expected}
    )


def _in_order(prices: list[Price]) -> list[Price]:
    """Prices as a history: the oldest list first, in each list the tier for the shortest prompts first."""
    for index, (before, price) in enumerate(pairwise(prices), 1):
        if price.since < before.since:
            raise _price_error(
                index,
                Message("a price since {day} below one since {other}", day=price.since, other=before.since),
                Message("the older above"),
            )
        if price.since > before.since:
            if before.until is not None and before.until >= price.since:
                wrong = Message(
                    "a price since {day} where the one above holds until {other}", day=price.since, other=before.until
                )
                raise _price_error(index, wrong, Message("an earlier until above"))
        elif price.until != before.until:
            raise _price_error(
                index, Message("a tier with another until than the one above"), Message("the same until in a list")
            )
        elif before.up_to is None or (price.up_to is not None and price.up_to <= before.up_to):
            wrong = Message("a tier that is not for longer prompts than the one above")
            raise _price_error(index, wrong, Message("a longer up_to, left out in the last tier alone"))
    return prices


Prices = Annotated[list[Price], AfterValidator(_in_order)]


class ModelRow(CatalogSection):
    """One model of a vendor, as its pages describe it. Limits are in tokens; what is left out is not known."""

    id: str
    family: str = ""
    operation: Operation = "chat"
    context: Tokens | None = None
    max_output: Tokens | None = None
    input: frozenset[str] = frozenset({"text"})
    thinking: Thinking = "never"
    facts: dict[str, Any] = {}
    since: datetime.date | None = None
    """The day it came out."""
    retired: datetime.date | None = None
    """The first day without it, or the first on which it was found gone."""
    retiring: bool = False
    """Its end is announced, without a day."""
    successor: str | None = None
    """What to use in its place: the vendor's word, or else ours."""
    confidence: Confidence
    prices: Prices = []
    """What it costs and has cost: the oldest first, in each list the tier for the shortest prompts first."""

    def model(self, currency: str = "CNY") -> "PricedModel":
        """The facts that verdicts may rest on, and the row for what it costs."""
        told = (
            self.id,
            self.family,
            self.operation,
            self.context,
            self.max_output,
            self.input,
            self.thinking,
            self.facts,
        )
        return PricedModel(*told, row=self, currency=currency)

    def tiers(self, day: datetime.date) -> list[Price]:
        """The prices of a day, by rising length of prompt."""
        known = [price for price in self.prices if price.holds(day)]
        newest = max((price.since for price in known), default=None)
        return [price for price in known if price.since == newest]

    def price_at(self, day: datetime.date, prompt_tokens: int) -> Price | None:
        """What a request of that day and prompt length is billed by, or None if that is not known."""
        return next((price for price in self.tiers(day) if price.covers(prompt_tokens)), None)


@dataclass(frozen=True, slots=True)
class PricedModel(Model):
    """A model that a catalog lists, with its row. One that its vendor names alone is a plain Model."""

    row: ModelRow | None = field(default=None, compare=False, repr=False)
    currency: str = field(default="CNY", compare=False)


class StandIn(CatalogSection):
    """A vendor's model that answers under an OpenAI name, with fields laid over the request."""

    model: str
    set: dict[str, Any] = {}


class Catalog(CatalogSection):
    """One vendor's catalog."""

    vendor: str
    currency: Literal["CNY", "USD"] = "CNY"
    read: datetime.date
    """The day these facts were last read."""
    ended: datetime.date | None = None
    """The first day without the whole platform, as it was announced: its stand-ins name the models as they were."""
    models: list[ModelRow]
    stand_ins: dict[str, StandIn] = {}
    """OpenAI's names, and patterns with * for the many dated ones; a name wins over patterns, a longer over a shorter."""

    @cached_property
    def by_id(self) -> dict[str, ModelRow]:
        """The rows by model id."""
        return {row.id: row for row in self.models}

    def model(self, id_: str) -> Model | None:
        """The model of this id, or None."""
        row = self.by_id.get(id_)
        return row.model(self.currency) if row else None

    def stand_in(self, name: str, operation: Operation) -> StandIn | None:
        """Who answers under this OpenAI name, for this operation: a form of a name has the name's stand-in."""
        called = (name, *covering(name))
        exact = [one for one in called if one in self.stand_ins]
        patterns = sorted((key for key in self.stand_ins if "*" in key), key=len, reverse=True)
        for key in [*exact, *(pattern for one in called for pattern in patterns if fnmatchcase(one, pattern))]:
            found = self.stand_ins[key]
            if self.by_id[found.model].operation == operation:
                return found
        return None


class CatalogNotFound(LookupError):
    """No catalog of this name ships: scripts/docs writes those that have a YAML file."""


@cache
def load(vendor: str) -> Catalog:
    """The catalog that ships for a vendor. Raises CatalogNotFound if there is none."""
    found = _shipped().get(vendor)
    if found is None:
        raise CatalogNotFound(vendor)
    return Catalog.model_validate(found)


@cache
def _shipped() -> dict[str, Any]:
    """The plain data of every catalog. A process parses the file once, when it first needs a catalog."""
    found: dict[str, Any] = orjson.loads(FILE.read_bytes())
    return found
