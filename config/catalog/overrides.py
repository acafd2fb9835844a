"""The operator's overrides of a vendor's catalog: prices, limits, stand-ins, and models that the catalog lacks."""

from typing import Literal

from pydantic import Field, PrivateAttr

from config.catalog.models import Catalog, CatalogSection, Confidence, ModelRow, StandIn


class ModelOverride(ModelRow):
    """The operator's values for one model. They replace the shipped ones; a new id adds a model."""

    confidence: Confidence = "high"
    same_as: str | None = None
    """The model of this catalog that is called under this id: limits, facts and prices not set here are that model's."""

    def apply_to(self, base: ModelRow | None) -> ModelRow:
        """Return a row with the values of ``base`` and those set here. ``prices`` replaces the whole list.

        ``base``: the row of the model that ``same_as`` names, else the shipped row of this id.
        """
        given = {key: getattr(self, key) for key in self.model_fields_set if key != "same_as"}
        if base is not None:
            return base.model_copy(update=given)
        return ModelRow.model_validate({"confidence": self.confidence, **given})


class CatalogOverrides(CatalogSection):
    """Overrides of one vendor's catalog."""

    currency: Literal["CNY", "USD"] | None = None
    """Currency of all the vendor's prices, if it is not the catalog's. ``cheapest`` compares prices in CNY only."""
    models: list[ModelOverride] = Field(default_factory=list)
    stand_ins: dict[str, StandIn] = Field(default_factory=dict)

    _merged: tuple[Catalog, Catalog] | None = PrivateAttr(None)

    def apply_to(self, shipped: Catalog) -> Catalog:
        """Return the vendor's catalog with these overrides. The result is cached."""
        if self._merged is None or self._merged[0] is not shipped:
            self._merged = shipped, self._merge(shipped)
        return self._merged[1]

    def _merge(self, shipped: Catalog) -> Catalog:
        rows = dict(shipped.by_id)
        for row in self.models:
            rows[row.id] = row.apply_to(rows.get(row.same_as or row.id))
        same = {key: getattr(shipped, key) for key in Catalog.model_fields}
        return Catalog(
            **{
                **same,
                "currency": self.currency or shipped.currency,
                "models": list(rows.values()),
                "stand_ins": {**shipped.stand_ins, **self.stand_ins},
            }
        )
