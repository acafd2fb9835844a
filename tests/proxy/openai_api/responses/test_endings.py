"""Each ending of a response: before its first event a status, after it one terminal event, the same in the store."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from tests.proxy.openai_api.responses.api import PATH, Api, OpenRequest, final, running, text_of
from tests.proxy.play import DONE, chunk, error, stream, whole
from tests.support.responses_grammar import faults, read_events

Events = list[dict[str, Any]]


async def events_of(api: Api, **fields: Any) -> Events:
    """Return the events of a streamed response."""
    answer = await api.post(stream=True, **fields)
    assert answer.status_code == 200, answer.text
    return list(read_events(answer.content))


def finished(text: str, reason: str, *, streamed: bool) -> httpx2.Response:
    """A vendor's answer with this finish reason."""
    if streamed:
        return stream(*([chunk({"content": text})] if text else []), chunk({}, reason), DONE)
    answer = whole(text).json()
    answer["choices"][0]["finish_reason"] = reason
    return httpx2.Response(200, json=answer)


BOTH_WAYS = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])


async def stored_as_sent(api: Api, response: dict[str, Any]) -> None:
    assert (await api.get(f"{PATH}/{response['id']}")).json() == response


@BOTH_WAYS
def test_a_finish_is_completed(streamed: bool) -> None:
    async def run() -> None:
        async with running() as api:
            response = await api.respond(stream=streamed)
            assert (response["status"], response["error"], response["incomplete_details"]) == ("completed", None, None)
            assert response["completed_at"] >= response["created_at"]
            await stored_as_sent(api, response)
            assert (api.lines[0]["ending"], api.lines[0].get("code")) == ("complete", None)

    asyncio.run(run())


@BOTH_WAYS
@pytest.mark.parametrize(("finish", "reason"), [("length", "max_output_tokens"), ("content_filter", "content_filter")])
def test_an_answer_that_its_vendor_ended_early_is_incomplete(streamed: bool, finish: str, reason: str) -> None:
    async def run() -> None:
        async with running() as api:
            api.vendor = lambda body: finished("cut", finish, streamed=streamed)
            response = await api.respond(stream=streamed)
            assert (response["status"], response["incomplete_details"]) == ("incomplete", {"reason": reason})
            assert (response["completed_at"], response["error"]) == (None, None)
            assert [item["status"] for item in response["output"]] == ["incomplete"]
            assert text_of(response) == "cut"
            await stored_as_sent(api, response)
            assert (api.lines[0]["ending"], api.lines[0].get("code")) == ("complete", None)
            api.vendor = lambda body: finished("more", "stop", streamed=streamed)
            await api.respond(stream=streamed, previous_response_id=response["id"])
            assert [message["content"] for message in api.bodies[-1]["messages"]] == ["hi", "cut", "hi"]

    asyncio.run(run())


def inspected(text: str) -> httpx2.Response:
    """A stream that Qwen's content check ends, after this text."""
    body = b'data: {"error":{"message":"Output data may contain inappropriate content.","type":"data_inspection_failed","code":"data_inspection_failed"}}\n\n'
    return stream(*([chunk({"content": text})] if text else []), body)


ONLY_QWEN = {"models": {"gpt-4o": ["qwen/qwen3.6-plus"]}}


def test_an_inspection_after_content_is_incomplete_and_keeps_the_text() -> None:
    async def run() -> None:
        async with running(**ONLY_QWEN) as api:
            api.vendor = lambda body: inspected("shown")
            response = (await events_of(api))[-1]["response"]
            assert (response["status"], response["incomplete_details"]) == ("incomplete", {"reason": "content_filter"})
            assert text_of(response) == "shown"
            await stored_as_sent(api, response)
            line = api.lines[0]
            assert (line["ending"], line.get("code")) == ("complete", None), "as after the vendor's finish reason"

    asyncio.run(run())


def test_an_inspection_after_content_ends_a_turn_of_a_conversation() -> None:
    async def run() -> None:
        async with running(**ONLY_QWEN) as api:
            api.vendor = lambda body: inspected("shown")
            conversation = await api.conversation()
            events = await events_of(api, conversation=conversation)
            assert events[-1]["type"] == "response.incomplete"
            assert [item["content"][0]["text"] for item in await api.items(conversation)] == ["hi", "shown"]

            api.store.fails = {"responses.put"}
            failed = (await events_of(api, conversation=conversation))[-1]
            assert failed["type"] == "response.failed", "the turn was not added"
            assert failed["response"]["store"] is False

    asyncio.run(run())


@BOTH_WAYS
def test_an_inspection_before_content_is_a_400(streamed: bool) -> None:
    async def run() -> None:
        async with running(**ONLY_QWEN) as api:
            api.vendor = lambda body: (
                inspected("")
                if streamed
                else httpx2.Response(
                    400, json={"error": {"message": "no", "type": "x", "code": "data_inspection_failed"}}
                )
            )
            answer = await api.post(stream=streamed)
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "content_filter")
            assert api.store.calls["responses.put"] == 0

    asyncio.run(run())


@pytest.mark.parametrize("pieces", [1, 2, 3])
def test_a_cut_is_failed_and_closes_what_was_open(pieces: int) -> None:
    async def run() -> None:
        async with running() as api:
            api.vendor = lambda body: stream(*[chunk({"content": "a"})] * pieces, error=ConnectionResetError())
            events = await events_of(api)
            response = events[-1]["response"]
            assert (response["status"], response["error"]["code"]) == ("failed", "server_error")
            assert "upstream_stream" in response["error"]["message"]
            assert [item["status"] for item in response["output"]] == ["incomplete"]
            assert text_of(response) == "a" * pieces
            assert not [event for event in events if event["type"].endswith("done")]
            assert (response["usage"], response["completed_at"]) == (None, None)
            await stored_as_sent(api, response)
            assert api.lines[0]["ending"] == "truncated"
            assert api.lines[0]["code"].startswith("upstream_stream")
            assert len(api.bodies) == 1, "a response that has begun is not requested again"

    asyncio.run(run())


def test_a_cut_within_a_call_is_failed_with_what_was_shown_of_it() -> None:
    async def run() -> None:
        async with running() as api:
            piece = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a":'}}
            api.vendor = lambda body: stream(chunk({"tool_calls": [piece]}), error=ConnectionResetError())
            tools = [{"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}]
            (call,) = (await events_of(api, tools=tools))[-1]["response"]["output"]
            assert (call["type"], call["status"], call["arguments"]) == ("function_call", "incomplete", '{"a":')

    asyncio.run(run())


KIMI_ALONE: dict[str, Any] = {
    "vendors": {"kimi": {"api_key": "sk-kimi-0000000000000001", "limits": {"wait_s": 0.01}}},
    "models": {"gpt-4o": ["kimi/kimi-k2.6"]},
}


@BOTH_WAYS
@pytest.mark.parametrize(
    ("status", "type_"),
    [
        (400, "invalid_request_error"),
        (401, "invalid_authentication_error"),
        (429, "rate_limit_reached_error"),
        (500, "server_error"),
        (503, "engine_overloaded_error"),
    ],
)
def test_a_fault_before_the_first_event_has_the_status_that_chat_has(streamed: bool, status: int, type_: str) -> None:
    async def answer_of(path: str, **fields: Any) -> tuple[int, Any, str]:
        async with running(**KIMI_ALONE) as api:
            api.vendor = lambda body: error(status, type_)
            answer = await api.request("POST", path, {"model": "gpt-4o", "stream": streamed, **fields})
            assert api.store.calls["responses.put"] == 0
            return answer.status_code, answer.json()["error"]["code"], answer.headers["x-should-retry"]

    chat = asyncio.run(answer_of("/v1/chat/completions", messages=[{"role": "user", "content": "hi"}]))
    assert asyncio.run(answer_of(PATH, input="hi")) == chat
    assert chat[0] >= 400


def forced(status: int, type_: str) -> Any:
    """Return a vendor that answers with an error, but only after the head of the stream was sent."""
    goes_on = asyncio.Event()

    async def vendor(body: dict[str, Any]) -> httpx2.Response:
        await goes_on.wait()
        return error(status, type_)

    return vendor, goes_on


@pytest.mark.parametrize(
    ("status", "type_", "code"),
    [
        (429, "rate_limit_reached_error", "rate_limit_exceeded"),
        (400, "invalid_request_error", "invalid_prompt"),
        (500, "server_error", "server_error"),
    ],
)
def test_after_a_forced_head_a_fault_is_a_failed_response_with_its_code(status: int, type_: str, code: str) -> None:
    async def run() -> None:
        async with running(**KIMI_ALONE, server={"hold_status_s": 0.01, "heartbeat_s": 0.01}) as api:
            api.vendor, goes_on = forced(status, type_)
            begun = await api.begin(stream=True)
            await begun.until(b":")
            goes_on.set()
            await begun.over()
            events = read_events(begun.sent)
            assert [event["type"] for event in events] == [
                "response.created", "response.in_progress", "response.failed",
            ]  # fmt: skip
            response = events[-1]["response"]
            assert (response["error"]["code"], response["output"]) == (code, [])
            await stored_as_sent(api, response)

    asyncio.run(run())


def slow_words() -> httpx2.Response:
    """A stream that says a word, and then waits for ever."""

    async def pieces() -> AsyncIterator[bytes]:
        yield chunk({"content": "word"})
        await asyncio.Event().wait()

    return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=pieces())


async def begun_with_words(api: Api, **fields: Any) -> OpenRequest:
    api.vendor = lambda body: slow_words()
    begun = await api.begin(stream=True, **fields)
    await begun.until(b"response.output_text.delta")
    return begun


def test_a_server_that_stops_ends_the_response_as_failed() -> None:
    async def run() -> None:
        async with running() as api:
            begun = await begun_with_words(api)
            begun.task.cancel()
            await asyncio.wait([begun.task])
            response = read_events(begun.sent)[-1]["response"]
            assert (response["status"], response["error"]["code"]) == ("failed", "server_error")
            assert "shut" in response["error"]["message"]
            assert begun.ended

    asyncio.run(run())


def test_a_client_that_leaves_leaves_nothing_stored() -> None:
    async def run() -> None:
        async with running() as api:
            begun = await begun_with_words(api)
            id_ = read_events(begun.sent)[0]["response"]["id"]
            await begun.leave()
            assert (await api.get(f"{PATH}/{id_}")).status_code == 404
            assert api.lines[0]["ending"] == "client_closed"

    asyncio.run(run())


@BOTH_WAYS
def test_a_bug_is_a_500_before_the_first_event_and_failed_after_it(
    streamed: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        async with running() as api:
            monkeypatch.setattr("proxy.openai_api.responses.turn.stored_items", lambda items: 1 / 0)
            answer = await api.post(stream=streamed)
            if streamed:
                response = final(answer)
                assert (response["status"], response["error"]["code"]) == ("failed", "server_error")
                assert response["store"] is False
            else:
                assert answer.status_code == 500

    asyncio.run(run())
    assert "ZeroDivisionError" in caplog.text


def test_a_server_that_stops_while_a_response_is_stored_still_ends_it() -> None:
    async def run() -> None:
        async with running() as api:
            storing = asyncio.Event()

            async def before(operation: str) -> None:
                if operation == "responses.put":
                    storing.set()
                    await asyncio.Event().wait()

            api.store.before = before
            begun = await api.begin(stream=True)
            await storing.wait()
            begun.task.cancel()
            await asyncio.wait([begun.task])
            events = read_events(begun.sent)
            assert not faults(events)
            assert events[-1]["response"]["status"] == "failed"
            assert events[-1]["response"]["store"] is False

    asyncio.run(run())


def test_no_stream_has_an_error_event_or_an_end_marker() -> None:
    async def run() -> None:
        async with running() as api:
            for vendor in (
                lambda body: inspected("x"),
                lambda body: stream(chunk({"content": "a"}), error=ConnectionResetError()),
                lambda body: finished("a", "stop", streamed=True),
            ):
                api.vendor = vendor
                answer = await api.post(stream=True)
                assert b"[DONE]" not in answer.content
                assert b"event: error" not in answer.content
                assert answer.content.count(b'"type":"response.completed"') <= 1

    asyncio.run(run())
