"""Token ids, as LangChain sends them by default: every vendor gets text, in batches that it accepts, in order."""

import asyncio
import json
from typing import Any

import httpx2
import pytest

from config.schema import Settings
from proxy.commands.explain import explain
from tests.support.harness import proxy, vendor

SMALL = "text-embedding-3-small"
TARGETS = {"qwen": "qwen/text-embedding-v4", "office": "office/bge-m3"}
A = 64
"""The token of "a"; those of the other small letters follow."""


async def embed(target: str, given: Any) -> tuple[list[list[str]], httpx2.Response]:
    """Return the inputs of the upstream calls, and the response. A vector is derived from the start of its text."""
    calls: list[list[str]] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        fields = json.loads(body)["input"]
        texts = fields if type(fields) is list else [fields]
        calls.append(texts)
        data = [{"object": "embedding", "index": at, "embedding": [ord(text[0])]} for at, text in enumerate(texts)]
        sent = json.dumps({"data": data, "model": "m", "usage": {"prompt_tokens": 1, "total_tokens": 1}}).encode()
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(sent) + sent
        )

    async with vendor(answer) as url:
        kinds = {"qwen": "qwen", "office": "openai_compatible"}
        entries = {name: {"kind": kind, "base_url": url, "api_key": "none"} for name, kind in kinds.items()}
        settings = {"vendors": entries, "models": {SMALL: TARGETS[target]}}
        body = {"model": SMALL, "input": given, "encoding_format": "float"}
        async with proxy(settings) as running, httpx2.AsyncClient() as client:
            return calls, await client.post(f"{running.url}/v1/embeddings", json=body)


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_every_vendor_gets_the_text_and_the_answer_reports_it(target: str) -> None:
    calls, answer = asyncio.run(embed(target, [[15339, 1917], [65]]))

    assert calls == [["hello world", "b"]]
    assert [one["embedding"] for one in answer.json()["data"]] == [[ord("h")], [ord("b")]]
    assert "input=mapped" in answer.headers["x-banjia-adapted"].split(";")


def test_one_list_of_ids_is_one_text() -> None:
    calls, answer = asyncio.run(embed("office", [15339, 1917]))
    assert (calls, len(answer.json()["data"])) == ([["hello world"]], 1)


def test_many_lists_are_split_after_they_were_decoded_and_keep_their_order() -> None:
    letters = [A + at % 26 for at in range(25)]
    calls, answer = asyncio.run(embed("qwen", [[letter] for letter in letters]))

    assert sorted(map(len, calls)) == [5, 10, 10]
    assert [one["embedding"] for one in answer.json()["data"]] == [[ord("a") + at % 26] for at in range(25)]


def test_an_invalid_id_is_the_clients_error_and_reaches_no_vendor() -> None:
    calls, answer = asyncio.run(embed("qwen", [[64], [10**9]]))
    assert (answer.status_code, answer.json()["error"]["param"], calls) == (400, "input[1]", [])


def test_explain_shows_the_text() -> None:
    made = Settings.model_validate({"vendors": {"qwen": {"api_key": "k"}}, "models": {SMALL: TARGETS["qwen"]}})
    (about,) = explain(json.dumps({"model": SMALL, "input": [15339, 1917]}).encode(), made)["targets"]
    assert about["fields"]["input"] == {"verdict": "mapped", "why": "token ids were decoded to text"}
    assert about["body"]["input"] == "hello world"
