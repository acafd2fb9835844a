"""Several choices from several calls: in any order of arrival each choice is from one call, or the request fails."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.core.event import WHOLE
from adapters.core.failures import Refused
from adapters.core.request import ApiRequest
from adapters.core.vendor import Plan
from adapters.core.wire import Data, End, Head
from adapters.emulations.fan_out import AT_ONCE, MergedFanOut, StreamedFanOut
from adapters.planning import MOST_CALLS, MOST_CHOICES, plan
from adapters.translations.completions_as_chat import as_chat
from tests.adapters.add_up import add_up
from tests.adapters.play import Play, chat_plan, target
from tests.support.effort import examples

JSON = [(b"content-type", b"application/json")]
SSE = [(b"content-type", b"text/event-stream")]
WORDS = ("one ", "two ", "three")


def whole(id_: int, *, choices: int = 1) -> bytes:
    """A vendor's answer: the text of each choice names its call."""
    made = [{"index": at, "message": {"content": f"call {id_}.{at}"}, "finish_reason": "stop"} for at in range(choices)]
    usage = {
        "prompt_tokens": 3,
        "completion_tokens": 2,
        "total_tokens": 5,
        "prompt_tokens_details": {"cached_tokens": 1},
    }
    return orjson.dumps({"id": f"v-{id_}", "created": id_, "model": "m", "choices": made, "usage": usage})


def pieces(id_: int) -> list[bytes]:
    """A vendor's stream, an event each: the text names its call."""
    chunks: list[Any] = [
        {"id": f"v-{id_}", "created": id_, "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}
        for text in (f"call {id_}: ", *WORDS)
    ]
    chunks.append({"id": f"v-{id_}", "created": id_, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    chunks.append({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}})
    return [b"data: " + orjson.dumps(chunk) + b"\n\n" for chunk in chunks] + [b"data: [DONE]\n\n"]


def prompts(count: int, vendor: str = "kimi", model: str = "kimi-k2.6", **fields: Any) -> Plan:
    """A completion of so many prompts, planned."""
    stream = fields.get("stream") is True
    asked = {"prompt": [f"p{at}" for at in range(count)], **fields}
    return plan(as_chat(ApiRequest("completions", "gpt-4o", asked, stream)), target(vendor, model))


@settings(max_examples=examples(100), deadline=None)
@given(st.integers(2, MOST_CHOICES), st.data())
def test_whole_answers_in_any_order_are_put_together_in_order(n: int, data: st.DataObject) -> None:
    play = Play(chat_plan(stream=False, n=n))
    assert type(play.exchange) is MergedFanOut
    while play.end is None:
        assert len(play.open) <= AT_ONCE
        assert play.events == []
        id_ = data.draw(st.sampled_from(sorted(play.open)))
        play.got(Head(id_, 200, JSON)).data(whole(id_), id_=id_).over(id_=id_)

    assert play.done
    (event,) = play.events
    assert event.kind is WHOLE
    assert [choice["index"] for choice in event.data["choices"]] == list(range(n))
    assert [choice["message"]["content"] for choice in event.data["choices"]] == [
        f"call {at}.0" for at in range(1, n + 1)
    ]
    told = event.data["usage"]
    assert (told["prompt_tokens"], told["completion_tokens"], told["total_tokens"]) == (3 * n, 2 * n, 5 * n)
    assert told["prompt_tokens_details"]["cached_tokens"] == n
    assert sum(usage.prompt for usage in play.spent.values()) == 3 * n
    assert all("n" not in orjson.loads(send.call.body) for send in play.sends)


@settings(max_examples=examples(100), deadline=None)
@given(st.integers(2, 7), st.data())
def test_streams_interleaved_in_any_way_add_up_to_their_own_choice(n: int, data: st.DataObject) -> None:
    play = Play(chat_plan(n=n))
    assert type(play.exchange) is StreamedFanOut
    left: dict[int, list[Any]] = {}
    while play.end is None:
        for id_ in play.open:
            left.setdefault(id_, [Head(id_, 200, SSE), *(Data(id_, one) for one in pieces(id_)), End(id_)])
        play.got(left[data.draw(st.sampled_from(sorted(play.open)))].pop(0))

    assert play.done
    choices = add_up(play.events)
    assert [choices[at]["message"]["content"] for at in range(n)] == [
        f"call {at}: " + "".join(WORDS) for at in range(1, n + 1)
    ]
    assert {choice["finish_reason"] for choice in choices.values()} == {"stop"}
    assert len({(event.data["id"], event.data["created"], event.data["model"]) for event in play.events}) == 1
    roles = [c["index"] for event in play.events for c in event.data["choices"] if c["delta"].get("role")]
    assert sorted(roles) == list(range(n)), "each choice names its role once"
    assert sum(usage.prompt for usage in play.spent.values()) == 3 * n
    assert play.closed == [], "a line that ends by itself keeps its connection"


def test_a_piece_is_passed_on_in_the_read_that_brought_it() -> None:
    assert StreamedFanOut.holds == "NONE"
    play = Play(chat_plan(n=2))
    play.got(Head(2, 200, SSE)).data(pieces(2)[0], id_=2)
    assert [choice["index"] for event in play.events for choice in event.data["choices"]] == [1]


@pytest.mark.parametrize("how", ["reset", 400, 429, "truncated"])
@pytest.mark.parametrize("stream", [False, True])
def test_one_call_that_fails_fails_the_whole(how: Any, stream: bool) -> None:
    play = Play(chat_plan(stream=stream, n=3))
    play.got(Head(1, 200, SSE if stream else JSON)).data(b"".join(pieces(1)) if stream else whole(1), id_=1)
    if how == "reset":
        play.lost(id_=2)
    elif how == "truncated":
        play.got(Head(2, 200, SSE if stream else JSON)).over(id_=2)
    else:
        play.got(Head(2, how, JSON)).data(b'{"error":{"message":"no"}}', id_=2).over(id_=2)
    kinds = {"reset": "vendor_error", 400: "bad_request", 429: "rate_limited", "truncated": "invalid_response"}
    assert play.failure.kind == kinds[how]
    play.got(Head(3, 200, JSON)).data(whole(3), id_=3).over(id_=3)  # heard no more: Play sees to it


@pytest.mark.unjudged("whole answers for a stream, one a choice: the front makes chunks of them")
def test_a_whole_answer_to_a_streamed_call_has_its_choices_counted_too() -> None:
    play = Play(chat_plan(n=2))
    for id_ in (2, 1):
        play.got(Head(id_, 200, JSON)).data(whole(id_), id_=id_).over(id_=id_)
    assert play.done
    found = {c["index"]: c["message"]["content"] for event in play.events for c in event.data["choices"]}
    assert found == {0: "call 1.0", 1: "call 2.0"}
    assert len({event.data["id"] for event in play.events}) == 1


def test_a_choice_that_was_not_requested_replaces_no_other() -> None:
    play = Play(chat_plan(stream=False, n=2))
    for id_ in (1, 2):
        play.got(Head(id_, 200, JSON)).data(whole(id_, choices=2), id_=id_).over(id_=id_)
    assert [c["message"]["content"] for c in play.events[0].data["choices"]] == ["call 1.0", "call 2.0"]


def test_a_seed_is_counted_on_so_that_choices_differ_and_can_be_had_again() -> None:
    sends = Play(chat_plan("qwen", model="qwen-plus", stream=False, n=6, seed=2**31 - 2)).sends
    seeds = [orjson.loads(send.call.body)["seed"] for send in sends]
    assert seeds == [2**31 - 2, 2**31 - 1, 0, 1]


def test_ids_that_are_made_from_the_answers_own_differ_between_choices() -> None:
    calls = [{"id": "get:0", "function": {"name": "get", "arguments": "{}"}}]
    body = {"choices": [{"message": {"tool_calls": calls}, "finish_reason": "tool_calls"}]}
    play = Play(chat_plan(stream=False, n=3))
    for id_ in (1, 2, 3):
        play.json(body, id_=id_)
    ids = [call["id"] for choice in play.events[0].data["choices"] for call in choice["message"]["tool_calls"]]
    assert len(set(ids)) == 3


# --- several prompts ----------------------------------------------------------------------------------------------


def contents(play: Play) -> list[str]:
    """The prompt of each call, in the order in which they were made."""
    return [orjson.loads(send.call.body)["messages"][-1]["content"] for send in play.sends]


@pytest.mark.parametrize(("count", "n"), [(3, 1), (2, 3), (6, 2)])
def test_choices_stand_prompt_by_prompt(count: int, n: int) -> None:
    play = Play(prompts(count, n=n))
    while play.end is None:
        id_ = max(play.open)
        play.got(Head(id_, 200, JSON)).data(whole(id_), id_=id_).over(id_=id_)
    assert contents(play) == [f"p{at}" for at in range(count) for _ in range(n)]
    texts = [choice["message"]["content"] for choice in play.events[0].data["choices"]]
    assert texts == [f"call {at}.0" for at in range(1, count * n + 1)]


def test_a_vendor_that_supports_n_is_called_once_per_prompt() -> None:
    play = Play(prompts(3, "qwen", "qwen-plus", n=2))
    assert [orjson.loads(send.call.body)["n"] for send in play.sends] == [2, 2, 2]
    for id_ in (3, 1, 2):
        play.got(Head(id_, 200, JSON)).data(whole(id_, choices=2), id_=id_).over(id_=id_)
    choices = play.events[0].data["choices"]
    assert [choice["index"] for choice in choices] == list(range(6))
    assert [choice["message"]["content"] for choice in choices] == [
        f"call {id_}.{at}" for id_ in (1, 2, 3) for at in (0, 1)
    ]


def test_a_failure_names_its_prompt() -> None:
    play = Play(prompts(2, n=2)).lost(id_=3)
    assert play.failure.message.startswith("(prompt 1) ")


def test_calls_are_capped() -> None:
    with pytest.raises(Refused) as raised:
        chat_plan(n=MOST_CHOICES + 1)
    assert raised.value.param == "n"
    assert len(prompts(MOST_CALLS).further_requests) == MOST_CALLS - 1
    with pytest.raises(Refused) as raised:
        prompts(MOST_CALLS + 1)
    assert raised.value.param == "prompt"
    with pytest.raises(Refused) as raised:
        prompts(MOST_CALLS // 2 + 1, n=2)
    assert raised.value.param == "prompt"


def test_one_prompt_and_one_choice_are_one_call_without_a_wrapper() -> None:
    assert not isinstance(Play(prompts(1)).exchange, (StreamedFanOut, MergedFanOut))
    assert not isinstance(Play(chat_plan(n=1)).exchange, (StreamedFanOut, MergedFanOut))
