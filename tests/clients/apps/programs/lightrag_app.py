"""An application on LightRAG, unaware of banjia: only environment variables set its endpoint."""

import asyncio
import json
import tempfile
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

from lightrag import LightRAG, QueryParam
from lightrag.llm.openai import gpt_4o_complete, openai_embed
from lightrag.utils import EmbeddingFunc

WIDTH = 1024
"""How many numbers a vector has: as many as every vendor gives."""
TEXT = """Ada lives in Oslo.
emulator:answer
entity<|#|>Ada<|#|>person<|#|>A sailor.
entity<|#|>Oslo<|#|>location<|#|>A city.
relation<|#|>Ada<|#|>Oslo<|#|>home<|#|>Ada lives in Oslo.
<|COMPLETE|>
emulator:end"""
OSLO = "Oslo\nA city."
"""What is embedded for a place."""
ANSWER = "emulator:answer\n{context_data}\nemulator:end"
"""A prompt by which a stand-in model answers what was found."""


def _with_text(use: Callable[[LightRAG], Awaitable[Any]]) -> Any:
    """Return the result of `use` for a fresh store with the text."""

    async def run() -> Any:
        with tempfile.TemporaryDirectory() as folder:
            embed = partial(openai_embed.func, model="text-embedding-3-small", embedding_dim=WIDTH)
            rag = LightRAG(
                working_dir=folder, workspace=Path(folder).name, llm_model_func=gpt_4o_complete,
                embedding_func=EmbeddingFunc(embedding_dim=WIDTH, max_token_size=8192, func=embed),
            )  # fmt: skip
            await rag.initialize_storages()
            await rag.ainsert(TEXT)
            try:
                return await use(rag)
            finally:
                await rag.finalize_storages()

    return asyncio.run(run())


def graph() -> None:
    """The model makes a graph of the text and keywords of the question, by which entities and relations are found."""
    keywords = {"high_level_keywords": [], "low_level_keywords": [OSLO]}
    question = f"Where is Ada?\nemulator:answer\n{json.dumps(keywords)}\nemulator:end"
    found = _with_text(lambda rag: rag.aquery_data(question, QueryParam(mode="local")))["data"]
    assert [one["entity_name"] for one in found["entities"]] == ["Oslo"], found
    assert [{one["src_id"], one["tgt_id"]} for one in found["relationships"]] == [{"Ada", "Oslo"}], found


def answer() -> None:
    """The model answers with what was found before it."""
    param = QueryParam(mode="hybrid", ll_keywords=[OSLO])
    reported = _with_text(lambda rag: rag.aquery("Where is Ada?", param, system_prompt=ANSWER))
    assert "Ada lives in Oslo." in reported, reported


def streamed_answer() -> None:
    async def query(rag: LightRAG) -> str:
        told = await rag.aquery("Hello", QueryParam(mode="bypass", stream=True))
        return "".join([piece async for piece in told])

    reported = _with_text(query)
    assert reported == "You said: Hello", reported
