"""Emulated response formats: the answer is exactly the JSON that was requested, or a failure that says what is wrong."""

from typing import Any

import orjson
import pytest

from adapters.core.failures import Refused
from adapters.core.vendor import Plan
from adapters.emulations.structured_output import json_text
from tests.adapters.play import Play, chat_plan

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "degrees": {"type": "integer"}},
    "required": ["city", "degrees"],
    "additionalProperties": False,
}
FORMAT = {"type": "json_schema", "json_schema": {"name": "weather", "schema": SCHEMA}}
GOOD = '{"city": "Oslo", "degrees": 3}'
BAD = '{"city": "Oslo"}'


def planned(**fields: Any) -> Plan:
    return chat_plan("qwen", **{"stream": False, "response_format": FORMAT, **fields})


def body(content: str | None, finish: str = "stop", **message: Any) -> dict[str, Any]:
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": content, **message},
        "finish_reason": finish,
    }
    return {"id": "c", "created": 1, "choices": [choice], "usage": {"prompt_tokens": 7, "completion_tokens": 2}}


def answered(*bodies: dict[str, Any], plan: Plan | None = None) -> Play:
    """Play a request that is answered by these bodies, one call each."""
    play = Play(plan or planned())
    for one in bodies:
        play.json(one, id_=play.sends[-1].id)
    return play


def content(play: Play) -> Any:
    (event,) = play.events
    return event.data["choices"][0]["message"]["content"]


@pytest.mark.parametrize(
    "sent",
    [GOOD, f"  {GOOD}\n", f"```json\n{GOOD}\n```", f"```\n{GOOD}```", f"\n```JSON\r\n{GOOD}\r\n```\n"],
)
def test_spaces_and_one_code_fence_around_the_json_are_removed(sent: str) -> None:
    play = answered(body(sent))
    assert content(play) == GOOD
    assert play.done


@pytest.mark.parametrize(
    "sent", [f"Here it is: {GOOD}", f"```json\n{GOOD}\n```\nDone.", "", " ", BAD, "[]", "```\n```"]
)
def test_other_content_is_repaired_by_one_call(sent: str) -> None:
    play = answered(body(sent), body(GOOD))
    assert content(play) == GOOD
    assert len(play.sends) == 2
    assert play.sends[1].optional
    assert play.events[0].data["usage"]["total_tokens"] == 18


def test_the_repair_shows_the_model_its_answer_and_what_is_wrong() -> None:
    play = answered(body(BAD), body(GOOD))
    first, second = (orjson.loads(send.call.body) for send in play.sends)
    assert second["messages"][:-2] == first["messages"]
    answer, instruction = second["messages"][-2:]
    assert answer == {"role": "assistant", "content": BAD}
    assert instruction["role"] == "user"
    assert '"degrees" is a required property' in instruction["content"]
    assert second["response_format"] == {"type": "json_object"}


def test_after_an_empty_answer_the_same_call_is_made_again() -> None:
    play = answered(body(""), body(GOOD))
    assert play.sends[0].call.body == play.sends[1].call.body


def test_a_second_invalid_answer_is_a_502_that_names_what_is_wrong() -> None:
    play = answered(body(BAD), body('{"city": 1, "degrees": 3}'))
    assert (play.failure.status, play.failure.code) == (502, "upstream_invalid_response")
    assert ".city" in play.failure.message
    assert play.events == []


def test_no_more_than_200_characters_of_the_answer_are_in_the_failure() -> None:
    play = answered(body("x" * 5_000), body('{"city": "' + "y" * 5_000 + '", "degrees": "' + "z" * 5_000 + '"}'))
    assert len(play.failure.message) < 400


@pytest.mark.parametrize("finish", ["length", "content_filter"])
def test_an_answer_that_was_cut_off_passes_as_it_came(finish: str) -> None:
    play = answered(body(' {"city": "Os', finish))
    assert content(play) == ' {"city": "Os'
    assert play.events[0].data["choices"][0]["finish_reason"] == finish


def test_refusals_and_tool_calls_pass_as_they_came() -> None:
    play = answered(body(None, refusal="I won't."))
    assert play.events[0].data["choices"][0]["message"]["refusal"] == "I won't."
    call = {"id": "x", "type": "function", "function": {"name": "get", "arguments": "{}"}}
    play = answered(body("I call", "tool_calls", tool_calls=[call]))
    assert content(play) == "I call"


def test_a_prompt_that_is_too_large_is_not_repaired() -> None:
    large = planned(messages=[{"role": "user", "content": "x" * 80_000}])
    play = answered(body(BAD), plan=large)
    assert play.failure.kind == "invalid_response"
    assert len(play.sends) == 1
    off = planned(settings={"repair_max_tokens": 0})
    assert answered(body(BAD), plan=off).failure.kind == "invalid_response"


def test_each_of_several_choices_is_checked_by_itself() -> None:
    play = Play(planned(n=2))
    assert [send.optional for send in play.sends] == [False, False]
    assert all("n" not in orjson.loads(send.call.body) for send in play.sends)
    play.json(body(BAD), id_=play.sends[0].id).json(body(GOOD), id_=play.sends[1].id)
    assert [send.optional for send in play.sends] == [False, False, True]
    play.json(body(f"```\n{GOOD}\n```"), id_=play.sends[2].id)
    assert play.done
    (event,) = play.events
    assert [choice["message"]["content"] for choice in event.data["choices"]] == [GOOD, GOOD]
    assert event.data["usage"]["total_tokens"] == 27


def test_emulated_stop_strings_cut_the_answer_before_it_is_checked() -> None:
    plan = planned()
    plan = plan._replace(emulations={**plan.emulations, "stop": ["END"]})
    assert content(answered(body(f"{GOOD}END more"), plan=plan)) == GOOD


@pytest.mark.parametrize(
    ("vendor", "model"),
    [
        ("deepseek", "deepseek-v4-flash"),
        ("ernie", "ernie-x1.1"),
        ("hunyuan", "hy4"),
        ("hunyuan_classic", "hunyuan-turbos-latest"),
        ("kimi", "moonshot-v1-8k"),
        ("qwen", "qwen-plus"),
    ],
)
def test_a_client_that_streams_gets_the_checked_answer_whole(vendor: str, model: str) -> None:
    play = Play(chat_plan(vendor, model, stream=True, shipped=True, response_format=FORMAT))
    assert "response_format" in play.plan.emulations
    sent = orjson.loads(play.sends[0].call.body)
    assert not {"stream", "stream_options"} & sent.keys()
    assert not play.sends[0].call.streams
    play.json(body(GOOD))
    assert content(play) == GOOD


def test_a_model_that_only_streams_is_joined_and_checked_at_every_cut() -> None:
    plan = chat_plan("qwen", "qwq-plus", stream=True, response_format=FORMAT)
    assert set(plan.emulations) == {"response_format", "stream"}
    chunks = [
        {"id": "c", "created": 1, "choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]}
        for piece in ("```json\n", GOOD[:9], GOOD[9:], "\n```")
    ]
    last = {"id": "c", "created": 1, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    wire = b"".join(b"data: " + orjson.dumps(one) + b"\n\n" for one in [*chunks, last]) + b"data: [DONE]\n\n"
    for at in range(len(wire) + 1):
        play = Play(plan).head(200, "text/event-stream").data(wire[:at])
        if play.end is None:
            play.data(wire[at:])
        assert content(play) == GOOD


def test_with_the_emulation_off_the_field_is_refused_with_the_cure() -> None:
    with pytest.raises(Refused) as caught:
        planned(settings={"disabled_emulations": frozenset({"response_format"})})
    assert caught.value.param == "response_format"
    assert "emulate: {response_format: on}" in caught.value.message


def test_the_emulation_is_reported_and_strict_allows_it() -> None:
    assert planned(settings={"strict": True}).adaptations["response_format"].word == "emulated"


@pytest.mark.parametrize("text", ["a ```json\n1\n```", "```json\n1", "``` 1 ```", "```a b\n1\n```"])
def test_text_that_is_not_one_fence_stays(text: str) -> None:
    assert json_text(text) == text
