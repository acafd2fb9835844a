"""Runs of the limiter in the simulator, with its decisions as recorded in ``recorded_runs.txt``.

    python -m tests.proxy.limiter.recorded_runs           prints the rows that differ; exit code 1 if there are any
    python -m tests.proxy.limiter.recorded_runs --write   records what the limiter decides now

A row is a run of 150 virtual seconds: the numbers of completed and refused calls and of clients that got a 429, the
longest wait, and a checksum of the times of all calls, responses, refusals and 429s. Call durations are constant, and no
logarithm is used, so that a run is the same on every machine.
"""

import argparse
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

from bench.limits.models import MODELS
from bench.limits.simulate import Limited, Load
from proxy.limiter.scheduler import KeyLimits

RECORDED = Path(__file__).with_name("recorded_runs.txt")
RUN_S = 150.0
LOADS = ((1, 0.3), (8, 2.0), (40, 0.3))
"""How many clients call, and how long each of their calls takes in seconds."""
LEFT_OUT = "neighbour"
"""A model whose neighbour calls at times that are logarithms of random numbers."""
OPERATORS = {
    "3 at once": KeyLimits(3, None, None, 60.0),
    "50 a minute": KeyLimits(None, 50, None, 90.0),
    "40,000 tokens a minute": KeyLimits(None, None, 40_000, 20.0),
    "2 at once, 30 a minute, 20,000 tokens": KeyLimits(2, 30, 20_000, 45.0),
    "4 at once, nothing learned": KeyLimits(4, None, None, 30.0, learn=False),
}
"""Limits that an operator sets, by what they say."""


def runs() -> Iterator[tuple[str, Limited]]:
    """Yield every run with its name: each account of the simulator, and one account under each operator's limits."""
    learned = KeyLimits(None, None, None, 300.0)
    for model in MODELS:
        if LEFT_OUT in model.name:
            continue
        for clients, call_s in LOADS:
            load = Load(clients, call_s=call_s, spread=0.0, run_s=RUN_S)
            yield f"{model.name}; {clients} clients, calls of {call_s} s", Limited(model.account(1), load, learned)
    bucket = next(model for model in MODELS if model.name.startswith("bucket of 10"))
    for name, limits in OPERATORS.items():
        for clients, call_s in LOADS:
            load = Load(clients, call_s=call_s, spread=0.0, run_s=RUN_S)
            yield f"{name} set; {clients} clients, calls of {call_s} s", Limited(bucket.account(1), load, limits)


def decided() -> dict[str, str]:
    """Return a row for each run, by its name."""
    return {name: row(run) for name, run in runs()}


def row(run: Limited) -> str:
    """Run it and return the results."""
    result = run.run()
    times = [*(at for pair in result.answers for at in pair[:2]), *result.refusals, *(at for at, _ in result.told)]
    checksum = zlib.crc32(" ".join(f"{at:.4f}" for at in times).encode())
    return (
        f"{result.calls} calls, {len(result.answers)} answered, {len(result.refusals)} refused, {len(result.told)} 429s, "
        f"longest wait {result.longest_wait(until=RUN_S):.3f} s, {checksum:08x}"
    )


def recorded() -> dict[str, str]:
    """Return the recorded rows, by the names of their runs."""
    lines = RECORDED.read_text(encoding="utf-8").splitlines() if RECORDED.exists() else []
    return dict(line.split("\t", 1) for line in lines)


def main() -> int:
    """Compare or write. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.proxy.limiter.recorded_runs")
    parser.add_argument("--write", action="store_true", help="record what the limiter decides now")
    write = parser.parse_args().write
    now, before = decided(), recorded()
    if write:
        RECORDED.write_text("".join(f"{name}\t{what}\n" for name, what in now.items()), encoding="utf-8")
    differ = [name for name in now.keys() | before.keys() if now.get(name) != before.get(name)]
    for name in sorted(differ):
        sys.stdout.write(f"{name}\n  recorded: {before.get(name)}\n  now:      {now.get(name)}\n")
    return 1 if differ and not write else 0


if __name__ == "__main__":
    sys.exit(main())
