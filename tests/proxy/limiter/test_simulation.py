"""The limiter on a virtual clock against models of limited accounts: a fast part of ``python -m bench.limits``."""

from statistics import fmean

import pytest

from bench.limits.__main__ import Row, table
from bench.limits.models import MODELS, Model

QUICK = [
    model
    for model in MODELS
    if any(
        word in model.name
        for word in ("sliding minute", "clock", "no room", "at once", "neighbour", "20 s", "10 %", "day")
    )
]


@pytest.mark.parametrize("model", QUICK, ids=lambda model: model.name)
@pytest.mark.parametrize("clients", [1, 8])
def test_the_limiter_reaches_what_the_documentation_says(model: Model, clients: int) -> None:
    row = Row(model, clients, call_s=0.5, seed=1)
    assert not row.missed(), table([row])


@pytest.mark.parametrize("call_s", [3.0, 5.0, 8.0])
def test_a_neighbour_whose_calls_fill_the_account_does_not_push_the_figure_down(call_s: float) -> None:
    """Clients that could just use the whole account get three quarters of what an ideal queue serves."""
    [model] = [model for model in MODELS if "neighbour" in model.name]
    rows = [Row(model, 8, call_s, seed) for seed in range(1, 7)]
    assert fmean(row.share for row in rows) >= model.least, table(rows)
    assert fmean(row.refused for row in rows) <= 0.2, table(rows)
