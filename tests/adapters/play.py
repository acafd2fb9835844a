"""Drives an Exchange by hand and records its actions, so that a test reads like a script.

    Play(chat_plan()).head().data(b"data: ...").over().end

Every step checks the contract of docs/architecture.md: nothing after the end, fresh ids, one usage per call. The emitted
events are judged at the end (tests/support/invariants.py), unless the test is marked ``unjudged`` or judges them itself.
"""

from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from types import MappingProxyType
from typing import Any

import orjson

from adapters.core.event import WHOLE, Event
from adapters.core.exchange import Close, Do, Done, Emit, Fail, Keep, Say, Send, Sleep, Spent
from adapters.core.failures import Failure
from adapters.core.message import Message
from adapters.core.model import Model
from adapters.core.request import ApiRequest, AttemptIds
from adapters.core.usage import Usage
from adapters.core.vendor import Plan, Target
from adapters.core.wire import Data, End, Got, Head, Id, Lost, Phase
from adapters.emulations import wrapped
from adapters.planning import plan
from adapters.registry import BY_CATALOG
from config.catalog import models as catalog
from tests.support.invariants import violations_of_body, violations_of_stream
from tests.support.judging import wanted_of
from tests.support.judging_switch import judging

MODELS = {
    "kimi-k2.6": Model("kimi-k2.6", "k", context=262_144, thinking="default_on"),
    "moonshot-v1-8k": Model("moonshot-v1-8k", "v1", context=8_192),
    "qwen-plus": Model("qwen-plus", "qwen", context=131_072, thinking="default_off", facts={"many_choices": True}),
    "ernie-4.5-turbo-128k": Model("ernie-4.5-turbo-128k", "ernie4.5", context=131_072),
    "ernie-x1.1": Model("ernie-x1.1", "x1", context=65_536, thinking="always"),
    "bge-large-zh": Model("bge-large-zh", "embedding", "embeddings", facts={"dimensions": [1024], "max_inputs": 16}),
    "hy3": Model("hy3", "hy", context=256_000, thinking="default_off", facts={"effort": True}),
    "hunyuan-turbos-latest": Model("hunyuan-turbos-latest", "hunyuan", context=32_000),
    "qwen2:7b": Model("qwen2:7b"),
    "bge-m3": Model("bge-m3", operation="embeddings"),
    "prefixes": Model(
        "prefixes", operation="embeddings", facts={"dimensions": [4], "prefix_dimensions": True, "max_inputs": 2}
    ),
    "text-embedding-v4": Model("text-embedding-v4", operation="embeddings", facts={"dimensions": [1024, 512]}),
    "kinfra-text-embedding-0.6b": Model(
        "kinfra-text-embedding-0.6b", operation="embeddings", facts={"dimensions": [1024]}
    ),
    "hunyuan-embedding": Model("hunyuan-embedding", operation="embeddings", facts={"dimensions": [1024]}),
}
CHOSEN = {"qwen": "qwen-plus", "ernie": "ernie-4.5-turbo-128k", "openai_compatible": "qwen2:7b"}
"""Models with facts above, for vendors whose stand-in for gpt-4o is another, or that have none."""
USUAL = {
    name: CHOSEN.get(name) or (found.model if (found := catalog.load(name).stand_ins.get("gpt-4o")) else "qwen2:7b")
    for name in BY_CATALOG
}
"""The model of a test that names none, by the name of the vendor's catalog: that of CHOSEN, else the stand-in for gpt-4o."""
SEED = ("a" * 24, 1_700_000_000)
HELLO = [{"role": "user", "content": "Hello"}]


def target(vendor: str, model: str, *, shipped: bool = False) -> Target:
    """Return a model at a vendor's mainland host or first one, or at an OpenAI-compatible server; ``vendor`` names its catalog.

    Its facts are those above, else those of the catalog, or none for an unknown model; ``shipped``: the catalog's first.
    """
    found = BY_CATALOG[vendor]
    facts = MODELS.get(model)
    if shipped or facts is None:
        facts = catalog.load(vendor).model(model) or Model(model)
    region = "cn" if "cn" in found.base_urls else next(iter(found.base_urls), None)
    base_url = "http://office:8000/v1" if region is None else found.base_url(region, facts.operation)
    return Target(found.name, found, facts, base_url)


def chat_plan(
    vendor: str = "kimi",
    model: str | None = None,
    *,
    stream: bool = True,
    asked: str = "gpt-4o",
    shipped: bool = False,
    settings: Mapping[str, Any] = MappingProxyType({}),
    kept: Mapping[str, str] | None = None,
    **fields: Any,
) -> Plan:
    """A chat request for a name of OpenAI's, planned. ``shipped`` as for :func:`target`; ``settings``: of the target.

    ``kept``: the reasoning that banjia has kept, by the ids of tool calls.
    """
    model = model or USUAL[vendor]
    body = {"messages": HELLO, **({"stream": True} if stream else {}), **fields}
    request = ApiRequest("chat", asked, body, stream, reasoning=kept)
    return plan(request, replace(target(vendor, model, shipped=shipped), **settings))


def completions_plan(vendor: str, model: str, *, stream: bool = True, **fields: Any) -> Plan:
    """A legacy completion of ``gpt-3.5-turbo-instruct``, planned for a vendor with native completions."""
    body = {**({"stream": True} if stream else {}), **fields}
    return plan(ApiRequest("completions", "gpt-3.5-turbo-instruct", body, stream), target(vendor, model))


def embeddings_plan(inputs: Any, vendor: str = "qwen", model: str = "text-embedding-v4", **fields: Any) -> Plan:
    """An embeddings request for ``text-embedding-3-small``, planned."""
    ask = ApiRequest("embeddings", "text-embedding-3-small", {"input": inputs, **fields})
    return plan(ask, target(vendor, model))


class Play:
    """One attempt. What happened is in ``events``, ``sends``, ``closed``, ``said``, ``kept``, ``spent``, ``end`` and ``dos``."""

    def __init__(self, planned: Plan, *, judged: bool = True) -> None:
        self.plan = planned
        self.judged = judged
        self.dos: list[Do] = []
        self.events: list[Event] = []
        self.sends: list[Send] = []
        self.closed: list[Id] = []
        self.said: dict[str, str] = {}
        self.kept: list[Keep] = []
        self.spent: dict[Id, Usage] = {}
        self.end: Done | Fail | None = None
        self.open: set[Id] = set()
        self.exchange = wrapped(planned)(planned.request, AttemptIds(count(1), *SEED))
        self._take(self.exchange.start())

    def head(self, status: int = 200, kind: str = "text/event-stream", *, id_: Id = 1, **headers: str) -> "Play":
        """The vendor's head; ``retry_after="1"`` is the header ``retry-after: 1``."""
        given = [(b"content-type", kind.encode())] if kind else []
        given += [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        return self.got(Head(id_, status, given))

    def data(self, data: bytes, *, id_: Id = 1) -> "Play":
        """Bytes of a body."""
        return self.got(Data(id_, data))

    def json(self, value: Any, *, status: int = 200, id_: Id = 1) -> "Play":
        """A whole answer: head, body and end."""
        return self.head(status, "application/json", id_=id_).data(orjson.dumps(value), id_=id_).over(id_=id_)

    def sse(self, *payloads: Any) -> "Play":
        """Events; a dict is sent as JSON."""
        for payload in payloads:
            raw = payload.encode() if type(payload) is str else orjson.dumps(payload)
            self.data(b"data: " + raw + b"\n\n")
        return self

    def over(self, *, id_: Id = 1) -> "Play":
        """The body is complete."""
        return self.got(End(id_))

    def lost(self, phase: Phase = "reset", *, id_: Id = 1) -> "Play":
        """The call is lost."""
        return self.got(Lost(id_, phase, Message("the test lost it")))

    def got(self, got: Got) -> "Play":
        """Feed one input, also to an ended exchange, which must do nothing."""
        if isinstance(got, (End, Lost)):
            self.open.discard(got.id)
        self._take(self.exchange.feed(got))
        return self

    @property
    def failure(self) -> Failure:
        """Return the failure."""
        assert isinstance(self.end, Fail), self.end
        return self.end.failure

    @property
    def done(self) -> bool:
        """Return whether the answer was complete."""
        return isinstance(self.end, Done)

    @property
    def raws(self) -> list[bytes]:
        """The events' bytes."""
        return [event.raw for event in self.events]

    @property
    def violations(self) -> list[str]:
        """Return the violations of the emitted events."""
        wanted = wanted_of(self.plan, complete=self.done)
        if wanted is None:
            return []
        if self.events and self.events[0].kind is WHOLE:
            return [what for event in self.events for what in violations_of_body(event.data, wanted=wanted)]
        return violations_of_stream([orjson.loads(event.raw) for event in self.events], wanted=wanted)

    def _take(self, dos: list[Do]) -> None:
        assert self.end is None or dos == [], f"{dos} after the end"
        for at, do in enumerate(dos):
            self._note(do)
            assert self.end is None or at == len(dos) - 1, f"{dos[at:]} is not the end"
        assert self.end is not None or self.open, "waits with nothing open"
        self.dos += dos

    def _note(self, do: Do) -> None:
        match do:
            case Send(id_):
                assert id_ not in {send.id for send in self.sends}
                self.sends.append(do)
                self.open.add(id_)
            case Emit(events):
                assert events, "an empty Emit"
                for event in events:
                    event.raw.decode("utf-8")
                self.events += events
            case Spent(id_, usage):
                assert id_ not in self.spent, "a cost told twice"
                self.spent[id_] = usage
            case Say(name, value):
                self.said[name] = value
            case Keep():
                self.kept.append(do)
            case Sleep(id_):
                self.open.add(id_)
            case Close(id_):
                self.closed.append(id_)
                self.open.discard(id_)
            case Done() | Fail():
                self.end = do
                assert not (self.judged and judging.on) or not self.violations, self.violations


def answer(vendor: str, body: bytes, **fields: Any) -> Play:
    """One stream, fed whole and ended."""
    return Play(chat_plan(vendor, **fields)).head().data(body).over()
