"""Handler for requests whose path names the model: Azure's deployments, and the engines of OpenAI's first SDKs."""

import orjson

from adapters.core.request import ApiRequest
from proxy.observability.request_record import RequestRecord
from proxy.openai_api.handler import OperationHandler
from proxy.openai_api.json_body import checked_model
from proxy.openai_api.writer import ResponseChannel, Writer

WHITESPACE = b" \t\r\n"
"""Whitespace that JSON allows around a value (RFC 8259, section 2)."""


class ModelFromPath:
    """Wraps a handler and uses the model from the path instead of the body's, which may be missing.

    Azure's clients put the deployment into the path; Azure ignores a ``model`` in the body.
    """

    def __init__(self, handler: OperationHandler, model: str) -> None:
        self._handler = handler
        self._model = model
        self.operation = handler.operation
        self.steps = handler.steps

    def parse(self, body: bytes) -> ApiRequest:
        """Parse a body. Raises BadRequest, as the wrapped handler does."""
        return self._handler.parse(with_model(body, self._model))

    def writer(self, request: ApiRequest, out: ResponseChannel, record: RequestRecord) -> Writer:
        """Return the writer for one response."""
        return self._handler.writer(request, out, record)


def with_model(body: bytes, model: str) -> bytes:
    """Return the body with this model as its last member, which takes precedence. Raises BadRequest for a bad name.

    The body is not parsed here, which would double the work. A body that is not an object is returned unchanged, and the
    wrapped handler reports it.
    """
    text = body.strip(WHITESPACE)
    if not text.startswith(b"{") or not text.endswith(b"}"):
        return body
    member = b'"model":' + orjson.dumps(checked_model(model)) + b"}"
    members = text[1:-1]
    return b"{" + member if not members.strip(WHITESPACE) else text[:-1] + b"," + member
