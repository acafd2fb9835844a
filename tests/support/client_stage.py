"""Runs emulators and proxies on a separate event loop, so that tests can use blocking clients like applications."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import openai
import orjson
import pytest

import emulators
from adapters import registry
from adapters.core.adaptations import adaptations_header
from adapters.core.failures import Refused
from adapters.core.vendor import Plan, Vendor
from adapters.planning import plan
from config.catalog import models as catalog
from config.routing import has_stand_in
from config.schema import NATIVE
from emulators import Emulator, ReceivedRequest
from proxy.commands.explain import read
from proxy.lifecycle.emulation import key_and_base_url
from proxy.limiter.limiter import Limiters
from proxy.routing.circuit_breaker import CircuitBreaker
from proxy.routing.resolve import resolve
from proxy.routing.retry_budget import RetryBudget
from tests.support.harness import Running, proxy
from tests.support.tap import Seen, Tap

if TYPE_CHECKING:  # older clients lack these classes
    from openai import AsyncOpenAI, AzureOpenAI, OpenAI

T = TypeVar("T")
LONGEST_S = 20.0
SMALL = "text-embedding-3-small"


def entry_name(vendor: Vendor) -> str:
    """Return the name of the entry of a vendor, or of one of its variants."""
    return vendor.name if vendor.variant is None else f"{vendor.name}-{vendor.variant}"


VARIANTS: dict[str, Vendor] = {
    entry_name(variant): variant
    for vendor in registry.VENDORS
    if vendor.name in emulators.NAMES
    for variant in vendor.in_each_variant
}
"""Each variant of each vendor that has an emulator, by the name of its entry."""
VENDORS = tuple(VARIANTS)
EMBEDS = tuple(name for name, variant in VARIANTS.items() if has_stand_in(variant, SMALL, "embeddings"))
"""The vendors with a stand-in for ``text-embedding-3-small``."""
GENERATION = int(openai.__version__.partition(".")[0])
"""The SDK's own generation: 1 for that of July 2024."""
KEY = "sk-of-the-application-0001"


class Loop:
    """An event loop in a thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="stage", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run the coroutine on that loop and return its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(LONGEST_S)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(LONGEST_S)
        self._loop.close()


@dataclass
class Front:
    """A running proxy, its clients, and everything that it has sent."""

    running: Running
    seen: list[Seen]
    clients: "list[OpenAI]" = field(default_factory=list)

    @property
    def base_url(self) -> str:
        return f"{self.running.url}/v1"

    def sdk(self, key: str = KEY, *, max_retries: int = 0) -> "OpenAI":
        """Return the official client, by default without retries."""
        if not self.clients:
            # No connection uses TLS, and reading the machine's certificates for every client is slow.
            plain = openai.DefaultHttpxClient(verify=False)
            self.clients.append(openai.OpenAI(base_url=self.base_url, api_key=KEY, max_retries=0, http_client=plain))
        return self.clients[0].with_options(api_key=key, max_retries=max_retries)

    def plan(self, **fields: Any) -> Plan:
        """The plan of a request at its first target, with the arguments of the client. Raises Refused."""
        extra = fields.pop("extra_body", {})
        request = read(orjson.dumps({**fields, **extra}))
        return plan(request, resolve(request, self.running.state.snapshot.routing).targets[0])

    def forget(self) -> None:
        """Reset the state: no key or target is cooling down or rate limited, no retry is spent, nothing was sent."""
        self.seen.clear()
        self.running.lines.clear()
        state = self.running.state
        state.sleep = _briefly
        state.retries = RetryBudget()
        state.breaker = CircuitBreaker()
        for account in state.snapshot.accounts.values():
            for key in account.keys:
                key.cools_until = 0.0
                key.limiter = None
        state.limiters = Limiters()
        state.limiters.attach(state.snapshot.accounts.items())

    def async_sdk(self) -> "AsyncOpenAI":
        """The official client for asyncio; the caller closes it."""
        return openai.AsyncOpenAI(base_url=self.base_url, api_key=KEY, max_retries=0)

    def azure(self, deployment: str | None = None, **more: Any) -> "AzureOpenAI":
        """The official client for Azure, pointed at the proxy as at a resource of Azure's; the caller closes it."""
        plain = openai.DefaultHttpxClient(verify=False)
        return openai.AzureOpenAI(
            **{"azure_endpoint": self.running.url, "api_key": KEY, "api_version": "2024-06-01", **more},
            azure_deployment=deployment, max_retries=0, http_client=plain,
        )  # fmt: skip


async def _briefly(seconds: float) -> None:
    """Wait a hundredth of the delay before a retry: it is random, and not tested here."""
    await asyncio.sleep(seconds / 100)


class Stage:
    """The emulators, which run as long as the tests, and the proxies in front of them."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self.loop = Loop()
        running = {
            name: self.loop.run(emulators.start(name, environ=environ or {}))
            for name in dict.fromkeys(variant.name for variant in VARIANTS.values())
        }
        self.emulators: dict[str, Emulator] = {name: running[variant.name] for name, variant in VARIANTS.items()}

    def close(self) -> None:
        for emulator in set(self.emulators.values()):
            self.close_emulator(emulator)
        self.loop.close()

    def close_emulator(self, emulator: Emulator) -> None:
        """Stop an emulator that runs on the loop of the stage."""
        self.loop.run(emulator.aclose())

    def reset(self) -> None:
        """Reset the faults and the requests of the previous test after its last request has ended."""
        until(lambda: not any(emulator.active for emulator in self.emulators.values()))
        for emulator in self.emulators.values():
            emulator.set_faults([])
            emulator.requests.clear()

    def settings(
        self, *vendors: str, timeouts: Mapping[str, float] | None = None, wait_s: float = 1.5, **more: Any
    ) -> dict[str, Any]:
        """A configuration with these vendors, the first of which is called first and has these ``timeouts``.

        It has no ``models``: the stand-ins of the catalogs serve OpenAI's names. ``wait_s``: how long a call waits for a
        slot after a refusal by rate, in seconds.
        """
        entries = {name: self._entry(name, timeouts or {} if name == vendors[0] else {}, wait_s) for name in vendors}
        return {"vendors": entries, **more}

    def _entry(self, name: str, timeouts: Mapping[str, float], wait_s: float) -> dict[str, Any]:
        key, base_url = self.key_and_base_url(name)
        own = {"timeouts": dict(timeouts), "limits": {"wait_s": wait_s}}
        return {"api_key": key, "base_url": base_url, **own, **kind_and_variant(VARIANTS[name])}

    def key_and_base_url(self, name: str) -> tuple[str, str]:
        """Return the key and the base URL of a vendor's emulator, in the vendor's variant."""
        return key_and_base_url(VARIANTS[name].key_names, self.emulators[name].environment)

    @contextmanager
    def front(self, settings: Mapping[str, Any]) -> Iterator[Front]:
        """A proxy with these settings."""
        seen: list[Seen] = []
        context = proxy(settings, around=lambda app: Tap(app, begun=seen.append))
        front = Front(self.loop.run(context.__aenter__()), seen)
        try:
            yield front
        finally:
            for client in front.clients:
                client.close()
            self.loop.run(context.__aexit__(None, None, None))


@dataclass
class Site:
    """The fixture of a test: one vendor, a proxy in front of it, and a client."""

    vendor: str
    emulator: Emulator
    front: Front
    sdk: "OpenAI"

    @property
    def calls(self) -> list[ReceivedRequest]:
        """The chat and embedding calls that reached the vendor in this test."""
        return self.emulator.requests

    def plan(self, content: Any = "Hello", **more: Any) -> Plan:
        """The plan of :meth:`chat` with the same arguments. Raises Refused."""
        return self.front.plan(**chat_body(content, **more))

    def refuses(self, content: Any = "Hello", **more: Any) -> bool:
        """Return whether the plan of :meth:`chat` is a refusal. If so, the client gets it, and the vendor no call."""
        try:
            self.plan(content, **more)
        except Refused as found:
            refused = found
        else:
            return False
        with pytest.raises(openai.BadRequestError) as caught:
            self.chat(content, **more)
        error = caught.value
        assert (error.param, error.code, error.type) == (refused.param, refused.code, "invalid_request_error")
        assert str(refused.message) in error.message
        assert not self.calls
        return True

    def counted(self) -> tuple[int, int, int]:
        """The tokens that the vendor counted for the last call: prompt, completion and both. It counts at its end."""
        until(lambda: self.calls[-1].usage is not None)
        usage = self.calls[-1].usage or {}
        return usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]

    def chat(self, content: Any = "Hello", **more: Any) -> Any:
        """One chat completion: a user's message, or a list of messages."""
        return self.sdk.chat.completions.create(**chat_body(content, **more))

    def stream(self, content: Any = "Hello", **more: Any) -> list[Any]:
        """All chunks of a streamed chat completion."""
        return list(self.chat(content, stream=True, **more))

    def raw(self, content: Any = "Hello", **more: Any) -> Any:
        """The same with the response's headers. The vendor got the plan's body, the client the plan's adaptations."""
        response = self.sdk.chat.completions.with_raw_response.create(**chat_body(content, **more))
        made = self.plan(content, **more)
        assert self.calls[-1].body == made.request.fields
        assert response.headers.get("x-banjia-adapted") == adaptations_header(made.adaptations)
        return response


def chat_body(content: Any = "Hello", **more: Any) -> dict[str, Any]:
    """A request under OpenAI's name, as an application writes it."""
    messages = content if type(content) is list and content and "role" in content[0] else [user(content)]
    return {"model": "gpt-4o", "messages": messages, **more}


def kind_and_variant(vendor: Vendor) -> dict[str, str]:
    """Return the members of an entry that choose a vendor's variant; none for the usual one."""
    if vendor.variant is None:
        return {}
    return {"kind": vendor.name, "protocol" if vendor.variant == NATIVE else "edition": vendor.variant}


def target_of(vendor: str, name: str = "gpt-4o") -> str:
    """Return the target that stands in for a name of OpenAI's chat models, as ``entry/model``."""
    found = catalog.load(VARIANTS[vendor].catalog).stand_in(name, "chat")
    assert found is not None, name
    return f"{vendor}/{found.model}"


def width_of(embeddings: Plan) -> int:
    """Return the length of the vectors of a plan: what they are cut to, what it asks for, or the model's own."""
    return int(
        embeddings.emulations.get("dimensions")
        or embeddings.request.fields.get("dimensions")
        or embeddings.target.model.facts["dimensions"][0]
    )


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def text_of(chunks: list[Any]) -> str:
    """The text that a stream's chunks add up to."""
    return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)


def adapted(response: Any) -> dict[str, str]:
    """Return the adaptations in a raw response: field to verdict."""
    adaptations = response.headers.get("x-banjia-adapted") or ""
    return dict(part.split("=", 1) for part in adaptations.split(";") if part)


def until(true: Callable[[], bool]) -> None:
    """Wait until the condition holds. Fails after 30 seconds."""
    for _ in range(6000):
        if true():
            return
        time.sleep(0.005)
    raise AssertionError("it did not come to be")
