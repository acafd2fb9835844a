"""For any mutation of a stream the output has OpenAI's format or the attempt fails, and kept meaning stays."""

import os
import random

import pytest

from tests.mutations.judge import differences, drawn, mutant, problems, run, summary
from tests.mutations.operators import OPERATORS, STAGES
from tests.mutations.plain_reader import Unreadable, meaning_of
from tests.mutations.recorded import VENDORS, recorded

COUNT = int(os.environ.get("BANJIA_MUTANTS", "500"))
"""Streams a vendor; ``scripts/acceptance mutations`` runs 20,000."""


@pytest.mark.parametrize("vendor", VENDORS)
def test_mutated_streams_keep_openais_shape_and_their_meaning(vendor: str) -> None:
    found = run(vendor, COUNT)
    assert not found, summary(found)


@pytest.mark.parametrize("vendor", VENDORS)
def test_mutated_whole_answers_keep_openais_shape_and_their_meaning(vendor: str) -> None:
    found = run(vendor, COUNT, whole=True)
    assert not found, summary(found)


@pytest.mark.parametrize("name", OPERATORS)
def test_each_operator_alone_is_survived(name: str) -> None:
    found, used = {}, 0
    for vendor in VENDORS:
        for source in recorded(vendor):
            one = mutant(source, [OPERATORS[name]], random.Random(f"{vendor} {source.pair.name}"))
            used += bool(one.operators)
            wrong = problems(one)
            if wrong:
                found[f"alone {one.name}"] = wrong
    assert used, "it finds nothing to change in any recorded stream"
    assert not found, summary(found)


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_recorded_streams_are_right_as_they_are(vendor: str) -> None:
    sources = recorded(vendor)
    assert sources
    found = {source.pair.name: problems(mutant(source, [], random.Random(0))) for source in sources}
    assert not {name: wrong for name, wrong in found.items() if wrong}


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_simple_reader_agrees_on_what_the_operators_keep_and_break(vendor: str) -> None:
    found = {}
    for seed in range(COUNT):
        one = drawn(vendor, seed)
        try:
            wrong = differences(meaning_of(one.draft), one.draft.meaning) if one.keeps_meaning else []
            wrong += ["taken for whole"] if one.must_fail and meaning_of(one.draft) else []
        except Unreadable as why:
            wrong = [f"unreadable: {why}"] if one.keeps_meaning else []
        if wrong:
            found[f"{seed} {one.name}"] = wrong
    assert not found, summary(found)


def test_the_recorded_streams_have_texts_and_calls_and_every_group_is_applied() -> None:
    meanings = [choice for vendor in VENDORS for one in recorded(vendor) for choice in one.meaning.values()]
    assert {choice["finish"] for choice in meanings} >= {"stop", "length", "tool_calls"}
    assert any(len(choice["calls"]) > 1 for choice in meanings)
    assert {one.group for one in OPERATORS.values()} == set(STAGES)
    assert len(OPERATORS) >= 30
