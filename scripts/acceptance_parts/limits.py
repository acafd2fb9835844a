"""The limiter against models of limited accounts (python -m bench.limits), and three of them over real sockets."""

from bench.limits.__main__ import CLIENTS, Row
from bench.limits.models import MODELS
from scripts.acceptance_parts import Result, judged_by_pytest


def run(smoke: bool) -> Result:
    """Run all models at 1, 8 and 40 clients with calls of 0.2, 2 and 8 s; the smoke run has three and one client."""
    models, clients, durations = (MODELS[:3], (1,), (0.2,)) if smoke else (MODELS, CLIENTS, (0.2, 2.0, 8.0))
    result = judged_by_pytest("limits.py", smoke=smoke)
    rows = 0
    for model in models:
        for count in clients:
            for call_s in durations:
                rows += 1
                bars = Row(model, count, call_s, seed=1).missed()
                result.violations += [f"{model.name}, {count} clients, calls of {call_s:g} s: {bar}" for bar in bars]
    result.figures["simulated"] = f"{rows} runs of ten virtual minutes"
    return result
