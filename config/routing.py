"""Resolve a requested model name to targets.

The order of lookup: the exact name in ``models``; the name in ``models`` that the requested one is a form of, the most
specific first; the longest pattern that matches it, else one that matches the name it is a form of; the vendors'
stand-ins; vendors' own ids.
"""

import difflib
import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

from adapters.core.message import Message, one_of, sentences
from adapters.core.model import Model
from adapters.core.request import Operation
from adapters.core.vendor import Target, Vendor
from adapters.openai_params.operations import OPERATIONS
from adapters.registry import BY_NAME, VENDORS
from adapters.rules.server_messages import ServerMessages
from adapters.translations.field_names import with_chat_names
from config.catalog import models as catalog
from config.catalog.models import Catalog, StandIn
from config.catalog.openai_names import covering, forms_of, is_no_form, taken_by, width_of
from config.schema import ModelEntry, Policy, Settings, Strategy, TargetEntry, VendorEntry

_PLAIN_KEY = re.compile(r"(?!(?:true|false|null|yes|no|on|off|y|n)\Z)[A-Za-z][\w./-]*", re.ASCII | re.IGNORECASE)
"""Text that needs no quotes as a YAML key."""
LONGEST = 200
"""How many characters of a requested name are compared with known names."""


@dataclass(frozen=True, slots=True)
class ResolvedRoute:
    """The targets of a name in listed order, and the policy to use. ``how``: where the name was found.

    ``strategy`` chooses the first target; ``weights`` has one share per target. ``name`` is the key of ``models`` that
    the route comes from, whose ``set`` and ``policy`` apply; empty if the route is not from ``models``.
    """

    targets: tuple[Target, ...]
    policy: Policy
    how: str
    strategy: Strategy = "failover"
    weights: tuple[float, ...] = (1.0,)
    name: str = ""
    keeps_reasoning: bool = field(init=False)  # a target reads the reasoning of earlier answers, which banjia keeps

    def __post_init__(self) -> None:
        object.__setattr__(self, "keeps_reasoning", any(target.keeps_reasoning for target in self.targets))


class UnknownModel(Exception):
    """No target serves this name. The message suggests the nearest known name."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = message


class Routing:
    """The routing table of one configuration. Vendors without an API key are off: their targets are skipped."""

    def __init__(self, settings: Settings, *, emulated: bool = False) -> None:
        self.settings = settings
        self._emulated = emulated
        self.enabled = {name: entry for name, entry in settings.vendors.items() if entry.keys()}
        self._found: dict[tuple[str, Operation], ResolvedRoute] = {}

    def find(self, name: str, operation: Operation) -> ResolvedRoute:
        """Return the route of a name. Raises UnknownModel if there is none."""
        route = self._found.get((name, operation))
        if route is None:
            route = self._search(name, operation)
            if len(self._found) < 4096:  # names come from clients: bound the memory
                self._found[name, operation] = route
        return route

    def moderations_route(self) -> ResolvedRoute | None:
        """Return the route of ``policy.moderations`` for any requested name; None if the policy names no target."""
        policy = self.settings.policy
        if policy.moderations in ("refuse", "pass"):
            return None
        target = self.target(TargetEntry(target=policy.moderations), "moderations", policy)
        return ResolvedRoute((target,), policy, "policy.moderations") if target else None

    def _search(self, name: str, operation: Operation) -> ResolvedRoute:
        key = key_of(name, self.settings.models)
        if key is not None:
            how = "models" if key == name else f"models: {key}"
            entry = self.settings.models[key]
            policy = merged(self.settings.policy, entry)
            targets = [(self.target(t, operation, policy, name=name), t.weight) for t in entry.targets]
            available = tuple(target for target, _ in targets if target is not None)
            if not available:
                raise UnknownModel(
                    Message("The model '{name}' has no target that serves {operation}.", name=name, operation=operation)
                )
            weights = tuple(weight for target, weight in targets if target is not None)
            return ResolvedRoute(available, policy, how, entry.strategy, weights, key)
        stand_ins = self.stand_ins(name, operation)
        if stand_ins:
            return ResolvedRoute(stand_ins, self.settings.policy, "stand-in", weights=(1.0,) * len(stand_ins))
        own = self._own_id(name, operation) if self.settings.open_models else None
        if own is not None:
            return ResolvedRoute((own,), self.settings.policy, "vendor's own id")
        raise UnknownModel(self.unknown(name, operation))

    def stand_ins(self, name: str, operation: Operation) -> tuple[Target, ...]:
        """Return the configured vendors' stand-ins for an OpenAI name, in the order of :func:`stand_in_route`."""
        policy = self.settings.policy
        targets = (
            self.target(TargetEntry(target=f"{entry}/{hit.model}"), operation, policy, hit.set, name)
            for entry, hit in stand_in_route(self.enabled, name, operation)
        )
        available = tuple(target for target in targets if target is not None)
        return available if policy.failover else available[:1]

    def _own_id(self, name: str, operation: Operation) -> Target | None:
        entry_name, _, model = name.partition("/")
        if entry_name in self.enabled and model:
            return self.target(TargetEntry(target=name), operation, self.settings.policy)
        for entry_name, entry in self.enabled.items():
            if catalog_of(entry_name, entry).model(name) is not None:
                return self.target(TargetEntry(target=f"{entry_name}/{name}"), operation, self.settings.policy)
        return None

    def target(
        self,
        target_entry: TargetEntry,
        operation: Operation,
        policy: Policy,
        defaults: Mapping[str, Any] | None = None,
        name: str = "",
    ) -> Target | None:
        """Return a target for the adapters; None if its vendor is off or does not serve the operation.

        ``name``: the requested name. ``defaults``: default fields of the stand-in, if the target is one.
        """
        entry_name, _, model_id = target_entry.target.partition("/")
        entry = self.enabled.get(entry_name)
        if entry is None:
            return None
        vendor = vendor_of(entry_name, entry)
        # An id that the catalog does not list is sent unchanged, as a model without known facts.
        model = catalog_of(entry_name, entry).model(model_id) or Model(model_id, operation=operation)
        if operation not in vendor.operations or model.operation != operation:
            return None
        usual = self._usual_width(name, entry_name, model) if operation == "embeddings" else {}
        return Target(
            entry=entry_name,
            vendor=vendor,
            model=model,
            base_url=base_url_of(entry_name, entry, operation),
            overrides=target_entry.set,
            defaults={**usual, **(defaults or {})},
            strict=policy.unsupported == "strict",
            drop=with_chat_names(policy.drop),
            omit=policy.emulate.omitted(),
            openai_dimensions=width_of(name) if operation == "embeddings" else None,
            disabled_emulations=policy.emulate.off(),
            repair_max_tokens=policy.repair_max_tokens,
            unrepaired=policy.emulate.unrepaired(),
            thinking=policy.thinking,
            messages=messages_of(entry, vendor),
            report_model=policy.report_model,
            hosted_tools=policy.hosted_tools,
            emulated=self._emulated,
        )

    def _usual_width(self, name: str, entry_name: str, model: Model) -> dict[str, Any]:
        """Return the default ``dimensions`` of an embeddings target: its stand-in's, else OpenAI's if the model offers it."""
        stand_in = catalog_of(entry_name, self.enabled[entry_name]).stand_in(name, "embeddings")
        if stand_in is not None and stand_in.model == model.id and "dimensions" in stand_in.set:
            return {"dimensions": stand_in.set["dimensions"]}
        width, offered = width_of(name), model.facts.get("dimensions") or ()
        return {"dimensions": width} if width in offered else {}

    @cached_property
    def labels(self) -> frozenset[str]:
        """Every ``vendor/model`` in the configuration or a catalog. With ``open_models``, clients may request others."""
        named = {target.target for entry in self.settings.models.values() for target in entry.targets}
        for entry_name, entry in self.enabled.items():
            named |= {f"{entry_name}/{id_}" for id_ in catalog_of(entry_name, entry).by_id}
        return frozenset(named)

    @cached_property
    def names(self) -> Mapping[str, str]:
        """The names that ``/v1/models`` lists, with their vendor: ``models`` first, then stand-ins. No wildcards."""
        owners = {name: self.owner(name) for name in self.listed_names()}
        return {name: owner for name, owner in owners.items() if owner is not None}

    def listed_names(self) -> list[str]:
        """Return the names in ``models`` whose vendor is on, then the stand-ins' names. No wildcards."""
        names = [
            name for name, entry in self.settings.models.items()
            if any(target.target.partition("/")[0] in self.enabled for target in entry.targets)
        ]  # fmt: skip
        for entry_name, entry in self.enabled.items():
            names += filter(is_no_form, catalog_of(entry_name, entry).stand_ins)
        return [name for name in names if "*" not in name]

    def _own_ids(self) -> list[str]:
        """Return the vendors' own ids, with and without the vendor's name, if ``open_models`` allows them."""
        if not self.settings.open_models:
            return []
        ids = [(name, id_) for name, entry in self.enabled.items() for id_ in catalog_of(name, entry).by_id]
        return [id_ for _, id_ in ids] + [f"{name}/{id_}" for name, id_ in ids]

    def owner(self, name: str) -> str | None:
        """Return the vendor that serves this name in any operation; None if there is no such model."""
        for operation in OPERATIONS:
            try:
                return self.find(name, operation).targets[0].entry
            except UnknownModel:
                continue
        return None

    def unknown(self, name: str, operation: Operation | None = None) -> Message:
        """Return the error message for a name without a route, for one operation or, with None, for all."""
        if not self.enabled:
            return Message("The model '{name}' does not exist: no vendor is configured.", name=name)
        near = nearest(name, [*self.listed_names(), *self._own_ids()])
        hints = [Message("Did you mean '{near}'?", near=near)] if near else []
        elsewhere = False
        for other in OPERATIONS:
            if other != operation and self.stand_ins(name, other):
                hints, elsewhere = [Message("It is a model for {operation}.", operation=other)], True
        if operation is not None:
            hints += self._with_a_key(name, operation)
        if not elsewhere:
            hints += self._line_to_add(name, operation or "chat")
        return sentences(
            [Message("The model '{name}' does not exist or you do not have access to it.", name=name), *hints]
        )

    def _line_to_add(self, name: str, operation: Operation) -> list[Message]:
        """Return the hint with the configuration line that serves this name, for operators' own deployment names."""
        target = self._suggested(operation)
        if target is None or len(name) > LONGEST or not name.isprintable():
            return []
        if not self.settings.in_file:
            models = json.dumps({name: target}, ensure_ascii=False).replace("'", "\\u0027")
            return [Message("To serve this name, set BANJIA_MODELS='{models}'.", models=models)]
        key = name if _PLAIN_KEY.fullmatch(name) else json.dumps(name, ensure_ascii=False)
        return [Message("To serve this name, add to models: `{line}`.", line=f"{key}: {target}")]

    def _suggested(self, operation: Operation) -> str | None:
        """Return a target to suggest: the usual stand-in, else a target in ``models``, else any model of a vendor."""
        usual = self.stand_ins(OPERATIONS[operation].usual_model, operation)
        entries = (target for entry in self.settings.models.values() for target in entry.targets)
        listed = (self.target(entry, operation, self.settings.policy) for entry in entries)
        hit = next((target for target in (*usual, *listed) if target is not None), None)
        if hit is not None:
            return f"{hit.entry}/{hit.model.id}"
        serving = (name for name, entry in self.enabled.items() if operation in vendor_of(name, entry).operations)
        first = next(serving, None)
        return f"{first}/MODEL_ID" if first else None

    def _with_a_key(self, name: str, operation: Operation) -> list[Message]:
        """Return the hint with the vendors that would serve this OpenAI name if they had an API key."""
        others = [
            vendor
            for vendor in VENDORS
            if operation in vendor.operations and not vendor.preset and has_stand_in(vendor, name, operation)
        ]
        if not others:
            return []
        named = one_of([f"{vendor.title} ({vendor.key_names[0]})" for vendor in others])
        return [Message("No configured vendor serves it. Set an API key of {vendors}.", vendors=named)]


def key_of(name: str, models: Collection[str]) -> str | None:
    """Return the key of ``models``, a name or a pattern, that gives this name its route; None if there is none."""
    key = taken_by(name, models)
    if key is not None:
        return key
    patterns = (longest_pattern(called, models) for called in (name, *covering(name)))
    return next((pattern for pattern in patterns if pattern is not None), None)


def routed_forms(name: str, models: Collection[str]) -> list[str]:
    """Return the dated and alias forms that share the route of this key of ``models``."""
    return [form for form in forms_of(name) if key_of(form, models) == name]


def longest_pattern(name: str, models: Iterable[str]) -> str | None:
    """Return the longest pattern that matches this name; of two of the same length, the first in the file."""
    matching = [key for key in models if "*" in key and fnmatchcase(name, key)]
    return max(matching, key=len, default=None)


def stand_in_route(vendors: Mapping[str, VendorEntry], name: str, operation: Operation) -> list[tuple[str, StandIn]]:
    """Return the vendors that have a stand-in for an OpenAI name, with the stand-in, in the order of failover.

    Embeddings have one vendor only, because vectors of two models cannot be compared. An edition that its vendor has
    ended is skipped if another vendor serves the name, unless it has a ``base_url`` of its own.
    """
    hits = []
    for entry_name, entry in vendors.items():
        hit = catalog_of(entry_name, entry).stand_in(name, operation)
        if hit is not None and operation in vendor_of(entry_name, entry).operations:
            hits.append((entry_name, hit))
    running = [(called, hit) for called, hit in hits if vendors[called].base_url or not _ended(called, vendors[called])]
    route = running or hits
    return route[:1] if operation == "embeddings" else route


def _ended(name: str, entry: VendorEntry) -> bool:
    return catalog_of(name, entry).ended is not None


def has_stand_in(vendor: Vendor, name: str, operation: Operation) -> bool:
    """Whether a vendor's catalog has a stand-in for an OpenAI name."""
    return catalog.load(vendor.catalog).stand_in(name, operation) is not None


def vendor_of(name: str, entry: VendorEntry) -> Vendor:
    """Return the adapter of a configured vendor, in its variant."""
    vendor = BY_NAME[entry.kind or name].of_variant(entry.variant)
    assert vendor is not None  # checked when the configuration was loaded
    return vendor


def catalog_of(name: str, entry: VendorEntry) -> Catalog:
    """Return the catalog of a configured vendor, with the operator's overrides applied.

    Raises CatalogNotFound if the vendor has no catalog.
    """
    shipped = catalog.load(vendor_of(name, entry).catalog)
    return entry.catalog.apply_to(shipped) if entry.catalog else shipped


def base_url_of(name: str, entry: VendorEntry, operation: Operation = "chat") -> str:
    """Return the URL prefix of a configured vendor for an operation."""
    vendor = vendor_of(name, entry)
    if entry.base_url is None:
        region = next(iter(vendor.base_urls)) if vendor.keyless else entry.region  # a local server has no region
        return vendor.base_url(region, operation)
    optional = next((path for path in vendor.optional_paths if entry.base_url.endswith(path)), "")
    return entry.base_url.removesuffix(optional)


def messages_of(entry: VendorEntry, vendor: Vendor) -> ServerMessages | None:
    """Return the rules for messages with the entry's ``messages`` settings; None if they are those of the vendor's table."""
    messages, given = entry.messages, entry.messages.model_fields_set
    if not given or "chat" not in vendor.operations:
        return None
    table = vendor.operations["chat"].params["messages"]
    usual = table if isinstance(table, ServerMessages) else ServerMessages()
    rules = replace(
        usual,
        merge_system=messages.merge_system if "merge_system" in given else usual.merge_system,
        developer_as=messages.developer_as if "developer_as" in given else usual.developer_as,
    )
    return None if rules == usual else rules


def merged(policy: Policy, entry: ModelEntry) -> Policy:
    """Return the policy of one model: its own keys override the common ones, each emulation separately."""
    if not entry.policy:
        return policy
    common = policy.model_dump()
    emulate = {**common["emulate"], **entry.policy.get("emulate", {})}
    return Policy.model_validate({**common, **entry.policy, "emulate": emulate})


def nearest(word: str, words: Iterable[str]) -> str | None:
    """Return the most similar word, or None."""
    return next(iter(difflib.get_close_matches(word[:LONGEST], list(words), 1, 0.6)), None)
