"""Ark's embeddings, multimodal embeddings and tokenization (sheet 2, 3). Error texts that the sheet does not quote are invented."""

import base64
import time
from array import array
from typing import Any
from zlib import crc32

from emulators.core import tokens
from emulators.core.checks import is_integer
from emulators.core.vectors import vector
from emulators.doubao.errors import missing, out_of_range, unknown_value, wrong_type
from emulators.doubao.messages import check_part
from emulators.doubao.models import Embedder

Json = dict[str, Any]
TOKENS_PER_IMAGE = 1312
"""Tokens of a large image, by the vendor's page of prices."""
VOCABULARY = 100_000
MEDIA = ("image_url", "video_url")
"""Sheet 2: the parts of a multimodal input beside text."""


def embeddings(body: Json, model: Embedder, request_id: str) -> Json:
    """Return the vectors of a string or of a list of strings. Raises Refusal."""
    texts = _texts("input", body.get("input"))
    width, encoding = _width(body, model), _encoding(body)
    total = sum(tokens.count(text) for text in texts)
    data = [
        {"object": "embedding", "index": index, "embedding": _encoded(vector(text, width), encoding)}
        for index, text in enumerate(texts)
    ]
    return {**_start(request_id, model.id), "data": data, "usage": {"prompt_tokens": total, "total_tokens": total}}


def multimodal(body: Json, model: Embedder, request_id: str) -> Json:
    """Return one vector of a list of parts: `data` is one object (sheet 2). Raises Refusal."""
    parts = body.get("input")
    if not isinstance(parts, list) or not parts:
        raise missing("input")
    for index, part in enumerate(parts):
        check_part(f"input[{index}]", part, MEDIA)
    width, encoding = _width(body, model), _encoding(body)
    if not isinstance(body.get("instructions") or "", str):
        raise wrong_type("instructions", "a string", body["instructions"])
    # sheet 2: sparse_embedding{type}: sparse vectors are not emulated
    sparse = body.get("sparse_embedding")
    if sparse is not None and sparse != {"type": "disabled"}:
        raise unknown_value("sparse_embedding", sparse, ("disabled",))
    text = sum(tokens.count(part["text"]) for part in parts if part["type"] == "text")
    images = TOKENS_PER_IMAGE * sum(part["type"] != "text" for part in parts)
    usage = {
        "prompt_tokens": text + images,
        "total_tokens": text + images,
        "prompt_tokens_details": {"text_tokens": text, "image_tokens": images},
    }
    embedding = _encoded(vector(repr(parts), width), encoding)
    return {
        **_start(request_id, model.id),
        "data": {"object": "embedding", "embedding": embedding},
        "usage": usage,
    }


def tokenization(body: Json, model: str, request_id: str) -> Json:
    """Return the tokens of a string or of a list of strings (sheet 2). Raises Refusal."""
    data = []
    for index, text in enumerate(_texts("text", body.get("text"))):
        spans = tokens.spans(text)
        ids = [crc32(text[start:end].encode()) % VOCABULARY for start, end in spans]
        counted = {"index": index, "object": "tokenization", "total_tokens": len(spans)}
        data.append({**counted, "token_ids": ids, "offset_mapping": [list(span) for span in spans]})
    return {**_start(request_id, model), "data": data}


def _start(request_id: str, model: str) -> Json:
    return {"id": request_id, "object": "list", "created": int(time.time()), "model": model}


def _texts(name: str, value: Any) -> list[str]:
    if value in (None, "", []):
        raise missing(name)
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list):
        raise wrong_type(name, "a string or an array of strings", value)
    for index, text in enumerate(texts):
        # the text is that of a live answer; token ids are no input
        if not isinstance(text, str):
            raise wrong_type(f"{name}[{index}]", "a string", text)
        if not text:
            raise missing(f"{name}[{index}]")
    return texts


def _width(body: Json, model: Embedder) -> int:
    size = body.get("dimensions")
    if size is None:
        return model.width
    if not is_integer(size):
        raise wrong_type("dimensions", "an integer", size)
    # the sheet does not state which smaller sizes a text model has: all
    if not 1 <= size <= model.width:
        raise out_of_range("dimensions", "integer", size, 1, model.width)
    # the vendor's list of models: 2048, or reduced to 1024
    if model.multimodal and size not in (model.width, model.width // 2):
        raise unknown_value("dimensions", size, (str(model.width), str(model.width // 2)))
    return int(size)


def _encoding(body: Json) -> str:
    wanted = body.get("encoding_format")
    if wanted not in (None, "float", "base64"):
        raise unknown_value("encoding_format", wanted, ("float", "base64"))
    return wanted or "float"


def _encoded(values: list[float], encoding: str) -> list[float] | str:
    return base64.b64encode(array("f", values).tobytes()).decode() if encoding == "base64" else values
