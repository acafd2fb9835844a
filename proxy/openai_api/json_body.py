"""Reading a JSON body as OpenAI would: strictly, with the errors its clients know."""

from typing import Any

import orjson

from adapters.core import json_limits
from adapters.core.json_limits import (
    MAX_LEVELS,
    SMALL,
    TooManyLevels,
    TooManyValues,
    TooMuchSlowText,
    ValueCounter,
    count_byte,
)
from adapters.core.message import Message
from adapters.openai_params.operations import validate
from adapters.openai_params.param import MAX_NAME, Invalid, wrong_type
from proxy.errors import BadRequest

MAX_MEMBERS = 1000
"""How many members a body may have at its top: OpenAI has some forty, a vendor's own come to them."""
FEW_MEMBERS = 4096
"""A body of no more bytes can't have ``MAX_MEMBERS`` members, and the names in it are not long enough to matter."""
SHALLOW = 2 * MAX_LEVELS
"""A body of no more bytes is too short for too many levels: each has two brackets."""
NO_MEMORY = "Not enough"
"""How the parser's error begins where memory has run out (orjson has no other sign of it)."""


def read_body(body: bytes, operation: str, required: tuple[str, ...]) -> dict[str, Any]:
    """The members of a JSON body, valid for the operation. Raises BadRequest, naming ``param``."""
    fields = read_members(body, required)
    try:
        validate(operation, fields)
    except Invalid as invalid:
        raise BadRequest(invalid.message, param=invalid.param, code=invalid.code) from None
    return fields


def read_members(body: bytes, required: tuple[str, ...]) -> dict[str, Any]:
    """The members of a JSON body, without nulls; the values of one over ``SMALL`` bytes were counted as it came.

    Raises BadRequest, naming ``param`` where one is missing, and MemoryError.
    """
    small = len(body) <= SMALL
    try:
        fields = orjson.loads(body) if small else json_limits.parse(body)
    except orjson.JSONDecodeError as error:
        raise _not_parsed(body, error) from None
    if type(fields) is not dict:
        raise BadRequest(Message("The JSON body of your request must be an object."), code="invalid_type")
    if small and len(body) > SHALLOW:
        _check_levels(body)
    if len(body) > FEW_MEMBERS:
        _check_members(fields)
    if None in fields.values():  # to OpenAI an explicit null is an absent member
        fields = {name: value for name, value in fields.items() if value is not None}
    for name in required:
        if name not in fields:
            raise BadRequest(
                Message("Missing required parameter: '{name}'.", name=name),
                param=name,
                code="missing_required_parameter",
            )
    return fields


def _not_parsed(body: bytes, error: orjson.JSONDecodeError) -> Exception:
    """What to raise for a body that can't be parsed."""
    if error.msg.startswith(NO_MEMORY):
        return MemoryError()
    if len(body) <= SMALL:
        _check_levels(body)  # the parser has a limit of its own, far above ours
    if not body.strip():
        return BadRequest(
            Message(
                "We could not parse the JSON body of your request. Expected an object in UTF-8, with the content-type application/json."
            )
        )
    return BadRequest(
        Message(
            "We could not parse the JSON body of your request (line {line}, column {column}). Expected an object in UTF-8, with the content-type application/json.",
            line=error.lineno,
            column=error.colno,
        )
    )


def _check_levels(body: bytes) -> None:
    """Count the levels of a small body, where it has brackets enough for too many. Raises BadRequest."""
    if count_byte(body, b"[") + count_byte(body, b"{") > MAX_LEVELS:
        count_values(ValueCounter(), body)


def _check_members(fields: dict[str, Any]) -> None:
    """Bound the members and their names, by which requests are logged and counted. Raises BadRequest."""
    if len(fields) > MAX_MEMBERS:
        raise BadRequest(Message("The JSON body of your request has more than {most} members.", most=MAX_MEMBERS))
    if any(len(name) > MAX_NAME for name in fields):
        raise BadRequest(
            Message(
                "The JSON body of your request has a member whose name is longer than {most} characters.", most=MAX_NAME
            )
        )


def count_values(counter: ValueCounter, piece: bytes | bytearray) -> None:
    """Count a piece of a body before it is parsed. Raises BadRequest where the body goes beyond the limits."""
    try:
        counter.add(piece)
    except TooManyValues as beyond:
        raise BadRequest(
            Message("The JSON body of your request has more than {most} values.", most=f"{beyond.most:,}")
        ) from None
    except TooManyLevels:
        raise BadRequest(
            Message("The JSON body of your request is nested deeper than {most} levels.", most=MAX_LEVELS)
        ) from None
    except TooMuchSlowText:
        raise BadRequest(
            Message("The JSON body of your request has more than 32 MiB of escapes and of text outside ASCII.")
        ) from None


def check_model(name: str) -> str:
    """A model's name, as a caller may send it. Raises BadRequest."""
    if len(name.encode("utf-8", "replace")) > MAX_NAME:
        raise BadRequest(
            Message("The name of a model has at most {most} bytes.", most=MAX_NAME),
            param="model",
            code="string_above_max_length",
        )
    if not name.isprintable():  # it will stand in a header
        raise BadRequest(Message("A model's name has no line breaks and no other control characters."), param="model")
    return name


def take_model(fields: dict[str, Any]) -> str:
    """The model's name, taken out of the fields. Raises BadRequest."""
    model = fields.pop("model", None)
    if model is None or model == "":
        raise BadRequest(
            Message("you must provide a model parameter"), param="model", code="missing_required_parameter"
        )
    if type(model) is not str:
        invalid = wrong_type("model", Message("a string"), model)
        raise BadRequest(invalid.message, param="model", code=invalid.code)
    if len(model) * 4 > MAX_NAME or not model.isprintable():  # a character has four bytes at most
        check_model(model)
    return model
