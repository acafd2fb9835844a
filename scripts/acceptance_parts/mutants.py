"""300 mutants of the retry policy, the parameter rules, the codecs and the limiter; at most 5 % survive unexplained.

The run is in ``tests/mutants``.
"""

import sys

from scripts.acceptance_parts import Result
from tests.mutants.run import described, drawn, judge

SEED, COUNT, WORKERS = 1, 300, 2
SMOKE_COUNT, SMOKE_WORKERS = 2, 1
MOST_SURVIVORS = 0.05


def run(smoke: bool) -> Result:
    """Run one seed. Survivors are printed; they are violations if they are more than one in twenty."""
    result = Result()
    report = judge(drawn(SEED, SMOKE_COUNT if smoke else COUNT), SEED, SMOKE_WORKERS if smoke else WORKERS)
    counts = f"{report.count} mutants, {len(report.killed)} killed, {len(report.explained)} explained"
    result.figures[f"seed {SEED}"] = f"{counts}, {len(report.survived)} survived"
    lines = [f"{described(row)}: {row['text']}" for row in report.survived]
    sys.stderr.write("".join(f"survived {line}\n" for line in lines))
    if len(lines) > MOST_SURVIVORS * report.count and not smoke:
        result.violations += lines
    return result
