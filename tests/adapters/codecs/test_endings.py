"""A response is complete only with ``[DONE]`` or a finished body."""

from typing import Any

import orjson
import pytest

from adapters.codecs.openai.assemble import Assembler, join_deltas
from adapters.codecs.openai.finish_reasons import FAILED, FINISH_REASONS
from adapters.core.exchange import Done
from adapters.core.request import ApiRequest
from adapters.planning import plan
from tests.adapters.add_up import add_up
from tests.adapters.play import Play, chat_plan, target

USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def chunk(text: str | None = None, finish: Any = None, *, at: int = 0, **more: Any) -> dict[str, Any]:
    delta = {} if text is None else {"content": text}
    return {"id": "c", "created": 1, "choices": [{"index": at, "delta": delta, "finish_reason": finish}], **more}


def stream(*payloads: Any, n: int = 1) -> Play:
    planned = chat_plan() if n == 1 else chat_plan(model="moonshot-v1-8k", n=n)
    return Play(planned).head().sse(*payloads)


def test_the_marker_after_the_finish_is_the_end() -> None:
    assert stream(chunk("a"), chunk(finish="stop"), "[DONE]").done


def test_blanks_around_the_marker_do_not_hide_it() -> None:
    assert stream(chunk("a"), chunk(finish="stop"), " [DONE] ").done


def test_the_answer_is_done_at_the_marker_and_not_only_when_the_vendor_hangs_up() -> None:
    play = Play(chat_plan()).head().sse(chunk("a"), chunk(finish="stop"))
    assert play.end is None
    assert play.sse("[DONE]").done


def test_the_end_of_the_body_after_the_finish_is_the_end() -> None:
    assert stream(chunk("a"), chunk(finish="stop")).over().done


def test_the_end_of_the_body_before_the_finish_is_a_failure() -> None:
    failure = stream(chunk("a")).over().failure
    assert (failure.kind, failure.code) == ("truncated", "upstream_stream_truncated")


@pytest.mark.parametrize("payloads", [[], ["[DONE]"], [{"choices": [], "usage": USAGE}, "[DONE]"], [{}, "[DONE]"],
                                      [chunk(""), "[DONE]"], [chunk(""), chunk(""), "[DONE]"]])  # fmt: skip
def test_a_stream_without_an_answer_is_no_answer(payloads: list[Any]) -> None:
    failure = stream(*payloads).over().failure
    assert (failure.kind, failure.code) == ("invalid_response", "upstream_invalid_response")


def test_every_choice_must_have_finished() -> None:
    assert stream(chunk("a"), chunk("b", at=1), chunk(finish="stop"), n=2).over().failure.kind == "truncated"
    assert stream(chunk("a"), chunk("b", at=1), chunk(finish="stop"), chunk(finish="length", at=1), n=2).over().done


def test_a_requested_choice_that_never_came_is_missing() -> None:
    assert stream(chunk("a"), chunk(finish="stop"), n=2).over().failure.kind == "truncated"


def test_a_choice_that_was_not_requested_must_finish_too() -> None:
    assert stream(chunk("a"), chunk("b", at=7), chunk(finish="stop")).over().failure.kind == "truncated"


def test_a_usage_chunk_between_finish_and_marker_is_counted_and_not_shown() -> None:
    play = stream(chunk("a"), chunk(finish="stop"), {"choices": [], "usage": USAGE}, "[DONE]")
    assert play.done
    assert len(play.events) == 2
    assert play.spent[1][:2] == (3, 2)


@pytest.mark.parametrize("choices", [None, [], "absent"])
def test_a_usage_chunk_may_have_no_choices_in_any_spelling(choices: Any) -> None:
    told = {"usage": USAGE} if choices == "absent" else {"choices": choices, "usage": USAGE}
    play = stream(chunk("a"), chunk(finish="stop"), told, "[DONE]")
    assert (play.done, len(play.events), play.spent[1].prompt) == (True, 2, 3)


def test_usage_in_every_chunk_is_counted_once_and_the_last_counts() -> None:
    costs = [{**USAGE, "completion_tokens": at} for at in range(4)]
    play = stream(*(chunk("a", usage=cost) for cost in costs), chunk(finish="stop", usage=USAGE), "[DONE]")
    assert play.spent[1][:2] == (3, 2)
    assert all("usage" not in event.data for event in play.events)


def test_usage_before_a_failure_is_counted() -> None:
    play = stream(chunk("a", usage=USAGE)).lost()
    assert play.failure.kind == "reset"
    assert play.spent[1][:2] == (3, 2)


@pytest.mark.parametrize("more", [[chunk("b")], ["[DONE]"], ["{"], [{"error": {"message": "late"}}]])
def test_bytes_after_the_marker_are_ignored(more: list[Any]) -> None:
    play = stream(chunk("a"), chunk(finish="stop"), "[DONE]", *more).over()
    assert (play.done, len(play.events)) == (True, 2)
    at_once = Play(chat_plan()).head()
    body = [b'{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]}', b"[DONE]", b'{"choices":[{}]}']
    assert at_once.data(b"data: " + b"\n\ndata: ".join(body) + b"\n\n").done
    assert len(at_once.events) == 1


def test_the_marker_finishes_a_choice_that_has_not_finished() -> None:
    play = stream(chunk("a"), "[DONE]")
    assert play.done
    assert [event.data["choices"][0]["finish_reason"] for event in play.events] == [None, "stop"]


def test_the_marker_finishes_a_choice_that_called_a_tool_as_such() -> None:
    call = {"index": 0, "id": "a", "function": {"name": "now", "arguments": ""}}
    play = stream({"choices": [{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": None}]}, "[DONE]")
    choice = add_up(play.events)[0]
    assert (choice["finish_reason"], choice["message"]["tool_calls"][0]["function"]["arguments"]) == (
        "tool_calls",
        "{}",
    )


@pytest.mark.parametrize("marker", ["[DONE]", " [DONE] ", "[done]", '"[DONE]"', "DONE"])
def test_the_marker_is_known_in_any_spelling(marker: str) -> None:
    play = Play(chat_plan()).head().sse(chunk("a"), chunk(finish="stop"))
    assert play.data(b"data: " + marker.encode() + b"\n\n").done


@pytest.mark.parametrize(
    "more", [b"ping", b"null", b"{}", b"[]", b"bye", b'{"error":{"message":"late"}}', b'{"choices":7}']
)
def test_what_follows_a_whole_answer_never_spoils_it(more: bytes) -> None:
    play = Play(chat_plan()).head().sse(chunk("a"), chunk(finish="stop")).data(b"data: " + more + b"\n\n").over()
    assert (play.done, len(play.events)) == (True, 2)


@pytest.mark.parametrize("beat", [b"ping", b"null", b"keep-alive", b"{}"])
def test_keep_alive_events_between_chunks_are_passed_over(beat: bytes) -> None:
    play = Play(chat_plan()).head().sse(chunk("a")).data(b"data: " + beat + b"\n\n").sse(chunk(finish="stop")).over()
    assert (play.done, len(play.events)) == (True, 2)


def test_text_between_chunks_that_is_no_json_is_a_failure() -> None:
    failure = Play(chat_plan()).head().sse(chunk("a")).data(b"data: upstream timed out\n\n").failure
    assert failure.kind == "invalid_response"


@pytest.mark.parametrize("again", [chunk(finish="stop"), chunk("", "stop"), chunk("more"), chunk(None, "tool_calls")])
def test_a_choice_finishes_once(again: dict[str, Any]) -> None:
    play = stream(chunk("a"), chunk(finish="stop"), again, "[DONE]")
    assert (play.done, len(play.events)) == (True, 2)


def test_a_last_event_that_repeats_the_whole_message_is_left_out() -> None:
    whole = {"object": "chat.completion", "usage": USAGE}
    repeated = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "ab"}, "finish_reason": "stop"}]}
    play = stream(chunk("a"), chunk("b", "stop"), {**whole, **repeated}, "[DONE]")
    assert (play.done, add_up(play.events)[0]["message"]["content"], play.spent[1].prompt) == (True, "ab", 3)


def test_a_message_after_deltas_repeats_the_answer_and_adds_nothing_but_its_end() -> None:
    repeated = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "ab"}, "finish_reason": "stop"}]}
    play = stream(chunk("a"), chunk("b"), repeated, "[DONE]")
    choice = add_up(play.events)[0]
    assert (play.done, choice["message"]["content"], choice["finish_reason"]) == (True, "ab", "stop")


def test_a_choice_that_stands_twice_in_a_chunk_leaves_once() -> None:
    ends = {"a": None, "b": None, "c": "stop"}
    pieces = [{"index": 0, "delta": {"content": text}, "finish_reason": end} for text, end in ends.items()]
    play = stream({"choices": pieces}, "[DONE]")
    assert [choice["delta"]["content"] for choice in play.events[0].data["choices"]] == ["abc"]
    assert play.events[0].data["choices"][0]["finish_reason"] == "stop"


def test_text_may_come_in_message_instead_of_delta() -> None:
    pieces = [{"choices": [{"index": 0, "message": {"content": text}}]} for text in "ab"]  # Pangu
    play = stream(*pieces, "[DONE]")
    assert (play.done, add_up(play.events)[0]["message"]["content"]) == (True, "ab")
    assert all("message" not in event.data["choices"][0] for event in play.events)


@pytest.mark.parametrize("reason", ["", "null", None, 0, 1, False, [], {}, ["stop"]])
def test_an_empty_finish_reason_counts_as_none(reason: Any) -> None:
    play = stream(chunk("a", reason)).over()
    assert play.failure.kind == "truncated"
    assert play.events[0].data["choices"][0]["finish_reason"] is None


@pytest.mark.parametrize("reason", sorted(FAILED))
def test_a_finish_reason_of_an_error_is_a_failure(reason: str) -> None:
    play = stream(chunk("a"), chunk(None, reason), "[DONE]")
    assert (play.failure.kind, len(play.events)) == ("truncated", 1)
    body = {"choices": [{"message": {"content": "a"}, "finish_reason": reason}]}
    assert Play(chat_plan(stream=False)).json(body).failure.kind == "truncated"


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        *FINISH_REASONS.items(),
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("new_word", "stop"),
    ],
)
def test_finish_reasons_have_openais_values(theirs: str, ours: str) -> None:
    ours = "stop" if ours in ("tool_calls", "function_call") else ours  # no call was made
    assert add_up(stream(chunk("a", theirs)).over().events)[0]["finish_reason"] == ours


@pytest.mark.parametrize("reason", [None, "", "null", "absent"])
def test_a_whole_answer_that_names_no_finish_is_delivered_for_it_is_billed(reason: Any) -> None:
    choice = {"message": {"content": "a"}, "finish_reason": reason}
    if reason == "absent":
        del choice["finish_reason"]
    play = Play(chat_plan(stream=False)).json({"choices": [choice]})
    assert (play.done, play.events[0].data["choices"][0]["finish_reason"]) == (True, "stop")


@pytest.mark.parametrize("message", [{}, {"content": ""}, {"content": None, "tool_calls": []}])
def test_a_whole_answer_that_is_empty_and_names_no_finish_is_a_failure(message: dict[str, Any]) -> None:
    assert Play(chat_plan(stream=False)).json({"choices": [{"message": message}]}).failure.kind == "truncated"


def test_a_call_in_a_whole_answer_that_names_no_finish_finishes_it_as_such() -> None:
    call = {"id": "a", "type": "function", "function": {"name": "now", "arguments": "{}"}}
    play = Play(chat_plan(stream=False)).json({"choices": [{"message": {"tool_calls": [call]}}]})
    assert play.events[0].data["choices"][0]["finish_reason"] == "tool_calls"


def test_id_time_and_model_are_the_same_in_all_chunks() -> None:
    odd: list[dict[str, Any]] = [{"id": "", "created": None}, {"id": "x", "created": 5}, {"id": 7, "created": "8"}, {}]
    play = stream(*({**chunk("a"), **names, "model": "m"} for names in odd), chunk(finish="stop"), "[DONE]")
    named = {
        (event.data["id"], event.data["created"], event.data["model"], event.data["object"]) for event in play.events
    }
    assert named == {("chatcmpl-" + "a" * 24, 1_700_000_000, "gpt-4o", "chat.completion.chunk")}


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("as-1", "chatcmpl-as-1"),
        ("chatcmpl-1", "chatcmpl-1"),
        ("一", "chatcmpl-" + "a" * 24),
        ("x" * 129, "chatcmpl-" + "a" * 24),
    ],
)
def test_an_id_begins_as_openais_do_and_the_log_has_the_vendors(theirs: str, ours: str) -> None:
    played = [
        stream({**chunk("a", "stop"), "id": theirs}, "[DONE]"),
        Play(chat_plan(stream=False)).json(
            {"id": theirs, "choices": [{"message": {"content": "a"}, "finish_reason": "stop"}]}
        ),
    ]
    for play in played:
        assert play.events[0].data["id"] == ours
        assert isinstance(play.end, Done)
        assert play.end.vendor_id == theirs


def test_the_first_chunk_of_a_choice_has_the_role() -> None:
    play = stream(chunk("a"), chunk("b"), chunk(finish="stop"), "[DONE]")
    assert [event.data["choices"][0]["delta"].get("role") for event in play.events] == ["assistant", None, None]


def test_comments_and_pings_between_events_are_nothing() -> None:
    play = Play(chat_plan()).head()
    play.data(b": ping\n\n").sse(chunk("a")).data(b"event: ping\n\n: ping\n\ndata:\n\n").sse(
        chunk(finish="stop"), "[DONE]"
    )
    assert (play.done, len(play.events)) == (True, 2)


def test_a_whole_answer_to_a_streamed_request_is_returned_whole() -> None:
    body = {"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}], "usage": USAGE}
    play = Play(chat_plan()).json(body)
    assert (play.done, play.events[0].kind) == (True, "whole")


@pytest.mark.parametrize("vendor", ["openai_compatible", "ernie"])
def test_a_text_that_the_vendor_sent_as_another_type_leaves_as_text(vendor: str) -> None:
    """Also from a vendor whose chunks need no other change."""
    planned = chat_plan(vendor)
    play, same = (
        Play(planned).head(),
        {"id": "chatcmpl-1", "created": 1, "object": "chat.completion.chunk", "model": planned.request.model},
    )
    play.sse({**same, "choices": [{"index": 0, "delta": {"role": "assistant", "content": "a"}, "finish_reason": None}]})
    play.sse({**same, "choices": [{"index": 0, "delta": {"content": 5}, "finish_reason": None}]})
    play.sse({**same, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}, "[DONE]")
    assert play.done
    assert [orjson.loads(event.raw)["choices"][0]["delta"].get("content") for event in play.events][:2] == ["a", "5"]


def test_an_id_of_256_characters_is_logged_whole_and_a_longer_one_cut() -> None:
    for length in (256, 300):
        play = stream({**chunk("a"), "id": "x" * length}, chunk(finish="stop"), "[DONE]")
        assert isinstance(play.end, Done)
        assert play.end.vendor_id == "x" * 256


def test_deltas_that_are_joined_have_one_piece_for_each_call() -> None:
    first: dict[str, Any] = {"content": "a"}
    join_deltas(first, {"content": "b", "tool_calls": [{"index": 0, "function": {"name": "f", "arguments": "{"}}]})
    join_deltas(first, {"tool_calls": [{"index": 0, "function": {"arguments": "}"}}, {"index": 1, "function": {}}]})
    assert first["content"] == "ab"
    assert first["tool_calls"] == [
        {"index": 0, "function": {"name": "f", "arguments": "{}"}},
        {"index": 1, "function": {}},
    ]


def test_a_stream_that_is_put_together_keeps_what_stands_beside_the_choices() -> None:
    whole = Assembler()
    whole.add({"id": "a", "model": "m", "created": 1, "choices": [{"index": 0, "delta": {"content": "x"}}]})
    whole.add({"id": "a", "model": "m", "created": 1, "choices": [], "usage": USAGE})
    assert whole.body() == {
        "id": "a", "model": "m", "created": 1, "usage": USAGE, "choices": [{"index": 0, "message": {"content": "x"}}],
    }  # fmt: skip


def test_an_event_of_more_values_than_are_taken_is_a_failure() -> None:
    many = {**chunk("a"), "x": [[]] * 1_000_000}
    assert stream(chunk("a"), many).failure.kind == "invalid_response"


STOPPED = [
    "eos",
    "eos_token",
    "end",
    "end_turn",
    "stop_sequence",
    "stop_sequences",
    "stopped",
    "complete",
    "completed",
    "done",
    "finish",
    "finished",
    "normal",
    "pause_turn",
    "other",
    "finish_reason_stop",
    "finish_reason_unspecified",
]


@pytest.mark.parametrize("word", STOPPED)
def test_each_word_for_a_stop_is_known(word: str) -> None:
    assert FINISH_REASONS[word] == "stop"


def test_the_marker_ends_an_answer_whose_text_came_after_a_chunk_without_any() -> None:
    role = {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]}
    play = stream({**chunk(), **role}, chunk("a"), "[DONE]")
    assert play.done
    assert add_up(play.events)[0]["message"]["content"] == "a"


@pytest.mark.parametrize("index", [0, 1])
def test_a_choice_that_ernie_stopped_ends_as_filtered_and_the_other_as_it_did(index: int) -> None:
    """Each arrives in a separate event, first in its list."""
    play = Play(chat_plan("ernie")).head()
    for at in (0, 1):
        flag = {"flag": 4} if at == index else {}
        play.sse({"choices": [{"index": at, "delta": {"content": "a"}, "finish_reason": None, **flag}]})
    for at in (0, 1):
        play.sse({"choices": [{"index": at, "delta": {}, "finish_reason": "stop"}]})
    assert play.sse("[DONE]").done
    reasons = {at: choice["finish_reason"] for at, choice in add_up(play.events).items()}
    assert reasons == {index: "content_filter", 1 - index: "stop"}


def test_pieces_of_one_completion_in_a_chunk_leave_as_one_with_the_finish() -> None:
    planned = plan(
        ApiRequest("completions", "gpt-3.5-turbo-instruct", {"prompt": "a", "stream": True}, True),
        target("openai_compatible", "qwen2:7b"),
    )
    play = Play(planned).head()
    play.sse({"choices": [{"index": 0, "text": "a"}, {"index": 0, "text": "b", "finish_reason": "length"}]}, "[DONE]")
    assert play.done
    [choice] = play.events[0].data["choices"]
    assert (choice["text"], choice["finish_reason"]) == ("ab", "length")


def test_an_answer_whose_end_marker_alone_was_cut_off_is_whole() -> None:
    assert stream(chunk("a"), chunk(finish="stop")).lost().done
    assert stream(chunk("a")).lost().failure.kind == "reset"


@pytest.mark.parametrize(
    "word",
    [
        "error",
        "abort",
        "aborted",
        "network_error",
        "insufficient_system_resource",
        "malformed_function_call",
        "cancelled",
    ],
)
def test_each_word_for_an_answer_that_was_given_up_is_known(word: str) -> None:
    assert word in FAILED


def test_logprobs_of_either_piece_of_a_completion_are_kept() -> None:
    planned = plan(
        ApiRequest("completions", "gpt-3.5-turbo-instruct", {"prompt": "a", "stream": True}, True),
        target("openai_compatible", "qwen2:7b"),
    )
    logprobs = {"tokens": ["a"], "token_logprobs": [-0.1], "top_logprobs": None, "text_offset": [0]}
    for first, second in ((logprobs, None), (None, logprobs)):
        play = Play(planned).head()
        pieces = [
            {"index": 0, "text": "a", "logprobs": first},
            {"index": 0, "text": "b", "logprobs": second, "finish_reason": "stop"},
        ]
        play.sse({"choices": pieces}, "[DONE]")
        assert play.events[0].data["choices"][0]["logprobs"] == logprobs


@pytest.mark.parametrize("index", [-1, None, "0", 1.5, True])
def test_an_index_that_counts_nothing_is_that_of_the_only_choice(index: Any) -> None:
    played = [
        stream(
            *(
                {"choices": [{"index": index, "delta": delta, "finish_reason": finish}]}
                for delta, finish in (({"content": "a"}, None), ({}, "stop"))
            ),
            "[DONE]",
        ),
        Play(chat_plan(stream=False)).json(
            {"choices": [{"index": index, "message": {"content": "a"}, "finish_reason": "stop"}]}
        ),
    ]
    for play in played:
        assert play.done
        assert {choice["index"] for event in play.events for choice in event.data["choices"]} == {0}


@pytest.mark.parametrize("more", [{"stop_token": 5}, {"logprobs": "none"}])
def test_a_member_of_a_choice_that_openai_has_not_stays_out_of_the_bytes_too(more: dict[str, Any]) -> None:
    """Also from a vendor whose chunks need no other change."""
    planned = chat_plan("openai_compatible")
    same = {"id": "chatcmpl-1", "created": 1, "object": "chat.completion.chunk", "model": planned.request.model}
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": "a"}, {"content": "b"}]
    play = Play(planned).head()
    for delta in deltas:
        play.sse({**same, "choices": [{"index": 0, "delta": delta, "finish_reason": None, **more}]})
    play.sse({**same, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}, "[DONE]")
    written = [orjson.loads(event.raw)["choices"][0] for event in play.events]
    assert [choice.get("logprobs") for choice in written] == [None] * len(written)
    assert not any("stop_token" in choice for choice in written)
