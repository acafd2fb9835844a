"""Emulated stop sequences: however a stream is split, the text ends where the first match begins."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.core.event import Event
from adapters.core.vendor import Plan
from adapters.core.wire import Head
from adapters.emulations.stop import StopWrapper, find
from tests.adapters.add_up import add_up
from tests.adapters.play import Play, chat_plan

SSE = [(b"content-type", b"text/event-stream")]


def planned(stops: list[str], *, stream: bool = True, n: int = 1) -> Plan:
    """A request with emulated stop sequences: Kimi accepts 32 bytes, so one is longer."""
    model = "kimi-k2.6" if n == 1 else "moonshot-v1-8k"
    made = chat_plan(model=model, stream=stream, stop=["x" * 33], n=n)
    return made._replace(emulations={"stop": stops})


def chunk(delta: dict[str, Any], finish: str | None = None, *, at: int = 0, **more: Any) -> dict[str, Any]:
    return {"id": "c", "created": 1, "choices": [{"index": at, "delta": delta, "finish_reason": finish, **more}]}


def streamed(stops: list[str], texts: list[str], finish: str = "stop") -> Play:
    """A stream of these pieces of text; it ends where the wrapper ends it."""
    play = Play(planned(stops)).head()
    for payload in [*(chunk({"content": text}) for text in texts), chunk({}, finish), "[DONE]"]:
        if play.end is None:
            play.sse(payload)
    return play


def content(events: list[Event], at: int = 0) -> tuple[str, str | None]:
    choice = add_up(events)[at]
    return choice["message"].get("content") or "", choice["finish_reason"]


def naive(text: str, stops: list[str]) -> str | None:
    """Return the text of a model that writes letter by letter until a stop; None if it is never stopped."""
    for end in range(1, len(text) + 1):
        begins = [end - len(stop) for stop in stops if text[:end].endswith(stop)]
        if begins:
            return text[: min(begins)]
    return None


letters = st.text("ab", max_size=12)
some_stops = st.lists(st.text("ab", min_size=1, max_size=4), min_size=1, max_size=4)


@settings(max_examples=400, deadline=None)
@given(letters, some_stops)
def test_the_match_that_ends_first_counts(text: str, stops: list[str]) -> None:
    at = find(text, tuple(stops))
    assert (None if at is None else text[:at]) == naive(text, stops)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.text("ab", max_size=4), max_size=8), some_stops, st.sampled_from(["stop", "length"]))
def test_however_the_text_is_cut_into_pieces_the_same_of_it_is_shown(
    pieces: list[str], stops: list[str], finish: str
) -> None:
    text = "".join(pieces)
    cut = naive(text, stops)
    play = streamed(stops, pieces, finish)

    assert play.done
    assert content(play.events) == ((text, finish) if cut is None else (cut, "stop"))
    whole = Play(planned(stops, stream=False)).json(
        {"choices": [{"message": {"content": text}, "finish_reason": finish}], "usage": {"prompt_tokens": 1}}
    )
    (choice,) = whole.events[0].data["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == content(play.events)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_every_cut_of_the_bytes_gives_the_same(data: st.DataObject) -> None:
    body = b"".join(
        b"data: " + orjson.dumps(one) + b"\n\n" for one in [chunk({"content": "搬家 EN"}), chunk({"content": "D 了"}), chunk({}, "stop")]
    ) + b"data: [DONE]\n\n"  # fmt: skip
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=4)))
    play = Play(planned(["END"])).head()
    for begin, end in zip([0, *cuts], [*cuts, len(body)], strict=True):
        if play.end is None:
            play.data(body[begin:end])
    assert content(play.events) == ("搬家 ", "stop")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text("ab", min_size=1, max_size=3), min_size=1, max_size=8), some_stops)
def test_no_more_is_held_back_than_the_beginning_of_a_match(pieces: list[str], stops: list[str]) -> None:
    assert StopWrapper.holds == "TAIL"
    play = Play(planned(stops)).head()
    sent = ""
    for text in pieces:
        if play.end is None:
            play.sse(chunk({"content": text}))
            sent += text
            if naive(sent, stops) is None:
                shown = content(play.events)[0] if play.events else ""
                assert sent.startswith(shown)
                assert len(sent) - len(shown) < max(map(len, stops))


def test_the_call_is_closed_when_the_answer_is_complete() -> None:
    play = Play(planned(["END"])).head().sse(chunk({"content": "a EN"}), chunk({"content": "D b"}))
    assert play.done
    assert play.closed == [1]
    assert play.spent == {}, "what was not told is for the driver to estimate"


def test_usage_in_the_read_with_the_match_is_still_reported() -> None:
    usage = {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 9}}
    body = b"".join(
        b"data: " + orjson.dumps(one) + b"\n\n" for one in [chunk({"content": "a END b"}), chunk({}, "stop"), usage]
    )
    play = Play(planned(["END"])).head().data(body + b"data: [DONE]\n\n")
    assert play.done
    assert play.spent[1][:2] == (3, 9)
    assert content(play.events) == ("a ", "stop")


def test_what_fails_behind_the_match_fails_unseen() -> None:
    body = b"".join(
        b"data: " + orjson.dumps(one) + b"\n\n" for one in [chunk({"content": "a END b"}), {"error": {"message": "x"}}]
    )
    assert Play(planned(["END"])).head().data(body).done


def test_what_fails_before_a_match_fails() -> None:
    assert Play(planned(["END"])).head().sse(chunk({"content": "a EN"})).over().failure.kind == "truncated"


def test_one_choice_is_cut_and_the_other_goes_on() -> None:
    play = Play(planned(["END"], n=2)).head()
    play.sse(chunk({"content": "a END"}), chunk({"content": "b"}, at=1))
    assert play.end is None
    play.sse(chunk({"content": "more"}), chunk({"content": " c"}, at=1), chunk({}, "length", at=1))
    assert play.done
    assert content(play.events, 0) == ("a ", "stop")
    assert content(play.events, 1) == ("b c", "length")


@pytest.mark.parametrize("first", [True, False])
def test_the_match_may_stand_in_the_first_and_in_the_last_event(first: bool) -> None:
    texts = ["END b", "c"] if first else ["b", " END"]
    assert content(streamed(["END"], texts).events) == ("" if first else "b ", "stop")
    play = Play(planned(["END"])).head().sse(chunk({"content": "b END"}, "stop"))
    assert content(play.events) == ("b ", "stop")


def test_role_and_reasoning_and_calls_pass_beside_what_is_held() -> None:
    call = [{"index": 0, "id": "c", "type": "function", "function": {"name": "END", "arguments": '"END"'}}]
    play = Play(planned(["END"])).head()
    play.sse(chunk({"role": "assistant", "content": ""}), chunk({"reasoning_content": "END"}), chunk({"content": "EN"}))
    play.sse(chunk({"tool_calls": call}), chunk({}, "tool_calls"), "[DONE]")
    assert play.done
    message = add_up(play.events)[0]["message"]
    assert (message["role"], message["reasoning_content"], message["content"]) == ("assistant", "END", "EN")
    assert message["tool_calls"][0]["function"] == {"name": "END", "arguments": '"END"'}


def test_log_probabilities_are_those_of_the_text_that_is_shown() -> None:
    def told(*tokens: str) -> dict[str, Any]:
        return {"content": [{"token": token, "logprob": 0.0} for token in tokens], "refusal": None}

    play = Play(planned(["END"])).head()
    play.sse(chunk({"content": "a EN"}, logprobs=told("a", " E", "N")), chunk({"content": "D"}, logprobs=told("D")))
    assert play.done
    tokens = [one["token"] for event in play.events for c in event.data["choices"] if c.get("logprobs")
              for one in c["logprobs"]["content"]]  # fmt: skip
    assert tokens == ["a", " E"]
    whole = Play(planned(["END"], stream=False)).json(
        {"choices": [{"message": {"content": "a END"}, "finish_reason": "stop", "logprobs": told("a", " E", "N", "D")}]}
    )
    assert [one["token"] for one in whole.events[0].data["choices"][0]["logprobs"]["content"]] == ["a", " E"]


def test_a_whole_answer_to_a_streamed_call_is_cut_too() -> None:
    play = Play(planned(["END"])).json({"choices": [{"message": {"content": "a END b"}, "finish_reason": "length"}]})
    (choice,) = play.events[0].data["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("a ", "stop")


def test_only_long_strings_are_left_to_us() -> None:
    assert type(Play(chat_plan(stop=["short"])).exchange) is not StopWrapper
    made = chat_plan(stop=["short", "l" * 33])
    assert made.adaptations["stop"].word == "emulated"
    play = Play(made)
    assert type(play.exchange) is StopWrapper
    assert orjson.loads(play.sends[0].call.body)["stop"] == ["short"]
    assert "stop" not in orjson.loads(Play(chat_plan(stop="l" * 33)).sends[0].call.body)


def test_an_empty_stop_string_matches_nothing() -> None:
    made = planned([""])
    assert type(Play(made).got(Head(1, 200, SSE)).exchange) is not StopWrapper
