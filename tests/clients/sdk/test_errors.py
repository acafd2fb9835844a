"""Errors raised by the SDK: the right class, with code, param and request id, and without excessive retries."""

from collections.abc import Callable
from typing import Any

import openai
import pytest

from tests.support.client_stage import VARIANTS, Front, Site, Stage, chat_body
from tests.support.vendor_response import response_of

Start = Callable[..., Front]
STREAM = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])

# fault, class, status, code, param, the most calls that the vendor may see
FAULTS: list[tuple[str, type[openai.APIStatusError], int, str, str | None, int]] = [
    ("rate_limit=0", openai.RateLimitError, 429, "rate_limit_exceeded", None, 12),
    ("quota", openai.RateLimitError, 429, "insufficient_quota", None, 1),
    ("inspection", openai.BadRequestError, 400, "content_filter", None, 1),
    ("context", openai.BadRequestError, 400, "context_length_exceeded", "messages", 1),
    ("bad_key", openai.InternalServerError, 502, "upstream_auth_error", None, 1),
    ("model_missing", openai.NotFoundError, 404, "model_not_found", None, 1),
    ("overloaded", openai.InternalServerError, 502, "upstream_error", None, 3),
    ("error_500", openai.InternalServerError, 502, "upstream_error", None, 3),
    ("error_in_200", openai.InternalServerError, 502, "upstream_error", None, 3),
    ("html_502", openai.InternalServerError, 502, "upstream_error", None, 3),
    ("html_200", openai.InternalServerError, 502, "upstream_invalid_response", None, 3),
    ("empty_200", openai.InternalServerError, 502, "upstream_invalid_response", None, 3),
    ("redirect", openai.InternalServerError, 502, "upstream_error", None, 3),
    ("gzip", openai.InternalServerError, 502, "upstream_invalid_response", None, 3),
    # each of two attempts may first meet a kept connection, whose reset is taken for its age
    ("reset", openai.InternalServerError, 502, "upstream_error", None, 4),
    ("reset_after_head", openai.InternalServerError, 502, "upstream_error", None, 3),
]

OTHER_ERRORS: dict[str, tuple[type[openai.APIStatusError], int, str | None, str | None]] = {
    "overloaded": (openai.RateLimitError, 429, "rate_limit_exceeded", None),
    "inspection": (openai.BadRequestError, 400, None, None),
}
"""The errors for a response with less detail: the vendor's table of failures decides."""


@STREAM
@pytest.mark.parametrize(("fault", "kind", "status", "code", "param", "most"), FAULTS, ids=[row[0] for row in FAULTS])
def test_a_vendors_failure_is_the_sdks_own_error_without_a_storm_of_retries(
    stage: Stage, start: Start, vendor: str, stream: bool,
    fault: str, kind: type[openai.APIStatusError], status: int, code: str | None, param: str | None, most: int,
) -> None:  # fmt: skip
    front = start(vendor, wait_s=0.6) if fault == "rate_limit=0" else start(vendor)
    emulator = stage.emulators[vendor]
    emulator.set_faults([fault])

    if fault in OTHER_ERRORS and response_of(stage, vendor, front).failure.code != code:
        kind, status, code, param = OTHER_ERRORS[fault]
    with pytest.raises(kind) as caught:
        list(front.sdk(max_retries=2).chat.completions.create(**chat_body("Hello"), stream=stream))

    error = caught.value
    assert (error.status_code, error.code, error.param) == (status, code, param)
    assert error.request_id
    assert error.request_id.startswith("req_")
    assert error.request_id == error.response.headers["x-request-id"]
    assert 1 <= len(emulator.requests) <= most
    assert not [call.path for call in emulator.requests if "elsewhere" in call.path], "a redirect was followed"
    assert len(front.seen) == 1, "the SDK asked again for what the proxy had already retried"


@STREAM
def test_a_vendor_that_cannot_be_reached_is_a_server_error(start: Start, stage: Stage, stream: bool) -> None:
    settings = stage.settings("kimi")
    settings["vendors"]["kimi"]["base_url"] = "http://127.0.0.1:9/v1"
    with stage.front(settings) as front, pytest.raises(openai.InternalServerError) as caught:
        list(front.sdk(max_retries=2).chat.completions.create(**chat_body("Hello"), stream=stream))

    assert (caught.value.status_code, caught.value.code) == (502, "upstream_error")
    assert len(front.seen) == 1


def test_a_rate_limit_has_the_time_to_wait(start: Start, stage: Stage, vendor: str) -> None:
    front = start(vendor)
    stage.emulators[vendor].set_faults(["rate_limit=7"])

    with pytest.raises(openai.RateLimitError) as caught:
        front.sdk().chat.completions.create(**chat_body("Hello"))

    headers = caught.value.response.headers
    assert (headers["retry-after"], headers["retry-after-ms"], headers["x-should-retry"]) == ("7", "7000", "true")
    assert len(stage.emulators[vendor].requests) == 1


def test_the_sdk_itself_gets_over_a_rate_limit_that_the_proxy_did_not_wait_for(
    start: Start, stage: Stage, vendor: str
) -> None:
    front = start(vendor, wait_s=0.5)
    stage.emulators[vendor].set_faults(["rate_limit=1@1"])

    answer = front.sdk(max_retries=2).chat.completions.create(**chat_body("Hello"))

    assert answer.choices[0].message.content == "You said: Hello"
    assert len(front.seen) == 2


def test_the_applications_key_is_checked_where_keys_are_configured(start: Start, stage: Stage) -> None:
    front = start("kimi", server={"client_keys": ["sk-client-00000001"]})

    with pytest.raises(openai.AuthenticationError) as caught:
        front.sdk("sk-wrong-00000001").chat.completions.create(**chat_body("Hello"))
    with pytest.raises(openai.AuthenticationError) as listing:
        front.sdk("sk-wrong-00000001").models.list()
    answer = front.sdk("sk-client-00000001").chat.completions.create(**chat_body("Hello"))

    assert {caught.value.code, listing.value.code} == {"invalid_api_key"}
    assert caught.value.request_id
    assert "sk-wrong-00000001" not in str(caught.value)
    assert answer.choices[0].message.content == "You said: Hello"
    assert "sk-client" not in str(stage.emulators["kimi"].requests)


def test_the_vendors_words_reach_the_user_without_its_key(start: Start, stage: Stage, vendor: str) -> None:
    front = start(vendor)
    stage.emulators[vendor].set_faults(["bad_key"])

    with pytest.raises(openai.InternalServerError) as caught:
        front.sdk().chat.completions.create(**chat_body("Hello"))

    key = stage.settings(vendor)["vendors"][vendor]["api_key"]
    assert key not in str(caught.value.response.text)
    assert key[-4:] in caught.value.message
    assert ("region" in caught.value.message) is (len(VARIANTS[vendor].base_urls) > 1)


@pytest.mark.parametrize(
    ("call", "kind", "status"),
    [
        (lambda sdk: sdk.moderations.create(input="x"), openai.NotFoundError, 404),
        (lambda sdk: sdk.images.generate(prompt="x", model="dall-e-3"), openai.NotFoundError, 404),
        (lambda sdk: sdk.files.list(), openai.NotFoundError, 404),
        (lambda sdk: sdk.batches.list(), openai.NotFoundError, 404),
        (lambda sdk: sdk.fine_tuning.jobs.list(), openai.NotFoundError, 404),
        (lambda sdk: sdk.beta.assistants.list(), openai.NotFoundError, 404),
        (lambda sdk: sdk.audio.speech.create(model="tts-1", voice="alloy", input="x"), openai.NotFoundError, 404),
        (lambda sdk: sdk.post("/nothing/here", cast_to=object, body={}), openai.NotFoundError, 404),
    ],
    ids=["moderations", "images", "files", "batches", "fine-tuning", "assistants", "speech", "no such path"],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")
def test_unsupported_endpoints_return_an_error_at_once(
    site: Site, call: Callable[[Any], Any], kind: type[openai.APIStatusError], status: int
) -> None:
    with pytest.raises(kind) as caught:
        call(site.sdk.with_options(max_retries=2))

    assert caught.value.status_code == status
    assert caught.value.request_id
    assert len(site.front.seen) == 1, "an unsupported request must not be repeated"
