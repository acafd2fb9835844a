"""Faults of a vendor: a status before the first event, response.failed after it, and nothing taken for whole."""

from collections.abc import Callable
from typing import Any

import openai
import pytest

from tests.clients.sdk.responses.calls import ResponsesSite
from tests.support.client_stage import Front, Stage, until

BOTH_WAYS = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
WORDS = "emulator:words=20"
WHOLE = " ".join(f"w{at}" for at in range(1, 21))
STALLS = {"idle_s": 0.2, "first_token_s": 0.2, "total_s": 2.0}


@BOTH_WAYS
@pytest.mark.parametrize("fault", ["rate_limit=0", "overloaded", "error_500", "context", "bad_key", "quota"])
def test_a_fault_before_the_first_event_has_the_status_that_chat_has(
    site: ResponsesSite, fault: str, stream: bool
) -> None:
    def status(create: Callable[[], Any]) -> tuple[int, str | None]:
        site.front.forget()
        site.emulator.set_faults([fault])
        with pytest.raises(openai.APIStatusError) as caught:
            create()
        return caught.value.status_code, caught.value.code

    chat = status(lambda: site.chat("Hello", stream=stream))
    assert status(lambda: site.ask("Hello", stream=stream)) == chat


@pytest.mark.parametrize("fault", ["cut=3", "cut=12", "error_event=3", "no_end", "bad_json", "stall_within=30"])
def test_a_stream_that_breaks_after_its_first_words_is_failed(
    stage: Stage, serve: Callable[..., Front], vendor: str, fault: str
) -> None:
    front = serve(vendor, timeouts=STALLS if fault.startswith("stall") else None)
    site = ResponsesSite(vendor, stage.emulators["qwen" if vendor == "compatible" else vendor], front, front.sdk())
    site.emulator.set_faults([fault])
    events = site.events(WORDS)
    final = events[-1].response

    assert (events[-1].type, final.status) == ("response.failed", "failed")
    assert final.error.code == "server_error"
    assert "upstream_" in final.error.message
    assert final.output_text
    assert WHOLE.startswith(final.output_text)
    assert final.output_text != WHOLE
    assert final.output[-1].status == "incomplete"
    assert len(site.calls) == 1, "a response that has begun is never requested again"
    assert site.sdk.responses.retrieve(final.id).status == "failed"


@pytest.mark.parametrize("fault", ["cut=0@1", "error_event=0@1", "done_only@1", "reset_after_head@1", "error_in_200@1"])
def test_a_stream_that_breaks_once_before_its_first_word_is_requested_again(site: ResponsesSite, fault: str) -> None:
    site.emulator.set_faults([fault])
    events = site.events(WORDS)
    assert events[-1].response.output_text == WHOLE
    assert {event.response.id for event in events if hasattr(event, "response")} == {events[-1].response.id}
    assert len(site.calls) == 2


@pytest.mark.parametrize("fault", ["no_done", "comments", "crlf", "split_utf8", "drip=0", "json_instead"])
def test_a_stream_that_is_only_odd_is_whole(site: ResponsesSite, fault: str) -> None:
    site.emulator.set_faults([fault])
    final = site.events("搬家 👩‍👩‍👧")[-1].response
    assert (final.status, final.output_text) == ("completed", "You said: 搬家 👩‍👩‍👧")
    assert final.usage.total_tokens > 0


@BOTH_WAYS
def test_an_answer_that_the_vendors_check_ends_is_incomplete_or_an_error(site: ResponsesSite, stream: bool) -> None:
    try:
        final = site.final("emulator:moderated=5", stream=stream)
    except openai.BadRequestError as error:
        refused = error
        assert refused.code == "content_filter"
        assert not stream
    else:
        filtered = final.status == "incomplete"
        assert not filtered or final.incomplete_details.reason == "content_filter"
        until(lambda: [line["ending"] for line in site.front.running.lines[-1:]] == ["complete"])


@BOTH_WAYS
def test_an_input_that_the_vendors_check_refuses_is_a_400(site: ResponsesSite, stream: bool) -> None:
    site.emulator.set_faults(["inspection"])
    with pytest.raises(openai.APIStatusError) as caught:
        site.ask("Hello", stream=stream)
    assert caught.value.status_code < 500
    site.emulator.set_faults([])
    assert site.ask("Hello").status == "completed"
