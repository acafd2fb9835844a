"""Application state: the configuration snapshot, vendor accounts, limiters, metrics and logs of one running server."""

import asyncio
import datetime
import logging
import random
import threading
import time
import traceback
import weakref
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from adapters.core.message import Message
from config.diff import ReloadResult, changed_keys, keep_fixed_settings
from config.errors import Diagnostic
from config.errors import Location as Source
from config.loader.load import ENVIRONMENT, ConfigError, LoadedConfig
from config.routing import Routing, base_url_of, vendor_of
from config.schema import Settings, VendorEntry
from proxy._types import Caller, RequestOutcome
from proxy.credentials.pool import KEY_COOL_DOWN_S, ClientKeys, VendorAccount, VendorKey
from proxy.daemon_thread import in_daemon_thread
from proxy.fd_limits import shares
from proxy.limiter.limiter import Limiters
from proxy.observability.access_log import AccessLog
from proxy.observability.memory_budget import MemoryBudget, max_body, store_limit
from proxy.observability.memory_guard import MemoryGuard
from proxy.observability.metrics.registry import Labels, Metrics
from proxy.observability.metrics.requests import RequestMetrics
from proxy.observability.metrics.responses import ResponsesMetrics
from proxy.observability.metrics.store import register_store
from proxy.routing.circuit_breaker import CircuitBreaker
from proxy.routing.latency import LatencyTracker
from proxy.routing.refused_fields import RefusedFields
from proxy.routing.retry_budget import RetryBudget
from proxy.server.origin_guard import admin_guard, api_guard
from proxy.storage.interface import StoreUnavailable
from proxy.storage.open_store import open_store
from proxy.upstream.client import Upstream
from proxy.version import version

if TYPE_CHECKING:  # not loaded by a server that fetches no images
    from proxy.upstream.image_fetch.fetcher import ImageFetcher

errors = logging.getLogger("banjia")
BEIJING = datetime.timezone(datetime.timedelta(hours=8))
random_bits = random.Random().getrandbits  # noqa: S311 - seeded by the system; ids are no secrets
"""Returns this many random bits as a number, for ids. Needs no system call."""


STORE_REPORTS_S = 60.0
"""How long after a report of an unavailable store the next one with the same cause follows (seconds)."""
BACKGROUND_S = 5.0
"""How long the shutdown waits for work that no request waits for (seconds)."""
READ_TIMEOUT_S = 10.0
"""How long a reload waits for the configuration files to be read (seconds)."""
MAX_READERS = 4
"""The most threads that read the configuration at a time. There is more than one only if a disk does not respond."""

SHARE = 0.8
"""The share of all request slots that one of several vendors may use: a vendor that hangs leaves room for others."""


class ConfigSnapshot:
    """One loaded configuration, prepared for requests and never changed. A request keeps the snapshot it began with.

    ``before``: the snapshot that this one replaces; accounts whose configuration is unchanged are taken from it.
    ``memory_limit`` is in bytes.
    """

    def __init__(
        self,
        settings: Settings,
        upstream: Upstream,
        *,
        emulated: bool = False,
        before: "ConfigSnapshot | None" = None,
        memory_limit: int | None = None,
    ) -> None:
        self.settings = settings
        self.routing = Routing(settings, emulated=emulated)
        self.client_keys = ClientKeys(settings.client_keys())
        self.origin_guard = api_guard(settings)
        self.admin_guard = admin_guard(settings)
        self.admin_tokens = ClientKeys([settings.admin_token()])
        old: dict[str, VendorAccount] = before.accounts if before is not None else {}
        self.accounts: dict[str, VendorAccount] = {
            name: vendor_account(name, entry, upstream, old.get(name)) for name, entry in settings.vendors.items()
        }
        self.max_requests = min(settings.server.max_concurrency, shares().upstream_calls)
        self.max_requests_per_vendor = (
            self.max_requests if len(settings.vendors) < 2 else max(1, int(self.max_requests * SHARE))
        )
        self.max_body = max_body(settings, memory_limit)
        self.secrets = secrets_of(settings)


def vendor_account(name: str, entry: VendorEntry, upstream: Upstream, before: VendorAccount | None) -> VendorAccount:
    """Return the account of a vendor entry: ``before`` if the entry is unchanged, else a new one.

    The new account keeps the cooldowns of keys that are still configured, unless the base URL changed: another address
    may accept a key that the old one refused.
    """
    if before is not None and before.entry == entry:
        return before
    known: list[VendorKey] = []
    if before is not None and base_url_of(name, before.entry) == base_url_of(name, entry):
        known = before.keys
    return VendorAccount(entry, vendor_of(name, entry), upstream.via(entry.outbound()), known)


class AppState:
    """State that all requests of one running server share."""

    def __init__(
        self,
        settings: Settings,
        upstream: Upstream,
        access_log: Callable[[RequestOutcome], None] | None = None,
        *,
        emulated: bool = False,
        memory: MemoryGuard | None = None,
    ) -> None:
        """``emulated``: the vendors are emulators started by banjia, and responses are labelled accordingly.

        Opens the store. Raises StoreError.
        """
        self.memory = memory or MemoryGuard()
        self.emulated = emulated
        self.upstream = upstream
        self.limiters = Limiters()
        self.budget = MemoryBudget(self.memory.limit)
        self.snapshot = ConfigSnapshot(settings, upstream, emulated=emulated, memory_limit=self.memory.limit)
        """The configuration in use; :meth:`use` replaces it. Not a property: each request reads it several times."""
        self.limiters.attach(self.snapshot.accounts.items())
        self._snapshots = weakref.WeakSet([self.snapshot])
        self.load_config: Callable[[], LoadedConfig] | None = None
        """Loads the configuration again; runs in a thread. Raises ConfigError. None if there is no file."""
        self.notify: Callable[[Message], None] = errors.info
        self._store_reports: dict[str, float] = {}  # cause -> when it may be reported again (monotonic)
        """Writes a message for the operator. It must neither block nor raise."""
        self.drain_log: Callable[[], None] = lambda: None
        """Waits until the queued log lines are written, at most half a second."""
        self.before_exit: Callable[[], None] = lambda: None
        """Called before the process exits at a second signal, which skips the end of every block."""
        self._reloading = asyncio.Lock()
        self._readers = threading.BoundedSemaphore(MAX_READERS)
        self.read_timeout_s = READ_TIMEOUT_S
        self.retries = RetryBudget()
        self.breaker = CircuitBreaker()
        self.latencies = LatencyTracker()
        self.refused_fields = RefusedFields()
        self.store, self.secret = open_store(settings.store, store_limit(settings, self.memory.limit))
        self.earlier_reasoning = {"found": 0, "missing": 0}
        """Earlier answers with tool calls whose reasoning the client omitted, by whether the store had it."""
        self.beijing_time: Callable[[], datetime.datetime] = _beijing_time
        self.started = time.time()
        self.source = ENVIRONMENT  # or the path of the file that the configuration came from
        self._loaded, self._loaded_at = True, self.started
        self.metrics = Metrics()
        self.request_metrics = RequestMetrics(self.metrics, self._known)
        self.responses_metrics = ResponsesMetrics(self.metrics)
        self.active = 0
        self.draining = False
        self.key_cool_down_s = KEY_COOL_DOWN_S
        self.sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
        self.background_counts: Callable[[], Mapping[Labels, float]] = dict
        """Returns the unfinished background responses of this process by status, for the metrics."""
        self._background: set[asyncio.Task[None]] = set()
        self.image_fetcher: ImageFetcher | None = None
        """Set when the first image is fetched (``policy.fetch_images``)."""
        self.log = AccessLog()
        """The access log on standard output; tests replace it with ``access_log``."""
        self.log.configured = settings.log.format
        self.access_log = access_log or self.log.write
        self._register()

    def use(self, snapshot: ConfigSnapshot) -> None:
        """Switch to another configuration. Keys that stay configured keep their queues."""
        self.limiters.attach(snapshot.accounts.items())
        self.refused_fields.clear()  # an entry may point to another server now
        self.snapshot = snapshot
        self.log.configured = snapshot.settings.log.format

    def redact(self, text: str) -> str:
        """Return the text with every configured secret replaced: a vendor may echo a key in its message."""
        snapshots = list(self._snapshots)  # requests that began before a reload still use its secrets
        for secret in (
            snapshots[0].secrets if len(snapshots) == 1 else longest_first(s for one in snapshots for s in one.secrets)
        ):
            text = text.replace(secret.get_secret_value(), "[redacted]")
        return text

    def redact_message(self, message: Message) -> Message:
        """Return the message with every configured secret replaced in its fields."""
        return message.with_texts(self.redact)

    async def reload(self) -> ReloadResult:
        """Load the configuration again and use it for new requests; an invalid one changes nothing.

        Requests in progress keep the configuration they began with. The result is also reported to the operator.
        """
        async with self._reloading:
            reloaded = await self._reload()
        self.notify(reloaded.line())
        return reloaded

    async def _reload(self) -> ReloadResult:
        if self.load_config is None:
            return ReloadResult("no file")
        before = self.snapshot
        try:
            loaded = await self._read(self.load_config)
            settings, restart = keep_fixed_settings(before.settings, loaded.settings, loaded.source)
            snapshot = ConfigSnapshot(
                settings, self.upstream, emulated=self.emulated, before=before, memory_limit=self.memory.limit
            )
        except ConfigError as error:
            return self._refused(diagnostic.with_help for diagnostic in error.diagnostics)
        except Exception as bug:  # noqa: BLE001 - a bug in reading a file is no reason to stop serving or watching
            self.report(bug, "(reload)")
            return self._refused([Message("internal error; see the log")])
        self.use(snapshot)
        self._snapshots.add(snapshot)
        self.loaded(ok=True)
        return ReloadResult("applied", loaded.source, changed_keys(before.settings, settings), restart)

    async def _read(self, load: Callable[[], LoadedConfig]) -> LoadedConfig:
        """Read the configuration in a thread. Raises ConfigError, also if the thread does not end in time."""
        if not self._readers.acquire(blocking=False):
            raise self._unreadable(
                Message("{number} earlier reads of the configuration have not ended", number=MAX_READERS)
            )

        def read() -> LoadedConfig:
            try:
                return load()
            finally:
                self._readers.release()

        reading = in_daemon_thread(read, "config-reader")
        try:
            return await asyncio.wait_for(reading, self.read_timeout_s)
        except TimeoutError:
            raise self._unreadable(
                Message("the files could not be read within {number} seconds", number=f"{self.read_timeout_s:g}")
            ) from None

    def _unreadable(self, problem: Message) -> ConfigError:
        return ConfigError(
            [Diagnostic(Source(self.source), "", problem, Message("a disk that responds"), code="config-unreadable")]
        )

    def _refused(self, diagnostics: Iterable[Message]) -> ReloadResult:
        self.loaded(ok=False)
        return ReloadResult("refused", diagnostics=list(diagnostics))

    def record_outcome(self, outcome: RequestOutcome) -> None:
        """Count a request's outcome and write its access log line. Called exactly once for each request."""
        self.request_metrics.add(outcome)
        self.access_log(outcome)

    def report(self, bug: Exception, request_id: str) -> None:
        """Log an internal error with its traceback, without secrets."""
        trace = "".join(traceback.format_exception(bug))
        errors.error("request %s: %s", request_id, self.redact(trace))

    def report_store(self, error: StoreUnavailable) -> None:
        """Tell the operator that the store is unavailable: once a minute for each cause, however many requests meet it."""
        now = time.monotonic()
        if now >= self._store_reports.get(error.trouble, now):
            self._store_reports[error.trouble] = now + STORE_REPORTS_S
            self.notify(Message("the store is unavailable ({trouble})", trouble=error.trouble))

    def tenant(self, caller: Caller) -> str:
        """Return the name under which the store has a client's objects."""
        return caller.tenant or self.secret.tenant(caller.key_hash)

    def background(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine that no request waits for. At shutdown it is awaited."""
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def loaded(self, *, ok: bool) -> None:
        """Record for the metrics whether a reload succeeded; if not, the old configuration stays in use."""
        self._loaded = ok
        if ok:
            self._loaded_at = time.time()

    def _known(self, label: str) -> bool:
        return label.removeprefix("emulator:") in self.snapshot.routing.labels

    def _register(self) -> None:
        """Register the metrics whose values come from this object."""
        gauge = self.metrics.gauge
        gauge("banjia_build_info", "The version of banjia that is running.", ("version",), lambda: {(version(),): 1})
        gauge("banjia_active_requests", "Requests in progress.", (), lambda: {(): self.active})
        gauge("banjia_draining", "1 while the server is draining.", (), lambda: {(): self.draining})
        gauge(
            "banjia_config_reload_success",
            "1 if the last configuration reload succeeded.",
            (),
            lambda: {(): self._loaded},
        )
        gauge(
            "banjia_config_reload_timestamp_seconds",
            "When the configuration in use was loaded.",
            (),
            lambda: {(): self._loaded_at},
        )
        gauge("banjia_vendor_keys", "Keys by vendor and state.", ("vendor", "state"), self._keys)
        gauge("banjia_waiting_calls", "Calls that wait for a slot on a vendor's keys.", ("vendor",), self._waiting)
        gauge(
            "banjia_memory_budget_bytes", "Memory held for request bodies and unread responses.", ("kind",),
            lambda: {("held",): self.budget.held, ("limit",): self.budget.limit},
        )  # fmt: skip
        gauge(
            "banjia_background_runs", "Background responses of this process that are not complete.", ("status",),
            self._background_runs,
        )  # fmt: skip
        gauge("banjia_cooling_down_targets", "1 for a target that is cooling down.", ("target",), self._cooling_down)
        register_store(self.metrics, self.store)
        self.metrics.counter(
            "banjia_earlier_reasoning_total",
            "Earlier answers with tool calls that a client sent without their reasoning, by whether banjia had kept it.",
            ("result",),
            lambda: {(result,): count for result, count in self.earlier_reasoning.items()},
        )

    def _background_runs(self) -> Mapping[Labels, float]:
        return self.background_counts()

    def _waiting(self) -> Mapping[Labels, float]:
        return {(name,): count for name, count in self.limiters.waiting().items()}

    def _cooling_down(self) -> Mapping[Labels, float]:
        return {(label,): 1 for label in self.breaker.cooling_down(time.monotonic()) if self._known(label)}

    def _keys(self) -> Mapping[Labels, float]:
        now = time.monotonic()
        counts: dict[Labels, float] = {}
        for name, account in self.snapshot.accounts.items():
            cooling_down = sum(key.cools_until > now for key in account.keys)
            counts[name, "cooling_down"] = cooling_down
            counts[name, "ready"] = len(account.keys) - cooling_down
        return counts

    def flush(self) -> None:
        """Write the buffered access log lines."""
        self.log.flush()

    async def aclose(self) -> None:
        """Close the upstream connections and the store, and flush the access log."""
        self.memory.close()
        if self._background:
            await asyncio.wait(self._background, timeout=BACKGROUND_S)
        await self.upstream.aclose()
        self.flush()
        await self.store.aclose()


def _beijing_time() -> datetime.datetime:
    """Return the time in Beijing, by which vendors bill."""
    return datetime.datetime.now(BEIJING)


def _passwords(outbound: str) -> set[str]:
    """Return the password in an outbound proxy's URL, as written and URL-decoded."""
    password = urlsplit(outbound).password or ""
    return {password, unquote(password)}


def secrets_of(settings: Settings) -> list[SecretStr]:
    """Return every secret of a configuration, longest first, because one may be a prefix of another."""
    texts = {*settings.client_keys(), settings.admin_token(), settings.store.configured_secret()}
    for entry in settings.vendors.values():
        texts |= {key.get_secret_value() for key in entry.keys()}  # noqa: SIM118 - no mapping: its keys are its credentials
        texts |= {entry.key_id()}
        texts |= set(entry.headers.values())
        texts |= _passwords(entry.outbound())
    return longest_first(SecretStr(text) for text in texts if len(text) >= 6)


def longest_first(secrets: Iterable[SecretStr]) -> list[SecretStr]:
    """Return the secrets sorted by length, longest first."""
    return sorted(secrets, key=len, reverse=True)
