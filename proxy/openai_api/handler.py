"""The interface of an operation of OpenAI's API: a parser for its requests and a writer for its responses."""

from typing import NamedTuple, Protocol

from adapters.core.request import ApiRequest, Operation
from proxy._types import Caller, Route
from proxy.observability.request_record import RequestRecord
from proxy.openai_api.writer import ResponseChannel, Writer
from proxy.storage.interface import KeyValueStore
from proxy.storage.secret import ServerSecret


class StepState(Protocol):
    """The part of AppState that steps use. Commands such as ``explain`` import the handlers without a server."""

    @property
    def store(self) -> KeyValueStore: ...
    @property
    def secret(self) -> ServerSecret: ...
    @property
    def earlier_reasoning(self) -> dict[str, int]: ...


class StepContext(NamedTuple):
    """What the steps of a request may use."""

    caller: Caller
    route: Route
    state: StepState


class RequestSteps(Protocol):
    """What an operation awaits around the attempts of a request: stored conversations, kept reasoning, budgets."""

    def needed(self, request: ApiRequest, route: Route) -> bool:
        """Whether this request awaits anything. Not a coroutine, so that all other requests pay one call."""
        ...

    async def before(self, request: ApiRequest, context: StepContext) -> ApiRequest:
        """Return the request to serve, which may have more fields. Raises ProxyError, such as a used-up budget."""
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
