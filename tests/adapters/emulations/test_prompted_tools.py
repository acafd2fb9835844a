"""Tools in the prompt: what is read as calls, what is repaired, and what reaches the client."""

import json
from random import Random
from typing import Any

import orjson
import pytest

from adapters.core.exchange import Done, Fail
from adapters.core.vendor import Plan
from tests.adapters.play import Play, chat_plan
from tests.support.judging import wanted_of  # noqa: F401 - judging is on for each Play

WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [
    {"type": "function", "function": {"name": "get_weather", "description": "d", "parameters": WEATHER}},
    {"type": "function", "function": {"name": "ping"}},
]
OSLO = {"name": "get_weather", "arguments": {"city": "Oslo"}}
PING = {"name": "ping", "arguments": {}}


def prompted(model: str = "qwen-long", vendor: str = "qwen", *, stream: bool = False, **fields: Any) -> Plan:
    return chat_plan(vendor, model, shipped=True, stream=stream, **{"tools": TOOLS, **fields})


def text(*calls: Any) -> str:
    return json.dumps({"tool_calls": list(calls)})


def answer(content: str, finish: str = "stop") -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": finish}
    return {"choices": [choice], "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}}


def played(plan: Plan, *contents: str) -> Play:
    play = Play(plan)
    for number, content in enumerate(contents, 1):
        play.json(answer(content), id_=number)
    return play


def choice_of(play: Play) -> Any:
    assert type(play.end) is Done, play.end
    return play.events[-1].data["choices"][0]


def calls_of(play: Play) -> list[tuple[str, Any]]:
    calls = choice_of(play)["message"].get("tool_calls") or []
    return [(call["function"]["name"], json.loads(call["function"]["arguments"])) for call in calls]


@pytest.mark.parametrize("form", ["{}", "\n {} \n", "```json\n{}\n```", "```\n{}\n```"])
@pytest.mark.parametrize("calls", [[OSLO], [PING], [OSLO, PING], [OSLO, OSLO]])
def test_an_object_with_calls_becomes_openais_calls(form: str, calls: list[Any]) -> None:
    play = played(prompted(), form.replace("{}", text(*calls)))
    assert calls_of(play) == [(call["name"], call["arguments"]) for call in calls]
    choice = choice_of(play)
    assert (choice["finish_reason"], choice["message"]["content"]) == ("tool_calls", None)
    ids = [call["id"] for call in choice["message"]["tool_calls"]]
    assert len(set(ids)) == len(calls)
    assert len(play.sends) == 1


@pytest.mark.parametrize(
    "content",
    ["It is cold.", f"Here: {text(OSLO)}", '{"answer": 1}', '[{"name": "ping"}]', "", "{}"],
)
def test_any_other_text_is_the_answer(content: str) -> None:
    choice = choice_of(played(prompted(), content))
    assert (choice["message"]["content"], choice["finish_reason"]) == (content, "stop")
    assert "tool_calls" not in choice["message"]


INVALID = {
    "unknown": text({"name": "get_lost", "arguments": {}}),
    "arguments": text({"name": "get_weather", "arguments": {"city": 4}}),
    "missing": text({"name": "get_weather", "arguments": {}}),
    "list": text({"name": "ping", "arguments": []}),
    "text": text({"name": "ping", "arguments": "{}"}),
    "second": text(OSLO, {"name": "get_weather", "arguments": {}}),
    "members": text({**OSLO, "id": 1}),
    "more": json.dumps({"tool_calls": [OSLO], "content": "x"}),
    "none": text(),
    "many": text(*[PING] * 129),
    "broken": text(OSLO)[:-1],
    "call": text("ping"),
    "trailing": f"{text(OSLO)} Done.",
}


@pytest.mark.parametrize("wrong", INVALID)
def test_an_invalid_call_is_repaired_once_and_otherwise_a_502(wrong: str) -> None:
    repaired = played(prompted(), INVALID[wrong], text(OSLO))
    assert calls_of(repaired) == [("get_weather", {"city": "Oslo"})]
    assert [send.optional for send in repaired.sends] == [False, True]
    turns = orjson.loads(repaired.sends[1].call.body)["messages"][-2:]
    assert turns[0] == {"role": "assistant", "content": INVALID[wrong]}
    assert turns[1]["content"].startswith("That answer is invalid: ")
    assert repaired.events[-1].data["usage"]["total_tokens"] == 20

    failed = played(prompted(), INVALID[wrong], INVALID[wrong]).end
    assert type(failed) is Fail
    assert (failed.failure.status, failed.failure.code) == (502, "upstream_invalid_response")
    assert played(prompted(settings={"unrepaired": frozenset({"tools"})}), INVALID[wrong]).end == Fail(
        played(prompted(settings={"repair_max_tokens": 1}), INVALID[wrong]).end.failure  # type: ignore[union-attr]
    )


@pytest.mark.parametrize("finish", ["length", "content_filter"])
def test_an_answer_that_was_cut_off_passes_as_it_came(finish: str) -> None:
    play = Play(prompted(tool_choice="required")).json(answer(INVALID["broken"], finish))
    assert choice_of(play)["message"]["content"] == INVALID["broken"]
    assert choice_of(play)["finish_reason"] == finish


NAMED = {"type": "function", "function": {"name": "ping"}}


@pytest.mark.parametrize(
    ("choice", "accepted", "rejected"),
    [
        ("auto", "Hello", None),
        ("required", text(OSLO), "Hello"),
        (NAMED, text(PING), text(OSLO)),
        (NAMED, text(PING), "Hi"),
    ],
)
def test_each_choice_is_honoured(choice: Any, accepted: str, rejected: str | None) -> None:
    assert len(played(prompted(tool_choice=choice), accepted).sends) == 1
    if rejected is not None:
        play = played(prompted(tool_choice=choice), rejected, accepted)
        assert len(play.sends) == 2
        assert type(play.end) is Done


def test_none_offers_nothing_and_reads_nothing() -> None:
    plan = prompted(tool_choice="none", stream=True)
    assert plan.emulations == {}
    assert plan.request.fields["messages"] == [{"role": "user", "content": "Hello"}]
    assert plan.request.stream
    assert plan.adaptations["tools"].word == plan.adaptations["tool_choice"].word == "mapped"


def test_parallel_tool_calls_false_gives_the_first_call() -> None:
    plan = prompted(parallel_tool_calls=False)
    assert plan.adaptations["parallel_tool_calls"].word == "emulated"
    assert "at most one function" in plan.request.fields["messages"][0]["content"]
    assert calls_of(played(plan, text(OSLO, PING))) == [("get_weather", {"city": "Oslo"})]


def test_the_answer_is_the_same_wherever_its_bytes_are_cut() -> None:
    body = orjson.dumps(answer(text(OSLO, PING)))
    whole = played(prompted(), text(OSLO, PING)).events[-1].raw
    for at in range(len(body) + 1):
        play = Play(prompted()).head(kind="application/json").data(body[:at]).data(body[at:]).over()
        assert play.events[-1].raw == whole


def test_a_stream_is_requested_whole_and_each_choice_takes_a_call_of_its_own() -> None:
    plan = prompted(stream=True, n=2, stop=["END"])
    play = Play(plan)
    assert [orjson.loads(send.call.body).get("stream") for send in play.sends] == [None, None]
    play.json(answer(text(OSLO)), id_=1).json(answer("It is cold. END never"), id_=2)
    (event,) = play.events
    first, second = event.data["choices"]
    assert first["finish_reason"] == "tool_calls"
    assert second["index"] == 1
    assert not second["message"].get("tool_calls")


def test_with_a_schema_the_answer_is_a_call_or_matches_it_and_there_is_one_repair_for_both() -> None:
    schema = {"type": "json_schema", "json_schema": {"name": "x", "schema": WEATHER}}
    plan = prompted(response_format=schema)
    assert {"tools", "response_format"} <= plan.emulations.keys()
    assert calls_of(played(plan, text(OSLO))) == [("get_weather", {"city": "Oslo"})]
    assert choice_of(played(plan, '{"city": "Oslo"}'))["message"]["content"] == '{"city": "Oslo"}'
    assert choice_of(played(plan, "It is cold.", '{"city": "Oslo"}'))["finish_reason"] == "stop"
    assert calls_of(played(plan, "It is cold.", text(OSLO))) == [("get_weather", {"city": "Oslo"})]
    assert type(played(plan, INVALID["unknown"], "It is cold.").end) is Fail


def test_a_schema_that_the_model_could_enforce_leaves_room_for_calls() -> None:
    schema = {"type": "json_schema", "json_schema": {"name": "x", "schema": WEATHER}}
    alone = chat_plan("ernie", "qianfan-8b", shipped=True, stream=False, response_format=schema)
    assert alone.request.fields["response_format"] == schema
    plan = prompted("qianfan-8b", "ernie", response_format=schema)
    assert plan.request.fields.get("response_format") != schema
    assert calls_of(played(plan, text(OSLO))) == [("get_weather", {"city": "Oslo"})]


def test_of_thirty_percent_wrong_answers_no_invalid_call_reaches_the_client() -> None:
    random, right = Random(15), text(OSLO)
    answered, conversations = 0, 1000
    for _ in range(conversations):
        contents = [random.choice(list(INVALID.values())) if random.random() < 0.3 else right for _ in range(2)]
        play = Play(prompted())
        play.json(answer(contents[0]))
        if play.end is None:
            play.json(answer(contents[1]), id_=2)
        if type(play.end) is Done:
            assert calls_of(play) == [("get_weather", {"city": "Oslo"})]
            answered += 1
    assert answered >= 0.88 * conversations
    assert answered < conversations, "some were wrong twice"
