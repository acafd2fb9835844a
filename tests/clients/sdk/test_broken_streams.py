"""Broken streams: the SDK raises, and no incomplete response is returned as complete. Also clients that disconnect."""

from collections.abc import Callable
from typing import Any

import openai
import orjson
import pytest

from tests.support.client_stage import Front, Site, Stage, chat_body, text_of, until
from tests.support.vendor_response import response_of

Start = Callable[..., Front]
WORDS = "emulator:words=20"
WHOLE = " ".join(f"w{at}" for at in range(1, 21))
SHORT = {"idle_s": 0.5, "first_token_s": 0.5}
"""For the suites of other clients, which have one proxy for each vendor."""
STALLS = {"idle_s": 0.2, "first_token_s": 0.2}
STALLS_WITHIN = {"idle_s": 0.2}


def short(fault: str, timeouts: dict[str, float]) -> dict[str, float] | None:
    """Short timeouts for a vendor that stalls; no other request may reach one."""
    return timeouts if fault.startswith("stall") else None


# fault, code of the error event
WITHIN = [
    ("cut=3", "upstream_stream_reset"),
    ("cut=12", "upstream_stream_reset"),
    ("error_event=3", "upstream_error"),
    ("no_end", "upstream_stream_truncated"),
    ("bad_json", "upstream_invalid_response"),
    ("short_body", None),
    ("stall_within=30", "upstream_idle_timeout"),
]


def read_until_it_breaks(front: Front, **more: Any) -> tuple[list[Any], openai.APIError]:
    """Return the received chunks, and the error that the SDK raised then."""
    chunks: list[Any] = []
    stream = front.sdk(max_retries=2).chat.completions.create(**chat_body(WORDS, **more), stream=True)
    with pytest.raises(openai.APIError) as caught:
        chunks.extend(chunk for chunk in stream)
    return chunks, caught.value


@pytest.mark.parametrize(("fault", "code"), WITHIN, ids=[row[0] for row in WITHIN])
@pytest.mark.parametrize("usage", [False, True], ids=["plain", "with usage"])
def test_a_stream_that_breaks_after_its_first_words_raises(
    stage: Stage, start: Start, vendor: str, fault: str, code: str | None, usage: bool
) -> None:
    front = start(vendor, timeouts=short(fault, STALLS_WITHIN))
    emulator = stage.emulators[vendor]
    emulator.set_faults([fault])
    more = {"stream_options": {"include_usage": True}} if usage else {}
    if fault == "short_body":
        # every event came, [DONE] included: the answer is whole whatever the connection does then
        stream = front.sdk().chat.completions.create(**chat_body(WORDS, **more), stream=True)
        assert text_of(list(stream)) == WHOLE
        return

    chunks, error = read_until_it_breaks(front, **more)

    assert error.code == code
    text = text_of(chunks)
    assert text
    assert WHOLE.startswith(text)
    assert text != WHOLE
    assert not [choice for chunk in chunks for choice in chunk.choices if choice.finish_reason]
    assert b"[DONE]" not in front.seen[-1].body
    assert len(emulator.requests) == len(front.seen) == 1, "a request whose answer has begun is never repeated"


def first_event_has_words(stage: Stage, vendor: str, front: Front) -> bool:
    """Return whether the vendor's first event has text; elsewhere it has the role only."""
    events = response_of(stage, vendor, front, WORDS, stream=True).body.split(b"data: ")
    return bool(orjson.loads(events[1])["choices"][0]["delta"].get("content"))


@pytest.mark.parametrize("fault", ["cut=0", "cut=1", "error_event=0", "error_event=1", "done_only", "stall_before=30",
                                   "stall_after_head=30"])  # fmt: skip
def test_a_stream_that_breaks_before_its_first_word_has_a_status(
    stage: Stage, start: Start, vendor: str, fault: str
) -> None:
    front = start(vendor, timeouts=short(fault, STALLS))
    if fault.endswith("=1") and first_event_has_words(stage, vendor, front):
        fault = fault.replace("=1", "=0")
    stage.emulators[vendor].set_faults([fault])

    with pytest.raises(openai.InternalServerError) as caught:
        front.sdk(max_retries=2).chat.completions.create(**chat_body(WORDS), stream=True)

    assert caught.value.status_code == (504 if fault.startswith("stall") else 502)
    assert len(front.seen) == 1


@pytest.mark.parametrize("fault", ["cut=0@1", "error_event=0@1", "done_only@1", "reset_after_head@1", "error_in_200@1"])
def test_a_stream_that_breaks_once_before_its_first_word_is_requested_again(
    stage: Stage, start: Start, vendor: str, fault: str
) -> None:
    front = start(vendor)
    stage.emulators[vendor].set_faults([fault])

    chunks = list(front.sdk().chat.completions.create(**chat_body(WORDS), stream=True))

    assert text_of(chunks) == WHOLE
    assert [chunk.choices[0].delta.role for chunk in chunks].count("assistant") == 1
    assert len({chunk.id for chunk in chunks}) == 1
    assert len(stage.emulators[vendor].requests) == 2


@pytest.mark.parametrize("fault", ["cut=1", "no_end", "bad_json", "short_body", "stall_within=30"])
def test_a_whole_answer_that_breaks_off_raises(stage: Stage, start: Start, vendor: str, fault: str) -> None:
    front = start(vendor, timeouts=short(fault, {"total_s": 0.2}))
    stage.emulators[vendor].set_faults([fault])

    with pytest.raises(openai.InternalServerError) as caught:
        front.sdk(max_retries=2).chat.completions.create(**chat_body(WORDS))

    assert caught.value.status_code in (502, 504)
    assert len(front.seen) == 1


@pytest.mark.parametrize(
    "fault", ["no_done", "comments", "crlf", "split_utf8", "drip=0", "json_instead", "big_event=300000"]
)
def test_a_stream_that_is_only_odd_is_whole(stage: Stage, start: Start, vendor: str, fault: str) -> None:
    front = start(vendor)
    stage.emulators[vendor].set_faults([fault])

    request = chat_body("搬家 👩‍👩‍👧", stream_options={"include_usage": True})
    chunks = list(front.sdk().chat.completions.create(**request, stream=True))

    assert text_of(chunks).endswith("You said: 搬家 👩‍👩‍👧")
    assert [c.finish_reason for chunk in chunks for c in chunk.choices if c.finish_reason] == ["stop"]
    assert chunks[-1].choices == []
    assert chunks[-1].usage.total_tokens > 0
    assert front.seen[-1].body.endswith(b"data: [DONE]\n\n")


def test_leaving_a_stream_ends_the_vendors(site: Site) -> None:
    stream = site.chat("emulator:words=500,gap=20", stream=True)
    assert next(iter(stream)).choices
    assert site.emulator.active == 1
    before = site.emulator.open_connections

    stream.close()

    until(lambda: site.emulator.active == 0 and site.emulator.open_connections < before)
    until(lambda: site.calls[-1].ending == "gone")
    until(lambda: [line["ending"] for line in site.front.running.lines][-1:] == ["client_closed"])


def test_giving_up_on_a_whole_answer_ends_the_vendors(stage: Stage, start: Start, vendor: str) -> None:
    front = start(vendor)
    emulator = stage.emulators[vendor]
    emulator.set_faults(["stall_before=300"])

    with pytest.raises(openai.APITimeoutError):
        front.sdk().with_options(timeout=0.3).chat.completions.create(**chat_body(WORDS))

    until(lambda: emulator.active == 0)
    until(lambda: emulator.requests[-1].ending == "gone")


def test_twenty_clients_that_disconnect_leave_nothing_open(site: Site) -> None:
    streams = [site.chat("emulator:words=500,gap=20", stream=True) for _ in range(20)]
    for stream in streams:
        assert next(iter(stream)).choices
    assert site.emulator.active == 20

    for stream in streams:
        stream.close()

    until(lambda: site.emulator.active == 0)
    until(lambda: {call.ending for call in site.calls} == {"gone"})
