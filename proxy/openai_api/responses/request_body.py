"""Reads the body of a request to the Responses API."""

from typing import Any

from adapters.openai_params.operations import validate
from adapters.openai_params.param import Invalid
from adapters.openai_params.responses import check_combinations
from proxy.errors import BadRequest
from proxy.openai_api.json_body import checked_model, read_members


def read_response_request(body: bytes) -> tuple[str, dict[str, Any]]:
    """Return the model's name and the other members, validated alone and together. Raises BadRequest, naming ``param``."""
    fields = read_members(body, ())
    try:
        validate("responses", fields)
        model = checked_model(fields.pop("model", None))
        check_combinations(fields)
    except Invalid as invalid:
        raise BadRequest(invalid.message, param=invalid.param, code=invalid.code) from None
    return model, fields
