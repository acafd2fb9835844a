"""Check settings that depend on each other: vendors, regions, targets, models, keys and addresses."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from adapters import registry
from adapters.core.message import EMPTY, SEMICOLON, Message, all_of, as_message, joined, one_of
from adapters.core.vendor import Vendor
from adapters.registry import EXAMPLE, EXAMPLE_KEY
from config.catalog import models as catalog
from config.errors import Diagnostic, looks_secret, nearest, pasted_secret
from config.lint import catalogs as checks_catalogs
from config.lint.capabilities import capabilities
from config.lint.catalogs import catalogs, settable, stand_ins
from config.lint.context import LintContext
from config.lint.key_pairs import PAIR, key_pair, missing_half, pair_nodes
from config.lint.names import dropped_fields, misleading_names, removed_fields
from config.nodes import CREDENTIALS, Node, find, is_credential, scalars
from config.origins import ANY_PAGE
from config.routing import catalog_of
from config.schema import OFF, ModelEntry, Settings, VendorEntry

_ONLY_COMMON = ("open_models", "moderations", "failover")


def check(context: LintContext, *, keys_needed: bool) -> None:
    """Run every check. With ``keys_needed=False`` vendors need no API key, because emulators replace them."""
    for one in (
        vendors,
        catalogs,
        targets,
        unmapped_servers,
        stand_ins,
        capabilities,
        names,
        weights,
        sets,
        policies,
        dropped_fields,
        removed_fields,
        moderations,
        cooldowns,
        listen_addresses,
        admin,
        web_page_origins,
        pasted_secrets,
        misleading_names,
    ):
        one(context)
    if keys_needed and not context.errors:
        disabled_vendors(context)


def vendors(context: LintContext) -> None:
    """Check that every vendor has an adapter, a known edition, and a host in its region."""
    for name, entry in context.settings.vendors.items():
        where = ("vendors", name)
        kind, vendor = context.kind(name), context.vendor(name)
        if "/" in name or not name.strip():
            context.error(
                where,
                Message("a vendor name cannot be empty or contain '/'"),
                Message("a name such as {name}", name=EXAMPLE.name),
                at_key=True,
            )
        elif kind is None:
            _kind(context, where, entry, entry.kind or name)
        elif vendor is None:
            _edition(context, where, entry, kind)
        else:
            _messages(context, where, entry, vendor)
            key_pair(context, where, entry, vendor)
            if entry.base_url is None:
                _region(context, where, entry, vendor)
                _ended(context, where, kind, vendor)


def _kind(context: LintContext, where: tuple[str, ...], entry: VendorEntry, kind: str) -> None:
    suggestion = nearest(kind, registry.BY_NAME)
    whole = sorted(name for name, vendor in registry.BY_NAME.items() if not vendor.preset)
    presets = len(whole) < len(registry.BY_NAME)
    known = one_of([*whole, *([Message("a preset that banjia vendors lists")] if presets else [])])
    word = context.quote((*where, "kind"), kind) if entry.kind else f"'{kind}'"
    if entry.kind:
        what, expected = Message("unknown kind {word}", word=word), known
    else:
        what, expected = Message("unknown vendor {word}", word=word), Message("kind: {kinds}", kinds=known)
    context.error(
        (*where, "kind") if entry.kind else where,
        what,
        EMPTY if suggestion else expected,
        suggestion,
        at_key=not entry.kind,
        code="config-unknown-vendor",
    )


def _edition(context: LintContext, where: tuple[str, ...], entry: VendorEntry, kind: Vendor) -> None:
    edition = str(entry.edition)
    problem = Message(
        "{vendor} has no edition {word}", vendor=kind.title, word=context.quote((*where, "edition"), edition)
    )
    expected = (
        one_of(kind.variant_names) if kind.variant_names else Message("the key omitted: there is only one edition")
    )
    context.error((*where, "edition"), problem, expected, nearest(edition, kind.variant_names))


def _ended(context: LintContext, where: tuple[str, ...], kind: Vendor, vendor: Vendor) -> None:
    """Warn about an edition whose whole platform has ended."""
    ended = catalog.load(vendor.catalog).ended if vendor.variant else None
    if ended is not None:
        problem = Message(
            "{vendor} has announced the end of its {edition} edition on {day}",
            edition=vendor.variant,
            vendor=vendor.title,
            day=ended,
        )
        context.warn(
            (*where, "edition"),
            problem,
            Message(
                "edition: {edition}, with an API key for it ({variable})",
                edition=kind.usual_variant,
                variable=kind.key_names[0],
            ),
        )


def _messages(context: LintContext, where: tuple[str, ...], entry: VendorEntry, vendor: Vendor) -> None:
    """Refuse ``messages`` for vendors whose adapter decides how messages are sent."""
    if "messages" in entry.model_fields_set and not vendor.transparent:
        problem = Message(
            "'messages' works for the kind openai_compatible and its presets only, and this vendor is {vendor}",
            vendor=vendor.title,
        )
        cure = Message("the key omitted: the adapter sends messages as this vendor accepts them")
        context.error((*where, "messages"), problem, cure, at_key=True)


def _region(context: LintContext, where: tuple[str, ...], entry: VendorEntry, vendor: Vendor) -> None:
    if not vendor.base_urls:
        context.error(
            where,
            Message("the key '{key}' is missing", key="base_url"),
            Message("the URL of your server, such as http://10.0.0.5:8000/v1"),
            code="config-missing-key",
            at_key=True,
        )
    elif entry.region not in vendor.base_urls and not vendor.keyless:
        regions = one_of(vendor.base_urls)
        context.error(
            (*where, "region"),
            Message("{vendor} has no region '{region}'", vendor=vendor.title, region=entry.region),
            Message("{regions}, or a base_url", regions=regions),
        )


def _each_target(settings: Settings) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    for name, entry in settings.models.items():
        for index, target in enumerate(entry.targets):
            vendor, _, model = target.target.partition("/")
            yield ("models", name, "targets", index, "target"), vendor, model


def targets(context: LintContext) -> None:
    """Check that every target names a configured vendor and a known model."""
    configured = context.settings.vendors
    for where, vendor, model in _each_target(context.settings):
        if vendor not in configured:
            suggestion = nearest(vendor, configured)
            expected = EMPTY if suggestion else one_of(configured) if configured else Message("an entry in vendors")
            context.error(
                where,
                Message("vendors has no entry {word}", word=context.quote(where, vendor)),
                expected,
                f"{suggestion}/{model}" if suggestion else "",
                code="config-unknown-vendor",
            )
        elif configured[vendor].base_url is None:
            checks_catalogs.model(context, where, vendor, model)


def unmapped_servers(context: LintContext) -> None:
    """Warn about presets that serve none of OpenAI's names: banjia does not know the models of such a server.

    A hosted one, which a key in the environment turns on, is reported only if no other vendor serves any name either.
    """
    named = {vendor for _, vendor, _ in _each_target(context.settings)}
    known = {name: vendor for name in context.settings.vendors if (vendor := context.vendor(name)) is not None}
    serving = {name for name in known if catalog_of(name, context.settings.vendors[name]).stand_ins}
    for name, vendor in known.items():
        if vendor.preset and name not in named | serving and (vendor.keyless or not named | serving):
            context.warn(
                ("vendors", name),
                Message("{name} serves no OpenAI name: banjia does not know its models", name=name),
                Message("an entry in models, such as gpt-4o: {target}", target=f"{name}/MODEL_ID"),
                at_key=True,
            )


def names(context: LintContext) -> None:
    """Check that a model name is not empty and has at most one *, at its end."""
    for name in context.settings.models:
        stem = name.removesuffix("*")
        if not name.strip() or "*" in stem or (stem != name and re.search(r"[?\[\]]", stem)):
            problem = (
                Message("the only wildcard in a name is one * at its end")
                if name.strip()
                else Message("the model name is empty")
            )
            context.error(("models", name), problem, Message('a name such as gpt-4o or "gpt-4*"'), at_key=True)


def weights(context: LintContext) -> None:
    """Warn about weights that have no effect."""
    for name, entry in context.settings.models.items():
        for index, target in enumerate(entry.targets):
            if "weight" in target.model_fields_set and entry.strategy != "weighted":
                context.warn(
                    ("models", name, "targets", index, "weight"),
                    Message("weight has no effect under strategy: {strategy}", strategy=entry.strategy),
                    Message("strategy: weighted next to targets"),
                    at_key=True,
                )


def cooldowns(context: LintContext) -> None:
    """Check that the longest cooldown is not shorter than the first."""
    breaker = context.settings.breaker
    if breaker.cap_s < breaker.cooldown_s:
        key = "cap_s" if "cap_s" in breaker.model_fields_set else "cooldown_s"
        problem = Message(
            "the longest cooldown ({cap}) is shorter than the first ({cooldown})",
            cap=f"{breaker.cap_s:g}",
            cooldown=f"{breaker.cooldown_s:g}",
        )
        context.error(
            ("breaker", key), problem, Message("cap_s of at least {cooldown}", cooldown=f"{breaker.cooldown_s:g}")
        )


def sets(context: LintContext) -> None:
    """Check that ``set`` does not change the destination, credentials, or ``model`` and ``stream`` of the request."""
    for name, entry in context.settings.models.items():
        for index, target in enumerate(entry.targets):
            for key in target.set:
                settable(context, ("models", name, "targets", index, "set", key))


def policies(context: LintContext) -> None:
    """Refuse policy keys that cannot differ per model."""
    for name, entry in context.settings.models.items():
        for key in _ONLY_COMMON:
            if key in entry.policy:
                context.error(
                    ("models", name, "policy", key),
                    Message("this key cannot differ per model"),
                    Message("it in the top-level policy"),
                    at_key=True,
                )


def moderations(context: LintContext) -> None:
    """Check that the target of ``policy.moderations`` is of a vendor with a moderations endpoint."""
    configured = context.settings.policy.moderations
    if configured in ("refuse", "pass"):
        return
    where, (entry, _, model) = ("policy", "moderations"), configured.partition("/")
    if entry not in context.settings.vendors:
        suggestion = nearest(entry, context.settings.vendors)
        problem = Message("vendors has no entry {word}", word=context.quote(where, entry))
        context.error(
            where,
            problem,
            Message("refuse or pass"),
            f"{suggestion}/{model}" if suggestion else "",
            code="config-unknown-vendor",
        )
        return
    vendor = context.vendor(entry)
    if vendor is not None and "moderations" not in vendor.operations:
        context.error(
            where,
            Message("{vendor} has no moderations endpoint", vendor=vendor.title),
            Message("refuse (404) or pass (flag nothing, without checking)"),
        )


GUESSED = 12
"""Client keys with fewer characters can be guessed."""


def listen_addresses(context: LintContext) -> None:
    """Require client keys for a ``listen`` address that other machines can reach, unless ``insecure`` is set."""
    server = context.settings.server
    if server.beyond_loopback() and not context.settings.client_keys() and not server.insecure:
        cure = Message(
            "a client key in BANJIA_CLIENT_KEY (docker run -e BANJIA_CLIENT_KEY=A_LONG_RANDOM_WORD; apps send it as OPENAI_API_KEY) or in client_keys, or insecure: true"
        )
        context.error(
            ("server", "listen"),
            Message("other machines can reach {listen}, and no client key is set", listen=server.listen),
            cure,
            code="config-open-to-network",
        )
    elif server.beyond_loopback() and not context.settings.client_keys():
        problem = Message(
            "every machine that reaches {listen} can call the vendors on your account, without a client key",
            listen=server.listen,
        )
        cure = Message("client_keys instead of insecure, or a loopback address such as 127.0.0.1:8080")
        context.warn(("server", "insecure"), problem, cure, at_key=True)
    if server.beyond_loopback() and any(len(key) < GUESSED for key in context.settings.client_keys()):
        problem = Message(
            "a client key has fewer than {count} characters and can be guessed from other machines", count=GUESSED
        )
        context.warn(("server", "client_keys"), problem, Message("a long random string"), at_key=True)


ADMIN_TOKEN_CURE = Message(
    'admin_token: "${ADMIN_TOKEN}" (or BANJIA_SERVER__ADMIN_TOKEN in the environment) of at least 16 characters, or a loopback address such as 127.0.0.1:8081'
)


def admin(context: LintContext) -> None:
    """Require a token for an admin port that other machines can reach. ``insecure`` does not apply to it."""
    server = context.settings.server
    where = ("server", "admin_listen")
    if server.admin_listen == OFF:
        return
    if server.admin_beyond_loopback() and not context.settings.admin_token():
        problem = Message("other machines can reach {listen}, and no admin_token is set", listen=server.admin_listen)
        context.error(where, problem, ADMIN_TOKEN_CURE, code="config-open-to-network")
    elif "admin_listen" in server.model_fields_set and server.admin_listen == server.listen:
        context.error(
            where,
            Message("{listen} is also the address in listen", listen=server.admin_listen),
            Message("another port, or off"),
        )


def web_page_origins(context: LintContext) -> None:
    """Refuse origins that match any web page if there are no client keys: any page could spend the operator's money."""
    if context.settings.client_keys():
        return
    for index, origin in enumerate(context.settings.server.cors_origins):
        if origin in ANY_PAGE:
            problem = Message("without client keys, '{origin}' lets any web page spend your money", origin=origin)
            context.error(
                ("server", "cors_origins", index), problem, Message("the origins of your own pages, or client_keys")
            )


def pasted_secrets(context: LintContext) -> None:
    """Warn about secrets that are written in the configuration file."""
    for path, node in scalars(context.root):
        if node.location.variable or node.variables or node.from_file or not isinstance(node.value, str):
            continue
        secret = pasted_secret(node.value)
        if is_credential(path) or tuple(path[:2]) == ("server", "client_keys"):
            secret = secret or looks_secret(node.value)
        elif tuple(path) == ("server", "admin_token"):
            secret = node.value != ""
        elif len(path) == 3 and path[2] == "proxy":
            secret = "@" in node.value  # user and password before the host
        if secret:
            context.warnings.append(
                node.diagnostic(
                    path,
                    Message("the file contains a secret"),
                    as_message(f'"${{{_variable(context, path)}}}"'),
                    code="config-secret-in-file",
                )
            )


def _variable(context: LintContext, path: tuple[str | int, ...]) -> str:
    if tuple(path[:2]) == ("server", "admin_token"):
        return "ADMIN_TOKEN"
    if path[0] == "server":
        return "BANJIA_CLIENT_KEY"
    vendor = context.vendor(str(path[1])) if is_credential(path) else None
    if vendor is not None and vendor.token_exchange is not None and path[2] in PAIR:
        return vendor.token_exchange.key_names[PAIR.index(str(path[2]))]
    return vendor.key_names[0] if vendor and vendor.key_names else "VARIABLE"


def disabled_vendors(context: LintContext) -> None:
    """Turn vendors without an API key off. A model whose vendors are all off is an error."""
    reasons = {name: _reason(context, name) for name, entry in context.settings.vendors.items() if not entry.keys()}
    context.disabled = reasons
    configured = context.settings.vendors
    if not configured:
        context.error(
            ("vendors",),
            Message("no vendor is configured"),
            code="config-no-vendor-key",
            expected=Message(
                'at least one, such as {name}: {{api_key: "${{{variable}}}"}}', name=EXAMPLE.name, variable=EXAMPLE_KEY
            ),
            at_key=True,
        )
    elif len(reasons) == len(configured):
        why = joined(
            SEMICOLON, [Message("{name}: {reason}", name=name, reason=reason) for name, reason in reasons.items()]
        )
        problem = Message("no vendor has an API key ({why})", why=why)
        cure = Message("an API key for one of them (`banjia demo` needs none)")
        context.errors.append(
            _unset(
                context,
                context.diagnostic(("vendors",), problem, cure, at_key=True, code="config-no-vendor-key"),
                reasons,
            )
        )
    else:
        for name, entry in context.settings.models.items():
            _unserved(context, name, entry, reasons)
    for name, reason in reasons.items():
        problem = Message("{reason}: {name} is off, its targets are skipped", reason=reason, name=name)
        context.warnings.append(
            _unset(
                context,
                context.diagnostic(_credential(context, name), problem, at_key=True, code="config-unset-variable"),
                (name,),
            )
        )
    _left_out(context, reasons)


def _unserved(context: LintContext, name: str, entry: ModelEntry, reasons: dict[str, Message]) -> None:
    used = {target.target.partition("/")[0]: None for target in entry.targets}
    if all(vendor in reasons for vendor in used):
        why = joined(
            SEMICOLON, [Message("{name} is off: {reason}", name=vendor, reason=reasons[vendor]) for vendor in used]
        )
        diagnostic = context.diagnostic(
            ("models", name),
            Message("all targets are off ({why})", why=why),
            Message("an API key for one of these vendors"),
            at_key=True,
            code="config-unset-variable",
        )
        context.errors.append(_unset(context, diagnostic, used))


def _credential(context: LintContext, name: str) -> tuple[str | int, ...]:
    given = next((key for key in CREDENTIALS if find(context.root, "vendors", name, key)), None)
    return ("vendors", name, given) if given else ("vendors", name)


def _reason(context: LintContext, name: str) -> Message:
    node = find(context.root, *_credential(context, name))
    if node is None or node is find(context.root, "vendors", name):
        return Message("api_key is missing")
    unset = [variable for half in pair_nodes(context.root, name) or [node] for variable in _not_set(half)]
    half = missing_half(context.root, name)
    if half is not None and not unset:
        return half
    if len(unset) == 1:
        return Message("{variables} is not set", variables=unset[0])
    if unset:
        return Message("{variables} are not set", variables=all_of(unset))
    return Message("its API key is empty")


def _not_set(node: Node) -> list[str]:
    return [child.unset for _, child in scalars(node) if child.unset]


def _unset(context: LintContext, diagnostic: Diagnostic, vendors: Iterable[str]) -> Diagnostic:
    """Return the diagnostic with the unset variables that would each give one of these vendors an API key."""
    nodes: list[Node] = []
    for name in vendors:
        own = find(context.root, *_credential(context, name))
        nodes += pair_nodes(context.root, name) or ([own] if own is not None else [])
    return replace(diagnostic, unset=tuple(dict.fromkeys(unset for node in nodes for unset in _not_set(node))))


def _left_out(context: LintContext, reasons: dict[str, Any]) -> None:
    for name in context.settings.vendors:
        keys = find(context.root, "vendors", name, "api_keys")
        if keys is not None and name not in reasons:
            for path, node in scalars(keys, ("vendors", name, "api_keys")):
                if node.unset:
                    context.warnings.append(
                        node.diagnostic(
                            path,
                            Message("{variable} is not set: this API key is skipped", variable=node.unset),
                            code="config-unset-variable",
                        )
                    )
