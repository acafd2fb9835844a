"""The SSE decoder against the WHATWG standard, with any chunk boundaries, and within limits."""

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.core.sse import MAX_EVENT, Decoder, EventTooLarge
from proxy.openai_api.response_writer import encode
from tests.support.effort import calls_made_by

VECTORS: dict[str, tuple[bytes, list[bytes]]] = {
    "LF": (b"data: a\n\ndata: b\n\n", [b"a", b"b"]),
    "CR": (b"data: a\r\rdata: b\r\r", [b"a", b"b"]),
    "CRLF": (b"data: a\r\n\r\ndata: b\r\n\r\n", [b"a", b"b"]),
    "CR and LF are two ends in this order only": (b"data: a\n\rdata: b\r\n\r\n", [b"a", b"b"]),
    "all three mixed": (b"data: a\rdata: b\ndata: c\r\n\ndata: d\r\r\n", [b"a\nb\nc", b"d"]),
    "a BOM at the start": (b"\xef\xbb\xbfdata: a\n\n", [b"a"]),
    "a second BOM is part of a field's name": (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\ndata: b\n\n", [b"b"]),
    "half a BOM is none": (b"\xef\xbbdata: a\n\ndata: b\n\n", [b"b"]),
    "no space": (b"data:a\n\n", [b"a"]),
    "one space of two": (b"data:  a\n\n", [b" a"]),
    "a tab is no space": (b"data:\ta\n\n", [b"\ta"]),
    "comments": (b": ping\n\n:\ndata: a\n: in between\n\n:ping\n\n", [b"a"]),
    "event, id and retry": (b"id: 1\nevent: result\nretry: 10\ndata: a\n\nevent: ping\n\n", [b"a"]),
    "DashScope's comment that looks like a field": (b"id:1\nevent:result\n:HTTP_STATUS/200\ndata:{}\n\n", [b"{}"]),
    "several lines of data": (b"data: a\ndata: b\ndata:\ndata: c\n\n", [b"a\nb\n\nc"]),
    "blank data says nothing": (b"data:\n\ndata\n\ndata: \n\ndata:\ndata:\n\ndata: a\n\n", [b"a"]),
    "data without a colon is an empty line": (b"data: a\ndata\n\n", [b"a\n"]),
    "other fields and cases": (b"Data: a\nDATA: b\n data: c\ndatax: d\n\ndata: e\n\n", [b"e"]),
    "a colon in the data": (b"data: a: b\n\n", [b"a: b"]),
    "nothing but ends": (b"\n\n\r\n\r\r", []),
    "an event without its empty line": (b"data: a\n\ndata: b\n", [b"a"]),
    "an event without its line's end": (b"data: a\n\ndata: b", [b"a"]),
    "U+2028, U+0085, VT and FF are no ends": (
        'data: {"a":"一\u2028二\u0085三\x0b\x0c"}\n\n'.encode(),
        ['{"a":"一\u2028二\u0085三\x0b\x0c"}'.encode()],
    ),
    "a byte 0x85 is no end": (b"data: \x85\n\n", [b"\x85"]),
    "NUL": (b"data: \x00\n\n", [b"\x00"]),
    "the end marker": (b"data: [DONE]\n\n", [b"[DONE]"]),
}


def fed(parts: list[bytes]) -> list[bytes]:
    decoder = Decoder()
    return [payload for part in parts for payload in decoder.feed(part)]


@pytest.mark.parametrize(("stream", "payloads"), VECTORS.values(), ids=VECTORS)
def test_a_stream_gives_its_payloads_whole_and_byte_by_byte(stream: bytes, payloads: list[bytes]) -> None:
    assert fed([stream]) == payloads
    assert fed([stream[at : at + 1] for at in range(len(stream))]) == payloads
    for at in range(len(stream)):
        assert fed([stream[:at], b"", stream[at:]]) == payloads


ODD = st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"data:", b"data", b" ", b":", b"id", b"\xef\xbb\xbf", b"x"]))


@settings(max_examples=500, deadline=None)
@given(ODD, st.lists(st.integers(0, 60)))
def test_cuts_make_no_difference(pieces: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(pieces)
    at = sorted(cuts)
    assert fed([stream[a:b] for a, b in zip([0, *at], [*at, len(stream)], strict=True)]) == fed([stream])


@settings(max_examples=300, deadline=None)
@given(ODD)
def test_the_decoder_agrees_with_the_standard_read_line_by_line(pieces: list[bytes]) -> None:
    stream = b"".join(pieces)
    assert fed([stream]) == by_the_standard(stream)


def by_the_standard(stream: bytes) -> list[bytes]:
    """Section 9.2.6 of the HTML standard in its own order: lines, fields, dispatch. Blank payloads are left out."""
    text = stream.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")[:-1]
    data, payloads = "", []
    for line in lines:
        field, _, value = line.partition(":")
        if not line:
            payloads.append(data.removesuffix("\n"))
            data = ""
        elif field == "data":
            data += value.removeprefix(" ") + "\n"
    return [payload.encode("utf-8", "surrogateescape") for payload in payloads if payload.strip()]


def test_what_is_encoded_is_decoded_again() -> None:
    payloads = [b'{"a":1}', "一".encode(), b"[DONE]"]
    assert fed([encode(payloads)]) == payloads


JUST_UNDER = b"x" * MAX_EVENT


@pytest.mark.parametrize("prefix", [b"data: ", b"data:"])
def test_an_event_of_eight_mebibytes_passes(prefix: bytes) -> None:
    stream = prefix + JUST_UNDER + b"\n\n"
    assert fed([stream]) == [JUST_UNDER]
    assert fed([stream[at : at + 1024] for at in range(0, len(stream), 1024)]) == [JUST_UNDER]
    assert fed([b"data: a\n\n" + stream, b"data: b\n\n"]) == [b"a", JUST_UNDER, b"b"]


TOO_LARGE = {
    "one line": b"data: x" + JUST_UNDER + b"\n\n",
    "one line without a space": b"data:x" + JUST_UNDER + b"\n\n",
    "one line that does not end": b"data: x" + JUST_UNDER + b"xxxxxx",
    "two lines": b"data: " + JUST_UNDER[:-6] + b"\ndata: x\n\n",
    "a comment": b":" + JUST_UNDER + b"xxxxxx\n\n",
    "empty lines of data": b"data:\n" * (MAX_EVENT // 5 + 2),
    "after a good event": b"data: a\n\ndata: x" + JUST_UNDER + b"\n\n",
}


@pytest.mark.parametrize("stream", TOO_LARGE.values(), ids=TOO_LARGE)
def test_an_event_over_eight_mebibytes_raises_however_it_is_cut(stream: bytes) -> None:
    for size in (len(stream), 65_536):
        with pytest.raises(EventTooLarge):
            fed([stream[at : at + size] for at in range(0, len(stream), size)])


def dripped(stream: bytes) -> list[bytes]:
    """The stream in reads of 4 KiB."""
    return [stream[at : at + 4096] for at in range(0, len(stream), 4096)]


def test_a_drip_of_eight_mebibytes_is_read_with_a_call_or_two_a_read_and_little_more_memory() -> None:
    """tests/acceptance/waits.py judges the processor time of this and of many lines."""
    parts = dripped(b"data: " + JUST_UNDER + b"\n\n")
    assert calls_made_by(lambda: fed(parts)) < 20 * len(parts)

    tracemalloc.start()
    try:
        assert fed(parts) == [JUST_UNDER]
        assert tracemalloc.get_traced_memory()[1] < 5 * MAX_EVENT
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("lines", [1, 1023, 1024, 1025, 1026, 2048, 2049, 5000])
def test_however_many_lines_an_event_has_they_are_its_payload(lines: int) -> None:
    texts = [b"%d" % at for at in range(lines)]
    stream = b"".join(b"data: %b\n" % text for text in texts) + b"\ndata: next\n\n"
    assert fed([stream]) == [b"\n".join(texts), b"next"]
    assert all(type(payload) is bytes for payload in fed([stream]))


def test_short_lines_of_one_event_cost_no_more_memory_than_a_long_one() -> None:
    stream = b"data:xx\n" * 40_000
    decoder = Decoder()
    tracemalloc.start()
    try:
        for _ in range(5):
            decoder.feed(stream)
        assert tracemalloc.get_traced_memory()[0] < 10 * len(stream)
    finally:
        tracemalloc.stop()


MANY_LINES = b"data: 0123456789\n"


def test_twice_as_many_lines_of_one_event_cost_twice_the_work_at_most() -> None:
    def work(lines: int) -> int:
        return calls_made_by(lambda: fed(dripped(MANY_LINES * lines)))

    assert work(40_000) < 2.2 * work(20_000)
