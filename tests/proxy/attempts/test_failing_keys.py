"""Several keys of one vendor, some of which always fail: a request succeeds as long as one key works."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest

from tests.proxy.attempts.test_refused_fields import answer, http, text_of
from tests.support.harness import Running, proxy, vendor

A, B, C = (f"sk-key-000000000000000{name}" for name in "abc")
REFUSED = http(401, {"error": {"message": "Invalid Authentication", "type": "invalid_authentication_error"}})
FORBIDDEN = http(403, {"error": {"message": "not open", "type": "permission_denied_error"}})
EMPTY = http(429, {"error": {"message": "insufficient balance", "type": "exceeded_current_quota_error"}})
HIDDEN_EMPTY = http(403, {"error": {"message": "user quota is not enough", "code": "insufficient_user_quota"}})
INSIDE_200 = http(200, {"error": {"message": "Insufficient credits", "code": 402}})
NO_MODEL = http(404, {"error": {"message": "no such model", "type": "resource_not_found_error"}})
LIMITED = http(429, {"error": {"message": "max RPM: 3", "type": "rate_limit_reached_error"}}).replace(
    b"\r\n\r\n", b"\r\nretry-after: 0\r\n\r\n", 1
)
BAD = [REFUSED, FORBIDDEN, EMPTY, HIDDEN_EMPTY, INSIDE_200, NO_MODEL]
bad = pytest.mark.parametrize(
    "bad", BAD, ids=["refused", "forbidden", "empty", "empty, as 403", "empty, in 200", "no model"]
)
ways = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


@dataclass
class Scene:
    """A proxy with several keys of one vendor, and the vendor's response for each: a success by default."""

    running: Running
    client: httpx2.AsyncClient
    says: dict[str, bytes]
    used: list[str] = field(default_factory=list)

    async def send(self, *, stream: bool) -> str:
        """The answer's text, or the code of the error."""
        body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": stream}
        got = await self.client.post(f"{self.running.url}/v1/chat/completions", json=body)
        if got.status_code != 200:
            return str(got.json()["error"]["code"])
        return text_of(got) if stream else str(got.json()["choices"][0]["message"]["content"])

    def rest(self, *keys: str) -> None:
        """Exactly these keys are cooling down."""
        for key in self.running.state.snapshot.accounts["any"].keys:
            key.cools_until = 1e12 if key.secret.get_secret_value() in keys else 0.0


@asynccontextmanager
async def scene(*keys: str, says: Mapping[str, bytes], **more: Any) -> AsyncIterator[Scene]:
    used: list[str] = []
    heads: list[bytes] = []
    made = dict(says)

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        found = re.search(rb"authorization: Bearer (\S+)", heads[-1], re.IGNORECASE)
        assert found is not None
        used.append(found[1].decode())
        writer.write(made.get(used[-1]) or answer(json.loads(body)))

    async with vendor(handler, heads) as url:
        entry = {"kind": "kimi", "base_url": url, "api_keys": list(keys), "limits": {"wait_s": 2}}
        settings = {"vendors": {"any": entry}, "models": {"m": "any/kimi-k2.6"}, **more}
        async with proxy(settings) as running, httpx2.AsyncClient(trust_env=False) as client:
            yield Scene(running, client, made, used)


@ways
@bad
def test_of_two_keys_the_good_one_answers_every_request(bad: bytes, stream: bool) -> None:
    async def main() -> None:
        async with scene(A, B, says={A: bad}) as there:
            assert [await there.send(stream=stream) for _ in range(6)] == ["hello"] * 6
            assert there.used.count(B) == 6

    asyncio.run(main())


@ways
@bad
def test_of_three_keys_the_good_one_answers_every_request(bad: bytes, stream: bool) -> None:
    async def main() -> None:
        for good in (A, B, C):
            async with scene(A, B, C, says={key: bad for key in (A, B, C) if key != good}) as there:
                assert [await there.send(stream=stream) for _ in range(4)] == ["hello"] * 4
                assert there.used.count(good) == 4

    asyncio.run(main())


@ways
@bad
def test_a_key_in_cooldown_is_used_if_the_others_fail(bad: bytes, stream: bool) -> None:
    """It may be a single refusal: otherwise every request would fail until the cooldown ends."""

    async def main() -> None:
        async with scene(A, B, says={B: bad}) as there:
            there.rest(A)
            assert [await there.send(stream=stream) for _ in range(3)] == ["hello"] * 3
            assert there.used[:2] == [B, A]

    asyncio.run(main())


def test_a_key_that_answers_leaves_its_cooldown_and_the_one_that_failed_enters_it() -> None:
    async def main() -> None:
        async with scene(A, B, says={B: EMPTY}) as there:
            there.rest(A)
            for _ in range(4):
                assert await there.send(stream=False) == "hello"
            assert there.used == [B, A, A, A, A]

    asyncio.run(main())


@ways
def test_of_several_keys_in_cooldown_one_is_tried(stream: bool) -> None:
    async def main() -> None:
        async with scene(A, B, C, says=dict.fromkeys((A, B, C), REFUSED)) as there:
            there.rest(A, B)
            assert await there.send(stream=stream) == "upstream_auth_error"
            assert len(there.used) == 2
            assert there.used[0] == C

    asyncio.run(main())


@ways
def test_each_key_is_tried_once_if_all_of_them_fail(stream: bool) -> None:
    async def main() -> None:
        async with scene(A, B, C, says={A: REFUSED, B: EMPTY, C: NO_MODEL}) as there:
            await there.send(stream=stream)
            assert sorted(there.used) == [A, B, C]

    asyncio.run(main())


@ways
@bad
def test_a_key_at_its_rate_limit_is_waited_for_where_the_other_fails(bad: bytes, stream: bool) -> None:
    async def main() -> None:
        async with scene(A, B, says={A: LIMITED, B: bad}) as there:
            there.rest()
            there.running.state.snapshot.accounts["any"]._turn = 1
            asking = asyncio.create_task(there.send(stream=stream))
            async with asyncio.timeout(30):
                while there.used.count(B) < 1:
                    await asyncio.sleep(0.005)
            del there.says[A]
            assert await asking == "hello"
            assert there.used.count(B) == 1
            assert there.used[-1] == A

    asyncio.run(main())


def test_after_the_queue_every_key_that_did_not_fail_is_tried() -> None:
    """All are at their rate limit; then two of them are refused, and the third has room."""

    async def main() -> None:
        async with scene(A, B, C, says=dict.fromkeys((A, B, C), LIMITED)) as there:
            asking = asyncio.create_task(there.send(stream=False))
            async with asyncio.timeout(30):
                while {A, B, C} - set(there.used):
                    await asyncio.sleep(0.005)
            there.says.update({A: EMPTY, B: REFUSED})
            del there.says[C]
            assert await asking == "hello"

    asyncio.run(main())


def test_another_target_is_called_before_a_key_in_cooldown() -> None:
    async def main() -> None:
        models = {"m": ["any/kimi-k2.6", "any/kimi-k2.5"]}
        async with scene(A, B, says={}, models=models) as there:
            there.rest(A)
            there.says[B] = NO_MODEL
            assert await there.send(stream=False) == "hello"
            assert there.used == [B, B, A]

    asyncio.run(main())


@pytest.mark.parametrize("bad", [REFUSED, FORBIDDEN], ids=["refused", "forbidden"])
def test_a_refused_key_is_reported_with_the_vendors_words(bad: bytes) -> None:
    async def main() -> None:
        async with scene(A, says={A: bad}) as there:
            body = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
            got = await there.client.post(f"{there.running.url}/v1/chat/completions", json=body)
            message = got.json()["error"]["message"]
            assert message.startswith("Kimi refused the key ending in 000a (vendor 'any'). Check the key, and that")
            assert ("Kimi answered 401: Invalid Authentication." if bad is REFUSED else "403: not open.") in message
            zh = {"accept-language": "zh"}
            response = await there.client.post(f"{there.running.url}/v1/chat/completions", json=body, headers=zh)
            assert "Invalid Authentication" in response.text or "not open" in response.text
            assert "返回" in response.text

    asyncio.run(main())


@pytest.mark.parametrize(
    "shown",
    ["Incorrect API key provided: sk-key-0****000a.", "key sk-key-00… is unknown", "key sk-key-000 is unknown",
     "no key 0000000a here", "sk-key-0...000a?", f"key {A}!"],
)  # fmt: skip
def test_parts_of_a_refused_key_in_a_vendors_message_are_redacted(shown: str) -> None:
    async def main() -> None:
        async with scene(A, says={A: http(401, {"error": {"message": shown}})}) as there:
            body = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
            got = await there.client.post(f"{there.running.url}/v1/chat/completions", json=body)
            words = got.json()["error"]["message"].partition("answered 401: ")[2]
            assert "[redacted]" in words
            assert not re.search(r"sk-key|0000|000a", words)

    asyncio.run(main())
