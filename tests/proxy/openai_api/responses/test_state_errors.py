"""The errors of the state endpoints: status, code, param and text of each row, with all four members."""

import asyncio
from typing import Any

import pytest

from tests.proxy.openai_api.responses.api import PATH, Api, running
from tests.proxy.play import chunk, stream

LONG = "resp_" + "x" * 500
CUT = LONG[:64] + "…"
ONE = {"role": "user", "content": "one"}


def held(answer: Any, status: int, code: str | None, param: str | None, message: str) -> None:
    """Fail unless the answer is this error. SDKs may repeat it if its status is 503 or the conversation is locked."""
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert (answer.status_code, error["code"], error["param"]) == (status, code, param), error
    assert error["message"].partition(" (banjia help")[0] == message
    assert error["type"] == "invalid_request_error"
    assert answer.headers["x-should-retry"] == "false"


UNKNOWN: list[tuple[str, str, Any, str]] = [
    ("GET", "/v1/responses/resp_1", None, "Response with id 'resp_1' not found."),
    ("DELETE", "/v1/responses/resp_1", None, "Response with id 'resp_1' not found."),
    ("GET", "/v1/responses/resp_1/input_items", None, "Response with id 'resp_1' not found."),
    ("POST", "/v1/responses/resp_1/cancel", None, "Response with id 'resp_1' not found."),
    ("GET", "/v1/responses/resp_1?stream=true", None, "Response with id 'resp_1' not found."),
    ("GET", f"/v1/responses/{LONG}", None, f"Response with id '{CUT}' not found."),
    ("GET", "/v1/conversations/conv_1", None, "Conversation with id 'conv_1' not found."),
    ("POST", "/v1/conversations/conv_1", {"metadata": {}}, "Conversation with id 'conv_1' not found."),
    ("DELETE", "/v1/conversations/conv_1", None, "Conversation with id 'conv_1' not found."),
    ("GET", "/v1/conversations/conv_1/items", None, "Conversation with id 'conv_1' not found."),
    ("POST", "/v1/conversations/conv_1/items", {"items": [ONE]}, "Conversation with id 'conv_1' not found."),
    ("GET", "/v1/conversations/conv_1/items/msg_1", None, "Conversation with id 'conv_1' not found."),
    ("DELETE", "/v1/conversations/conv_1/items/msg_1", None, "Conversation with id 'conv_1' not found."),
]


@pytest.mark.parametrize(("method", "path", "body", "message"), UNKNOWN)
def test_an_unknown_id_in_a_path_is_404_and_named(method: str, path: str, body: Any, message: str) -> None:
    async def run() -> None:
        async with running() as api:
            held(await api.request(method, path, body), 404, None, None, message)

    asyncio.run(run())


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_an_unknown_item_of_a_conversation_is_404_and_named(method: str) -> None:
    async def run() -> None:
        async with running() as api:
            conversation = await api.conversation(items=[ONE])
            path = f"/v1/conversations/{conversation}/items/msg_1"
            held(await api.request(method, path), 404, None, None, "Item with id 'msg_1' not found.")

    asyncio.run(run())


async def unknown(api: Api) -> str:
    return "resp_1"


async def too_long(api: Api) -> str:
    return LONG


async def deleted(api: Api) -> str:
    id_: str = (await api.respond())["id"]
    await api.request("DELETE", f"{PATH}/{id_}")
    return id_


async def not_stored(api: Api) -> str:
    return str((await api.respond(store=False))["id"])


PREVIOUS = {"unknown": unknown, "too long": too_long, "deleted": deleted, "not stored": not_stored}


@pytest.mark.parametrize("which", PREVIOUS)
def test_a_previous_response_that_does_not_exist_is_400_and_named(which: str) -> None:
    async def run() -> None:
        async with running() as api:
            id_ = await PREVIOUS[which](api)
            calls = len(api.bodies)
            shown = id_ if len(id_) <= 64 else CUT
            held(
                await api.post(previous_response_id=id_), 400, "previous_response_not_found", "previous_response_id",
                f"Previous response with id '{shown}' not found.",
            )  # fmt: skip
            assert len(api.bodies) == calls

    asyncio.run(run())


def test_a_chain_with_a_deleted_link_names_the_missing_one_and_its_end_can_still_be_retrieved() -> None:
    async def run() -> None:
        async with running() as api:
            first = (await api.respond())["id"]
            second = (await api.respond(previous_response_id=first))["id"]
            third = (await api.respond(previous_response_id=second))["id"]
            await api.request("DELETE", f"{PATH}/{first}")
            held(
                await api.post(previous_response_id=third), 400, "previous_response_not_found", "previous_response_id",
                f"Previous response with id '{first}' not found.",
            )  # fmt: skip
            assert (await api.get(f"{PATH}/{third}")).status_code == 200

    asyncio.run(run())


def test_a_failed_response_cannot_be_continued() -> None:
    async def run() -> None:
        async with running() as api:
            api.vendor = lambda body: stream(chunk({"content": "a"}), error=ConnectionResetError())
            failed = await api.respond(stream=True)
            assert failed["status"] == "failed"
            assert (await api.get(f"{PATH}/{failed['id']}")).json() == failed
            held(
                await api.post(previous_response_id=failed["id"]), 400, "previous_response_not_found",
                "previous_response_id", f"Previous response '{failed['id']}' is failed and cannot be continued.",
            )  # fmt: skip

    asyncio.run(run())


FIELDS: list[tuple[dict[str, Any], int, str | None, str, str]] = [
    ({"conversation": "conv_1"}, 404, None, "conversation", "Conversation with id 'conv_1' not found."),
    ({"conversation": {"id": "conv_1"}}, 404, None, "conversation", "Conversation with id 'conv_1' not found."),
    (
        {"input": [{"type": "item_reference", "id": "msg_1"}]}, 404, None, "input", "Item with id 'msg_1' not found."
    ),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "status", "code", "param", "message"), FIELDS)
@pytest.mark.parametrize("path", [PATH, f"{PATH}/input_tokens"])
def test_an_unknown_id_in_a_field_is_named_with_its_field(
    path: str, fields: dict[str, Any], status: int, code: str | None, param: str, message: str
) -> None:
    async def run() -> None:
        async with running() as api:
            answer = await api.request("POST", path, {"model": "gpt-4o", "input": "hi", **fields})
            held(answer, status, code, param, message)
            assert not api.bodies

    asyncio.run(run())


def test_a_request_continues_a_response_or_a_conversation_and_not_both() -> None:
    async def run() -> None:
        async with running() as api:
            answer = await api.post(previous_response_id="resp_1", conversation="conv_1")
            error = answer.json()["error"]
            assert (answer.status_code, error["code"], error["param"]) == (
                400, "mutually_exclusive_parameters", "previous_response_id",
            )  # fmt: skip
            assert not api.store.calls

    asyncio.run(run())


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "limit=", "limit=-1", "after=msg_1", "order=up", "order="]
)
@pytest.mark.parametrize("of", ["responses", "conversations"])
def test_a_page_that_cannot_be_is_refused_by_the_name_of_its_query(of: str, query: str) -> None:
    async def run() -> None:
        async with running() as api:
            id_ = await api.conversation(items=[ONE]) if of == "conversations" else (await api.respond())["id"]
            path = f"/v1/{of}/{id_}/{'items' if of == 'conversations' else 'input_items'}"
            answer = await api.get(f"{path}?{query}")
            error = answer.json()["error"]
            assert (answer.status_code, error["code"], error["param"]) == (400, None, query.partition("=")[0])

    asyncio.run(run())


@pytest.mark.parametrize(("path", "method"), [("?stream=true", "GET"), ("/cancel", "POST")])
def test_only_a_background_response_can_be_cancelled_or_streamed_again(path: str, method: str) -> None:
    async def run() -> None:
        async with running() as api:
            response = await api.respond()
            answer = await api.request(method, f"{PATH}/{response['id']}{path}")
            assert answer.status_code == 400
            assert "background" in answer.json()["error"]["message"]

    asyncio.run(run())
