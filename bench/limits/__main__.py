"""The table of docs/limits.md: every model of a limited account, at 1, 8 and 40 clients, ten virtual minutes each.

    python -m bench.limits                            # all models, as a Markdown table; exit code 1 if a bar is missed
    python -m bench.limits --only bucket,spell        # models whose name holds one of these words
    python -m bench.limits --call-s 2 --seed 7        # slower calls, other random numbers

The first two minutes, in which the limiter learns the limit, do not count.
"""

# ruff: noqa: T201

import argparse
import sys
from collections.abc import Iterable, Sequence

from bench.limits.models import MODELS, Model
from bench.limits.simulate import Knowing, Limited, Load, Result
from proxy.limiter.scheduler import KeyLimits

CLIENTS = (1, 8, 40)
LEARNED_S = 122.0
RUN_S = 600.0
WAIT_S = 300.0
WINDOW_S = 60.0


class Row:
    """The results of one model at a number of clients, beside those of a queue that knows every limit."""

    def __init__(self, model: Model, clients: int, call_s: float, seed: int, run_s: float = RUN_S) -> None:
        self.model = model
        self.clients = clients
        per_s = 1.5 * clients if model.open_loop else 0.0
        load = Load(clients=clients, per_s=per_s, call_s=call_s, run_s=run_s, seed=seed)
        self.knowing: Result = Knowing(model.known(seed), load).run()
        self.limited: Result = Limited(model.account(seed), load, KeyLimits(wait_s=WAIT_S)).run()
        self._run_s = run_s
        self._since = min(LEARNED_S, run_s / 5)

    @property
    def answers(self) -> tuple[int, int]:
        """Return the completed calls through the limiter, and through the knowing queue."""
        return self.limited.answered(self._since, self._run_s), self.knowing.answered(self._since, self._run_s)

    @property
    def share(self) -> float:
        """Return the completed calls as a share of those of the knowing queue."""
        answers, known = self.answers
        return answers / known if known else 1.0

    @property
    def waits(self) -> tuple[float, float]:
        """Return the longest wait through the limiter and through the knowing queue, in seconds."""
        return (
            self.limited.longest_wait(self._since, self._run_s),
            self.knowing.longest_wait(self._since, self._run_s),
        )

    @property
    def refused(self) -> float:
        """Return the share of the calls that the account refused."""
        refused = sum(at >= self._since for at in self.limited.refusals)
        calls = refused + self.answers[0]
        return refused / calls if calls else 0.0

    def missed(self) -> list[str]:
        """Return the limits that this row misses."""
        model, (longest, known_longest) = self.model, self.waits
        bar_s = known_longest + WINDOW_S + 5 if model.spell_s is None else model.spell_s + 4
        missed = []
        if self.share < model.least:
            missed.append(f"answers {self.share:.0%} of {model.least:.0%}")
        if longest > bar_s and not model.no_wait_bar:
            missed.append(f"longest wait {longest:.1f} s of {bar_s:.1f} s")
        if self.refused > 0.25 and model.judge_refused:
            missed.append(f"refused {self.refused:.0%} of 25%")
        if model.median_factor and self.limited.median(self._since) > 1.3 * self.knowing.median(self._since):
            missed.append("median over 1.3 times that without refusals")
        if self.limited.told and not model.tells:
            missed.append(f"{len(self.limited.told)} clients got a 429")
        if model.at_once and max((waited for _, waited in self.limited.told), default=0.0) > 1:
            missed.append("a client waited for a 429")
        return missed

    def cells(self) -> list[str]:
        """Return the row of the table."""
        (answers, known), (longest, known_longest) = self.answers, self.waits
        return [
            self.model.name, str(self.clients), f"{answers:,}", f"{known:,}", f"{self.share:.0%}",
            f"{longest:.1f}", f"{known_longest:.1f}", str(len(self.limited.told)), f"{self.refused:.0%}",
        ]  # fmt: skip


HEAD = [
    "account",
    "clients",
    "answers",
    "ideal queue",
    "share",
    "longest wait s",
    "ideal queue s",
    "429s",
    "refused",
]


def table(rows: Iterable[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = [HEAD, ["---"] * len(HEAD), *(row.cells() for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main(arguments: Sequence[str]) -> int:
    """Run the simulation. Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="words in the names of models, with commas")
    parser.add_argument("--call-s", type=float, default=0.2, help="the mean duration of a call, in seconds")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    words = options.only.split(",")
    chosen = [model for model in MODELS if any(word in model.name for word in words)]
    rows = [Row(model, clients, options.call_s, options.seed) for model in chosen for clients in CLIENTS]
    print(table(rows))
    missed = [f"{row.model.name}, {row.clients} clients: {bar}" for row in rows for bar in row.missed()]
    for line in missed:
        print(f"missed: {line}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
