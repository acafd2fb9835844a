"""The golden pairs: what a vendor sent, and below a line of dashes what we make of it.

``python -m tests.adapters.golden`` writes the lower halves anew; read the difference before it is committed.

A folder is a vendor's, and bears the name of its catalog: another edition has one of its own. The upper half is the
request in one line (operation, model, ``stream`` or ``whole``, further fields), the head as HTTP
writes it, an empty line, and the body byte by byte. Bodies are our own words in the shapes that docs/vendors/ describes.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from adapters.core.vendor import Plan
from tests.adapters.play import Play, chat_plan, completions_plan, embeddings_plan

HERE = Path(__file__).parent / "golden"
LINE = b"----------\n"


@dataclass(frozen=True, eq=False)
class Pair:
    """One file, read."""

    path: Path
    plan: Plan
    status: int
    headers: dict[str, str]
    body: bytes
    wanted: str

    @property
    def name(self) -> str:
        """``vendor/file``."""
        return f"{self.path.parent.name}/{self.path.stem}"

    @property
    def streams(self) -> bool:
        """Whether the vendor sent events."""
        return "event-stream" in self.headers["content-type"]

    def begin(self) -> Play:
        """The attempt up to the vendor's head."""
        rest: dict[str, Any] = {
            name.replace("-", "_"): value for name, value in self.headers.items() if name != "content-type"
        }
        return Play(self.plan).head(self.status, self.headers["content-type"], **rest)


def read(path: Path) -> Pair:
    """The pair in a file."""
    upper, _, wanted = path.read_bytes().partition(LINE)
    head, _, body = upper.partition(b"\n\n")
    asked, status, *headers = head.decode().splitlines()
    operation, model, how, fields = asked.split(" ", 3)
    given: dict[str, Any] = orjson.loads(fields)
    if operation == "embeddings":
        planned = embeddings_plan(given.pop("input"), path.parent.name, model, **given)
    elif operation == "completions":
        planned = completions_plan(path.parent.name, model, stream=how == "stream", **given)
    else:
        planned = chat_plan(path.parent.name, model, stream=how == "stream", **given)
    named = dict(header.split(": ", 1) for header in headers)
    return Pair(path, planned, int(status.split()[1]), named, body, wanted.decode())


def told(play: Play) -> str:
    """What came of it, a line each."""
    lines = [f"say {name}: {value}" for name, value in play.said.items()]
    lines += [f"{event.kind} {event.raw.decode()}" for event in play.events]
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


PAIRS = tuple(read(path) for path in sorted(HERE.glob("*/*.txt")))


def main() -> None:
    """Write the lower halves anew."""
    for pair in PAIRS:
        upper = pair.path.read_bytes().partition(LINE)[0]
        pair.path.write_bytes(upper + LINE + told(pair.begin().data(pair.body).over()).encode())


if __name__ == "__main__":
    main()
