"""The command line llm-comply: its 13 checks of the Open Responses description, with two models."""

import json
import os
import subprocess
import sys
from pathlib import Path

REFUSED = ("compact-missing-model", "error-handling")
"""Its checks of requests that have to be refused."""
SERVED = (
    "basic-response",
    "system-prompt",
    "multi-turn",
    "tool-calling",
    "streaming-response",
    "streaming-usage",
    "image-input",
    "assistant-phase",
    "response-output-phase-schema",
    "compact-response",
)
REASONS = "reasoning-summary"
"""Skipped unless the model's name is that of a model that reasons."""


def _passed(model: str, *checks: str) -> None:
    """Fail unless exactly these checks run and pass."""
    command = [Path(sys.executable).with_name("llm-comply"), "--format", "open-responses", "--json"]
    where = ["-u", os.environ["OPENAI_BASE_URL"], "-k", os.environ["OPENAI_API_KEY"], "-m", model]
    only = ["--filter", ",".join(checks)]
    done = subprocess.run([*command, *where, *only], capture_output=True, text=True, check=False)
    results = json.loads(done.stdout)["results"] if done.stdout else done.stderr
    assert [(one["id"], one["status"]) for one in results] == [(check, "passed") for check in checks], results


def gpt_4o() -> None:
    _passed("gpt-4o", *SERVED)


def gpt_4o_refuses() -> None:
    _passed("gpt-4o", *REFUSED)


def o3_mini() -> None:
    _passed("o3-mini", *SERVED, REASONS)


def o3_mini_refuses() -> None:
    _passed("o3-mini", *REFUSED)
