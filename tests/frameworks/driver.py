"""Unmodified frameworks in front of every vendor that has an emulator: only the environment is changed.

    python -m tests.frameworks.driver NAME=COMMAND…

Starts the emulators and a proxy in front of each, and then every command once a vendor. What a command prints is what
``play.py`` prints. Exit code 1 if any part failed.
"""

import gzip
import json
import os
import shlex
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import emulators
from adapters.registry import BY_NAME
from config.routing import Routing, UnknownModel
from config.schema import Settings
from proxy.services.tokens import CL100K, O200K, folder
from tests.sdk.stage import Stage

CACHED = {
    CL100K: "9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
    O200K: "fb374d419588a4632f3f557e76b4b70aebbca790",
}
"""The names that OpenAI's tables have in the cache of tiktoken."""


KNOWN = {
    ("AI SDK", "qwen", "structured"): "qwen3.6-plus has no schemas, and they are not emulated yet: a 400 that says so",
}
"""What is known not to work, and why. Once it works it must go from here and from docs/clients.md."""


class Run(NamedTuple):
    """One framework against one vendor: the parts with their errors, and what kept it from playing them all."""

    name: str
    vendor: str
    errors: dict[str, str | None]
    broken: str


def tables(cache: Path) -> None:
    """Lay OpenAI's tables where tiktoken looks for them: frameworks count tokens, and must not need a network."""
    there = folder()
    assert there is not None, "the extra `tokens` is not installed"
    for encoding, name in CACHED.items():
        (cache / name).write_bytes(gzip.decompress((there / f"{encoding.name}.tiktoken.gz").read_bytes()))


def run(name: str, command: str, vendor: str, url: str, without: list[str], cache: str) -> Run:
    """Run one framework against one vendor: the environment says where it calls, and nothing else does."""
    ours = {
        "OPENAI_BASE_URL": url, "OPENAI_API_BASE": url, "OPENAI_API_KEY": "anything", "TIKTOKEN_CACHE_DIR": cache,
        "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1",
    }  # fmt: skip
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("OPENAI_", "PYTHON"))} | ours
    done = subprocess.run(
        [*shlex.split(command), *without], env=environ, capture_output=True, text=True, timeout=300, check=False
    )
    played = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"part"')]
    broken = "" if done.returncode == 0 and played else f"exit code {done.returncode}\n{done.stderr[-3000:]}"
    return Run(name, vendor, {one["part"]: one["error"] for one in played}, broken)


def main(commands: dict[str, str]) -> int:
    """Exit code 0 if every framework played its parts with every vendor and none failed."""
    with ExitStack() as stack:
        stage = Stage()
        stack.callback(stage.close)
        cache = stack.enter_context(tempfile.TemporaryDirectory())
        tables(Path(cache))
        settings = {name: alone(name, stage, stack) for name in emulators.NAMES if name in BY_NAME}
        fronts = {name: stack.enter_context(stage.front(made)) for name, made in settings.items()}
        without = {name: [] if embeds(made) else ["embeddings"] for name, made in settings.items()}
        with ThreadPoolExecutor(2) as pool:
            runs = [
                pool.submit(run, name, command, vendor, front.base_url, without[vendor], cache)
                for name, command in commands.items()
                for vendor, front in fronts.items()
            ]
            failures = sum([report(one.result()) for one in runs])
        decoded = [line for front in fronts.values() for line in front.running.lines if line["adapted"].get("input")]
        if not decoded and any("langchain" in command for command in commands.values()):
            say("failed: no token ids arrived, so that decoding them was not tried")
            failures += 1
        return 1 if failures else 0


def alone(name: str, stage: Stage, stack: ExitStack) -> dict[str, Any]:
    """One vendor, played by an emulator, and no word about models: stand-ins answer OpenAI's names."""
    emulator = stage.loop.run(emulators.start(name, environ={}))
    stack.callback(lambda: stage.loop.run(emulator.aclose()))
    key = next(value for variable, value in emulator.environment.items() if variable.endswith("_KEY"))
    return {"vendors": {name: {"api_key": key, "base_url": emulator.base_url}}}


def embeds(settings: dict[str, Any]) -> bool:
    """Whether anybody answers embeddings under these settings."""
    try:
        return bool(Routing(Settings.model_validate(settings)).find("text-embedding-3-small", "embeddings").targets)
    except UnknownModel:
        return False


def report(done: Run) -> int:
    """Print what came of one framework at one vendor; how much of it failed."""
    failed = {part: error for part, error in done.errors.items() if error}
    fine = ", ".join(part for part in done.errors if part not in failed) or "nothing"
    say(f"{done.name}, {done.vendor}: {len(done.errors) - len(failed)} of {len(done.errors)} passed: {fine}")
    for part in done.errors:
        why = KNOWN.get((done.name, done.vendor, part))
        if why and failed.pop(part, None):
            say(f"known: {done.name}, {done.vendor}, {part}: {why}")
        elif why:
            failed[part] = "it passes now: no longer KNOWN"
    for part, error in failed.items():
        say(f"failed: {done.name}, {done.vendor}, {part}:\n{error}")
    if done.broken:
        say(f"failed: {done.name}, {done.vendor}: {done.broken}")
    return len(failed) + bool(done.broken)


def say(line: str) -> None:
    """A line on standard output."""
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main(dict(argument.split("=", 1) for argument in sys.argv[1:])))
