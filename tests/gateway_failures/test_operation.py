"""Operational failures of other gateways: misleading ends, wrong bills, growing memory. See test_published_flaws.py."""

import asyncio
import gc
import sys
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.codecs.openai.usage import usage_of
from adapters.core import adaptations
from adapters.core.tokens import estimate_counts, estimate_prompt
from config.routing import Routing
from config.schema import Settings
from proxy.app_state import AppState
from proxy.openai_api.chat.handler import ChatHandler
from proxy.pipeline import serve
from proxy.upstream.client import Upstream
from tests.proxy.attempts.test_disconnects import SSE_HEAD, Stalling, piece, request_sent, settings
from tests.proxy.play import BOTH, DONE, Played, Request, chunk, error, hello, play, stream, whole
from tests.proxy.server.raw_client import run
from tests.support.harness import proxy, vendor

ONE = {"vendors": {"kimi": {"api_key": "sk-kimi-0000000000000001"}}, "policy": {"attempts": 1}}
SAID = "half an answer"
HALF = chunk({"role": "assistant", "content": SAID})

BREAKS: dict[str, tuple[Callable[[], httpx2.Response], str]] = {
    "a reset": (lambda: stream(HALF, error=httpx2.ReadError("x")), "upstream_stream_reset"),
    "broken framing": (lambda: stream(HALF, error=httpx2.RemoteProtocolError("x")), "upstream_stream_reset"),
    "the end, before its time": (lambda: stream(HALF), "upstream_stream_truncated"),
    "broken JSON": (lambda: stream(HALF, b"data: {nope\n\n"), "upstream_invalid_response"),
    "an event that is too large": (lambda: stream(HALF, b"data: " + b"x" * 9_000_000), "upstream_invalid_response"),
    "an error of the vendor's": (
        lambda: stream(HALF, b'data: {"error":{"message":"x","type":"server_error"}}\n\n'), "upstream_error"
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", BREAKS)
def test_litellm_41777_a_cut_stream_is_not_the_clients_error(how: str) -> None:
    """LiteLLM issue 41777: a cut stream was reported as 400, so clients took it for their error and never retried."""
    make, code = BREAKS[how]
    played = play({"kimi": [make()]}, ONE, stream=True)
    reported = played.events[-1]["error"]
    assert (reported["type"], reported["code"], reported["param"]) == ("server_error", code, None)
    assert "[DONE]" not in played.events
    assert not any(choice["finish_reason"] for event in played.events for choice in event.get("choices", []))
    assert (played.lines[0]["ending"], played.lines[0]["code"]) == ("truncated", code)


@pytest.mark.parametrize("how", BREAKS)
def test_new_api_4168_and_5235_an_aborted_stream_is_billed_for_what_came_of_it(how: str) -> None:
    """new-api issues 4168, 5235: aborted streams were billed too much, or not at all. The vendor bills its output."""
    played = play({"kimi": [BREAKS[how][0]()]}, ONE, stream=True, max_tokens=4000)
    billed = played.lines[0]["billed"]
    assert billed["source"] == "estimated"
    assert billed["completion"] == estimate_counts(len(SAID), 0)
    assert billed["prompt"] == estimate_prompt(played.bodies[0])
    assert played.lines[0]["shown"] == billed


def test_new_api_5235_usage_that_the_vendor_reported_is_what_counts() -> None:
    usage = b'data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}}\n\n'
    played = play({"kimi": [stream(HALF, usage, error=httpx2.ReadError("x"))]}, ONE, stream=True)
    billed = played.lines[0]["billed"]
    assert (billed["prompt"], billed["completion"], billed["source"]) == (7, 3, "vendor")


@pytest.mark.parametrize("streamed", [True, False])
def test_litellm_14457_and_30630_usage_of_a_client_that_disconnects_is_counted(streamed: bool) -> None:
    """LiteLLM issues 14457, 30630: tokens of cancelled streams were not counted."""

    async def scene() -> dict[str, Any]:
        before = SSE_HEAD + piece(HALF) if streamed else b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"
        stalling = Stalling(before)
        async with vendor(stalling) as base_url, proxy(settings(base_url)) as running:
            async with request_sent(running.url, stream=streamed) as reader:
                await stalling.reached.wait()
                if streamed:
                    await reader.readuntil(SAID.encode())
                await asyncio.sleep(0.05)
            await running.settled(1)
            tokens = running.state.request_metrics.tokens()
            assert sum(n for labels, n in tokens.items() if labels[1:3] == ("billed", "prompt")) > 0
            return running.lines[0]

    line = asyncio.run(scene())
    assert line["ending"] == "client_closed"
    assert line["billed"]["prompt"] > 0
    assert line["billed"]["completion"] == (estimate_counts(len(SAID), 0) if streamed else 0)
    assert line["billed"]["source"] == "estimated"


ERRORS: dict[str, Callable[[], Any]] = {
    "an error": lambda: error(500, "server_error", "sorry " * 200),
    "an error inside 200": lambda: httpx2.Response(
        200, json={"error": {"message": "sorry " * 200, "type": "server_error"}}
    ),
    "a page": lambda: httpx2.Response(200, html=f"<html>{'sorry ' * 200}</html>"),
    "no JSON": lambda: httpx2.Response(200, content=b"sorry " * 200),
    "a reset": lambda: httpx2.ReadError("sorry " * 200),
}


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("what", ERRORS)
def test_new_api_5289_the_text_of_an_error_is_billed_as_nobodys_answer(what: str, streamed: bool) -> None:
    """new-api issue 5289: a vendor's error text was counted as output."""
    played = play({"kimi": [ERRORS[what]()]}, ONE, stream=streamed)
    line = played.lines[0]
    assert line["ending"] == "rejected"
    assert line["shown"] is None
    assert line["billed"] is None or line["billed"]["completion"] == 0
    assert played.state is not None
    assert sum(n for labels, n in played.state.request_metrics.tokens().items() if labels[2] == "completion") == 0


counts: st.SearchStrategy[Any] = st.integers(-10, 100) | st.sampled_from([None, 2.5, "7", True, [], 10**30])
details = st.none() | st.dictionaries(st.sampled_from(["cached_tokens", "reasoning_tokens", "audio_tokens"]), counts)


@given(
    st.fixed_dictionaries(
        {"prompt_tokens": counts, "completion_tokens": counts},
        optional={
            "total_tokens": counts, "cached_tokens": counts, "prompt_tokens_details": details,
            "completion_tokens_details": details,
        },
    )
)  # fmt: skip
def test_new_api_5005_what_was_cached_is_never_more_than_the_prompt(reported: dict[str, Any]) -> None:
    """new-api issue 5005: with cache hits the input tokens were negative."""
    usage = usage_of(reported)
    if usage is None:
        return
    assert 0 <= usage.cached <= usage.prompt
    wire = usage.to_wire()
    assert wire["total_tokens"] == wire["prompt_tokens"] + wire["completion_tokens"]
    cached = (wire.get("prompt_tokens_details") or {}).get("cached_tokens")
    assert type(cached) is not int or 0 <= cached <= wire["prompt_tokens"]


async def send_request(state: AppState, number: int) -> None:
    """Return a unique request: another text, user and key, existing and unknown models. Many fail."""
    body = {
        "model": ("gpt-4o", f"kimi/made-up-{number % 50}", f"nobody-{number}")[number % 3], "user": f"user-{number}",
        "messages": [{"role": "user", "content": f"hello {number}"}], "stream": number % 2 == 0, f"x_{number % 50}": number,
        "metadata": {f"m{number}": "x"},
    }  # fmt: skip
    sent_with = {b"authorization": f"Bearer sk-{number}".encode(), b"x-request-id": b"%d" % number}
    await serve(Request(body, sent_with), ChatHandler(), state, Played())
    await asyncio.sleep(0)  # the loop takes away what was called off


def test_litellm_12685_27954_and_25219_memory_does_not_grow_with_requests() -> None:
    """LiteLLM issues 12685, 27954, 25219: memory was kept for each request, key or model, for ever.

    The test counts the blocks that Python has allocated, which do not depend on the system's allocator. A request
    leaves only its start time, for ten seconds, for the retry budget.
    """
    turn = iter(range(10**9))

    def answer(request: httpx2.Request) -> httpx2.Response:
        at = next(turn) % 5
        if at == 0:
            return error(500, f"e{at}")
        if at == 1:
            return stream(HALF)
        return hello() if b'"stream":true' in request.content else whole("hi")

    async def scene() -> float:
        state = AppState(Settings.model_validate(BOTH), Upstream(httpx2.MockTransport(answer)), lambda ending: None)
        for account in state.snapshot.accounts.values():
            account.upstream = Upstream(httpx2.MockTransport(answer))

        async def no_wait(seconds: float) -> None:
            """No wait before a retry."""

        state.sleep = no_wait
        before = 0
        for number in range(900):
            if number == 400:
                gc.collect()
                before = sys.getallocatedblocks()
            await send_request(state, number)
        gc.collect()
        return (sys.getallocatedblocks() - before) / 500

    assert run(scene()) < 2


def test_litellm_12685_state_by_requested_name_is_kept_for_a_few_thousand_names() -> None:
    routing = Routing(Settings.model_validate(BOTH))
    for number in range(5000):
        routing.find(f"kimi/made-up-{number}", "chat")
    assert len(routing._found) <= 4096
    assert adaptations._ascii.cache_info().maxsize is not None


def test_litellm_33404_an_empty_stream_is_no_success() -> None:
    """LiteLLM issues 33404, 33222: of a thousand broken streams, 66 were returned as empty but complete answers."""
    for pieces in ((), (b": ping\n\n",), (DONE,), (chunk({"role": "assistant", "content": ""}), DONE)):
        played = play({"kimi": [stream(*pieces)]}, ONE, stream=True)
        assert (played.status, played.json["error"]["type"]) == (502, "server_error")
