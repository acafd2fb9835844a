"""``banjia routes``: who answers under which name, as the proxy itself would find it."""

from collections.abc import Iterator
from typing import Any, get_args

from adapters.core.shapes import Operation
from adapters.core.vendor import Target
from config.load import Loaded
from config.routing import Found, Routing, UnknownModel, base_url_of, catalog_of, vendor_of
from config.schema import ModelEntry, Settings
from proxy.commands.table import fitted, folded

OPERATIONS: tuple[Operation, ...] = get_args(Operation)


def routes(loaded: Loaded) -> dict[str, Any]:
    """The routing table as data: the names with their targets in order, and the vendors, those that are off with why."""
    settings, routing = loaded.settings, Routing(loaded.settings)
    named = [_named(name, entry, routing) for name, entry in settings.models.items()]
    return {
        "source": loaded.source,
        "open_models": settings.open_models,
        "routes": [*named, *_stand_ins(routing)],
        "vendors": list(_vendors(settings, loaded)),
    }


def _vendors(settings: Settings, loaded: Loaded) -> Iterator[dict[str, Any]]:
    for name, entry in settings.vendors.items():
        vendor = vendor_of(name, entry)
        yield {
            "name": name,
            "kind": vendor.name,
            "base_url": base_url_of(name, entry),
            "keys": len(entry.keys()),
            "off": loaded.off.get(name),
        }


def _named(name: str, entry: ModelEntry, routing: Routing) -> dict[str, Any]:
    """A name of the operator's."""
    found = {op: hit for op in OPERATIONS if (hit := _find(routing, name, op))}
    there = {target.label for hit in found.values() for target in hit.targets}
    targets = []
    for wish in entry.targets:
        vendor = wish.target.partition("/")[0]
        told: dict[str, Any] = {"target": wish.target}
        if wish.set:
            told["set"] = wish.set
        if "weight" in wish.model_fields_set:
            told["weight"] = wish.weight
        if vendor not in routing.live:
            told["off"] = f"{vendor} is off"
        elif wish.target not in there:
            told["off"] = "the vendor has no such operation"
        targets.append(told)
    route = {"name": name, "from": "models", "operations": list(found), "targets": targets}
    if "strategy" in entry.model_fields_set:
        route["strategy"] = entry.strategy
    return {**route, "policy": entry.policy}


def _stand_ins(routing: Routing) -> Iterator[dict[str, Any]]:
    """OpenAI's names that no line of ``models`` has: the first vendor with a stand-in answers."""
    seen = set(routing.settings.models)
    for name, entry in routing.live.items():
        try:
            rows = catalog_of(name, entry)
        except FileNotFoundError:
            continue
        for pattern in rows.stand_ins:
            found = {op: hit for op in OPERATIONS if (hit := _find(routing, pattern, op))}
            hits = [hit for hit in found.values() if hit.how == "stand-in"]
            if pattern not in seen and hits:
                seen.add(pattern)
                targets = [_told(target) for target in hits[0].targets]
                yield {"name": pattern, "from": "stand-in", "operations": list(found), "targets": targets, "policy": {}}


def _told(target: Target) -> dict[str, Any]:
    return {"target": target.label, **({"set": dict(target.defaults)} if target.defaults else {})}


def _find(routing: Routing, name: str, operation: Operation) -> Found | None:
    try:
        return routing.find(name, operation)
    except UnknownModel:
        return None


def lines(found: dict[str, Any], width: int = 0) -> Iterator[str]:
    """The table for a terminal of that many columns; 0 is no limit. ``policy`` is there if a name has one of its own."""
    rows = [
        [route["name"], " then ".join(map(_written, route["targets"])), route["from"], _differs(route)]
        for route in found["routes"]
    ]
    head = ["name", "answered by", "from", "policy"]
    if all(row[-1] == "-" for row in rows):
        head, rows = head[:-1], [row[:-1] for row in rows]
    if rows:
        for row in fitted(head, rows, width, [1, 3][: len(head) - 2]):
            yield from row
        yield ""
    for vendor in found["vendors"]:
        state = f"off: {vendor['off']}" if vendor["off"] else f"{vendor['keys']} key{'s'[: vendor['keys'] != 1]}"
        yield from _in(width, f"{vendor['name']}: {vendor['base_url']} ({state})")
    yield from _in(
        width,
        "vendor/model and vendors' own ids may be asked for too."
        if found["open_models"]
        else "Other names are answered with 404 (policy.open_models).",
    )


def _in(width: int, text: str) -> Iterator[str]:
    first, *more = folded(text, width - 4) if width else [text]
    yield first
    yield from (f"    {line}" for line in more)


def _written(target: dict[str, Any]) -> str:
    notes = [f"{name}: {value}" for name, value in target.get("set", {}).items()]
    notes += [f"weight {target['weight']:g}"] if "weight" in target else []
    notes += [target["off"]] if "off" in target else []
    return f"{target['target']} ({', '.join(notes)})" if notes else str(target["target"])


def _differs(route: dict[str, Any]) -> str:
    told = [f"strategy: {route['strategy']}"] if "strategy" in route else []
    return ", ".join([*told, *(f"{name}: {value}" for name, value in route["policy"].items())]) or "-"
