"""Every configuration key. Published as ``config/banjia.schema.json`` and in ``docs/configuration.md``.

A key whose feature is not implemented yet accepts its default only; any other value fails with "not yet", so no setting
is accepted and then ignored. The string below a key describes it; ``config/json_schema.py`` reads it from this file.
"""

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    PrivateAttr,
    SecretStr,
    WithJsonSchema,
    field_serializer,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError, core_schema

from adapters.core.auth import NO_KEY
from adapters.core.message import EMPTY, Message
from adapters.registry import BY_NAME, EXAMPLE_TARGET, VENDORS
from config.catalog.overrides import CatalogOverrides
from config.errors import InvalidValue, expecting
from config.origins import configured_host, configured_origin
from config.sections import BackgroundSettings, Emulations, Section, StoreSettings, Switch

Strategy = Literal["failover", "weighted", "fastest", "cheapest"]
RetryCause = Literal["5xx", "html", "reset", "timeout", "error_in_200"]
RETRY_ON: tuple[RetryCause, ...] = ("5xx", "html", "reset", "timeout", "error_in_200")

OFF = "off"
"""The value of ``admin_listen`` that disables the admin port."""
MIN_ADMIN_TOKEN = 16
"""Minimum length of the admin token, in characters."""

_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_RESERVED_HEADERS = frozenset(
    {"host", "content-length", "content-type", "transfer-encoding", "connection", "accept-encoding"}
)


@dataclass(frozen=True, slots=True)
class PlannedValue:
    """Marks a key whose feature is not implemented yet: it accepts this value only."""

    only: Any

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def check(self, value: Any) -> Any:
        """Return the value if it is the accepted one. Raises PydanticCustomError ``not_yet`` otherwise."""
        if value != self.only:
            raise PydanticCustomError("not_yet", "not yet", {"only": self.only})
        return value


class PolicyKeys:
    """Marks the policy keys that one model overrides: validated as a whole policy, stored as the given keys only."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(
            self.given,
            handler.generate_schema(Policy),
            serialization=core_schema.plain_serializer_function_ser_schema(dict),
        )

    def given(self, policy: "Policy") -> dict[str, Any]:
        """Return the keys that were set explicitly."""
        return policy.model_dump(exclude_unset=True)


def _one_or_many(value: Any) -> Any:
    return [value] if isinstance(value, str | dict) else value


def _one_or_many_texts(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _number(value: Any) -> Any:
    """Accept a number as text, as environment variables give it."""
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def _sendable(key: SecretStr) -> SecretStr:
    text = key.get_secret_value()
    if text.startswith("Bearer "):
        raise InvalidValue(Message("the key begins with 'Bearer '"), Message("the key alone"))
    if not all("!" <= char <= "~" for char in text):
        raise InvalidValue(
            Message("the key contains a space, a line break or a non-ASCII character"), Message("the key alone")
        )
    return key


def _header_error(name: str, problem: Message, expected: Message = EMPTY) -> PydanticCustomError:
    return PydanticCustomError(
        "header", "{text}", {"text": expecting(problem, expected), "problem": problem, "expected": expected, "at": name}
    )


def _without_empty_keys(keys: list[SecretStr]) -> list[SecretStr]:
    return [key for key in keys if key.get_secret_value()]


def _hard_to_guess(token: SecretStr) -> SecretStr:
    """Check the length of a token. An empty one means no token, so that ``${VARIABLE:-}`` works."""
    if 0 < len(token.get_secret_value()) < MIN_ADMIN_TOKEN:
        raise InvalidValue(
            Message("the token has fewer than {count} characters", count=MIN_ADMIN_TOKEN),
            Message("a long random string"),
        )
    return token


Secret = Annotated[SecretStr, AfterValidator(_sendable)]
AdminToken = Annotated[SecretStr, AfterValidator(_sendable), AfterValidator(_hard_to_guess)]
Secrets = Annotated[list[Secret], BeforeValidator(_one_or_many_texts), AfterValidator(_without_empty_keys)]
Origins = Annotated[list[Annotated[str, AfterValidator(configured_origin)]], BeforeValidator(_one_or_many_texts)]
Hosts = Annotated[list[Annotated[str, AfterValidator(configured_host)]], BeforeValidator(_one_or_many_texts)]
Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]


def checked_address(value: str) -> str:
    """Return a valid ``host:port`` unchanged. Raises InvalidValue for anything else."""
    host, _, port = value.rpartition(":")
    if not host or not (port.isascii() and port.isdigit()) or int(port) > 65535 or (":" in host and host[0] != "["):
        raise InvalidValue(expected=Message("host:port, for example 127.0.0.1:8080 or [::1]:8080"))
    return value


def _address_or_off(value: str) -> str:
    return OFF if value in (OFF, "none") else checked_address(value)


def beyond_loopback(listen: str) -> bool:
    """Whether other machines can reach this address and port."""
    host = listen.rpartition(":")[0].strip("[]")
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() != "localhost"


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        port_is_fine = parts.port != 0
    except ValueError:
        raise InvalidValue(Message("not a URL"), Message("a URL such as https://host/v1")) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_fine or " " in value:
        raise InvalidValue(expected=Message("a URL that starts with http:// or https://"))
    if parts.username is not None:
        raise InvalidValue(
            Message("the URL contains a user name or password"), Message("credentials in api_key or headers")
        )
    if parts.query or parts.fragment:
        raise InvalidValue(expected=Message("a URL without '?' and '#': paths are appended to it"))
    return value.rstrip("/")


def _as_written(value: Any) -> Any:
    """Turn a bare port, which YAML parses as a number, into text, so that it fails as an invalid address."""
    return str(value) if type(value) is int else value


def _outbound(value: Any) -> Any:
    """Check for ``env``, ``none``, or the URL of a forward proxy. The URL may contain a password, so all of it is secret."""
    if value in ("env", "none") or isinstance(value, SecretStr):
        return value
    try:
        parts = urlsplit(value if isinstance(value, str) else "")
        port_is_fine = parts.port != 0
    except ValueError:
        raise InvalidValue(Message("not a URL"), Message("a URL such as http://10.0.0.1:3128")) from None
    if parts.scheme.startswith("socks"):
        raise InvalidValue(
            Message("SOCKS proxies are not supported"), Message("an HTTP proxy, such as http://10.0.0.1:3128")
        )
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_fine:
        raise InvalidValue(expected=Message("env, none, or a URL such as http://10.0.0.1:3128"))
    if not all("!" <= char <= "~" for char in value):
        raise InvalidValue(
            Message("the URL contains a space, a line break or a non-ASCII character"),
            Message("percent-encoding, such as %20 for a space"),
        )
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise InvalidValue(expected=Message("a proxy URL without path, '?' and '#'"))
    return SecretStr(value.rstrip("/"))


Address = Annotated[str, BeforeValidator(_as_written), AfterValidator(checked_address)]
AdminAddress = Annotated[str, BeforeValidator(_as_written), AfterValidator(_address_or_off)]
Url = Annotated[str, AfterValidator(_url)]
Overrides = Annotated[CatalogOverrides, WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "object"}]})]
Outbound = Annotated[Literal["env", "none"] | SecretStr, BeforeValidator(_outbound)]


def _moderations_target(value: str) -> str:
    vendor, slash, model = value.partition("/")
    if value not in ("refuse", "pass") and not (vendor and slash and model and value == value.strip()):
        raise InvalidValue(expected=Message("refuse, pass, or vendor/model"))
    return value


class Server(Section):
    """How banjia serves clients."""

    listen: Address = "127.0.0.1:8080"
    """Address and port for clients. Any address other than loopback needs client_keys, or insecure: true."""
    admin_listen: AdminAddress = "127.0.0.1:8081"
    """Address and port for metrics, status and reload, or off. Any address other than loopback needs admin_token."""
    admin_token: AdminToken | None = None
    """Bearer token of the admin port, at least 16 characters. All paths except /metrics and health checks need it. Empty: no authentication, on loopback only."""
    client_keys: Secrets = []
    """API keys that clients must send. Empty: no authentication."""
    insecure: Switch = False
    """Serve other machines without client keys: every client that reaches the port can spend your money. Does not affect the admin port."""
    cors_origins: Origins = []
    """Origins of web pages that may call banjia from a browser (CORS). Without client keys, requests from other origins get 403. * and null need client_keys."""
    hosts: Hosts = []
    """Further host names accepted on loopback without client keys. localhost, host.docker.internal and IP addresses are always accepted."""
    max_body_mb: Annotated[float, Field(gt=0, le=1024)] | None = None
    """Largest request body, in MiB. Default: 64, or a sixteenth of the memory limit if that is less."""
    max_concurrency: Annotated[int, Field(ge=1, le=100_000)] = 1000
    """Maximum number of concurrent requests; further requests get 503."""
    heartbeat_s: Seconds = 15
    """Seconds between keep-alive comments to a client that waits on a stream."""
    hold_status_s: Seconds = 30
    """Longest time, in seconds, that a stream's status line waits for the first content, so that a failure can still get its own status."""
    drain_delay_s: Annotated[float, Field(ge=0, le=3600)] = 5
    """Seconds between the stop signal and closing the listening socket."""
    grace_s: Annotated[float, Field(ge=0, le=3600)] = 30
    """Seconds that running requests have to finish after the stop signal."""
    transport: Literal["fast", "httpx"] = "fast"
    """HTTP client for upstream calls: fast is banjia's own, httpx is httpx2."""

    def beyond_loopback(self) -> bool:
        """Whether other machines can reach ``listen``."""
        return beyond_loopback(self.listen)

    def admin_beyond_loopback(self) -> bool:
        """Whether the admin port is enabled and other machines can reach it."""
        return self.admin_listen != OFF and beyond_loopback(self.admin_listen)


class Timeouts(Section):
    """How long to wait for a vendor, in seconds. Some defaults depend on the call."""

    connect_s: Seconds = 5
    """Timeout for connecting, including the TLS handshake."""
    first_token_s: Seconds | None = None
    """Timeout for the first content of a stream. Default: 120, or 600 when the model thinks."""
    idle_s: Seconds = 300
    """Timeout between two chunks of a stream."""
    total_s: Seconds | None = None
    """Timeout for the whole call. Default: 600, or 1800 for a stream."""


class Limits(Section):
    """Limits of the vendor account, per API key. With learn on, banjia learns unset limits from the vendor's 429s."""

    concurrency: Count | None = None
    """Maximum number of concurrent upstream calls."""
    rpm: Count | None = None
    """Maximum number of upstream calls started in any 60 seconds."""
    tpm: Count | None = None
    """Maximum number of tokens in any 60 seconds. A call counts its prompt plus its token limit until the actual usage is known."""
    wait_s: Seconds = 300
    """How long a call over the limits waits for a slot, in seconds, before banjia tries the next target or returns 429."""
    learn: Switch = True
    """Learn limits from the vendor's 429s, and queue calls instead of sending them into a 429."""


class Messages(Section):
    """How messages are sent to a server of the kind openai_compatible or one of its presets. For other vendors the adapter decides."""

    merge_system: Switch = False
    """Merge all system messages into one at the start. Some chat templates refuse a second one."""
    developer_as: Literal["system", "user", "developer"] | None = None
    """Role for developer messages. Default: unchanged, or that of the preset."""


NATIVE: Final = "native"
"""The variant of a vendor that is its own protocol."""
if TYPE_CHECKING:
    Region = str
else:
    Region = Literal[
        tuple(dict.fromkeys(region for vendor in VENDORS if not vendor.keyless for region in vendor.base_urls))
    ]


class VendorEntry(Section):
    """How to reach one vendor. ``kind`` selects the adapter; by default it is the name of the entry."""

    kind: str | None = None
    """Adapter: a vendor that banjia vendors lists. Default: the name of the entry."""
    protocol: Annotated[Literal["openai", "native"], PlannedValue("openai")] = "openai"
    """The vendor's OpenAI-compatible API, or its native one."""
    edition: str | None = None
    """Which OpenAI-compatible API, for a vendor that has several; its page in docs/vendors names them."""
    region: Region = "cn"
    """Region of the vendor's host; an API key works in one region only. The vendor's page in docs/vendors lists its regions. Default: cn, or the first region of a vendor without it."""
    base_url: Url | None = None
    """Full URL prefix, as for an OpenAI SDK. Replaces the region's host."""
    token_url: Url | None = None
    """URL that issues temporary tokens for access_key_id and secret_key. Default: the vendor's."""
    api_key: Secret | None = None
    """API key. An unset ${VARIABLE} turns this vendor off. none, the default for presets of local servers, sends no key."""
    api_keys: Secrets = []
    """Several API keys, used in turn. Keys whose ${VARIABLE} is unset are skipped."""
    access_key_id: Secret | None = None
    """Access key id, used with secret_key in place of an API key, for vendors that issue temporary keys (Doubao)."""
    secret_key: Secret | None = None
    """Secret key that belongs to access_key_id. It signs calls and is never sent. An unset ${VARIABLE} turns this vendor off."""
    project: Annotated[str, Field(max_length=128)] = ""
    """Project of the vendor account that access_key_id may use. Default: the vendor's default project."""
    access_key: Annotated[Secret | None, PlannedValue(None)] = None
    """Access key, for a native protocol."""
    secret_id: Annotated[Secret | None, PlannedValue(None)] = None
    """Secret ID, for a native protocol."""
    auth: Annotated[Literal["oauth", "iam"], PlannedValue("oauth")] = "oauth"
    """How a native protocol authenticates."""
    headers: Annotated[dict[str, str], Field(repr=False)] = {}
    """Headers added to every call to this vendor."""
    proxy: Outbound = "env"
    """Outbound proxy: env (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY), none (direct connection), or the URL of a proxy."""
    timeouts: Timeouts = Timeouts()
    """How long to wait for this vendor."""
    limits: Limits = Limits()
    """Limits of the vendor account, per API key."""
    messages: Messages = Messages()
    """How messages are sent; for the kind openai_compatible and its presets only."""
    catalog: Overrides | None = None
    """Your own models, prices and stand-ins, as the path of a file or inline. They override the vendor's catalog."""

    @property
    def variant(self) -> str | None:
        """The name of the vendor's API: its native one, or an edition; None for the usual one."""
        return NATIVE if self.protocol == NATIVE else self.edition

    @field_validator("headers")
    @classmethod
    def _sendable_headers(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if not _HEADER.fullmatch(name):
                raise _header_error(
                    name,
                    Message("the header name contains a character that HTTP does not allow"),
                    Message("a name such as x-team"),
                )
            if name.lower() in _RESERVED_HEADERS:
                raise _header_error(name, Message("banjia sets this header itself"), Message("another header"))
            if not all(" " <= char <= "~" for char in value):
                raise _header_error(name, Message("the value contains a line break or a non-ASCII character"))
        return headers

    @field_serializer("headers", when_used="json")
    def _masked(self, headers: dict[str, str]) -> dict[str, str]:
        return dict.fromkeys(headers, "**********")

    @model_validator(mode="after")
    def _one_kind_of_key(self) -> "VendorEntry":
        if self.api_key is not None and self.api_keys:
            raise PydanticCustomError(
                "two_keys",
                "{problem}; expected {expected}",
                {"problem": Message("both api_key and api_keys are set"), "expected": Message("one of them")},
            )
        if (self.access_key_id or self.secret_key) and (self.api_key or self.api_keys):
            raise PydanticCustomError(
                "two_keys",
                "{problem}; expected {expected}",
                {
                    "problem": Message("both an API key and access_key_id with secret_key are set"),
                    "expected": Message("one of them"),
                },
            )
        return self

    def outbound(self) -> str:
        """Return ``env``, ``none``, or the URL of a forward proxy, including its password."""
        return self.proxy if isinstance(self.proxy, str) else self.proxy.get_secret_value()

    def keys(self) -> list[SecretStr]:
        """Return the API keys without empty ones, or the secret key of a complete pair. Empty: the vendor is off."""
        if self.key_id() and self.secret_key is not None:
            return _without_empty_keys([self.secret_key])
        return _without_empty_keys([self.api_key] if self.api_key is not None else self.api_keys)

    def key_id(self) -> str:
        """Return the access key id; empty if the entry has API keys."""
        return self.access_key_id.get_secret_value() if self.access_key_id is not None else ""


class Policy(Section):
    """What banjia does when a vendor lacks a feature or fails."""

    unsupported: Literal["adapt", "strict"] = "adapt"
    """adapt: change what the vendor cannot do and report each change; strict: refuse requests that adapt would drop or clamp a field of."""
    emulate: Emulations = Emulations()
    """Which emulations are enabled."""
    repair_max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] = 16_000
    """Largest prompt, in estimated tokens, with which banjia asks once more for an emulated answer that is invalid."""
    drop: Annotated[list[str], BeforeValidator(_one_or_many_texts)] = []
    """Request fields to drop for vendors that do not support them; otherwise banjia refuses the request."""
    hosted_tools: Literal["drop", "refuse"] = "drop"
    """Tools of the Responses API that OpenAI runs itself (web_search, image_generation, tool_search), offered beside other tools. drop: leave them out and report it; refuse: status 400 that names the tool."""
    failover: Switch = True
    """Fail over to the other vendors under OpenAI names that models does not list. off: use the first vendor only."""
    attempts: Annotated[int, Field(ge=1, le=10)] = 3
    """Maximum number of upstream calls for one request."""
    attempts_per_target: Annotated[int, Field(ge=1, le=10)] = 2
    """Maximum number of upstream calls to one target for one request."""
    max_wait_s: Annotated[float, Field(ge=0, le=600)] = 20
    """Longest retry-after, in seconds, that banjia waits for after a vendor error. After a 429 the limit is limits.wait_s, unless limits.learn is off."""
    reroute: Annotated[list[Literal["context", "inspection"]], BeforeValidator(_one_or_many_texts)] = []
    """Client errors that still fail over to the next target: context (prompt too long), inspection (refused by the vendor's content filter)."""
    retry_on: Annotated[list[RetryCause], BeforeValidator(_one_or_many_texts)] = list(RETRY_ON)
    """Vendor failures that banjia retries."""
    thinking: Literal["auto", "vendor", "off"] = "auto"
    """auto: disable thinking under names of non-reasoning models and under token limits below 1024; vendor: keep the model's default; off: disable it unless a request asks for it. With auto and off, a limit below 1024 that covers the thinking of a model that always thinks is raised by 8192."""
    hedge_s: Seconds | Literal["off"] = "off"
    """Seconds without a complete non-streamed response after which banjia also calls a second target. Both calls are billed."""
    fetch_images: Switch = False
    """Fetch images from public http and https URLs for vendors that accept image data only. off: refuse such URLs for these vendors."""
    moderations: Annotated[str, AfterValidator(_moderations_target)] = "refuse"
    """Response to /v1/moderations: refuse (404), pass (flag nothing, without checking), or a target as vendor/model."""
    report_model: Literal["requested", "vendor"] = "requested"
    """Model name in responses: the requested one, or the vendor's."""
    open_models: Switch | None = None
    """Whether clients may request vendor/model and vendors' own model ids. Default: only without client keys."""


class Breaker(Section):
    """When a failing target cools down. While it does, the other targets of its route are tried first."""

    failures: Count = 5
    """Consecutive failures after which a target cools down."""
    cooldown_s: Seconds = 30
    """First cooldown, in seconds. The n-th consecutive cooldown is n times as long."""
    cap_s: Seconds = 300
    """Longest cooldown, in seconds."""


class Log(Section):
    """The access log on standard output: one line per request."""

    format: Literal["json", "text"] | None = None
    """json, or text (one readable line). Default: text if standard output is a terminal, otherwise json."""


class TargetEntry(Section):
    """One target of a route."""

    target: str
    """vendor/model: the vendor's name in vendors, a slash, and the vendor's model id."""
    weight: Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False)] = 1
    """Share of the requests under the weighted strategy."""
    set: dict[str, Any] = {}
    """Fields set in every request, before it is adapted; they override the client's values. null removes a field."""

    @field_validator("target")
    @classmethod
    def _shape(cls, value: str) -> str:
        vendor, slash, model = value.partition("/")
        if not (vendor and slash and model) or value != value.strip():
            raise InvalidValue(expected=Message("vendor/model, for example {example}", example=EXAMPLE_TARGET))
        return value


def _target(value: Any) -> Any:
    return {"target": value} if isinstance(value, str) else value


class ModelEntry(Section):
    """The route of a model name: a target, a list of targets in order of preference, or a mapping with these keys."""

    targets: Annotated[
        list[Annotated[TargetEntry, BeforeValidator(_target)]], BeforeValidator(_one_or_many), Field(min_length=1)
    ]
    """Targets, in order of preference."""
    strategy: Strategy = "failover"
    """How banjia chooses the first target: failover (as listed), weighted, fastest (observed latency), or cheapest (catalog price)."""
    policy: Annotated[dict[str, Any], PolicyKeys()] = {}
    """Policy keys that this name overrides."""

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, value: Any) -> Any:
        if isinstance(value, str) or (isinstance(value, dict) and "target" in value):
            return {"targets": [value]}
        if isinstance(value, list):
            return {"targets": value}
        return value


class Settings(Section):
    """The whole configuration."""

    version: Annotated[Literal[1], BeforeValidator(_number)] = 1
    """Version of the file format."""
    server: Server = Server()
    """How banjia serves clients."""
    vendors: dict[str, VendorEntry] = {}
    """Vendors, by the name that targets use."""
    models: dict[str, ModelEntry] = {}
    """Routes, by the model name that clients request. A name may end in *."""
    policy: Policy = Policy()
    """What banjia does when a vendor lacks a feature or fails."""
    breaker: Breaker = Breaker()
    """When a failing target cools down. While it does, the other targets of its route are tried first."""
    log: Log = Log()
    """The access log on standard output: one line per request."""
    store: StoreSettings = StoreSettings()
    """What banjia keeps between requests."""
    background: BackgroundSettings = BackgroundSettings()
    """Responses that are made in the background."""

    _in_file: bool = PrivateAttr(default=True)

    @model_validator(mode="after")
    def _complete_vendors(self) -> "Settings":
        """Fill in what the vendors' tables say: the first region, and that local servers need neither key nor proxy."""
        for name, entry in self.vendors.items():
            vendor = BY_NAME.get(entry.kind or name)
            if vendor is None or not vendor.base_urls:
                continue
            given, update = entry.model_fields_set, dict[str, Any]()
            if vendor.keyless and not given & {"api_key", "api_keys"}:
                update["api_key"] = SecretStr(NO_KEY)
            if vendor.keyless and not given & {"base_url", "proxy"}:
                update["proxy"] = "none"  # an outbound proxy cannot reach localhost
            if not vendor.keyless and "region" not in given and entry.region not in vendor.base_urls:
                update["region"] = next(iter(vendor.base_urls))
            if update:
                self.vendors[name] = entry.model_copy(update=update)
        return self

    @property
    def in_file(self) -> bool:
        """Whether the settings come from a file, not from the environment alone."""
        return self._in_file

    def from_environment(self) -> "Settings":
        """Return a copy marked as coming from the environment alone."""
        copy = self.model_copy()
        copy._in_file = False  # noqa: SLF001 - a copy of its own
        return copy

    @property
    def open_models(self) -> bool:
        """Whether clients may request vendors' own model ids."""
        configured = self.policy.open_models
        return not self.client_keys() if configured is None else configured

    def client_keys(self) -> list[str]:
        """Return the client keys, without empty ones."""
        return [key.get_secret_value() for key in self.server.client_keys if key.get_secret_value()]

    def admin_token(self) -> str:
        """Return the bearer token of the admin port; empty if it needs none."""
        token = self.server.admin_token
        return "" if token is None else token.get_secret_value()
