"""The streams to mutate: golden pairs that the plain reader understands, and recorded streams of the emulators."""

import copy
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from adapters.core.vendor import Plan
from adapters.registry import BY_CATALOG
from tests.adapters.golden import HERE as GOLDEN
from tests.adapters.golden import Pair, planned_of, read
from tests.adapters.play import Play
from tests.mutations.draft import Draft
from tests.support.invariants import FINISHES, added_up

STREAMS = Path(__file__).parent / "streams"
VENDORS = tuple(
    sorted(folder.name for folder in GOLDEN.iterdir() if folder.is_dir() and not BY_CATALOG[folder.name].preset)
)
"""The names of the catalogs that have golden pairs and, except for ``openai_compatible``, an emulator: presets have none."""


@dataclass(frozen=True, eq=False)
class Recorded:
    """One stream as it was recorded, and what a plain adding-up makes of it."""

    pair: Pair
    events: tuple[dict[str, Any], ...]
    meaning: dict[int, dict[str, Any]]
    usage: tuple[int, int] | None
    """Prompt and completion tokens, if it has them."""

    def draft(self) -> Draft:
        """A copy to change."""
        return Draft(
            self.pair.path.parent.name, [copy.deepcopy(one) for one in self.events], copy.deepcopy(self.meaning)
        )

    def whole(self) -> Draft:
        """The same answer as one body, to change."""
        draft = self.draft()
        draft.whole = True
        head: dict[str, Any] = {
            name: self.events[0][name] for name in ("id", "created", "model") if name in self.events[0]
        }
        choices = [
            {"index": index, "delta": _message(meant), "logprobs": None, "finish_reason": meant["finish"]}
            for index, meant in draft.meaning.items()
        ]
        prompt, completion = self.usage or (5, 2)
        usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
        draft.frames = [{**head, "object": "chat.completion", "choices": choices, "usage": usage}]
        return draft

    def whole_plan(self) -> Plan:
        """The request without ``stream``."""
        line = self.pair.path.read_bytes().partition(b"\n")[0].decode()
        operation, model, _, fields = line.split(" ", 3)
        return planned_of(f"{operation} {model} whole {fields}".encode(), self.pair.path.parent.name)


def _message(meant: dict[str, Any]) -> dict[str, Any]:
    message = {"role": "assistant", "content": meant["content"]}
    if meant["reasoning"]:
        message["reasoning_content"] = meant["reasoning"]
    if meant["calls"]:
        message["tool_calls"] = [
            {"index": at, "id": f"call_w{at}", "type": "function", "function": {"name": name, "arguments": arguments}}
            for at, (name, arguments) in enumerate(meant["calls"])
        ]
    return message


@cache
def recorded(vendor: str) -> tuple[Recorded, ...]:
    """The streams of a vendor, by the name of its catalog, without those that are joined into a whole response."""
    golden = [read(path) for path in sorted((GOLDEN / vendor).glob("*.txt"))]
    pairs = [pair for pair in golden if pair.plan.request.stream or not pair.streams]
    pairs += [_emitted(path) for path in sorted((STREAMS / vendor).glob("*.txt"))]
    return tuple(found for pair in pairs for found in _understood(pair))


def _emitted(path: Path) -> Pair:
    """What an emulator sent: the first and the third part of a golden pair."""
    request, _, answer = path.read_bytes().partition(b"\n")
    return Pair(path, planned_of(request, path.parent.name), request, "", answer, "")


def _understood(pair: Pair) -> Iterator[Recorded]:
    """The pair, if it is a whole chat stream whose plain adding-up has one meaning."""
    if not pair.streams or pair.status != 200 or pair.plan.request.operation != "chat":
        return
    payloads = [line[6:] for line in pair.body.splitlines() if line.startswith(b"data: ")]
    if not payloads or payloads.pop() != b"[DONE]":
        return
    events = tuple(orjson.loads(payload) for payload in payloads)
    if pair.plan.op.choice_members and any(_flagged(pair.plan.op.choice_members, event) for event in events):
        return
    if len({call for event in events for call in _calls_without_number(event)}) > 1:
        return  # several calls with one number have no plain meaning
    try:
        meaning = added_up(events)
    except (KeyError, TypeError, AttributeError):
        return
    if not meaning or any(choice["finish"] not in FINISHES for choice in meaning.values()):
        return
    for choice in meaning.values():
        if choice["calls"] and choice["finish"] == "stop":
            choice["finish"] = "tool_calls"
    play = Play(pair.plan, judged=False).head()
    if len(play.sends) == 1 and play.data(pair.body).over().done:
        yield Recorded(pair, events, meaning, _usage(events))


def _flagged(members: Collection[str], event: dict[str, Any]) -> bool:
    """Whether a choice has a member of the vendor's own, which a plain reader does not know."""
    return any(choice.get(name) for choice in event.get("choices") or () for name in members)


def _calls_without_number(event: dict[str, Any]) -> Iterator[str]:
    """Yield the ids of the calls in an event whose index is negative."""
    for choice in event.get("choices") or ():
        for piece in (choice.get("delta") or {}).get("tool_calls") or ():
            if type(piece) is dict and type(index := piece.get("index")) is int and index < 0 and piece.get("id"):
                yield str(piece["id"])


def _usage(events: tuple[dict[str, Any], ...]) -> tuple[int, int] | None:
    for event in reversed(events):
        usage = event.get("usage")
        if usage:
            return usage["prompt_tokens"], usage["completion_tokens"]
    return None
