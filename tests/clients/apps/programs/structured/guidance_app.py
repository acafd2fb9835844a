"""An application on guidance with its model of OpenAI: only environment variables set its endpoint."""

import json

from guidance import assistant, gen, models, system, user
from guidance import json as gen_json
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


def _asked(text: str) -> models.OpenAI:
    model = models.OpenAI("gpt-4o", echo=False)
    with system():
        model += "Be brief."
    with user():
        model += text
    return model


def chat() -> None:
    model = _asked("Hello")
    with assistant():
        model += gen("answer", max_tokens=50)
    assert model["answer"] == "You said: Hello", model["answer"]


def conversation() -> None:
    model = _asked("Hello")
    with assistant():
        model += gen("first")
    with user():
        model += "Bye"
    with assistant():
        model += gen("second")
    assert (model["first"], model["second"]) == ("You said: Hello", "You said: Bye"), str(model)


def structured() -> None:
    model = _asked(ANSWER)
    with assistant():
        model += gen_json("person", schema=Person)
    assert Person.model_validate_json(model["person"]) == PERSON, model["person"]


def schema() -> None:
    model = _asked("name=Ann age=30")
    properties = {"name": {"type": "string"}, "age": {"type": "integer"}}
    with assistant():
        model += gen_json(
            "person",
            schema={
                "type": "object",
                "properties": properties,
                "required": [*properties],
                "additionalProperties": False,
            },
        )
    assert json.loads(model["person"]) == {"name": "Ann", "age": 30}, model["person"]


def json_mode() -> None:
    model = _asked("Answer in JSON.")
    with assistant():
        model += gen_json("answer", schema=None)
    assert json.loads(model["answer"])["answer"].startswith("You said: Answer in JSON."), model["answer"]
