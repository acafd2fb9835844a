"""Each fault, as bytes on a socket."""

import asyncio
import gzip
import time

import orjson
import pytest

import emulators
from emulators import Emulator
from emulators.core.faults import TABLE, Faults, parse
from tests.emulators.helpers import Json, Raw, chat, send, spelled, until, with_emulator

WORDS = "emulator:words=6"
STREAM: Json = {"stream": True}


def got(fault: str, vendor: str = "kimi", text: str = WORDS, **more: object) -> Raw:
    async def main(emulator: Emulator) -> Raw:
        return await send(emulator, chat(vendor, text, **more))

    return with_emulator(vendor, main, faults=[fault] if fault else [])


def text_of(chunks: list[Json]) -> str:
    return "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])


def finished(answer: Raw) -> bool:
    return b'"finish_reason":"stop"' in answer.body


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("cut", "needs a number of events"),
        ("drip=", "is not a number"),
        ("delay=x", "is not a number"),
        ("delay=-1", "is not a number"),
        ("delay=nan", "is not a number"),
        ("overloaded=3", "takes no value"),
        ("reset@0", "1 or more"),
        ("reset@x", "1 or more"),
        ("stall", "did you mean 'stall_"),
        ("", "unknown fault ''"),
    ],
)
def test_a_fault_that_cannot_be_read_is_refused_with_what_is_wrong(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse(text)


def test_without_a_number_every_request_is_hit_and_with_one_only_that_request() -> None:
    faults = Faults(["delay=5", "reset@2", "rate_limit=3@2", "html_502@3"])
    assert faults.take() == {"delay": 5}
    assert faults.take() == {"delay": 5, "reset": 0, "rate_limit": 3}
    assert faults.take() == {"delay": 5, "html_502": 0}
    assert faults.take() == {"delay": 5}
    faults.set(["reset@1"])
    assert faults.take() == {"reset": 0}, "counting starts again when faults are set"


def test_every_fault_of_the_table_has_a_description() -> None:
    assert all(kind.does for kind in TABLE.values())
    assert len(TABLE) == 34


@pytest.mark.parametrize("vendor", emulators.NAMES)
def test_without_faults_the_stream_is_whole(vendor: str) -> None:
    answer = got("", vendor, **STREAM)
    assert (answer.reset, answer.events[-1], text_of(answer.chunks)) == (False, b"[DONE]", "w1 w2 w3 w4 w5 w6")


@pytest.mark.parametrize(("fault", "status"), [("html_502", 502), ("html_200", 200)])
def test_html_comes_instead_of_json(fault: str, status: int) -> None:
    answer = got(fault)
    assert (answer.status, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert answer.body.startswith(b"<html>")


def test_empty_200_has_no_body() -> None:
    answer = got("empty_200", **STREAM)
    assert (answer.status, answer.headers["content-length"], answer.body) == (200, "0", b"")


def test_redirect_points_to_another_path_where_nothing_is() -> None:
    async def main(emulator: Emulator) -> None:
        answer = await send(emulator, chat("kimi"))
        assert (answer.status, answer.headers["location"]) == (307, f"{emulator.base_url}/elsewhere")
        assert (await send(emulator, chat("kimi"), "/elsewhere")).status == 404

    with_emulator("kimi", main, faults=["redirect"])


@pytest.mark.parametrize("vendor", emulators.NAMES)
def test_error_in_200_is_the_whole_body_or_the_first_event(vendor: str) -> None:
    whole = got("error_in_200", vendor)
    assert (whole.status, "error" in whole.json) == (200, True)
    streamed = got("error_in_200", vendor, **STREAM)
    assert streamed.headers["content-type"].startswith("text/event-stream")
    assert ["error" in chunk for chunk in streamed.chunks] == [True]


def test_json_instead_answers_a_stream_with_one_completion() -> None:
    answer = got("json_instead", **STREAM)
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.json["object"] == "chat.completion"


@pytest.mark.parametrize(("fault", "events"), [("error_event", 2), ("error_event=4", 4)])
def test_error_event_comes_after_so_many_events_and_ends_the_stream(fault: str, events: int) -> None:
    answer = got(fault, **STREAM)
    assert len(answer.chunks) == events + 1
    assert "error" in answer.chunks[-1]
    assert b"[DONE]" not in answer.body


@pytest.mark.parametrize("events", [0, 3])
def test_cut_resets_the_connection_after_so_many_events(events: int) -> None:
    answer = got(f"cut={events}", **STREAM)
    assert answer.reset
    assert len(answer.events) == events


def test_cut_resets_an_answer_that_is_not_streamed_in_its_middle() -> None:
    answer = got("cut=1")
    assert answer.reset
    assert 0 < len(answer.body) < int(answer.headers["content-length"])


def test_no_end_stops_cleanly_after_half_of_the_text() -> None:
    answer = got("no_end", **STREAM)
    assert not answer.reset
    assert text_of(answer.chunks) == "w1 w2 w3"
    assert not finished(answer)
    assert b"[DONE]" not in answer.body
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(got("no_end").body)


def test_no_done_finishes_without_done() -> None:
    answer = got("no_done", **STREAM)
    assert finished(answer)
    assert b"[DONE]" not in answer.body


def test_done_only_is_done_alone() -> None:
    assert got("done_only", **STREAM).body == b"data: [DONE]\n\n"


def test_bad_json_breaks_one_event() -> None:
    broken = []
    for event in got("bad_json", **STREAM).events[:-1]:
        try:
            orjson.loads(event)
        except orjson.JSONDecodeError:
            broken.append(event)
    assert len(broken) == 1


@pytest.mark.parametrize("more", [{}, STREAM])
def test_invalid_utf8_is_one_bad_byte_inside_a_text(more: Json) -> None:
    answer = got("invalid_utf8", **more)
    with pytest.raises(UnicodeDecodeError):
        answer.body.decode()
    healed = answer.body.replace(b"\xff", b"").decode()
    assert "w1 w2 w3 w4 w5 w6" in healed or '" w6"' in healed


def test_big_event_has_one_text_of_that_size() -> None:
    chunks = got("big_event=300000", **STREAM).chunks
    assert max(len(text_of([chunk])) for chunk in chunks) == 300_000
    assert text_of(chunks).endswith("w5 w6")


def test_comments_and_blank_lines_stand_between_events() -> None:
    answer = got("comments", **STREAM)
    assert answer.body.count(b": keep-alive\n\n\n") == len(answer.events)
    assert text_of(answer.chunks) == "w1 w2 w3 w4 w5 w6"


def test_crlf_ends_every_line() -> None:
    body = got("crlf", **STREAM).body
    assert body.count(b"\n") == body.count(b"\r\n") > 0


def test_drip_sends_a_few_bytes_at_a_time() -> None:
    slow, fast = got("drip=2", **STREAM), got("", **STREAM)
    assert len(slow.body) == len(fast.body)
    assert len(slow.reads) > 50


def test_split_utf8_cuts_characters_between_reads() -> None:
    text = "搬家" * 10
    answer = got("split_utf8", text=text)
    assert orjson.loads(answer.body)["choices"][0]["message"]["content"] == f"You said: {text}"
    halves = [read for read in answer.reads if read[-1] & 0xC0 == 0xC0]
    assert halves, "a read ends with a character's first byte"
    streamed = got("split_utf8", text=text, **STREAM)
    assert text_of(streamed.chunks) == f"You said: {text}"


@pytest.mark.parametrize("more", [{}, STREAM])
def test_short_body_promises_more_than_it_sends(more: Json) -> None:
    answer = got("short_body", **more)
    assert not answer.reset
    assert len(answer.body) < int(answer.headers["content-length"])


def test_gzip_compresses_without_a_request_for_it() -> None:
    answer = got("gzip")
    packed = answer.all.partition(b"\r\n\r\n")[2]
    assert orjson.loads(gzip.decompress(packed))["object"] == "chat.completion"
    streamed = got("gzip", **STREAM)
    assert streamed.headers["content-encoding"] == "gzip"
    assert text_of(streamed.chunks) == "w1 w2 w3 w4 w5 w6"


def test_reset_sends_no_byte() -> None:
    answer = got("reset")
    assert answer.reset
    assert answer.all == b""


@pytest.mark.parametrize("more", [{}, STREAM])
def test_reset_after_head_sends_the_head_alone(more: Json) -> None:
    answer = got("reset_after_head", **more)
    assert answer.reset
    assert answer.status == 200
    assert answer.all.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(("fault", "least_s"), [("delay=150", 0.15), ("stall_before=0.2", 0.2)])
def test_delays_come_before_the_head(fault: str, least_s: float) -> None:
    begun = time.perf_counter()
    answer = got(fault)
    assert time.perf_counter() - begun >= least_s
    assert answer.status == 200


STALLS = [
    ("stall_before", {}, 0, 0),
    ("stall_after_head", STREAM, 1, 0),
    ("stall_after_head", {}, 1, 0),
    ("stall_within", STREAM, 1, 3),
]


@pytest.mark.parametrize(("fault", "more", "heads", "events"), STALLS)
def test_a_stall_lasts_until_the_client_disconnects_and_leaves_nothing_open(
    fault: str, more: Json, heads: int, events: int
) -> None:
    async def main(emulator: Emulator) -> bytes:
        reader, writer = await asyncio.open_connection(emulator.host, emulator.port)
        writer.write(spelled(emulator, chat("kimi", WORDS, **more), "/chat/completions", "POST", {}))
        seen = b""
        while (seen.count(b"HTTP/1.1 200"), seen.count(b"data: ")) != (heads, events):
            seen += await reader.read(1 << 16)
        await until(lambda: emulator.active == 1)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                seen += await reader.read(1 << 16)
        writer.close()
        await writer.wait_closed()
        await until(lambda: emulator.open_connections == 0 and emulator.active == 0)
        return seen

    seen = with_emulator("kimi", main, faults=[fault])
    assert (seen.count(b"HTTP/1.1 200"), seen.count(b"data: ")) == (heads, events)


def test_faults_of_streams_leave_refusals_alone() -> None:
    async def main(emulator: Emulator) -> Raw:
        return await send(emulator, chat("kimi", model="none", stream=True))

    answer = with_emulator("kimi", main, faults=["cut=1", "bad_json", "no_end"])
    assert (answer.status, answer.reset) == (404, False)
    assert answer.json["error"]["type"] == "resource_not_found_error"


def test_closing_an_emulator_ends_what_is_stalled() -> None:
    async def main() -> None:
        emulator = await emulators.start("kimi", environ={}, faults=["stall_before"])
        task = asyncio.create_task(send(emulator, chat("kimi")))
        await until(lambda: emulator.active == 1)
        await emulator.aclose()
        assert (await task).all == b""
        assert (emulator.active, emulator.open_connections) == (0, 0)

    asyncio.run(main())
