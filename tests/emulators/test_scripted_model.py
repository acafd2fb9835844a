"""The completions of the scripted model, and how text is counted and split."""

import json
from typing import Any

import hypothesis.strategies as st
import jsonschema_rs
import pytest
from hypothesis import given

from emulators.core import tokens
from emulators.core.schemas import instance
from emulators.core.scripted_model import (
    Prompt,
    ScriptedCompletion,
    Tool,
    ToolCall,
    complete,
    mentions,
    parse_directives,
)


def completion_of(text: str, **more: Any) -> ScriptedCompletion:
    return complete(Prompt([{"role": "user", "content": text}], **more))


def test_the_last_user_text_counts_also_when_it_comes_in_parts() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {}}, {"type": "text", "text": "b"}]
    messages: list[dict[str, Any]] = [{"role": "user", "content": "old"}, {"role": "user", "content": parts}]
    assert complete(Prompt(messages)).text == "You said: a b"


@pytest.mark.parametrize(
    ("text", "words", "gap_s", "reason"),
    [
        ("emulator:words=50", 50, 0.0, None),
        ("say emulator:gap=20,words=3 now", 3, 0.02, None),
        ("emulator:words=2 emulator:reason=4", 2, 0.0, "4"),
        ("emulator:words=many", None, 0.0, None),
        ("nothing", None, 0.0, None),
    ],
)
def test_orders_are_read_from_the_text(text: str, words: int | None, gap_s: float, reason: str | None) -> None:
    found = parse_directives([{"role": "user", "content": text}])
    assert (found.words, found.gap_s, found.reason) == (words, gap_s, reason)


ORDERED = "Read this.\nemulator:answer\n  one\n\ntwo\nemulator:end\nThanks"


def test_an_answer_can_be_ordered_line_by_line() -> None:
    assert completion_of(ORDERED).text == "  one\n\ntwo"
    assert completion_of(ORDERED, json_mode=True).text == "  one\n\ntwo"
    assert completion_of(ORDERED, schema={"type": "object"}).text == "  one\n\ntwo"
    assert completion_of("emulator:answer\nemulator:end").text == ""
    assert completion_of("emulator:answer\nno end").text == "You said: emulator:answer\nno end"


def test_a_system_message_orders_the_answer_of_each_turn_until_the_user_orders_another() -> None:
    messages = [
        {"role": "system", "content": ORDERED},
        {"role": "user", "content": "Hi"},
        {"role": "system", "content": "Go on"},
    ]
    assert complete(Prompt(messages)).text == "  one\n\ntwo"
    assert (
        complete(Prompt([*messages, {"role": "user", "content": "emulator:answer\nthree\nemulator:end"}])).text
        == "three"
    )


def test_an_ordered_answer_comes_after_the_tools_that_are_named() -> None:
    messages: list[dict[str, Any]] = [{"role": "user", "content": f"use alpha\n{ORDERED}"}]
    (call,) = complete(Prompt(messages, tools=[Tool("alpha")])).calls
    assert call.name == "alpha"
    messages.append({"role": "tool", "content": "1"})
    assert complete(Prompt(messages, tools=[Tool("alpha")])).text == "The tool said: 1"


@pytest.mark.parametrize(
    ("text", "name", "named"),
    [
        ("use get_weather", "get_weather", True),
        ("Get Weather please", "get_weather", True),
        ("get-weather!", "get_weather", True),
        ("请用get_weather查询", "get_weather", True),
        ("get_weather2", "get_weather", False),
        ("research", "search", False),
        ("weather", "get_weather", False),
    ],
)
def test_a_tool_is_named_by_words_that_stand_for_themselves(text: str, name: str, named: bool) -> None:
    assert mentions(text, name) is named


def test_named_tools_are_called_in_the_order_offered() -> None:
    tools = [Tool("alpha"), Tool("beta"), Tool("gamma")]
    assert [call.name for call in completion_of("gamma alpha", tools=tools).calls] == ["alpha", "gamma"]
    assert [call.name for call in completion_of("gamma alpha", tools=tools, parallel=False).calls] == ["alpha"]
    assert completion_of("gamma", tools=tools, choice="none").calls == []
    assert [call.name for call in completion_of("nothing", tools=tools, choice="required").calls] == ["alpha"]
    assert [call.name for call in completion_of("alpha", tools=tools, choice="=beta").calls] == ["beta"]
    assert completion_of("nothing", tools=tools).calls == []


def test_results_of_tools_are_in_the_answer_and_no_tool_is_called_again() -> None:
    messages = [
        {"role": "user", "content": "alpha"},
        {"role": "tool", "content": "one"},
        {"role": "tool", "content": "two"},
    ]
    assert complete(Prompt(messages, tools=[Tool("alpha")])).text == "The tool said: one; two"


def test_arguments_come_from_the_schema_and_from_the_text() -> None:
    parameters = {
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "country": {"type": "string"},
            "days": {"type": "integer"},
            "exact": {"type": "boolean"},
            "unit": {"enum": ["c", "f"]},
            "tags": {"type": "array", "items": {"type": "string"}},
            "place": {"type": "object", "properties": {"name": {"type": "string"}}},
        },
    }
    text = 'forecast city="New York", days=3. unit=f'
    (call,) = completion_of(text, tools=[Tool("forecast", parameters)]).calls
    assert json.loads(call.arguments) == {
        "city": "New York",
        "country": "country value",
        "days": 3,
        "exact": True,
        "unit": "f",
        "tags": ["tags value"],
        "place": {"name": "name value"},
    }
    assert completion_of("forecast", tools=[Tool("forecast")]).calls == [ToolCall("forecast", "{}")]
    assert completion_of("forecast", tools=[Tool("forecast")], bare_calls=True).calls == [ToolCall("forecast", "")]


def test_limits_and_stop_words_set_the_finish_reason() -> None:
    assert completion_of("emulator:words=5", most_answer=5).finish == "stop"
    assert completion_of("emulator:words=5", most_answer=4).finish == "length"
    stopped = completion_of("emulator:words=5", stops=["w4", "w2"], most_answer=4)
    assert (stopped.text, stopped.finish) == ("w1 ", "stop")
    eaten = completion_of("emulator:reason=9,words=5", thinks=True, most_in_all=9)
    assert (eaten.text, eaten.finish, eaten.reasoning_tokens) == ("", "length", 9)


SCHEMAS: list[dict[str, Any]] = [
    {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"type": "number", "minimum": 5}}},
    {"type": "object", "properties": {"a": {"anyOf": [{"type": "null"}, {"type": "string"}]}}},
    {"allOf": [{"type": "object", "properties": {"a": {"const": 3}}}, {"properties": {"b": {"type": "boolean"}}}]},
    {"type": "array", "items": {"type": ["null", "integer"], "maximum": -2}, "minItems": 3},
    {"type": "array", "prefixItems": [{"type": "string", "minLength": 30}, {"type": "string", "maxLength": 2}]},
    {"type": "string", "format": "date"},
    {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 2},
    {
        "$ref": "#/$defs/Node",
        "$defs": {
            "Node": {
                "type": "object",
                "properties": {"next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]}},
                "required": ["next"],
            }
        },
    },
]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_an_instance_is_valid_by_its_schema(schema: dict[str, Any]) -> None:
    assert jsonschema_rs.is_valid(schema, instance(schema))


@given(st.text())
def test_pieces_and_words_join_to_the_text_they_were_cut_from(text: str) -> None:
    assert "".join(tokens.pieces(text)) == text
    assert len(tokens.pieces(text)) <= tokens.MOST_PIECES
    assert "".join(tokens.words(text)) == text


@given(st.text(), st.integers(0, 20))
def test_a_cut_keeps_that_many_tokens_and_reports_whether_it_cut(text: str, most: int) -> None:
    kept, cut_off = tokens.cut(text, most)
    assert text.startswith(kept)
    assert tokens.count(kept) == min(most, tokens.count(text))
    assert cut_off is (tokens.count(text) > most)


def test_a_token_is_a_word_or_a_chinese_character() -> None:
    assert tokens.count("two words") == 2
    assert tokens.count("搬家 ok") == 3
    assert tokens.count("") == 0


def test_a_content_check_ends_the_answer_only_where_there_is_one_and_before_a_limit() -> None:
    turn = completion_of("emulator:words=9,moderated=3", moderates=True)
    assert (turn.text, turn.finish) == ("w1 w2 w3", "content_filter")
    assert completion_of("emulator:words=9,moderated=3").finish == "stop"
    turn = completion_of("emulator:words=9,moderated=3", moderates=True, most_answer=2)
    assert (turn.text, turn.finish) == ("w1 w2", "length")


def test_an_answer_ends_with_the_failure_it_is_told_where_the_vendor_has_it() -> None:
    turn = completion_of("emulator:words=2,finish=aborted", failures=("aborted",))
    assert (turn.text, turn.finish) == ("w1 w2", "aborted")
    assert completion_of("emulator:words=2,finish=aborted").finish == "stop"


@pytest.mark.parametrize(("keeps", "text"), [(False, "w1 w2 "), (True, "w1 w2 w3")])
def test_the_text_that_stops_is_left_out_or_kept(keeps: bool, text: str) -> None:
    assert completion_of("emulator:words=9", stops=["w8", "w3"], keeps_stop=keeps).text == text


PLACE = '{"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}'


@pytest.mark.parametrize("role", ["system", "user"])
def test_a_schema_in_the_prompt_is_obeyed(role: str) -> None:
    asked = [{"role": role, "content": f"Be brief.\n\nFollow the JSON Schema below.\n{PLACE}"}]
    messages = [*asked, {"role": "user", "content": "city=Oslo"}] if role == "system" else asked
    assert json.loads(complete(Prompt(messages)).text)["city"] in ("Oslo", "city value")
    assert json.loads(complete(Prompt(messages, json_mode=True)).text).keys() == {"city"}


def test_a_json_object_is_given_on_request_and_other_text_is_not_mistaken_for_a_schema() -> None:
    asked = [{"role": "system", "content": "Answer with a JSON object."}, {"role": "user", "content": "hi"}]
    assert json.loads(complete(Prompt(asked)).text) == {"answer": "You said: hi"}
    assert completion_of("JSON Schema\n{no json}").text == "You said: JSON Schema\n{no json}"
    assert completion_of(PLACE).text == f"You said: {PLACE}"


def test_the_ordered_share_of_conversations_is_answered_wrongly_and_each_always_alike() -> None:
    def answer(number: int, wrong: int) -> str:
        content = f"Follow the JSON Schema.\n{PLACE}\nemulator:wrong={wrong} {number}"
        return complete(Prompt([{"role": "user", "content": content}])).text

    answers = [answer(number, 30) for number in range(500)]
    assert 110 < sum(not text.startswith("{") for text in answers) < 190
    assert answers == [answer(number, 30) for number in range(500)]
    assert all(answer(number, 0).startswith("{") for number in range(50))
