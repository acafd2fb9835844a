"""What can be found without asking anybody: the configuration, the environment, the door."""

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
from config.catalog.deprecations import closed_access, describe_retirement, stand_ins
from config.catalog.models import CatalogNotFound
from config.loader.errors import Diagnostic
from config.loader.load import LoadedConfig
from config.loader.system_errors import reason_of
from config.routing import Routing, base_url_of, catalog_of
from config.schema import Server, Settings
from proxy.commands.doctor.report import Finding, about, failed, ok, warn
from proxy.upstream.client import Upstream
from proxy.upstream.outbound_proxies import without_credentials

RETIRED = "config-model-retired"
"""Warnings with this code are reported as ``models`` here."""


def configuration(loaded: LoadedConfig) -> Iterator[Finding]:
    """It loads; its warnings."""
    settings = loaded.settings
    vendors, models = len(settings.vendors), len(Routing(settings).names)
    yield ok(
        "config",
        Message(
            "{source}: {vendors}, {models}", source=loaded.source, vendors=_vendors(vendors), models=_names(models)
        ),
    )
    for warning in loaded.warnings:
        if warning.code != RETIRED:
            what = warning.expected or (
                Message("did you mean '{meant}'?", meant=warning.suggestion)
                if warning.suggestion
                else Message("see the line above")
            )
            if warning.unset:
                what = cure(warning, has_file=True)
            yield warn("config", replace(warning, expected=EMPTY, suggestion="").message, what)


def cure(diagnostic: Diagnostic, *, has_file: bool) -> Message:
    """What to do about a configuration that does not load."""
    if diagnostic.unset:
        return Message("set {names}", names=one_of(diagnostic.unset))
    if diagnostic.location.variable:
        return Message("correct {variable}, or unset it", variable=diagnostic.location.variable)
    if not has_file:
        return Message("set one of these variables; banjia init then writes a file")
    return Message("banjia check tells when it is right; banjia init writes a new one")


def _vendors(count: int) -> Message:
    return Message("1 vendor") if count == 1 else Message("{count} vendors", count=count)


def _names(count: int) -> Message:
    return Message("1 model name") if count == 1 else Message("{count} model names", count=count)


def retired(settings: Settings, today: datetime.date) -> Iterator[Finding]:
    """Models and ways in that are gone, or will be, and what to move to."""
    is_configured: dict[Finding, None] = {}
    for name, entry in settings.models.items():
        for target in entry.targets:
            vendor, _, id_ = target.target.partition("/")
            if settings.vendors[vendor].base_url is None:
                found = _retired(settings, name, vendor, id_, today)
                is_configured.update({found: None} if found else {})
    yield from is_configured
    for fading in stand_ins(settings):
        tell = failed if fading.row.retired is not None and fading.row.retired <= today else warn
        text = Message(
            "{model}, which answers under {names}, {fate}",
            model=f"{fading.entry}/{fading.row.id}",
            names=fading.under(),
            fate=describe_retirement(fading.row, today),
        )
        move_to = f"{fading.entry}/{fading.row.successor or '…'}"
        yield tell("models", text, Message("in models: {name}: {target}", name=fading.names[0], target=move_to))
    for name, row in closed_access(settings):
        way = f"{row.key} {row.value}"
        if row.since <= today:
            text = Message("{way} was closed by the vendor on {day}", way=way, day=row.since)
        else:
            text = Message("{way} will be closed by the vendor on {day}", way=way, day=row.since)
        yield warn("protocol", about(name, text), Message("move to {instead}", instead=row.instead))


def _retired(settings: Settings, name: str, entry: str, id_: str, today: datetime.date) -> Finding | None:
    configured = settings.vendors[entry]
    try:
        cat = catalog_of(entry, configured)
    except CatalogNotFound:
        return None
    row = cat.by_id.get(id_)
    if row is None or not (told := describe_retirement(row, today)):
        return None
    if row.successor:
        cure = Message("in models.{name}: {target}", name=name, target=f"{entry}/{row.successor}")
    else:
        cure = Message("another model in models.{name}", name=name)
    if cat.ended is not None:
        edition = BY_NAME[configured.kind or entry].usual_edition
        cure = Message("{cure}, in edition: {edition}", cure=cure, edition=edition)
    tell = failed if row.retired is not None and row.retired <= today else warn
    return tell("models", about(name, Message("{model} {fate}", model=f"{entry}/{id_}", fate=told)), cure)


def check_outbound(settings: Settings, upstream: Upstream) -> Iterator[Finding]:
    """The proxies of the environment and of the configuration, and which vendor's calls go through them."""
    proxies = {name: url for name, url in getproxies().items() if name in ("http", "https", "all")}
    named = any(entry.outbound() not in ("env", "none") for entry in settings.vendors.values())
    if not proxies and not named:
        yield ok("proxies", Message("none are set: vendor calls leave directly"))
    else:
        for name, entry in settings.vendors.items():
            proxy = upstream.via(entry.outbound()).proxy_of(base_url_of(name, entry))
            if proxy and proxy.startswith("socks"):
                cure = Message("set an HTTP proxy in HTTPS_PROXY, or proxy: none in vendors.{name}", name=name)
                wrong = Message("calls would go through {proxy}, and banjia speaks no SOCKS", proxy=proxy)
                yield failed("proxies", about(name, wrong), cure)
            else:
                way = Message("calls go through {proxy}", proxy=proxy) if proxy else Message("calls go directly")
                if entry.proxy != "env":
                    way = Message("{text} ({detail})", text=way, detail=f"vendors.{name}.proxy")
                yield ok("proxies", about(name, way))
    yield from _back_to_us(settings.server, proxies)
    yield from _certificates(os.environ)


def _back_to_us(server: Server, proxies: Mapping[str, str]) -> Iterator[Finding]:
    """SDKs send even loopback calls through a proxy of the environment."""
    proxy = proxies.get("http") or proxies.get("all")
    if proxy is None:
        return
    port = server.listen.rpartition(":")[2]
    missing = [host for host in ("127.0.0.1", "localhost") if not proxy_bypass(f"{host}:{port}")]
    if missing:
        through = without_credentials(proxy if "://" in proxy else f"http://{proxy}")
        text = Message(
            "apps on this machine would call {hosts} through {proxy}, which can't reach banjia",
            hosts=all_of(missing),
            proxy=through,
        )
        yield warn(
            "proxies", text, Message('NO_PROXY=127.0.0.1,localhost in the app\'s environment (`eval "$(banjia env)"`)')
        )


def _certificates(environ: Mapping[str, str]) -> Iterator[Finding]:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        path = environ.get(name)
        if path and not Path(path).exists():
            yield failed(
                "tls",
                Message("{name} names {path}, which is not there", name=name, path=path),
                Message("the right path, or none at all"),
            )


def check_listen(settings: Settings) -> Iterator[Finding]:
    """The address to serve on: free, ours already, or taken; and who can reach it."""
    server = settings.server
    if not server.beyond_loopback():
        yield ok("listen", Message("{listen}: this machine alone can call", listen=server.listen))
    elif settings.client_keys():
        yield ok("listen", Message("{listen}: other machines can call, with a client key", listen=server.listen))
    else:
        text = Message(
            "{listen}: every client that reaches this machine can call, on your account", listen=server.listen
        )
        yield warn("listen", text, Message("server.client_keys, or a listen address on 127.0.0.1"))
    yield port(server.listen)


def port(listen: str) -> Finding:
    """Whether the port can be had."""
    host, _, number = listen.rpartition(":")
    host = host.strip("[]")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((host, int(number)))
            sock.listen(1)
        except OSError as error:
            return _taken(listen, host, int(number), error)
    return ok("port", Message("{listen} is free", listen=listen))


def _taken(listen: str, host: str, number: int, error: OSError) -> Finding:
    if error.errno == errno.EADDRINUSE:
        here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
        if ours(here, number):
            return ok("port", Message("{listen}: banjia serves here already", listen=listen))
        return failed(
            "port",
            Message("{listen} is in use by another program", listen=listen),
            Message("another port in server.listen"),
        )
    if error.errno == errno.EACCES:
        return failed(
            "port",
            Message("{listen}: no right to listen there", listen=listen),
            Message("a port from 1024 on in server.listen"),
        )
    cure = Message("an address of this machine in server.listen, such as 127.0.0.1:8080")
    return failed("port", about(listen, reason_of(error)), cure)


def ours(host: str, number: int) -> bool:
    """Whether banjia answers there: it gives an id to every request, also to one for a path that there is not."""
    connection = http.client.HTTPConnection(host, number, timeout=2)
    try:
        connection.request("GET", "/v1/doctor")
        response = connection.getresponse()
        return response.status == 404 and (response.getheader("x-request-id") or "").startswith("req_")
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
