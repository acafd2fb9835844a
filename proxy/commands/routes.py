"""``banjia routes``: list the targets of every model name, resolved as the proxy resolves them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from adapters.core.message import COMMA, Message, joined
from adapters.core.request import Operation
from adapters.core.vendor import Target
from adapters.openai_params.operations import OPERATIONS
from config.catalog.openai_names import forms_of, is_no_form, known_names
from config.loader.load import LoadedConfig
from config.routing import (
    ResolvedRoute,
    Routing,
    UnknownModel,
    base_url_of,
    catalog_of,
    key_of,
    routed_forms,
    vendor_of,
)
from config.schema import ModelEntry, Settings
from proxy.commands.table import fit_table, fold_cell


def routes(loaded: LoadedConfig) -> dict[str, Any]:
    """Return the routing table as data: names with their targets in order, and vendors, with the reason if one is off."""
    settings, routing = loaded.settings, Routing(loaded.settings)
    named = [_named_route(name, entry, routing) for name, entry in settings.models.items()]
    return {
        "source": loaded.source,
        "open_models": settings.open_models,
        "routes": [*named, *_stand_ins(routing)],
        "vendors": list(_vendor_rows(settings, loaded)),
    }


def _vendor_rows(settings: Settings, loaded: LoadedConfig) -> Iterator[dict[str, Any]]:
    for name, entry in settings.vendors.items():
        vendor = vendor_of(name, entry)
        yield {
            "name": name,
            "kind": vendor.name,
            "base_url": base_url_of(name, entry),
            "keys": len(entry.keys()),
            "off": loaded.disabled.get(name),
        }


def _named_route(name: str, entry: ModelEntry, routing: Routing) -> dict[str, Any]:
    """Return the route of one key of ``models``."""
    found = {op: hit for op in OPERATIONS if (hit := _find(routing, name, op))}
    served = {target.label: target for hit in found.values() for target in hit.targets}
    targets = []
    for entry_target in entry.targets:
        vendor = entry_target.target.partition("/")[0]
        target_info: dict[str, Any] = {"target": entry_target.target}
        defaults = served[entry_target.target].defaults if entry_target.target in served else {}
        if defaults or entry_target.set:
            target_info["set"] = {**defaults, **entry_target.set}
        if "weight" in entry_target.model_fields_set:
            target_info["weight"] = entry_target.weight
        if vendor not in routing.enabled:
            target_info["off"] = f"{vendor} is off"
        elif entry_target.target not in served:
            target_info["off"] = "the vendor has no such operation"
        targets.append(target_info)
    forms = routed_forms(name, routing.settings.models)
    route = {"name": name, "from": "models", "operations": list(found), "targets": targets, "forms": forms}
    if "strategy" in entry.model_fields_set:
        route["strategy"] = entry.strategy
    return {**route, "policy": entry.policy}


def _stand_ins(routing: Routing) -> Iterator[dict[str, Any]]:
    """Yield the routes of OpenAI names that ``models`` does not list, which go to the vendors' stand-ins."""
    seen = set(routing.settings.models)
    patterns = {key for name, entry in routing.enabled.items() for key in catalog_of(name, entry).stand_ins}
    for name, entry in routing.enabled.items():
        rows = catalog_of(name, entry)
        for key in rows.stand_ins:
            example = _example(key, patterns)
            if key in seen or example is None:
                continue
            found = {op: hit for op in OPERATIONS if (hit := _find(routing, example, op))}
            hits = [hit for hit in found.values() if hit.how == "stand-in"]
            if hits:
                seen.add(key)
                targets = [_target_info(target) for target in hits[0].targets]
                forms = [form for form in forms_of(key) if key_of(form, routing.settings.models) is None]
                route = {"name": key, "from": "stand-in", "operations": list(found), "targets": targets}
                yield {**route, "forms": forms, "policy": {}}


def _example(key: str, patterns: Collection[str]) -> str | None:
    """Return a name that a stand-in's key matches: the key, or for a pattern the first name without a stand-in of its own.

    None if the key matches only forms of other names, whose routes list them.
    """
    matching = [known for known in known_names() if fnmatchcase(known, key) and known not in patterns]
    return next(filter(is_no_form, matching if "*" in key else [key]), None)


def _target_info(target: Target) -> dict[str, Any]:
    return {"target": target.label, **({"set": dict(target.defaults)} if target.defaults else {})}


def _find(routing: Routing, name: str, operation: Operation) -> ResolvedRoute | None:
    try:
        return routing.find(name, operation)
    except UnknownModel:
        return None


def lines(found: dict[str, Any], width: int = 0) -> Iterator[str]:
    """Yield the routes as a table of ``width`` columns, 0 for no limit. Has ``policy`` only if a name has its own policy."""
    rows = [
        [route["name"], " then ".join(map(_target_text, route["targets"])), route["from"], _policy_text(route)]
        for route in found["routes"]
    ]
    head = ["name", "targets", "from", "policy"]
    if all(row[-1] == "-" for row in rows):
        head, rows = head[:-1], [row[:-1] for row in rows]
    if rows:
        for row in fit_table(head, rows, width, [1, 3][: len(head) - 2]):
            yield from row
        yield ""
    configured = [route for route in found["routes"] if route["from"] == "models"]
    forms = list(form_lines({route["name"]: route["forms"] for route in configured}))
    for line in forms:
        yield from _folded_lines(width, line)
    if forms:
        yield ""
    for vendor in found["vendors"]:
        state = f"off: {vendor['off']}" if vendor["off"] else f"{vendor['keys']} key{'s'[: vendor['keys'] != 1]}"
        yield from _folded_lines(width, f"{vendor['name']}: {vendor['base_url']} ({state})")
    yield from _folded_lines(
        width, "Dated and alias forms of a name have its route, unless they have one of their own."
    )
    yield from _folded_lines(
        width,
        "Clients may also request vendor/model and vendors' own ids."
        if found["open_models"]
        else "Other names get 404 (policy.open_models).",
    )


def forms_by_name(settings: Settings) -> dict[str, list[str]]:
    """Return the dated and alias forms that share the route of a name in ``models``, without names that have none."""
    forms_of_names = {name: routed_forms(name, settings.models) for name in settings.models}
    return {name: forms for name, forms in forms_of_names.items() if forms}


def form_lines(forms: Mapping[str, Sequence[str]]) -> Iterator[Message]:
    """Yield a line for each name whose route has forms."""
    for name, listed in forms.items():
        if listed:
            yield Message("{name} also serves {forms}", name=name, forms=joined(COMMA, listed))


def _folded_lines(width: int, text: str) -> Iterator[str]:
    first, *more = fold_cell(text, width - 4) if width else [text]
    yield first
    yield from (f"    {line}" for line in more)


def _target_text(target: dict[str, Any]) -> str:
    notes = [f"{name}: {value}" for name, value in target.get("set", {}).items()]
    notes += [f"weight {target['weight']:g}"] if "weight" in target else []
    notes += [target["off"]] if "off" in target else []
    return f"{target['target']} ({', '.join(notes)})" if notes else str(target["target"])


def _policy_text(route: dict[str, Any]) -> str:
    parts = [f"strategy: {route['strategy']}"] if "strategy" in route else []
    return ", ".join([*parts, *(f"{name}: {value}" for name, value in route["policy"].items())]) or "-"
