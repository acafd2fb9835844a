"""``GET /v1/models`` and ``/v1/models/{id}``: the names that are answered, never a call to a vendor."""

from starlette.requests import Request
from starlette.responses import Response

from config.routing import UnknownModel
from proxy.endpoints.reply import error_response, json_response
from proxy.errors import ModelNotFound, ProxyError
from proxy.kit import Kit
from proxy.stages.authenticate import authenticate

CREATED = 1_686_935_002
"""When the names came to be (epoch seconds): a fixed time, for there is no other and clients want a number."""


async def list_models(request: Request) -> Response:
    """Every name that is answered, wildcards left out."""
    kit: Kit = request.app.state.kit
    try:
        authenticate(dict(request.headers.raw), kit.live.client_keys)
    except ProxyError as error:
        return error_response(error)
    return json_response(
        {"object": "list", "data": [_model(name, vendor) for name, vendor in kit.live.routing.names()]}
    )


async def retrieve_model(request: Request) -> Response:
    """One name, also one that is reached through a wildcard or is a vendor's own."""
    kit: Kit = request.app.state.kit
    name = request.path_params["model"]
    try:
        authenticate(dict(request.headers.raw), kit.live.client_keys)
        return json_response(_model(name, _vendor(name, kit)))
    except ProxyError as error:
        return error_response(error)


def _vendor(name: str, kit: Kit) -> str:
    try:
        return kit.live.routing.find(name, "chat").targets[0].entry
    except UnknownModel as unknown:
        try:
            return kit.live.routing.find(name, "embeddings").targets[0].entry
        except UnknownModel:
            raise ModelNotFound(str(unknown), param="model") from None


def _model(name: str, vendor: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": vendor}
