"""Serves mutated streams through a proxy to real clients, each in a separate process, and compares the results.

A client gets JSON on standard input (``base_url`` and ``jobs``: each a ``model``, a ``prompt`` and ``tools``) and prints a line
of JSON for every job: ``content``, ``calls`` (name, arguments), ``finish``, or ``error``.
"""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from adapters.core.vendor import Vendor
from adapters.registry import BY_CATALOG
from config.catalog import models as catalog
from tests.adapters.play import USUAL
from tests.mutations.judge import Mutant, drawn, shown, summary
from tests.mutations.recorded import VENDORS
from tests.support.client_stage import kind_and_variant
from tests.support.harness import proxy, vendor

READERS = Path(__file__).parent / "readers"
PROMPT = "mutant "
SECRET = "sk-of-the-vendor-00000001"
ENTRIES: dict[str, dict[str, Any]] = {
    name: {"kind": vendor.name, **kind_and_variant(vendor)} for name, vendor in BY_CATALOG.items() if name in VENDORS
}
"""The vendors whose streams clients read: what an entry needs beside a key and a URL."""


def model_of(vendor: Vendor) -> str:
    """Return the model that a client names: one that takes tools, as OpenAI's gpt-4o does."""
    found = catalog.load(vendor.catalog).stand_in("gpt-4o", "chat")
    return found.model if found else USUAL[vendor.catalog]


MODELS = {name: model_of(BY_CATALOG[name]) for name in ENTRIES}
TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}
    for name in ("get_weather", "now", "get_tide")
]


def sample(count: int) -> list[Mutant]:
    """Mutants that keep their meaning and have one choice: of every vendor as many."""
    found: list[Mutant] = []
    for name in MODELS:
        fit: list[Mutant] = []
        seed = 1_000_000
        while len(fit) < -(-count // len(MODELS)):
            one = drawn(name, seed)
            seed += 1
            if one.keeps_meaning and one.draft.single:
                fit.append(one)
        found += fit
    return found


async def _read_by(command: Sequence[str | Path], base_url: str, mutants: Sequence[Mutant]) -> list[dict[str, Any]]:
    """Return what one client read of every mutant."""
    jobs = [
        {"model": f"{one.draft.vendor}/{MODELS[one.draft.vendor]}", "prompt": f"{PROMPT}{at}", "tools": TOOLS}
        for at, one in enumerate(mutants)
    ]
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(*map(str, command), stdin=pipe, stdout=pipe)
    given = {"base_url": f"{base_url}/v1", "jobs": jobs}
    out, _ = await child.communicate(json.dumps(given).encode())
    lines = [orjson.loads(line) for line in out.splitlines() if line.startswith(b"{")]
    return lines + [{"error": f"the client ended with {child.returncode}"}] * (len(jobs) - len(lines))


async def _serve(
    commands: dict[str, Sequence[str | Path]], mutants: Sequence[Mutant]
) -> dict[str, list[dict[str, Any]]]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        prompt = orjson.loads(body)["messages"][-1]["content"]
        draft = mutants[int(prompt.removeprefix(PROMPT))].draft
        kind = f"content-type: {draft.content_type}\r\n" if draft.content_type else ""
        writer.write(f"HTTP/1.1 200 OK\r\n{kind}connection: close\r\n\r\n".encode())
        for read in draft.reads():
            writer.write(read)
            await writer.drain()
        writer.close()

    async with vendor(handle) as url:
        entries = {name: {"api_key": SECRET, "base_url": url, **ENTRIES[name]} for name in MODELS}
        policy = {"attempts": 1, "thinking": "vendor"}
        async with proxy({"vendors": entries, "policy": policy}) as running:
            read = {name: await _read_by(command, running.url, mutants) for name, command in commands.items()}
            running.violations.clear()  # they are judged by their bytes in tests.mutations.judge
            return read


def read_by_clients(
    commands: dict[str, Sequence[str | Path]], mutants: Sequence[Mutant]
) -> dict[str, dict[str, list[str]]]:
    """Return by client the mutants that it read differently from a plain reader of the unchanged stream."""
    read = asyncio.run(_serve(commands, mutants))
    return {name: _compared(lines, mutants) for name, lines in read.items()}


def _compared(lines: Sequence[dict[str, Any]], mutants: Sequence[Mutant]) -> dict[str, list[str]]:
    found = {}
    for at, (line, one) in enumerate(zip(lines, mutants, strict=True)):
        name = one.draft.vendor
        row = catalog.load(name).model(MODELS[name])
        wrong = _difference(line, shown(one.draft.meaning, row.facts if row else {})[0])
        if wrong:
            found[f"{at} {one.name}"] = wrong
    return found


def _difference(line: dict[str, Any], meant: dict[str, Any]) -> list[str]:
    if "error" in line:
        return [line["error"]]
    found = [
        f"{name} is {line[name]!r}, not {meant[name]!r}" for name in ("content", "finish") if line[name] != meant[name]
    ]
    try:
        calls = [(name, orjson.loads(arguments)) for name, arguments in line["calls"]]
    except (orjson.JSONDecodeError, TypeError):
        return [*found, f"calls are {line['calls']!r}"]
    if calls != [(name, orjson.loads(arguments)) for name, arguments in meant["calls"]]:
        found.append(f"calls are {line['calls']!r}, not {meant['calls']!r}")
    return found


__all__ = ["READERS", "read_by_clients", "sample", "summary"]
