"""The parameters of embeddings."""

from collections.abc import Mapping
from typing import Any

from adapters.core.message import Message, one_of
from adapters.openai_params.param import JSON_NAMES, Invalid, Param, wrong_type


def check_input(name: str, value: str | list[Any]) -> None:
    """Check for a text, texts, token ids, or lists of token ids; at most 2,048, none empty. Raises Invalid."""
    if not value:
        raise Invalid(name, Message("Invalid '{name}': it must not be empty.", name=name))
    check_texts(name, value, may_be_empty=False)


def check_texts(name: str, value: str | list[Any], *, may_be_empty: bool) -> None:
    """Check a list of texts or of token ids: at most 2,048, all of one type. Raises Invalid."""
    if type(value) is not list:
        return
    if len(value) > 2048 and type(value[0]) is not int:
        raise Invalid(
            name,
            Message(
                "Invalid '{name}': array too long. Expected at most {most} items, but got {got}.",
                name=name,
                most=2048,
                got=len(value),
            ),
        )
    kind = type(value[0])
    if kind not in (str, int, list):
        raise wrong_type(
            f"{name}[0]", one_of([Message("a string"), Message("an integer"), Message("an array")]), value[0]
        )
    if kind is int and set(map(type, value)) == {int}:
        return  # token ids; there may be hundreds of thousands
    for at, item in enumerate(value):
        if type(item) is not kind:
            raise wrong_type(f"{name}[{at}]", JSON_NAMES[kind], item)
        if item == [] or (item == "" and not may_be_empty):
            raise Invalid(f"{name}[{at}]", Message("Invalid '{name}': it must not be empty.", name=f"{name}[{at}]"))
        if kind is list and set(map(type, item)) != {int}:
            raise Invalid(
                f"{name}[{at}]",
                Message("Invalid '{name}': expected an array of integers.", name=f"{name}[{at}]"),
                "invalid_type",
            )


EMBEDDINGS: Mapping[str, Param] = {
    "input": Param((str, list), check=check_input),
    "dimensions": Param((int,), 1),
    "encoding_format": Param((str,), words=("float", "base64"), neutral=("float",)),
    "user": Param((str,)),
}
