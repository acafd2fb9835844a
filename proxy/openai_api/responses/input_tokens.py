"""``POST /v1/responses/input_tokens``: how many tokens a request has, estimated without a vendor."""

from typing import Any

from adapters.core.adaptations import Adaptation
from adapters.core.failures import Refused
from adapters.core.message import Message
from adapters.core.request import ApiRequest
from adapters.core.tokens import estimate_prompt
from adapters.planning import plan
from proxy._types import Route
from proxy.errors import NotSupported
from proxy.openai_api.responses.request_body import read_response_request
from proxy.openai_api.responses.turn import ResponseTurn
from proxy.openai_api.stored_objects import StoredObjectRequest
from proxy.routing.resolve import resolve

ESTIMATED = Adaptation("emulated", Message("estimated from the text, without a call to the vendor"))


async def count(request: StoredObjectRequest) -> dict[str, Any]:
    """Return the estimated tokens of the messages and tools that the first target would receive. Raises ProxyError."""
    model, fields = read_response_request(request.body)
    state = request.state
    asked = ApiRequest("responses", model, fields)
    route = resolve(asked, state.snapshot.routing)
    turn = ResponseTurn(state, {**fields, "store": False})
    chat = await turn.load_for(asked, request.tenant, route.targets[0].drop)
    request.adaptations["input_tokens"] = ESTIMATED
    return {"object": "response.input_tokens", "input_tokens": estimate_prompt(planned(chat, route))}


def planned(chat: ApiRequest, route: Route) -> Any:
    """Return the body for the first target that can serve the request. Raises BadRequest if none can."""
    first: Refused | None = None
    for target in route.targets:
        try:
            return plan(chat, target).request.fields
        except Refused as refused:
            first = first or refused
    assert first is not None  # a route has at least one target, and each one plans or refuses
    raise NotSupported.of(first)
