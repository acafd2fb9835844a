"""Temporary keys for a key pair: fetched once, replaced before they end, and never shown."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest

from adapters.core.auth import ExpiringToken, KeyPair, TokenIssuer
from adapters.core.failures import Failure
from adapters.vendors.doubao.token_exchange import TOKEN_EXCHANGE
from config.schema import Settings
from proxy.app_state import vendor_account
from proxy.credentials.tokens import MOST_TOKENS, PAUSE_S, TemporaryTokens, TokenSource
from proxy.upstream.client import Upstream
from tests.proxy.credentials.control_plane import (
    ACCESS_KEY_ID,
    SECRET_KEY,
    UNAUTHORIZED,
    StandIn,
    control_plane,
    error,
    http,
    in_a_loop,
)
from tests.support.harness import Running, proxy

DAY_S = 24 * 3600.0
WEEK_S = 7 * DAY_S


class Scene:
    """The tokens of one key pair at the stand-in, with its time."""

    def __init__(self, plane: StandIn, secret: str, upstream: Upstream) -> None:
        self.plane = plane
        self.waits: list[float] = []
        issuer = TokenIssuer(plane.base_url, "cn-beijing")
        source = TokenSource(TOKEN_EXCHANGE, issuer, "", "Doubao", 5.0)
        self.tokens = TemporaryTokens(KeyPair(ACCESS_KEY_ID, secret), source, lambda: plane.now, self._sleep)
        self.upstream = upstream

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    async def get(self, resource: str = "ep-1") -> ExpiringToken | Failure:
        return await self.tokens.get(resource, self.upstream)

    async def value(self, resource: str = "ep-1") -> str:
        token = await self.get(resource)
        assert isinstance(token, ExpiringToken), token
        return token.value

    async def fetched(self, number: int) -> None:
        """Wait until the control plane has answered this many calls, and the last key is kept."""
        async with asyncio.timeout(10):
            while len(self.plane.requests) < number or self.tokens._fetches:
                await asyncio.sleep(0)


@asynccontextmanager
async def scene(secret: str = SECRET_KEY) -> AsyncIterator[Scene]:
    upstream = Upstream.over_the_network(10)
    try:
        async with control_plane() as plane:
            yield Scene(plane, secret, upstream)
    finally:
        await upstream.aclose()


@in_a_loop
async def test_a_key_is_fetched_once_and_kept_until_half_an_hour_before_its_end() -> None:
    async with scene() as at:
        assert await at.value() == await at.value() == at.plane.key(1)
        at.plane.now += WEEK_S - 1801
        assert await at.value() == at.plane.key(1)
        assert len(at.plane.requests) == 1


@in_a_loop
async def test_each_resource_has_a_key_of_its_own() -> None:
    async with scene() as at:
        assert [await at.value("ep-1"), await at.value("ep-2"), await at.value("ep-1")] == [
            at.plane.key(1), at.plane.key(2), at.plane.key(1)]  # fmt: skip
        assert [asked["ResourceIds"] for asked in at.plane.requests] == [["ep-1"], ["ep-2"]]


@in_a_loop
async def test_a_key_that_ends_soon_is_used_while_its_successor_is_fetched() -> None:
    async with scene() as at:
        await at.value()
        at.plane.now += WEEK_S - 1799
        at.plane.wait = asyncio.Event()
        assert [await at.value(), await at.value()] == [at.plane.key(1)] * 2, "nobody waits for the successor"
        at.plane.wait.set()
        await at.fetched(2)
        assert await at.value() == at.plane.key(2)
        assert len(at.plane.requests) == 2


@in_a_loop
async def test_within_ten_minutes_of_the_end_a_caller_waits_for_the_successor() -> None:
    async with scene() as at:
        await at.value()
        at.plane.now += WEEK_S - 599
        assert await at.value() == at.plane.key(2)


@in_a_loop
async def test_many_callers_share_one_fetch() -> None:
    async with scene() as at:
        at.plane.wait = asyncio.Event()
        callers = [asyncio.create_task(at.value()) for _ in range(20)]
        await asyncio.sleep(0)
        at.plane.wait.set()
        assert set(await asyncio.gather(*callers)) == {at.plane.key(1)}
        assert len(at.plane.requests) == 1


@in_a_loop
async def test_a_caller_that_leaves_does_not_stop_the_fetch_of_the_others() -> None:
    async with scene() as at:
        at.plane.wait = asyncio.Event()
        first, second = (asyncio.create_task(at.value()) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.wait([first])
        at.plane.wait.set()
        assert await second == at.plane.key(1)
        assert first.cancelled()


@in_a_loop
async def test_a_failing_replacement_leaves_the_key_in_use_and_is_tried_again_after_a_pause() -> None:
    async with scene() as at:
        await at.value()
        at.plane.now += WEEK_S - 1799
        at.plane.trouble = [error(500, "InternalError")] * 3
        assert await at.value() == at.plane.key(1)
        await at.fetched(4)
        assert await at.value() == at.plane.key(1)
        await asyncio.sleep(0)
        assert len(at.plane.requests) == 4, "not at once"
        at.plane.now += PAUSE_S + 1
        await at.value()
        await at.fetched(5)
        assert await at.value() == at.plane.key(5)


@in_a_loop
async def test_a_key_holds_to_its_end_if_none_is_issued_any_more_and_not_longer() -> None:
    async with scene() as at:
        await at.value()
        at.plane.now += WEEK_S - 100
        at.plane.trouble = [error(401, "InvalidAccessKey")] * 9
        assert await at.value() == at.plane.key(1)
        at.plane.now += 101
        last = await at.get()
        assert isinstance(last, Failure)
        assert last.kind == "key_refused"


@in_a_loop
async def test_a_refused_key_is_forgotten() -> None:
    async with scene() as at:
        token = await at.get()
        assert isinstance(token, ExpiringToken)
        at.tokens.forget("ep-1", ExpiringToken("another", 0))
        assert await at.get() is token
        at.tokens.forget("ep-1", token)
        assert await at.value() == at.plane.key(2)


@in_a_loop
async def test_trouble_that_may_pass_is_tried_again() -> None:
    async with scene() as at:
        at.plane.trouble = [error(500, "InternalError"), error(429, "FlowLimitExceeded")]
        assert await at.value() == at.plane.key(3)
        assert len(at.waits) == 2


@pytest.mark.parametrize(
    ("trouble", "kind", "calls"),
    [
        ([error(403, "AccessDenied")], "forbidden", 1),
        ([error(404, "NotFound.Endpoint")], "model_not_found", 1),
        ([error(503, "ServiceUnavailableTemp")] * 3, "overloaded", 3),
        ([http(200, {"Result": {}})] * 3, "overloaded", 3),
    ],
)
@in_a_loop
async def test_a_control_plane_that_issues_no_key_is_a_failure(trouble: Sequence[bytes], kind: str, calls: int) -> None:
    async with scene() as at:
        at.plane.trouble = list(trouble)
        failure = await at.get()
        assert isinstance(failure, Failure)
        assert failure.kind == kind
        assert len(at.plane.requests) == calls
        assert await at.value() == at.plane.key(calls + 1), "the next call asks again"


@in_a_loop
async def test_a_wrong_secret_key_is_refused_and_appears_nowhere() -> None:
    async with scene(secret="d3Jvbmctc2VjcmV0LWtleS0wMDAwMDE=") as at:
        failure = await at.get()
        assert isinstance(failure, Failure)
        assert (failure.kind, at.plane.refused, at.waits) == ("key_refused", 1, [])
        assert "d3Jvbmctc2Vj" not in repr(failure) + repr(at.tokens._pair)


@in_a_loop
async def test_the_number_of_kept_keys_is_bounded() -> None:
    async with scene() as at:
        for number in range(MOST_TOKENS + 5):
            at.plane.now += 1
            await at.value(f"ep-{number}")
        assert len(at.tokens._tokens) == MOST_TOKENS
        assert "ep-0" not in at.tokens._tokens


# --- through the proxy


def settings(plane: StandIn, **entry: Any) -> dict[str, Any]:
    pair = {"access_key_id": ACCESS_KEY_ID, "secret_key": SECRET_KEY}
    own = {**pair, "base_url": plane.base_url, "token_url": plane.base_url, **entry}
    return {"vendors": {"doubao": own}, "models": {"gpt-4o": "doubao/ep-1", "gpt-4": "doubao/ep-2"}}


@asynccontextmanager
async def served(**entry: Any) -> AsyncIterator[tuple[StandIn, Running, httpx2.AsyncClient]]:
    async with control_plane() as plane, proxy(settings(plane, **entry)) as running, httpx2.AsyncClient() as client:
        plane.now = 4e9  # the proxy has the real time: keys end long after it
        yield plane, running, client


async def ask(running: Running, client: httpx2.AsyncClient, model: str = "gpt-4o") -> httpx2.Response:
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}]}
    return await client.post(f"{running.url}/v1/chat/completions", json=body)


@pytest.mark.parametrize("limits", [{}, {"concurrency": 5}], ids=["no limits", "limits"])
@in_a_loop
async def test_a_call_has_the_temporary_key_of_its_endpoint(limits: dict[str, int]) -> None:
    async with served(limits=limits) as (plane, running, client):
        for model in ("gpt-4o", "gpt-4o", "gpt-4"):
            got = await ask(running, client, model)
            assert got.status_code == 200, got.text
        assert plane.used == [plane.key(1), plane.key(1), plane.key(2)]


@pytest.mark.parametrize("limits", [{}, {"concurrency": 5}], ids=["no limits", "limits"])
@in_a_loop
async def test_a_refused_key_pair_is_an_error_of_the_key(limits: dict[str, int]) -> None:
    async with served(limits=limits, secret_key="d3Jvbmctc2VjcmV0LWtleS0wMDAwMDE=") as (plane, running, client):
        got = await ask(running, client)
        assert (got.status_code, got.json()["error"]["code"]) == (502, "upstream_auth_error")
        assert "0001" in got.json()["error"]["message"], "the end of the access key id"
        assert "d3Jvbmct" not in got.text + repr(running.lines)
        assert (plane.used, running.lines[-1]["attempts"]) == ([], 1)


@pytest.mark.parametrize("limits", [{}, {"concurrency": 5}], ids=["no limits", "limits"])
@in_a_loop
async def test_a_control_plane_that_is_away_is_a_fault_of_the_vendor(limits: dict[str, int]) -> None:
    async with served(limits=limits, token_url="http://127.0.0.1:9") as (plane, running, client):
        got = await ask(running, client)
        assert (got.status_code, got.json()["error"]["code"]) == (502, "upstream_error")
        assert plane.used == []


@in_a_loop
async def test_a_temporary_key_that_the_vendor_refuses_is_replaced_at_the_next_request() -> None:
    async with served() as (plane, running, client):
        plane.replies = [http(401, UNAUTHORIZED)]
        assert (await ask(running, client)).status_code == 502
        assert (await ask(running, client)).status_code == 200
        assert plane.used == [plane.key(1), plane.key(2)]


@pytest.mark.parametrize("status", [200, 400, 401])
@in_a_loop
async def test_a_temporary_key_that_the_vendor_echoes_is_redacted(status: int) -> None:
    async with served() as (plane, running, client):
        echo = f"{plane.key(1)} {SECRET_KEY} {ACCESS_KEY_ID}"
        message = {"role": "assistant", "content": echo}
        whole = {"id": "1", "object": "chat.completion", "created": 1, "model": "m",
                 "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                 "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}  # fmt: skip
        refusal = {"error": {"code": "X", "message": echo, "type": "BadRequest", "param": plane.key(1)}}
        plane.replies = [http(status, whole if status == 200 else refusal)]
        got = await ask(running, client)
        assert got.status_code == {200: 200, 400: 400, 401: 502}[status]
        for secret in (plane.key(1), SECRET_KEY, ACCESS_KEY_ID):
            assert secret not in got.text
            assert secret not in repr(running.lines)


@in_a_loop
async def test_a_reload_keeps_the_keys_of_a_pair_that_is_still_configured() -> None:
    async with control_plane() as plane:
        plane.now = 4e9
        async with proxy(settings(plane)) as running, httpx2.AsyncClient() as client:
            await ask(running, client)
            [before] = running.state.snapshot.accounts["doubao"].keys
            for change, kept in (({"limits": {"rpm": 5}}, True), ({"project": "team"}, False)):
                entry = Settings.model_validate(settings(plane, **change)).vendors["doubao"]
                old = running.state.snapshot.accounts["doubao"]
                [key] = vendor_account("doubao", entry, running.state.upstream, old).keys
                assert (key is before) == kept
