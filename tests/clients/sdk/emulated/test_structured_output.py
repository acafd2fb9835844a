"""Structured output with the official SDK: ``parse`` whole and streamed, at every vendor, native or emulated."""

import json
from collections.abc import Callable
from typing import Any, Literal

import openai
import pytest
from pydantic import BaseModel, ConfigDict

from tests.support.client_stage import GENERATION, Front, Site, Stage, adapted, chat_body, until

pytestmark = pytest.mark.skipif(GENERATION < 2, reason="the SDK of 2024 has no parse() for schemas")


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Address(Strict):
    street: str
    city: str


class Line(Strict):
    product: str
    pieces: int
    kind: Literal["gift", "book"]


class Order(Strict):
    """Nested objects, an enum, ``$defs``, arrays, a union and no further properties."""

    id: int
    express: bool
    address: Address
    lines: list[Line]
    note: str | None
    tags: list[Literal["a", "b"]]


class Node(Strict):
    name: str
    children: list["Node"]


@pytest.mark.parametrize("shape", [Address, Order, Node])
def test_parse_gives_the_object_whole_and_streamed(site: Site, shape: type[BaseModel]) -> None:
    whole = site.sdk.chat.completions.parse(**chat_body("Fill it in"), response_format=shape)
    parsed = whole.choices[0].message.parsed
    assert isinstance(parsed, shape)
    with site.sdk.chat.completions.stream(**chat_body("Fill it in"), response_format=shape) as stream:
        streamed = stream.get_final_completion()
    assert streamed.choices[0].message.parsed == parsed
    assert streamed.choices[0].finish_reason == "stop"


def test_several_choices_are_parsed_each(site: Site) -> None:
    whole = site.sdk.chat.completions.parse(**chat_body("Fill it in", n=2), response_format=Address)
    assert [type(choice.message.parsed) for choice in whole.choices] == [Address, Address]


def test_usage_in_a_stream_is_that_of_the_answer(site: Site) -> None:
    whole = site.sdk.chat.completions.parse(**chat_body("Fill it in"), response_format=Address)
    options: Any = {"include_usage": True}
    with site.sdk.chat.completions.stream(
        **chat_body("Fill it in"), response_format=Address, stream_options=options
    ) as stream:
        streamed = stream.get_final_completion()
    assert whole.usage is not None
    assert streamed.usage is not None
    assert streamed.usage.total_tokens == whole.usage.total_tokens


def emulates(site: Site) -> bool:
    """Whether the vendor's stand-in for gpt-4o needs the emulation."""
    shape = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
    return "response_format" in site.plan(response_format=shape).emulations


def test_an_emulated_answer_is_reported(site: Site) -> None:
    response = site.sdk.chat.completions.with_raw_response.parse(**chat_body("Fill it in"), response_format=Address)
    assert (adapted(response).get("response_format") == "emulated") is emulates(site)


def test_an_invalid_schema_is_a_400_that_names_its_part(site: Site) -> None:
    if not emulates(site):
        return
    schema = {"type": "object", "properties": {"a": {"pattern": "(?=x)"}}}
    with pytest.raises(openai.BadRequestError) as caught:
        site.chat("x", response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": schema}})
    assert caught.value.param == "response_format.json_schema.schema.properties.a.pattern"
    assert not site.calls


ASKED = 200
WEATHER = {
    "type": "json_schema",
    "json_schema": {
        "name": "weather",
        "schema": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "degrees": {"type": "integer"}},
            "required": ["city", "degrees"],
            "additionalProperties": False,
        },
    },
}


class Outcome:
    """What the answers to many requests were, from a model that answers 30 % of them wrongly."""

    def __init__(self, front: Front) -> None:
        self.valid = self.invalid = self.failed = self.tokens = self.attempts = 0
        self.errors: set[tuple[int, str | None]] = set()
        client = front.sdk()
        for number in range(ASKED):
            body = chat_body(f"emulator:wrong=30 Question {number}", response_format=WEATHER)
            try:
                response = client.chat.completions.with_raw_response.create(**body)
            except openai.APIStatusError as error:
                self.errors.add((error.status_code, error.code))
                self.attempts += int(error.response.headers["x-banjia-attempts"])
                self.failed += 1
                continue
            answer = response.parse()
            self.attempts += int(response.headers["x-banjia-attempts"])
            value = json.loads(answer.choices[0].message.content or "")
            right = value.keys() == {"city", "degrees"} and type(value["degrees"]) is int
            self.valid += right
            self.invalid += not right
            self.tokens += answer.usage.total_tokens if answer.usage else 0


@pytest.mark.parametrize("vendor", ["qwen", "deepseek", "hunyuan-classic"])
def test_of_a_model_that_answers_30_percent_wrongly_no_invalid_answer_arrives(
    stage: Stage, start: Callable[..., Front], vendor: str
) -> None:
    front = start(vendor)
    outcome = Outcome(front)
    until(lambda: len(front.running.lines) == ASKED)
    assert outcome.invalid == 0
    assert outcome.errors == {(502, "upstream_invalid_response")}
    assert outcome.valid + outcome.failed == ASKED
    assert outcome.valid >= 0.88 * ASKED
    assert outcome.attempts == len(stage.emulators[vendor].requests) > ASKED
    lines = front.running.lines
    repairs = sum(line.get("repair_calls", 0) for line in lines)
    assert repairs == len(stage.emulators[vendor].requests) - ASKED
    shown = [line["billed"]["prompt"] + line["billed"]["completion"] for line in lines if line["ending"] == "complete"]
    assert sum(shown) == outcome.tokens


def test_without_repair_the_wrong_answers_are_failures(stage: Stage, start: Callable[..., Front]) -> None:
    outcome = Outcome(start("qwen", policy={"emulate": {"response_format": "no_repair"}}))
    assert (outcome.invalid, outcome.attempts) == (0, ASKED)
    assert 0.6 * ASKED < outcome.valid < 0.8 * ASKED


def test_a_repair_needs_an_attempt(stage: Stage, start: Callable[..., Front]) -> None:
    outcome = Outcome(start("qwen", policy={"attempts": 1}))
    assert (outcome.invalid, outcome.attempts) == (0, ASKED)
