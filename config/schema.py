"""The settings, every key of them. Published as ``config/banjia.schema.json``; docs/configuration.md is its prose.

A key whose feature is still to come is in here with its default, and any other value is refused with "not yet": a
setting is never taken and ignored.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, field_validator, model_validator

Strategy = Literal["failover", "weighted", "fastest", "cheapest"]
RetryCause = Literal["5xx", "html", "reset", "timeout", "error_in_200"]
RETRY_ON: tuple[RetryCause, ...] = ("5xx", "html", "reset", "timeout", "error_in_200")


def _one_or_many(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _switch(value: Any) -> Any:
    """YAML 1.2 leaves on and off as words; both spellings are taken."""
    return {"on": True, "off": False}.get(value, value) if isinstance(value, str) else value


Secrets = Annotated[list[SecretStr], BeforeValidator(_one_or_many)]
Switch = Annotated[bool, BeforeValidator(_switch)]
Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]


class Section(BaseModel):
    """Unknown keys are errors, values are not coerced beyond what a text file needs, and nothing changes later."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, hide_input_in_errors=True)


def not_yet(section: Section, key: str, default: object) -> None:
    """Refuse a value whose feature is still to come."""
    if getattr(section, key) != default:
        raise ValueError(f"not yet: '{key}' can only be {default!r} in this version (leave the key out)")


class Server(Section):
    """The front door."""

    listen: str = "127.0.0.1:8080"
    """Address and port to serve on. Beyond loopback it needs client_keys, or insecure: true."""
    admin_listen: str = "127.0.0.1:8081"
    """Address and port for metrics and administration; opened once there are any."""
    client_keys: Secrets = []
    """Keys that callers must send. Empty: no key is asked for."""
    insecure: bool = False
    """Serve beyond loopback without client keys."""
    max_body_mb: Annotated[float, Field(gt=0, le=1024)] = 64
    """Largest request body, in MiB."""
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
    transport: Literal["fast", "httpx"] = "httpx"
    """How vendors are called."""

    @field_validator("listen", "admin_listen")
    @classmethod
    def _address(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not host or not port.isdigit() or int(port) > 65535:
            raise ValueError("expected host:port, for example 127.0.0.1:8080")
        return value

    @model_validator(mode="after")
    def _pending(self) -> "Server":
        not_yet(self, "transport", "httpx")
        return self


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
    """What a vendor's account allows, per key."""

    concurrency: Annotated[int, Field(ge=1)] | None = None
    """Calls at once."""
    rpm: Annotated[int, Field(ge=1)] | None = None
    """Calls a minute."""
    tpm: Annotated[int, Field(ge=1)] | None = None
    """Tokens a minute."""
    wait_s: Seconds = 300
    """How long a call over the limits waits for its turn, in seconds."""

    @model_validator(mode="after")
    def _pending(self) -> "Limits":
        for key in ("concurrency", "rpm", "tpm"):
            not_yet(self, key, None)
        not_yet(self, "wait_s", 300)
        return self


class VendorEntry(Section):
    """How to reach one vendor. The adapter is ``kind``, which is the entry's name unless given."""

    kind: str | None = None
    """The vendor's adapter, for example kimi or qwen."""
    protocol: Literal["openai", "native"] = "openai"
    """The OpenAI-shaped API, or the vendor's own."""
    edition: str | None = None
    """Which of two OpenAI-shaped APIs, where a vendor has had two."""
    region: Literal["cn", "intl", "us", "hk", "finance"] = "cn"
    """Which of the vendor's hosts; keys are bound to one."""
    base_url: str | None = None
    """The whole prefix, as an OpenAI SDK would be given it; takes the place of the region's host."""
    token_url: str | None = None
    """Where access tokens are fetched (ERNIE native)."""
    api_key: SecretStr | None = None
    """The key."""
    api_keys: Secrets = []
    """Several keys, used in turn."""
    access_key: SecretStr | None = None
    """Half of a credential (ERNIE native)."""
    secret_key: SecretStr | None = None
    """The other half."""
    secret_id: SecretStr | None = None
    """Half of a credential (Hunyuan native)."""
    auth: Literal["oauth", "iam"] = "oauth"
    """How the native ERNIE protocol signs."""
    headers: dict[str, str] = {}
    """Headers added to every call to this vendor."""
    proxy: str = "env"
    """The outbound proxy: env (HTTP_PROXY and its kin), none, or a URL."""
    timeouts: Timeouts = Timeouts()
    """How long to wait."""
    limits: Limits = Limits()
    """What the account allows."""

    @field_validator("base_url", "token_url")
    @classmethod
    def _url(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("expected a URL that starts with http:// or https://")
        return value.rstrip("/") if value else value

    @field_validator("proxy")
    @classmethod
    def _proxy(cls, value: str) -> str:
        if value not in ("env", "none") and "://" not in value:
            raise ValueError("expected env, none, or a proxy URL such as http://10.0.0.1:3128")
        return value

    @model_validator(mode="after")
    def _pending(self) -> "VendorEntry":
        for key, default in (
            ("protocol", "openai"), ("edition", None), ("token_url", None), ("auth", "oauth"),
            ("access_key", None), ("secret_key", None), ("secret_id", None), ("proxy", "env"),
        ):  # fmt: skip
            not_yet(self, key, default)
        if self.api_key is not None and self.api_keys:
            raise ValueError("give api_key or api_keys, not both")
        return self

    def keys(self) -> list[SecretStr]:
        """The keys that are there: empty ones are none."""
        given = [self.api_key] if self.api_key is not None else self.api_keys
        return [key for key in given if key.get_secret_value()]


class Policy(Section):
    """What is done when a vendor can't do what is asked, or fails."""

    unsupported: Literal["adapt", "strict"] = "adapt"
    """adapt changes what it can and says so; strict refuses what adapt would drop or clamp."""
    emulate: dict[str, Switch] = {}
    """Emulations to switch on or off by name."""
    attempts: Annotated[int, Field(ge=1, le=10)] = 3
    """Calls to vendors for one request, at most."""
    attempts_per_target: Annotated[int, Field(ge=1, le=10)] = 2
    """Calls to one target for one request, at most."""
    max_wait_s: Annotated[float, Field(ge=0, le=600)] = 20
    """The longest retry-after that is waited for, in seconds."""
    reroute: list[Literal["context", "inspection"]] = []
    """Errors of the caller's that still go on to the next target."""
    retry_on: list[RetryCause] = list(RETRY_ON)
    """Faults of the vendor's that are tried again."""
    thinking: Literal["auto", "vendor", "off"] = "auto"
    """auto: off under names that do not reason and under small limits; vendor: as the model does by itself."""
    hedge_s: Annotated[float, Field(gt=0)] | Literal["off"] = "off"
    """Ask a second target too after this many seconds."""
    fetch_images: Switch = False
    """Fetch public image URLs for vendors that take data only."""
    moderations: str = "refuse"
    """What answers /v1/moderations: refuse, pass, or a target."""
    report_model: Literal["requested", "vendor"] = "requested"
    """Which model name answers carry."""
    open_models: bool | None = None
    """Whether vendor/model and vendors' own ids may be asked for. Default: only without client keys."""

    @model_validator(mode="after")
    def _pending(self) -> "Policy":
        for key, default in (("emulate", {}), ("hedge_s", "off"), ("fetch_images", False), ("moderations", "refuse")):
            not_yet(self, key, default)
        return self


class Breaker(Section):
    """When a failing target is rested."""

    failures: Annotated[int, Field(ge=1)] = 5
    """Failures in a row that rest a target."""
    rest_s: Seconds = 30
    """The first rest, in seconds."""
    cap_s: Seconds = 300
    """The longest rest, in seconds."""

    @model_validator(mode="after")
    def _pending(self) -> "Breaker":
        for key, default in (("failures", 5), ("rest_s", 30), ("cap_s", 300)):
            not_yet(self, key, default)
        return self


class TargetEntry(Section):
    """One place a name may go to."""

    target: str
    """vendor/model"""
    weight: Annotated[float, Field(gt=0)] = 1
    """Its share, under the weighted strategy."""
    set: dict[str, Any] = {}
    """Fields laid over every request, before the verdicts; the operator's value wins."""

    @field_validator("target")
    @classmethod
    def _shape(cls, value: str) -> str:
        vendor, slash, model = value.partition("/")
        if not (vendor and slash and model):
            raise ValueError("expected vendor/model, for example kimi/kimi-k2.6")
        return value

    @model_validator(mode="after")
    def _pending(self) -> "TargetEntry":
        not_yet(self, "weight", 1)
        return self


def _target(value: Any) -> Any:
    return {"target": value} if isinstance(value, str) else value


class ModelEntry(Section):
    """Who answers under a name: a target, a list of them (first is tried first), or the long form."""

    targets: Annotated[list[Annotated[TargetEntry, BeforeValidator(_target)]], Field(min_length=1)]
    """The targets, best first."""
    strategy: Strategy = "failover"
    """How the first target is chosen."""
    policy: dict[str, Any] = {}
    """Keys of policy that differ for this name."""

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, value: Any) -> Any:
        if isinstance(value, str) or (isinstance(value, dict) and "target" in value):
            return {"targets": [value]}
        if isinstance(value, list):
            return {"targets": value}
        return value

    @model_validator(mode="after")
    def _pending(self) -> "ModelEntry":
        not_yet(self, "strategy", "failover")
        return self


class Settings(Section):
    """The whole configuration."""

    version: Literal[1] = 1
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
    """When a failing target is rested."""

    @property
    def open_models(self) -> bool:
        """Whether callers may name vendors' models themselves."""
        wish = self.policy.open_models
        return not self.client_keys() if wish is None else wish

    def client_keys(self) -> list[str]:
        """The callers' keys that are there: empty ones are none."""
        return [key.get_secret_value() for key in self.server.client_keys if key.get_secret_value()]
