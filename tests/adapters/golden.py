"""The golden pairs: a request and the vendor's request for it, the vendor's response and the result.

``python -m tests.adapters.golden`` shows how the pairs differ from the code, and exits with 1 if they do; with ``--write``
it rewrites the second and the fourth part. Review the difference before you commit it: a request is right if
docs/vendors/ says so, not because the code sends it.

Each vendor or edition has a folder named like its catalog. Pairs in its ``requests`` folder are about requests only, for
models of the catalog. A file has four parts, separated by lines of dashes:

1. The request in one line: operation, model, ``stream`` or ``whole``, further fields (``model`` is the requested name,
   ``gpt-4o`` by default; ``policy`` the part of the operator's policy that the pair is about; ``kept`` the reasoning that
   banjia has kept, by the ids of tool calls).
2. The upstream calls that are sent at once: method and URL, the headers with ``KEY`` for the operator's key, an empty line,
   and the body as JSON, one member per line sorted by name. Lists and objects in it keep the order in which they are
   sent.
3. The vendor's status line and headers, an empty line, and the body byte by byte, with invented texts in the formats
   that docs/vendors/ describes.
4. The result: the verdict for each field (in brackets: not in the header), the header ``x-banjia-adapted``, notes, the
   events, what is kept for later requests, the usage and the end.
"""

import argparse
import difflib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from adapters.core.adaptations import adaptations_header
from adapters.core.auth import BearerToken
from adapters.core.vendor import Plan
from adapters.core.wire import Call
from config.schema import Policy
from tests.adapters.play import Play, chat_plan, completions_plan, embeddings_plan

HERE = Path(__file__).parent / "golden"
LINE = b"----------\n"
KEY = "KEY"


@dataclass(frozen=True, eq=False)
class Pair:
    """One parsed file."""

    path: Path
    plan: Plan
    asked: bytes
    sent: str
    answer: bytes
    wanted: str

    @property
    def name(self) -> str:
        """``vendor/file``."""
        top = HERE if self.path.is_relative_to(HERE) else self.path.parents[1]
        return self.path.relative_to(top).with_suffix("").as_posix()

    @property
    def fields(self) -> set[str]:
        """Return the fields of the request, without the requested model, the operator's policy and what was kept."""
        return set(orjson.loads(self.asked.split(b" ", 3)[3])) - {"model", "policy", "kept"}

    @cached_property
    def body(self) -> bytes:
        """The body of the vendor's answer."""
        return self.answer.partition(b"\n\n")[2]

    @property
    def status(self) -> int:
        """The status of the vendor's answer."""
        return int(self.answer.split(maxsplit=2)[1])

    @cached_property
    def headers(self) -> dict[str, str]:
        """The headers of the vendor's answer."""
        return dict(line.split(": ", 1) for line in self.answer.partition(b"\n\n")[0].decode().splitlines()[1:])

    @property
    def streams(self) -> bool:
        """Return whether the vendor sent events."""
        return "event-stream" in self.headers["content-type"]

    def begin(self) -> Play:
        """The attempt up to the vendor's head."""
        rest: dict[str, Any] = {
            name.replace("-", "_"): value for name, value in self.headers.items() if name != "content-type"
        }
        return Play(self.plan).head(self.status, self.headers["content-type"], **rest)

    def of_today(self) -> bytes:
        """Return the file that the code produces."""
        sent, wanted = requested(self.plan), told(self.begin().data(self.body).over())
        return LINE.join([self.asked, sent.encode(), self.answer, wanted.encode()])


def read(path: Path) -> Pair:
    """The pair in a file."""
    asked, sent, answer, wanted = path.read_bytes().split(LINE, 3)
    planned = planned_of(asked, path.relative_to(HERE).parts[0], shipped=path.parent.name == "requests")
    return Pair(path, planned, asked, sent.decode(), answer, wanted.decode())


def planned_of(asked: bytes, vendor: str, *, shipped: bool = False) -> Plan:
    """The plan for the request in a file's first line. ``shipped``: to a model as the catalog has it."""
    operation, model, how, fields = asked.decode().rstrip("\n").split(" ", 3)
    given: dict[str, Any] = orjson.loads(fields)
    if operation == "embeddings":
        return embeddings_plan(given.pop("input"), vendor, model, **given)
    if operation == "completions":
        return completions_plan(vendor, model, stream=how == "stream", **given)
    name = given.pop("model", "gpt-4o")
    emulate = Policy.model_validate(given.pop("policy", {})).emulate
    settings = {"omit": emulate.omitted(), "disabled_emulations": emulate.off()}
    stream = how == "stream"
    kept = given.pop("kept", None)
    return chat_plan(vendor, model, stream=stream, asked=name, shipped=shipped, settings=settings, kept=kept, **given)


def requested(planned: Plan) -> str:
    """Return the calls that are sent at once, signed with a placeholder key."""
    auth = planned.target.vendor.auth
    return "\n".join(as_http(auth.sign(send.call, BearerToken(KEY), 0.0)) for send in Play(planned).sends)


def as_http(call: Call) -> str:
    """Return a call as text. The body's members are sorted, because their order has no meaning; nested ones are not."""
    headers = sorted(f"{name.decode()}: {value.decode()}" for name, value in call.headers)
    body = orjson.loads(call.body)
    members = ",\n".join(
        f" {orjson.dumps(name).decode()}: {orjson.dumps(body[name]).decode()}" for name in sorted(body)
    )
    return "\n".join([f"{call.method} {call.url}", *headers, "", "{", members, "}", ""])


def told(play: Play) -> str:
    """Return the results, one line each."""
    words = [
        f"{name}={f'({told.word})' if told.quiet else told.word}"
        for name, told in sorted(play.plan.adaptations.items())
    ]
    adapted = adaptations_header(play.plan.adaptations)
    lines = [f"told {' '.join(words)}"] if words else []
    lines += [] if adapted is None else [f"adapted {adapted}"]
    lines += [f"say {name}: {value}" for name, value in play.said.items()]
    lines += [f"{event.kind} {event.raw.decode()}" for event in play.events]
    lines += [f"keep {do.kind} of {' '.join(do.keys)}: {do.value.decode()}" for do in play.kept]
    for usage in play.spent.values():
        lines.append(
            f"spent {usage.prompt}+{usage.completion} cached {usage.cached} reasoning {usage.reasoning} {usage.source}"
        )
    if play.done:
        lines.append("done")
    else:
        failure = play.failure
        row = f"{failure.status} {failure.type} {failure.code} param {failure.param} wait {failure.retry_after_s}"
        lines += [f"fail {failure.kind} of the {failure.fault}: {row}", failure.message]
    return "\n".join(lines) + "\n"


PAIRS = tuple(read(path) for path in sorted(HERE.rglob("*.txt")))


def differences() -> Iterator[tuple[Pair, str]]:
    """Return the pairs that differ from the code's, with the difference."""
    for pair in PAIRS:
        before, now = pair.path.read_text(encoding="utf-8"), pair.of_today().decode()
        lines = difflib.unified_diff(before.splitlines(True), now.splitlines(True), pair.name, f"{pair.name} today")
        if before != now:
            yield pair, "".join(lines)


def main() -> int:
    """Show the differences, and write them with ``--write``. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.adapters.golden", description="Compare the golden pairs.")
    parser.add_argument("--write", action="store_true", help="write the parts that are made from the code anew")
    given = parser.parse_args()
    found = 0
    for pair, difference in differences():
        found += 1
        sys.stdout.write(difference)
        if given.write:
            pair.path.write_bytes(pair.of_today())
    sys.stdout.write(f"{found} of {len(PAIRS)} pairs differ{' and were written' if given.write and found else ''}\n")
    return 1 if found and not given.write else 0


if __name__ == "__main__":
    sys.exit(main())
