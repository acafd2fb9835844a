"""Chains of responses: what reaches the model, what is stored, and what changes if another vendor answers."""

import asyncio
import itertools
from collections.abc import Mapping
from typing import Any

import httpx2
import pytest

from proxy.storage.memory.responses import MemoryResponses
from proxy.storage.records import MAX_CHAIN_LINKS
from tests.proxy.openai_api.responses.api import PATH, final, last_text, running, said, text_of
from tests.proxy.play import BOTH, DONE, chunk, error, stream
from tests.support.effort import ALL_EXAMPLES
from tests.support.responses_grammar import read_events

BOTH_WAYS = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
KIMI_KEY: str = BOTH["vendors"]["kimi"]["api_key"]


def contents(body: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [(message["role"], message["content"]) for message in body["messages"]]


@BOTH_WAYS
def test_the_whole_history_reaches_the_model_and_branches_do_not_mix(streamed: bool) -> None:
    async def run() -> None:
        async with running() as api:
            api.vendor = lambda body: said(f"re {last_text(body)}", streamed=body.get("stream", False))
            first = await api.respond(input="one", stream=streamed, instructions="be brief")
            second = await api.respond(input="two", stream=streamed, previous_response_id=first["id"])
            await api.respond(input="three", stream=streamed, previous_response_id=second["id"])
            other = await api.respond(input="four", stream=streamed, previous_response_id=first["id"])
            assert contents(api.bodies[0])[0] == ("system", "be brief")
            one = [("user", "one"), ("assistant", "re one")]
            assert contents(api.bodies[2]) == [*one, ("user", "two"), ("assistant", "re two"), ("user", "three")]
            assert contents(api.bodies[3]) == [*one, ("user", "four")]
            assert (other["previous_response_id"], other["instructions"]) == (first["id"], None)

    asyncio.run(run())


@pytest.mark.parametrize("broken", ["before content", "within"])
def test_a_chain_goes_on_at_another_vendor_with_the_same_ids(broken: str) -> None:
    async def run() -> None:
        async with running() as api:
            first = await api.respond(input="one", stream=True)
            assert api.vendors == ["kimi"]

            def at_qwen(body: dict[str, Any]) -> httpx2.Response:
                if api.vendors[-1] == "kimi":
                    if broken == "within":  # the role alone: no content yet
                        return stream(chunk({"role": "assistant", "content": ""}), error=ConnectionResetError())
                    return error(500, "server_error")
                return said("re two", streamed=True)

            api.vendor = at_qwen
            answer = await api.post(input="two", stream=True, previous_response_id=first["id"])
            events = read_events(answer.content)
            assert api.vendors[-1] == "qwen"
            assert {event["response"]["id"] for event in events if "response" in event} == {final(answer)["id"]}
            assert contents(api.bodies[-1]) == [("user", "one"), ("assistant", "1: one"), ("user", "two")]
            stored = (await api.get(f"{PATH}/{final(answer)['id']}")).json()
            assert stored == final(answer)

            api.vendor = lambda body: said("re three", streamed=True)
            third = await api.respond(input="three", stream=True, previous_response_id=stored["id"])
            assert text_of(third) == "re three"
            listed = (await api.get(f"{PATH}/{third['id']}/input_items?order=asc")).json()["data"]
            ids = [item["id"] for item in listed]
            assert ids[1] == first["output"][0]["id"]
            assert ids[3] == stored["output"][0]["id"]
            assert [item["content"][0]["text"] for item in listed] == ["one", "1: one", "two", "re two", "three"]

    asyncio.run(run())


@BOTH_WAYS
def test_a_secret_that_a_vendor_echoes_is_neither_sent_nor_stored(streamed: bool) -> None:
    async def run() -> None:
        async with running() as api:
            call = {"index": 0, "id": "call_1", "type": "function",
                    "function": {"name": "f", "arguments": f'{{"key":"{KIMI_KEY}"}}'}}  # fmt: skip
            delta = {
                "role": "assistant",
                "content": f"your key is {KIMI_KEY}",
                "reasoning_content": KIMI_KEY,
                "tool_calls": [call],
            }
            message = {**delta, "tool_calls": [{key: call[key] for key in ("id", "type", "function")}]}
            choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
            whole = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice],
                     "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}  # fmt: skip
            api.vendor = lambda body: (
                stream(chunk(delta), chunk({}, "tool_calls"), DONE) if streamed else httpx2.Response(200, json=whole)
            )
            tools = [{"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}]
            conversation = await api.conversation()
            answer = await api.post(
                stream=streamed, tools=tools, conversation=conversation, reasoning={"summary": "auto"}
            )
            assert KIMI_KEY not in answer.text
            assert "[redacted]" in answer.text
            id_ = final(answer)["id"]
            stored = await api.store._store.responses.get("-", id_)
            items = await api.store._store.conversations.history("-", conversation)
            assert KIMI_KEY not in f"{stored}{stored.json()}{items}"
            assert len(items.items) == 4

    asyncio.run(run())


LINKS = MAX_CHAIN_LINKS if ALL_EXAMPLES else 200


def test_a_chain_of_a_thousand_turns_costs_what_its_history_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The core tests take 200 turns, and a limit of 200."""
    limited = MemoryResponses.chain

    async def chain(self: MemoryResponses, tenant: str, id_: str, most_links: int = LINKS, **more: Any) -> Any:
        return await limited(self, tenant, id_, most_links, **more)

    monkeypatch.setattr(MemoryResponses, "chain", chain)

    async def run() -> None:
        async with running() as api:
            api.vendor = lambda body: said("re", streamed=False)
            sizes = [0]
            fields: dict[str, Any] = {}
            for turn in range(1, LINKS + 1):
                api.bodies.clear()
                fields = {"previous_response_id": (await api.respond(**fields))["id"]}
                assert len(api.bodies[0]["messages"]) == 2 * turn - 1
                if turn % (LINKS // 4) == 0:
                    sizes.append(api.state.store.metrics.size)
            assert api.store.calls["responses.chain"] == LINKS - 1, "each turn reads its history once"
            added = [after - before for before, after in itertools.pairwise(sizes)]
            assert max(added) < 1.1 * min(added), "each turn stores its own items only"

            last = (await api.respond(**fields))["id"]
            refused = (await api.post(previous_response_id=last)).json()["error"]
            assert refused["param"] == "previous_response_id"
            assert "POST /v1/conversations" in refused["message"]

    asyncio.run(run())


def test_input_items_are_paged_in_both_orders_without_gaps() -> None:
    async def run() -> None:
        async with running() as api:
            previous: dict[str, Any] = {}
            for turn in range(4):
                response = await api.respond(input=f"turn {turn}", **previous)
                previous = {"previous_response_id": response["id"]}
            path = f"{PATH}/{response['id']}/input_items"
            everything = (await api.get(f"{path}?order=asc")).json()["data"]
            assert len(everything) == 7
            for order in ("asc", "desc"):
                seen: list[str] = []
                after, more = "", True
                while more:
                    page = (await api.get(f"{path}?order={order}&limit=2{after}")).json()
                    assert page["first_id"] == page["data"][0]["id"]
                    seen += [item["id"] for item in page["data"]]
                    after, more = f"&after={page['last_id']}", page["has_more"]
                expected = [item["id"] for item in everything]
                assert seen == (expected if order == "asc" else expected[::-1])

    asyncio.run(run())


@BOTH_WAYS
def test_a_response_that_is_not_to_be_stored_is_not(streamed: bool) -> None:
    async def run() -> None:
        async with running() as api:
            response = await api.respond(store=False, stream=streamed)
            assert response["store"] is False
            assert (await api.get(f"{PATH}/{response['id']}")).status_code == 404
            assert not api.store.calls["responses.put"]

    asyncio.run(run())


def test_ids_are_random_and_never_the_vendors() -> None:
    async def run() -> None:
        async with running() as api:
            responses = [await api.respond() for _ in range(50)]
            ids = [response["id"] for response in responses] + [response["output"][0]["id"] for response in responses]
            assert len(set(ids)) == 100
            assert not [id_ for id_ in ids if "c-1" in id_]
            assert {len(response["id"]) for response in responses} == {len("resp_") + 32}

    asyncio.run(run())
