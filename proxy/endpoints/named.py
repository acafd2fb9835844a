"""A front for requests whose path names the model: Azure's deployments, and the engines of OpenAI's first SDKs."""

import orjson

from adapters.core.shapes import Ask
from proxy.errors import BadRequest
from proxy.fronts.writer import Out, Writer
from proxy.pipeline import Front
from proxy.tally import Tally


class NamedFront:
    """Another front, with the model that the path names in the place of the body's, which may be missing.

    Azure's clients put the deployment into the path, and a ``model`` beside it in the body is not looked at there.
    """

    def __init__(self, front: Front, model: str) -> None:
        self._front = front
        self._model = model
        self.operation = front.operation

    def read(self, body: bytes) -> Ask:
        """The ask of a body. Raises BadRequest, as the other front does."""
        return self._front.read(named(body, self._model))

    def writer(self, ask: Ask, out: Out, tally: Tally) -> Writer:
        """The writer for one answer."""
        return self._front.writer(ask, out, tally)


def named(body: bytes, model: str) -> bytes:
    """The body with this model in it; what is no object is left for the front to complain about. Raises BadRequest."""
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body
    if type(fields) is not dict:
        return body
    try:
        return orjson.dumps({**fields, "model": model})
    except orjson.JSONEncodeError:  # what can be read may be nested deeper than what can be written
        raise BadRequest("The JSON body of your request is nested too deeply.") from None
