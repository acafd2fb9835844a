"""Stop sequences that a vendor does not support are emulated; the client sees no difference."""

from collections.abc import Callable
from typing import Any

import openai
import pytest

from tests.support.client_stage import Front, Site, Stage, adapted, chat_body, text_of, until

Start = Callable[..., Front]
LONG = "w20 w21 w22 w23 w24 w25 w26 w27 w28"
"""Over the 32 bytes that some vendors take."""
WORDS = "emulator:words=60"
BEFORE = " ".join(f"w{at}" for at in range(1, 20)) + " "


@pytest.mark.parametrize("stop", [LONG, [LONG], ["never", LONG], ["w31", LONG]], ids=str)
def test_a_long_stop_string_cuts_before_the_match_whole_and_streamed(site: Site, stop: Any) -> None:
    response = site.raw(WORDS, stop=stop)
    (choice,) = response.parse().choices
    chunks = site.stream(WORDS, stop=stop)

    assert (choice.message.content, choice.finish_reason) == (BEFORE, "stop")
    assert text_of(chunks) == BEFORE
    assert [c.finish_reason for chunk in chunks for c in chunk.choices if c.finish_reason] == ["stop"]
    if site.calls[0].body.get("stop") not in (stop, [stop]):
        assert adapted(response)["stop"] == "emulated"


def test_a_short_string_beside_a_long_one_still_stops_the_vendor(site: Site) -> None:
    stop = ["w5 ", LONG]
    response = site.raw(WORDS, stop=stop)
    (choice,) = response.parse().choices

    assert (choice.message.content, choice.finish_reason) == ("w1 w2 w3 w4 ", "stop")
    if "stop" not in site.calls[-1].body:
        assert site.plan(WORDS, stop=["w5 "]).adaptations["stop"].word == "emulated", "the vendor takes the short one"
        assert adapted(response)["stop"] == "emulated"
        return
    assert site.calls[-1].body["stop"] in (["w5 "], stop)


@pytest.mark.parametrize(("vendor", "sent", "reported"), [("kimi", ["w5 "], "emulated"), ("qwen", ["w5 ", LONG], None)])
def test_a_long_string_is_sent_only_to_a_vendor_that_takes_it(
    stage: Stage, start: Start, vendor: str, sent: list[str], reported: str | None
) -> None:
    front = start(vendor)
    site = Site(vendor, stage.emulators[vendor], front, front.sdk())

    response = site.raw(WORDS, stop=["w5 ", LONG])

    assert (site.calls[-1].body["stop"], adapted(response).get("stop")) == (sent, reported)


def test_stops_that_never_match_change_nothing(site: Site) -> None:
    never = "x" * 40
    whole = site.chat(WORDS, stop=never).choices[0].message.content

    assert whole == " ".join(f"w{at}" for at in range(1, 61))
    assert text_of(site.stream(WORDS, stop=never)) == whole


def test_a_match_ends_the_vendors_stream_and_the_usage_is_still_reported(site: Site) -> None:
    stop = LONG
    chunks = site.stream("emulator:words=500,gap=5", stop=stop, stream_options={"include_usage": True})

    assert text_of(chunks) == BEFORE
    assert chunks[-1].choices == []
    assert chunks[-1].usage.completion_tokens > 0
    until(lambda: site.emulator.active == 0)
    if "stop" not in site.calls[-1].body:
        assert site.calls[-1].ending == "gone", "the vendor went on writing what nobody reads"


def test_every_choice_is_cut(site: Site) -> None:
    answer = site.chat(WORDS, stop=LONG, n=3)
    texts = dict.fromkeys(range(3), "")
    for chunk in site.stream(WORDS, stop=LONG, n=3):
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""

    assert [choice.message.content for choice in answer.choices] == [BEFORE] * 3
    assert texts == dict.fromkeys(range(3), BEFORE)


def test_switched_off_it_is_refused_with_the_cure(start: Start) -> None:
    front = start("kimi", policy={"emulate": {"stop": "off"}})

    with pytest.raises(openai.BadRequestError) as caught:
        front.sdk().chat.completions.create(**chat_body(WORDS, stop=LONG))

    assert (caught.value.param, caught.value.code) == ("stop", "unsupported_parameter")
    assert "policy.emulate" in caught.value.message
    assert front.sdk().chat.completions.create(**chat_body(WORDS, stop="w2")).choices[0].message.content == "w1 "
