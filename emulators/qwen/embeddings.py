"""Qwen's embeddings in compatible mode (sheet 3c, 5a). Error texts that the sheet does not quote are invented."""

from typing import Any

from emulators.core import tokens
from emulators.core.checks import is_integer
from emulators.core.vectors import vector
from emulators.qwen.errors import invalid, out_of_range
from emulators.qwen.models import Embedder


def answer(body: dict[str, Any], model: Embedder, request_id: str) -> dict[str, Any]:
    """Return the list of vectors. Raises Refusal."""
    texts = _texts(body.get("input"), model)
    # sheet 3c: only `float` is documented
    if body.get("encoding_format") not in (None, "float"):
        raise invalid("encoding_format should be float")
    size = body.get("dimensions")
    # sheet 3c: dims
    if size is not None and (not is_integer(size) or size not in model.dimensions):
        raise invalid(f"dimensions should be one of {sorted(model.dimensions)}")
    width = model.dimensions[0] if size is None else size
    total = sum(tokens.count(text) for text in texts)
    return {
        "data": [
            {"embedding": vector(text, width), "index": index, "object": "embedding"}
            for index, text in enumerate(texts)
        ],
        "model": model.id,
        "object": "list",
        "usage": {"prompt_tokens": total, "total_tokens": total},
        "id": request_id,
    }


def _texts(value: Any, model: Embedder) -> list[str]:
    texts = [value] if isinstance(value, str) else value
    # sheet 3c: token-id arrays are no input
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise invalid("input should be a string or a list of strings")
    # sheet 3c: max texts
    if len(texts) > model.most_texts:
        raise invalid(f"batch size is invalid, it should not be larger than {model.most_texts}")
    # sheet 3c: max tokens/text
    if not all(1 <= tokens.count(text) <= model.most_tokens for text in texts):
        raise out_of_range("input length", "1", str(model.most_tokens))
    return texts
