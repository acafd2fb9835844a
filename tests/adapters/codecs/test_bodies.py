"""Unexpected responses: HTML pages, empty bodies, other types, encodings, redirects, too much data, retry-after."""

import tracemalloc
from typing import Any

import pytest

from adapters.codecs.openai.errors import InvalidResponse
from adapters.codecs.openai.exchange import MAX_BODY, MAX_ERROR_BODY
from adapters.codecs.openai.json_text import parse_leniently
from adapters.core.message import Message
from adapters.core.wire import Data, Head
from tests.adapters.play import Play, chat_plan, embeddings_plan

HTML = b"<!DOCTYPE html>\n<html><body>Log in to Cafe-WLAN</body></html>"
NOT_ANSWERS = [b"", b" ", HTML, b"oops", b"[]", b"[1]", b"null", b"5", b'"x"', b"{}", b'{"choices":[]}', b"\xff", b"{"]
TYPES = ["application/json", "text/html", "text/plain", "application/octet-stream", "text/event-stream", ""]


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("body", NOT_ANSWERS)
def test_a_200_that_is_no_answer_is_an_invalid_response(body: bytes, kind: str) -> None:
    for planned in (chat_plan(), chat_plan(stream=False), embeddings_plan("a")):
        failure = Play(planned).head(200, kind).data(body).over().failure
        assert (failure.kind, failure.status, failure.code) == ("invalid_response", 502, "upstream_invalid_response")
        assert "Cafe" not in failure.message
        if body is HTML and kind in ("application/json", "text/html"):
            assert "with an HTML page: it may come from a captive portal or a proxy" in failure.message


@pytest.mark.parametrize("status", [301, 302, 303, 304, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    play = Play(chat_plan()).head(status, "text/html", location="https://elsewhere.example/")
    assert (play.failure.kind, len(play.sends)) == ("vendor_error", 1)
    assert "elsewhere" not in play.failure.message


@pytest.mark.parametrize("encoding", [b"gzip", b"br", b"zstd", b"identity, gzip", b"x" * 500, b"\x7f\x80\n"])
def test_an_encoded_body_is_not_read(encoding: bytes) -> None:
    failure = Play(chat_plan()).got(Head(1, 200, [(b"content-encoding", encoding)])).failure
    assert (failure.kind, failure.message.isprintable()) == ("invalid_response", True)
    assert len(failure.message) < 120


@pytest.mark.parametrize("encoding", ["identity", "Identity", ""])
def test_a_body_with_encoding_identity_is_read(encoding: str) -> None:
    assert Play(chat_plan()).head(content_encoding=encoding).end is None


@pytest.mark.parametrize("part", [4_096, 300_000])
def test_a_body_over_64_mebibytes_is_given_up_at_once(part: int) -> None:
    data = bytes(part)
    play = Play(chat_plan(stream=False)).head(200, "application/json")
    for _ in range(MAX_BODY // part):
        assert play.got(Data(1, data)).end is None
    assert play.got(Data(1, data)).failure.kind == "invalid_response"


def test_a_large_body_beyond_the_limits_is_given_up_while_it_comes() -> None:
    play = Play(chat_plan(stream=False)).head(200, "application/json").data(b'{"x":[')
    while play.end is None:
        play.data(b"[]," * 100_000)
    assert (play.failure.kind, "1,000,000 values" in play.failure.message) == ("invalid_response", True)


def test_a_body_is_held_once_while_it_comes() -> None:
    size = 16 * 1024 * 1024
    tracemalloc.start()
    try:
        play = Play(chat_plan(stream=False)).head(200, "application/json")
        for _ in range(size // 65_536):
            play.got(Data(1, bytes(65_536)))
        assert tracemalloc.get_traced_memory()[1] < size * 1.2
    finally:
        tracemalloc.stop()


def test_an_error_body_is_read_only_as_far_as_its_kind_needs() -> None:
    play = Play(chat_plan()).head(500, "text/html").data(b"x" * MAX_ERROR_BODY)
    assert play.end is None
    assert play.data(b"x").failure.kind == "vendor_error"
    assert play.closed == [1]


def test_a_vendors_message_is_kept_short_and_printable() -> None:
    said = "one\r\ntwo\x1b[31m\u202ethree\x00" + "四" * 5_000
    message = Play(chat_plan()).json({"error": {"message": said}}, status=400).failure.message
    assert message.isprintable()
    assert "one two" in message
    assert len(message.encode()) < 1_600


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry_after": "3"}, 3),
        ({"retry_after": "0.5"}, 0.5),
        ({"retry_after": " 3 "}, 3),
        ({"retry_after": "-3"}, 0),
        ({"retry_after_ms": "250"}, 0.25),
        ({"retry_after_ms": "250", "retry_after": "9"}, 0.25),
        ({"retry_after_ms": "x", "retry_after": "9"}, 9),
        ({"x_retry_after": "1"}, 1),
        ({"retry_after": "Sun, 22 Nov 2026 10:00:30 GMT", "date": "Sun, 22 Nov 2026 10:00:00 GMT"}, 30),
        ({"retry_after": "Sun, 22 Nov 2026 09:00:00 GMT", "date": "Sun, 22 Nov 2026 10:00:00 GMT"}, 0),
        ({"retry_after": "Sun, 22 Nov 2026 10:00:30 GMT"}, None),
        ({"retry_after": "Sun, 22 Nov 2026 10:00:30", "date": "Sun, 22 Nov 2026 10:00:00 GMT"}, None),
        ({"retry_after": "Sun, 99 Nov 99999 10:00:30 GMT", "date": "Sun, 22 Nov 2026 10:00:00 GMT"}, None),
        ({"retry_after": "soon"}, None),
        ({"retry_after": ""}, None),
        ({"retry_after": "nan"}, None),
        ({"retry_after": "inf"}, None),
        ({"retry_after": "1e999"}, None),
    ],
)
def test_the_vendors_wish_to_wait_is_understood(headers: dict[str, Any], seconds: float | None) -> None:
    play = Play(chat_plan()).head(429, "application/json", **headers).data(b'{"error":{"message":"slow"}}').over()
    assert play.failure.retry_after_s == seconds


def test_rate_limit_headers_are_passed_on_and_others_are_not() -> None:
    given: dict[str, Any] = {"x_ratelimit_remaining_requests": "7", "x_ratelimit_secret": "1", "set_cookie": "a=b"}
    assert Play(chat_plan()).head(**given).said == {"x-ratelimit-remaining-requests": "7"}


def test_bodies_are_bounded_as_documented() -> None:
    """SECURITY.md, Bounds."""
    assert (MAX_BODY, MAX_ERROR_BODY) == (64 * 1024 * 1024, 64 * 1024)


@pytest.mark.parametrize("vector", [[], [None], [1.0, None], ["a"], [True], [[0.1]], "", None, 5, {"a": 1}])
def test_what_is_no_list_of_numbers_and_no_text_is_no_vector(vector: Any) -> None:
    failure = Play(embeddings_plan(["a"])).json({"data": [{"index": 0, "embedding": vector}]}).failure
    assert failure.kind == "invalid_response"


@pytest.mark.parametrize("vector", [[1], [0.5, -1], "AAAAPw=="])
def test_numbers_whole_or_not_and_base64_are_vectors(vector: Any) -> None:
    assert Play(embeddings_plan(["a"])).json({"data": [{"index": 0, "embedding": vector}]}).done


def test_a_stream_of_vectors_is_no_answer() -> None:
    failure = Play(embeddings_plan(["a"])).head().sse({"data": [{"index": 0, "embedding": [0.5]}]}).failure
    assert (failure.kind, failure.code) == ("invalid_response", "upstream_invalid_response")


@pytest.mark.parametrize(
    ("number", "kept"), [(2**64 - 1, 2**64 - 1), (2**64, None), (-(2**63), -(2**63)), (-(2**63) - 1, None)]
)
def test_whole_numbers_beyond_64_bits_are_null_in_what_is_read_leniently(number: int, kept: int | None) -> None:
    """An unpaired surrogate is what the quick parser refuses."""
    assert parse_leniently(b'{"text":"\\ud800","x":%d}' % number)[1]["x"] == kept


def test_an_invalid_response_reads_as_what_is_wrong_with_it() -> None:
    assert str(InvalidResponse("truncated", Message("ended early"))) == "ended early"
