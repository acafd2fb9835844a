"""Check one configured vendor: DNS, TLS, the clock difference and the API keys. Uses no tokens."""

import ipaddress
import json
from collections.abc import AsyncIterator, Callable
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from adapters.codecs.openai.errors import NO_REASON, any_error, find_error, kind_of, message_of
from adapters.core.auth import ExpiringToken
from adapters.core.message import COMMA, Message, joined
from adapters.core.wire import Call
from config.routing import base_url_of, vendor_of
from config.schema import VendorEntry
from proxy.commands.doctor.report import Finding, about, failed, ok, warn
from proxy.credentials.pool import VendorKey, vendor_keys
from proxy.credentials.redaction import without_parts_of
from proxy.credentials.tokens import TemporaryTokens
from proxy.upstream.client import Upstream
from proxy.upstream.errors import DESCRIPTIONS
from proxy.upstream.probe import NO_TLS, OTHER_ADDRESS, OTHER_NAME, ProbeFailure, ProbeResponse, addresses_of, get

MAX_MESSAGE_CHARS = 200
"""Maximum length of a vendor's message in a finding, in characters."""
MAX_SKEW_S = 60
"""Largest accepted clock difference, in seconds. Signed protocols refuse calls that are a few minutes off."""


class VendorCheck:
    """The check of one configured vendor. Use it once: ``[finding async for finding in VendorCheck(...).findings()]``."""

    def __init__(
        self, name: str, entry: VendorEntry, upstream: Upstream, now: Callable[[], float], model: str = ""
    ) -> None:
        """``now``: the time of this machine, in epoch seconds. ``model``: one that temporary keys are requested for."""
        self._name = name
        self._entry = entry
        self._adapter = vendor_of(name, entry)
        self._upstream = upstream.via(entry.outbound())
        self._base_url = base_url_of(name, entry)
        self._host = urlsplit(self._base_url).hostname or ""
        self._proxy = self._upstream.proxy_of(self._base_url)
        self._now = now
        self._model = model

    async def findings(self) -> AsyncIterator[Finding]:
        """Yield the findings: DNS, TLS, clock, API keys. Stop at a failure that prevents later checks."""
        if self._proxy is None:
            dns = await self._dns()
            if dns is not None:
                yield dns
                if dns.level == "fail":
                    return
        keys = vendor_keys(self._entry, self._adapter)
        first = await self._request(self._base_url, keys[0])
        received_at = self._now()
        if isinstance(first, ProbeFailure):
            yield self._failure(first)
            return
        yield self._tls()
        clock = self._clock(first, received_at)
        if clock is not None:
            yield clock
        if self._entry.protocol == "native":
            text = Message("API keys not tested: the native protocol has no free call")
            yield warn("keys", self._about(text), Message("send a request of your own"))
            return
        if keys[0].tokens is not None:
            yield await self._pair(keys[0], keys[0].tokens)
            return
        for key in keys:
            yield await self._key(key, first if key is keys[0] else await self._request(self._base_url, key))

    async def _request(self, base_url: str, key: VendorKey) -> ProbeResponse | ProbeFailure:
        """List the models, with this key; without one for a key pair, which only gets temporary keys for a model."""
        headers = [(name.lower().encode(), value.encode()) for name, value in self._entry.headers.items()]
        call = Call("GET", f"{base_url}/models", [*headers, (b"accept-encoding", b"identity")], b"", streams=False)
        if key.tokens is None:
            call = self._adapter.auth.sign(call, key.credential, self._now())
        return await get(self._upstream, call, self._entry.timeouts.connect_s)

    async def _dns(self) -> Finding | None:
        """Resolve the host name; None if the host is an IP address."""
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
                cure = Message("the network and its DNS server, or set HTTPS_PROXY if a proxy is required")
            wrong = Message("DNS lookup failed for {host}", host=self._host)
            return failed("dns", self._about(wrong), Message("check {what}", what=cure))
        addresses = joined(COMMA, found[:2])
        return ok("dns", self._about(Message("{host} resolves to {addresses}", host=self._host, addresses=addresses)))

    def _about(self, text: Message) -> Message:
        return about(self._name, text)

    def _failure(self, failure: ProbeFailure) -> Finding:
        if failure.phase == "tls":
            where = self._about(about(self._host, failure.why))
            if failure.why == NO_TLS:
                return failed(
                    "tls", where, Message("use http:// or another port in vendors.{name}.base_url", name=self._name)
                )
            cure = Message(
                "the clock of this machine; if a proxy intercepts TLS, add its CA certificate to SSL_CERT_FILE"
            )
            if failure.why in (OTHER_NAME, OTHER_ADDRESS):
                cure = Message("the host name in base_url; a captive portal may respond instead of the vendor")
            return failed("tls", where, Message("check {what}", what=cure))
        if self._proxy is not None:
            text = Message("the call through {proxy} failed: {why}", proxy=self._proxy, why=DESCRIPTIONS[failure.phase])
            cure = Message("the proxy, its password, and vendors.{name}.proxy", name=self._name)
            return failed("connection", self._about(text), Message("check {what}", what=cure))
        text = self._about(about(self._host, DESCRIPTIONS[failure.phase]))
        own = self._entry.base_url or self._adapter.keyless
        where = Message("base_url, and whether the server is running") if own else Message("the firewall")
        return failed("connection", text, Message("check {what}", what=where))

    def _tls(self) -> Finding:
        if self._base_url.startswith("https:"):
            return ok("tls", self._about(Message("the certificate of {host} is trusted", host=self._host)))
        if self._host == "localhost" or _is_private(self._host):
            return ok("tls", self._about(Message("no TLS, on a private network")))
        text = Message("the API key is sent to {host} without encryption", host=self._host)
        return warn("tls", self._about(text), Message("use https:// in vendors.{name}.base_url", name=self._name))

    def _clock(self, response: ProbeResponse, now: float) -> Finding | None:
        try:
            vendor_time = parsedate_to_datetime(response.headers["date"]).timestamp()
        except (KeyError, ValueError):
            return None
        ahead_s = round(now - vendor_time)
        if abs(ahead_s) <= MAX_SKEW_S:
            return ok("clock", self._about(Message("differs by at most {seconds} seconds", seconds=MAX_SKEW_S)))
        if ahead_s > 0:
            text = Message("this machine's clock is {seconds} seconds ahead", seconds=ahead_s)
        else:
            text = Message("this machine's clock is {seconds} seconds behind", seconds=-ahead_s)
        return warn(
            "clock",
            self._about(text),
            Message("set the clock, for example with NTP: signed calls and certificates depend on it"),
        )

    async def _pair(self, key: VendorKey, tokens: TemporaryTokens) -> Finding:
        """Request a temporary key for the pair."""
        token = await tokens.get(self._model, self._upstream)
        about_pair = {"tail": key.tail, "model": self._model}
        if isinstance(token, ExpiringToken):
            return ok("keys", self._about(Message("access key …{tail} gets temporary keys for {model}", **about_pair)))
        why = token.message.with_texts(partial(without_parts_of, key.secret.get_secret_value()))
        wrong = Message("access key …{tail} gets no temporary key for {model}: {why}", why=why, **about_pair)
        match token.kind:
            case "key_refused" | "forbidden":
                cure = Message(
                    "check access_key_id and secret_key in vendors.{name}, and that they may request temporary keys",
                    name=self._name,
                )
                return failed("keys", self._about(wrong), cure)
            case "model_not_found":
                return failed(
                    "keys",
                    self._about(wrong),
                    Message("check the model or endpoint, and project in vendors.{name}", name=self._name),
                )
        return warn("keys", self._about(wrong), Message("try again later"))

    async def _key(self, key: VendorKey, response: ProbeResponse | ProbeFailure) -> Finding:
        tail, entry = key.tail, f"vendors.{self._name}"
        if isinstance(response, ProbeFailure):
            return warn("keys", self._untested(tail, DESCRIPTIONS[response.phase]), Message("try again"))
        if _is_model_list(response):
            works = Message("the server requires no key") if key.absent else Message("key …{tail} works", tail=tail)
            return ok("keys", self._about(works))
        error = find_error(_json_of(response))
        if response.status < 400 and error is None:
            cause = Message("base_url, and whether a captive portal responds")
            wrong = Message("the response is not from the vendor's API")
            return failed("keys", self._untested(tail, wrong), Message("check {what}", what=cause))
        if error is None:
            error = any_error(_json_of(response))
        vendor_message = without_parts_of(key.secret.get_secret_value(), message_of(error))
        operation = next(iter(self._adapter.operations.values()))
        match kind_of(operation.failures, response.status, error)[0]:
            case "key_refused" | "forbidden" if key.absent:
                return failed(
                    "keys",
                    self._about(Message("the server requires an API key")),
                    Message("set it as api_key in {entry}", entry=entry),
                )
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
                cure = Message("create a new API key and set it in {entry}", entry=entry)
                return failed(
                    "keys",
                    self._about(_with_vendor_message(Message("key …{tail} is refused", tail=tail), vendor_message)),
                    cure,
                )
            case "no_funds":
                text = Message("key …{tail} works, but the account has no funds", tail=tail)
                return failed(
                    "keys", self._about(_with_vendor_message(text, vendor_message)), Message("top up the account")
                )
            case "rate_limited":
                text = Message("key …{tail} is at its rate limit", tail=tail)
                return warn("keys", self._about(text), Message("wait, or add a key in api_keys"))
        if response.status in (404, 405, 501):
            wrong = Message("the server has no list of models")
            return warn("keys", self._untested(tail, wrong), Message("send a request of your own"))
        wrong = Message("the vendor returned {status}", status=response.status)
        return warn("keys", self._untested(tail, wrong), Message("try again later"))

    def _untested(self, tail: str, why: Message) -> Message:
        return self._about(Message("cannot test key …{tail}: {why}", tail=tail, why=why))

    async def _other_region(self, key: VendorKey) -> str | None:
        """Return the region whose host accepts the key. Sends the key to the vendor's own hosts only."""
        if self._entry.base_url is not None or self._adapter.keyless:
            return None
        for region, base_url in self._adapter.base_urls.items():
            if region != self._entry.region:
                response = await self._request(base_url, key)
                if isinstance(response, ProbeResponse) and _is_model_list(response):
                    return region
        return None


def _with_vendor_message(text: Message, vendor_message: str) -> Message:
    """Append the vendor's own message to a text, if it sent one."""
    return (
        text
        if vendor_message == NO_REASON
        else Message("{text} ({detail})", text=text, detail=vendor_message[:MAX_MESSAGE_CHARS])
    )


def _is_model_list(response: ProbeResponse) -> bool:
    """Whether this is the vendor's list of models. A captive portal's page has status 200 too."""
    body = _json_of(response)
    return response.status == 200 and body is not None and find_error(body) is None


def _json_of(response: ProbeResponse) -> Any:
    try:
        return json.loads(response.body)
    except ValueError:
        return None


def _is_private(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith((".local", ".internal", ".lan"))
