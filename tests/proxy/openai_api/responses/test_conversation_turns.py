"""Turns of one conversation: each one whole, one after another, and the lock free after every end of one."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest

from tests.proxy.openai_api.responses.api import Api, final, last_text, running, said, text_of
from tests.proxy.play import chunk, stream

BOTH_WAYS = pytest.mark.parametrize("stream_", [False, True], ids=["whole", "streamed"])
CLIENTS = 60


async def slowly(body: dict[str, Any]) -> httpx2.Response:
    """Answer after other requests have had their chance."""
    for _ in range(20):
        await asyncio.sleep(0)
    return said(f"re: {last_text(body)}", streamed=body.get("stream", False))


@BOTH_WAYS
def test_of_sixty_turns_at_once_each_is_added_whole_or_refused(stream_: bool) -> None:
    async def run() -> None:
        async with running() as api:
            api.vendor = slowly
            conversation = await api.conversation()
            done: list[str] = []
            refused = 0

            async def turn(number: int) -> None:
                nonlocal refused
                while True:
                    answer = await api.post(conversation=conversation, input=f"turn {number}", stream=stream_)
                    if answer.status_code == 200:
                        assert text_of(final(answer)) == f"re: turn {number}"
                        done.append(f"turn {number}")
                        return
                    error = answer.json()["error"]
                    assert (answer.status_code, error["code"], error["param"]) == (
                        400,
                        "conversation_locked",
                        "conversation",
                    )
                    assert (answer.headers["x-should-retry"], answer.headers["retry-after"]) == ("true", "1")
                    refused += 1
                    before = len(done)
                    while len(done) == before:  # else most of the time goes into refusals
                        await asyncio.sleep(0)

            await asyncio.gather(*(turn(number) for number in range(CLIENTS)))
            texts = [
                item["content"][0]["text"] for item in [*await api.items(conversation), *await rest(api, conversation)]
            ]
            assert texts == [text for name in done for text in (name, f"re: {name}")]
            assert refused, "the turns were at once"
            # Each turn was sent the whole of those before it, and nothing of another that was under way.
            lengths = [len(body["messages"]) for body in api.bodies]
            assert lengths == [2 * at + 1 for at in range(CLIENTS)]

    asyncio.run(run())


async def rest(api: Api, conversation: str) -> list[dict[str, Any]]:
    """Return the second hundred of items."""
    first = await api.items(conversation)
    path = f"/v1/conversations/{conversation}/items?order=asc&limit=100&after={first[-1]['id']}"
    return list((await api.get(path)).json()["data"])


@BOTH_WAYS
def test_items_cannot_be_added_during_a_turn(stream_: bool) -> None:
    async def run() -> None:
        async with running() as api:
            goes_on = asyncio.Event()

            async def waits(body: dict[str, Any]) -> httpx2.Response:
                await goes_on.wait()
                return said("later", streamed=body.get("stream", False))

            api.vendor = waits
            conversation = await api.conversation()
            begun = await api.begin(conversation=conversation, stream=stream_)
            while not api.bodies:
                await asyncio.sleep(0)
            added = {"items": [{"role": "user", "content": "between"}]}
            path = f"/v1/conversations/{conversation}/items"
            answer = await api.request("POST", path, added)
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "conversation_locked")
            goes_on.set()
            await begun.over()
            await asyncio.sleep(0)
            assert (await api.request("POST", path, added)).status_code == 200
            texts = [item["content"][0]["text"] for item in await api.items(conversation)]
            assert texts == ["hi", "later", "between"]

    asyncio.run(run())


def cut(body: dict[str, Any]) -> httpx2.Response:
    return stream(chunk({"content": "a"}), error=ConnectionResetError())


def refused(body: dict[str, Any]) -> httpx2.Response:
    return httpx2.Response(400, json={"error": {"message": "no", "type": "invalid_request_error"}})


def broken(body: dict[str, Any]) -> httpx2.Response:
    raise ZeroDivisionError


async def fails_with(api: Api, conversation: str, vendor: Callable[[dict[str, Any]], httpx2.Response]) -> None:
    api.vendor = vendor
    answer = await api.post(conversation=conversation, stream=True)
    assert answer.status_code != 200 or final(answer)["status"] == "failed"


async def leaves(api: Api, conversation: str) -> None:
    """Leave while the vendor answers."""
    begun = await api.begin(conversation=conversation, stream=True)
    await begun.until(b"response.output_text.delta")
    await begun.leave()


async def leaves_early(api: Api, conversation: str) -> None:
    """Leave while the vendor is silent."""
    begun = await api.begin(conversation=conversation)
    while not api.bodies:
        await asyncio.sleep(0)
    await begun.leave()


async def is_cancelled(api: Api, conversation: str) -> None:
    """End the task of the request, as a shutdown does."""
    begun = await api.begin(conversation=conversation, stream=True)
    await begun.until(b"response.output_text.delta")
    begun.task.cancel()
    await asyncio.wait([begun.task])


async def hangs(body: dict[str, Any]) -> httpx2.Response:
    """Answer two words, and then nothing."""

    async def pieces() -> Any:
        yield chunk({"content": "one "})
        yield chunk({"content": "two "})
        await asyncio.Event().wait()

    return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=pieces())


async def silent(body: dict[str, Any]) -> httpx2.Response:
    """Answer nothing."""
    await asyncio.Event().wait()
    raise AssertionError


ENDS: dict[str, Callable[[Api, str], Awaitable[None]]] = {
    "a cut": lambda api, conversation: fails_with(api, conversation, cut),
    "a refusal": lambda api, conversation: fails_with(api, conversation, refused),
    "a client that leaves": leaves,
    "a client that leaves before the head": leaves_early,
    "a cancelled task": is_cancelled,
}


@pytest.mark.parametrize("end", ENDS)
def test_after_a_turn_that_failed_the_lock_is_free_and_nothing_was_added(end: str) -> None:
    async def run() -> None:
        async with running() as api:
            api.vendor = silent if end.endswith("head") else hangs
            conversation = await api.conversation()
            await ENDS[end](api, conversation)
            for _ in range(3):
                await asyncio.sleep(0)
            assert await api.items(conversation) == []
            api.vendor = lambda body: said("now", streamed=False)
            response = await api.respond(conversation=conversation)
            assert text_of(response) == "now"
            assert [item["content"][0]["text"] for item in await api.items(conversation)] == ["hi", "now"]
            assert len(api.bodies[-1]["messages"]) == 1

    asyncio.run(run())


def test_a_lock_is_released_if_its_request_is_cancelled_while_it_takes_it() -> None:
    async def run() -> None:
        async with running() as api:
            conversation = await api.conversation()
            taken = asyncio.Event()
            take = api.store._store.leases.take

            async def take_and_stay(*args: Any) -> bool:
                result: bool = await take(*args)
                taken.set()
                await asyncio.sleep(60)  # a store on a disk answers some time after it has written
                return result

            api.store._store.leases.take = take_and_stay
            begun = await api.begin(conversation=conversation)
            await taken.wait()
            await begun.leave()
            api.store._store.leases.take = take
            for _ in range(3):
                await asyncio.sleep(0)
            assert (await api.post(conversation=conversation)).status_code == 200

    asyncio.run(run())


def test_a_turn_whose_conversation_was_deleted_meanwhile_is_not_a_success() -> None:
    async def run() -> None:
        async with running() as api:
            conversation = await api.conversation()

            async def deletes(body: dict[str, Any]) -> httpx2.Response:
                await api.request("DELETE", f"/v1/conversations/{conversation}")
                return said("late", streamed=body.get("stream", False))

            api.vendor = deletes
            answer = await api.post(conversation=conversation, stream=True)
            response = final(answer)
            assert (response["status"], response["store"]) == ("failed", False)
            assert (await api.get(f"/v1/responses/{response['id']}")).status_code == 404

    asyncio.run(run())


@BOTH_WAYS
def test_two_items_of_one_id_are_refused_before_a_vendor_is_called(stream_: bool) -> None:
    async def run() -> None:
        async with running() as api:
            conversation = await api.conversation()
            twice = [{"type": "message", "id": "msg_1", "role": "user", "content": text} for text in ("a", "b")]
            answer = await api.post(conversation=conversation, input=twice, stream=stream_)
            assert (answer.status_code, answer.json()["error"]["param"]) == (400, "input")
            assert not api.bodies

    asyncio.run(run())


def test_an_item_that_the_conversation_has_is_not_added_again() -> None:
    async def run() -> None:
        async with running() as api:
            conversation = await api.conversation()
            first = await api.respond(conversation=conversation, input="one")
            (message,) = first["output"]
            again = [message, {"role": "user", "content": "two"}]
            await api.respond(conversation=conversation, input=again)
            items = await api.items(conversation)
            assert [item["content"][0]["text"] for item in items] == [
                "one",
                "1: one",
                "two",
                text_of(await last(api, items)),
            ]
            assert len({item["id"] for item in items}) == 4

    asyncio.run(run())


async def last(api: Api, items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"output": [items[-1]]}


@BOTH_WAYS
def test_a_client_that_leaves_has_nothing_stored(stream_: bool) -> None:
    async def run() -> None:
        async with running() as api:
            api.vendor = hangs if stream_ else silent
            begun = await api.begin(stream=stream_)
            if stream_:
                await begun.until(b"response.output_text.delta")
            else:
                while not api.bodies:
                    await asyncio.sleep(0)
            await begun.leave()
            assert api.store.calls["responses.put"] == 0
            assert [line["ending"] for line in api.lines] == ["client_closed"]

    asyncio.run(run())
