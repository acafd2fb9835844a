"""The reference of every configuration key, generated from the published schema (config/schema.py)."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args, get_origin

from adapters.core.vendor import Vendor
from adapters.registry import EXAMPLE, EXAMPLE_TARGET, VENDORS
from config import json_schema as publish
from config.catalog import models as catalog
from config.loader.environment import key_names, vendors_by_rank
from config.loader.schema_walk import fields, is_section, unwrap
from config.schema import Settings
from config.sections import Section
from scripts.pages.table import code, table

Json = Mapping[str, Any]

WITH_EDITIONS = next(vendor for vendor in VENDORS if vendor.variants)
WITH_PAIRS = next(vendor for vendor in VENDORS if vendor.token_exchange is not None)
FIRST_TARGET = f"{VENDORS[0].name}/{catalog.load(VENDORS[0].catalog).stand_ins['gpt-4o'].model}"

NAMES: Mapping[str, str] = {
    "vendors": EXAMPLE.name.upper(),
    "vendors.NAME.kind": "OFFICE",
    "vendors.NAME.edition": WITH_EDITIONS.name.upper(),
    **dict.fromkeys(
        (f"vendors.NAME.{key}" for key in ("access_key_id", "secret_key", "token_url", "project")),
        WITH_PAIRS.name.upper(),
    ),
    "vendors.NAME.messages.merge_system": "VLLM",
    "vendors.NAME.messages.developer_as": "VLLM",
    "models": "gpt-4o",
}
"""The replacement of NAME in example variables: the default, and those for single keys."""
EXAMPLES: Mapping[str, str] = {
    "version": "1",
    "server.listen": "0.0.0.0:8080",
    "server.admin_listen": "127.0.0.1:9090",
    "server.admin_token": "another-long-random-word",
    "server.client_keys": "a-long-random-word,another-one",
    "server.cors_origins": "http://localhost:3000,https://app.example.com",
    "server.hosts": "banjia.example.com",
    "server.max_body_mb": "16",
    "vendors": f'{{"{EXAMPLE.name}": {{"api_key": "sk-..."}}}}',
    "vendors.NAME.kind": "openai_compatible",
    "vendors.NAME.edition": next(iter(WITH_EDITIONS.variants)),
    "vendors.NAME.region": "intl",
    "vendors.NAME.base_url": EXAMPLE.base_urls["intl"],
    "vendors.NAME.api_key": "sk-...",
    "vendors.NAME.api_keys": "sk-first,sk-second",
    "vendors.NAME.access_key_id": "AKLT...",
    "vendors.NAME.secret_key": "a-secret-key",
    "vendors.NAME.token_url": "https://open.volcengineapi.com",
    "vendors.NAME.project": "chat",
    "vendors.NAME.catalog": f'{{"stand_ins": {{"gpt-4o": {{"model": "{EXAMPLE.example}"}}}}}}',
    "vendors.NAME.headers": '{"x-team": "search"}',
    "vendors.NAME.proxy": "http://10.0.0.1:3128",
    "models": f'{{"gpt-4o": "{EXAMPLE_TARGET}"}}',
    "models.NAME.targets": f"{FIRST_TARGET},{EXAMPLE_TARGET}",
    "models.NAME.policy": '{"attempts": 1}',
    "policy.reroute": "context",
    "policy.retry_on": "5xx,reset",
    "policy.hedge_s": "3",
    "policy.moderations": "pass",
    "policy.drop": "logprobs,top_logprobs",
    "log.format": "json",
    "store.url": "sqlite:/var/lib/banjia/banjia.db",
    "store.dir": "/var/lib/banjia",
    "store.conversations_days": "90",
    "store.secret": "a-random-word-of-at-least-32-characters",
}
"""Example values, where the type alone gives no useful one."""
DESCRIBED_ELSEWHERE = ("models.NAME.policy",)
"""Sections that have the keys of another section."""
PENDING = "Not yet: leave it out."


@dataclass(frozen=True)
class Key:
    """One key: its path, with NAME for a name chosen by the operator, and its schema."""

    path: str
    schema: Json

    @property
    def name(self) -> str:
        """Return the last part of the path."""
        return self.path.rpartition(".")[2]

    @property
    def pending(self) -> bool:
        """Return whether its feature is not implemented yet."""
        return bool(self.schema["description"].endswith(PENDING))

    @property
    def type(self) -> str:
        """Return the description of its values."""
        return words(self.schema)

    @property
    def default(self) -> str:
        """Return its default as written in YAML; empty if the description has it, or if there is none."""
        value = self.schema.get("default")
        if value is None:
            return ""
        if isinstance(value, bool):
            return "on" if value else "off"
        return ", ".join(map(str, value)) if isinstance(value, list) else str(value)

    @property
    def variable(self) -> str:
        """Return its environment variable; empty if it has none."""
        if "[]" in self.path:
            return ""
        first, *rest = self.path.split(".")
        named = NAMES.get(self.path) or NAMES.get(first, "")
        return "BANJIA_" + "__".join([first.upper(), *(named if part == "NAME" else part.upper() for part in rest)])

    @property
    def example(self) -> str:
        """Return a value other than the default. Raises LookupError for a text that ``EXAMPLES`` lacks."""
        value = EXAMPLES.get(self.path) or _other(self.schema)
        if not value:
            raise LookupError(f"{self.path}: EXAMPLES needs a value to show")
        return value


def sections() -> Iterator[tuple[str, str, Sequence[Key]]]:
    """Yield every section: its path, its purpose, and its keys; nested sections follow their parent."""
    published = json.loads(publish.text())
    return _within("", Settings, {**published["definitions"], "Settings": published})


def _within(path: str, section: type[Section], definitions: Json) -> Iterator[tuple[str, str, Sequence[Key]]]:
    definition = _long(definitions[section.__name__])
    keys = [Key(f"{path}.{name}".lstrip("."), about) for name, about in definition["properties"].items()]
    yield path, definition["description"], keys
    for key in keys:
        below, inner = _below(key.path, fields(section)[key.name])
        if inner and below not in DESCRIBED_ELSEWHERE:
            yield from _within(below, inner, definitions)


def _below(path: str, kind: Any) -> tuple[str, type[Section] | None]:
    """Return the path of a value's keys (under a name, in a list, or direct), and the section that they form."""
    if get_origin(kind) is dict:
        path, kind = f"{path}.NAME", unwrap(get_args(kind)[1])
    elif get_origin(kind) is list:
        path, kind = f"{path}[]", unwrap(get_args(kind)[0])
    return path, kind if is_section(kind) and issubclass(kind, Section) else None


def _long(definition: Json) -> Json:
    """Return the long form of a section; short forms have no keys."""
    if "properties" in definition:
        return definition
    long = definition["anyOf"][-1]
    return {"description": definition["description"], **long}


def words(value: Json) -> str:
    """Return the description of a value."""
    if "anyOf" in value:
        forms = [form for form in value["anyOf"] if form != publish.VARIABLE]
        if forms and forms[-1].get("type") == "array":
            return f"{_one(forms[0])}, or a list"
        return " or ".join(dict.fromkeys(filter(None, map(_one, forms))))
    return _one(value)


def _one(form: Json) -> str:
    if "anyOf" in form:
        return words(form)
    if "enum" in form:
        return ", ".join(form["enum"])
    if "const" in form:
        return str(form["const"])
    if "allOf" in form or "$ref" in form:
        return "the keys below"
    if form.get("type") == "object":
        return "a mapping"
    if form.get("type") == "array":
        return "a list"
    if form.get("type") == "boolean":
        return ""  # on and off stand beside it
    if form.get("type") in ("integer", "number"):
        return " ".join(filter(None, ["whole number" if form["type"] == "integer" else "number", _range(form)]))
    return "secret text" if form.get("format") == "password" else "text"


def _range(form: Json) -> str:
    low = f"from {form['minimum']}" if "minimum" in form else "above 0" if "exclusiveMinimum" in form else ""
    high = f"to {form['maximum']}" if "maximum" in form else ""
    return " ".join(filter(None, [low, high]))


def _other(value: Json) -> str:
    """Return a value that is not the default, from the type alone; None for a text."""
    default = value.get("default")
    for form in [value, *value.get("anyOf", [])]:
        if "enum" in form:
            text = {True: "on", False: "off"}.get(default, default) if type(default) is bool else default
            return str(next(word for word in form["enum"] if word != text))
        if form.get("type") in ("integer", "number"):
            return f"{_number(60 if default is None else default, form):g}"
    return ""


def _number(default: float, form: Json) -> float:
    """Return twice that number if allowed, else half of it."""
    return default * 2 if default * 2 <= form.get("maximum", default * 2) else default / 2


def text() -> str:
    """Return the reference: a heading, a line and a table for each section."""
    return "\n" + "\n".join(_section_text(path, about, keys) for path, about, keys in sections()) + "\n"


def _section_text(path: str, about: str, keys: Sequence[Key]) -> str:
    rows = [
        [
            f'<a id="{_anchor(key.path)}"></a>{code(key.name)}',
            key.type,
            code(key.default),
            key.schema["description"],
            _shown(key),
        ]
        for key in keys
    ]
    title = code(path) if path else "The file"
    head = ["key", "type", "default", "meaning", "in the environment, for example"]
    return f"### {title}\n\n{about}\n\n{table(head, rows)}"


def _anchor(path: str) -> str:
    return path.replace("[]", "")


def _shown(key: Key) -> str:
    if not key.variable:
        return "as a part of the list"
    if "allOf" in key.schema:
        return "by its keys"
    return code(key.variable) if key.pending else code(f"{key.variable}={key.example}")


def key_order() -> str:
    """Return the table of the environment variables with API keys that are read without a configuration file."""
    rows = [
        [str(at), _vendor(vendor), ", ".join(map(code, key_names(vendor)))]
        for at, vendor in enumerate(vendors_by_rank(), 1)
    ]
    return "\n" + table(["", "vendor", "variable; of several, the first that is set"], rows) + "\n"


def _vendor(vendor: Vendor) -> str:
    return vendor.title if vendor.variant is None else f"{vendor.title}, `edition: {vendor.variant}`"
