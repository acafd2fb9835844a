"""The objects of one client do not exist for another: no id opens them, and no answer tells them from unknown ones."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from tests.proxy.openai_api.responses.api import ANNA, BEN, KEYS, PATH, Api, running
from tests.support.effort import examples

GUESSES = examples(10_000)
UNKNOWN = "0" * 32


def paths(response: str, conversation: str, item: str) -> list[tuple[str, str, Any]]:
    """Every request with an id of a response, a conversation or an item in its path or in a field."""
    return [
        ("GET", f"{PATH}/{response}", None),
        ("GET", f"{PATH}/{response}/input_items", None),
        ("GET", f"{PATH}/{response}?stream=true", None),
        ("DELETE", f"{PATH}/{response}", None),
        ("POST", f"{PATH}/{response}/cancel", None),
        ("GET", f"/v1/conversations/{conversation}", None),
        ("POST", f"/v1/conversations/{conversation}", {"metadata": {}}),
        ("DELETE", f"/v1/conversations/{conversation}", None),
        ("GET", f"/v1/conversations/{conversation}/items", None),
        ("POST", f"/v1/conversations/{conversation}/items", {"items": [{"role": "user", "content": "x"}]}),
        ("GET", f"/v1/conversations/{conversation}/items/{item}", None),
        ("DELETE", f"/v1/conversations/{conversation}/items/{item}", None),
        ("POST", PATH, {"model": "gpt-4o", "input": "hi", "previous_response_id": response}),
        ("POST", PATH, {"model": "gpt-4o", "input": "hi", "conversation": conversation}),
        ("POST", PATH, {"model": "gpt-4o", "input": "hi", "conversation": {"id": conversation}}),
        ("POST", PATH, {"model": "gpt-4o", "input": [{"type": "item_reference", "id": item}]}),
        ("POST", f"{PATH}/input_tokens", {"model": "gpt-4o", "input": "hi", "previous_response_id": response}),
        ("POST", f"{PATH}/input_tokens", {"model": "gpt-4o", "input": "hi", "conversation": conversation}),
        ("POST", f"{PATH}/input_tokens", {"model": "gpt-4o", "input": [{"type": "item_reference", "id": item}]}),
    ]


async def of_anna(api: Api) -> tuple[str, str, str]:
    """Store a response and a conversation with an item for one client; return their ids."""
    response = await api.respond(ANNA)
    conversation = await api.conversation(ANNA, items=[{"role": "user", "content": "secret"}])
    (item,) = await api.items(conversation, ANNA)
    return response["id"], conversation, item["id"]


async def answer(api: Api, row: tuple[str, str, Any], headers: Mapping[str, str], ids: tuple[str, ...]) -> Any:
    """Return the status, the headers of the error, its body with the ids blanked, and the calls of the store."""
    api.store.calls = Counter()
    got = await api.request(*row, headers)
    text = got.text
    for id_ in ids:
        text = text.replace(id_, "ID")
    kept = {
        name: value
        for name, value in got.headers.items()
        if name not in ("x-request-id", "openai-processing-ms", "content-length")
    }
    return got.status_code, kept, text, dict(api.store.calls)


@pytest.mark.parametrize("at", range(len(paths("", "", ""))))
def test_another_clients_id_is_answered_like_an_unknown_one(at: int) -> None:
    async def run() -> None:
        async with running(KEYS) as api:
            foreign = await of_anna(api)
            unknown = (f"resp_{UNKNOWN}", f"conv_{UNKNOWN}", f"msg_{UNKNOWN}")
            calls = len(api.bodies)
            one = await answer(api, paths(*foreign)[at], BEN, foreign)
            other = await answer(api, paths(*unknown)[at], BEN, unknown)
            assert one == other
            assert one[0] in (400, 404)
            assert len(api.bodies) == calls, "no vendor is called"
            assert (await api.get(f"{PATH}/{foreign[0]}", ANNA)).status_code == 200
            assert len(await api.items(foreign[1], ANNA)) == 1

    asyncio.run(run())


def test_ten_thousand_guessed_ids_find_nothing() -> None:
    async def run() -> None:
        async with running(KEYS) as api:
            response, conversation, item = await of_anna(api)
            rows = paths("{r}", "{c}", "{i}")
            seen: Counter[tuple[int, int]] = Counter()
            for guess in range(GUESSES):
                at = guess % len(rows)
                method, path, body = rows[at]
                # An id of the right form; each fourth one differs from a real one in one character only.
                tail = secrets.token_hex(16)
                ids = {"{r}": f"resp_{tail}", "{c}": f"conv_{tail}", "{i}": f"msg_{tail}"}
                if guess % 4 == 0:
                    ids = {"{r}": near(response, guess), "{c}": near(conversation, guess), "{i}": near(item, guess)}
                status = await request(api, method, put(path, ids), put(body, ids))
                seen[at, status] += 1
            assert {status for _, status in seen} <= {400, 404}
            assert len(seen) == len(rows), "each row has one status"
            assert len(api.bodies) == 1

    asyncio.run(run())


def near(id_: str, guess: int) -> str:
    """Return an id that differs in its last character."""
    return id_[:-1] + "0123456789abcdef"[(int(id_[-1], 16) + 1 + guess % 15) % 16]


def put(value: Any, ids: Mapping[str, str]) -> Any:
    """Return a path or a body with these ids."""
    if type(value) is dict:
        return {name: put(member, ids) for name, member in value.items()}
    if type(value) is list:
        return [put(member, ids) for member in value]
    if type(value) is not str:
        return value
    for name, id_ in ids.items():
        value = value.replace(name, id_)
    return value


async def request(api: Api, method: str, path: str, body: Any) -> int:
    """Send a request of the second client; return its status."""
    return (await api.request(method, path, body, BEN)).status_code


def test_sealed_reasoning_of_another_client_is_not_opened() -> None:
    async def run() -> None:
        async with running(KEYS) as api:
            sealed = api.state.secret.seal("another", "reasoning", "the secret plan")
            items = [
                {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": sealed},
                {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "call_1", "output": "1"},
                {"role": "user", "content": "and?"},
            ]
            answer = await api.post(BEN, input=items)
            assert answer.status_code == 200
            assert "the secret plan" not in str(api.bodies)
            assert "input.reasoning=dropped" in answer.headers["x-banjia-adapted"]

    asyncio.run(run())


SPELLINGS = ("/v1", "", "/openai/v1", "/openai", "/v1/v1", "//v1", "/openai/v1/")


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("ending", ["", "/", "?api-version=2025-04-01-preview"])
def test_every_spelling_of_a_path_serves_its_owner_and_nobody_else(spelling: str, ending: str) -> None:
    async def run() -> None:
        async with running(KEYS) as api:
            made = await api.request("POST", f"{spelling}/responses{ending}", {"model": "gpt-4o", "input": "hi"}, ANNA)
            id_ = made.json()["id"]
            conversation = (await api.request("POST", f"{spelling}/conversations{ending}", {}, ANNA)).json()["id"]
            for path in (f"responses/{id_}", f"responses/{id_}/input_items", f"conversations/{conversation}",
                         f"conversations/{conversation}/items"):  # fmt: skip
                assert (await api.get(f"{spelling}/{path}{ending}", ANNA)).status_code == 200, path
                assert (await api.get(f"{spelling}/{path}{ending}", BEN)).status_code == 404, path
                assert (await api.get(f"{spelling}/{path}{ending}")).status_code == 401, path
            assert (await api.request("DELETE", f"{spelling}/responses/{id_}{ending}", None, BEN)).status_code == 404
            assert (await api.request("DELETE", f"{spelling}/responses/{id_}{ending}", None, ANNA)).status_code == 200

    asyncio.run(run())
