"""The metrics of the Responses API: the length of chains, and how reasoning comes back beside tool calls."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from proxy.observability.metrics.exposition import Exposition
from tests.proxy.openai_api.responses.api import Api, running
from tests.proxy.openai_api.test_earlier_reasoning import KIMI, calling
from tests.proxy.play import whole

TOOL = {"type": "function", "name": "get_time", "parameters": {"type": "object"}}
SEAL = ["reasoning.encrypted_content"]


def metric(api: Api, name: str) -> dict[str, float]:
    """The values of a metric by its labels, as ``way="seal"``."""
    text = Exposition(api.state.metrics).text("")[0].decode()
    return {labels: float(value) for labels, value in re.findall(rf"^{name}(?:{{(.*)}})? (\S+)$", text, re.MULTILINE)}


def custody(api: Api) -> dict[str, int]:
    """How often each way was counted, without those that never were."""
    found = metric(api, "banjia_custody_total")
    assert len(found) == 5, "every way has a value from the start"
    return {labels[5:-1]: int(value) for labels, value in found.items() if value}


def with_api(work: Callable[[Api], Awaitable[None]], settings: Mapping[str, Any] = KIMI, **more: Any) -> None:
    async def run() -> None:
        async with running(settings, **more) as api:
            await work(api)

    asyncio.run(run())


def test_the_links_of_each_chain_are_counted() -> None:
    async def work(api: Api) -> None:
        previous = ""
        for number in range(4):
            more: dict[str, Any] = {} if number == 0 else {"previous_response_id": previous}
            previous = (await api.respond(model="o3", **more))["id"]
        assert metric(api, "banjia_chain_links_count") == {"": 3}
        assert metric(api, "banjia_chain_links_sum") == {"": 1 + 2 + 3}
        assert metric(api, "banjia_chain_links_bucket") | {'le="1.0"': 1, 'le="2.0"': 2, 'le="5.0"': 3} == metric(
            api, "banjia_chain_links_bucket"
        )
        await api.post(model="o3", previous_response_id="resp_unknown")
        await api.request(
            "POST", "/v1/chat/completions", {"model": "o3", "messages": [{"role": "user", "content": "a"}]}
        )
        assert metric(api, "banjia_chain_links_count") == {"": 3}

    with_api(work)


async def called(api: Api, **fields: Any) -> dict[str, Any]:
    """Return a response with a call."""
    api.vendor = lambda _: calling()
    response = await api.respond(model="o3", tools=[TOOL], **fields)
    api.vendor = lambda _: whole("noon")
    return response


def outputs(response: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The output of each call of a response."""
    return [
        {"type": "function_call_output", "call_id": item["call_id"], "output": "noon"}
        for item in response["output"]
        if item["type"] == "function_call"
    ]


def thoughts(api: Api) -> list[str]:
    """The reasoning of the calls in the last request to the vendor."""
    return [message["reasoning_content"] for message in api.bodies[-1]["messages"] if message.get("tool_calls")]


@pytest.mark.parametrize("background", [False, True])
def test_reasoning_of_a_chain_comes_from_the_stored_item(background: bool) -> None:
    async def work(api: Api) -> None:
        first = await called(api)
        more: dict[str, Any] = {"background": True, "stream": True} if background else {}
        await api.respond(model="o3", previous_response_id=first["id"], input=outputs(first), tools=[TOOL], **more)
        assert thoughts(api) == ["I think."]
        assert custody(api) == {"stored": 1}

    with_api(work)


def test_sealed_reasoning_counts_as_sealed_and_not_as_kept() -> None:
    async def work(api: Api) -> None:
        first = await called(api, store=False, include=SEAL)
        await api.respond(model="o3", store=False, input=[*first["output"], *outputs(first)], tools=[TOOL])
        assert thoughts(api) == ["I think."]
        assert custody(api) == {"seal": 1}

    with_api(work)


def test_reasoning_that_a_client_omits_is_kept_by_the_call_and_else_none() -> None:
    async def work(api: Api) -> None:
        first = await called(api, store=False)
        calls = [item for item in first["output"] if item["type"] == "function_call"]
        unknown = [{**call, "call_id": "call_unknown"} for call in calls]
        turn = [*calls, *outputs(first)]
        await api.respond(model="o3", store=False, input=turn, tools=[TOOL])
        assert custody(api) == {"kept": 1}
        await api.respond(model="o3", store=False, tools=[TOOL], input=[*turn, *unknown, *outputs({"output": unknown})])
        assert custody(api) == {"kept": 2, "none": 1}

    with_api(work)


def test_open_reasoning_of_the_client_counts_as_sent() -> None:
    async def work(api: Api) -> None:
        first = await called(api, store=False)
        open_item = {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [],
            "content": [{"type": "reasoning_text", "text": "Mine."}],
        }
        calls = [item for item in first["output"] if item["type"] == "function_call"]
        await api.respond(model="o3", store=False, input=[open_item, *calls, *outputs(first)], tools=[TOOL])
        assert thoughts(api) == ["Mine."]
        assert custody(api) == {"sent": 1}

    with_api(work)


def test_vendors_that_read_no_earlier_reasoning_and_chat_are_not_counted() -> None:
    async def work(api: Api) -> None:
        call = {"type": "function_call", "call_id": "c1", "name": "get_time", "arguments": "{}"}
        output = {"type": "function_call_output", "call_id": "c1", "output": "noon"}
        api.vendor = lambda _: whole("noon")
        await api.respond(model="plain", store=False, input=[call, output], tools=[TOOL])
        assert custody(api) == {}

    with_api(work, {**KIMI, "models": {"plain": "kimi/moonshot-v1-8k"}})
