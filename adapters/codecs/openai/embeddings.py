"""Reads embeddings of OpenAI-compatible vendors: one vector per input, in the order of the inputs."""

from typing import Any

from adapters.codecs.openai.errors import VENDOR, InvalidResponse
from adapters.codecs.openai.exchange import codec
from adapters.codecs.openai.reader import WholeReader
from adapters.codecs.openai.usage import usage_of
from adapters.core.event import Event
from adapters.core.message import Message
from adapters.core.tokens import estimate_prompt
from adapters.core.usage import Usage


class EmbeddingsReader(WholeReader):
    """Reads a list of vectors."""

    __slots__ = ()
    most_values = 4_000_000  # 2,048 vectors of 1,536 numbers are three million values, and numbers parse fast

    def whole(self, data: dict[str, Any], *, large: bool) -> Event:
        """Normalize the list of vectors: one per input, sorted by index. Raises InvalidResponse."""
        vectors = data.get("data")
        wanted = count_inputs(self._request.fields.get("input"))
        if type(vectors) is not list or not all(type(v) is dict and is_vector(v) for v in vectors[: wanted + 1]):
            raise InvalidResponse(
                "invalid_response", Message("{vendor} sent a response without embedding vectors.", vendor=VENDOR)
            )
        if len(vectors) != wanted:
            raise InvalidResponse(
                "invalid_response",
                Message(
                    "{vendor} sent {got} vectors for {wanted} inputs.", vendor=VENDOR, got=len(vectors), wanted=wanted
                ),
            )
        data["data"] = in_order(vectors)
        usage = usage_of(data.get("usage")) or Usage(estimate_prompt(self._request.fields), 0, source="estimated")
        self.usage = usage
        data["usage"] = {"prompt_tokens": usage.prompt, "total_tokens": usage.prompt}
        data["object"] = "list"
        return self.finish_body(data)


NUMBERS = frozenset({int, float})


def is_vector(item: dict[str, Any]) -> bool:
    """Whether an item of ``data`` has a vector: only numbers, or base64."""
    vector = item.get("embedding")
    if type(vector) is list:
        return bool(vector) and NUMBERS.issuperset(map(type, vector))
    return type(vector) is str and vector != ""


def count_inputs(value: Any) -> int:
    """Return the number of inputs of a request: a list of token ids is one input, like a text."""
    return len(value) if type(value) is list and value and type(value[0]) is not int else 1


def in_order(vectors: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sort vectors by index and number them from 0. If all have the same index or none, their order is kept.

    Raises InvalidResponse if only some share an index or lack one: their order could only be guessed.
    """
    indexes = [vector.get("index") for vector in vectors]
    if all(type(index) is int for index in indexes) and len(set(indexes)) == len(indexes):
        vectors = sorted(vectors, key=lambda vector: vector["index"])
    elif indexes != indexes[:1] * len(indexes):
        raise InvalidResponse(
            "invalid_response",
            Message(
                "{vendor} sent vectors with missing or duplicate indexes, so their order is unknown.", vendor=VENDOR
            ),
        )
    return [{**vector, "object": "embedding", "index": at} for at, vector in enumerate(vectors)]


openai_embeddings = codec(EmbeddingsReader)
