"""Reading a JSON body as OpenAI would: strictly, with the errors its clients know."""

from typing import Any

import orjson

from adapters.core.surface import Invalid, validate, wrong_type
from proxy.errors import BadRequest

MAX_MEMBERS = 1000
"""How many members a body may have at its top: OpenAI has some forty, a vendor's own come to them."""


def read_body(body: bytes, operation: str, required: tuple[str, ...]) -> dict[str, Any]:
    """The members of a JSON body, valid for the operation. Raises BadRequest, naming ``param``."""
    fields = read_members(body, required)
    try:
        validate(operation, fields)
    except Invalid as invalid:
        raise BadRequest(invalid.message, param=invalid.param, code=invalid.code) from None
    return fields


def read_members(body: bytes, required: tuple[str, ...]) -> dict[str, Any]:
    """The members of a JSON body, without nulls. Raises BadRequest, naming ``param`` where one is missing."""
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        at = f" (line {error.lineno}, column {error.colno})" if body.strip() else ""
        raise BadRequest(
            f"We could not parse the JSON body of your request{at}. "
            "Expected an object in UTF-8, with the content-type application/json."
        ) from None
    if type(fields) is not dict:
        raise BadRequest("The JSON body of your request must be an object.", code="invalid_type")
    if len(fields) > MAX_MEMBERS:
        raise BadRequest(f"The JSON body of your request has more than {MAX_MEMBERS} members.")
    if None in fields.values():  # to OpenAI an explicit null is an absent member
        fields = {name: value for name, value in fields.items() if value is not None}
    for name in required:
        if name not in fields:
            raise BadRequest(f"Missing required parameter: '{name}'.", param=name, code="missing_required_parameter")
    return fields


def take_model(fields: dict[str, Any]) -> str:
    """The model's name, taken out of the fields. Raises BadRequest."""
    model = fields.pop("model", None)
    if model is None or model == "":
        raise BadRequest("you must provide a model parameter", param="model", code="missing_required_parameter")
    if type(model) is not str:
        invalid = wrong_type("model", "a string", model)
        raise BadRequest(invalid.message, param="model", code=invalid.code)
    if not model.isprintable():  # it will stand in a header
        raise BadRequest("A model's name has no line breaks and no other control characters.", param="model")
    return model
