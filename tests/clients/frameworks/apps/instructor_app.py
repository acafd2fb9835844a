"""An application on instructor, unaware of banjia: only environment variables set its endpoint."""

import instructor
from openai import OpenAI
from pydantic import BaseModel


class Person(BaseModel):
    """A person."""

    name: str
    age: int


ASKED = {"model": "gpt-4o", "messages": [{"role": "user", "content": "name=Ann"}]}


def structured() -> None:
    made = instructor.from_openai(OpenAI()).chat.completions.create(response_model=Person, **ASKED)
    assert (made.name, made.age) == ("Ann", 1), made


def stream() -> None:
    pieces = instructor.from_openai(OpenAI()).chat.completions.create_partial(response_model=Person, **ASKED)
    made = list(pieces)[-1]
    assert (made.name, made.age) == ("Ann", 1), made


def json_mode() -> None:
    """JSON mode: the prompt has the schema, and the response is an object."""
    client = instructor.from_openai(OpenAI(), mode=instructor.Mode.JSON)

    class Answer(BaseModel):
        answer: str

    made = client.chat.completions.create(response_model=Answer, **ASKED)
    assert made.answer.startswith("You said: "), made
