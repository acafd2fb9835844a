"""The interface of an operation of OpenAI's API: a parser for its requests and a writer for its responses."""

from typing import TYPE_CHECKING, NamedTuple, Protocol

from adapters.core.request import ApiRequest, Operation
from proxy._types import Caller, Route
from proxy.observability.request_record import RequestRecord
from proxy.openai_api.writer import ResponseChannel, Writer

if TYPE_CHECKING:  # commands such as ``explain`` import the handlers without a server
    from proxy.access.admission import RequestSlot
    from proxy.app_state import AppState


class StepContext(NamedTuple):
    """What the steps of a request may use. ``slot`` is held until the last byte of the response is sent.

    ``out``: for a response that the steps send themselves.
    """

    caller: Caller
    route: Route
    state: "AppState"
    slot: "RequestSlot"
    record: RequestRecord
    out: ResponseChannel


class RequestSteps(Protocol):
    """What an operation awaits around the attempts of a request: stored conversations, kept reasoning, images, budgets."""

    def needed(self, request: ApiRequest, route: Route) -> bool:
        """Whether this request awaits anything. Not a coroutine, so that all other requests pay one call."""
        ...

    async def before(self, request: ApiRequest, context: StepContext) -> ApiRequest | None:
        """Return the request to serve, which may have more fields; None if the steps have sent the response.

        Raises ProxyError, such as a used-up budget.
        """
        ...

    async def after(self, request: ApiRequest, record: RequestRecord) -> None:
        """Called once the response is complete, with the request that was served. The client no longer waits.

        It is not called if every attempt failed or the request was cancelled.
        """
        ...


class OperationHandler(Protocol):
    """OpenAI's side of one operation: a body becomes an ApiRequest, Events become OpenAI's bytes."""

    operation: Operation
    steps: "RequestSteps | None"
    """None, and then free, for an operation that awaits nothing around its attempts."""

    def parse(self, body: bytes) -> ApiRequest:
        """Parse a body. Raises BadRequest."""
        ...

    def writer(self, request: ApiRequest, out: ResponseChannel, record: RequestRecord) -> Writer:
        """Return the writer for one response."""
        ...
