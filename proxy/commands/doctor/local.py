"""Checks that need no network: the configuration, the environment, the listen address."""

import datetime
import errno
import http.client
import os
import socket
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from urllib.request import getproxies, proxy_bypass

from adapters.core.message import EMPTY, Message, all_of, one_of
from adapters.registry import BY_NAME
from config.catalog.models import CatalogNotFound
from config.deprecations import closed_variants, describe_retirement, stand_ins
from config.errors import Diagnostic
from config.loader.load import LoadedConfig
from config.loader.system_errors import reason_of
from config.routing import Routing, base_url_of, catalog_of
from config.schema import NATIVE, Server, Settings
from proxy.commands.doctor.report import Finding, about, failed, ok, warn
from proxy.upstream.client import Upstream
from proxy.upstream.outbound_proxies import without_credentials

RETIRED = "config-model-retired"
"""Warnings with this code are reported as ``models`` here."""


def check_configuration(loaded: LoadedConfig) -> Iterator[Finding]:
    """Yield a summary of a valid configuration, and its warnings."""
    settings = loaded.settings
    vendors, models = len(settings.vendors), len(Routing(settings).names)
    yield ok(
        "config",
        Message(
            "{source}: {vendors}, {models}",
            source=loaded.source,
            vendors=_vendor_count(vendors),
            models=_name_count(models),
        ),
    )
    for warning in loaded.warnings:
        if warning.code != RETIRED:
            what = warning.expected or (
                Message("did you mean '{suggestion}'?", suggestion=warning.suggestion)
                if warning.suggestion
                else Message("see the line above")
            )
            if warning.unset:
                what = cure(warning, has_file=True)
            yield warn("config", replace(warning, expected=EMPTY, suggestion="").message, what)


def cure(diagnostic: Diagnostic, *, has_file: bool) -> Message:
    """Return the cure for an error in the configuration."""
    if diagnostic.unset:
        return Message("set {names}", names=one_of(diagnostic.unset))
    if diagnostic.location.variable:
        return Message("correct {variable}, or unset it", variable=diagnostic.location.variable)
    if not has_file:
        return Message("set one of these variables; banjia init then writes a file")
    return Message("correct it and run banjia check; banjia init writes a new file")


def _vendor_count(count: int) -> Message:
    return Message("1 vendor") if count == 1 else Message("{count} vendors", count=count)


def _name_count(count: int) -> Message:
    return Message("1 model name") if count == 1 else Message("{count} model names", count=count)


def check_retired(settings: Settings, today: datetime.date) -> Iterator[Finding]:
    """Yield retired or retiring models, protocols and editions, with their replacements."""
    findings: dict[Finding, None] = {}
    for name, entry in settings.models.items():
        for target in entry.targets:
            vendor, _, id_ = target.target.partition("/")
            if settings.vendors[vendor].base_url is None:
                found = _retired_target(settings, name, vendor, id_, today)
                findings.update({found: None} if found else {})
    yield from findings
    for stand_in in stand_ins(settings):
        make_finding = failed if stand_in.row.retired is not None and stand_in.row.retired <= today else warn
        text = Message(
            "{model}, the stand-in for {names}, {retirement}",
            model=f"{stand_in.entry}/{stand_in.row.id}",
            names=stand_in.names_text(),
            retirement=describe_retirement(stand_in.row, today),
        )
        move_to = f"{stand_in.entry}/{stand_in.row.successor or '…'}"
        yield make_finding(
            "models", text, Message("set in models: {name}: {target}", name=stand_in.names[0], target=move_to)
        )
    for name, closed in closed_variants(settings):
        key, since = "protocol" if closed.name == NATIVE else "edition", datetime.date(*closed.since)
        access = f"{key} {closed.name}"
        if since <= today:
            text = Message("the vendor closed {access} on {day}", access=access, day=since)
        else:
            text = Message("the vendor closes {access} on {day}", access=access, day=since)
        yield warn("protocol", about(name, text), Message("use {instead}", instead=closed.instead))


def _retired_target(settings: Settings, name: str, entry: str, id_: str, today: datetime.date) -> Finding | None:
    configured = settings.vendors[entry]
    try:
        vendor_catalog = catalog_of(entry, configured)
    except CatalogNotFound:
        return None
    row = vendor_catalog.by_id.get(id_)
    if row is None or not (retirement := describe_retirement(row, today)):
        return None
    if row.successor:
        cure = Message("set models.{name} to {target}", name=name, target=f"{entry}/{row.successor}")
    else:
        cure = Message("choose another model in models.{name}", name=name)
    if vendor_catalog.ended is not None:
        edition = BY_NAME[configured.kind or entry].usual_variant
        cure = Message("{cure}, in edition: {edition}", cure=cure, edition=edition)
    make_finding = failed if row.retired is not None and row.retired <= today else warn
    return make_finding(
        "models", about(name, Message("{model} {retirement}", model=f"{entry}/{id_}", retirement=retirement)), cure
    )


def check_outbound(settings: Settings, upstream: Upstream) -> Iterator[Finding]:
    """Check the proxies of the environment and the configuration, and list which vendors use them."""
    proxies = {name: url for name, url in getproxies().items() if name in ("http", "https", "all")}
    has_own_proxy = any(entry.outbound() not in ("env", "none") for entry in settings.vendors.values())
    if not proxies and not has_own_proxy:
        yield ok("proxies", Message("no proxy is set: direct connections to all vendors"))
    else:
        for name, entry in settings.vendors.items():
            proxy = upstream.via(entry.outbound()).proxy_of(base_url_of(name, entry))
            if proxy and proxy.startswith("socks"):
                cure = Message("set an HTTP proxy in HTTPS_PROXY, or set vendors.{name}.proxy to none", name=name)
                wrong = Message("SOCKS proxies are not supported: {proxy}", proxy=proxy)
                yield failed("proxies", about(name, wrong), cure)
            else:
                connection = (
                    Message("calls use the proxy {proxy}", proxy=proxy) if proxy else Message("direct connection")
                )
                if entry.proxy != "env":
                    connection = Message("{text} ({detail})", text=connection, detail=f"vendors.{name}.proxy")
                yield ok("proxies", about(name, connection))
    yield from _check_images(settings, proxies)
    yield from _check_no_proxy(settings.server, proxies)
    yield from _check_certificate_paths(os.environ)


def _check_images(settings: Settings, proxies: Mapping[str, str]) -> Iterator[Finding]:
    """Warn if images are fetched, but the environment sets a proxy: banjia then refuses their URLs."""
    policies = [settings.policy.fetch_images, *(entry.policy.get("fetch_images") for entry in settings.models.values())]
    proxy = proxies.get("https") or proxies.get("http") or proxies.get("all")
    if proxy is None or not any(policies):
        return
    shown_proxy = without_credentials(proxy if "://" in proxy else f"http://{proxy}")
    yield warn(
        "proxies",
        Message(
            "policy.fetch_images: images are not fetched through the proxy {proxy}, which would look up their hosts unchecked",
            proxy=shown_proxy,
        ),
        Message("name the hosts of images in NO_PROXY, if this machine reaches them directly"),
    )


def _check_no_proxy(server: Server, proxies: Mapping[str, str]) -> Iterator[Finding]:
    """Warn if apps on this machine would call banjia through a proxy: SDKs use it for loopback addresses too."""
    proxy = proxies.get("http") or proxies.get("all")
    if proxy is None:
        return
    port = server.listen.rpartition(":")[2]
    missing = [host for host in ("127.0.0.1", "localhost") if not proxy_bypass(f"{host}:{port}")]
    if missing:
        shown_proxy = without_credentials(proxy if "://" in proxy else f"http://{proxy}")
        text = Message(
            "apps on this machine would call {hosts} through the proxy {proxy}, which cannot reach banjia",
            hosts=all_of(missing),
            proxy=shown_proxy,
        )
        yield warn(
            "proxies",
            text,
            Message('set NO_PROXY=127.0.0.1,localhost in the environment of the app (`eval "$(banjia env)"`)'),
        )


def _check_certificate_paths(environ: Mapping[str, str]) -> Iterator[Finding]:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        path = environ.get(name)
        if path and not Path(path).exists():
            yield failed(
                "tls",
                Message("{name} is set to {path}, which does not exist", name=name, path=path),
                Message("correct {variable}, or unset it", variable=name),
            )


def check_listen(settings: Settings) -> Iterator[Finding]:
    """Check the listen address: which machines can reach it, and whether it is free or in use."""
    server = settings.server
    if not server.beyond_loopback():
        yield ok("listen", Message("{listen}: reachable from this machine only", listen=server.listen))
    elif settings.client_keys():
        yield ok("listen", Message("{listen}: reachable from other machines, with a client key", listen=server.listen))
    else:
        text = Message(
            "{listen}: reachable from other machines without a client key, on your account", listen=server.listen
        )
        yield warn("listen", text, Message("set server.client_keys, or listen on 127.0.0.1"))
    yield check_port(server.listen)


def check_port(listen: str) -> Finding:
    """Check whether banjia can listen on the port."""
    host, _, number = listen.rpartition(":")
    host = host.strip("[]")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((host, int(number)))
            sock.listen(1)
        except OSError as error:
            return _unavailable(listen, host, int(number), error)
    return ok("port", Message("{listen} is free", listen=listen))


def _unavailable(listen: str, host: str, number: int, error: OSError) -> Finding:
    if error.errno == errno.EADDRINUSE:
        here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
        if is_banjia(here, number):
            return ok("port", Message("{listen}: banjia is already running here", listen=listen))
        return failed(
            "port",
            Message("{listen} is in use by another program", listen=listen),
            Message("set another port in server.listen"),
        )
    if error.errno == errno.EACCES:
        return failed(
            "port",
            Message("{listen}: no permission to listen on this port", listen=listen),
            Message("set a port of 1024 or more in server.listen"),
        )
    cure = Message("set an address of this machine in server.listen, such as 127.0.0.1:8080")
    return failed("port", about(listen, reason_of(error)), cure)


def is_banjia(host: str, number: int) -> bool:
    """Whether banjia responds there: it returns a request id even for an unknown path."""
    connection = http.client.HTTPConnection(host, number, timeout=2)
    try:
        connection.request("GET", "/v1/doctor")
        response = connection.getresponse()
        return response.status == 404 and (response.getheader("x-request-id") or "").startswith("req_")
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
