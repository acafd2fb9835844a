"""Runs emulators and proxies on a separate event loop, so that tests can use blocking clients like applications."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import openai

import emulators
from config.routing import vendor_of
from config.schema import VendorEntry
from emulators import Emulator, ReceivedRequest
from proxy.lifecycle.emulation import key_and_base_url
from proxy.limiter.limiter import Limiters
from proxy.routing.circuit_breaker import CircuitBreaker
from proxy.routing.retry_budget import RetryBudget
from tests.support.harness import Running, proxy
from tests.support.tap import Seen, Tap

if TYPE_CHECKING:  # older clients lack these classes
    from openai import AsyncOpenAI, AzureOpenAI, OpenAI

T = TypeVar("T")
LONGEST_S = 20.0
MODEL = {
    "kimi": "kimi/kimi-k2.6",
    "qwen": "qwen/qwen3.6-plus",
    "ernie": "ernie/ernie-4.5-turbo-vl",
    "hunyuan": "hunyuan/hy3",
    "hunyuan-classic": "hunyuan-classic/hunyuan-turbos-latest",
}
"""What stands in for gpt-4o: today's models that take tools, images and JSON mode."""
EMBEDS = {
    "qwen": "qwen/text-embedding-v4",
    "ernie": "ernie/bge-large-zh",
    "hunyuan": "hunyuan/kinfra-text-embedding-0.6b",
    "hunyuan-classic": "hunyuan-classic/hunyuan-embedding",
}
"""What stands in for text-embedding-3-small, at the vendors that have such models."""
THINKS: dict[str, Any] = {
    **MODEL,
    "ernie": "ernie/ernie-x1.1",
    "hunyuan": {"target": "hunyuan/hy3", "set": {"thinking": "enabled"}},
    "hunyuan-classic": "hunyuan-classic/hunyuan-t1-latest",
}
"""What stands in for o3: models that think."""
LACKS = {
    "images": {"hunyuan", "hunyuan-classic"},
    "json_object": {"hunyuan-classic"},
    "json_schema": {"qwen", "hunyuan-classic"},
    "logprobs": {"qwen", "ernie", "hunyuan", "hunyuan-classic"},
    "two required tools": {"hunyuan-classic"},
}
"""What the model that stands in for gpt-4o can't do: a 400 that names the parameter, as docs/vendors/ has it."""
CLASSIC = {"kind": "hunyuan", "edition": "classic"}
VENDORS = tuple(MODEL)
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
        self.emulators: dict[str, Emulator] = {
            name: self.loop.run(emulators.start(name, environ=environ or {})) for name in emulators.NAMES
        }
        self.emulators["hunyuan-classic"] = self.emulators["hunyuan"]  # one port, two editions

    def close(self) -> None:
        for emulator in set(self.emulators.values()):
            self.loop.run(emulator.aclose())
        self.loop.close()

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

        ``wait_s``: how long a call waits for a slot after a refusal by rate, in seconds.
        """
        entries = {name: self._entry(name, timeouts or {} if name == vendors[0] else {}, wait_s) for name in vendors}
        names = {
            "gpt-4o": [MODEL[vendor] for vendor in vendors],
            "o3": {"targets": [THINKS[vendor] for vendor in vendors]},
        }
        small = [EMBEDS[vendor] for vendor in vendors if vendor in EMBEDS]
        return {"vendors": entries, "models": {**names, **({"text-embedding-3-small": small} if small else {})}, **more}

    def _entry(self, name: str, timeouts: Mapping[str, float], wait_s: float) -> dict[str, Any]:
        edition = CLASSIC if name == "hunyuan-classic" else {}
        adapter = vendor_of(name, VendorEntry.model_validate(edition))
        key, base_url = key_and_base_url(adapter.key_names, self.emulators[name].environment)
        own = {"timeouts": dict(timeouts), "limits": {"wait_s": wait_s}}
        return {"api_key": key, "base_url": base_url, **own, **edition}

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

    def lacks(self, what: str) -> bool:
        """Return whether the vendor's stand-in lacks this."""
        return self.vendor in LACKS[what]

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
        """The same with the response's headers."""
        return self.sdk.chat.completions.with_raw_response.create(**chat_body(content, **more))


def chat_body(content: Any = "Hello", **more: Any) -> dict[str, Any]:
    """A request under OpenAI's name, as an application writes it."""
    messages = content if type(content) is list and content and "role" in content[0] else [user(content)]
    return {"model": "gpt-4o", "messages": messages, **more}


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
