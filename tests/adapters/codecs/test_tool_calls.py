"""Tool calls in a stream: however a vendor splits them, the pieces form the calls of the whole answer."""

from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.codecs.openai.tool_calls import MAX_CALLS
from adapters.core.vendor import Plan
from tests.adapters.add_up import add_up
from tests.adapters.play import Play, chat_plan
from tests.support.effort import examples

OSLO, ROME = '{"city": "Oslo"}', '{"city": "Rome"}'


def piece(arguments: Any = None, **more: Any) -> dict[str, Any]:
    """One piece as vendors send it; ``name`` belongs to the function, the rest beside it."""
    function = {"name": more.pop("name")} if "name" in more else {}
    return {**more, "function": {**function, "arguments": arguments}}


def chunks_of(*chunks: Any, finish: str | None = "tool_calls") -> list[Any]:
    """Return the emitted deltas for chunks with these ``tool_calls``, of which the last one finishes."""
    play = Play(chat_plan("qwen")).head()
    for at, pieces in enumerate(chunks, 1):
        reason = finish if at == len(chunks) else None
        play.sse({"choices": [{"index": 0, "delta": {"tool_calls": pieces}, "finish_reason": reason}]})
    assert play.sse("[DONE]").done
    return [event.data["choices"][0]["delta"].get("tool_calls", []) for event in play.events]


def streamed(*chunks: Any, vendor: str = "qwen", finish: str = "tool_calls", planned: Plan | None = None) -> list[Any]:
    """The calls that OpenAI's client has after chunks with these ``tool_calls``."""
    play = Play(planned or chat_plan(vendor)).head()
    for pieces in chunks:
        play.sse({"choices": [{"index": 0, "delta": {"tool_calls": pieces}, "finish_reason": None}]})
    play.sse({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]}, "[DONE]")
    assert play.done
    choice = add_up(play.events)[0]
    assert choice["finish_reason"] == "tool_calls"
    return list(choice["message"]["tool_calls"])


def whole(*calls: dict[str, Any], vendor: str = "qwen", planned: Plan | None = None) -> list[Any]:
    """The calls of a whole answer."""
    message = {"content": None, "tool_calls": list(calls)}
    play = Play(planned or chat_plan(vendor, stream=False))
    play.json({"choices": [{"message": message, "finish_reason": "tool_calls"}]})
    got: list[Any] = play.events[0].data["choices"][0]["message"]["tool_calls"]
    return got


ONE = whole(piece(OSLO, id="a", name="get"))
TWO = whole(piece(OSLO, id="a", name="get"), piece(ROME, id="b", name="get"))
SINS: dict[str, tuple[list[Any], list[Any]]] = {
    "as OpenAI does": (
        [[piece("", index=0, id="a", name="get")], [piece(OSLO[:4], index=0)], [piece(OSLO[4:], index=0)]],
        ONE,
    ),
    "no index": ([[piece("", id="a", name="get")], [piece(OSLO[:4])], [piece(OSLO[4:])]], ONE),
    "a null index": ([[piece("", id="a", name="get", index=None)], [piece(OSLO, index=None)]], ONE),
    "an index later only": ([[piece("", id="a", name="get")], [piece(OSLO, index=0)]], ONE),
    "an index at first only": ([[piece("", index=0, id="a", name="get")], [piece(OSLO)]], ONE),
    "an index that starts at 3": ([[piece("", index=3, id="a", name="get")], [piece(OSLO, index=3)]], ONE),
    "an index that counts the pieces": (
        [[piece("", index=0, id="a", name="get")], [piece(OSLO[:4], index=1, id="a")], [piece(OSLO[4:], index=2, id="a")]],
        ONE,
    ),
    "ids and names repeated": (
        [[piece(OSLO[:4], index=0, id="a", name="get")], [piece(OSLO[4:], index=0, id="a", name="get")]],
        ONE,
    ),
    "ids and names repeated, no index": (
        [[piece(OSLO[:4], id="a", name="get")], [piece(OSLO[4:], id="a", name="get")]],
        ONE,
    ),
    "ids and names empty later": (
        [[piece("", index=0, id="a", name="get")], [piece(OSLO, index=0, id="", name="")]],
        ONE,
    ),
    "ids and names null later": (
        [[piece("", index=0, id="a", name="get")], [piece(OSLO, index=0, id=None, name=None)]],
        ONE,
    ),
    "another id in each piece": (
        [[piece("", index=0, id="a", name="get")], [piece(OSLO[:4], index=0, id="x")], [piece(OSLO[4:], index=0, id="y")]],
        ONE,
    ),
    "a name after the id": ([[piece("", index=0, id="a")], [piece(OSLO, index=0, name="get")]], ONE),
    "arguments as an object": ([[piece({"city": "Oslo"}, index=0, id="a", name="get")]], whole(piece({"city": "Oslo"}, id="a", name="get"))),
    "an empty object before the arguments": ([[piece({}, index=0, id="a", name="get")], [piece(OSLO, index=0)]], ONE),
    "null arguments": ([[piece(None, index=0, id="a", name="get")], [piece(OSLO, index=0)]], ONE),
    "a call that is no list": ([piece("", index=0, id="a", name="get"), piece(OSLO, index=0)], ONE),
    "all in one": ([[piece(OSLO, index=0, id="a", name="get")]], ONE),
    "two in one": ([[piece(OSLO, index=0, id="a", name="get"), piece(ROME, index=1, id="b", name="get")]], TWO),
    "two in one without an index": ([[piece(OSLO, id="a", name="get"), piece(ROME, id="b", name="get")]], TWO),
    "index gaps": ([[piece(OSLO, index=1, id="a", name="get")], [piece(ROME, index=5, id="b", name="get")]], TWO),
    "every index 0": ([[piece(OSLO, index=0, id="a", name="get")], [piece(ROME, index=0, id="b", name="get")]], TWO),
    "every index 0, in pieces": (
        [
            [piece("", index=0, id="a", name="get")],
            [piece(OSLO, index=0)],
            [piece("", index=0, id="b", name="get")],
            [piece(ROME, index=0)],
        ],
        TWO,
    ),
    "every index 0, interleaved by id": (
        [
            [piece("", index=0, id="a", name="get"), piece("", index=0, id="b", name="get")],
            [piece(ROME[:5], index=0, id="b"), piece(OSLO[:5], index=0, id="a")],
            [piece(OSLO[5:], index=0, id="a"), piece(ROME[5:], index=0, id="b")],
        ],
        TWO,
    ),
    "interleaved": (
        [
            [piece("", index=0, id="a", name="get")],
            [piece("", index=1, id="b", name="get")],
            [piece(ROME[:5], index=1), piece(OSLO[:5], index=0)],
            [piece(OSLO[5:], index=0), piece(ROME[5:], index=1)],
        ],
        TWO,
    ),
    "no parameters": ([[piece("", index=0, id="a", name="get")]], whole(piece("", id="a", name="get"))),
    "no parameters and no arguments": (
        [[{"index": 0, "id": "a", "function": {"name": "get"}}]],
        whole({"id": "a", "function": {"name": "get"}}),
    ),
    "no ids": (
        [[piece(OSLO, index=0, name="get")], [piece(ROME, index=1, name="get")]],
        whole(piece(OSLO, name="get"), piece(ROME, name="get")),
    ),
    "no ids, no index, other names": (
        [[piece(OSLO, name="get")], [piece(ROME, name="got")]],
        whole(piece(OSLO, name="get"), piece(ROME, name="got")),
    ),
    "the same id twice": (
        [[piece("", index=0, id="a", name="get")], [piece("", index=1, id="a", name="got")], [piece(ROME, index=1)], [piece(OSLO, index=0)]],
        whole(piece(OSLO, id="a", name="get"), piece(ROME, id="a", name="got")),
    ),
    "the same id twice, no index": (
        [[piece("", id="a", name="get")], [piece(OSLO, id="a")], [piece("", id="a", name="got")], [piece(ROME, id="a")]],
        whole(piece(OSLO, id="a", name="get"), piece(ROME, id="a", name="got")),
    ),
    "ids that are numbers": (
        [[piece("", index=0, id=7, name="get")], [piece(OSLO, index=0, id=7)]],
        whole(piece(OSLO, id=7, name="get")),
    ),
    "a last piece of null": (
        [[piece(OSLO[:4], index=0, id="a", name="get")], [piece(OSLO[4:], index=0, id="")], [piece(None, index=0, id="")]],
        ONE,
    ),
    "an empty second piece": (
        [[piece("", index=0, id="a", name="get")], [piece("", index=0)], [piece(OSLO, index=0)]],
        ONE,
    ),
    "braces before the arguments": (
        [[piece("{}", index=0, id="a", name="get")], [piece(OSLO[:4], index=0)], [piece(OSLO[4:], index=0)]],
        ONE,
    ),
    "braces twice before the arguments": (
        [[piece("{}", index=0, id="a", name="get")], [piece("{}", index=0)], [piece(OSLO, index=0)]],
        ONE,
    ),
    "braces alone": ([[piece("{}", index=0, id="a", name="get")]], whole(piece("{}", id="a", name="get"))),
    "braces alone, in two pieces": (
        [[piece("{", index=0, id="a", name="get")], [piece("}", index=0)]],
        whole(piece("{}", id="a", name="get")),
    ),
    "arguments that end in braces": (
        [[piece('{"city": ', index=0, id="a", name="get")], [piece("{}", index=0)], [piece("}", index=0)]],
        whole(piece('{"city": {}}', id="a", name="get")),
    ),
    "arguments before the name": (
        [[piece(OSLO[:4], index=0, id="a")], [piece("", index=0, name="get")], [piece(OSLO[4:], index=0)]],
        ONE,
    ),
    "two pieces of a call in one chunk": (
        [[piece("", index=0, id="a", name="get"), piece(OSLO[:4], index=0), piece(OSLO[4:], index=0)]],
        ONE,
    ),
    "a slot that stays empty": (
        [[piece(OSLO, index=0, id="a", name="get")], [piece("", index=1, id="", name="")]],
        ONE,
    ),
    "an empty slot before the call": (
        [[piece("", index=0, id="", name="")], [piece(OSLO, index=1, id="a", name="get")]],
        ONE,
    ),
    "a last piece that repeats the call": (
        [[piece("", index=0, id="a", name="get")], [piece(OSLO, index=0)], [piece(OSLO, index=0, id="a", name="get")]],
        ONE,
    ),
    "members of the vendor's own": (
        [[piece(OSLO, index=0, id="a", name="get", extra={"mood": 1})]],
        whole(piece(OSLO, id="a", name="get", extra={"mood": 1})),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("chunks", "calls"), SINS.values(), ids=SINS)
def test_pieces_add_up_to_the_whole_answer(chunks: list[Any], calls: list[Any]) -> None:
    assert streamed(*chunks) == calls
    assert streamed(*chunks, finish="stop") == calls


@pytest.mark.parametrize("calls", [calls for _, calls in SINS.values()], ids=SINS)
def test_every_call_has_its_own_id_a_type_and_arguments_that_are_json(calls: list[Any]) -> None:
    assert len({call["id"] for call in calls}) == len(calls)
    for call in calls:
        assert (type(call["id"]), call["type"]) == (str, "function")
        assert type(orjson.loads(call["function"]["arguments"])) is dict


def test_ids_that_the_vendor_uses_again_are_ours_instead_and_unique_over_choices() -> None:
    play = Play(chat_plan("kimi", "moonshot-v1-8k", n=2)).head()
    for at in (0, 1):
        calls = [piece(OSLO, index=0, id="get:0", name="get"), piece(ROME, index=1, id="get:1", name="get")]
        play.sse({"choices": [{"index": at, "delta": {"tool_calls": calls}, "finish_reason": "tool_calls"}]})
    choices = add_up(play.sse("[DONE]").events)
    ids = [call["id"] for choice in choices.values() for call in choice["message"]["tool_calls"]]
    assert len(set(ids)) == 4
    assert all(id_.startswith("call_") for id_ in ids)


def test_a_tool_that_was_offered_under_another_name_is_called_by_its_own() -> None:
    tools = [{"type": "function", "function": {"name": "search"}}]
    planned = chat_plan("qwen", tools=tools)
    (theirs,) = planned.tool_names
    assert theirs != "search"
    (call,) = streamed([piece(OSLO, index=0, id="a", name=theirs)], planned=planned)
    assert call["function"]["name"] == "search"
    (call,) = whole(piece(OSLO, id="a", name=theirs), planned=chat_plan("qwen", stream=False, tools=tools))
    assert call["function"]["name"] == "search"


@pytest.mark.parametrize("chunks", [chunks for chunks, _ in SINS.values()], ids=SINS)
def test_each_piece_that_leaves_is_one_that_every_client_reads(chunks: list[Any]) -> None:
    begun: set[int] = set()
    for pieces in chunks_of(*chunks):
        assert len({one["index"] for one in pieces}) == len(pieces)
        for one in pieces:
            assert type(one["function"]["arguments"]) is str
            first = one["index"] not in begun
            assert first == ("id" in one) == ("type" in one) == ("name" in one["function"])
            begun.add(one["index"])
    assert begun == set(range(len(begun)))


def test_a_call_without_arguments_that_finishes_in_its_chunk_is_one_piece() -> None:
    (pieces,) = chunks_of([piece("", index=0, id="a", name="get")])
    assert [one["function"] for one in pieces] == [{"name": "get", "arguments": "{}"}]


def test_arguments_that_are_cut_by_the_limit_are_not_completed() -> None:
    chunks = chunks_of([piece("", index=0, id="a", name="get")], [piece(None, index=0)], finish="length")
    assert [one["function"]["arguments"] for pieces in chunks for one in pieces] == [""]


@pytest.mark.parametrize("name", [None, "", "absent"])
def test_arguments_without_a_name_are_no_answer(name: Any) -> None:
    one = piece(OSLO, index=0, id="a", **({} if name == "absent" else {"name": name}))
    chunk = {"choices": [{"index": 0, "delta": {"tool_calls": [one]}, "finish_reason": "tool_calls"}]}
    assert Play(chat_plan("qwen")).head().sse(chunk, "[DONE]").failure.code == "upstream_invalid_response"
    body = {"choices": [{"message": {"tool_calls": [one]}, "finish_reason": "tool_calls"}]}
    assert Play(chat_plan("qwen", stream=False)).json(body).failure.code == "upstream_invalid_response"


def test_a_slot_that_stays_empty_is_no_call() -> None:
    empty = piece("", index=0, id="", name="")
    chunk = {"choices": [{"index": 0, "delta": {"content": "a", "tool_calls": [empty]}, "finish_reason": "tool_calls"}]}
    (event,) = Play(chat_plan("qwen")).head().sse(chunk, "[DONE]").events
    assert event.data["choices"][0] == {
        "index": 0,
        "delta": {"content": "a", "role": "assistant"},
        "finish_reason": "stop",
    }
    assert whole(piece(OSLO, id="a", name="get"), empty) == ONE


def test_a_custom_tool_call_in_a_whole_answer_stays_as_it_is() -> None:
    custom = {"id": "c", "type": "custom", "custom": {"name": "run", "input": "ls"}}
    assert whole(custom) == [custom]


STUBS: list[Any] = [None, {}, {"name": "", "arguments": ""}, {"name": None, "arguments": None}, {"arguments": {}}, "x"]


@pytest.mark.parametrize("stub", STUBS)
def test_an_empty_function_call_is_left_out(stub: Any) -> None:
    chunk = {"choices": [{"index": 0, "delta": {"content": "a", "function_call": stub}, "finish_reason": "stop"}]}
    (event,) = Play(chat_plan("openai_compatible")).head().sse(chunk, "[DONE]").events
    assert "function_call" not in event.data["choices"][0]["delta"]
    body = {"choices": [{"message": {"content": "a", "function_call": stub}, "finish_reason": "function_call"}]}
    (event,) = Play(chat_plan("openai_compatible", stream=False)).json(body).events
    assert "function_call" not in event.data["choices"][0]["message"]
    assert event.data["choices"][0]["finish_reason"] == "stop"


def test_a_function_call_of_the_old_kind_keeps_its_name_once_and_its_finish() -> None:
    calls = [
        {"name": "get", "arguments": ""},
        {"name": "", "arguments": OSLO[:4]},
        {"name": "get", "arguments": OSLO[4:]},
    ]
    play = Play(chat_plan("openai_compatible")).head()
    for call in calls:
        play.sse({"choices": [{"index": 0, "delta": {"function_call": call}, "finish_reason": None}]})
    play.sse({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}, "[DONE]")
    choice = add_up(play.events)[0]
    assert choice["message"]["function_call"] == {"name": "get", "arguments": OSLO}
    assert choice["finish_reason"] == "function_call"


def test_an_empty_list_of_calls_leaves_a_chunk_that_is_else_as_the_client_gets_it() -> None:
    play = Play(chat_plan("openai_compatible", "m", asked="m")).head()
    delta = {"role": "assistant", "content": "Hi", "tool_calls": []}
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    play.sse({**head, "choices": [choice]})
    assert b"tool_calls" not in play.events[0].raw


def test_arguments_of_a_function_call_of_the_old_kind_without_a_name_fail_the_attempt() -> None:
    play = Play(chat_plan("openai_compatible"), judged=False).head()
    play.sse({"choices": [{"index": 0, "delta": {"function_call": {"arguments": OSLO}}, "finish_reason": None}]})
    assert play.failure is not None
    assert play.failure.kind == "invalid_response"


@pytest.mark.parametrize("odd", [None, [], {}, "", 0, "x", 5, [None], ["x"], [[]]])
def test_what_is_no_tool_call_is_none(odd: Any) -> None:
    play = Play(chat_plan("qwen")).head()
    play.sse({"choices": [{"index": 0, "delta": {"content": "a", "tool_calls": odd}, "finish_reason": "stop"}]})
    assert add_up(play.sse("[DONE]").events)[0]["finish_reason"] == "stop"
    message = {"content": "a", "tool_calls": odd}
    body = Play(chat_plan(stream=False)).json({"choices": [{"message": message, "finish_reason": "stop"}]})
    assert body.done


TEXT = st.text(alphabet='ab"\\ 一😀', max_size=6)
CALLS = st.lists(
    st.tuples(st.sampled_from(["get", "set", "天气"]), st.dictionaries(TEXT, TEXT, max_size=2)), min_size=1, max_size=4
)


@st.composite
def sinful(draw: st.DrawFn) -> tuple[list[list[dict[str, Any]]], list[dict[str, Any]]]:
    """Calls split into pieces in a vendor's odd ways, and the same calls in that vendor's whole response."""
    gaps, repeats = draw(st.booleans()), draw(st.booleans())
    index = draw(st.sampled_from(["right", "missing", "zero"]))
    blank = draw(st.sampled_from(["absent", "", None]))
    chunks: list[list[dict[str, Any]]] = []
    calls = []
    for at, (name, arguments) in enumerate(draw(CALLS)):
        text = orjson.dumps(arguments).decode() if arguments else draw(st.sampled_from(["", "{}"]))
        calls.append(piece(text, id=f"id{at}", name=name))
        cuts = [0, *sorted(draw(st.lists(st.integers(0, len(text)), max_size=3))), len(text)]
        for part, (begin, end) in enumerate(pairwise(cuts)):
            one = piece(text[begin:end])
            if part == 0 or repeats:
                one["id"], one["function"]["name"] = f"id{at}", name
            elif blank != "absent":
                one["id"] = one["function"]["name"] = blank
            if index != "missing":
                one["index"] = 0 if index == "zero" else at * (2 if gaps else 1)
            joins: bool = draw(st.booleans())
            if chunks and joins:
                chunks[-1].append(one)
            else:
                chunks.append([one])
    return chunks, calls


@settings(max_examples=examples(500), deadline=None)
@given(sinful(), st.sampled_from(["qwen", "kimi"]))
def test_any_vices_add_up_to_the_whole_answer(
    sins: tuple[list[list[dict[str, Any]]], list[dict[str, Any]]], vendor: str
) -> None:
    chunks, calls = sins
    assert streamed(*chunks, vendor=vendor) == whole(*calls, vendor=vendor)


def test_an_id_that_comes_with_a_later_piece_names_the_call_from_then_on() -> None:
    first = [piece('{"ci', index=0, name="weather")]
    second = [piece('ty": ', index=0, id="a")]
    other = [piece("{}", index=1, id="b", name="time")]
    third = [piece('"Oslo"}', id="a")]
    calls = streamed(first, second, other, third)
    assert [call["function"]["arguments"] for call in calls] == [OSLO, "{}"]


@pytest.mark.parametrize("stream", [True, False])
def test_far_more_calls_than_a_choice_may_have_are_no_answer(stream: bool) -> None:
    calls = [{"index": at, "id": str(at), "function": {"name": "f", "arguments": "{}"}} for at in range(MAX_CALLS + 1)]
    planned = chat_plan("openai_compatible", stream=stream)
    part = "delta" if stream else "message"
    body = {"choices": [{"index": 0, part: {"tool_calls": calls}, "finish_reason": "tool_calls"}]}
    play = Play(planned).head().sse(body) if stream else Play(planned).json(body)
    assert play.failure.kind == "invalid_response"
