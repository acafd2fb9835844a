"""Two vendors behind one name: the second answers if the first fails, but not for errors of the client."""

import time
from collections.abc import Callable
from typing import Any

import openai
import pytest

from tests.support.client_stage import GENERATION, Front, Stage, chat_body, text_of

Start = Callable[..., Front]
STREAM = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
ORDER = pytest.mark.parametrize(("first", "second"), [("kimi", "qwen"), ("qwen", "kimi")])

# fault, and how often the first is called at most: the first reset of a kept connection is attributed to its age
TAKEN_OVER = [
    ("error_in_200", 2),
    ("error_500", 2),
    ("overloaded", 2),
    ("html_502", 2),
    ("empty_200", 2),
    ("reset", 3),
    ("reset_after_head", 2),
    ("stall_before=30", 2),
    ("bad_key", 1),
    ("quota", 1),
    ("model_missing", 1),
    ("rate_limit", 1),
]
ONLY_STREAMS = [("error_event=0", 2), ("error_event=1", 2), ("cut=1", 2), ("done_only", 2), ("stall_after_head=30", 2)]


def text(front: Front, stream: bool) -> str:
    made: Any = front.sdk().chat.completions.create(**chat_body("Hello"), stream=stream)
    return text_of(list(made)) if stream else str(made.choices[0].message.content)


@ORDER
@pytest.mark.parametrize(
    ("fault", "most", "stream"),
    [(*row, stream) for row in TAKEN_OVER for stream in (False, True)] + [(*row, True) for row in ONLY_STREAMS],
)
def test_the_second_vendor_answers_when_the_first_fails(
    stage: Stage, start: Start, first: str, second: str, fault: str, most: int, stream: bool
) -> None:
    front = start(first, second, timeouts={"first_token_s": 0.2} if stream else {"total_s": 0.2})
    stage.emulators[first].set_faults([fault])

    assert text(front, stream) == "You said: Hello"

    assert 1 <= len(stage.emulators[first].requests) <= most
    assert len(stage.emulators[second].requests) == 1
    assert front.seen[-1].headers["x-banjia-target"].startswith(f"{second}/")
    assert len(front.seen) == 1


@ORDER
@STREAM
@pytest.mark.parametrize(("fault", "code"), [("inspection", "content_filter"), ("context", "context_length_exceeded")])
def test_the_clients_own_error_causes_exactly_one_call(
    stage: Stage, start: Start, first: str, second: str, fault: str, code: str, stream: bool
) -> None:
    stage.emulators[first].set_faults([fault])
    front = start(first, second)

    with pytest.raises(openai.BadRequestError) as caught:
        text(front, stream)

    assert caught.value.code == code
    assert len(stage.emulators[first].requests) == 1
    assert not stage.emulators[second].requests


@ORDER
def test_a_bad_request_that_only_the_vendor_can_see_causes_exactly_one_call(
    stage: Stage, start: Start, first: str, second: str
) -> None:
    front = start(first, second)
    odd = {"role": "tool", "tool_call_id": "none-such", "content": "x"}

    with pytest.raises(openai.BadRequestError):
        front.sdk(max_retries=2).chat.completions.create(**chat_body([{"role": "user", "content": "x"}, odd]))

    assert len(stage.emulators[first].requests) == 1
    assert not stage.emulators[second].requests


@ORDER
def test_a_stream_that_has_begun_is_never_continued_by_the_other(
    stage: Stage, start: Start, first: str, second: str
) -> None:
    stage.emulators[first].set_faults(["cut=5"])
    front = start(first, second)

    with pytest.raises(openai.APIError):
        text(front, stream=True)

    assert not stage.emulators[second].requests


@ORDER
def test_a_refused_key_cools_down_and_the_next_request_uses_the_other_at_once(
    stage: Stage, start: Start, first: str, second: str
) -> None:
    stage.emulators[first].set_faults(["bad_key"])
    front = start(first, second)

    assert [text(front, stream=False) for _ in range(3)] == ["You said: Hello"] * 3

    assert len(stage.emulators[first].requests) == 1
    assert len(stage.emulators[second].requests) == 3


def test_a_request_that_the_first_cannot_serve_goes_to_the_one_that_can(stage: Stage, start: Start) -> None:
    front = start("qwen", "kimi")

    answer = front.sdk().chat.completions.create(**chat_body("Hello"), logprobs=True)

    assert answer.choices[0].logprobs.content
    assert not stage.emulators["qwen"].requests
    assert len(stage.emulators["kimi"].requests) == 1


@STREAM
def test_when_both_fail_the_error_is_raised_after_three_calls_at_most(stage: Stage, start: Start, stream: bool) -> None:
    for emulator in stage.emulators.values():
        emulator.set_faults(["error_500"])
    front = start("kimi", "qwen")

    with pytest.raises(openai.InternalServerError) as caught:
        front.sdk(max_retries=2).chat.completions.create(**chat_body("Hello"), stream=stream)

    assert caught.value.status_code == 502
    assert sum(len(emulator.requests) for emulator in stage.emulators.values()) <= 3
    assert len(front.seen) == 1


LONG = "rate_limit=3600"
UNLUCKY = [
    ([LONG], 3),
    (["rate_limit=0"], 24),  # each of the three requests waits for a slot, and probes the key meanwhile
    (["error_500"], 3),
    (["overloaded"], 3),
    (["error_in_200"], 3),
    (["reset"], 4),  # the first reset of a kept connection is taken for its age
    (["bad_key"], 1),
    (["quota"], 1),
    ([f"{LONG}@1", *(f"error_500@{n}" for n in range(2, 9))], 3),
    ([f"{LONG}@1", f"{LONG}@2", *(f"error_500@{n}" for n in range(3, 9))], 3),
]


@pytest.mark.parametrize("vendor", ["kimi", "qwen"])
@pytest.mark.parametrize(
    ("faults", "most"), UNLUCKY, ids=[row[0][-1].partition("@")[0] + str(len(row[0])) for row in UNLUCKY]
)
def test_with_the_sdks_own_retries_on_top_the_vendor_is_called_three_times_at_most(
    stage: Stage, start: Start, monkeypatch: pytest.MonkeyPatch, vendor: str, faults: list[str], most: int
) -> None:
    if GENERATION == 1 and len(faults) > 1:
        most = 5  # that SDK does not say which try it is
    front = start(vendor)
    stage.emulators[vendor].set_faults(faults)
    real = time.sleep
    monkeypatch.setattr(time, "sleep", lambda s: real(min(s, 0.01)))

    with pytest.raises(openai.APIStatusError):
        front.sdk(max_retries=2).chat.completions.create(**chat_body("Hello"))

    assert 1 <= len(stage.emulators[vendor].requests) <= most
