"""Settings from environment variables.

``BANJIA_`` variables, with ``__`` between keys, override the file. Without a file, vendors come from their key variables.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args, get_origin

from adapters import registry
from adapters.core.message import COMMA, Message, joined, one_of
from adapters.core.vendor import Vendor
from config.catalog.overrides import CatalogOverrides
from config.errors import ConfigError, Diagnostic, InvalidValue, Location, nearest
from config.loader.interpolation import is_file, read_secret, secret_path
from config.loader.renamed_keys import old_names
from config.loader.schema_walk import at, fields, inside, is_section
from config.nodes import Node, node_of, scalars
from config.schema import ModelEntry, Settings

PREFIX = "BANJIA_"
RESERVED = ("BANJIA_CONFIG", "BANJIA_LANG", "BANJIA_CLIENT_KEY")
LANGUAGES = ("en", "zh")
_EMULATOR = "BANJIA_EMULATOR_"
# Kubernetes sets these in every pod of a namespace with a Service named banjia; they are not settings.
_SERVICE_LINK = re.compile(
    r"BANJIA_(?:(?!.*__)\w+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_\w+)?)$"
)
_LINK_VALUE = re.compile(r"(tcp|udp|sctp)://")

_NEVER = ("OPENAI_",)
_PAIR = ("access_key_id", "secret_key")
_REPLACED: Mapping[str, tuple[str, ...]] = {
    "api_key": ("api_keys", *_PAIR),
    "api_keys": ("api_key", *_PAIR),
    **dict.fromkeys(_PAIR, ("api_key", "api_keys")),
}
"""The credentials of the file that a variable for a credential replaces."""


def location_of(variable: str) -> Location:
    """Return the location of an environment variable."""
    return Location("environment", variable=variable)


def override(root: Node, environ: Mapping[str, str], folder: Path) -> list[Diagnostic]:
    """Apply the ``BANJIA_`` variables to the tree, in place, and return the errors. Empty variables are ignored.

    Shorter names go first, so that ``BANJIA_VENDORS__NAME__REGION`` can refine a ``BANJIA_VENDORS`` in JSON.
    """
    diagnostics = []
    for name in sorted(filter(_is_banjia_variable, environ), key=lambda name: (name.count("__"), name)):
        if _LINK_VALUE.match(environ[name]) and name.endswith("_PORT"):
            continue
        try:
            _apply_variable(root, name, environ[name], folder)
        except ConfigError as error:
            diagnostics.extend(error.diagnostics)
    _add_client_key(root, environ, folder, diagnostics)
    language = environ.get("BANJIA_LANG", "")
    if language and language not in LANGUAGES:
        problem = Message("unknown language '{word}'", word=language)
        diagnostics.append(
            Diagnostic(location_of("BANJIA_LANG"), "", problem, one_of(LANGUAGES), nearest(language, LANGUAGES))
        )
    return diagnostics


def _is_banjia_variable(name: str) -> bool:
    return (
        name.startswith(PREFIX)
        and name not in RESERVED
        and not name.startswith(_EMULATOR)
        and not _SERVICE_LINK.match(name)
    )


def _apply_variable(root: Node, name: str, text: str, folder: Path) -> None:
    """Apply one variable. Raises ConfigError."""
    place = location_of(name)
    path, kind = _resolved(root, name)
    if text == "":
        return
    value = _value(kind, text, place, path)
    _read_files(value, folder)
    node: Node | None = root
    for depth, key in enumerate(path[:-1]):
        node = _opened(node, at(path[:depth]))
        if node is None:
            return  # the file has another type there; validation reports it
        node = node.value.setdefault(key, Node({}, place, place))
    node = _opened(node, at(path[:-1]))
    if node is None:
        return
    node.value[path[-1]] = value
    if len(path) == 3 and path[0] == "vendors":
        for other in _REPLACED.get(path[2], ()):
            node.value.pop(other, None)  # the environment wins


def _resolved(root: Node, name: str) -> tuple[list[str], Any]:
    """Return the path of a variable's key and the type of its value. Raises ConfigError."""
    path: list[str] = []
    node: Node | None = root
    kind: Any = Settings
    for part in name.removeprefix(PREFIX).split("__"):
        key = _key(node, kind, path, part)
        if key is None:
            raise ConfigError(
                [
                    Diagnostic(
                        location_of(name),
                        "",
                        Message("unknown variable"),
                        suggestion=nearest_variable(name, root),
                        code="config-unknown-variable",
                    )
                ]
            )
        path.append(key)
        kind = inside(kind, key)
        node = node.child(key) if node else None
    return path, kind


def _opened(node: Node | None, kind: Any) -> Node | None:
    """Return the node as a mapping: null becomes an empty one, a route's short form becomes the long form."""
    if node is None:
        return None
    if node.value is None:
        node.value = {}
    elif kind is ModelEntry and (not isinstance(node.value, dict) or "target" in node.value):
        node.value = {"targets": replace(node)}
    return node if isinstance(node.value, dict) else None


def _key(node: Node | None, kind: Any, path: list[str], part: str) -> str | None:
    """Return the key that one part of a variable's name means, or None."""
    if is_section(kind):
        known_keys = [*fields(kind), *old_names(path[0] if len(path) == 1 else "")]
        return part.lower() if part.lower() in known_keys else None
    if get_origin(kind) is not dict or not part:
        return None
    here = node.value if node and isinstance(node.value, dict) else ()
    known: dict[str, str] = {_folded(key): key for key in here}
    if path == ["vendors"]:
        known = {**{_folded(key): key for key in registry.BY_NAME}, **known}
    if _folded(part) in known:
        return known[_folded(part)]
    if part != part.upper():
        return part  # the exact key: Docker and Kubernetes allow lower case in variable names
    if path == ["models"]:
        return None  # ambiguous: gpt-4o, gpt_4o or gpt.4o
    return part.lower().replace("_", "-") if path[-1] == "headers" else part.lower()


def _folded(name: str) -> str:
    return re.sub(r"[-.]", "_", name).lower()


def _value(kind: Any, text: str, place: Location, path: list[str]) -> Node:
    """Parse a variable's text as the type of its key. Raises ConfigError."""
    if kind is ModelEntry or get_origin(kind) is list:
        if text.lstrip()[:1] not in ("[", "{"):
            items = [item.strip() for item in text.split(",")]
            return node_of([item for item in items if item], place)
        return node_of(_json(text, place, path), place)
    if kind is CatalogOverrides and text.lstrip()[:1] != "{":
        return node_of(text, place)  # the path of a file
    if is_section(kind) or get_origin(kind) is dict:
        value = _json(text, place, path)
        if not isinstance(value, dict):
            raise ConfigError(
                [
                    Diagnostic(
                        place,
                        ".".join(path),
                        Message("not a mapping"),
                        Message('JSON such as {"key": "value"}'),
                    )
                ]
            )
        return node_of(value, place)
    if kind is Any:
        try:
            return node_of(json.loads(text), place)
        except (ValueError, RecursionError):
            pass
    return node_of(text, place)


def _json(text: str, place: Location, path: list[str]) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ConfigError(
            [Diagnostic(place, ".".join(path), Message("not JSON"), Message('JSON such as {"key": "value"}'))]
        ) from None


def _read_files(node: Node, folder: Path) -> None:
    for path, scalar in scalars(node):
        if isinstance(scalar.value, str) and is_file(scalar.value):
            try:
                scalar.from_file = str(secret_path(scalar.value, folder))
                scalar.value = read_secret(scalar.value, folder)
            except InvalidValue as error:
                raise ConfigError([scalar.diagnostic(path, error.problem)]) from None


def _add_client_key(root: Node, environ: Mapping[str, str], folder: Path, diagnostics: list[Diagnostic]) -> None:
    key = node_of(environ.get("BANJIA_CLIENT_KEY", ""), location_of("BANJIA_CLIENT_KEY"))
    try:
        _read_files(key, folder)
    except ConfigError as error:
        diagnostics.extend(error.diagnostics)
        return
    if not key.value:
        return
    server = _opened(root.value.setdefault("server", Node({}, key.location, key.location)), None)
    if server is None:
        return
    keys = server.value.setdefault("client_keys", Node([], key.location, key.location))
    if isinstance(keys.value, str):
        keys.value = [replace(keys)]
    if keys.value is None:
        keys.value = []
    if isinstance(keys.value, list) and key.value not in [known.value for known in keys.value]:
        keys.value.append(key)


def nearest_variable(name: str, root: Node) -> str:
    """Return the most similar known variable, or an empty string."""
    known = [*_known(Settings, root), *(reserved.removeprefix(PREFIX) for reserved in RESERVED)]
    similar = nearest(name.removeprefix(PREFIX), known)
    return f"{PREFIX}{similar}" if similar else ""


def _known(kind: Any, node: Node | None) -> Iterator[str]:
    """Yield the names of the variables for all keys below a type."""
    if is_section(kind):
        below = fields(kind)
    elif get_origin(kind) is dict:
        names = list(node.value) if node and isinstance(node.value, dict) else []
        entry = get_args(kind)[1]
        below = dict.fromkeys([*names, *(registry.BY_NAME if "VendorEntry" in str(entry) else ())], entry)
    else:
        return
    for key, inner in below.items():
        name = _folded(key).upper()
        yield name
        yield from (f"{name}__{rest}" for rest in _known(inner, node.child(key) if node else None))


# --- no file: vendors from their own key variables ---


def vendors_by_rank() -> list[Vendor]:
    """Return the vendors, with their editions, that need only an API key, in the order in which banjia looks for keys."""
    every = [edition for vendor in registry.VENDORS for edition in vendor.in_each_variant]
    return [vendor for vendor in every if vendor.base_urls and key_names(vendor)]


def key_names(vendor: Vendor) -> list[str]:
    """Return the variables that may contain a vendor's API key without a configuration file."""
    return [name for name in vendor.key_names if not name.startswith(_NEVER)]


def searched_keys() -> Message:
    """Return the variables of :func:`zero_config` for a message: by name, and the number of those of presets."""
    vendors = vendors_by_rank()
    names = joined(COMMA, [name for vendor in vendors if not vendor.preset for name in key_names(vendor)])
    more = sum(len(key_names(vendor)) for vendor in vendors if vendor.preset)
    return Message("{names} and {count} variables of presets", names=names, count=more) if more else names


def zero_config(environ: Mapping[str, str], folder: Path) -> tuple[Node, list[Diagnostic]]:
    """Return a tree of the vendors whose key variable is set, and the errors. The first set variable of a vendor wins.

    Another edition gets the vendor's name if the usual edition has no key, otherwise ``vendor-edition``.
    """
    vendors: dict[str, Node] = {}
    diagnostics: list[Diagnostic] = []
    for vendor in vendors_by_rank():
        name = next((name for name in key_names(vendor) if environ.get(name)), None)
        if name is not None:
            entry: dict[str, str] = {"api_key": environ[name]}
            entry_name = vendor.name
            if entry_name in vendors:
                entry_name, entry["kind"] = f"{vendor.name}-{vendor.variant}", vendor.name
            if vendor.variant is not None:
                entry["edition"] = vendor.variant
            if "cn" not in vendor.base_urls:
                entry["region"] = next(iter(vendor.base_urls))
            vendors[entry_name] = node_of(entry, location_of(name))
            try:
                _read_files(vendors[entry_name], folder)
            except ConfigError as error:
                diagnostics.extend(error.diagnostics)
    root = Location("environment")
    return Node({"vendors": Node(vendors, root, root)}, root, root), diagnostics
