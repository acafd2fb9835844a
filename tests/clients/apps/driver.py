"""Runs unmodified applications against every emulated vendor; only their environment variables are changed.

    python -m tests.clients.apps.driver NAME=COMMAND…

Starts the emulators, and for each command and each vendor a proxy and the command. Embeddings are those of another vendor
if the vendor has none. A command has the output of ``play.py``. A part passes if the application gets the expected results, and if all
its requests end as complete. Exit code 1 if any part failed; ``expected.py`` has the exceptions.
"""

import argparse
import contextlib
import json
import os
import shlex
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import emulators
from proxy.commands.tiktoken import export
from proxy.lifecycle.emulation import key_and_base_url
from tests.clients.apps.expected import ending, failure
from tests.support.client_stage import EMBEDS, VARIANTS, Front, Stage, target_of, until
from tests.support.tap import Seen

VENDORS = tuple(name for name, variant in VARIANTS.items() if variant.variant is None)
AT_ONCE = 2
HANGS_S = 300
"""After this time a command is ended."""

OMITS_LOGPROBS = frozenset({"deepeval", "guidance"})
"""Applications that request logprobs whatever the model, and do without: they run with ``policy.emulate.logprobs: omit``."""

MEETS_FAULTS = frozenset({"ai-sdk", "codex"})
"""Applications with parts that request ``gpt-4o-short``, whose answers end after four tokens, or a model of ``FAULTS``."""
FAULTS = {"cut": "cut=40", "long": "context"}
"""The faults of the vendors of ``gpt-4o-cut`` (the connection breaks within the answer) and ``gpt-4o-long``."""


@dataclass
class Played:
    """One part: the application's report of it, and banjia's requests for it."""

    name: str
    error: str | None
    seconds: float
    lines: list[dict[str, Any]]
    """The access lines of its requests."""
    seen: list[Seen]

    def unfinished(self, expected: str = "complete") -> list[str]:
        """Return one text for each request that has not ended as expected: complete, with a status below 400."""
        endings = {str(line["request_id"]): line for line in self.lines}
        found = []
        for one in self.seen:
            line = endings.get(one.headers.get("x-request-id", ""))
            ended = line["ending"] if line else unlogged_ending(one)
            if ended != expected or (expected == "complete" and one.status >= 400):
                found.append(f"{one.path} ended {ended} with {one.status}: {tail(one)}")
        return found


def logged(one: Seen) -> bool:
    """Return whether the access log has a line for this request, because it calls a vendor."""
    return one.path.endswith(("/completions", "/embeddings", "/responses"))


def unlogged_ending(one: Seen) -> str:
    """Return how a request ended that has no access line."""
    if not one.ended or logged(one):
        return "open"
    return "rejected" if one.status >= 400 else "complete"


def tail(one: Seen) -> str:
    """Return the end of an answer as text."""
    return bytes(one.body[-500:]).decode(errors="replace")


@dataclass
class Run:
    """One application against one vendor: its parts, and the reason if it did not run them all."""

    name: str
    vendor: str
    parts: list[Played] = field(default_factory=list)
    broken: str = ""

    def problems(self) -> Iterator[tuple[Played, str]]:
        """Yield each part that failed, with the reason."""
        for part in self.parts:
            wrong = part.error or "\n".join(part.unfinished(ending(self.name, part.name)))
            if failure(self.name, self.vendor, part.name):
                wrong = "" if wrong else "it passes: no longer an expected failure"
            if wrong:
                yield part, wrong


@contextlib.contextmanager
def configured(name: str, vendor: str, stage: Stage) -> Iterator[dict[str, Any]]:
    """Yield an application's configuration with the vendor, with the first that has embeddings, and with faulty models."""
    more: dict[str, Any] = {"policy": {"emulate": {"logprobs": "omit"}}} if name in OMITS_LOGPROBS else {}
    settings = stage.settings(*dict.fromkeys([vendor, EMBEDS[0]]), **more)
    with ExitStack() as stack:
        if name in MEETS_FAULTS:
            model = target_of(vendor).partition("/")[2]
            settings["models"] = {"gpt-4o-short": {"target": f"{vendor}/{model}", "set": {"max_completion_tokens": 4}}}
            for served, fault in FAULTS.items():
                emulator = stage.loop.run(emulators.start(vendor, environ={}, faults=[fault]))
                stack.callback(stage.close_emulator, emulator)
                key, base_url = key_and_base_url(VARIANTS[vendor].key_names, emulator.environment)
                settings["vendors"][served] = {"kind": vendor, "api_key": key, "base_url": base_url}
                settings["models"][f"gpt-4o-{served}"] = f"{served}/{model}"
        yield settings


def environment(base_url: str, cache: str, home: str) -> dict[str, str]:
    """Return the environment of an application: its endpoint, a separate home, and no other variable of OpenAI's."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("OPENAI_", "PYTHON", "XDG_"))}
    ours = {"OPENAI_BASE_URL": base_url, "OPENAI_API_BASE": base_url, "OPENAI_API_KEY": "anything"}
    local = {
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
        "TIKTOKEN_CACHE_DIR": cache,
        "HOME": home,
        "TMPDIR": home,
    }
    return kept | ours | local


def play(name: str, command: str, vendor: str, stage: Stage, cache: str) -> Run:
    """Run one application against one vendor, part by part."""
    run = Run(name, vendor)
    with (
        configured(name, vendor, stage) as settings,
        stage.front(settings) as front,
        tempfile.TemporaryDirectory() as home,
        tempfile.TemporaryFile("w+") as errors,
    ):
        process = subprocess.Popen(
            shlex.split(command), env=environment(front.base_url, cache, home), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
        )  # fmt: skip
        timer = threading.Timer(HANGS_S, process.kill)
        timer.start()
        with process:
            assert process.stdin is not None
            assert process.stdout is not None
            for line in process.stdout:
                if not line.startswith('{"part"'):
                    continue
                run.parts.append(part_of(json.loads(line), front))
                process.stdin.write("\n")
                process.stdin.flush()
        timer.cancel()
        if process.returncode or not run.parts:
            errors.seek(0)
            run.broken = f"exit code {process.returncode}\n{errors.read()[-3000:]}"
    return run


def part_of(reported: dict[str, Any], front: Front) -> Played:
    """Return a part with banjia's requests for it, after they have ended or after 30 seconds."""
    with contextlib.suppress(AssertionError):  # what has not ended is seen in `unfinished`
        until(lambda: settled(front))
    lines, seen = list(front.running.lines), list(front.seen)
    front.running.lines.clear()
    front.seen.clear()
    return Played(reported["part"], reported["error"], reported["seconds"], lines, seen)


def settled(front: Front) -> bool:
    """Return whether all received requests have ended."""
    request = [one for one in front.seen if logged(one)]
    return len(front.running.lines) >= len(request) and all(one.ended for one in front.seen if not logged(one))


def report(run: Run) -> int:
    """Print the results of one application at one vendor. Returns the number of failures."""
    failed = list(run.problems())
    names = {part.name for part, _ in failed}
    unlike = {part.name for part in run.parts if failure(run.name, run.vendor, part.name)}
    fine = ", ".join(part.name for part in run.parts if part.name not in names | unlike) or "nothing"
    say(f"{run.name}, {run.vendor}: {len(run.parts) - len(names | unlike)} of {len(run.parts)} passed: {fine}")
    for part in run.parts:
        if part.name not in names and (why := failure(run.name, run.vendor, part.name)):
            say(f"known: {run.name}, {run.vendor}, {part.name}: {why}")
    for part, wrong in failed:
        say(f"failed: {run.name}, {run.vendor}, {part.name}:\n{wrong}")
    if run.broken:
        say(f"failed: {run.name}, {run.vendor}: {run.broken}")
    return len(failed) + bool(run.broken)


def undecoded(runs: Sequence[Run]) -> bool:
    """Return whether LangChain embedded texts and none arrived as token ids, so that decoding was not tested."""
    parts = [part for run in runs if run.name.startswith("langchain") for part in run.parts]
    lines = [line for part in parts if part.name == "embeddings" for line in part.lines]
    return bool(lines) and not any(line["adapted"].get("input") for line in lines)


def main(commands: dict[str, str], vendors: Sequence[str]) -> int:
    """Return 0 if every application ran its parts with every vendor and none failed, else 1."""
    with ExitStack() as stack:
        stage = Stage()
        stack.callback(stage.close)
        cache = stack.enter_context(tempfile.TemporaryDirectory())
        export(Path(cache))  # applications count tokens, and must not need a network
        pool = stack.enter_context(ThreadPoolExecutor(AT_ONCE))
        begun = [pool.submit(play, *one, vendor, stage, cache) for one in commands.items() for vendor in vendors]
        runs, failures = [], 0
        for future in begun:
            runs.append(future.result())
            failures += report(runs[-1])
        if undecoded(runs):
            say("failed: no token ids arrived, so that decoding them was not tried")
            failures += 1
        known = sum(bool(failure(run.name, run.vendor, part.name)) for run in runs for part in run.parts)
        say(f"{known} known not to pass")
        say(f"{sum(len(run.parts) for run in runs) - failures - known} passed, {failures} failed")
        return 1 if failures else 0


def say(line: str) -> None:
    """Print a line on standard output at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Run applications against every vendor that has an emulator.")
    parser.add_argument("commands", nargs="+", metavar="NAME=COMMAND")
    parser.add_argument("--vendor", action="append", choices=VENDORS, help="only this vendor")
    given = parser.parse_args()
    found = dict(command.split("=", 1) for command in given.commands)
    sys.exit(main(found, given.vendor or VENDORS))
