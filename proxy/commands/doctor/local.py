"""What can be found without asking anybody: the configuration, the environment, the door."""

import datetime
import errno
import http.client
import os
import re
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.request import getproxies, proxy_bypass

from adapters.registry import BY_NAME
from config.catalog import CatalogNotFound
from config.complaints import Complaint, one_of
from config.load import Loaded
from config.retired import closed, fate, stand_ins
from config.routing import Routing, base_url_of, catalog_of
from config.schema import Server, Settings
from proxy.commands.doctor.report import Finding, failed, ok, warn
from proxy.upstream.client import Upstream
from proxy.upstream.outbound_proxies import without_credentials

RETIRED = re.compile(r"(was|will be|to be) retired")
"""Warnings of the configuration with this are told by ``models`` here."""


def configuration(loaded: Loaded) -> Iterator[Finding]:
    """It loads; its warnings."""
    settings = loaded.settings
    vendors, models = len(settings.vendors), len(Routing(settings).names)
    yield ok("config", f"{loaded.source}: {_count(vendors, 'vendor')}, {_count(models, 'model name')}")
    for warning in loaded.warnings:
        if not RETIRED.search(warning.wrong):
            what = warning.expected or (f"did you mean '{warning.meant}'?" if warning.meant else "see what it names")
            if warning.unset:
                what = cure(warning, has_file=True)
            yield warn("config", f"{warning.place}: {warning.key}: {warning.wrong}".replace(": : ", ": "), what)


def cure(complaint: Complaint, *, has_file: bool) -> str:
    """What to do about a configuration that does not load."""
    if complaint.unset:
        return f"set {one_of(complaint.unset)}"
    if complaint.place.variable:
        return f"correct {complaint.place.variable}, or unset it"
    if not has_file:
        return "set one of these variables; banjia init then writes a file"
    return "banjia check tells when it is right; banjia init writes a new one"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s'[: number != 1]}"


def retired(settings: Settings, today: datetime.date) -> Iterator[Finding]:
    """Models and ways in that are gone, or will be, and what to move to."""
    seen: dict[Finding, None] = {}
    for name, entry in settings.models.items():
        for target in entry.targets:
            vendor, _, id_ = target.target.partition("/")
            if settings.vendors[vendor].base_url is None:
                found = _retired(settings, name, vendor, id_, today)
                seen.update({found: None} if found else {})
    yield from seen
    for fading in stand_ins(settings):
        tell = failed if fading.row.retired is not None and fading.row.retired <= today else warn
        text = f"{fading.entry}/{fading.row.id}, which answers under {fading.under()}, {fate(fading.row, today)}"
        yield tell("models", text, f"in models: {fading.names[0]}: {fading.entry}/{fading.row.successor or '…'}")
    for name, row in closed(settings):
        gone = row.since <= today
        text = (
            f"{name}: {row.key} {row.value} {'was closed' if gone else 'will be closed'} by the vendor on {row.since}"
        )
        yield warn("protocol", text, f"move to {row.instead}")


def _retired(settings: Settings, name: str, entry: str, id_: str, today: datetime.date) -> Finding | None:
    configured = settings.vendors[entry]
    try:
        cat = catalog_of(entry, configured)
    except CatalogNotFound:
        return None
    row = cat.by_id.get(id_)
    if row is None or not (told := fate(row, today)):
        return None
    cure = f"in models.{name}: {entry}/{row.successor}" if row.successor else f"another model in models.{name}"
    if cat.ended is not None:
        cure += f", in edition: {BY_NAME[configured.kind or entry].usual_edition}"
    tell = failed if row.retired is not None and row.retired <= today else warn
    return tell("models", f"{name}: {entry}/{id_} {told}", cure)


def ways_out(settings: Settings, upstream: Upstream) -> Iterator[Finding]:
    """The proxies of the environment and of the configuration, and which vendor's calls go through them."""
    proxies = {name: url for name, url in getproxies().items() if name in ("http", "https", "all")}
    named = any(entry.outbound() not in ("env", "none") for entry in settings.vendors.values())
    if not proxies and not named:
        yield ok("proxies", "none are set: vendor calls leave directly")
    else:
        for name, entry in settings.vendors.items():
            proxy = upstream.via(entry.outbound()).proxy_of(base_url_of(name, entry))
            if proxy and proxy.startswith("socks"):
                cure = f"set an HTTP proxy in HTTPS_PROXY, or proxy: none in vendors.{name}"
                yield failed("proxies", f"{name}: calls would go through {proxy}, and banjia speaks no SOCKS", cure)
            else:
                why = "" if entry.proxy == "env" else f" (vendors.{name}.proxy)"
                yield ok("proxies", f"{name}: calls go {f'through {proxy}' if proxy else 'directly'}{why}")
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
        text = f"apps on this machine would call {' and '.join(missing)} through {through}, which can't reach banjia"
        yield warn("proxies", text, 'NO_PROXY=127.0.0.1,localhost in the app\'s environment (`eval "$(banjia env)"`)')


def _certificates(environ: Mapping[str, str]) -> Iterator[Finding]:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        path = environ.get(name)
        if path and not Path(path).exists():
            yield failed("tls", f"{name} names {path}, which is not there", "the right path, or none at all")


def door(settings: Settings) -> Iterator[Finding]:
    """The address to serve on: free, ours already, or taken; and who can reach it."""
    server = settings.server
    if not server.beyond_loopback():
        yield ok("listen", f"{server.listen}: this machine alone can call")
    elif settings.client_keys():
        yield ok("listen", f"{server.listen}: other machines can call, with a client key")
    else:
        text = f"{server.listen}: whoever reaches this machine can call, on your account"
        yield warn("listen", text, "server.client_keys, or a listen address on 127.0.0.1")
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
    return ok("port", f"{listen} is free")


def _taken(listen: str, host: str, number: int, error: OSError) -> Finding:
    if error.errno == errno.EADDRINUSE:
        here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
        if ours(here, number):
            return ok("port", f"{listen}: banjia serves here already")
        return failed("port", f"{listen} is in use by another program", "another port in server.listen")
    if error.errno == errno.EACCES:
        return failed("port", f"{listen}: no right to listen there", "a port from 1024 on in server.listen")
    cure = "an address of this machine in server.listen, such as 127.0.0.1:8080"
    return failed("port", f"{listen}: {error.strerror or error}", cure)


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
