"""A file of the operator's laid over a vendor's catalog: other prices, limits and stand-ins, and models that it lacks."""

from typing import Literal

from pydantic import Field, PrivateAttr

from config.catalog.models import Catalog, CatalogSection, Confidence, ModelRow, StandIn


class ModelOverride(ModelRow):
    """A model as the operator has it. What is given takes the place of what ships; a new id is a new model."""

    confidence: Confidence = "high"

    def apply_to(self, shipped: ModelRow | None) -> ModelRow:
        """The shipped row with what is given here. ``prices`` are all its prices: a list is not mixed with another."""
        given = {key: getattr(self, key) for key in self.model_fields_set}
        if shipped is not None:
            return shipped.model_copy(update=given)
        return ModelRow.model_validate({"confidence": self.confidence, **given})


class CatalogOverrides(CatalogSection):
    """What is laid over one vendor's catalog."""

    currency: Literal["CNY", "USD"] | None = None
    """That of every price of the vendor, if it is not the catalog's. Only prices in CNY are compared by ``cheapest``."""
    models: list[ModelOverride] = Field(default_factory=list)
    stand_ins: dict[str, StandIn] = Field(default_factory=dict)

    _laid: tuple[Catalog, Catalog] | None = PrivateAttr(None)

    def apply_to(self, shipped: Catalog) -> Catalog:
        """The vendor's catalog with this laid over it, made once."""
        if self._laid is None or self._laid[0] is not shipped:
            self._laid = shipped, self._made(shipped)
        return self._laid[1]

    def _made(self, shipped: Catalog) -> Catalog:
        rows = dict(shipped.by_id)
        for row in self.models:
            rows[row.id] = row.apply_to(rows.get(row.id))
        same = {key: getattr(shipped, key) for key in Catalog.model_fields}
        return Catalog(
            **{
                **same,
                "currency": self.currency or shipped.currency,
                "models": list(rows.values()),
                "stand_ins": {**shipped.stand_ins, **self.stand_ins},
            }
        )
