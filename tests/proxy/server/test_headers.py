"""No value of a request becomes a header of banjia, towards vendor or client, however it is spelt."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import quote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.proxy.server.raw_client import ASK, answers_hello, chat, line, run
from tests.support.harness import Running, proxy, vendor

BREAKS = ["\r\n", "\n", "\r", "\x00", "\u2028", "\x85", "\u560a", "\u010a", "\r\n "]
"""Line breaks, and characters that become one where the upper byte is cut off."""
evil = st.tuples(st.text(max_size=8), st.sampled_from(BREAKS), st.text(max_size=8)).map(
    lambda parts: f"{parts[0]}{parts[1]}x-smuggled: 1{parts[1]}{parts[2]}"
)
PLACES = ["model", "user", "safety_identifier", "prompt_cache_key", "metadata", "service_tier", "x_extra", "a name",
          "the path"]  # fmt: skip


def request_with(place: str, value: str) -> bytes:
    """A chat request with this value at one position."""
    if place == "the path":
        named = quote(f"kimi/{value}", safe="").encode()
        return chat(path=b"/openai/deployments/%b/chat/completions" % named)
    if place == "metadata":
        return chat(metadata={value: value})
    if place == "a name":
        return chat(body=json.dumps({**ASK, value: value}).encode())
    if place == "model":
        return chat(model=f"kimi/{value}")
    return chat(body=json.dumps({**ASK, place: value}).encode())


def names(head: bytes) -> list[bytes]:
    return [line.partition(b":")[0].lower() for line in head.split(b"\r\n")[1:] if line]


@asynccontextmanager
async def noting(heads: list[bytes]) -> AsyncIterator[Running]:
    """A proxy before a vendor that records the head of each call, and answers hello."""
    async with (
        vendor(answers_hello, heads) as url,
        proxy({"vendors": {"kimi": {"api_key": "sk-kimi-0000000000000001", "base_url": url}}}) as running,
    ):
        yield running


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from(PLACES), evil), min_size=10, max_size=20))
def test_no_text_of_a_body_is_ever_a_header(sent: list[tuple[str, str]]) -> None:
    heads: list[bytes] = []

    async def scene() -> None:
        async with noting(heads) as running, line(running.url) as caller:
            await caller.send(chat())
            usual = await caller.answer()
            assert usual is not None
            for place, value in sent:
                await caller.send(request_with(place, value))
                answer = await caller.answer()
                assert answer is not None
                assert answer.status in (200, 400, 404), (place, value, answer.body)
                new = set(names(answer.head)) - set(names(usual.head))
                assert new <= {b"x-banjia-adapted", b"x-should-retry"}, (place, value)
                assert not any(head.endswith(b"smuggled: 1") for head in answer.head.split(b"\r\n"))

    run(scene())
    assert heads
    for head in heads:
        assert names(head) == names(heads[0])
        assert b"smuggled" not in head


def test_no_header_of_a_client_reaches_a_vendor() -> None:
    heads: list[bytes] = []
    sent = (b"x-request-id", b"x-client-request-id", b"openai-organization", b"idempotency-key", b"x-forwarded-host",
            b"x-api-key", b"cookie", b"accept-encoding")  # fmt: skip

    async def scene() -> None:
        async with noting(heads) as running, line(running.url) as caller:
            await caller.send(chat(*(name + b": canary" for name in sent)))
            answer = await caller.answer()
            assert answer is not None
            assert answer.status == 200
            assert b"canary" not in answer.head

    run(scene())
    assert heads
    assert b"canary" not in b"".join(heads)
