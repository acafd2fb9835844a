"""Applications and agents, pinned and unmodified, against every emulated vendor.

Runs ``scripts/extra/apps.sh --acceptance``. A part that waits for a capability must get one error within 2 s.
"""

import os
import re

from scripts.acceptance_parts import NotRun, Result, call

SMOKE = ["scripts/extra/apps.sh", "autogen-0.2"]
FULL = ["scripts/extra/apps.sh", "--acceptance"]
PLAYED = re.compile(r"^(\S+), (\w+): (\d+) of (\d+) passed", re.MULTILINE)
NOT_RUN = 77
"""The exit code of an extra whose tool is missing."""


def run(smoke: bool) -> Result:
    """Run the applications. The figure of each is the number of its parts that passed, over all vendors."""
    ended = call(SMOKE if smoke else FULL, capture=True)
    if ended.returncode == NOT_RUN and os.environ.get("CI") != "true":
        raise NotRun(ended.stdout.strip().rpartition("\n")[2].removeprefix("NOT RUN: "))
    result = Result()
    passed: dict[str, list[int]] = {}
    for name, _, fine, played in PLAYED.findall(ended.stdout):
        counts = passed.setdefault(name, [0, 0])
        counts[0] += int(fine)
        counts[1] += int(played)
    result.figures = {name: f"{fine} of {played}" for name, (fine, played) in passed.items()}
    result.violations = re.findall(r"^failed: (.+)$", ended.stdout, re.MULTILINE)
    if ended.returncode and not result.violations:
        result.violations.append(f"ended with {ended.returncode}")
    return result
