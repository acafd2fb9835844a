"""The settings, every key of them. Published as ``config/banjia.schema.json``.

A key whose feature is still to come is in here with its default, and any other value is refused with "not yet": a
setting is never taken and ignored. The text under a key describes it; ``config/json_schema.py`` reads it from this file.
"""

import ipaddress
import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
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

from adapters.core.message import EMPTY, Message
from config.catalog.overrides import CatalogOverrides
from config.loader.errors import InvalidValue, expecting
from config.origins import configured_host, configured_origin

Strategy = Literal["failover", "weighted", "fastest", "cheapest"]
RetryCause = Literal["5xx", "html", "reset", "timeout", "error_in_200"]
RETRY_ON: tuple[RetryCause, ...] = ("5xx", "html", "reset", "timeout", "error_in_200")

OFF = "off"
"""The word for an admin port that is not opened."""
MIN_ADMIN_TOKEN = 16
"""The shortest admin token, in characters."""

_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OURS = frozenset({"host", "content-length", "content-type", "transfer-encoding", "connection", "accept-encoding"})


@dataclass(frozen=True, slots=True)
class PlannedValue:
    """Marks a key whose feature is still to come: only this value is taken."""

    only: Any

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def check(self, value: Any) -> Any:
        """The value, if it is the one that works. Raises PydanticCustomError ``not_yet``."""
        if value != self.only:
            raise PydanticCustomError("not_yet", "not yet", {"only": self.only})
        return value


class PolicyKeys:
    """Marks the keys of a policy that differ for one model: validated as a policy, kept as those that were given."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(
            self.given,
            handler.generate_schema(Policy),
            serialization=core_schema.plain_serializer_function_ser_schema(dict),
        )

    def given(self, policy: "Policy") -> dict[str, Any]:
        """Only what was said."""
        return policy.model_dump(exclude_unset=True)


def _one_or_many(value: Any) -> Any:
    return [value] if isinstance(value, str | dict) else value


def _one_or_many_texts(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _switch(value: Any) -> Any:
    """YAML 1.2 leaves on and off as words; both spellings are taken."""
    return {"on": True, "off": False}.get(value, value) if isinstance(value, str) else value


def _number(value: Any) -> Any:
    """Environment variables are text."""
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def _sendable(key: SecretStr) -> SecretStr:
    text = key.get_secret_value()
    if text.startswith("Bearer "):
        raise InvalidValue(Message("the key begins with 'Bearer '"), Message("the key alone"))
    if not all("!" <= char <= "~" for char in text):
        raise InvalidValue(
            Message("the key holds a space, a line break or a letter beyond ASCII"), Message("the key alone")
        )
    return key


def _header_error(name: str, wrong: Message, expected: Message = EMPTY) -> PydanticCustomError:
    return PydanticCustomError(
        "header", "{text}", {"text": expecting(wrong, expected), "wrong": wrong, "expected": expected, "at": name}
    )


def _required_keys(keys: list[SecretStr]) -> list[SecretStr]:
    return [key for key in keys if key.get_secret_value()]


def _hard_to_guess(token: SecretStr) -> SecretStr:
    """An empty one is none: ``${VARIABLE:-}`` leaves it out."""
    if 0 < len(token.get_secret_value()) < MIN_ADMIN_TOKEN:
        raise InvalidValue(
            Message("the token has fewer than {count} characters", count=MIN_ADMIN_TOKEN), Message("a long random word")
        )
    return token


Secret = Annotated[SecretStr, AfterValidator(_sendable)]
AdminToken = Annotated[SecretStr, AfterValidator(_sendable), AfterValidator(_hard_to_guess)]
Secrets = Annotated[list[Secret], BeforeValidator(_one_or_many_texts), AfterValidator(_required_keys)]
Switch = Annotated[bool, BeforeValidator(_switch)]
Origins = Annotated[list[Annotated[str, AfterValidator(configured_origin)]], BeforeValidator(_one_or_many_texts)]
Hosts = Annotated[list[Annotated[str, AfterValidator(configured_host)]], BeforeValidator(_one_or_many_texts)]
Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]


def checked_address(value: str) -> str:
    """An address as ``host:port``. Raises ValueError with what is expected."""
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
        raise InvalidValue(Message("this is not a URL"), Message("one such as https://host/v1")) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_fine or " " in value:
        raise InvalidValue(expected=Message("a URL that starts with http:// or https://"))
    if parts.username is not None:
        raise InvalidValue(Message("a URL can't hold a user or password"), Message("them in api_key or headers"))
    if parts.query or parts.fragment:
        raise InvalidValue(expected=Message("a URL without '?' and '#': paths are appended to it"))
    return value.rstrip("/")


def _as_written(value: Any) -> Any:
    """A lone port is a number in YAML; it is refused with the same words as other texts that are no address."""
    return str(value) if type(value) is int else value


def _outbound(value: Any) -> Any:
    """``env``, ``none``, or the URL of a forward proxy; it may hold a password, and is a secret as a whole."""
    if value in ("env", "none") or isinstance(value, SecretStr):
        return value
    try:
        parts = urlsplit(value if isinstance(value, str) else "")
        port_is_fine = parts.port != 0
    except ValueError:
        raise InvalidValue(Message("this is not a URL"), Message("one such as http://10.0.0.1:3128")) from None
    if parts.scheme.startswith("socks"):
        raise InvalidValue(
            Message("SOCKS needs a library that is not part of banjia"), Message("a proxy that speaks HTTP")
        )
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_fine:
        raise InvalidValue(expected=Message("env, none, or a URL such as http://10.0.0.1:3128"))
    if not all("!" <= char <= "~" for char in value):
        raise InvalidValue(
            Message("the URL holds a space, a line break or a letter beyond ASCII"), Message("them as %20 and the like")
        )
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise InvalidValue(expected=Message("a URL that ends after its port: a proxy has no path"))
    return SecretStr(value.rstrip("/"))


Address = Annotated[str, BeforeValidator(_as_written), AfterValidator(checked_address)]
AdminAddress = Annotated[str, BeforeValidator(_as_written), AfterValidator(_address_or_off)]
Url = Annotated[str, AfterValidator(_url)]
Laid = Annotated[CatalogOverrides, WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "object"}]})]
Outbound = Annotated[Literal["env", "none"] | SecretStr, BeforeValidator(_outbound)]


def _moderations_target(value: str) -> str:
    vendor, slash, model = value.partition("/")
    if value not in ("refuse", "pass") and not (vendor and slash and model and value == value.strip()):
        raise InvalidValue(expected=Message("refuse, pass, or vendor/model"))
    return value


class Section(BaseModel):
    """Unknown keys are errors, values are not coerced beyond what a text file needs, and nothing changes later."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Server(Section):
    """The front door."""

    listen: Address = "127.0.0.1:8080"
    """Address and port to serve on. Beyond loopback it needs client_keys, or insecure: true."""
    admin_listen: AdminAddress = "127.0.0.1:8081"
    """Address and port for metrics, status and reload; off for none. Beyond loopback it needs admin_token."""
    admin_token: AdminToken | None = None
    """What the admin port asks for, at least 16 characters: all paths but /metrics and health need it as a bearer token. Empty: on loopback none is asked for."""
    client_keys: Secrets = []
    """Keys that callers must send. Empty: no key is asked for."""
    insecure: Switch = False
    """Serve beyond loopback without client keys: every client that reaches the port can spend your money. The admin port is not affected."""
    cors_origins: Origins = []
    """Origins of web pages that may call from a browser (CORS). Without client keys, pages of other origins get 403. * and null need client_keys."""
    hosts: Hosts = []
    """Host names to serve on loopback without client keys. localhost, host.docker.internal and IP addresses always are."""
    max_body_mb: Annotated[float, Field(gt=0, le=1024)] | None = None
    """Largest request body, in MiB. Left out: 64, or a sixteenth of the memory limit where that is less."""
    max_concurrency: Annotated[int, Field(ge=1, le=100_000)] = 1000
    """Requests served at once; more are answered 503."""
    heartbeat_s: Seconds = 15
    """Seconds between comments to a caller who waits on a stream."""
    hold_status_s: Seconds = 30
    """How long the status of a stream is held for the first content, in seconds."""
    drain_delay_s: Annotated[float, Field(ge=0, le=3600)] = 5
    """Seconds between the signal to stop and closing the door."""
    grace_s: Annotated[float, Field(ge=0, le=3600)] = 30
    """Seconds that running requests get to finish after the signal to stop."""
    transport: Literal["fast", "httpx"] = "fast"
    """How vendors are called: by banjia's own HTTP client, or by that of httpx2."""

    def beyond_loopback(self) -> bool:
        """Whether other machines can reach the door."""
        return beyond_loopback(self.listen)

    def admin_beyond_loopback(self) -> bool:
        """Whether there is an admin port that other machines can reach."""
        return self.admin_listen != OFF and beyond_loopback(self.admin_listen)


class Timeouts(Section):
    """How long to wait for a vendor, in seconds. What is left out depends on the call: see each key."""

    connect_s: Seconds = 5
    """For a connection, its TLS included."""
    first_token_s: Seconds | None = None
    """For the first content of a stream. Default 120, or 600 when the model thinks."""
    idle_s: Seconds = 300
    """Between two pieces of a stream."""
    total_s: Seconds | None = None
    """For the whole call. Default 600, or 1800 for a stream."""


class Limits(Section):
    """What a vendor's account allows, per key. What is left out is learned from the vendor's 429s, if learn is on."""

    concurrency: Count | None = None
    """Calls at once."""
    rpm: Count | None = None
    """Calls that start in any minute."""
    tpm: Count | None = None
    """Tokens in any minute: the prompt and the limit of the answer, until its real cost is known."""
    wait_s: Seconds = 300
    """How long a call over the limits waits for its slot, in seconds, before the next target or a 429."""
    learn: Switch = True
    """Learn limits from the vendor's 429s, and let calls wait in order instead of sending them into a 429."""


class Messages(Section):
    """How messages are sent to a server of the kind openai_compatible. Other vendors get them as they take them."""

    merge_system: Switch = False
    """Join all system messages into one, in front of the others. Some chat templates refuse a second one."""
    developer_as: Literal["system", "user", "developer"] | None = None
    """The role that developer messages are sent with. Left out: as they come."""


class VendorEntry(Section):
    """How to reach one vendor. The adapter is ``kind``, which is the entry's name unless given."""

    kind: str | None = None
    """The vendor's adapter: qwen, kimi, ernie, hunyuan or openai_compatible. Default: the entry's name."""
    protocol: Annotated[Literal["openai", "native"], PlannedValue("openai")] = "openai"
    """The OpenAI-shaped API, or the vendor's own."""
    edition: str | None = None
    """Which of two OpenAI-shaped APIs, where a vendor has had two: tokenhub or classic for hunyuan."""
    region: Literal["cn", "intl", "us", "hk", "finance"] = "cn"
    """Which of the vendor's hosts; a key is good at one only. Kimi and Hunyuan have cn and intl, Qwen all, ERNIE cn."""
    base_url: Url | None = None
    """The whole prefix, as an OpenAI SDK would be given it; takes the place of the region's host."""
    token_url: Annotated[Url | None, PlannedValue(None)] = None
    """Where access tokens are fetched (ERNIE native)."""
    api_key: Secret | None = None
    """The key. An unset ${VARIABLE} turns this vendor off."""
    api_keys: Secrets = []
    """Several keys, used in turn. Those whose ${VARIABLE} is unset are left out."""
    access_key: Annotated[Secret | None, PlannedValue(None)] = None
    """Half of a credential (ERNIE native)."""
    secret_key: Annotated[Secret | None, PlannedValue(None)] = None
    """The other half."""
    secret_id: Annotated[Secret | None, PlannedValue(None)] = None
    """Half of a credential (Hunyuan native)."""
    auth: Annotated[Literal["oauth", "iam"], PlannedValue("oauth")] = "oauth"
    """How the native protocol of ERNIE signs."""
    headers: Annotated[dict[str, str], Field(repr=False)] = {}
    """Headers added to every call to this vendor."""
    proxy: Outbound = "env"
    """How its calls leave: env (HTTPS_PROXY and its kin, NO_PROXY), none (directly), or through the proxy of this URL."""
    timeouts: Timeouts = Timeouts()
    """How long to wait for it."""
    limits: Limits = Limits()
    """What the account allows."""
    messages: Messages = Messages()
    """How messages are sent; for the kind openai_compatible only."""
    catalog: Laid | None = None
    """A file of models, prices and stand-ins of your own, laid over what is known of the vendor; or the same right here."""

    @field_validator("headers")
    @classmethod
    def _sendable_headers(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if not _HEADER.fullmatch(name):
                raise _header_error(
                    name, Message("the name of a header holds a space or a colon"), Message("a name such as x-team")
                )
            if name.lower() in _OURS:
                raise _header_error(name, Message("the proxy sets this header by itself"), Message("others"))
            if not all(" " <= char <= "~" for char in value):
                raise _header_error(name, Message("the value holds a line break or a letter beyond ASCII"))
        return headers

    @field_serializer("headers", when_used="json")
    def _masked(self, headers: dict[str, str]) -> dict[str, str]:
        return dict.fromkeys(headers, "**********")

    @model_validator(mode="after")
    def _one_kind_of_key(self) -> "VendorEntry":
        if self.api_key is not None and self.api_keys:
            raise PydanticCustomError(
                "two_keys",
                "{wrong}; expected {expected}",
                {"wrong": Message("both api_key and api_keys are given"), "expected": Message("one of them")},
            )
        return self

    def outbound(self) -> str:
        """``env``, ``none``, or the URL of a forward proxy, with its password."""
        return self.proxy if isinstance(self.proxy, str) else self.proxy.get_secret_value()

    def keys(self) -> list[SecretStr]:
        """The keys that are there: empty ones are none."""
        return _required_keys([self.api_key] if self.api_key is not None else self.api_keys)


class Emulations(Section):
    """What is made up for where a vendor has it not. Switched off, the field is refused there."""

    n: Switch = True
    """Several choices of models that give one: a call for each, which the vendor bills."""
    stop: Switch = True
    """Stop strings that a vendor does not take: the answer is cut at the match, and the call ends."""

    def off(self) -> frozenset[str]:
        """The names that are switched off."""
        return frozenset(name for name, on in self if not on)


class Policy(Section):
    """What is done when a vendor can't do what is asked, or fails."""

    unsupported: Literal["adapt", "strict"] = "adapt"
    """adapt changes what it can and says so; strict refuses what adapt would drop or clamp."""
    emulate: Emulations = Emulations()
    """Which emulations are in use."""
    drop: Annotated[list[str], BeforeValidator(_one_or_many_texts)] = []
    """Request fields that are left out where a vendor can't serve them, instead of refusing the request."""
    failover: Switch = True
    """Under OpenAI names that models does not have, go on to the other vendors when one fails. off: the first only."""
    attempts: Annotated[int, Field(ge=1, le=10)] = 3
    """Calls to vendors for one request, at most."""
    attempts_per_target: Annotated[int, Field(ge=1, le=10)] = 2
    """Calls to one target for one request, at most."""
    max_wait_s: Annotated[float, Field(ge=0, le=600)] = 20
    """The longest retry-after that is waited for after a vendor's fault, in seconds. After a 429 it is limits.wait_s, unless limits.learn is off."""
    reroute: Annotated[list[Literal["context", "inspection"]], BeforeValidator(_one_or_many_texts)] = []
    """Errors of the caller's that still go on to the next target: a prompt that is too long, a text that was refused."""
    retry_on: Annotated[list[RetryCause], BeforeValidator(_one_or_many_texts)] = list(RETRY_ON)
    """Faults of the vendor's that are tried again."""
    thinking: Literal["auto", "vendor", "off"] = "auto"
    """auto: off under names that do not reason and under small limits; vendor: as the model does by itself; off: unless a request asks for it."""
    hedge_s: Seconds | Literal["off"] = "off"
    """Ask a second target too when a whole answer has not come after this many seconds. Both are billed."""
    fetch_images: Annotated[Switch, PlannedValue(False)] = False
    """Fetch public image URLs for vendors that take data only."""
    moderations: Annotated[str, AfterValidator(_moderations_target)] = "refuse"
    """What answers /v1/moderations: refuse (404), pass (nothing is flagged, unseen), or vendor/model."""
    report_model: Literal["requested", "vendor"] = "requested"
    """Which model name answers carry: the one that was asked for, or the vendor's."""
    open_models: Switch | None = None
    """Whether vendor/model and vendors' own ids may be asked for. Default: only without client keys."""


class Breaker(Section):
    """When a failing target cools down: the other targets of its route go first for a while."""

    failures: Count = 5
    """Failures in a row after which a target cools down."""
    cooldown_s: Seconds = 30
    """The first cooldown, in seconds; the second in a row is twice as long, and so on."""
    cap_s: Seconds = 300
    """The longest cooldown, in seconds."""


class Log(Section):
    """The lines on standard output, one for each request."""

    format: Literal["json", "text"] | None = None
    """json, or text: one readable line. Left out: text where standard output is a terminal, json elsewhere."""


class TargetEntry(Section):
    """One place a name may go to."""

    target: str
    """The vendor by its name in vendors, a slash, and the vendor's id of the model."""
    weight: Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False)] = 1
    """Its share, under the weighted strategy."""
    set: dict[str, Any] = {}
    """Fields laid over every request, before the verdicts; the operator's value wins. null leaves a field out."""

    @field_validator("target")
    @classmethod
    def _shape(cls, value: str) -> str:
        vendor, slash, model = value.partition("/")
        if not (vendor and slash and model) or value != value.strip():
            raise InvalidValue(expected=Message("vendor/model, for example kimi/kimi-k2.6"))
        return value


def _target(value: Any) -> Any:
    return {"target": value} if isinstance(value, str) else value


class ModelEntry(Section):
    """Who answers under a name: a target, a list of them (first is tried first), or the long form."""

    targets: Annotated[
        list[Annotated[TargetEntry, BeforeValidator(_target)]], BeforeValidator(_one_or_many), Field(min_length=1)
    ]
    """The targets, best first."""
    strategy: Strategy = "failover"
    """How the first target is chosen: as listed, by weight, by observed speed, or by the catalog's price."""
    policy: Annotated[dict[str, Any], PolicyKeys()] = {}
    """Keys of policy that differ for this name."""

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
    """The version of this file's format."""
    server: Server = Server()
    """The front door."""
    vendors: dict[str, VendorEntry] = {}
    """Vendors by the name that targets use."""
    models: dict[str, ModelEntry] = {}
    """What the app asks for, and who answers. A name may end in *."""
    policy: Policy = Policy()
    """What is done when a vendor can't, or fails."""
    breaker: Breaker = Breaker()
    """When a failing target cools down: the other targets of its route go first for a while."""
    log: Log = Log()
    """The lines on standard output, one for each request."""

    _in_file: bool = PrivateAttr(default=True)

    @property
    def in_file(self) -> bool:
        """Whether these are the settings of a file, and not of the environment alone."""
        return self._in_file

    def from_environment(self) -> "Settings":
        """The same, as the settings of the environment alone."""
        copy = self.model_copy()
        copy._in_file = False  # noqa: SLF001 - a copy of its own
        return copy

    @property
    def open_models(self) -> bool:
        """Whether callers may name vendors' models themselves."""
        wish = self.policy.open_models
        return not self.client_keys() if wish is None else wish

    def client_keys(self) -> list[str]:
        """The callers' keys that are there: empty ones are none."""
        return [key.get_secret_value() for key in self.server.client_keys if key.get_secret_value()]

    def admin_token(self) -> str:
        """What the admin port asks for; empty if it asks for nothing."""
        token = self.server.admin_token
        return "" if token is None else token.get_secret_value()
