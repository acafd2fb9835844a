"""Checked responses: what a checker rejects is requested once more with an optional call, else it is a failure."""

from itertools import count
from typing import Any

import orjson
import pytest

from adapters.core.event import Event
from adapters.core.exchange import Do, Done, Emit, Fail, Send, Spent
from adapters.core.message import Message
from adapters.core.request import ApiRequest, AttemptIds
from adapters.core.vendor import Plan
from adapters.core.wire import Data, End, Head, Lost
from adapters.emulations.checked_response import CheckedResponse
from tests.adapters.play import SEED, chat_plan


class WordChecker:
    """Accepts the word ``good``; ``repairs``: whether a repair is requested."""

    def __init__(self, *, repairs: bool = True) -> None:
        self.repairs = repairs

    def check(self, event: Event) -> Message | None:
        content = event.data["choices"][0]["message"]["content"]
        return None if content == "good" else Message("the word is {word}", word=content)

    def repair(self, request: ApiRequest, event: Event, problem: Message) -> ApiRequest | None:
        return request.with_fields({**request.fields, "again": str(problem)}) if self.repairs else None


class Script:
    """Drives one checked exchange by hand."""

    def __init__(self, *, repairs: bool = True) -> None:
        plan: Plan = chat_plan("qwen", stream=False)
        ids = AttemptIds(count(1), *SEED)
        self.exchange = CheckedResponse(plan.op.codec(plan), plan.request, ids, WordChecker(repairs=repairs), "Qwen")
        self.dos: list[Do] = self.exchange.start()

    @property
    def sends(self) -> list[Send]:
        return [do for do in self.dos if type(do) is Send]

    def answer(self, content: str, prompt: int = 7, completion: int = 2, *, status: int = 200) -> "Script":
        id_ = self.sends[-1].id
        choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
        usage = {"prompt_tokens": prompt, "completion_tokens": completion}
        body = {"choices": [choice], "usage": usage} if status == 200 else {"error": {"message": content}}
        for got in (Head(id_, status, []), Data(id_, orjson.dumps(body)), End(id_)):
            self.dos += self.exchange.feed(got)
        return self

    @property
    def body(self) -> dict[str, Any]:
        (emit,) = [do for do in self.dos if type(do) is Emit]
        return dict(emit.events[0].data)

    @property
    def failure(self) -> Any:
        (fail,) = [do for do in self.dos if type(do) is Fail]
        return fail.failure


def test_a_response_as_requested_takes_one_call_and_passes_unchanged() -> None:
    play = Script().answer("good")
    assert [send.optional for send in play.sends] == [False]
    assert play.body["usage"]["total_tokens"] == 9
    assert type(play.dos[-1]) is Done


def test_the_repair_is_one_optional_call_and_the_usage_is_the_sum_of_both() -> None:
    play = Script().answer("bad").answer("good", 20, 3)
    assert [send.optional for send in play.sends] == [False, True]
    assert orjson.loads(play.sends[1].call.body)["again"] == "the word is bad"
    assert play.body["usage"] == {"prompt_tokens": 27, "completion_tokens": 5, "total_tokens": 32}
    assert [do.usage[:2] for do in play.dos if type(do) is Spent] == [(7, 2), (20, 3)]
    assert type(play.dos[-1]) is Done


def test_a_second_invalid_response_is_a_failure_that_names_what_is_wrong_with_it() -> None:
    play = Script().answer("bad").answer("worse")
    failure = play.failure
    assert (failure.kind, failure.status, failure.code) == ("invalid_response", 502, "upstream_invalid_response")
    assert failure.cause == "content"
    assert failure.message == "Qwen sent an invalid answer: the word is worse, also after one repair."
    assert len(play.sends) == 2
    assert len([do for do in play.dos if type(do) is Spent]) == 2


def test_without_a_repair_the_first_invalid_response_is_the_failure() -> None:
    play = Script(repairs=False).answer("bad")
    assert play.failure.message == "Qwen sent an invalid answer: the word is bad."
    assert len(play.sends) == 1


def test_a_declined_repair_gives_the_failure_of_the_first_response_with_the_reason() -> None:
    play = Script().answer("bad")
    play.dos += play.exchange.feed(Lost(play.sends[1].id, "declined", Message("no attempt is left")))
    assert play.failure.kind == "invalid_response"
    assert str(play.failure.message).startswith("Qwen sent an invalid answer: the word is bad. ")
    assert "no attempt is left" in play.failure.message


@pytest.mark.parametrize("status", [400, 401, 429, 500])
def test_a_failed_repair_is_an_invalid_response_and_not_the_fault_of_the_client_or_the_key(status: int) -> None:
    play = Script().answer("bad").answer("no", status=status)
    assert (play.failure.kind, play.failure.fault, play.failure.cause) == ("invalid_response", "vendor", "content")


def test_a_failed_first_call_fails_as_without_a_check() -> None:
    play = Script().answer("slow down", status=429)
    assert play.failure.kind == "rate_limited"
    assert len(play.sends) == 1
