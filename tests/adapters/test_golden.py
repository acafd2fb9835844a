"""The pairs in ``golden/``: requests to vendors, responses, and results, whole and split at every byte."""

from functools import cache
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.core.adaptations import VerdictWord
from adapters.core.event import WHOLE
from adapters.core.wire import Phase
from adapters.rules.reasoning import SWITCH_FIELDS
from tests.adapters.add_up import add_up
from tests.adapters.golden import KEY, PAIRS, Pair, requested, told
from tests.adapters.play import Play
from tests.support.effort import examples

ANSWERS = [pair for pair in PAIRS if pair.path.parent.name != "requests"]
STREAMS = [pair for pair in ANSWERS if pair.streams]


def name(pair: object) -> str | None:
    return pair.name if isinstance(pair, Pair) else None


def answered(play: Play) -> dict[int, dict[str, Any]]:
    """The choices, without the difference between a text that is missing and one that is empty."""
    if play.events and play.events[0].kind is WHOLE:  # joined from a stream
        choices = {choice["index"]: {**choice} for choice in play.events[0].data["choices"]}
    else:
        choices = add_up(play.events)
    for choice in choices.values():
        choice["message"] = {key: value for key, value in choice["message"].items() if value not in (None, "")}
    return choices


@cache
def uncut(pair: Pair) -> Play:
    return pair.begin().data(pair.body).over()


@pytest.mark.parametrize("pair", PAIRS, ids=name)
def test_the_request_that_is_sent_is_the_recorded_one_whole(pair: Pair) -> None:
    assert requested(pair.plan) == pair.sent
    assert pair.plan.target.model.id in pair.sent
    assert f"authorization: Bearer {KEY}\n" in pair.sent


@pytest.mark.parametrize("pair", PAIRS, ids=name)
def test_each_field_has_a_word_and_it_is_one_of_its_verdicts(pair: Pair) -> None:
    told, params = pair.plan.adaptations, pair.plan.op.params
    sent = {field for field in pair.fields if field not in SWITCH_FIELDS}
    assert sent <= {field.partition(".")[0] for field in told}
    for field in sent & set(params) & set(told):
        words = params[field].words + (("dropped",) if field in pair.plan.target.droppable else ())
        assert told[field].word in words, field
    for verdict in params.values():
        assert verdict.words
        assert set(verdict.words) <= set(get_args(VerdictWord))


@pytest.mark.parametrize("pair", PAIRS, ids=name)
def test_a_recorded_answer_becomes_what_stands_below_the_line(pair: Pair) -> None:
    assert told(pair.begin().data(pair.body).over()) == pair.wanted


@pytest.mark.parametrize("pair", ANSWERS, ids=name)
def test_the_same_bytes_give_the_same_wishes_again(pair: Pair) -> None:
    first, second = (pair.begin().data(pair.body).over() for _ in range(2))
    assert list(map(repr, first.dos)) == list(map(repr, second.dos))


@pytest.mark.parametrize("pair", ANSWERS, ids=name)
def test_an_answer_that_arrives_byte_by_byte_is_the_same_answer(pair: Pair) -> None:
    drip = pair.begin()
    for at in range(len(pair.body)):
        drip.data(pair.body[at : at + 1])
    assert told(drip.over()) == pair.wanted


@pytest.mark.parametrize("phase", [None, "reset", "idle", "protocol"])
@pytest.mark.parametrize("pair", STREAMS, ids=name)
def test_a_stream_cut_at_any_byte_is_the_whole_answer_or_a_failure(pair: Pair, phase: Phase | None) -> None:
    want = answered(uncut(pair))
    ends = set()
    for at in range(len(pair.body)):
        play = pair.begin().data(pair.body[:at])
        play.over() if phase is None else play.lost(phase)
        assert play.end is not None, at
        if play.done:
            assert uncut(pair).done, at
            assert answered(play) == want, at
        ends.add(play.done)
        silent = len(play.dos)
        play.data(pair.body[at:]).over()
        assert len(play.dos) == silent
    assert False in ends


@pytest.mark.parametrize("pair", [pair for pair in ANSWERS if not pair.streams and pair.status == 200], ids=name)
def test_a_body_cut_at_any_byte_is_a_failure_and_never_a_parsed_prefix(pair: Pair) -> None:
    for at in range(len(pair.body.rstrip())):
        assert pair.begin().data(pair.body[:at]).lost("reset").failure.kind == "reset"
        assert pair.begin().data(pair.body[:at]).over().failure.kind == "invalid_response"


@settings(max_examples=examples(1000), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(STREAMS), st.data())
def test_any_cuts_give_the_same_bytes(pair: Pair, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(pair.body)), max_size=12)))
    play = pair.begin()
    for begin, end in zip([0, *cuts], [*cuts, len(pair.body)], strict=True):
        play.data(pair.body[begin:end])
    assert play.over().raws == uncut(pair).raws
    assert play.end == uncut(pair).end
    assert play.spent == uncut(pair).spent


@pytest.mark.parametrize("end", [b"\r", b"\r\n"])
@pytest.mark.parametrize("pair", STREAMS, ids=name)
def test_other_line_ends_make_no_difference(pair: Pair, end: bytes) -> None:
    body = pair.body.replace(b"\n", end)
    whole, drip = pair.begin().data(body).over(), pair.begin()
    for at in range(len(body)):
        drip.data(body[at : at + 1])
    assert told(whole) == told(drip.over()) == pair.wanted
