"""A front for requests whose path names the model: Azure's deployments, and the engines of OpenAI's first SDKs."""

import orjson

from adapters.core.request import ApiRequest
from proxy.fronts.writer import Out, Writer
from proxy.openai_api.json_body import check_model
from proxy.pipeline import Front
from proxy.tally import Tally

WHITESPACE = b" \t\r\n"
"""What JSON takes around a value (RFC 8259, section 2)."""


class NamedFront:
    """Another front, with the model that the path names in the place of the body's, which may be missing.

    Azure's clients put the deployment into the path, and a ``model`` beside it in the body is not looked at there.
    """

    def __init__(self, front: Front, model: str) -> None:
        self._front = front
        self._model = model
        self.operation = front.operation

    def read(self, body: bytes) -> ApiRequest:
        """The ask of a body. Raises BadRequest, as the other front does."""
        return self._front.read(named(body, self._model))

    def writer(self, ask: ApiRequest, out: Out, tally: Tally) -> Writer:
        """The writer for one answer."""
        return self._front.writer(ask, out, tally)


def named(body: bytes, model: str) -> bytes:
    """The body with this model as its last member, which is the one that counts. Raises BadRequest for the name.

    Not parsed: that would take as long as all the rest. What is no object stays none, and the front says so.
    """
    text = body.strip(WHITESPACE)
    if not text.startswith(b"{") or not text.endswith(b"}"):
        return body
    member = b'"model":' + orjson.dumps(check_model(model)) + b"}"
    members = text[1:-1]
    return b"{" + member if not members.strip(WHITESPACE) else text[:-1] + b"," + member
