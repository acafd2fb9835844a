"""A clock that tests set, and what the parts of the contract share."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from proxy.storage.interface import Store
from proxy.storage.records import ConversationAppend, StoredConversation, StoredItem, StoredResponse

Clock = Callable[[], float]
START = 1_800_000_000.0
DAY = 86_400


class Time:
    """A clock that a test sets (seconds since the epoch)."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


class Contract:
    """``make`` returns an empty store with room for a hundred entries of 1,000 bytes."""

    def make(self, clock: Clock) -> Store:
        raise NotImplementedError

    def run(self, work: Callable[[Store, Time], Coroutine[Any, Any, None]]) -> None:
        """Run a test on a new store, and close it."""

        async def main() -> None:
            time = Time()
            store = self.make(time)
            try:
                await work(store, time)
            finally:
                await store.aclose()

        asyncio.run(main())


def item(id_: str, text: str = "hello") -> StoredItem:
    """An item with this text."""
    return StoredItem(id_, b'{"id":"%s","type":"message","text":"%s"}' % (id_.encode(), text.encode()))


def items(*ids: str) -> list[StoredItem]:
    """An item for each id."""
    return [item(id_) for id_ in ids]


def response(id_: str, previous: str | None = None, **fields: Any) -> StoredResponse:
    """A completed response with an input item and an output item, whose ids begin with its own."""
    given: dict[str, Any] = {
        "status": "completed",
        "created_at": int(START),
        "expires_at": START + 30 * DAY,
        "body": b'{"id":"%s"}' % id_.encode(),
        "input": [item(f"{id_}-in")],
        "output": [item(f"{id_}-out")],
        "previous": previous,
        "model": "gpt-4o",
        "target": "kimi/k",
    }
    return StoredResponse(id=id_, **{**given, **fields})


def running(id_: str, owner: str = "one", **fields: Any) -> StoredResponse:
    """A queued background response."""
    given: dict[str, Any] = {"status": "queued", "background": True, "owner": owner, "output": (), "run": b"{}"}
    return response(id_, **{**given, **fields})


def conversation(id_: str, metadata: bytes = b"{}") -> StoredConversation:
    """A new conversation."""
    return StoredConversation(id_, int(START), metadata)


def added(id_: str, *ids: str, expected: int | None = None) -> ConversationAppend:
    """The append of items with these ids."""
    return ConversationAppend(id_, items(*ids), expected)


def ids_of(found: Any) -> list[str]:
    """The ids of the items of a page or a history."""
    return [one.id for one in found.items]
