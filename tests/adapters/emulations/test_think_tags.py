"""Reasoning inside the text: a leading block becomes reasoning_content, however the stream is split."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.core.event import Event
from adapters.core.model import Model
from adapters.core.vendor import Plan
from adapters.emulations.think_tags import MOST_BLANKS, ThinkTags
from adapters.rules.reasoning import BOX_MARKS, THINK_TAGS
from tests.adapters.add_up import add_up
from tests.adapters.play import Play, chat_plan

TAGS = {THINK_TAGS: True}
BOTH = {THINK_TAGS: True, BOX_MARKS: True}


def planned(facts: dict[str, Any], *, stream: bool = True, **fields: Any) -> Plan:
    """A request for a model with these facts at an OpenAI-compatible server, which passes every field on."""
    return chat_plan("openai_compatible", "r1", stream=stream, settings={"model": Model("r1", facts=facts)}, **fields)


def chunk(delta: dict[str, Any], finish: str | None = None, *, at: int = 0, **more: Any) -> dict[str, Any]:
    return {"id": "c", "created": 1, "choices": [{"index": at, "delta": delta, "finish_reason": finish, **more}]}


def streamed(texts: list[str], finish: str = "stop", facts: dict[str, Any] = TAGS) -> list[Event]:
    play = Play(planned(facts)).head()
    play.sse(*(chunk({"content": text}) for text in texts), chunk({}, finish), "[DONE]")
    assert play.done
    return play.events


def whole(text: str, finish: str = "stop", facts: dict[str, Any] = TAGS) -> dict[str, Any]:
    answer = {"choices": [{"message": {"content": text}, "finish_reason": finish}], "usage": {"prompt_tokens": 1}}
    (event,) = Play(planned(facts, stream=False)).json(answer).events
    return dict(event.data["choices"][0])


def split(choice: dict[str, Any]) -> tuple[str, str]:
    """The reasoning and the content of a choice."""
    message = choice["message"]
    return message.get("reasoning_content") or "", message.get("content") or ""


EXAMPLES = {
    "<think>Two.</think>Four.": ("Two.", "Four."),
    " \n<think>\nTwo.\n</think>\n\nFour. ": ("\nTwo.\n", "Four. "),
    "<think>Two.": ("Two.", ""),
    "<think>Two.</thi": ("Two.</thi", ""),
    "<think>Two.</think>": ("Two.", ""),
    "<think>Two.</think> \n": ("Two.", ""),
    "<think></think>Four.": ("", "Four."),
    "<think>\n\n</think>\n\nFour.": ("", "Four."),
    "<think>\n": ("", ""),
    "<think>a</think>b<think>c</think>d": ("a", "b<think>c</think>d"),
    "<think>a<think>b</think>c": ("a<think>b", "c"),
    "Four.": ("", "Four."),
    "Four.<think>Two.</think>": ("", "Four.<think>Two.</think>"),
    "Two.</think>Four.": ("", "Two.</think>Four."),
    "<thinking>Two.</thinking>": ("", "<thinking>Two.</thinking>"),
    "<Think>Two.</Think>": ("", "<Think>Two.</Think>"),
    "<thi": ("", "<thi"),
    "  ": ("", "  "),
    "": ("", ""),
    " " * MOST_BLANKS + "<think>a</think>b": ("a", "b"),
    " " * (MOST_BLANKS + 1) + "<think>a</think>b": ("", " " * (MOST_BLANKS + 1) + "<think>a</think>b"),
}


@pytest.mark.parametrize("text", EXAMPLES)
def test_a_leading_block_is_the_reasoning_and_everything_else_stays(text: str) -> None:
    finish = "length" if "</think>" not in text else "stop"
    assert split(whole(text, finish)) == EXAMPLES[text]
    assert split(add_up(streamed(list(text), finish))[0]) == EXAMPLES[text]


tokens = st.lists(
    st.sampled_from(["<think>", "</think>", "<thi", "nk>", "</", "think>", " ", "\n", "<", "a", "搬", "🙂"]), max_size=9
)


@settings(max_examples=400, deadline=None)
@given(tokens, st.data(), st.sampled_from(["stop", "length"]))
def test_however_the_text_is_cut_into_pieces_the_result_is_the_same(
    parts: list[str], data: st.DataObject, finish: str
) -> None:
    text = "".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    pieces = [text[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    choice = add_up(streamed(pieces, finish))[0]
    assert split(choice) == split(whole(text, finish))
    assert choice["finish_reason"] == finish
    if not text.lstrip().startswith("<think>"):
        assert split(choice) == ("", text)


marks = st.lists(
    st.sampled_from(["<|begin_of_box|>", "<|end_of_box|>", "<|begin", "_of_box|>", "<|", "<", "a", "\n"]), max_size=9
)


@settings(max_examples=400, deadline=None)
@given(marks, st.data(), st.booleans())
def test_however_marks_of_a_box_are_cut_they_are_removed(parts: list[str], data: st.DataObject, thinks: bool) -> None:
    text = "<think>Why.</think>" * thinks + "".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    pieces = [text[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    result = split(add_up(streamed(pieces, facts=BOTH))[0])
    assert result == split(whole(text, facts=BOTH))
    assert result[0] == "Why." * thinks


def test_a_boxed_answer_has_no_marks() -> None:
    boxed = "<think>Two.</think>\n<|begin_of_box|>Four<|end_of_box|>."
    assert split(whole(boxed, facts=BOTH)) == ("Two.", "Four.")
    assert split(whole("<|begin_of_box|>Four<|end_of_box|>", facts={BOX_MARKS: True})) == ("", "Four")


def test_what_stands_around_a_mark_does_not_become_one() -> None:
    nested = "<|begin_of<|end_of_box|>_box|>"
    for at in range(len(nested) + 1):
        assert split(add_up(streamed([nested[:at], nested[at:]], facts=BOTH))[0]) == ("", "<|begin_of_box|>")


def test_every_cut_of_the_bytes_gives_the_same() -> None:
    texts = ["\n<th", "ink>想一", "想</", "think>", "\n\n四", "。"]
    body = b"".join(
        b"data: " + orjson.dumps(one) + b"\n\n" for one in [*(chunk({"content": t}) for t in texts), chunk({}, "stop")]
    ) + b"data: [DONE]\n\n"  # fmt: skip
    for at in range(len(body) + 1):
        play = Play(planned(TAGS)).head().data(body[:at])
        if play.end is None:
            play.data(body[at:])
        assert play.done
        assert split(add_up(play.events)[0]) == ("想一想", "四。"), at


def test_reasoning_is_passed_on_as_it_arrives_but_for_the_beginning_of_a_tag() -> None:
    assert ThinkTags.holds == "TAIL"
    play = Play(planned(TAGS)).head()
    for text, shown in (("<think>One, ", ("One, ", "")), ("two </th", ("One, two ", "")), ("ree</think>", ("One, two </three", "")), ("A", ("One, two </three", "A"))):  # fmt: skip
        play.sse(chunk({"content": text}))
        assert split(add_up(play.events)[0]) == shown
    play.sse(chunk({}, "stop"), "[DONE]")


def test_each_choice_is_split_by_itself() -> None:
    play = Play(planned(TAGS, n=2)).head()
    play.sse(
        chunk({"content": "<think>a"}, at=0),
        chunk({"content": "Plain <think>"}, at=1),
        chunk({"content": "</think>b"}, at=0),
        chunk({}, "stop", at=1),
        chunk({}, "stop", at=0),
        "[DONE]",
    )
    choices = add_up(play.events)
    assert split(choices[0]) == ("a", "b")
    assert split(choices[1]) == ("", "Plain <think>")


def test_a_block_before_a_tool_call_is_reasoning() -> None:
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    play = Play(planned(TAGS, tools=[{"type": "function", "function": {"name": "f"}}])).head()
    play.sse(chunk({"content": "<think>Call f.</think>\n\n"}), chunk({"tool_calls": [call]}), chunk({}, "tool_calls"), "[DONE]")  # fmt: skip
    choice = add_up(play.events)[0]
    assert split(choice) == ("Call f.", "")
    assert choice["message"]["tool_calls"][0]["function"] == {"name": "f", "arguments": "{}"}


def test_what_is_held_back_is_passed_on_before_a_tool_call() -> None:
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    play = Play(planned(TAGS, tools=[{"type": "function", "function": {"name": "f"}}])).head()
    play.sse(chunk({"content": "<thi"}), chunk({"tool_calls": [call]}))
    assert split(add_up(play.events)[0]) == ("", "<thi")
    play.sse(chunk({}, "tool_calls"), "[DONE]")


def test_the_logprobs_are_those_of_the_answer() -> None:
    listed: list[dict[str, Any]] = [{"token": token, "logprob": -0.5, "bytes": None, "top_logprobs": []} for token in ("<think>", "a", "</think>", "\n\n", "b", "c")]  # fmt: skip
    answer = {"choices": [{"message": {"content": "<think>a</think>\n\nbc"}, "finish_reason": "stop", "logprobs": {"content": listed}}]}  # fmt: skip
    play = Play(planned(TAGS, stream=False, logprobs=True)).json(answer)
    (choice,) = play.events[0].data["choices"]
    assert [entry["token"] for entry in choice["logprobs"]["content"]] == ["b", "c"]
    play = Play(planned(TAGS, logprobs=True)).head()
    for entry in listed:
        play.sse(chunk({"content": entry["token"]}, logprobs={"content": [entry]}))
    play.sse(chunk({}, "stop"), "[DONE]")
    pieces = [event.data["choices"][0].get("logprobs") or {} for event in play.events]
    assert [entry["token"] for piece in pieces for entry in piece.get("content") or []] == ["b", "c"]


def test_logprobs_held_back_with_a_text_without_tags_are_passed_on() -> None:
    play = Play(planned(TAGS, logprobs=True)).head()
    for token in ("<", "b>"):
        play.sse(chunk({"content": token}, logprobs={"content": [{"token": token, "logprob": -0.5, "bytes": None, "top_logprobs": []}]}))  # fmt: skip
    play.sse(chunk({}, "stop"), "[DONE]")
    pieces = [event.data["choices"][0].get("logprobs") or {} for event in play.events]
    assert [entry["token"] for piece in pieces for entry in piece.get("content") or []] == ["<", "b>"]


def test_reasoning_that_the_server_has_parsed_is_kept() -> None:
    play = Play(planned(TAGS)).head()
    play.sse(chunk({"reasoning_content": "Two."}), chunk({"content": "Four."}), chunk({}, "stop"), "[DONE]")
    assert split(add_up(play.events)[0]) == ("Two.", "Four.")


def test_a_stream_for_a_whole_request_is_split_too() -> None:
    play = Play(planned(TAGS, stream=False)).head()
    play.sse(chunk({"content": "<think>a</th"}), chunk({"content": "ink>b"}), chunk({}, "stop"), "[DONE]")
    assert split(dict(play.events[0].data["choices"][0])) == ("a", "b")


def test_stop_strings_are_looked_for_in_the_answer_only() -> None:
    made = planned(TAGS)
    made = made._replace(emulations={**made.emulations, "stop": ["END"]})
    play = Play(made).head().sse(chunk({"content": "<think>the END</think>a"}), chunk({"content": "bENDc"}))
    assert split(add_up(play.events)[0]) == ("the END", "ab")


def test_events_after_the_reasoning_are_passed_on_unread() -> None:
    play = Play(planned(TAGS)).head()
    play.sse(chunk({"content": "<think>a</think>b"}), *(chunk({"content": "c"}) for _ in range(8)))
    assert "data" not in {name for name in ("data",) if _is_set(play.events[-1], name)}
    assert play.events[-1].text == "c"
    play.sse(chunk({}, "stop"), "[DONE]")


def _is_set(event: Event, name: str) -> bool:
    try:
        object.__getattribute__(event, name)
    except AttributeError:
        return False
    return True


def test_a_model_without_the_fact_has_no_wrapper() -> None:
    assert not isinstance(Play(planned({})).exchange, ThinkTags)
    assert isinstance(Play(planned(TAGS)).exchange, ThinkTags)
    play = Play(planned({}, stream=False))
    play.json({"choices": [{"message": {"content": "<think>a</think>b"}, "finish_reason": "stop"}]})
    assert split(dict(play.events[0].data["choices"][0])) == ("", "<think>a</think>b")


def test_a_check_of_the_answer_sees_no_reasoning() -> None:
    schema = {"type": "object", "properties": {"sum": {"type": "integer"}}, "required": ["sum"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "sum", "schema": schema}}
    play = Play(chat_plan("zhipu", "glm-z1-air", stream=False, shipped=True, response_format=wanted))
    play.json({"choices": [{"message": {"content": '<think>2 + 2</think>\n{"sum": 4}'}, "finish_reason": "stop"}]})
    assert play.done
    assert split(dict(play.events[0].data["choices"][0])) == ("2 + 2", '{"sum": 4}')
