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


LOGPROBS: dict[str, Any] = {"include": ["message.output_text.logprobs"], "top_logprobs": 2}


@pytest.mark.parametrize("drop", [["include"], ["logprobs", "top_logprobs"]], ids=["responses", "chat"])
def test_a_field_to_drop_has_its_name_in_responses_or_in_chat(drop: list[str]) -> None:
    async def work(api: Api) -> None:
        answer = await api.post(**LOGPROBS)
        assert answer.status_code == 200, answer.text
        assert "include=dropped" in answer.headers["x-banjia-adapted"]
        assert not {"logprobs", "top_logprobs"} & api.bodies[0].keys()

    qwen = {**BOTH, "models": {"gpt-4o": "qwen/qwen3.6-plus"}}
    with_api(work, qwen, policy={"drop": drop})

    async def refused(api: Api) -> None:
        assert (await api.post(**LOGPROBS)).status_code == 400

    with_api(refused, qwen)


@pytest.mark.parametrize("background", [False, True])
def test_a_field_that_only_responses_have_can_be_dropped(background: bool) -> None:
    async def work(api: Api) -> None:
        answer = await api.post(moderation={"model": "m"}, background=background)
        assert answer.status_code == 200, answer.text
        if not background:
            assert "moderation=dropped" in answer.headers["x-banjia-adapted"]
        counted = await api.request(
            "POST", "/v1/responses/input_tokens", {"model": "gpt-4o", "input": "hi", "moderation": {"model": "m"}}
        )
        assert counted.status_code == 200, counted.text

    with_api(work, policy={"drop": "moderation"})


def test_a_value_that_is_wrong_everywhere_is_not_dropped() -> None:
    async def work(api: Api) -> None:
        assert (await api.post(moderation={"model": "m"})).status_code == 400
        wrong = await api.post(tool_choice={"type": "function", "name": "unknown"}, tools=[FUNCTION])
        assert wrong.status_code == 400
        assert wrong.json()["error"]["param"] == "tool_choice"

    with_api(work, policy={"drop": "max_output_tokens"})
