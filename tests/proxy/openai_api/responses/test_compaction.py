"""``POST /v1/responses/compact``: a summary takes the place of a conversation."""

import asyncio
from typing import Any

import httpx2
import pytest

import emulators
from emulators import Emulator
from tests.support.harness import proxy

KEYS = ("sk-client-000000000001", "sk-client-000000000002")


async def serve(vendor: Emulator, scene: Any) -> None:
    key, url = vendor.environment["MOONSHOT_API_KEY"], vendor.environment["MOONSHOT_BASE_URL"]
    settings = {"vendors": {"kimi": {"api_key": key, "base_url": url}}, "server": {"client_keys": list(KEYS)}}
    async with proxy(settings) as running, httpx2.AsyncClient(base_url=f"{running.url}/v1", timeout=30) as http:
        await scene(http)


def run(scene: Any) -> list[Any]:
    """Run a scene with a client, and return the requests that the vendor received."""

    async def main() -> list[Any]:
        vendor = await emulators.start("kimi", environ={})
        try:
            await serve(vendor, scene)
        finally:
            await vendor.aclose()
        return vendor.requests

    return asyncio.run(main())


async def post(http: httpx2.AsyncClient, path: str, key: str = KEYS[0], **fields: Any) -> httpx2.Response:
    return await http.post(path, json={"model": "gpt-4o", **fields}, headers={"authorization": f"Bearer {key}"})


def test_a_summary_is_sealed_and_a_later_request_continues_from_it() -> None:
    async def scene(http: httpx2.AsyncClient) -> None:
        first = (await post(http, "/responses", input="My name is Ann.")).json()
        compacted = (await post(http, "/responses/compact", previous_response_id=first["id"])).json()
        assert compacted["object"] == "response.compaction"
        assert compacted["usage"]["total_tokens"] > 0
        kept, summary = compacted["output"]
        assert (kept["role"], kept["content"][0]["text"]) == ("user", "My name is Ann.")
        assert summary["type"] == "compaction"
        assert "Summarize" not in summary["encrypted_content"]
        question = {"role": "user", "content": "What is my name?"}
        after = await post(http, "/responses", input=[*compacted["output"], question])
        assert after.status_code == 200, after.text

    requests = run(scene)
    assert requests[1].body["messages"][-1]["content"].startswith("Summarize the conversation")
    *_, summary, question = requests[2].body["messages"]
    assert summary["role"] == "system"
    assert "You said: Summarize the conversation" in summary["content"]
    assert question == {"role": "user", "content": "What is my name?"}


@pytest.mark.parametrize("sealed", ["bj1.AAAA", "", "of another client"])
def test_a_summary_that_this_client_did_not_get_is_refused(sealed: str) -> None:
    """Without the summary the history would vanish, so it is no silent drop as for reasoning."""

    async def scene(http: httpx2.AsyncClient) -> None:
        blob = sealed
        if sealed == "of another client":
            blob = (await post(http, "/responses/compact", KEYS[1], input="Hi")).json()["output"][-1][
                "encrypted_content"
            ]
        item = {"type": "compaction", "encrypted_content": blob}
        answer = await post(http, "/responses", input=[item, {"role": "user", "content": "Hi"}])
        assert answer.status_code == 400
        assert "compaction" in answer.json()["error"]["message"]

    run(scene)


def test_only_the_latest_messages_of_the_user_stay() -> None:
    async def scene(http: httpx2.AsyncClient) -> None:
        long = [{"role": "user", "content": "x" * 30_000}, {"role": "assistant", "content": "ok"}]
        items = [*long, *long, {"role": "user", "content": "y" * 30_000}]
        kept = (await post(http, "/responses/compact", input=items)).json()["output"][:-1]
        assert [item["role"] for item in kept] == ["user", "user"]
        assert kept[-1]["content"][0]["text"][0] == "y"

    run(scene)
