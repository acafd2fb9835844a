"""One configured vendor: its name, its TLS, its clock beside ours, and whether it takes our keys. No token is spent."""

import ipaddress
import json
from collections.abc import AsyncIterator, Callable
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from adapters.codecs.openai.errors import NO_REASON, any_error, find_error, kind_of, message_of
from adapters.core.message import COMMA, Message, joined
from adapters.core.wire import Call
from config.routing import base_url_of, vendor_of
from config.schema import VendorEntry
from proxy.commands.doctor.report import Finding, about, failed, ok, warn
from proxy.credentials.pool import VendorKey
from proxy.credentials.redaction import without_parts_of
from proxy.upstream.client import Upstream
from proxy.upstream.errors import DESCRIPTIONS
from proxy.upstream.probe import NO_TLS, OTHER_ADDRESS, OTHER_NAME, ProbeFailure, ProbeResponse, addresses_of, get

MOST_WORDS = 200
"""How much of what a vendor says is shown, in characters."""
SKEW_S = 60
"""From how many seconds on a clock is wrong. Signed protocols refuse a call that is a few minutes off."""


class VendorCheck:
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
            text = Message("not tried: its native protocol has no call that costs nothing")
            yield warn("keys", self._about(text), Message("a request of your own"))
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
            if self._entry.base_url:
                cure = Message("base_url in vendors.{name}", name=self._name)
            else:
                cure = Message("the network, or its DNS server; where a proxy is the only way out, HTTPS_PROXY")
            wrong = Message("{host} could not be resolved", host=self._host)
            return failed("dns", self._about(wrong), Message("check {what}", what=cure))
        addresses = joined(COMMA, found[:2])
        return ok("dns", self._about(Message("{host} is {addresses}", host=self._host, addresses=addresses)))

    def _about(self, text: Message) -> Message:
        return about(self._name, text)

    def _missed(self, missed: ProbeFailure) -> Finding:
        if missed.phase == "tls":
            where = self._about(about(self._host, missed.why))
            if missed.why == NO_TLS:
                return failed(
                    "tls", where, Message("http:// in the base_url of vendors.{name}, or another port", name=self._name)
                )
            cure = Message(
                "the clock of this machine, and whether a proxy opens TLS on the way: its authority goes into SSL_CERT_FILE"
            )
            if missed.why in (OTHER_NAME, OTHER_ADDRESS):
                cure = Message("the name in base_url; a portal of the network may answer in the vendor's place")
            return failed("tls", where, Message("check {what}", what=cure))
        if self._proxy is not None:
            text = Message("no call came through {proxy}: {why}", proxy=self._proxy, why=DESCRIPTIONS[missed.phase])
            cure = Message("the proxy, its password, and proxy in vendors.{name}", name=self._name)
            return failed("connection", self._about(text), Message("check {what}", what=cure))
        text = self._about(about(self._host, DESCRIPTIONS[missed.phase]))
        where = (
            Message("the address in base_url, and that it is up") if self._entry.base_url else Message("the firewall")
        )
        return failed("connection", text, Message("check {what}", what=where))

    def _secured(self) -> Finding:
        if self._base_url.startswith("https:"):
            return ok("tls", self._about(Message("the certificate of {host} is trusted", host=self._host)))
        if self._host == "localhost" or _private(self._host):
            return ok("tls", self._about(Message("none, in a network of your own")))
        text = Message("the key goes to {host} in the clear", host=self._host)
        return warn("tls", self._about(text), Message("https:// in the base_url of vendors.{name}", name=self._name))

    def _clock(self, seen: ProbeResponse, now: float) -> Finding | None:
        try:
            theirs = parsedate_to_datetime(seen.headers["date"]).timestamp()
        except (KeyError, ValueError):
            return None
        off = round(now - theirs)
        if abs(off) <= SKEW_S:
            return ok("clock", self._about(Message("within {seconds} seconds of ours", seconds=SKEW_S)))
        if off > 0:
            text = Message("this machine's clock is {seconds} seconds ahead", seconds=off)
        else:
            text = Message("this machine's clock is {seconds} seconds behind", seconds=-off)
        return warn(
            "clock",
            self._about(text),
            Message("set the clock, best by NTP: signed calls and certificates depend on it"),
        )

    async def _key(self, key: VendorKey, answer: ProbeResponse | ProbeFailure) -> Finding:
        tail, entry = key.tail, f"vendors.{self._name}"
        if isinstance(answer, ProbeFailure):
            return warn("keys", self._untested(tail, DESCRIPTIONS[answer.phase]), Message("try again"))
        if _taken(answer):
            return ok("keys", self._about(Message("key …{tail} works", tail=tail)))
        error = find_error(_parsed(answer))
        if answer.status < 400 and error is None:
            what = Message("base_url, and whether a portal of the network stands between")
            wrong = Message("the response is not from the vendor's API")
            return failed("keys", self._untested(tail, wrong), Message("check {what}", what=what))
        if error is None:
            error = any_error(_parsed(answer))
        said = without_parts_of(key.secret.get_secret_value(), message_of(error))
        operation = next(iter(self._adapter.operations.values()))
        match kind_of(operation.failures, answer.status, error)[0]:
            case "key_refused" | "forbidden":
                region = await self._other_region(key)
                if region is not None:
                    variable = f"BANJIA_VENDORS__{self._name.upper().replace('-', '_')}__REGION={region}"
                    cure = Message(
                        "set region: {region} in {entry} (without a file: {variable})",
                        region=region,
                        entry=entry,
                        variable=variable,
                    )
                    return failed("keys", self._about(Message("key …{tail}: valid key, wrong region", tail=tail)), cure)
                cure = Message("make a new one, and put it where {entry} takes it from", entry=entry)
                return failed("keys", self._about(_quoting(Message("key …{tail} is refused", tail=tail), said)), cure)
            case "no_funds":
                text = Message("key …{tail} works, but its account is empty", tail=tail)
                return failed("keys", self._about(_quoting(text, said)), Message("top it up"))
            case "rate_limited":
                text = Message("key …{tail} is at its rate limit", tail=tail)
                return warn("keys", self._about(text), Message("wait, or add a key in api_keys"))
        if answer.status in (404, 405, 501):
            wrong = Message("no list of models there")
            return warn("keys", self._untested(tail, wrong), Message("a request of your own"))
        wrong = Message("the vendor answered {status}", status=answer.status)
        return warn("keys", self._untested(tail, wrong), Message("try again later"))

    def _untested(self, tail: str, why: Message) -> Message:
        return self._about(Message("cannot test key …{tail}: {why}", tail=tail, why=why))

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


def _quoting(text: Message, words: str) -> Message:
    """The text with the vendor's own words behind it, where it sent any."""
    return text if words == NO_REASON else Message("{text} ({detail})", text=text, detail=words[:MOST_WORDS])


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
