"""The limiter on a virtual clock against models of limited accounts: a fast part of ``python -m bench.limits``."""

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
