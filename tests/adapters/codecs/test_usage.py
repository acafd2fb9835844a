"""Usage is read in every place and format in which vendors report it."""

from typing import Any

import pytest

from adapters.codecs.openai.usage import MAX_USAGE, later_usage, usage_of
from adapters.core.usage import Usage
from tests.adapters.play import Play, chat_plan

REAL = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
ZEROS = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}


def cost(*usages: dict[str, Any] | None) -> tuple[int, int]:
    """The tokens of a stream whose chunks have these."""
    play = Play(chat_plan("qwen")).head()
    for usage in usages:
        play.sse({"choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": None}], "usage": usage})
    play.sse({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}, "[DONE]")
    return play.spent[1].prompt, play.spent[1].completion


@pytest.mark.parametrize("after", [ZEROS, None, {}, {"prompt_tokens": "x"}])
def test_zeros_after_a_real_count_are_ignored(after: dict[str, Any] | None) -> None:
    assert cost(REAL, after) == (10, 5)
    assert cost(ZEROS, REAL, after) == (10, 5)


def test_the_last_count_wins() -> None:
    assert cost({**REAL, "completion_tokens": 1}, REAL) == (10, 5)


def test_a_prompt_that_was_counted_first_stays_when_only_the_completion_is_counted_last() -> None:
    assert cost({**REAL, "completion_tokens": 1}, {"prompt_tokens": 0, "completion_tokens": 7}) == (10, 7)


def test_input_and_output_tokens_are_read_where_openais_names_are_absent() -> None:
    usage = usage_of({"input_tokens": 3, "output_tokens": 4, "input_tokens_details": {"cached_tokens": 2}})
    assert usage is not None
    assert usage[:3] == (3, 4, 2)
    assert usage.to_wire()["total_tokens"] == 7
    assert cost({"input_tokens": 3, "output_tokens": 4}) == (3, 4)


@pytest.mark.parametrize(
    "told",
    [
        {"cached_tokens": 8},
        {"prompt_tokens_details": {"cached_tokens": 8}},
        {"prompt_cache_hit_tokens": 8, "prompt_cache_miss_tokens": 2},
        {"prompt_cache_hit_tokens": 8, "prompt_tokens_details": {"cached_tokens": 0}},
        {"prompt_cache_hit_tokens": 8, "prompt_tokens_details": None},
    ],
)
def test_cached_tokens_are_found_in_each_vendors_place(told: dict[str, Any]) -> None:
    usage = usage_of({**REAL, **told})
    assert usage is not None
    assert usage.cached == 8
    assert usage.to_wire()["prompt_tokens_details"]["cached_tokens"] == 8


def test_what_is_no_usage_changes_nothing() -> None:
    before = Usage(1, 2)
    assert later_usage(before, "x") is before
    assert later_usage(None, None) is None


def test_a_usage_of_as_many_members_as_are_taken_is_read_and_of_one_more_is_not() -> None:
    counts = {"prompt_tokens": 3, "completion_tokens": 2}
    most = {f"x{at}": 1 for at in range(MAX_USAGE - len(counts))}
    assert usage_of({**counts, **most}) is not None
    assert usage_of({**counts, **most, "one more": 1}) is None


@pytest.mark.parametrize("name", ["prompt_tokens", "completion_tokens"])
def test_a_count_of_31_bits_is_read_and_a_larger_one_is_none(name: str) -> None:
    most = 2**31 - 1
    counts = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}
    assert max(cost({**counts, name: most})) == most
    for wrong in (most + 1, -1, 1.5, True, "7"):
        usage = usage_of({**counts, name: wrong})
        assert usage is None or wrong not in (usage.prompt, usage.completion)
