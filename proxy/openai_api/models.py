"""``GET /v1/models`` and ``/v1/models/{id}``: the model names of the routing, without an upstream call."""

from starlette.requests import Request
from starlette.responses import Response

from proxy.access.authentication import authenticate
from proxy.app_state import AppState
from proxy.errors import ModelNotFound
from proxy.openai_api.json_body import checked_model
from proxy.openai_api.replies import endpoint, json_response

CREATED = 1_686_935_002
"""Creation time of every model (epoch seconds): a constant, because clients require a number and none is known."""


@endpoint
async def list_models(request: Request) -> Response:
    """List every model name, without wildcards."""
    state: AppState = request.app.state.banjia
    authenticate(dict(request.headers.raw), state.snapshot.client_keys)
    return json_response(
        {"object": "list", "data": [_model(name, vendor) for name, vendor in state.snapshot.routing.names.items()]}
    )


@endpoint
async def retrieve_model(request: Request) -> Response:
    """Return one model, also one that matches a wildcard or is a vendor's own name."""
    state: AppState = request.app.state.banjia
    name = request.path_params["model"]
    authenticate(dict(request.headers.raw), state.snapshot.client_keys)
    checked_model(name)
    vendor = state.snapshot.routing.owner(name)
    if vendor is None:
        raise ModelNotFound(state.snapshot.routing.unknown(name), param="model")
    return json_response(_model(name, vendor))


def _model(name: str, vendor: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": vendor}
