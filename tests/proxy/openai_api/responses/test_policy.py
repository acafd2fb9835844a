"""The operator's policy at requests of the Responses API: hosted tools, and fields to drop."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from tests.proxy.openai_api.responses.api import Api, running
from tests.proxy.play import BOTH

FUNCTION = {"type": "function", "name": "f", "parameters": {"type": "object"}}
HOSTED = [FUNCTION, {"type": "web_search"}]


def with_api(work: Callable[[Api], Awaitable[None]], settings: Mapping[str, Any] = BOTH, **more: Any) -> None:
    async def run() -> None:
        async with running(settings, **more) as api:
            await work(api)

    asyncio.run(run())


def test_a_hosted_tool_is_a_400_that_names_it_before_any_call() -> None:
    async def work(api: Api) -> None:
        answer = await api.post(tools=HOSTED)
        assert answer.status_code == 400
        error = answer.json()["error"]
        assert (error["param"], error["code"]) == ("tools[1].type", "unsupported_parameter")
        assert api.bodies == []
        assert (await api.post(tools=[FUNCTION])).status_code == 200

    with_api(work, policy={"hosted_tools": "refuse"})


def test_a_model_name_overrides_the_policy_of_hosted_tools() -> None:
    async def work(api: Api) -> None:
        assert (await api.post(model="strict-one", tools=HOSTED)).status_code == 400
        dropped = await api.post(tools=HOSTED)
        assert dropped.status_code == 200
        assert "tools.web_search=dropped" in dropped.headers["x-banjia-adapted"]

    models = {"strict-one": {"targets": ["kimi/kimi-k2.6"], "policy": {"hosted_tools": "refuse"}}}
    with_api(work, models=models)
