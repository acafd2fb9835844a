"""Batched inputs: in any order of arrival each vector belongs to its input, or the whole request fails."""

from itertools import count
from typing import Any, ClassVar, get_args

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.core.event import WHOLE, Event
from adapters.core.exchange import Close, Do, Done, Emit, Fail, Send, Spent
from adapters.core.failures import Failure
from adapters.core.message import Message
from adapters.core.request import AttemptIds
from adapters.core.usage import Usage
from adapters.core.wire import Call, Data, End, Got, Head, Lost
from adapters.core.wrapper import Holds, Wrapper
from adapters.emulations import WRAPS
from adapters.emulations.batch_embeddings import AT_ONCE, BatchEmbeddings
from tests.adapters.play import SEED, Play, embeddings_plan

JSON = [(b"content-type", b"application/json")]


def texts(n: int) -> list[str]:
    return [str(at) for at in range(n)]


def asked(play: Play, id_: int) -> list[str]:
    """The inputs of one call."""
    (send,) = [send for send in play.sends if send.id == id_]
    found: list[str] = orjson.loads(send.call.body)["input"]
    return found


def reply(inputs: list[str], order: list[int] | None = None) -> bytes:
    """A vendor's answer: the vector of an input is its number; tokens are as many as inputs."""
    vectors = [{"index": at, "embedding": [float(inputs[at])]} for at in order or range(len(inputs))]
    return orjson.dumps({"data": vectors, "model": "m", "usage": {"prompt_tokens": len(inputs), "total_tokens": 1}})


@settings(max_examples=150, deadline=None)
@given(st.integers(11, 120), st.data())
def test_parts_that_arrive_in_any_order_are_put_together_in_order(n: int, data: st.DataObject) -> None:
    play = Play(embeddings_plan(texts(n)))
    while play.end is None:
        assert len(play.open) <= AT_ONCE
        id_ = data.draw(st.sampled_from(sorted(play.open)))
        inputs = asked(play, id_)
        assert len(inputs) <= 10
        body = reply(inputs, data.draw(st.permutations(range(len(inputs)))))
        play.got(Head(id_, 200, JSON)).data(body, id_=id_).over(id_=id_)
    assert play.done
    (event,) = play.events
    assert [vector["embedding"] for vector in event.data["data"]] == [[float(at)] for at in range(n)]
    assert [vector["index"] for vector in event.data["data"]] == list(range(n))
    assert event.data["usage"] == {"prompt_tokens": n, "total_tokens": n}
    assert sum(usage.prompt for usage in play.spent.values()) == n
    assert [text for send in play.sends for text in asked(play, send.id)] == texts(n)


@settings(max_examples=150, deadline=None)
@given(st.integers(11, 90), st.integers(0, 8), st.sampled_from(["reset", 429, 400, "short"]), st.data())
def test_one_failed_part_fails_the_whole_and_names_its_inputs(n: int, good: int, how: Any, data: st.DataObject) -> None:
    play = Play(embeddings_plan(texts(n)))
    for _ in range(min(good, (n - 1) // 10)):
        id_ = data.draw(st.sampled_from(sorted(play.open)))
        play.got(Head(id_, 200, JSON)).data(reply(asked(play, id_)), id_=id_).over(id_=id_)
    id_ = data.draw(st.sampled_from(sorted(play.open)))
    inputs = asked(play, id_)
    if how == "reset":
        play.lost(id_=id_)
    elif how == "short":
        play.got(Head(id_, 200, JSON)).data(reply(inputs[:-1]), id_=id_).over(id_=id_)
    else:
        play.got(Head(id_, how, JSON)).data(b'{"error":{"message":"no"}}', id_=id_).over(id_=id_)
    assert f"(inputs {inputs[0]} to {inputs[-1]})" in play.failure.message
    assert play.failure.kind == {"reset": "vendor_error", 429: "rate_limited", 400: "bad_request"}.get(
        how, "invalid_response"
    )
    assert play.events == []
    for other in sorted(play.open):  # the siblings are heard no more; Play sees to it
        play.got(Head(other, 200, JSON)).data(b"x", id_=other).over(id_=other)


def test_what_fits_into_one_call_is_not_split() -> None:
    play = Play(embeddings_plan(texts(10)))
    assert type(play.exchange) is not BatchEmbeddings
    assert len(play.sends) == 1
    assert type(Play(embeddings_plan("a")).exchange) is not BatchEmbeddings


@pytest.mark.parametrize("indexes", [[1, 0], [2, 1], [None, None], [0, 0], ["a", "a"]])
def test_vectors_are_sorted_by_the_index_they_have(indexes: list[Any]) -> None:
    vectors = [{"index": index, "embedding": [at]} for at, index in enumerate(indexes)]
    play = Play(embeddings_plan(["a", "b"])).json({"data": vectors})
    turned = indexes[0] != indexes[1]
    assert [vector["embedding"] for vector in play.events[0].data["data"]] == ([[1], [0]] if turned else [[0], [1]])
    assert [vector["index"] for vector in play.events[0].data["data"]] == [0, 1]


@pytest.mark.parametrize("indexes", [[0, 0, 1], [0, None, 1], ["0", 1, 2]])
def test_vectors_whose_order_could_only_be_guessed_are_no_answer(indexes: list[Any]) -> None:
    vectors = [{"index": index, "embedding": [1]} for index in indexes]
    assert Play(embeddings_plan(["a", "b", "c"])).json({"data": vectors}).failure.kind == "invalid_response"


# --- the base of wrappers ----------------------------------------------------------------------------------------


class Child:
    """Opens two calls, and ends when its script says so, leaving the other open."""

    def __init__(self, seed: AttemptIds, script: list[Do]) -> None:
        self.ids = next(seed.ids), next(seed.ids)
        self.script = script

    def start(self) -> list[Do]:
        return [Send(id_, Call("POST", "https://vendor.example/", (), b"{}", False)) for id_ in self.ids]

    def feed(self, got: Got) -> list[Do]:
        return self.script


class Pair(Wrapper):
    """Two children; done when both are."""

    holds: ClassVar[Holds] = "NONE"

    def __init__(self, children: list[Child]) -> None:
        super().__init__()
        self.children = children
        self.left = len(children)

    def start(self) -> list[Do]:
        return [do for child in self.children for do in self.begin(child)]

    def on_done(self, child: Any) -> list[Do]:
        self.left -= 1
        return [] if self.left else [Done()]


def test_what_an_ended_child_left_open_is_closed_and_its_events_stay() -> None:
    seed, event = AttemptIds(count(1), *SEED), Event.of({"choices": []}, WHOLE)
    first = Child(seed, [Emit([event]), Spent(1, Usage(1, 1)), Done()])
    pair = Pair([first, Child(seed, [Done()])])
    assert [do.id for do in pair.start() if isinstance(do, Send)] == [1, 2, 3, 4]
    assert pair.feed(End(1)) == [Emit([event]), Spent(1, Usage(1, 1)), Close(2)]
    assert pair.feed(Data(2, b"late")) == []
    assert pair.feed(Data(3, b"")) == [Close(3), Close(4), Done()]
    assert pair.feed(Data(4, b"late")) == []


def test_after_the_end_of_the_whole_events_of_children_are_ignored() -> None:
    seed, failure = AttemptIds(count(1), *SEED), Failure.of("reset", Message("why"))
    pair = Pair([Child(seed, [Fail(failure)]), Child(seed, [Emit([Event.of({})]), Done()])])
    pair.start()
    assert pair.feed(Lost(1, "reset", Message("why"))) == [Close(2), Fail(failure)]
    assert pair.feed(Data(3, b"late")) == []


@pytest.mark.parametrize("wrap", WRAPS, ids=lambda wrap: wrap.__name__)
def test_a_wrapper_with_nothing_to_do_is_not_there(wrap: Any) -> None:
    planned = embeddings_plan("a")
    make = planned.op.codec(planned)
    assert wrap(make, planned) is make


@pytest.mark.parametrize("wrapper", Wrapper.__subclasses__(), ids=lambda wrapper: wrapper.__name__)
def test_a_wrapper_reports_how_much_it_holds(wrapper: type[Wrapper]) -> None:
    assert wrapper.holds in get_args(Holds)


def test_a_wrapper_that_holds_all_emits_one_whole_answer_at_the_end() -> None:
    assert BatchEmbeddings.holds == "ALL"
    play = Play(embeddings_plan(texts(25)))
    for id_ in (3, 1, 2):
        assert play.events == []
        play.got(Head(id_, 200, JSON)).data(reply(asked(play, id_)), id_=id_).over(id_=id_)
    assert [event.kind for event in play.events] == [WHOLE]
    assert isinstance(play.dos[-1], Done)
    assert isinstance(play.dos[-2], Emit)
