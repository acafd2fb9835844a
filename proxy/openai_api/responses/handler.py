"""``POST /v1/responses``: each request is served as a chat request, with its history from the store."""

from typing import TYPE_CHECKING

from adapters.core.request import ApiRequest, Operation
from proxy._types import Route
from proxy.observability.request_record import RequestRecord
from proxy.openai_api.chat.steps import with_chat_steps
from proxy.openai_api.handler import RequestSteps, StepContext
from proxy.openai_api.responses.background import BackgroundRuns, queue
from proxy.openai_api.responses.request_body import read_response_request
from proxy.openai_api.responses.turn import ResponseTurn
from proxy.openai_api.responses.writer import ResponsesWriter
from proxy.openai_api.writer import ResponseChannel

if TYPE_CHECKING:
    from proxy.app_state import AppState


class ResponsesHandler:
    """Handles one request. Each request has a handler of its own, which holds its turn."""

    operation: Operation = "responses"

    def __init__(self, state: "AppState", runs: BackgroundRuns) -> None:
        self._state = state
        self._runs = runs
        self._turn: ResponseTurn | None = None
        self.steps: RequestSteps | None = self

    def parse(self, body: bytes) -> ApiRequest:
        """Parse a body. Raises BadRequest, naming ``param``."""
        model, fields = read_response_request(body)
        self._turn = ResponseTurn(self._state, fields)
        return ApiRequest("responses", model, fields, fields.get("stream") is True, include_usage=True)

    # --- the steps around the attempts --------------------------------------------------------------------------

    def needed(self, request: ApiRequest, route: Route) -> bool:
        """Return True: every request is translated once its history is read."""
        return True

    async def before(self, request: ApiRequest, context: StepContext) -> ApiRequest | None:
        """Return the chat request; None for a background response, which is only queued. Raises ProxyError."""
        turn = self._turn
        assert turn is not None
        chat = await turn.load(request, context)
        if turn.is_background:
            await queue(turn, request, chat, context, self._runs)
            return None
        return await with_chat_steps(chat, context)

    async def after(self, request: ApiRequest, record: RequestRecord) -> None:
        """Do nothing: the writer stores the response before its last bytes."""

    def writer(self, request: ApiRequest, out: ResponseChannel, record: RequestRecord) -> ResponsesWriter:
        """Return the writer of the response."""
        assert self._turn is not None
        return ResponsesWriter(request, out, record, self._turn, self._state)
