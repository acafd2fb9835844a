"""Which targets answer under a name: the operator's models, then stand-ins, then vendors' own ids."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any, get_args

from adapters.core.shapes import Model, Operation
from adapters.core.vendor import Target, Vendor
from adapters.registry import BY_NAME, VENDORS
from adapters.rules.server_messages import ServerMessages
from config import catalog
from config.catalog import Catalog
from config.schema import ModelEntry, Policy, Settings, Strategy, TargetEntry, VendorEntry

OPERATIONS: tuple[Operation, ...] = get_args(Operation)
LONGEST = 200
"""How much of a caller's word is compared with those that there are, in characters."""


@dataclass(frozen=True, slots=True)
class Found:
    """The targets of a name as they are listed, and the policy they are used by. ``how``: where the name was found.

    ``strategy`` chooses the first; ``weights`` has a share for each target.
    """

    targets: tuple[Target, ...]
    policy: Policy
    how: str
    strategy: Strategy = "failover"
    weights: tuple[float, ...] = (1.0,)


class UnknownModel(Exception):
    """No target for a name; the message names the nearest one that there is."""


class Routing:
    """The routing table of one configuration. Entries without a key are off: their targets are left out."""

    def __init__(self, settings: Settings, *, emulated: bool = False) -> None:
        self.settings = settings
        self._emulated = emulated
        self.live = {name: entry for name, entry in settings.vendors.items() if entry.keys()}
        self._found: dict[tuple[str, Operation], Found] = {}

    def find(self, name: str, operation: Operation) -> Found:
        """Who answers under this name. Raises UnknownModel."""
        found = self._found.get((name, operation))
        if found is None:
            found = self._search(name, operation)
            if len(self._found) < 4096:  # names come from callers: the memory is bounded
                self._found[name, operation] = found
        return found

    def judge(self) -> Found | None:
        """Who answers moderations, whatever the name that was asked for: the target of the policy, if it names one."""
        policy = self.settings.policy
        if policy.moderations in ("refuse", "pass"):
            return None
        target = self.target(TargetEntry(target=policy.moderations), "moderations", policy)
        return Found((target,), policy, "policy.moderations") if target else None

    def _search(self, name: str, operation: Operation) -> Found:
        entry, how = self._configured(name)
        if entry is not None:
            policy = merged(self.settings.policy, entry)
            targets = [(self.target(t, operation, policy), t.weight) for t in entry.targets]
            there = tuple(target for target, _ in targets if target is not None)
            if not there:
                raise UnknownModel(f"The model '{name}' has no target that serves {operation}.")
            weights = tuple(weight for target, weight in targets if target is not None)
            return Found(there, policy, how, entry.strategy, weights)
        stand_in = self.stand_in(name, operation)
        if stand_in is not None:
            return Found((stand_in,), self.settings.policy, "stand-in")
        own = self._own_id(name, operation) if self.settings.open_models else None
        if own is not None:
            return Found((own,), self.settings.policy, "vendor's own id")
        raise UnknownModel(self.unknown(name, operation))

    def _configured(self, name: str) -> tuple[ModelEntry | None, str]:
        models = self.settings.models
        if name in models:
            return models[name], "models"
        for pattern in sorted((key for key in models if "*" in key), key=len, reverse=True):
            if fnmatchcase(name, pattern):
                return models[pattern], f"models: {pattern}"
        return None, ""

    def stand_in(self, name: str, operation: Operation) -> Target | None:
        """The first configured vendor's stand-in for one of OpenAI's names."""
        for entry_name, entry in self.live.items():
            found = catalog_of(entry_name, entry).stand_in(name, operation)
            if found is not None:
                wish = TargetEntry(target=f"{entry_name}/{found.model}")
                return self.target(wish, operation, self.settings.policy, defaults=found.set)
        return None

    def _own_id(self, name: str, operation: Operation) -> Target | None:
        entry_name, _, model = name.partition("/")
        if entry_name in self.live and model:
            return self.target(TargetEntry(target=name), operation, self.settings.policy)
        for entry_name, entry in self.live.items():
            if catalog_of(entry_name, entry).model(name) is not None:
                return self.target(TargetEntry(target=f"{entry_name}/{name}"), operation, self.settings.policy)
        return None

    def target(
        self, wish: TargetEntry, operation: Operation, policy: Policy, defaults: Mapping[str, Any] | None = None
    ) -> Target | None:
        """A target as the adapters need it; None if its vendor is off or has no such operation."""
        entry_name, _, model_id = wish.target.partition("/")
        entry = self.live.get(entry_name)
        if entry is None:
            return None
        vendor = vendor_of(entry_name, entry)
        # An id that the catalog does not know is sent as it is, with the newest family's facts left open.
        model = catalog_of(entry_name, entry).model(model_id) or Model(model_id, operation=operation)
        if operation not in vendor.operations or model.operation != operation:
            return None
        return Target(
            entry=entry_name,
            vendor=vendor,
            model=model,
            base_url=base_url_of(entry_name, entry),
            overlay=wish.set,
            defaults=defaults or {},
            strict=policy.unsupported == "strict",
            without=policy.emulate.off(),
            thinking=policy.thinking,
            messages=messages_of(entry),
            report_model=policy.report_model,
            emulated=self._emulated,
        )

    @cached_property
    def labels(self) -> frozenset[str]:
        """Every ``vendor/model`` that the operator or a catalog names. Where models are open, callers may name others."""
        named = {target.target for entry in self.settings.models.values() for target in entry.targets}
        for entry_name, entry in self.live.items():
            named |= {f"{entry_name}/{id_}" for id_ in catalog_of(entry_name, entry).by_id}
        return frozenset(named)

    @cached_property
    def names(self) -> Mapping[str, str]:
        """The names that ``/v1/models`` lists, with the vendor that answers: the models, then stand-ins. No wildcards."""
        owners = {name: self.owner(name) for name in self._told()}
        return {name: owner for name, owner in owners.items() if owner is not None}

    def _told(self) -> list[str]:
        """The names of ``models`` whose vendor is on, then the stand-ins'. No wildcards."""
        names = [
            name for name, entry in self.settings.models.items()
            if any(target.target.partition("/")[0] in self.live for target in entry.targets)
        ]  # fmt: skip
        for entry_name, entry in self.live.items():
            names += catalog_of(entry_name, entry).stand_ins
        return [name for name in names if "*" not in name]

    def _own_ids(self) -> list[str]:
        """The vendors' own ids, alone and after their vendor, where they may be asked for."""
        if not self.settings.open_models:
            return []
        ids = [(name, id_) for name, entry in self.live.items() for id_ in catalog_of(name, entry).by_id]
        return [id_ for _, id_ in ids] + [f"{name}/{id_}" for name, id_ in ids]

    def owner(self, name: str) -> str | None:
        """The vendor that answers under this name, whatever it is asked for; None if there is no such model."""
        for operation in OPERATIONS:
            try:
                return self.find(name, operation).targets[0].entry
            except UnknownModel:
                continue
        return None

    def unknown(self, name: str, operation: Operation | None = None) -> str:
        """What is said of a name that nobody answers under: for this operation, or at all."""
        if not self.live:
            return f"The model '{name}' does not exist: no vendor is configured."
        near = nearest(name, [*self._told(), *self._own_ids()])
        hint = f" Did you mean '{near}'?" if near else ""
        for other in OPERATIONS:
            if other != operation and self.stand_in(name, other) is not None:
                hint = f" It is a model for {other}."
        if operation is not None:
            hint += self._elsewhere(name, operation)
        return f"The model '{name}' does not exist or you do not have access to it.{hint}"

    def _elsewhere(self, name: str, operation: Operation) -> str:
        """The vendors that would answer under this name, had they a key: said of OpenAI's names only."""
        others = [vendor for vendor in VENDORS if operation in vendor.operations and stands_in(vendor, name, operation)]
        if not others:
            return ""
        named = " or ".join(f"{vendor.title} ({vendor.key_names[0]})" for vendor in others)
        return f" None of the configured vendors has it; with a key, {named} would answer."


def stands_in(vendor: Vendor, name: str, operation: Operation) -> bool:
    """Whether a vendor has a stand-in for one of OpenAI's names."""
    return catalog.load(vendor.catalog).stand_in(name, operation) is not None


def vendor_of(name: str, entry: VendorEntry) -> Vendor:
    """The adapter of a configured vendor, in its edition."""
    vendor = BY_NAME[entry.kind or name].of_edition(entry.edition)
    assert vendor is not None  # checked when the configuration was loaded
    return vendor


def catalog_of(name: str, entry: VendorEntry) -> Catalog:
    """What is known of a configured vendor's models, by what ships and by the operator.

    Raises FileNotFoundError where there is no catalog.
    """
    shipped = catalog.load(vendor_of(name, entry).catalog)
    return entry.catalog.over(shipped) if entry.catalog else shipped


def base_url_of(name: str, entry: VendorEntry) -> str:
    """Where a configured vendor is called: the prefix of every path."""
    return entry.base_url or vendor_of(name, entry).base_urls[entry.region]


def messages_of(entry: VendorEntry) -> ServerMessages | None:
    """What the operator says of a server's messages; None where that is nothing."""
    wish = entry.messages
    if not wish.merge_system and wish.developer_as is None:
        return None
    return ServerMessages(wish.merge_system, wish.developer_as)


def merged(policy: Policy, entry: ModelEntry) -> Policy:
    """The policy of one model: its own keys over the common ones, emulations one by one."""
    if not entry.policy:
        return policy
    common = policy.model_dump()
    emulate = {**common["emulate"], **entry.policy.get("emulate", {})}
    return Policy.model_validate({**common, **entry.policy, "emulate": emulate})


def nearest(word: str, words: Iterable[str]) -> str | None:
    """The word that is most like this one, or None."""
    return next(iter(difflib.get_close_matches(word[:LONGEST], list(words), 1, 0.6)), None)
