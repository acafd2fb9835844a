"""An application on instructor in its modes by tools and by schema: only environment variables set its endpoint."""

import instructor
from instructor import Mode
from openai import OpenAI
from pydantic import BaseModel

ANSWER = """Who is it?
emulator:answer
{"name": "Ann", "age": 30, "pets": [{"kind": "cat", "name": null}]}
emulator:end"""


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


def _made(mode: Mode, text: str) -> Person:
    client = instructor.from_openai(OpenAI(), mode=mode)
    return client.chat.completions.create(
        model="gpt-4o", messages=[{"role": "user", "content": text}], response_model=Person
    )


def _streamed(mode: Mode, text: str) -> list[Person]:
    """Return the partial objects of a stream."""
    client = instructor.from_openai(OpenAI(), mode=mode)
    return list(
        client.chat.completions.create_partial(
            model="gpt-4o", messages=[{"role": "user", "content": text}], response_model=Person
        )
    )


def tools() -> None:
    made = _made(Mode.TOOLS, "name=Ann age=30")
    assert (made.name, made.age) == ("Ann", 30), made


def streamed_tools() -> None:
    pieces = _streamed(Mode.TOOLS, "name=Ann age=30")
    assert (pieces[-1].name, pieces[-1].age) == ("Ann", 30), pieces


def strict_tools() -> None:
    made = _made(Mode.TOOLS_STRICT, "name=Ann age=30")
    assert (made.name, made.age) == ("Ann", 30), made


def json_schema() -> None:
    made = _made(Mode.JSON_SCHEMA, ANSWER)
    assert made.model_dump() == PERSON.model_dump(), made  # it is of a class with the response


def streamed_json_schema() -> None:
    pieces = _streamed(Mode.JSON_SCHEMA, ANSWER)
    assert pieces[-1].model_dump() == PERSON.model_dump(), pieces


def json_mode() -> None:
    made = _made(Mode.JSON, ANSWER)
    assert made.model_dump() == PERSON.model_dump(), made
