"""10,000 requests through two instances while vendors, networks, clients and operators misbehave; seeds 1 to 3.

The run and its checks are in ``tests/chaos``.
"""

import json
import tempfile
from pathlib import Path

from scripts.acceptance_parts import Result, python

SEEDS, REQUESTS = (1, 2, 3), 10_000
SMOKE_SEEDS, SMOKE_REQUESTS = (1,), 100
UNREAD_S, SMOKE_UNREAD_S = 20, 3
"""How long the log of an instance is not read (seconds)."""


def run(smoke: bool) -> Result:
    """Make one run for each seed; the figures are those of the table in docs/reliability.md."""
    result = Result()
    seeds, requests = (SMOKE_SEEDS, SMOKE_REQUESTS) if smoke else (SEEDS, REQUESTS)
    unread_s = SMOKE_UNREAD_S if smoke else UNREAD_S
    with tempfile.TemporaryDirectory() as folder:
        for seed in seeds:
            report = Path(folder, f"{seed}.json")
            ended = python(
                "-m", "tests.chaos.run", "--seed", str(seed), "--requests", str(requests), "--unread", str(unread_s),
                "--report", report,
            )  # fmt: skip
            if not report.exists():
                result.violations.append(f"seed {seed}: ended with {ended.returncode} and no report")
                continue
            outcome = json.loads(report.read_text(encoding="utf-8"))
            result.violations += [f"seed {seed}: {violation}" for violation in outcome["violations"]]
            words = ", ".join(f"{count} {word}" for word, count in sorted(outcome["words"].items()))
            figures = outcome["figures"]
            result.figures[f"seed {seed}, {requests} requests"] = (
                f"{words}; {figures['refused_by_rate']} calls refused by rate; {figures['access_lines_dropped']} lines dropped; "
                f"{figures['attempts_a_request']} calls a request; memory {figures['rss_growth']} times; "
                f"{figures['seconds_p50']} s at the median, {figures['seconds_max']} s at most"
            )
    return result
