"""No pair of a schema and a text takes long to check: 10,000 hostile ones, judged by the number of calls.

The validator's own work is one call; ``tests/acceptance/schemas.py`` judges the processor time of the same pairs.
"""

from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.json_schema.invalid import InvalidSchema
from adapters.json_schema.validator import compile_schema
from tests.support.effort import calls_made_by, examples
from tests.support.hostile_schemas import HostileSchemas

MOST_CALLS = 300_000
"""The most calls of Python functions for one pair: a schema of 64 KiB takes 150,000."""
BATCHES = 20


def check(schema: Any, text: str) -> str | None:
    """Return the problem, as a request would learn it."""
    try:
        return compile_schema(schema).problem(text)
    except InvalidSchema as invalid:
        return str(invalid)


@pytest.mark.parametrize("batch", range(BATCHES))
def test_no_hostile_pair_takes_many_steps(batch: int) -> None:
    pairs = HostileSchemas(batch).pairs(examples(10_000) // BATCHES)
    assert max(calls_made_by(partial(check, schema, text)) for schema, text in pairs) < MOST_CALLS


def test_the_pairs_are_of_every_kind() -> None:
    results = [check(schema, text) for schema, text in HostileSchemas(0).pairs(600)]
    assert results.count(None) > 20
    for part in ("does not match", "too many ways", "too long", "without end", "within the schema", "not linear"):
        assert any(result is not None and part in result for result in results), part


KEYWORDS = st.sampled_from(
    [
        "$ref",
        "allOf",
        "anyOf",
        "not",
        "if",
        "items",
        "properties",
        "$defs",
        "type",
        "enum",
        "pattern",
        "required",
        "$id",
    ]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4) | KEYWORDS, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(KEYWORDS, values, max_size=6), st.text(max_size=40))
@settings(max_examples=examples(2_000), deadline=None)
def test_any_value_is_a_schema_or_is_refused_with_a_path(schema: dict[str, Any], text: str) -> None:
    result = check(schema, text)
    assert result is None or len(result) < 1_000
