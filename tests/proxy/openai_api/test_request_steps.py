"""What an operation awaits around the attempts of a request: ``OperationHandler.steps``."""

import asyncio
import logging
from typing import Any

import pytest

from adapters.core.message import Message
from adapters.core.request import ApiRequest
from proxy._types import Route
from proxy.errors import BadRequest
from proxy.observability.request_record import RequestRecord
from proxy.openai_api.azure_paths import ModelFromPath
from proxy.openai_api.chat.handler import ChatHandler
from proxy.openai_api.handler import StepContext
from tests.proxy.play import error, hello, play, whole


class History:
    """Prepends a stored message to each request, and stores how many tokens its response cost."""

    def __init__(self, before: Exception | None = None, after: Exception | None = None, *, needed: bool = True) -> None:
        self._needed = needed
        self.calls: list[str] = []
        self._before = before
        self._after = after

    def needed(self, request: ApiRequest, route: Route) -> bool:
        return self._needed

    async def before(self, request: ApiRequest, context: StepContext) -> ApiRequest:
        await asyncio.sleep(0)
        self.calls.append(f"before, {context.caller.key}")
        if self._before is not None:
            raise self._before
        messages = [{"role": "user", "content": "earlier"}, *request.fields["messages"]]
        return request.with_fields({**request.fields, "messages": messages})

    async def after(self, request: ApiRequest, record: RequestRecord) -> None:
        await asyncio.sleep(0)
        assert record.billed is not None
        self.calls.append(f"after, {len(request.fields['messages'])} messages, {record.billed.prompt} tokens")
        if self._after is not None:
            raise self._after


def with_steps(steps: History) -> ChatHandler:
    handler = ChatHandler()
    handler.steps = steps
    return handler


@pytest.mark.parametrize("stream", [False, True])
def test_a_request_is_changed_before_its_attempts_and_seen_after_its_response(stream: bool) -> None:
    history = History()
    played = play({"kimi": [hello() if stream else whole("hello")]}, handler=with_steps(history), stream=stream)
    assert played.text == "hello"
    assert [message["content"] for message in played.bodies[0]["messages"]] == ["earlier", "hi"]
    assert [call.partition(",")[0] for call in history.calls] == ["before", "after"]
    assert history.calls[0] == "before, anonymous"
    assert history.calls[1].startswith("after, 2 messages")


def test_a_request_that_needs_no_step_awaits_none() -> None:
    history = History(needed=False)
    played = play({"kimi": [whole("hello")]}, handler=with_steps(history))
    assert (played.text, history.calls) == ("hello", [])


def test_an_error_before_the_attempts_is_the_response_and_no_vendor_is_called() -> None:
    history = History(before=BadRequest(Message("no such conversation"), param="conversation"))
    played = play({}, handler=with_steps(history))
    assert (played.status, played.json["error"]["param"]) == (400, "conversation")
    assert (played.calls, len(history.calls)) == ([], 1)


def test_after_failed_attempts_there_is_no_response_to_store() -> None:
    history = History()
    played = play({"kimi": [error(400, "invalid_request_error")]}, handler=with_steps(history))
    assert played.status == 400
    assert len(history.calls) == 1


def test_a_bug_after_the_response_is_logged_and_the_response_stays_complete(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "banjia"):
        played = play({"kimi": [whole("hello")]}, handler=with_steps(History(after=ValueError("a bug"))))
    assert played.text == "hello"
    assert [line["ending"] for line in played.lines] == ["complete"]
    assert "a bug" in caplog.text


def test_the_steps_also_apply_if_the_path_names_the_model() -> None:
    steps = History()
    handler: Any = ModelFromPath(with_steps(steps), "gpt-4o")
    play({"kimi": [whole("hello")]}, handler=handler)
    assert len(steps.calls) == 2
