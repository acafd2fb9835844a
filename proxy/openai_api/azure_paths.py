"""A front for requests whose path names the model: Azure's deployments, and the engines of OpenAI's first SDKs."""

import orjson

from adapters.core.request import ApiRequest
from proxy.observability.request_record import RequestRecord
from proxy.openai_api.handler import OperationHandler
from proxy.openai_api.json_body import check_model
from proxy.openai_api.writer import ResponseChannel, Writer

WHITESPACE = b" \t\r\n"
"""What JSON takes around a value (RFC 8259, section 2)."""


class ModelFromPath:
    """Another front, with the model that the path names in the place of the body's, which may be missing.

    Azure's clients put the deployment into the path, and a ``model`` beside it in the body is not looked at there.
    """

    def __init__(self, front: OperationHandler, model: str) -> None:
        self._front = front
        self._model = model
        self.operation = front.operation

    def parse(self, body: bytes) -> ApiRequest:
        """The ask of a body. Raises BadRequest, as the other front does."""
        return self._front.parse(with_model(body, self._model))

    def writer(self, request: ApiRequest, out: ResponseChannel, record: RequestRecord) -> Writer:
        """The writer for one answer."""
        return self._front.writer(request, out, record)


def with_model(body: bytes, model: str) -> bytes:
    """The body with this model as its last member, which is the one that counts. Raises BadRequest for the name.

    Not parsed: that would take as long as all the rest. What is no object stays none, and the front says so.
    """
    text = body.strip(WHITESPACE)
    if not text.startswith(b"{") or not text.endswith(b"}"):
        return body
    member = b'"model":' + orjson.dumps(check_model(model)) + b"}"
    members = text[1:-1]
    return b"{" + member if not members.strip(WHITESPACE) else text[:-1] + b"," + member
