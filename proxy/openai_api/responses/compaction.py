"""``POST /v1/responses/compact``: one chat request makes a summary of a conversation, which the client sends in its place.

The response has the latest messages of the user and one sealed item with the summary. As input of a later request, the
item becomes a system message with the summary.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import orjson

from adapters.core.event import Event
from adapters.core.failures import Failure
from adapters.core.message import Message
from adapters.core.request import ApiRequest, Operation
from adapters.core.tokens import estimate
from adapters.responses.assembler import response_usage
from adapters.responses.history import Item
from proxy._types import Attempt, Route
from proxy.errors import UpstreamFailed
from proxy.observability.request_record import RequestRecord
from proxy.openai_api.chat.steps import with_chat_steps
from proxy.openai_api.handler import RequestSteps, StepContext
from proxy.openai_api.response_writer import JSON, ResponseWriter
from proxy.openai_api.responses.request_body import read_response_request
from proxy.openai_api.responses.turn import COMPACTION, ResponseTurn, new_id
from proxy.openai_api.responses.writer import NO_USAGE
from proxy.openai_api.writer import ResponseChannel

if TYPE_CHECKING:
    from proxy.app_state import AppState

MEMBERS = (
    "input",
    "instructions",
    "previous_response_id",
    "prompt_cache_key",
    "prompt_cache_retention",
    "service_tier",
)
"""What a request may have beside ``model``; other members do not affect a summary. Source: ``CompactResponseMethod``."""
KEPT_TOKENS = 20_000
"""How much of the user's messages stays, the latest first (estimated tokens)."""
INSTRUCTION = (
    "Summarize the conversation so far, so that another assistant can continue it from your summary alone. Keep: the"
    " user's goal and preferences, decisions and their reasons, facts, names, numbers, file paths and code that are still"
    " needed, results of tools, what is done, and what is left to do. Write the summary only, in the language of the"
    " conversation."
)
NO_SUMMARY = Message("The model returned no summary. Try again, or use another model.")


class CompactHandler:
    """Handles one request; it holds what the request continues."""

    operation: Operation = "responses"

    def __init__(self, state: "AppState") -> None:
        self._state = state
        self._turn: ResponseTurn | None = None
        self.steps: RequestSteps | None = self

    def parse(self, body: bytes) -> ApiRequest:
        """Parse a body. Raises BadRequest, naming ``param``."""
        model, sent = read_response_request(body)
        fields = {name: value for name, value in sent.items() if name in MEMBERS}
        self._turn = ResponseTurn(self._state, {**fields, "store": False})
        return ApiRequest("responses", model, fields, include_usage=True)

    def needed(self, request: ApiRequest, route: Route) -> bool:
        """Return True: every request is translated once its history is read."""
        return True

    async def before(self, request: ApiRequest, context: StepContext) -> ApiRequest | None:
        """Return the chat request for the summary. Raises ProxyError."""
        assert self._turn is not None
        chat = await self._turn.load(request, context)
        messages = [*chat.fields["messages"], {"role": "user", "content": INSTRUCTION}]
        return await with_chat_steps(chat.with_fields({**chat.fields, "messages": messages}), context)

    async def after(self, request: ApiRequest, record: RequestRecord) -> None:
        """Do nothing."""

    def writer(self, request: ApiRequest, out: ResponseChannel, record: RequestRecord) -> "CompactWriter":
        """Return the writer of the response."""
        assert self._turn is not None
        return CompactWriter(request, out, record, self._turn)


class CompactWriter(ResponseWriter):
    """Sends the compacted conversation once the usage of the summary is known."""

    def __init__(self, request: ApiRequest, out: ResponseChannel, record: RequestRecord, turn: ResponseTurn) -> None:
        super().__init__(request, out, record)
        self._turn = turn
        self._summary = ""

    async def events(self, events: list[Event], attempt: Attempt) -> None:
        self._attempt = attempt
        raw = events[0].raw
        data = orjson.loads(attempt.secrets.redacted(raw)) if attempt.secrets.may_be_in(raw) else events[0].data
        self._summary = data["choices"][0]["message"].get("content") or ""
        self.content_sent = True
        self._record.first_content_s = self._record.elapsed_s()

    async def done(self) -> None:
        if not self._summary.strip():
            raise UpstreamFailed(Failure.of("invalid_response", NO_SUMMARY), attempts=self._record.attempts)
        turn = self._turn
        sealed = turn.seal(self._summary, COMPACTION)
        body = orjson.dumps(
            {
                "id": turn.response_id,
                "object": "response.compaction",
                "created_at": turn.created,
                "output": [
                    *latest_user_messages([*turn.earlier, *turn.new_items]),
                    {"type": "compaction", "id": new_id("cmp"), "encrypted_content": sealed},
                ],
                "usage": response_usage(self._record.usage or NO_USAGE),
            }
        )
        head = [JSON, (b"content-length", b"%d" % len(body)), *self._about_attempt(), *self._common()]
        await self._send_whole(200, head, body)
        self._record.outcome_word = "complete"


def latest_user_messages(items: Iterable[Item]) -> list[Item]:
    """Return the latest messages of the user that together have at most ``KEPT_TOKENS`` tokens, oldest first."""
    kept: list[Item] = []
    left = KEPT_TOKENS
    for item in reversed(list(items)):
        if item.get("type") != "message" or item.get("role") != "user":
            continue
        left -= estimate(item["content"])
        if left < 0:
            break
        kept.append(item)
    return kept[::-1]
