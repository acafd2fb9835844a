"""``explain`` shows how a request would be handled, and exits with 1 for an error, the one that a client would get."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from config.loader.load import load
from tests.proxy.cli.conftest import KIMI_KEY, QWEN_KEY, Run, data
from tests.support.harness import proxy

QWEN = {"DASHSCOPE_API_KEY": QWEN_KEY}
ASK = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
REFUSED = {**ASK, "logprobs": True}
"""Qwen can't, Kimi can."""


@pytest.fixture
def request_json(tmp_path: Path) -> Any:
    def write(body: Any) -> str:
        file = tmp_path / "request.json"
        file.write_text(json.dumps(body))
        return str(file)

    return write


@pytest.mark.parametrize(
    "body",
    [REFUSED, {**ASK, "messages": []}, {"model": "gpt-4o"}, {**ASK, "model": "gpt-nonsense"}],
    ids=["refused", "empty", "missing", "no model"],
)
def test_it_shows_the_error_that_the_client_gets(body: Any, banjia: Run, request_json: Any) -> None:
    async def answer() -> httpx2.Response:
        async with proxy(load(None, QWEN).settings) as served, httpx2.AsyncClient(trust_env=False) as client:
            return await client.post(f"{served.url}/v1/chat/completions", json=body)

    answered = asyncio.run(answer())
    error = answered.json()["error"]

    result = banjia("explain", request_json(body), env=QWEN)
    assert result.exit_code == 1
    word = error["code"] or error["type"]
    assert result.stderr.splitlines() == [f"{answered.status_code} {word}: {error['message']}"]

    as_json = banjia("explain", request_json(body), "--json", env=QWEN)
    assert as_json.exit_code == 1
    assert json.loads(as_json.stdout)["error"] == {"status": answered.status_code, **error}


def test_a_target_that_refuses_is_passed_over_as_long_as_another_answers(banjia: Run, request_json: Any) -> None:
    both = {
        **QWEN,
        "MOONSHOT_API_KEY": KIMI_KEY,
        "BANJIA_MODELS": '{"gpt-4o": ["qwen/qwen3.6-plus", "kimi/kimi-k2.6"]}',
    }
    result = banjia("explain", request_json(REFUSED), env=both)
    assert result.exit_code == 0, result.stderr
    assert "skipped: " in result.stdout
    assert json.loads(banjia("explain", request_json(REFUSED), "--json", env=both).stdout)["error"] is None


def test_if_all_refuse_the_reason_of_each_is_shown_too(banjia: Run, request_json: Any) -> None:
    result = banjia("explain", request_json(REFUSED), env=QWEN)
    assert "1. qwen/qwen3.6-plus" in result.stdout
    assert "skipped: " in result.stdout


def test_with_images_fetched_an_image_url_is_shown_as_data_and_nothing_is_called(
    banjia: Run, request_json: Any
) -> None:
    image = {"type": "image_url", "image_url": {"url": "https://127.0.0.1/a.png"}}
    body = {**ASK, "messages": [{"role": "user", "content": [image]}]}
    kimi = {"MOONSHOT_API_KEY": KIMI_KEY}

    refused = banjia("explain", request_json(body), "--json", env=kimi)
    assert refused.exit_code == 1
    assert "policy.fetch_images: on" in json.loads(refused.stdout)["error"]["message"]

    shown = data(banjia("explain", request_json(body), "--json", env={**kimi, "BANJIA_POLICY__FETCH_IMAGES": "on"}))
    [target] = shown["targets"]
    assert target["fields"]["messages.image_url"]["verdict"] == "emulated"
    assert target["body"]["messages"][0]["content"][0]["image_url"]["url"].startswith("data:image/png;base64,")
