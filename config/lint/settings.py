"""What no single key can tell: vendors, regions, targets, models, keys and addresses that must fit together."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from adapters import registry
from adapters.core.message import EMPTY, SEMICOLON, Message, all_of, as_message, joined, one_of
from adapters.core.vendor import Vendor
from config.catalog import models as catalog
from config.lint import catalogs as checks_catalogs
from config.lint.catalogs import catalogs, settable, stand_ins
from config.lint.context import LintContext
from config.lint.names import dropped_fields, misleading_names, removed_fields
from config.loader.errors import Diagnostic, looks_secret, nearest, pasted_secret
from config.loader.nodes import CREDENTIALS, Node, find, is_credential, scalars
from config.origins import ANY_PAGE
from config.schema import OFF, ModelEntry, Settings, VendorEntry

_ONLY_COMMON = ("open_models", "moderations", "failover")


def check(found: LintContext, *, keys_needed: bool) -> None:
    """Run every check. Without ``keys_needed`` a vendor may have no key (emulators take its place)."""
    for one in (
        vendors,
        catalogs,
        targets,
        stand_ins,
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
        one(found)
    if keys_needed and not found.errors:
        disabled_vendors(found)


def vendors(found: LintContext) -> None:
    """Every vendor has an adapter, in an edition that there is, and a host in its region."""
    for name, entry in found.settings.vendors.items():
        where = ("vendors", name)
        kind, vendor = found.kind(name), found.vendor(name)
        if "/" in name or not name.strip():
            found.error(
                where,
                Message("a vendor's name can't hold '/' or be empty"),
                Message("a name such as kimi"),
                at_key=True,
            )
        elif kind is None:
            _kind(found, where, entry, entry.kind or name)
        elif vendor is None:
            _edition(found, where, entry, kind)
        else:
            _messages(found, where, entry, vendor)
            if entry.base_url is None:
                _region(found, where, entry, vendor)
                _ended(found, where, kind, vendor)


def _kind(found: LintContext, where: tuple[str, ...], entry: VendorEntry, kind: str) -> None:
    meant = nearest(kind, registry.BY_NAME)
    known = one_of(sorted(registry.BY_NAME))
    word = found.named((*where, "kind"), kind) if entry.kind else f"'{kind}'"
    if entry.kind:
        what, expected = Message("unknown kind of vendor {word}", word=word), known
    else:
        what, expected = Message("there is no vendor {word}", word=word), Message("kind: {kinds}", kinds=known)
    found.error(
        (*where, "kind") if entry.kind else where,
        what,
        EMPTY if meant else expected,
        meant,
        at_key=not entry.kind,
        code="config-unknown-vendor",
    )


def _edition(found: LintContext, where: tuple[str, ...], entry: VendorEntry, kind: Vendor) -> None:
    wished = str(entry.edition)
    wrong = Message("{vendor} has no edition {word}", vendor=kind.title, word=found.named((*where, "edition"), wished))
    expected = one_of(kind.edition_names) if kind.edition_names else Message("the key left out: there is only one")
    found.error((*where, "edition"), wrong, expected, nearest(wished, kind.edition_names))


def _ended(found: LintContext, where: tuple[str, ...], kind: Vendor, vendor: Vendor) -> None:
    """The host of an edition may be gone as a whole, whatever its models."""
    ended = catalog.load(vendor.catalog).ended if vendor.edition else None
    if ended is not None:
        wrong = Message(
            "the {edition} edition of {vendor} was announced to end on {day}",
            edition=vendor.edition,
            vendor=vendor.title,
            day=ended,
        )
        found.warn(
            (*where, "edition"),
            wrong,
            Message(
                "edition: {edition}, with a key for it ({variable})",
                edition=kind.usual_edition,
                variable=kind.key_names[0],
            ),
        )


def _messages(found: LintContext, where: tuple[str, ...], entry: VendorEntry, vendor: Vendor) -> None:
    """A vendor whose table says what it takes needs no rules of the operator's for messages."""
    if "messages" in entry.model_fields_set and not vendor.transparent:
        wrong = Message(
            "the key 'messages' is for vendors of the kind openai_compatible, and {vendor} is none", vendor=vendor.title
        )
        cure = Message("the key left out: messages are sent as the vendor takes them")
        found.error((*where, "messages"), wrong, cure, at_key=True)


def _region(found: LintContext, where: tuple[str, ...], entry: VendorEntry, vendor: Vendor) -> None:
    if not vendor.base_urls:
        found.error(
            where,
            Message("the key '{key}' is missing", key="base_url"),
            Message("the address of your server, such as http://10.0.0.5:8000/v1"),
            code="config-missing-key",
            at_key=True,
        )
    elif entry.region not in vendor.base_urls:
        regions = one_of(vendor.base_urls)
        found.error(
            (*where, "region"),
            Message("{vendor} has no region '{region}'", vendor=vendor.title, region=entry.region),
            Message("{regions}, or a base_url", regions=regions),
        )


def _each_target(settings: Settings) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    for name, entry in settings.models.items():
        for index, target in enumerate(entry.targets):
            vendor, _, model = target.target.partition("/")
            yield ("models", name, "targets", index, "target"), vendor, model


def targets(found: LintContext) -> None:
    """Every target names a vendor that is configured, and a model that it is known to have."""
    configured = found.settings.vendors
    for where, vendor, model in _each_target(found.settings):
        if vendor not in configured:
            meant = nearest(vendor, configured)
            expected = EMPTY if meant else one_of(configured) if configured else Message("vendors: to have it")
            found.error(
                where,
                Message("there is no vendor {word} in vendors", word=found.named(where, vendor)),
                expected,
                f"{meant}/{model}" if meant else "",
                code="config-unknown-vendor",
            )
        elif configured[vendor].base_url is None:
            checks_catalogs.model(found, where, vendor, model)


def names(found: LintContext) -> None:
    """A model's name is a name, or the beginning of names with a * at its end."""
    for name in found.settings.models:
        stem = name.removesuffix("*")
        if not name.strip() or "*" in stem or (stem != name and re.search(r"[?\[\]]", stem)):
            wrong = (
                Message("a name can end in one * and hold no other pattern")
                if name.strip()
                else Message("a model without a name")
            )
            found.error(("models", name), wrong, Message('a name such as gpt-4o or "gpt-4*"'), at_key=True)


def weights(found: LintContext) -> None:
    """A weight counts for something."""
    for name, entry in found.settings.models.items():
        for index, target in enumerate(entry.targets):
            if "weight" in target.model_fields_set and entry.strategy != "weighted":
                found.warn(
                    ("models", name, "targets", index, "weight"),
                    Message("a weight counts for nothing under strategy: {strategy}", strategy=entry.strategy),
                    Message("strategy: weighted beside targets"),
                    at_key=True,
                )


def cooldowns(found: LintContext) -> None:
    """The longest cooldown is not shorter than the first."""
    breaker = found.settings.breaker
    if breaker.cap_s < breaker.cooldown_s:
        key = "cap_s" if "cap_s" in breaker.model_fields_set else "cooldown_s"
        wrong = Message(
            "the longest cooldown ({cap}) is shorter than the first ({cooldown})",
            cap=f"{breaker.cap_s:g}",
            cooldown=f"{breaker.cooldown_s:g}",
        )
        found.error(
            ("breaker", key), wrong, Message("cap_s of at least {cooldown}", cooldown=f"{breaker.cooldown_s:g}")
        )


def sets(found: LintContext) -> None:
    """No field that ``set`` lays over requests moves a destination, a credential or what the caller chose."""
    for name, entry in found.settings.models.items():
        for index, target in enumerate(entry.targets):
            for key in target.set:
                settable(found, ("models", name, "targets", index, "set", key))


def policies(found: LintContext) -> None:
    """What only holds for all names can't differ for one."""
    for name, entry in found.settings.models.items():
        for key in _ONLY_COMMON:
            if key in entry.policy:
                found.error(
                    ("models", name, "policy", key),
                    Message("this can't differ for one model"),
                    Message("it in policy: at the top"),
                    at_key=True,
                )


def moderations(found: LintContext) -> None:
    """A target that is to answer /v1/moderations is of a vendor that has them."""
    wish = found.settings.policy.moderations
    if wish in ("refuse", "pass"):
        return
    where, (entry, _, model) = ("policy", "moderations"), wish.partition("/")
    if entry not in found.settings.vendors:
        meant = nearest(entry, found.settings.vendors)
        wrong = Message("there is no vendor {word} in vendors", word=found.named(where, entry))
        found.error(
            where, wrong, Message("refuse or pass"), f"{meant}/{model}" if meant else "", code="config-unknown-vendor"
        )
        return
    vendor = found.vendor(entry)
    if vendor is not None and "moderations" not in vendor.operations:
        found.error(
            where,
            Message("{vendor} has no moderations", vendor=vendor.title),
            Message("refuse (404) or pass (nothing is flagged, unseen)"),
        )


GUESSED = 12
"""A client key that is shorter than this many characters can be guessed."""


def listen_addresses(found: LintContext) -> None:
    """Beyond loopback, callers need a key, unless the operator says otherwise."""
    server = found.settings.server
    if server.beyond_loopback() and not found.settings.client_keys() and not server.insecure:
        cure = Message(
            "one in the environment (docker run: -e BANJIA_CLIENT_KEY=A_LONG_RANDOM_WORD; apps send it as OPENAI_API_KEY) or in client_keys, or insecure: true"
        )
        found.error(
            ("server", "listen"),
            Message("{listen} can be reached from other machines, and no client key is set", listen=server.listen),
            cure,
            code="config-open-to-network",
        )
    elif server.beyond_loopback() and not found.settings.client_keys():
        wrong = Message(
            "every machine that reaches {listen} can call the vendors on your account, without a key",
            listen=server.listen,
        )
        cure = Message("client_keys in place of insecure, or a listen address on loopback such as 127.0.0.1:8080")
        found.warn(("server", "insecure"), wrong, cure, at_key=True)
    if server.beyond_loopback() and any(len(key) < GUESSED for key in found.settings.client_keys()):
        wrong = Message(
            "a client key has fewer than {count} characters, and other machines can try them all", count=GUESSED
        )
        found.warn(("server", "client_keys"), wrong, Message("a long random word"), at_key=True)


ADMIN_TOKEN_CURE = Message(
    'admin_token: "${ADMIN_TOKEN}" below it (or BANJIA_SERVER__ADMIN_TOKEN in the environment), at least 16 characters, or an address on loopback such as 127.0.0.1:8081'
)


def admin(found: LintContext) -> None:
    """Where other machines reach the admin port, it asks for a token; ``insecure`` concerns the front port alone."""
    server = found.settings.server
    where = ("server", "admin_listen")
    if server.admin_listen == OFF:
        return
    if server.admin_beyond_loopback() and not found.settings.admin_token():
        wrong = Message(
            "{listen} can be reached from other machines, and no admin_token is set", listen=server.admin_listen
        )
        found.error(where, wrong, ADMIN_TOKEN_CURE, code="config-open-to-network")
    elif "admin_listen" in server.model_fields_set and server.admin_listen == server.listen:
        found.error(
            where,
            Message("{listen} is where callers are served", listen=server.admin_listen),
            Message("another port, or off"),
        )


def web_page_origins(found: LintContext) -> None:
    """Without client keys, no entry lets every web page in: each could have vendors called at the operator's cost."""
    if found.settings.client_keys():
        return
    for index, origin in enumerate(found.settings.server.cors_origins):
        if origin in ANY_PAGE:
            wrong = Message("without client keys '{origin}' would let any web page spend your money", origin=origin)
            found.error(
                ("server", "cors_origins", index), wrong, Message("the origins of your own pages, or client_keys")
            )


def pasted_secrets(found: LintContext) -> None:
    """Secrets belong into the environment or a file of their own."""
    for path, node in scalars(found.root):
        if node.location.variable or node.variables or node.from_file or not isinstance(node.value, str):
            continue
        secret = pasted_secret(node.value)
        if is_credential(path) or tuple(path[:2]) == ("server", "client_keys"):
            secret = secret or looks_secret(node.value)
        elif tuple(path) == ("server", "admin_token"):
            secret = node.value != ""
        elif len(path) == 3 and path[2] == "proxy":
            secret = "@" in node.value  # a user and a password before the host
        if secret:
            found.warnings.append(
                node.diagnostic(
                    path,
                    Message("a secret is written in this file"),
                    as_message(f'"${{{_variable(found, path)}}}"'),
                    code="config-secret-in-file",
                )
            )


def _variable(found: LintContext, path: tuple[str | int, ...]) -> str:
    if tuple(path[:2]) == ("server", "admin_token"):
        return "ADMIN_TOKEN"
    if path[0] == "server":
        return "BANJIA_CLIENT_KEY"
    vendor = found.vendor(str(path[1])) if is_credential(path) else None
    return vendor.key_names[0] if vendor and vendor.key_names else "VARIABLE"


def disabled_vendors(found: LintContext) -> None:
    """A vendor without a key is off; a model whose vendors are all off can't be served."""
    reasons = {name: _reason(found, name) for name, entry in found.settings.vendors.items() if not entry.keys()}
    found.disabled = reasons
    configured = found.settings.vendors
    if not configured:
        found.error(
            ("vendors",),
            Message("no vendor is configured"),
            code="config-no-vendor-key",
            expected=Message('at least one, such as kimi: {api_key: "${KIMI_API_KEY}"}'),
            at_key=True,
        )
    elif len(reasons) == len(configured):
        why = joined(
            SEMICOLON, [Message("{name}: {reason}", name=name, reason=reason) for name, reason in reasons.items()]
        )
        wrong, cure = Message("no vendor has a key ({why})", why=why), Message("one of them (`banjia demo` needs none)")
        found.errors.append(
            _unset(
                found, found.diagnostic(("vendors",), wrong, cure, at_key=True, code="config-no-vendor-key"), reasons
            )
        )
    else:
        for name, entry in found.settings.models.items():
            _unserved(found, name, entry, reasons)
    for name, reason in reasons.items():
        wrong = Message("{reason}: {name} is off, and targets of it are skipped", reason=reason, name=name)
        found.warnings.append(
            _unset(
                found,
                found.diagnostic(_credential(found, name), wrong, at_key=True, code="config-unset-variable"),
                (name,),
            )
        )
    _left_out(found, reasons)


def _unserved(found: LintContext, name: str, entry: ModelEntry, reasons: dict[str, Message]) -> None:
    used = {target.target.partition("/")[0]: None for target in entry.targets}
    if all(vendor in reasons for vendor in used):
        why = joined(
            SEMICOLON, [Message("{name} is off: {reason}", name=vendor, reason=reasons[vendor]) for vendor in used]
        )
        diagnostic = found.diagnostic(
            ("models", name),
            Message("no target is left ({why})", why=why),
            Message("a vendor with a key"),
            at_key=True,
            code="config-unset-variable",
        )
        found.errors.append(_unset(found, diagnostic, used))


def _credential(found: LintContext, name: str) -> tuple[str | int, ...]:
    given = next((key for key in CREDENTIALS if find(found.root, "vendors", name, key)), None)
    return ("vendors", name, given) if given else ("vendors", name)


def _reason(found: LintContext, name: str) -> Message:
    node = find(found.root, *_credential(found, name))
    if node is None or node is find(found.root, "vendors", name):
        return Message("no api_key is given")
    unset = _not_set(node)
    if len(unset) == 1:
        return Message("{variables} is not set", variables=unset[0])
    if unset:
        return Message("{variables} are not set", variables=all_of(unset))
    return Message("its key is empty")


def _not_set(node: Node) -> list[str]:
    return [child.unset for _, child in scalars(node) if child.unset]


def _unset(found: LintContext, diagnostic: Diagnostic, vendors: Iterable[str]) -> Diagnostic:
    """The diagnostic with the variables that would each give one of these vendors a key."""
    nodes = [find(found.root, *_credential(found, name)) for name in vendors]
    return replace(diagnostic, unset=tuple(dict.fromkeys(unset for node in nodes if node for unset in _not_set(node))))


def _left_out(found: LintContext, reasons: dict[str, Any]) -> None:
    for name in found.settings.vendors:
        keys = find(found.root, "vendors", name, "api_keys")
        if keys is not None and name not in reasons:
            for path, node in scalars(keys, ("vendors", name, "api_keys")):
                if node.unset:
                    found.warnings.append(
                        node.diagnostic(
                            path,
                            Message("{variable} is not set: this key is left out", variable=node.unset),
                            code="config-unset-variable",
                        )
                    )
