"""Background responses: they belong to the server and not to a connection, and survive it where the store does."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest

import emulators
from emulators import Emulator
from proxy.app_state import AppState
from proxy.jobs import background_responses
from proxy.storage.interface import StoreUnavailable
from proxy.storage.records import StoredResponse, WriteResult
from tests.support.harness import Running, proxy
from tests.support.responses_grammar import holds_grammar

TENANT = "-"
FINAL = ("completed", "incomplete", "failed", "cancelled")


class Client:
    """A client of the proxy."""

    def __init__(self, running: Running, http: httpx2.AsyncClient) -> None:
        self.state: AppState = running.state
        self.lines = running.lines
        self._http = http

    async def post(self, path: str = "", **fields: Any) -> httpx2.Response:
        return await self._http.post(f"/v1/responses{path}", json=fields)

    async def get(self, path: str, **query: Any) -> httpx2.Response:
        return await self._http.get(f"/v1/responses/{path}", params=query)

    async def delete(self, path: str) -> httpx2.Response:
        return await self._http.delete(f"/v1/responses/{path}")

    async def queued(self, text: str = "Hello", **fields: Any) -> str:
        """Queue a response and return its id."""
        answer = await self.post(model="gpt-4o", input=text, background=True, **fields)
        assert answer.status_code == 200, answer.text
        assert answer.json()["status"] == "queued"
        return str(answer.json()["id"])

    async def ended(self, response_id: str) -> dict[str, Any]:
        """Wait until the response has ended, and return it."""
        async with asyncio.timeout(20):
            while True:
                response: dict[str, Any] = (await self.get(response_id)).json()
                if response["status"] in FINAL:
                    return response
                await asyncio.sleep(0.01)

    async def events(self, response_id: str, **query: Any) -> list[dict[str, Any]]:
        """Return the events of a response, streamed again."""
        answer = await self.get(response_id, stream="true", **query)
        assert answer.status_code == 200, answer.text
        return events_in(answer.content)


def events_in(body: bytes) -> list[dict[str, Any]]:
    lines = body.split(b"\n")
    return [orjson.loads(line.removeprefix(b"data: ")) for line in lines if line.startswith(b"data: ")]


@asynccontextmanager
async def served(folder: Path | None = None, **more: Any) -> AsyncIterator[tuple[Client, Emulator]]:
    """Serve an emulated vendor, with a store in a folder, or in memory."""
    vendor = await emulators.start("kimi", environ={})
    try:
        async with served_over(vendor, folder, **more) as client:
            yield client, vendor
    finally:
        await vendor.aclose()


@asynccontextmanager
async def served_over(
    vendor: Emulator, folder: Path | None = None, vendor_timeouts: Mapping[str, float] | None = None, **more: Any
) -> AsyncIterator[Client]:
    key, url = vendor.environment["MOONSHOT_API_KEY"], vendor.environment["MOONSHOT_BASE_URL"]
    entry = {"api_key": key, "base_url": url, "timeouts": dict(vendor_timeouts or {})}
    settings: dict[str, Any] = {"vendors": {"kimi": entry}, **more}
    if folder is not None:
        settings["store"] = {"url": f"sqlite:{folder}/banjia.db"}
    async with proxy(settings) as running, httpx2.AsyncClient(base_url=running.url, timeout=30) as http:
        yield Client(running, http)


def run(scene: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(scene())  # type: ignore[arg-type]  # a coroutine function


@pytest.mark.parametrize("durable", [False, True])
def test_a_response_is_queued_made_and_retrieved(durable: bool, tmp_path: Path) -> None:
    async def scene() -> None:
        async with served(tmp_path if durable else None) as (client, _):
            response = await client.ended(await client.queued())
            assert response["status"] == "completed"
            assert response["background"] is True
            assert response["output"][0]["content"][0]["text"] == "You said: Hello"
            [line] = [line for line in client.lines if line.get("response_id") and line["target"]]
            assert (line["ending"], line["operation"]) == ("complete", "responses")

    run(scene)


@pytest.mark.parametrize("durable", [False, True])
def test_its_stream_can_be_read_again_from_any_event_without_a_gap(durable: bool, tmp_path: Path) -> None:
    async def scene() -> None:
        async with served(tmp_path if durable else None) as (client, vendor):
            vendor.set_faults(["drip=2"])
            id_ = await client.queued("one two three four")
            followed = await client.events(id_)
            await client.ended(id_)
            again = await client.events(id_)
            assert followed == again
            holds_grammar(again)
            assert [event["sequence_number"] for event in again] == list(range(len(again)))
            assert [event["type"] for event in again][:3] == [
                "response.created", "response.queued", "response.in_progress",
            ]  # fmt: skip
            for after in (0, 3, len(again) - 1):
                assert await client.events(id_, starting_after=after) == again[after + 1 :]

    run(scene)


def test_the_client_may_stream_it_at_once_and_leave() -> None:
    async def scene() -> None:
        async with served() as (client, vendor):
            vendor.set_faults(["delay=300"])
            async with client._http.stream(
                "POST", "/v1/responses", json={"model": "gpt-4o", "input": "Hi", "background": True, "stream": True}
            ) as answer:
                first = await anext(answer.aiter_bytes())
            id_ = events_in(first)[0]["response"]["id"]
            assert (await client.ended(id_))["status"] == "completed"

    run(scene)


def test_a_response_that_is_cancelled_stays_cancelled_and_costs_the_vendor_no_more_time() -> None:
    async def scene() -> None:
        async with served() as (client, vendor):
            vendor.set_faults(["stall_before=300"])
            id_ = await client.queued()
            async with asyncio.timeout(10):
                while not vendor.active:
                    await asyncio.sleep(0.01)
            cancelled = (await client.post(f"/{id_}/cancel")).json()
            assert cancelled["status"] == "cancelled"
            async with asyncio.timeout(10):
                while vendor.active:
                    await asyncio.sleep(0.01)
            assert (await client.post(f"/{id_}/cancel")).json() == cancelled
            assert (await client.get(id_)).json() == cancelled
            last = (await client.events(id_))[-1]
            assert (last["type"], last["response"]["status"]) == ("response.failed", "cancelled")
            refused = await client.post(model="gpt-4o", input="and?", previous_response_id=id_)
            assert (refused.status_code, refused.json()["error"]["code"]) == (400, "previous_response_not_found")

    run(scene)


def test_deleting_a_running_response_cancels_it() -> None:
    async def scene() -> None:
        async with served() as (client, vendor):
            vendor.set_faults(["stall_before=300"])
            id_ = await client.queued()
            assert (await client.delete(id_)).json()["deleted"] is True
            assert (await client.get(id_)).status_code == 404
            async with asyncio.timeout(10):
                while vendor.active:
                    await asyncio.sleep(0.01)

    run(scene)


def test_a_vendor_that_fails_makes_a_failed_response_which_is_never_continued() -> None:
    async def scene() -> None:
        async with served() as (client, vendor):
            vendor.set_faults(["error_500"])
            response = await client.ended(await client.queued())
            assert response["status"] == "failed"
            assert response["error"]["code"] == "server_error"
            refused = await client.post(model="gpt-4o", input="and?", previous_response_id=response["id"])
            assert refused.status_code == 400

    run(scene)


def test_a_call_may_take_six_times_the_total_timeout() -> None:
    async def scene() -> None:
        async with served(vendor_timeouts={"total_s": 1.0}) as (client, vendor):
            vendor.set_faults(["stall_before=1.5"])
            response = await client.ended(await client.queued())
            assert response["status"] == "completed", response["error"]

    run(scene)


@pytest.mark.parametrize("fields", [{"store": False}, {"previous_response_id": "resp_unknown"}, {"temperature": 9}])
def test_what_is_wrong_with_a_request_is_told_at_once(fields: Mapping[str, Any]) -> None:
    async def scene() -> None:
        async with served() as (client, _):
            answer = await client.post(model="gpt-4o", input="Hi", background=True, **fields)
            assert answer.status_code == 400

    run(scene)


def test_without_a_store_no_background_response_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    async def unavailable(*_: Any, **__: Any) -> WriteResult:
        raise StoreUnavailable("full")

    async def scene() -> None:
        async with served() as (client, vendor):
            monkeypatch.setattr(client.state.store.responses, "put", unavailable, raising=False)
            answer = await client.post(model="gpt-4o", input="Hi", background=True)
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "server_is_overloaded")
            assert not vendor.requests

    run(scene)


def test_at_most_so_many_run_at_once_and_the_others_wait_as_queued() -> None:
    async def scene() -> None:
        async with served(background={"concurrency": 1}) as (client, vendor):
            vendor.set_faults(["stall_before=300"])
            first, second = await client.queued(), await client.queued()
            async with asyncio.timeout(10):
                while not vendor.active:
                    await asyncio.sleep(0.01)
            assert (await client.get(first)).json()["status"] == "in_progress"
            assert (await client.get(second)).json()["status"] == "queued"
            counts = client.state.metrics.families["banjia_background_runs"].read()
            assert counts == {("queued",): 1, ("in_progress",): 1}
            assert (await client.post(f"/{second}/cancel")).json()["status"] == "cancelled"
            vendor.set_faults([])
            third = await client.queued()
            await client.post(f"/{first}/cancel")
            assert (await client.ended(third))["status"] == "completed"

    run(scene)


def test_a_restart_continues_what_was_queued_and_fails_what_ran(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two rows of a process that has ended: the next process finds them when it starts."""
    monkeypatch.setattr(background_responses, "LEASE_S", 0.2)

    async def scene() -> None:
        async with served(tmp_path) as (client, vendor):
            finished = await client.queued()
            await client.ended(finished)
            stored = await client.state.store.responses.get(TENANT, finished)
            assert stored is not None
            left_queued = left(stored, "resp_queued", "queued")
            left_running = left(stored, "resp_running", "in_progress")
            for row in (left_queued, left_running):
                assert await client.state.store.responses.put(TENANT, row) is WriteResult.DONE
            assert (await client.ended("resp_queued"))["status"] == "completed"
            failed = await client.ended("resp_running")
            assert failed["status"] == "failed"
            assert "restart" in failed["error"]["message"]
            assert (await client.events("resp_running"))[-1]["type"] == "response.failed"
            assert len(vendor.requests) == 2, "what ran is never run twice"
            holds_grammar(await client.events("resp_queued"))

    run(scene)


def test_a_response_taken_over_while_the_store_fails_for_a_moment_runs_when_it_works_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background_responses, "LEASE_S", 0.2)

    async def scene() -> None:
        async with served(tmp_path) as (client, _):
            finished = await client.queued()
            await client.ended(finished)
            store = client.state.store
            stored = await store.responses.get(TENANT, finished)
            assert stored is not None
            reports: list[str] = []
            client.state.notify = lambda message: reports.append(str(message))
            works, fails = type(store.runs).drop_events, [True, True]

            async def drop_events(*arguments: Any) -> None:
                if fails:
                    fails.pop()
                    raise StoreUnavailable("io")
                await works(*arguments)

            monkeypatch.setattr(type(store.runs), "drop_events", drop_events)
            assert await store.responses.put(TENANT, left(stored, "resp_queued", "queued")) is WriteResult.DONE
            assert (await client.ended("resp_queued"))["status"] == "completed"
            assert not fails
            assert reports == ["the store is unavailable (io)"], "once a minute"

    run(scene)


def left(stored: StoredResponse, id_: str, status: Any) -> StoredResponse:
    """Return the row of a response that an ended process has left with this status."""
    body = {**orjson.loads(stored.body), "id": id_, "status": status, "completed_at": None, "usage": None}
    fields = {"input": "Hello", "background": True}
    payload = orjson.dumps({"model": "gpt-4o", "fields": fields, "caller": "anonymous"})
    return replace(stored, id=id_, status=status, body=orjson.dumps(body), output=(), owner="gone", run=payload)


def test_the_shutdown_stores_what_still_runs_as_failed(tmp_path: Path) -> None:
    async def scene() -> None:
        vendor = await emulators.start("kimi", environ={})
        try:
            async with served_over(vendor, tmp_path) as client:
                vendor.set_faults(["stall_before=300"])
                id_ = await client.queued()
                async with asyncio.timeout(10):
                    while not vendor.active:
                        await asyncio.sleep(0.01)
            vendor.set_faults([])
            async with served_over(vendor, tmp_path) as client:
                failed = (await client.get(id_)).json()
                assert failed["status"] == "failed"
        finally:
            await vendor.aclose()

    run(scene)


def test_what_is_queued_at_the_shutdown_runs_after_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background_responses, "LEASE_S", 0.5)

    async def scene() -> None:
        vendor = await emulators.start("kimi", environ={})
        try:
            async with served_over(vendor, tmp_path, background={"concurrency": 1}) as client:
                vendor.set_faults(["stall_before=300"])
                await client.queued()
                waits = await client.queued("second")
                async with asyncio.timeout(10):
                    while not vendor.active:
                        await asyncio.sleep(0.01)
            vendor.set_faults([])
            async with served_over(vendor, tmp_path) as client:
                response = await client.ended(waits)
                assert (response["status"], response["error"]) == ("completed", None)
                assert response["output"][0]["content"][0]["text"] == "You said: second"
        finally:
            await vendor.aclose()

    run(scene)


def test_a_client_that_leaves_while_its_response_is_being_stored_gets_it_made(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        async with served() as (client, vendor):
            store, began = client.state.store.responses, asyncio.Event()
            put = store.put

            async def slowly(*args: Any, **named: Any) -> WriteResult:
                began.set()
                await asyncio.sleep(0.2)
                return await put(*args, **named)

            monkeypatch.setattr(store, "put", slowly, raising=False)
            asked = asyncio.create_task(client.post(model="gpt-4o", input="Hi", background=True))
            await began.wait()
            asked.cancel()
            async with asyncio.timeout(10):
                while not vendor.requests:
                    await asyncio.sleep(0.01)

    run(scene)


def test_a_queued_turn_that_cannot_be_continued_leaves_its_conversation_unlocked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background_responses, "LEASE_S", 0.2)

    async def scene() -> None:
        async with served(tmp_path) as (client, _):
            conversation = (await client._http.post("/v1/conversations", json={})).json()["id"]
            finished = await client.queued()
            await client.ended(finished)
            stored = await client.state.store.responses.get(TENANT, finished)
            assert stored is not None
            fields = {"input": [{"type": "item_reference", "id": "msg_gone"}], "conversation": conversation}
            payload = orjson.dumps({"model": "gpt-4o", "fields": {**fields, "background": True}, "caller": "anonymous"})
            row = replace(left(stored, "resp_queued", "queued"), run=payload)
            assert await client.state.store.responses.put(TENANT, row) is WriteResult.DONE
            assert (await client.ended("resp_queued"))["status"] == "failed"
            answer = await client.post(model="gpt-4o", input="Hi", conversation=conversation)
            assert answer.status_code == 200

    run(scene)


def test_a_refused_background_turn_leaves_its_conversation_unlocked() -> None:
    async def scene() -> None:
        async with served() as (client, _):
            conversation = (await client._http.post("/v1/conversations", json={})).json()["id"]
            output = {"type": "function_call_output", "call_id": "call_unknown", "output": "5"}
            fields = {"model": "gpt-4o", "conversation": conversation}
            refused = await client.post(**fields, input=[output], background=True)
            assert refused.status_code == 400
            assert (await client.post(**fields, input="Hi")).status_code == 200

    run(scene)


def test_a_conversation_is_locked_until_its_background_turn_has_ended(tmp_path: Path) -> None:
    async def scene() -> None:
        async with served(tmp_path) as (client, vendor):
            made = await client._http.post("/v1/conversations", json={})
            conversation = made.json()["id"]
            vendor.set_faults(["stall_before=300"])
            id_ = await client.queued(conversation=conversation)
            busy = await client.post(model="gpt-4o", input="meanwhile", conversation=conversation)
            assert (busy.status_code, busy.json()["error"]["code"]) == (400, "conversation_locked")
            await client.post(f"/{id_}/cancel")
            vendor.set_faults([])
            response = await client.ended(await client.queued(conversation=conversation))
            assert response["status"] == "completed"
            items = (await client._http.get(f"/v1/conversations/{conversation}/items")).json()["data"]
            assert len(items) == 2, "the cancelled turn left nothing"

    run(scene)
