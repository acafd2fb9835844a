"""The interface of an operation of OpenAI's API: a parser for its requests and a writer for its responses."""

from typing import Protocol

from adapters.core.request import ApiRequest, Operation
from proxy.observability.request_record import RequestRecord
from proxy.openai_api.writer import ResponseChannel, Writer


class OperationHandler(Protocol):
    """OpenAI's side of one operation: a body becomes an ApiRequest, Events become OpenAI's bytes."""

    operation: Operation

    def parse(self, body: bytes) -> ApiRequest:
        """Parse a body. Raises BadRequest."""
        ...

    def writer(self, request: ApiRequest, out: ResponseChannel, record: RequestRecord) -> Writer:
        """Return the writer for one response."""
        ...
