"""Writes a chain, a conversation and background responses to a store until it is killed. Run by test_crashes.

It prints the id of each response once it is stored: what is printed must be there after any crash.
"""

import asyncio
import sys
from pathlib import Path

from proxy.storage.records import UNFINISHED, ConversationAppend, StoredConversation, WriteResult
from proxy.storage.sqlite.store import SqliteStore
from tests.proxy.storage.contract.base import item, items, response, running

FAR = 3e10


async def main(path: Path, mark: str) -> None:
    store = SqliteStore(path)
    await store.conversations.create("t", StoredConversation(f"conv{mark}", 0, b"{}"), [])

    async def chain(name: str) -> None:
        previous, number = None, 0
        while True:
            id_ = f"{name}-{number}"
            output = [item(f"{id_}-out", "x" * (number % 7) * 900)]
            link = response(id_, previous, output=output, expires_at=FAR)
            append = ConversationAppend(f"conv{mark}", items(f"{id_}-c1", f"{id_}-c2"), None)
            assert await store.responses.put("t", link, append if name.endswith("0") else None) is WriteResult.DONE
            sys.stdout.write(f"{id_}\n")
            sys.stdout.flush()
            previous, number = id_, number + 1

    async def runs() -> None:
        number = 0
        while True:
            id_ = f"run{mark}-{number}"
            await store.responses.put("t", running(id_, f"owner{mark}", expires_at=FAR))
            await store.runs.append_events("t", id_, 0, [b"0", b"1"])
            done = response(id_, background=True, expires_at=FAR)
            await store.responses.put("t", done, replaces=UNFINISHED)
            sys.stdout.write(f"{id_}\n")
            sys.stdout.flush()
            number += 1

    await asyncio.gather(*(chain(f"chain{mark}-{number}") for number in range(4)), runs())


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
