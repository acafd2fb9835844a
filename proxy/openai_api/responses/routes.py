"""The paths of stored responses and of conversations."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.core.message import Message
from proxy.access.authentication import authenticate
from proxy.app_state import AppState
from proxy.errors import NotServed
from proxy.openai_api.replies import endpoint
from proxy.openai_api.responses import conversations, input_tokens
from proxy.openai_api.responses.background import BackgroundRuns
from proxy.openai_api.responses.endpoint import CompactEndpoint
from proxy.openai_api.responses.stored import StoredResponses, input_items
from proxy.openai_api.stored_objects import Answer, StoredObjectEndpoint

RESPONSE = "/v1/responses/{response_id}"
CONVERSATION = "/v1/conversations/{conversation_id}"


def responses_routes(state: AppState, runs: BackgroundRuns) -> list[Route]:
    """Return the routes. ``POST /v1/responses`` itself is an operation."""

    def route(method: str, path: str, operation: str, answer: Answer) -> Route:
        handler = StoredObjectEndpoint(state, operation, answer, reads_body=method == "POST")
        return Route(path, handler, methods=[method])

    responses = StoredResponses(runs)
    return [
        Route("/v1/responses", no_websocket, methods=["GET"]),
        Route("/v1/responses/compact", CompactEndpoint(state), methods=["POST"]),
        route("POST", "/v1/responses/input_tokens", "responses", input_tokens.count),
        route("GET", RESPONSE, "responses", responses.retrieve),
        route("DELETE", RESPONSE, "responses", responses.delete),
        route("GET", f"{RESPONSE}/input_items", "responses", input_items),
        route("POST", f"{RESPONSE}/cancel", "responses", responses.cancel),
        route("POST", "/v1/conversations", "conversations", conversations.create),
        route("GET", CONVERSATION, "conversations", conversations.retrieve),
        route("POST", CONVERSATION, "conversations", conversations.update),
        route("DELETE", CONVERSATION, "conversations", conversations.delete),
        route("GET", f"{CONVERSATION}/items", "conversations", conversations.list_items),
        route("POST", f"{CONVERSATION}/items", "conversations", conversations.add_items),
        route("GET", f"{CONVERSATION}/items/{{item_id}}", "conversations", conversations.retrieve_item),
        route("DELETE", f"{CONVERSATION}/items/{{item_id}}", "conversations", conversations.delete_item),
    ]


@endpoint
async def no_websocket(request: Request) -> Response:
    """Answer 404 for ``GET /v1/responses``, with which clients open a WebSocket."""
    state: AppState = request.app.state.banjia
    authenticate(dict(request.headers.raw), state.snapshot.client_keys)
    raise NotServed(
        Message("GET /v1/responses (WebSocket) is not served by this proxy; use POST /v1/responses with stream: true.")
    )
