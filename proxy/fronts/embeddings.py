"""The front of ``POST /v1/embeddings``."""

import struct
from base64 import b64encode
from typing import Any

import orjson

from adapters.core.message import Message
from adapters.core.shapes import Ask, Event, Reworded, Told
from proxy.fronts.response import ResponseWriter
from proxy.fronts.writer import Out
from proxy.openai_api.json_body import read_body, take_model
from proxy.services.tokens import decoded, has_ids
from proxy.tally import Tally

DECODED = {"input": Told("mapped", Message("token ids were decoded to text"))}


class EmbeddingsFront:
    """Embeddings of texts, or of token ids, as floats or as base64."""

    operation = "embeddings"

    def read(self, body: bytes) -> Ask:
        """The ask of a body. Raises BadRequest, naming ``param``."""
        fields = read_body(body, "embeddings", required=("input",))
        model = take_model(fields)
        if not has_ids(fields["input"]):
            return Ask("embeddings", model, fields)
        fields["input"] = decoded("input", fields["input"], model)
        return Ask("embeddings", model, fields, reworded=Reworded(fields, DECODED))

    def writer(self, ask: Ask, out: Out, tally: Tally) -> "EmbeddingsWriter":
        """The writer for one answer."""
        return EmbeddingsWriter(ask, out, tally)


class EmbeddingsWriter(ResponseWriter):
    """Vectors in the encoding that was asked for: OpenAI's SDKs ask for base64 by themselves."""

    def whole(self, event: Event) -> bytes:
        """The body, with vectors in base64 (little-endian float32) where that was asked for."""
        if self._ask.fields.get("encoding_format") != "base64":
            return event.raw
        body = event.data
        return orjson.dumps({**body, "data": [_encoded(vector) for vector in body["data"]]})


def _encoded(vector: dict[str, Any]) -> dict[str, Any]:
    numbers = vector["embedding"]
    if type(numbers) is not list:
        return vector
    packed = struct.pack(f"<{len(numbers)}f", *numbers)
    return {**vector, "embedding": b64encode(packed).decode("ascii")}
