"""Zhipu's embeddings (sheet 3 and 4e)."""

from typing import Any

from emulators.core import tokens
from emulators.core.checks import is_integer
from emulators.core.vectors import vector
from emulators.zhipu.errors import fixed, illegal, not_received
from emulators.zhipu.models import Embedder


def answer(body: dict[str, Any], model: Embedder) -> dict[str, Any]:
    """Return the list of vectors. Raises Refusal."""
    texts = _texts(body.get("input"), model)
    size = body.get("dimensions")
    # sheet 4e: dimensions on embedding-3 only; that the other model refuses them is an inference
    if size is not None and not (model.sizable and is_integer(size) and size in model.widths):
        raise illegal("dimensions")
    width = model.widths[0] if size is None else size
    total = sum(tokens.count(text) for text in texts)
    # sheet 4e: "float only in practice": encoding_format is ignored
    return {
        "model": model.id,
        "object": "list",
        "data": [
            {"index": index, "object": "embedding", "embedding": vector(text, width)}
            for index, text in enumerate(texts)
        ],
        # sheet 4e: usage has completion_tokens too
        "usage": {"prompt_tokens": total, "completion_tokens": 0, "total_tokens": total},
    }


def _texts(value: Any, model: Embedder) -> list[str]:
    if value is None:
        raise not_received("input")
    # sheet 4e: input string or list; lists of token ids are not in the sheet
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise illegal("input")
    # reported for an empty text: 1213, which names the prompt
    if not all(texts):
        raise not_received("prompt")
    if model.most_texts is not None and len(texts) > model.most_texts:
        raise fixed("texts")
    counts = [tokens.count(text) for text in texts]
    if max(counts) > model.most_tokens or sum(counts) > (model.most_in_all or sum(counts)):
        raise illegal("input")
    return texts
