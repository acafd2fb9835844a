"""The model catalogs: each vendor's models, prices, retirements, and stand-ins for OpenAI's names.

The sources are ``catalog/data/<vendor>.yaml``. ``scripts/docs`` validates them and writes ``catalog/data/catalogs.json``, the
only file that ships and that this module reads: parsing YAML takes 40 to 150 ms per catalog, orjson less than 1 ms for all.
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
"""All catalogs, keyed by the names of their YAML files."""

Confidence = Literal["high", "medium", "low"]
"""high: the vendor's own page or recorded traffic; medium: one third party; low: unconfirmed, or sources disagree."""
Money = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Tokens = Annotated[int, Field(gt=0)]


class CatalogSection(BaseModel):
    """A part of a catalog. Unknown keys are errors; instances are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class PeakPrice(CatalogSection):
    """The price during the catalog's peak hours, in the unit of the price it belongs to."""

    input: Money
    output: Money
    cached: Money | None = None


class PeakHours(CatalogSection):
    """When a vendor bills its peak prices, in Beijing time."""

    weekdays: frozenset[Annotated[int, Field(ge=1, le=7)]]
    """1 is Monday. Public holidays count as working days here: their dates are announced each year."""
    hours: list[tuple[Annotated[int, Field(ge=0, le=23)], Annotated[int, Field(ge=1, le=24)]]]
    """Periods from one full hour to another."""

    def include(self, moment: datetime.datetime) -> bool:
        """Whether a moment, in Beijing time, is in the peak hours."""
        return moment.isoweekday() in self.weekdays and any(since <= moment.hour < until for since, until in self.hours)


Unit = Literal["tokens", "images", "seconds", "characters"]
"""What a call is billed by: tokens and characters by the million, images and seconds (of audio) each."""


class Price(CatalogSection):
    """A price in the catalog's currency, usually per million tokens. ``source`` is the page it was read on.

    A tier applies to prompts of up to ``up_to`` tokens; the whole request is billed at its tier. An unknown price has no
    row, because zero would mean free.
    """

    unit: Unit = "tokens"
    """What ``input`` and ``output`` are the price of: a million tokens or characters, one image, one second."""
    input: Money
    output: Money
    cached: Money | None = None
    """Price of input tokens that the vendor reports as cached."""
    up_to: Tokens | None = None
    thinking_output: Money | None = None
    """Price of output in thinking mode, if it differs."""
    peak: PeakPrice | None = None
    """Price during the catalog's ``peak_hours``, if it differs."""
    since: datetime.date
    """First day on which the price is known to apply."""
    until: datetime.date | None = None
    """Last day on which the price is known to apply; unset while it still applies."""
    source: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
    confidence: Confidence

    @model_validator(mode="after")
    def _sane(self) -> "Price":
        if self.until is not None and self.until < self.since:
            raise _price_error(
                "until",
                Message("until is before since ({day})", day=self.since),
                Message("a later date, or the key omitted"),
            )
        if self.cached is not None and self.cached > self.input:
            raise _price_error(
                "cached",
                Message("cached input costs more than input ({price})", price=f"{self.input:g}"),
                Message("a lower price"),
            )
        return self

    def holds(self, day: datetime.date) -> bool:
        """Whether the price is known to apply on that day."""
        return self.since <= day and (self.until is None or day <= self.until)

    def covers(self, prompt_tokens: int) -> bool:
        """Whether the tier includes prompts of this length."""
        return self.up_to is None or prompt_tokens <= self.up_to


def _price_error(at: str | int, problem: Message, expected: Message) -> PydanticCustomError:
    """Return the error. ``at``: the key or index of the fault, relative to the validated value."""
    return PydanticCustomError(
        "price", "{problem}; expected {expected}", {"at": at, "problem": problem, "expected": expected}
    )


def _in_order(prices: list[Price]) -> list[Price]:
    """Check the order of prices: oldest list first; in each list, the tier for the shortest prompts first."""
    for index, (before, price) in enumerate(pairwise(prices), 1):
        if price.since < before.since:
            raise _price_error(
                index,
                Message("a price since {day} after one since {other}", day=price.since, other=before.since),
                Message("the older price first"),
            )
        if price.since > before.since:
            if before.until is not None and before.until >= price.since:
                problem = Message(
                    "a price since {day}, but the previous one applies until {other}",
                    day=price.since,
                    other=before.until,
                )
                raise _price_error(index, problem, Message("an earlier until in the previous price"))
        elif price.until != before.until:
            raise _price_error(
                index,
                Message("until differs from the previous tier"),
                Message("the same until in all tiers of a list"),
            )
        elif before.up_to is None or (price.up_to is not None and price.up_to <= before.up_to):
            problem = Message("up_to is not larger than in the previous tier")
            raise _price_error(index, problem, Message("a larger up_to; only the last tier has none"))
    return prices


Prices = Annotated[list[Price], AfterValidator(_in_order)]


class ModelRow(CatalogSection):
    """One model of a vendor, as its pages describe it. Limits are in tokens; an unset value is unknown."""

    id: str
    family: str = ""
    operation: Operation = "chat"
    context: Tokens | None = None
    max_output: Tokens | None = None
    input: frozenset[str] = frozenset({"text"})
    thinking: Thinking = "never"
    facts: dict[str, Any] = {}
    since: datetime.date | None = None
    """Release date."""
    retired: datetime.date | None = None
    """First day without the model, or the first day on which it was observed to be gone."""
    retiring: bool = False
    """The vendor has announced its retirement without a date."""
    successor: str | None = None
    """Replacement: the vendor's recommendation, else banjia's."""
    confidence: Confidence
    prices: Prices = []
    """Present and past prices: oldest list first; in each list, the tier for the shortest prompts first."""

    def model(self, currency: str = "CNY", peak_hours: PeakHours | None = None) -> "PricedModel":
        """Return the model for the adapters, with this row for its prices."""
        values = (
            self.id,
            self.family,
            self.operation,
            self.context,
            self.max_output,
            self.input,
            self.thinking,
            self.facts,
        )
        return PricedModel(*values, row=self, currency=currency, peak_hours=peak_hours)

    def tiers(self, day: datetime.date) -> list[Price]:
        """Return the price tiers of a day, shortest prompts first."""
        known = [price for price in self.prices if price.holds(day)]
        newest = max((price.since for price in known), default=None)
        return [price for price in known if price.since == newest]

    def price_at(self, day: datetime.date, prompt_tokens: int) -> Price | None:
        """Return the price for a request of that day and prompt length, or None if unknown."""
        return next((price for price in self.tiers(day) if price.covers(prompt_tokens)), None)


@dataclass(frozen=True, slots=True)
class PricedModel(Model):
    """A model that a catalog lists, with its row. A model that no catalog lists is a plain Model."""

    row: ModelRow | None = field(default=None, compare=False, repr=False)
    currency: str = field(default="CNY", compare=False)
    peak_hours: PeakHours | None = field(default=None, compare=False)


class StandIn(CatalogSection):
    """A vendor's model that serves an OpenAI name, with default fields for the request."""

    model: str
    set: dict[str, Any] = {}


class PricePage(CatalogSection):
    """The models whose prices docs/prices.md shows."""

    july_2024: list[str] = []
    """In its table of the day on which OpenAI closed its API to regions that it does not support."""
    today: list[str] = []
    """In its table of the day on which the catalog was last read."""


class Catalog(CatalogSection):
    """One vendor's catalog."""

    vendor: str
    currency: Literal["CNY", "USD"] = "CNY"
    read: datetime.date
    """Day on which these facts were last read."""
    ended: datetime.date | None = None
    """First day without the whole platform, as announced. Its stand-ins keep the models it had."""
    peak_hours: PeakHours | None = None
    """When the ``peak`` prices apply; all other hours have the usual price."""
    models: list[ModelRow]
    stand_ins: dict[str, StandIn] = {}
    """By OpenAI name, or by pattern with * for dated names. A name beats a pattern; a longer pattern beats a shorter one."""
    price_page: PricePage = PricePage()

    @cached_property
    def by_id(self) -> dict[str, ModelRow]:
        """Rows by model id."""
        return {row.id: row for row in self.models}

    def model(self, id_: str) -> Model | None:
        """Return the model with this id, or None."""
        row = self.by_id.get(id_)
        return row.model(self.currency, self.peak_hours) if row else None

    def stand_in(self, name: str, operation: Operation) -> StandIn | None:
        """Return the stand-in for an OpenAI name and operation, or None. A form of a name has the name's stand-in."""
        candidates = (name, *covering(name))
        exact = [candidate for candidate in candidates if candidate in self.stand_ins]
        patterns = sorted((key for key in self.stand_ins if "*" in key), key=len, reverse=True)
        matching = (pattern for candidate in candidates for pattern in patterns if fnmatchcase(candidate, pattern))
        for key in [*exact, *matching]:
            stand_in = self.stand_ins[key]
            if self.by_id[stand_in.model].operation == operation:
                return stand_in
        return None


class CatalogNotFound(LookupError):
    """No catalog of this name ships."""


@cache
def load(vendor: str) -> Catalog:
    """Return the catalog that ships for a vendor. Raises CatalogNotFound if there is none."""
    data = _shipped().get(vendor)
    if data is None:
        raise CatalogNotFound(vendor)
    return Catalog.model_validate(data)


def read_again() -> None:
    """Read the file of the catalogs again at the next use, after ``scripts/docs`` has written it."""
    load.cache_clear()
    _shipped.cache_clear()


@cache
def _shipped() -> dict[str, Any]:
    """Return the plain data of all catalogs. A process parses the file once, when it first needs a catalog."""
    data: dict[str, Any] = orjson.loads(FILE.read_bytes())
    return data
