"""Errors raised by this client, broken streams, and clients that disconnect. This client never retries."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.clients.sdk.test_broken_streams import SHORT, WHOLE, WORDS
from tests.clients.sdk028.client import Site, openai, text_of
from tests.support.client_stage import Front, Stage, chat_body, until
from tests.support.vendor_response import response_of

Start = Callable[..., Front]
STREAM = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])

# fault, class, status, code, param
FAULTS = [
    ("rate_limit=0", "RateLimitError", 429, "rate_limit_exceeded"),
    ("quota", "RateLimitError", 429, "insufficient_quota"),
    ("inspection", "InvalidRequestError", 400, "content_filter"),
    ("context", "InvalidRequestError", 400, "context_length_exceeded"),
    ("model_missing", "InvalidRequestError", 404, "model_not_found"),
    ("bad_key", "APIError", 502, "upstream_auth_error"),
    ("error_500", "APIError", 502, "upstream_error"),
    ("overloaded", "APIError", 502, "upstream_error"),
    ("error_in_200", "APIError", 502, "upstream_error"),
    ("html_502", "APIError", 502, "upstream_error"),
    ("html_200", "APIError", 502, "upstream_invalid_response"),
]

OTHER_ERRORS: dict[str, tuple[str, int, str | None]] = {
    "overloaded": ("RateLimitError", 429, "rate_limit_exceeded"),
    "inspection": ("InvalidRequestError", 400, None),
}
"""The errors for a response with less detail: the vendor's table of failures decides."""


@STREAM
@pytest.mark.parametrize(("fault", "kind", "status", "code"), FAULTS, ids=[row[0] for row in FAULTS])
def test_a_vendors_failure_is_the_clients_own_error(
    stage: Stage, site: Site, stream: bool, fault: str, kind: str, status: int, code: str | None
) -> None:
    site.emulator.set_faults([fault])
    if fault in OTHER_ERRORS and response_of(stage, site.vendor, site.front).failure.code != code:
        kind, status, code = OTHER_ERRORS[fault]

    with pytest.raises(openai.error.OpenAIError) as caught:
        list(site.chat("Hello", stream=stream))

    error = caught.value
    assert type(error).__name__ == kind
    assert (error.http_status, error.json_body["error"]["code"]) == (status, code)
    assert error.headers["x-request-id"].startswith("req_")
    assert error.user_message
    assert len(site.front.seen) == 1


def test_no_client_key_or_a_wrong_one_is_an_authentication_error(start: Start, site: Site) -> None:
    front = start(site.vendor, server={"client_keys": ["sk-client-00000001"]})

    with pytest.raises(openai.error.AuthenticationError) as caught:
        openai.ChatCompletion.create(api_base=front.base_url, api_key="sk-wrong-00000001", **chat_body("Hello"))

    assert caught.value.json_body["error"]["code"] == "invalid_api_key"
    assert "sk-wrong-00000001" not in str(caught.value)


def test_a_full_server_is_a_service_that_is_unavailable(start: Start, site: Site) -> None:
    front = start(site.vendor, server={"max_concurrency": 1})
    held = openai.ChatCompletion.create(api_base=front.base_url, **chat_body("emulator:words=500,gap=20"), stream=True)
    next(held)

    with pytest.raises(openai.error.ServiceUnavailableError):
        openai.ChatCompletion.create(api_base=front.base_url, **chat_body("Hello"))
    held.close()


@pytest.mark.parametrize(("name", "value"), [("temperature", 3), ("max_tokens", 0), ("n", 0)])
def test_a_bad_parameter_is_named(site: Site, name: str, value: Any) -> None:
    with pytest.raises(openai.error.InvalidRequestError) as caught:
        site.chat("Hello", **{name: value})

    assert (caught.value.param, caught.value.http_status) == (name, 400)
    assert not site.calls


def test_a_model_that_no_vendor_serves_is_not_found_whole_streamed_and_by_engine(site: Site) -> None:
    for more in ({"model": "gpt-4oo"}, {"model": "gpt-4oo", "stream": True}, {"engine": "gpt-4oo"}):
        with pytest.raises(openai.error.InvalidRequestError, match="gpt-4o") as caught:
            openai.ChatCompletion.create(messages=[{"role": "user", "content": "x"}], **more)
        assert (caught.value.code, caught.value.param) == ("model_not_found", "model")
    with pytest.raises(openai.error.InvalidRequestError):
        openai.Model.retrieve("gpt-4oo")


NOT_SERVED: list[tuple[Callable[[], Any], str, int]] = [
    (lambda: openai.Image.create(prompt="x"), "InvalidRequestError", 404),
    (lambda: openai.Moderation.create(input="x"), "InvalidRequestError", 404),
    (lambda: openai.File.list(), "InvalidRequestError", 404),
    (lambda: openai.FineTuningJob.list(), "InvalidRequestError", 404),
    (lambda: openai.Engine.list(), "InvalidRequestError", 404),
    (lambda: openai.Edit.create(model="x", instruction="y"), "InvalidRequestError", 404),
]


@pytest.mark.parametrize(
    ("call", "kind", "status"), NOT_SERVED, ids=["images", "moderations", "files", "fine-tuning", "engines", "edits"]
)
def test_unsupported_endpoints_return_an_error_that_names_them(
    site: Site, call: Callable[[], Any], kind: str, status: int
) -> None:
    with pytest.raises(openai.error.OpenAIError) as caught:
        call()

    assert (type(caught.value).__name__, caught.value.http_status) == (kind, status)
    assert "/v1/" in str(caught.value)


def test_moderations_pass_if_the_policy_allows_it(start: Start, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai, "api_base", start(site.vendor, policy={"moderations": "pass"}).base_url)

    answer = openai.Moderation.create(input=["a", "b"])

    assert [one["flagged"] for one in answer["results"]] == [False, False]


BROKEN = ["cut=3", "error_event=3", "no_end", "bad_json", "stall_within=30"]


@pytest.mark.parametrize("fault", BROKEN)
def test_a_stream_that_breaks_raises_and_never_looks_finished(start: Start, site: Site, fault: str) -> None:
    front = start(site.vendor, timeouts=SHORT)
    site.emulator.set_faults([fault])
    chunks: list[Any] = []

    stream = openai.ChatCompletion.create(api_base=front.base_url, **chat_body(WORDS), stream=True)

    with pytest.raises(openai.error.APIError, match="Error occurred while streaming"):
        chunks.extend(chunk for chunk in stream)

    assert text_of(chunks)
    assert WHOLE.startswith(text_of(chunks))
    assert not [c for chunk in chunks for c in chunk["choices"] if c.get("finish_reason")]


@pytest.mark.parametrize(
    "fault", ["comments", "crlf", "no_done", "json_instead", "split_utf8", "drip=0", "big_event=300000"]
)
def test_a_stream_that_is_only_odd_is_whole(site: Site, fault: str) -> None:
    site.emulator.set_faults([fault])

    chunks = site.stream("搬家 👩‍👩‍👧")

    assert text_of(chunks).endswith("You said: 搬家 👩‍👩‍👧")
    assert [c["finish_reason"] for chunk in chunks for c in chunk["choices"] if c["finish_reason"]] == ["stop"]


def test_comments_to_a_waiting_client_are_not_chunks(start: Start, site: Site) -> None:
    front = start(site.vendor, server={"hold_status_s": 0.05, "heartbeat_s": 0.05})
    site.emulator.set_faults(["delay=300"])

    chunks = list(openai.ChatCompletion.create(api_base=front.base_url, **chat_body("Hello"), stream=True))

    assert text_of(chunks) == "You said: Hello"
    assert b": keep-alive" in front.seen[-1].body


def test_leaving_a_stream_ends_the_vendors(site: Site) -> None:
    async def leave() -> None:
        stream = await openai.ChatCompletion.acreate(**chat_body("emulator:words=500,gap=20"), stream=True)
        assert (await anext(stream))["choices"]
        await stream.aclose()

    asyncio.run(leave())

    until(lambda: site.emulator.active == 0)
    until(lambda: site.calls[-1].ending == "gone")


def test_giving_up_on_an_answer_ends_the_vendors(site: Site) -> None:
    site.emulator.set_faults(["stall_before=300"])

    with pytest.raises(openai.error.Timeout):
        site.chat("Hello", request_timeout=0.3)

    until(lambda: site.emulator.active == 0)
    until(lambda: site.calls[-1].ending == "gone")
