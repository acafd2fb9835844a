"""A store that fails: no response claims to be stored that is not, and no turn is lost that claims success."""

import asyncio
from typing import Any

import pytest

from proxy.storage.records import WriteResult
from tests.proxy.openai_api.responses.api import FailingStore, final, running, text_of
from tests.proxy.play import chunk, stream
from tests.support.responses_grammar import read_events

BOTH_WAYS = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


async def closed_probe(fails: set[str], **fields: Any) -> tuple[int, int]:
    async with running(store={"on_failure": "closed"}) as api:
        api.store.fails = fails
        answer = await api.post(**fields)
        return answer.status_code, len(api.bodies)


@BOTH_WAYS
def test_a_response_that_could_not_be_stored_says_so(stream: bool) -> None:
    async def run() -> None:
        async with running() as api:
            api.store.fails = {"responses.put"}
            answer = await api.post(stream=stream)
            response = final(answer)
            assert (answer.status_code, response["status"], response["store"]) == (200, "completed", False)
            assert text_of(response) == "1: hi"
            adapted = answer.headers.get("x-banjia-adapted", "")
            assert ("store=dropped" in adapted) == (not stream), "the head of a stream has left before the store failed"
            api.store.fails = set()
            assert (await api.get(f"/v1/responses/{response['id']}")).status_code == 404
            assert api.lines[0]["not_stored"] is True

    asyncio.run(run())


@BOTH_WAYS
@pytest.mark.parametrize("fails", ["responses.put", "all"])
def test_a_response_that_is_not_to_be_stored_needs_no_store(stream: bool, fails: str) -> None:
    async def run() -> None:
        async with running(store={"on_failure": "closed"}) as api:
            api.store.fails = {fails}
            response = await api.respond(stream=stream, store=False)
            assert (response["status"], response["store"]) == ("completed", False)
            assert "not_stored" not in api.lines[0]

    asyncio.run(run())


@BOTH_WAYS
def test_with_on_failure_closed_a_store_that_is_away_costs_no_vendor_call(stream: bool) -> None:
    assert asyncio.run(closed_probe({"all"}, stream=stream)) == (503, 0)


@BOTH_WAYS
def test_with_on_failure_closed_too_an_answer_that_was_paid_for_is_given(stream: bool) -> None:
    async def run() -> None:
        async with running(store={"on_failure": "closed"}) as api:
            api.store.fails = {"responses.put"}
            response = await api.respond(stream=stream)
            assert (response["status"], response["store"], text_of(response)) == ("completed", False, "1: hi")

    asyncio.run(run())


@pytest.mark.parametrize("on_failure", ["open", "closed"])
@pytest.mark.parametrize(
    ("operation", "fields"),
    [
        ("responses.chain", {"previous_response_id": "resp_1"}),
        ("responses.items", {"input": [{"type": "item_reference", "id": "msg_1"}]}),
        ("leases.take", {"conversation": "conv_1"}),
        ("conversations.history", {"conversation": "conv_1"}),
    ],
)
def test_a_request_that_reads_the_store_is_503_while_it_is_away(
    on_failure: str, operation: str, fields: dict[str, Any]
) -> None:
    async def run() -> None:
        async with running(store={"on_failure": on_failure}) as api:
            api.store.fails = {operation}
            answer = await api.post(**fields)
            error = answer.json()["error"]
            assert (answer.status_code, error["code"], answer.headers["x-should-retry"]) == (
                503, "server_is_overloaded", "true",
            )  # fmt: skip
            assert not api.bodies

    asyncio.run(run())


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/responses/resp_1"),
        ("DELETE", "/v1/responses/resp_1"),
        ("GET", "/v1/responses/resp_1/input_items"),
        ("POST", "/v1/responses/resp_1/cancel"),
        ("POST", "/v1/conversations"),
        ("GET", "/v1/conversations/conv_1"),
        ("POST", "/v1/conversations/conv_1"),
        ("DELETE", "/v1/conversations/conv_1"),
        ("GET", "/v1/conversations/conv_1/items"),
        ("GET", "/v1/conversations/conv_1/items/msg_1"),
        ("DELETE", "/v1/conversations/conv_1/items/msg_1"),
    ],
)
def test_a_request_for_stored_objects_is_503_while_the_store_is_away(method: str, path: str) -> None:
    async def run() -> None:
        async with running() as api:
            api.store.fails = {"all"}
            answer = await api.request(method, path, {} if method == "POST" else None)
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "server_is_overloaded")
            assert answer.headers["retry-after"] == "1"

    asyncio.run(run())


@BOTH_WAYS
@pytest.mark.parametrize("store", [True, False])
def test_a_turn_that_could_not_be_added_to_its_conversation_never_claims_success(stream: bool, store: bool) -> None:
    async def run() -> None:
        async with running() as api:
            conversation = await api.conversation()
            api.store.fails = {"responses.put", "conversations.append"}
            answer = await api.post(conversation=conversation, stream=stream, store=store)
            api.store.fails = set()
            if stream:
                response = final(answer)
                assert (response["status"], response["error"]["code"]) == ("failed", "server_error")
                assert response["store"] is False
                assert (await api.get(f"/v1/responses/{response['id']}")).status_code == 404
                assert api.lines[-2]["ending"] == "truncated"
            else:
                assert (answer.status_code, answer.json()["error"]["code"]) == (503, "server_is_overloaded")
            assert await api.items(conversation) == []
            assert (await api.respond(conversation=conversation))["status"] == "completed", "the lock is free"

    asyncio.run(run())


class Result(FailingStore):
    """A store whose writes at the end of a turn have this result, and change nothing."""

    def __init__(self, store: Any, result: WriteResult) -> None:
        super().__init__(store)
        self._result = result

    def __getattr__(self, name: str) -> Any:
        member = super().__getattr__(name)
        if name != "responses":
            return member
        result = self._result

        class Part:
            async def put(self, *args: Any, **named: Any) -> WriteResult:
                return result

            def __getattr__(self, name: str) -> Any:
                return getattr(member, name)

        return Part()


@BOTH_WAYS
@pytest.mark.parametrize(
    "result",
    [
        WriteResult.VERSION_CONFLICT,
        WriteResult.CONVERSATION_NOT_FOUND,
        WriteResult.TOO_MANY_ITEMS,
        WriteResult.DUPLICATE_ITEM,
        WriteResult.TOO_LARGE,
    ],
)
def test_every_refusal_of_a_turn_is_an_error_of_the_turn(stream: bool, result: WriteResult) -> None:
    async def run() -> None:
        async with running() as api:
            conversation = await api.conversation()
            api.state.store = Result(api.store, result)
            answer = await api.post(conversation=conversation, stream=stream)
            if stream:
                response = final(answer)
                assert (response["status"], response["store"]) == ("failed", False)
            else:
                assert answer.status_code == 503
            assert await api.items(conversation) == []

    asyncio.run(run())


@pytest.mark.parametrize("result", [WriteResult.TOO_LARGE, WriteResult.NOT_FOUND])
@BOTH_WAYS
def test_a_response_that_the_store_does_not_accept_says_so(stream: bool, result: WriteResult) -> None:
    async def run() -> None:
        async with running() as api:
            api.state.store = Result(api.store, result)
            response = await api.respond(stream=stream)
            assert (response["status"], response["store"]) == ("completed", False)

    asyncio.run(run())


def test_a_failed_response_that_could_not_be_stored_says_so() -> None:
    async def run() -> None:
        async with running() as api:
            for conversation in (None, await api.conversation()):
                api.vendor = lambda body: stream(chunk({"content": "a"}), error=ConnectionResetError())
                api.store.fails = {"responses.put"}
                more: dict[str, Any] = {} if conversation is None else {"conversation": conversation}
                response = await api.respond(stream=True, **more)
                assert (response["status"], response["store"]) == ("failed", False)
                api.store.fails = set()
                assert (await api.get(f"/v1/responses/{response['id']}")).status_code == 404

    asyncio.run(run())


def test_the_store_is_written_before_the_last_event_leaves() -> None:
    async def run() -> None:
        async with running() as api:
            goes_on = asyncio.Event()

            async def before(operation: str) -> None:
                if operation == "responses.put":
                    await goes_on.wait()

            api.store.before = before
            begun = await api.begin(stream=True)
            await begun.until(b"response.output_text.delta")
            for _ in range(50):
                await asyncio.sleep(0)
            assert b"response.completed" not in begun.sent
            goes_on.set()
            await begun.over()
            response = read_events(begun.sent)[-1]["response"]
            assert (await api.get(f"/v1/responses/{response['id']}")).json() == response

    asyncio.run(run())
