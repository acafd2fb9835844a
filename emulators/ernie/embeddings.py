"""ERNIE's embeddings on v2 (sheet 3.4, 4.3, 5.2). Error texts that the sheet does not quote are invented."""

import hashlib
import math
from array import array
from typing import Any

from emulators.core import tokens
from emulators.ernie.errors import fixed, invalid
from emulators.ernie.models import Embedder


def answer(body: dict[str, Any], model: Embedder, answer_id: str, created: int) -> dict[str, Any]:
    """Return the list of vectors. Raises Refusal."""
    texts = _texts(body.get("input"), model)
    # sheet 4.3: embeddings: `encoding_format` only `float`
    if body.get("encoding_format") not in (None, "float"):
        raise invalid("encoding_format must be float")
    # sheet 4.3: embeddings: `dimensions` not documented
    if body.get("dimensions") is not None:
        raise invalid("dimensions is not supported")
    # sheet 4.3: embeddings: `user`
    if not isinstance(body.get("user") or "", str):
        raise invalid("user must be a string")
    total = sum(tokens.count(text) for text in texts)
    return {
        "id": answer_id,
        # sheet 5.2: embeddings: not `list`
        "object": "embedding_list",
        "created": created,
        "model": model.id,
        "data": [
            {"object": "embedding", "embedding": vector(text, model.width), "index": index}
            for index, text in enumerate(texts)
        ],
        "usage": {"prompt_tokens": total, "total_tokens": total},
    }


def _texts(value: Any, model: Embedder) -> list[str]:
    # sheet 4.3: embeddings: `input` string or list (<= 16; tao-8k 1)
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) and text for text in texts):
        raise invalid("input must be a string or a list of strings, none of them empty")
    if not 1 <= len(texts) <= model.most_texts:
        raise invalid(f"input may have {model.most_texts} texts")
    # sheet 3.4: tokens and chars each
    for text in texts:
        if model.most_characters is not None and len(text) > model.most_characters:
            raise fixed("characters")
        if tokens.count(text) > model.most_tokens:
            raise fixed("context")
    return texts


def vector(text: str, width: int) -> list[float]:
    """Return a vector of length 1 that depends only on the text."""
    raw = array("h", hashlib.shake_256(text.encode()).digest(2 * width))
    length = math.sqrt(sum(value * value for value in raw))
    return [value / length for value in raw]
