"""20,000 mutated streams a vendor through the codec, and 200 through three real clients over sockets.

The streams and the mutations are in ``tests/mutations``. The clients are OpenAI's for Python (its stream helper),
LangChain and Vercel's AI SDK, the latter two in the environments of ``scripts/extra/frameworks.sh``.
"""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from scripts.acceptance_parts import ROOT, Result, call
from tests.mutations.judge import run as judged
from tests.mutations.judge import summary
from tests.mutations.recorded import VENDORS
from tests.mutations.served import READERS, read_by_clients, sample

STREAMS, SMOKE_STREAMS = 20_000, 100
READ, SMOKE_READ = 200, 12
FIRST = 10_000_000
"""The first seed; the core tests use those from 0 on."""
LANGCHAIN = ROOT / ".venvs/frameworks-now"
AI_SDK = ROOT / ".venvs/ai-sdk"


def run(smoke: bool) -> Result:
    """Run the codec first, then the clients; the smoke run uses only the installed clients."""
    result = Result()
    count = SMOKE_STREAMS if smoke else STREAMS
    for vendor in VENDORS:
        found = judged(vendor, count, first=FIRST) | judged(vendor, count // 4, first=FIRST, whole=True)
        result.figures[vendor] = f"{count} streams and {count // 4} whole answers, {len(found)} violations"
        if found:
            result.violations.append(f"{vendor}: {summary(found)}")
    mutants = sample(SMOKE_READ if smoke else READ)
    for name, wrong in read_by_clients(_clients(smoke, result), mutants).items():
        result.figures[name] = f"{len(mutants)} streams, {len(wrong)} read otherwise"
        if wrong:
            result.violations.append(f"{name}: {summary(wrong)}")
    return result


def _clients(smoke: bool, result: Result) -> dict[str, Sequence[str | Path]]:
    """Return the commands of the clients. Missing ones are installed, except in the smoke run."""
    commands: dict[str, Sequence[str | Path]] = {
        "OpenAI's client": [sys.executable, "-m", "tests.mutations.readers.openai_reader"]
    }
    if not smoke or LANGCHAIN.exists():  # another run may be installing it
        call([sys.executable, "scripts/lib/environment.py", LANGCHAIN, "requirements/frameworks-now.txt"])
    if not smoke:
        call(["bash", "-c", f". scripts/lib/common.sh; use_node_modules '{AI_SDK}' tests/clients/frameworks/node"])
    if (LANGCHAIN / "bin/python").exists():
        commands["LangChain"] = [LANGCHAIN / "bin/python", READERS / "langchain_reader.py"]
    else:
        result.figures["LangChain"] = "not run: not installed"
    if shutil.which("node") and (AI_SDK / "node_modules/ai").exists():
        commands["AI SDK"] = ["node", READERS / "ai_sdk_reader.mjs", AI_SDK]
    else:
        result.figures["AI SDK"] = "not run: not installed"
    return commands
