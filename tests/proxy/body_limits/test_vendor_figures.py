"""For any status, number and header of a vendor no call hangs, no answer is lost, and nothing odd is copied."""

import asyncio
import json
from typing import Any, Literal

import pytest

from proxy.upstream.client import Upstream
from tests.proxy.server.raw_client import ANSWER, Answer, chat, run
from tests.support.harness import proxy, vendor

Kind = Literal["fast", "httpx"]
kinds = pytest.mark.parametrize("kind", ["fast", "httpx"])
LAST = b"x-stainless-retry-count: 2"
"""An SDK's word that this is its third try: then one attempt is made."""


def reply(
    status: bytes = b"200 OK", head: bytes = b"", body: bytes = ANSWER, kind: bytes = b"application/json"
) -> bytes:
    """A vendor's bytes for one request."""
    lines = b"HTTP/1.1 %b\r\ncontent-type: %b\r\n%bcontent-length: %d\r\n\r\n"
    return lines % (status, kind, head, len(body)) + body


async def answer_of(kind: Kind, raw: bytes, **body: Any) -> tuple[Answer, dict[str, Any]]:
    """The answer to one chat whose vendor sends these bytes, its body without chunks, and the log line."""

    async def says(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked_for: bytes) -> None:
        writer.write(raw)

    async with vendor(says) as url:
        settings = {
            "vendors": {"kimi": {"api_key": "sk-kimi-0000000000000001", "base_url": url, "limits": {"wait_s": 0.05}}}
        }
        async with proxy(settings, Upstream.over_the_network(10, kind)) as running:
            host, port = running.url.removeprefix("http://").split(":")
            reader, writer = await asyncio.open_connection(host, int(port), limit=1024 * 1024)
            writer.write(chat(LAST, b"connection: close", **body))
            head, _, rest = (await reader.read(-1)).partition(b"\r\n\r\n")
            writer.close()
            await running.settled(1)
            return Answer(int(head[9:12]), head.lower(), rest), running.lines[0]


def headers(answer: Answer, beginning: bytes) -> dict[bytes, bytes]:
    found = dict(line.split(b": ", 1) for line in answer.head.split(b"\r\n")[1:])
    return {name: value for name, value in found.items() if name.startswith(beginning)}


# --- status -----------------------------------------------------------------------------------------------------------

NO_STATUS = (
    b"000 X",
    b"000",
    b"001 X",
    b"099 X",
    b"20 X",
    b"2000 X",
    b"1000 X",
    b"-200 X",
    b"200.0 X",
    b"abc X",
    b"101 X",
)


@kinds
@pytest.mark.parametrize("status", NO_STATUS)
def test_an_invalid_status_is_the_vendors_failure_at_once(status: bytes, kind: Kind) -> None:
    answer, ending = run(answer_of(kind, reply(status)))
    assert answer.status == 502
    assert answer.error["code"] == "upstream_error"
    assert ending["attempts"] == 1


@kinds
@pytest.mark.parametrize("status", [b"600 X", b"999 X", b"599"])
def test_a_status_that_is_not_assigned_is_the_vendors_failure(status: bytes, kind: Kind) -> None:
    answer, _ = run(answer_of(kind, reply(status)))
    assert (answer.status, answer.error["code"]) == (502, "upstream_error")


@kinds
@pytest.mark.parametrize("status", [b"200", b"200 ", b"200 \xff"])
def test_a_status_needs_no_reason(status: bytes, kind: Kind) -> None:
    answer, _ = run(answer_of(kind, reply(status)))
    assert answer.status == 200


@kinds
@pytest.mark.parametrize("count", [1, 20, 2000])
def test_interim_answers_are_passed_over(count: int, kind: Kind) -> None:
    answer, _ = run(answer_of(kind, b"HTTP/1.1 103 Early Hints\r\n\r\n" * count + reply()))
    assert answer.status == 200


# --- usage ------------------------------------------------------------------------------------------------------------

FIGURES = (
    b"18446744073709551615", b"9223372036854775807", b"9007199254740993", b"2147483648", b"-1", b"1.5", b"1e400",
    b"1" + b"0" * 400, b"1" * 5000, b"true", b'"5"', b"null", b"[]",
)  # fmt: skip


def used(figure: bytes) -> bytes:
    return (
        b'"usage":{"prompt_tokens":%b,"completion_tokens":%b,"total_tokens":%b,"x":%b,"cached_tokens":%b,'
        b'"prompt_tokens_details":{"cached_tokens":%b},"completion_tokens_details":{"reasoning_tokens":%b}}'
        % ((figure,) * 7)
    )


def spends_little(usage: dict[str, Any], ending: dict[str, Any]) -> None:
    """Response and log have the estimate for a short chat, and no number of the vendor's."""
    assert 0 < usage["prompt_tokens"] < 10
    assert 0 < usage["completion_tokens"] < 10
    assert set(usage) == {"prompt_tokens", "completion_tokens", "total_tokens"}
    assert ending["billed"]["source"] == "estimated"
    assert ending["billed"]["prompt"] == usage["prompt_tokens"]


@kinds
@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure[:24].decode())
def test_an_answer_whose_usage_is_no_count_is_an_answer_with_an_estimate(figure: bytes, kind: Kind) -> None:
    answer, ending = run(answer_of(kind, reply(body=ANSWER[:-1] + b"," + used(figure) + b"}")))
    assert answer.status == 200, answer.body
    body = json.loads(answer.body)
    assert body["choices"][0]["message"]["content"] == "hello"
    spends_little(body["usage"], ending)


@kinds
@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure[:24].decode())
def test_a_stream_whose_usage_is_no_count_ends_whole_with_an_estimate(figure: bytes, kind: Kind) -> None:
    start = b'data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"m","choices":['
    text = b'{"index":0,"delta":{"content":"hello"},"finish_reason":"stop"}'
    stream = start + text + b"]}\n\n" + start + b"]," + used(figure) + b"}\n\ndata: [DONE]\n\n"
    asks = {"stream": True, "stream_options": {"include_usage": True}}
    answer, ending = run(answer_of(kind, reply(body=stream, kind=b"text/event-stream"), **asks))
    assert ending["ending"] == "complete"
    events = [part.partition(b"\n\n")[0] for part in answer.body.split(b"data: ")[1:]]
    assert events[-1] == b"[DONE]"
    assert b'"content":"hello"' in events[0]
    spends_little(json.loads(events[-2])["usage"], ending)


@kinds
def test_details_that_are_no_counts_are_left_out_of_a_usage_that_is_one(kind: Kind) -> None:
    details = b'"completion_tokens_details":{"reasoning_tokens":18446744073709551615,"x":-1,"y":1.5,"z":4}'
    usage = b'"usage":{"prompt_tokens":7,"completion_tokens":5,"total_tokens":-3,"w":-9,%b}' % details
    answer, ending = run(answer_of(kind, reply(body=ANSWER[:-1] + b"," + usage + b"}")))
    assert json.loads(answer.body)["usage"] == {
        "prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12, "completion_tokens_details": {"z": 4},
    }  # fmt: skip
    assert (ending["billed"]["prompt"], ending["billed"]["source"]) == (7, "vendor")


# --- headers ----------------------------------------------------------------------------------------------------------

LIMIT = b"x-ratelimit-limit-requests"
LEFT_OUT = {
    "64 KiB": b"1" * 65_536,
    "1 KiB and a byte": b"1" * 1025,
    "Latin-1": b"\xe9\xff",
    "UTF-8": "五".encode(),
    "a tab": b"5\t5",
}


@kinds
@pytest.mark.parametrize("what", LEFT_OUT)
def test_a_rate_limit_that_is_long_or_not_printable_is_left_out_and_the_answer_stays(what: str, kind: Kind) -> None:
    other = b"x-ratelimit-remaining-requests: 7\r\n"
    answer, _ = run(answer_of(kind, reply(head=LIMIT + b": " + LEFT_OUT[what] + b"\r\n" + other)))
    assert answer.status == 200
    assert headers(answer, b"x-ratelimit-") == {b"x-ratelimit-remaining-requests": b"7"}
    assert len(answer.head) < 2048


@kinds
@pytest.mark.parametrize("value", [b"5", b"1" * 1024, b"5;w=60, 7"])
def test_a_rate_limit_of_a_kibibyte_is_passed_on(value: bytes, kind: Kind) -> None:
    answer, _ = run(answer_of(kind, reply(head=LIMIT + b": " + value + b"\r\n")))
    assert headers(answer, b"x-ratelimit-") == {LIMIT: value}


@kinds
@pytest.mark.parametrize(
    "value", [b"5\rx-smuggled: 1", b"5\nx-smuggled: 1", b"5\x00", b"5\r\n x-smuggled: 1", b"\r\n\t5"]
)
def test_a_line_break_in_a_header_makes_no_header(value: bytes, kind: Kind) -> None:
    answer, _ = run(answer_of(kind, reply(head=LIMIT + b": " + value + b"\r\n")))
    assert answer.status in (200, 502)
    assert headers(answer, b"x-smuggled") == {}


@kinds
@pytest.mark.parametrize("name", [LIMIT, b"x-ratelimit-%d-requests", b"x"])
def test_very_many_headers_cost_no_answer_and_are_not_copied(name: bytes, kind: Kind) -> None:
    many = b"".join(b"%b: 1\r\n" % (name % at if b"%" in name else name) for at in range(1500))
    answer, _ = run(answer_of(kind, reply(head=many)))
    assert answer.status == 200
    assert len(headers(answer, b"x-ratelimit-")) <= 6
    assert len(answer.head) < 2048


@kinds
@pytest.mark.parametrize("name", [b"retry-after", b"retry-after-ms", b"x-retry-after"])
@pytest.mark.parametrize(
    "value",
    [b"1e308", b"1e300", b"9" * 5000, b"nan", b"-inf", b"-5", b"Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
     b"Fri, 31 Dec 9999 23:59:59 GMT"],
    ids=lambda value: value[:12].decode(),
)  # fmt: skip
def test_a_retry_after_of_any_size_is_a_429_with_a_week_at_most(name: bytes, value: bytes, kind: Kind) -> None:
    date = b"date: Sat, 28 Nov 2026 00:00:00 GMT\r\n"
    answer, _ = run(answer_of(kind, reply(b"429 X", name + b": " + value + b"\r\n" + date, b"{}")))
    assert (answer.status, answer.error["code"]) == (429, "rate_limit_exceeded")
    reported = headers(answer, b"retry-after")
    assert 0 <= int(reported[b"retry-after"]) <= 7 * 86_400
    assert int(reported[b"retry-after-ms"]) <= 7 * 86_400_000
