"""Embeddings in both editions (sheet 3.3). Error texts that the sheet does not quote are invented."""

from collections.abc import Callable
from typing import Any

from emulators.core import tokens
from emulators.core.vectors import vector
from emulators.hunyuan.refusal import Refusal


def texts_of(body: dict[str, Any], invalid: Callable[[str], Refusal]) -> list[str]:
    """Return the texts to embed. Raises Refusal."""
    value = body.get("input")
    texts = [value] if isinstance(value, str) else value
    # sheet 3.3: a string or a list; token ids are not among it
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) and text for text in texts):
        raise invalid("input must be a string or a list of strings, none of them empty")
    # sheet 4.2: "base64 in the proxy": no edition's page has encoding_format; other than float is refused here
    if body.get("encoding_format") not in (None, "float"):
        raise invalid("encoding_format must be float")
    return texts


def listed(model: str, texts: list[str], width: int, most_tokens: int) -> dict[str, Any]:
    """Return the vectors in OpenAI's format; at most `most_tokens` tokens of each text count."""
    read = [tokens.cut(text, most_tokens)[0] for text in texts]
    total = sum(tokens.count(text) for text in read)
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": vector(text, width)} for index, text in enumerate(read)
        ],
        "model": model,
        "usage": {"prompt_tokens": total, "total_tokens": total},
    }
