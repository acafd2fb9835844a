"""The complete suites of OpenAI's clients (Python 0.28, 1, 2 and 3, Node) and of the vendors' own SDKs.

Each suite is also an extra of ``scripts/test --all``, where a test runs at some of the vendors (tests/clients/sdk_sampling.py);
here it runs at all of them.
"""

import os
import re
import sys

from scripts.acceptance_parts import Result, call

FULL = {
    "Python 3": [sys.executable, "-m", "pytest", "-q", "tests/clients/sdk"],
    "Python 2": ["scripts/extra/sdk-2.sh"],
    "Python 1.35": ["scripts/extra/sdk-1.35.sh"],
    "Python 0.28": ["scripts/extra/sdk-0.28.sh"],
    "Node": ["scripts/extra/sdk-node.sh"],
    "vendors' own": ["scripts/extra/vendor-sdks.sh"],
}
SMOKE = {"Python 3": [sys.executable, "-m", "pytest", "-q", "tests/clients/sdk/emulated/test_choices.py"]}
PASSED = re.compile(r"(\d+) passed|^\S* ?pass (\d+)$", re.MULTILINE)
NOT_RUN = 77
"""The exit code of an extra whose tool is missing."""


def run(smoke: bool) -> Result:
    """Run one suite after the other; the figure is the number of tests that passed."""
    result = Result()
    for name, command in (SMOKE if smoke else FULL).items():
        at_all = ["env", "BANJIA_EXAMPLES=all"] if name.startswith("Python") else []
        ended = call([*at_all, *command], capture=True)
        found = PASSED.search(ended.stdout)
        passed = next(filter(None, found.groups())) if found else "none"
        result.figures[name] = "not run" if ended.returncode == NOT_RUN else f"{passed} passed"
        if ended.returncode and not (ended.returncode == NOT_RUN and os.environ.get("CI") != "true"):
            tail = ended.stdout.strip().rpartition("\n")[2]
            result.violations.append(f"{name}: ended with {ended.returncode}: {tail}")
    return result
