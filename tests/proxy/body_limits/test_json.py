"""Hostile JSON is the client's error: 400, never a 500, and no upstream call.

``tests/acceptance/waits.py`` judges its cost.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.proxy.server.raw_client import ASK, answers_hello, chat, line, run, serving

DIGITS = b"1" * 100_000
GOOD = json.dumps(ASK)[:-1].encode()


def deep(levels: int, start: bytes, end: bytes) -> bytes:
    return start * levels + b"1" + end * levels


def member(name: bytes, value: bytes) -> bytes:
    """A valid request with one more member."""
    return GOOD + b',"%b":%b}' % (name, value)


HOSTILE: dict[str, Callable[[], bytes]] = {
    "10^4 lists": lambda: deep(10_000, b"[", b"]"),
    "10^4 lists in a good ask": lambda: member(b"metadata", deep(10_000, b"[", b"]")),
    "10^4 objects in a good ask": lambda: member(b"metadata", deep(10_000, b'{"a":', b"}")),
    "10^5 lists without an end": lambda: b"[" * 100_000,
    "500 lists, which JSON allows": lambda: member(b"metadata", deep(500, b"[", b"]")),
    "500 objects in a schema": lambda: member(
        b"tools", b'[{"type":"function","function":{"name":"f","parameters":%b}}]' % deep(500, b'{"a":', b"}")
    ),
    "500 objects in a member of nobody's": lambda: member(b"x_extra", deep(500, b'{"a":', b"}")),
    "10^6 members": lambda: b"{" + b",".join(b'"k%d":1' % at for at in range(1_000_000)) + b"}",
    "10^6 members of a good ask": lambda: GOOD + b"".join(b',"k%d":1' % at for at in range(1_000_000)) + b"}",
    "NaN": lambda: member(b"temperature", b"NaN"),
    "Infinity": lambda: member(b"temperature", b"-Infinity"),
    "a number over all": lambda: member(b"temperature", b"1e999"),
    "10^5 digits": lambda: member(b"seed", DIGITS),
    "10^5 digits behind the point, then too many": lambda: member(b"max_tokens", b"0." + DIGITS),
    "30 digits": lambda: member(b"max_tokens", b"1" * 30),
    "half a surrogate": lambda: member(b"user", b'"\\ud800"'),
    "surrogates in the wrong order": lambda: member(b"user", b'"\\udc00\\ud800"'),
    "half a surrogate as a name": lambda: member(b"\\ud800", b"1"),
    "bad UTF-8": lambda: member(b"user", b'"\xff\xfe"'),
    "a surrogate in UTF-8": lambda: member(b"user", b'"\xed\xa0\x80"'),
    "overlong UTF-8": lambda: member(b"user", b'"\xc0\xaf"'),
    "a BOM": lambda: b"\xef\xbb\xbf" + GOOD + b"}",
    "UTF-16": lambda: (GOOD + b"}").decode().encode("utf-16"),
    "a raw NUL": lambda: member(b"user", b'"\x00"'),
    "a raw line break in a text": lambda: member(b"user", b'"\n"'),
    "a comment": lambda: GOOD + b"} // yes",
    "a comma too many": lambda: GOOD + b",}",
    "two documents": lambda: GOOD + b"}" + GOOD + b"}",
    "single quotes": lambda: b"{'model':'x'}",
}


PATHS = {"body": b"/v1/chat/completions", "path": b"/openai/deployments/kimi%2Fkimi-k2.6/chat/completions"}


@pytest.mark.parametrize("named_by", PATHS)
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_json_is_a_bad_request(name: str, named_by: str) -> None:
    called: list[bytes] = []

    async def noted(reader: Any, writer: Any, body: bytes) -> None:
        called.append(body)
        await answers_hello(reader, writer, body)

    async def scene() -> None:
        body = HOSTILE[name]()
        async with serving(noted) as running, line(running.url) as caller:
            await caller.send(chat(body=body, path=PATHS[named_by]))
            answer = await caller.answer()
            assert answer is not None
            assert answer.status == 400, answer.body
            assert answer.error["type"] == "invalid_request_error"

    run(scene())
    assert called == []


def test_of_a_duplicate_member_every_vendor_gets_the_last_one() -> None:
    """As at OpenAI. It determines the route, and the vendor gets only this one."""
    seen: list[bytes] = []

    async def noted(reader: Any, writer: Any, body: bytes) -> None:
        seen.append(body)
        await answers_hello(reader, writer, body)

    async def scene() -> None:
        async with serving(noted) as running, line(running.url) as caller:
            await caller.send(chat(body=b'{"model":"nobody/nothing",' + GOOD[1:] + b"}"))
            answer = await caller.answer()
            assert answer is not None
            assert answer.status == 200

    run(scene())
    (body,) = seen
    assert b"nobody" not in body
    assert body.count(b'"model"') == 1
