"""OpenAI has two token limits; a vendor with one gets the smaller, and the client is told about the larger."""

from typing import Any

import pytest

from tests.adapters.play import USUAL, chat_plan

LIMITS = ("max_tokens", "max_completion_tokens")
ONE_LIMIT = ("qwen", "ernie", "hunyuan", "hunyuan_classic")


@pytest.mark.parametrize("vendor", ONE_LIMIT)
@pytest.mark.parametrize("first", LIMITS)
@pytest.mark.parametrize("larger", LIMITS)
def test_the_smaller_limit_is_sent_and_the_larger_one_reported_in_either_order(
    vendor: str, first: str, larger: str
) -> None:
    order = (first, next(name for name in LIMITS if name != first))
    fields: dict[str, Any] = {name: 60 if name == larger else 50 for name in order}
    made = chat_plan(vendor, USUAL[vendor], **fields)

    assert made.request.fields["max_tokens"] == 50
    assert "max_completion_tokens" not in made.request.fields
    assert made.adaptations[larger] == ("mapped", "the smaller of the two limits is sent", False)
    (smaller,) = set(LIMITS) - {larger}
    assert made.adaptations[smaller].why != "the smaller of the two limits is sent"
