"""``POST /v1/embeddings``."""

import struct
from base64 import b64encode
from typing import Any

import orjson

from adapters.core.adaptations import Adaptation
from adapters.core.event import Event
from adapters.core.message import Message
from adapters.core.request import ApiRequest, Operation, Translation
from proxy.observability.request_record import RequestRecord
from proxy.openai_api.handler import RequestSteps
from proxy.openai_api.json_body import read_body
from proxy.openai_api.response_writer import ResponseWriter
from proxy.openai_api.token_ids import decode_ids, has_ids
from proxy.openai_api.writer import ResponseChannel

DECODED = {"input": Adaptation("mapped", Message("token ids were decoded to text"))}


class EmbeddingsHandler:
    """Embeddings of texts, or of token ids, as floats or as base64."""

    operation: Operation = "embeddings"
    steps: RequestSteps | None = None

    def parse(self, body: bytes) -> ApiRequest:
        """Parse a body. Raises BadRequest, naming ``param``."""
        model, fields = read_body(body, "embeddings", required=("input",))
        if not has_ids(fields["input"]):
            return ApiRequest("embeddings", model, fields)
        fields["input"] = decode_ids("input", fields["input"], model)
        return ApiRequest("embeddings", model, fields, translation=Translation(fields, DECODED))

    def writer(self, request: ApiRequest, out: ResponseChannel, record: RequestRecord) -> "EmbeddingsWriter":
        """Return the writer for one response."""
        return EmbeddingsWriter(request, out, record)


class EmbeddingsWriter(ResponseWriter):
    """Writes vectors in the requested encoding; OpenAI's SDKs request base64 by default."""

    def whole(self, event: Event) -> bytes:
        """Return the body, with vectors in base64 (little-endian float32) if requested."""
        if self._request.fields.get("encoding_format") != "base64":
            return event.raw
        body = event.data
        return orjson.dumps({**body, "data": [_encoded(vector) for vector in body["data"]]})


def _encoded(vector: dict[str, Any]) -> dict[str, Any]:
    numbers = vector["embedding"]
    if type(numbers) is not list:
        return vector
    packed = struct.pack(f"<{len(numbers)}f", *numbers)
    return {**vector, "embedding": b64encode(packed).decode("ascii")}
