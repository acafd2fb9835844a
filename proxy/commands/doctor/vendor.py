"""One configured vendor: its name, its TLS, its clock beside ours, and whether it takes our keys. No token is spent."""

import ipaddress
import json
from collections.abc import AsyncIterator, Callable
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from adapters.codecs.openai.errors import NO_REASON, any_error, find_error, kind_of, words_of
from adapters.core.wire import Call
from config.routing import base_url_of, vendor_of
from config.schema import VendorEntry
from proxy.commands.doctor.report import Finding, failed, ok, warn
from proxy.credentials.pool import VendorKey
from proxy.credentials.redaction import without_parts_of
from proxy.upstream.client import Upstream
from proxy.upstream.errors import DESCRIPTIONS
from proxy.upstream.probe import ProbeFailure, ProbeResponse, addresses_of, get

MOST_WORDS = 200
"""How much of what a vendor says is shown, in characters."""
SKEW_S = 60
"""From how many seconds on a clock is wrong. Signed protocols refuse a call that is a few minutes off."""


class Vendor:
    """The look at one configured vendor. Use once: ``[finding async for finding in Vendor(...).findings()]``."""

    def __init__(self, name: str, entry: VendorEntry, upstream: Upstream, now: Callable[[], float]) -> None:
        """``now``: the time of this machine, in epoch seconds."""
        self._name = name
        self._entry = entry
        self._adapter = vendor_of(name, entry)
        self._upstream = upstream.via(entry.outbound())
        self._base_url = base_url_of(name, entry)
        self._host = urlsplit(self._base_url).hostname or ""
        self._proxy = self._upstream.proxy_of(self._base_url)
        self._now = now

    async def findings(self) -> AsyncIterator[Finding]:
        """From the outside in: what comes after a failure could not be seen."""
        if self._proxy is None:
            dns = await self._dns()
            if dns is not None:
                yield dns
                if dns.level == "fail":
                    return
        keys = [VendorKey(secret) for secret in self._entry.keys()]  # noqa: SIM118 - no mapping
        first = await self._request(self._base_url, keys[0])
        received_at = self._now()
        if isinstance(first, ProbeFailure):
            yield self._missed(first)
            return
        yield self._secured()
        clock = self._clock(first, received_at)
        if clock is not None:
            yield clock
        if self._entry.protocol == "native":
            text = f"{self._name}: not tried: its native protocol has no call that costs nothing"
            yield warn("keys", text, "a request of your own")
            return
        for key in keys:
            yield await self._key(key, first if key is keys[0] else await self._request(self._base_url, key))

    async def _request(self, base_url: str, key: VendorKey) -> ProbeResponse | ProbeFailure:
        """List the models, with this key."""
        headers = [(name.lower().encode(), value.encode()) for name, value in self._entry.headers.items()]
        call = Call("GET", f"{base_url}/models", [*headers, (b"accept-encoding", b"identity")], b"", streams=False)
        signed = self._adapter.auth.sign(call, key.secret.get_secret_value(), self._now())
        return await get(self._upstream, signed, self._entry.timeouts.connect_s)

    async def _dns(self) -> Finding | None:
        """The name's addresses; None where the host is an address."""
        try:
            ipaddress.ip_address(self._host)
        except ValueError:
            pass
        else:
            return None
        try:
            found = await addresses_of(self._host)
        except (OSError, UnicodeError):
            cure = f"base_url in vendors.{self._name}" if self._entry.base_url else "the network, or its DNS server"
            if not self._entry.base_url:
                cure += "; where a proxy is the only way out, HTTPS_PROXY"
            return failed("dns", f"{self._name}: {self._host} could not be resolved", f"check {cure}")
        return ok("dns", f"{self._name}: {self._host} is {', '.join(found[:2])}")

    def _missed(self, missed: ProbeFailure) -> Finding:
        if missed.phase == "tls":
            where = f"{self._name}: {self._host}: {missed.why}"
            if "does not speak" in missed.why:
                return failed("tls", where, f"http:// in the base_url of vendors.{self._name}, or another port")
            cure = "the clock of this machine, and whether a proxy opens TLS on the way: its authority goes into SSL_CERT_FILE"
            if "another" in missed.why:
                cure = "the name in base_url; a portal of the network may answer in the vendor's place"
            return failed("tls", where, f"check {cure}")
        if self._proxy is not None:
            text = f"{self._name}: no call came through {self._proxy}: {DESCRIPTIONS[missed.phase]}"
            return failed("connection", text, f"check the proxy, its password, and proxy in vendors.{self._name}")
        text = f"{self._name}: {self._host}: {DESCRIPTIONS[missed.phase]}"
        where = "the address in base_url, and that it is up" if self._entry.base_url else "the firewall"
        return failed("connection", text, f"check {where}")

    def _secured(self) -> Finding:
        if self._base_url.startswith("https:"):
            return ok("tls", f"{self._name}: the certificate of {self._host} is trusted")
        if self._host == "localhost" or _private(self._host):
            return ok("tls", f"{self._name}: none, in a network of your own")
        text = f"{self._name}: the key goes to {self._host} in the clear"
        return warn("tls", text, f"https:// in the base_url of vendors.{self._name}")

    def _clock(self, seen: ProbeResponse, now: float) -> Finding | None:
        try:
            theirs = parsedate_to_datetime(seen.headers["date"]).timestamp()
        except (KeyError, ValueError):
            return None
        off = round(now - theirs)
        if abs(off) <= SKEW_S:
            return ok("clock", f"{self._name}: within {SKEW_S} seconds of ours")
        text = f"{self._name}: this machine's clock is {abs(off)} seconds {'ahead' if off > 0 else 'behind'}"
        return warn("clock", text, "set the clock, best by NTP: signed calls and certificates depend on it")

    async def _key(self, key: VendorKey, answer: ProbeResponse | ProbeFailure) -> Finding:
        said = f"{self._name}: the key ending in {key.tail}"
        entry = f"vendors.{self._name}"
        if isinstance(answer, ProbeFailure):
            return warn("keys", f"{said} could not be tried: {DESCRIPTIONS[answer.phase]}", "try again")
        if _taken(answer):
            return ok("keys", f"{said} is taken")
        error = find_error(_parsed(answer))
        if answer.status < 400 and error is None:
            cure = "check base_url, and whether a portal of the network stands between"
            return failed("keys", f"{said} could not be tried: what answered is not the vendor's API", cure)
        if error is None:
            error = any_error(_parsed(answer))
        why = _in_brackets(without_parts_of(key.secret.get_secret_value(), words_of(error)))
        operation = next(iter(self._adapter.operations.values()))
        match kind_of(operation.failures, answer.status, error)[0]:
            case "key_refused" | "forbidden":
                region = await self._other_region(key)
                if region is not None:
                    variable = f"BANJIA_VENDORS__{self._name.upper().replace('-', '_')}__REGION"
                    cure = f"set region: {region} in {entry} (without a file: {variable}={region})"
                    return failed("keys", f"{said}: valid key, wrong region", cure)
                return failed(
                    "keys", f"{said} is refused{why}", f"make a new one, and put it where {entry} takes it from"
                )
            case "no_funds":
                return failed("keys", f"{said} is taken, but its account is empty{why}", "top it up")
            case "rate_limited":
                return warn("keys", f"{said} is at its rate limit", "wait, or add a key in api_keys")
        if answer.status in (404, 405, 501):
            return warn("keys", f"{said} could not be tried: no list of models there", "a request of your own")
        text = f"{said} could not be tried: the vendor answered {answer.status}"
        return warn("keys", text, "try again later")

    async def _other_region(self, key: VendorKey) -> str | None:
        """The region whose host takes the key. Only for the vendor's own hosts: no key leaves for a stranger's."""
        if self._entry.base_url is not None:
            return None
        for region, base_url in self._adapter.base_urls.items():
            if region != self._entry.region:
                answer = await self._request(base_url, key)
                if isinstance(answer, ProbeResponse) and _taken(answer):
                    return region
        return None


def _in_brackets(words: str) -> str:
    """What a vendor says, to be put behind what it means; empty where it says nothing."""
    return "" if words == NO_REASON else f" ({words[:MOST_WORDS]})"


def _taken(answer: ProbeResponse) -> bool:
    """Whether it is the vendor's list of models: a portal's page has status 200 too."""
    body = _parsed(answer)
    return answer.status == 200 and body is not None and find_error(body) is None


def _parsed(answer: ProbeResponse) -> Any:
    try:
        return json.loads(answer.body)
    except ValueError:
        return None


def _private(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith((".local", ".internal", ".lan"))
