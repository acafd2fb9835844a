"""Reads JSON bodies as strictly as OpenAI does, with OpenAI's errors."""

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
from adapters.core.request import Operation
from adapters.openai_params.operations import validate
from adapters.openai_params.param import MAX_NAME, Invalid, wrong_type
from proxy.errors import BadRequest

MAX_MEMBERS = 1000
"""The most top-level members of a body. OpenAI has about forty; vendors add some."""
FEW_MEMBERS = 4096
"""A body up to this size can't have ``MAX_MEMBERS`` members, and its names are too short to matter (bytes)."""
SHALLOW = 2 * MAX_LEVELS
"""A body up to this size is too short for too many levels, since each has two brackets (bytes)."""
NO_MEMORY = "Not enough"
"""Start of orjson's error when memory has run out; orjson has no other sign of it."""


def read_body(body: bytes, operation: Operation, required: tuple[str, ...]) -> tuple[str, dict[str, Any]]:
    """Return the model's name and the other members of a JSON body, validated for the operation.

    Raises BadRequest, naming ``param``.
    """
    fields = read_members(body, required)
    try:
        validate(operation, fields)
    except Invalid as invalid:
        raise BadRequest(invalid.message, param=invalid.param, code=invalid.code) from None
    model = fields.pop("model", None)
    if type(model) is not str or not model or len(model) * 4 > MAX_NAME or not model.isprintable():
        model = checked_model(model)  # a character has four bytes at most
    return model, fields


def read_members(body: bytes, required: tuple[str, ...]) -> dict[str, Any]:
    """Return the members of a JSON body, without nulls.

    The values of a body over ``SMALL`` bytes were counted as it arrived. Raises MemoryError, and BadRequest, which names
    a missing parameter as ``param``.
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
    """Return the error for a body that can't be parsed."""
    if error.msg.startswith(NO_MEMORY):
        return MemoryError()
    if len(body) <= SMALL:
        _check_levels(body)  # the parser's own limit is far higher
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
    """Count the levels of a small body if it has enough brackets to exceed the limit. Raises BadRequest."""
    if count_byte(body, b"[") + count_byte(body, b"{") > MAX_LEVELS:
        count_values(ValueCounter(), body)


def _check_members(fields: dict[str, Any]) -> None:
    """Limit the number and the length of member names, which appear in logs and metrics. Raises BadRequest."""
    if len(fields) > MAX_MEMBERS:
        raise BadRequest(Message("The JSON body of your request has more than {most} members.", most=MAX_MEMBERS))
    if any(len(name) > MAX_NAME for name in fields):
        raise BadRequest(
            Message(
                "The JSON body of your request has a member whose name is longer than {most} characters.", most=MAX_NAME
            )
        )


def count_values(counter: ValueCounter, piece: bytes | bytearray) -> None:
    """Count a piece of a body before it is parsed. Raises BadRequest if the body exceeds a limit."""
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


def checked_model(name: object) -> str:
    """Return the model's name if it is valid. Raises BadRequest."""
    if name is None or name == "":
        raise BadRequest(
            Message("you must provide a model parameter"), param="model", code="missing_required_parameter"
        )
    if type(name) is not str:
        invalid = wrong_type("model", Message("a string"), name)
        raise BadRequest(invalid.message, param="model", code=invalid.code)
    if len(name.encode("utf-8", "replace")) > MAX_NAME:
        raise BadRequest(
            Message("The name of a model must not be longer than {most} bytes.", most=MAX_NAME),
            param="model",
            code="string_above_max_length",
        )
    if not name.isprintable():  # it is sent in a header
        raise BadRequest(
            Message("The name of a model must not contain line breaks or other control characters."), param="model"
        )
    return name
