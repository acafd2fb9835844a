"""Usage of calls, and its sum."""

from adapters.core.usage import Usage


def test_the_sum_of_two_calls_has_every_count_and_is_estimated_if_one_is() -> None:
    vendor = Usage(1, 2, 3, 4, images=1, seconds=0.5, characters=10)
    estimated = Usage(10, 20, source="estimated", images=2, seconds=1.5, characters=5)
    assert vendor + vendor == Usage(2, 4, 6, 8, images=2, seconds=1.0, characters=20)
    assert vendor + estimated == Usage(11, 22, 3, 4, "estimated", images=3, seconds=2.0, characters=15)


def test_openais_object_has_the_vendors_further_counters_and_no_counts_of_other_operations() -> None:
    usage = Usage(12, 3, cached=8, reasoning=2, wire={"prompt_cache_hit_tokens": 8}, images=1)
    assert usage.to_wire() == {
        "prompt_cache_hit_tokens": 8,
        "prompt_tokens": 12,
        "completion_tokens": 3,
        "total_tokens": 15,
        "prompt_tokens_details": {"cached_tokens": 8},
        "completion_tokens_details": {"reasoning_tokens": 2},
    }
