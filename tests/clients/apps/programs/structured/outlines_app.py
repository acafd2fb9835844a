"""An application on Outlines with its model of OpenAI: only environment variables set its endpoint."""

import asyncio
import json

import outlines
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

ANSWER = """Who is it?
emulator:answer
{"name": "Ann", "age": 30, "pets": [{"kind": "cat", "name": null}]}
emulator:end"""
PERSON_SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
}


class Pet(BaseModel):
    """An animal."""

    kind: str
    name: str | None


class Person(BaseModel):
    """The requested output object."""

    name: str
    age: int
    pets: list[Pet]


PERSON = Person(name="Ann", age=30, pets=[Pet(kind="cat", name=None)])


def chat() -> None:
    answer = outlines.from_openai(OpenAI(), "gpt-4o")("Hello")
    assert answer == "You said: Hello", answer


def stream() -> None:
    pieces = list(outlines.from_openai(OpenAI(), "gpt-4o").stream("Hello"))
    assert "".join(pieces) == "You said: Hello", pieces


def structured() -> None:
    answer = outlines.from_openai(OpenAI(), "gpt-4o")(ANSWER, Person)
    assert Person.model_validate_json(answer) == PERSON, answer


def structured_by_asyncio() -> None:
    answer = asyncio.run(outlines.from_openai(AsyncOpenAI(), "gpt-4o")(ANSWER, Person))
    assert Person.model_validate_json(answer) == PERSON, answer


def streamed_structured() -> None:
    pieces = list(outlines.from_openai(OpenAI(), "gpt-4o").stream(ANSWER, Person))
    assert Person.model_validate_json("".join(pieces)) == PERSON, pieces


def schema() -> None:
    """A generator for a schema, used twice."""
    generator = outlines.Generator(outlines.from_openai(OpenAI(), "gpt-4o"), outlines.json_schema(PERSON_SCHEMA))
    answers = [json.loads(generator(f"name={name} age=30")) for name in ("Ann", "Bo")]
    assert answers == [{"name": "Ann", "age": 30}, {"name": "Bo", "age": 30}], answers


def json_mode() -> None:
    answer = json.loads(outlines.from_openai(OpenAI(), "gpt-4o")("Answer in JSON.", dict))
    assert answer["answer"].startswith("You said: Answer in JSON."), answer
