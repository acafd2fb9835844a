"""``explain`` takes requests of the Responses API: the verdicts are under the client's names, and stored items are examples."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from config.loader.load import load
from proxy.commands.explain_responses import EXAMPLE_TEXT
from tests.proxy.cli.conftest import KIMI_KEY, QWEN_KEY, Run, data
from tests.support.harness import proxy

QWEN = {"DASHSCOPE_API_KEY": QWEN_KEY}
ASK = {"model": "gpt-4o", "input": "hi"}
LOOKUP = {"type": "function", "name": "lookup", "parameters": {"type": "object", "properties": {}}}
OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": "4"}


@pytest.fixture
def explained(banjia: Run, tmp_path: Path) -> Any:
    """Return the explanation of a body as data, with the exit code."""

    def run(body: Any, env: dict[str, str] = QWEN) -> tuple[int, Any]:
        file = tmp_path / "request.json"
        file.write_text(json.dumps(body))
        result = banjia("explain", str(file), "--json", env=env)
        return result.exit_code, json.loads(result.stdout)

    return run


def test_the_fields_have_the_names_of_the_responses_api(explained: Any) -> None:
    body = {
        **ASK,
        "instructions": "Be brief.",
        "max_output_tokens": 100,
        "reasoning": {"effort": "low", "summary": "auto"},
        "text": {"format": {"type": "json_object"}},
        "tools": [LOOKUP, {"type": "web_search"}],
        "logit_bias": {"1": -100},
        "store": False,
    }
    code, found = explained(body)
    assert code == 0
    assert (found["model"], found["operation"], found["stream"]) == ("gpt-4o", "responses", False)
    [target] = found["targets"]
    words = {name: field["verdict"] for name, field in target["fields"].items()}
    assert (
        words.items()
        >= {
            "input": "mapped",
            "instructions": "mapped",
            "logit_bias": "dropped",
            "reasoning.effort": "mapped",
            "reasoning.summary": "emulated",
            "store": "honoured",
            "text.format": "emulated",
            "tools.web_search": "dropped",
        }.items()
    )
    assert not words.keys() & {"messages", "max_completion_tokens", "response_format", "reasoning_effort"}
    assert target["url"].endswith("/chat/completions")
    assert target["body"]["messages"][-1] == {"role": "user", "content": "hi"}


@pytest.mark.parametrize(
    "body",
    [
        {**ASK, "input": [{"role": "boss", "content": "hi"}]},
        {**ASK, "input": 7},
        {**ASK, "input": ""},
        {**ASK, "tools": "lookup"},
        {**ASK, "store": False, "background": True},
        {**ASK, "previous_response_id": "resp_1", "conversation": "conv_1"},
        {**ASK, "prompt": {"id": "pmpt_1"}},
        {**ASK, "tools": [{"type": "file_search", "vector_store_ids": ["vs_1"]}]},
        {**ASK, "include": ["message.output_text.logprobs"]},
        {**ASK, "input": [OUTPUT]},
        {**ASK, "input": [{"type": "message", "role": "user", "content": "hi"}], "model": "gpt-nonsense"},
    ],
    ids=[
        "role", "type", "empty", "tools", "not stored", "both", "prompt", "hosted tool", "logprobs", "no call", "no model",
    ],
)  # fmt: skip
def test_it_shows_the_error_that_the_client_gets(body: Any, explained: Any) -> None:
    async def answer() -> httpx2.Response:
        async with proxy(load(None, QWEN).settings) as served, httpx2.AsyncClient(trust_env=False) as client:
            return await client.post(f"{served.url}/v1/responses", json=body)

    answered = asyncio.run(answer())
    assert answered.status_code in (400, 404)
    code, found = explained(body)
    assert code == 1
    assert found["error"] == {"status": answered.status_code, **answered.json()["error"]}


@pytest.mark.parametrize("state", [{"previous_response_id": "resp_1"}, {"conversation": "conv_1"}])
def test_an_example_stands_for_what_the_request_continues(state: Any, explained: Any) -> None:
    code, found = explained({**ASK, **state, "input": [OUTPUT], "tools": [LOOKUP]})
    assert code == 0
    [target] = found["targets"]
    [field] = state
    assert target["fields"][field]["verdict"] == "honoured"
    assert field not in target["body"]
    first, call, output = target["body"]["messages"]
    assert first == {"role": "user", "content": EXAMPLE_TEXT}
    assert [(each["id"], each["function"]["name"]) for each in call["tool_calls"]] == [("call_1", "lookup")]
    assert output["tool_call_id"] == "call_1"


def test_an_example_stands_for_an_item_that_the_request_refers_to(explained: Any) -> None:
    reference = {"type": "item_reference", "id": "msg_1"}
    code, found = explained(
        {**ASK, "input": [{"role": "user", "content": "a"}, reference, {"role": "user", "content": "b"}]}
    )
    assert code == 0
    assert {"role": "assistant", "content": EXAMPLE_TEXT} in found["targets"][0]["body"]["messages"]


def test_a_reference_to_a_call_has_its_output(explained: Any) -> None:
    code, found = explained({**ASK, "input": [{"type": "item_reference", "id": "fc_1"}, OUTPUT], "tools": [LOOKUP]})
    assert code == 0
    assert found["targets"][0]["body"]["messages"][-1]["tool_call_id"] == "call_1"


def test_a_seal_of_a_banjia_server_is_read_and_another_is_not(explained: Any) -> None:
    kimi = {"MOONSHOT_API_KEY": KIMI_KEY}
    call = {"type": "function_call", "call_id": "call_1", "name": "lookup", "arguments": "{}"}

    def sent(sealed: str) -> Any:
        reasoning = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": sealed}
        code, found = explained(
            {
                **ASK,
                "model": "o3",
                "input": [{"role": "user", "content": "a"}, reasoning, call, OUTPUT],
                "tools": [LOOKUP],
            },
            kimi,
        )
        assert code == 0
        return found["targets"][0]

    own = sent("bj1.AAAA")
    assert "input.reasoning" not in own["fields"]
    assert any(message.get("reasoning_content") == EXAMPLE_TEXT for message in own["body"]["messages"])
    other = sent("gAAAAA")
    assert "input.reasoning" in other["fields"]
    assert EXAMPLE_TEXT not in json.dumps(other["body"])


@pytest.mark.parametrize(
    ("body", "operation"),
    [
        ({"model": "text-embedding-3-small", "input": "hi"}, "embeddings"),
        ({"model": "text-embedding-3-small", "input": ["hi", "you"]}, "embeddings"),
        ({"model": "text-embedding-3-small", "input": "hi", "encoding_format": "float"}, "embeddings"),
        ({"model": "gpt-4o", "input": "hi"}, "responses"),
        ({"model": "gpt-4o", "input": [{"role": "user", "content": "hi"}]}, "responses"),
        ({"model": "gpt-4o", "previous_response_id": "resp_1"}, "responses"),
        ({"model": "gpt-3.5-turbo-instruct", "prompt": "hi"}, "completions"),
        ({"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "input": "hi"}, "chat"),
    ],
    ids=["text", "texts", "format", "plain", "items", "continued", "completion", "chat"],
)
def test_the_operation_is_recognised(body: Any, operation: str, explained: Any) -> None:
    assert explained(body)[1]["operation"] == operation


def test_the_terminal_shows_the_operation_and_the_client_s_names(banjia: Run, tmp_path: Path) -> None:
    file = tmp_path / "request.json"
    file.write_text(json.dumps({**ASK, "stream": True, "text": {"format": {"type": "json_object"}}}))
    lines = banjia("explain", str(file), env=QWEN).stdout.splitlines()
    assert lines[0] == "gpt-4o (responses, streamed)"
    assert any(line.strip().startswith("text.format") for line in lines)
    assert data(banjia("explain", str(file), "--json", env=QWEN))["stream"] is True
