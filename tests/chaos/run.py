"""The chaos run: two instances, a fault proxy before every vendor, clients that disconnect and stall, and disturbances.

    python -m tests.chaos.run --seed 1 --requests 1000 --report report.json

Writes the report as JSON and as Markdown. Exit code 1 for any violation, each listed with its request; the same seed
makes the same plan. Everything runs on loopback.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from openai import AsyncOpenAI, DefaultAsyncHttpxClient

from tests.chaos.clients import Outcome, by_sdk, by_socket
from tests.chaos.judge import (
    MOST_GROWTH,
    Verdict,
    judge,
    judge_attempts,
    judge_calls,
    judge_logs,
    judge_secrets,
    judge_spared,
)  # fmt: skip
from tests.chaos.plan import Plan, Planned, drawn
from tests.chaos.stage import CLIENT_KEY, DEADLINE_S, GRACE_S, LOG_BYTES, NAMES, Book, Instance, Vendor

CALLERS = 200
TURNS = 4
"""How often a caller tries a request that found no instance."""
BLACKOUT_S = 1.0
STOP_ROOM_S = 1.0
"""What a stop may take beyond the grace: each request's last words, the closing of connections, the log, on a busy machine."""
FIFO_S = 1.0
"""How long a configuration file is a FIFO, beside the time until a reload is refused."""
NOTICED_WITHIN_S = 10.0
LIVE_WITHIN_S = 5.0
PIPE_REFUSED = "cannot read the file: it is a pipe, not a regular file"
APPLIED = "reload applied"
MIB = 2**20
MOST_TOLD = 30


class Run:
    """One run."""

    def __init__(self, plan: Plan, folder: Path, every_s: float, unread_s: float) -> None:
        """``every_s``: time between disturbances. ``unread_s``: how long the steady instance's log is not read."""
        self.plan = plan
        self.book = Book(plan)
        self.verdict = Verdict()
        self.outcomes: dict[int, Outcome] = {}
        self.vendors = [Vendor(name, self.book) for name in NAMES]
        self._folder = folder
        self._every_s = every_s
        self._unread_s = unread_s
        self._under_way: set[int] = set()
        self._shaken: set[int] = set()  # under way while a vendor was cut off
        self._moved: set[int] = set()  # under way while an instance stopped
        self._stopping = False
        self._over = False
        self._answered = 0  # requests with an answer from the steady instance
        self._events: dict[str, int] = {}
        self._early_rss = 0
        self._stops_s: list[float] = []  # from SIGTERM to the end of the process
        self._memory: list[float] = []  # of the steady instance, every thousand requests (MiB)

    async def run(self) -> Verdict:
        """Run everything, from the start to the judgement."""
        for vendor in self.vendors:
            await vendor.start()
        self.instances = [
            Instance("steady", self._folder, self.vendors, LOG_BYTES),
            Instance("restarted", self._folder, self.vendors),
        ]
        try:
            await asyncio.gather(*(instance.start() for instance in self.instances))
            await self._load()
            await self._judge()
        finally:
            for instance in self.instances:
                with suppress(AttributeError, ProcessLookupError):
                    instance.kill()
            for vendor in self.vendors:
                await vendor.aclose()
        return self.verdict

    # --- the load -----------------------------------------------------------------------------------------------

    async def _load(self) -> None:
        begun = time.monotonic()
        self._sdks = [
            AsyncOpenAI(
                base_url=f"http://127.0.0.1:{instance.port}/v1", api_key=CLIENT_KEY, max_retries=0,
                http_client=DefaultAsyncHttpxClient(verify=False, trust_env=False),
            )
            for instance in self.instances
        ]  # fmt: skip
        waiting = iter(self.plan.requests)
        events = asyncio.gather(self._happenings(), self._leave_log_unread())
        await asyncio.gather(*(self._caller(waiting) for _ in range(CALLERS)))
        self._over = True
        await events
        for sdk in self._sdks:
            await sdk.close()
        took_s = time.monotonic() - begun
        self.verdict.figures |= {"seconds": round(took_s, 1), "events": self._events}

    async def _caller(self, waiting: Iterator[Planned]) -> None:
        for planned in waiting:
            self._under_way.add(planned.number)
            if self._stopping:
                self._moved.add(planned.number)
            outcome = await self._send(planned)
            self._under_way.discard(planned.number)
            self.outcomes[planned.number] = outcome
            judge(planned, outcome, self.verdict, calm=planned.number not in self._shaken | self._moved)
            if len(self.outcomes) % 1000 == 0:
                self._memory.append(round(self.instances[0].rss() / MIB, 1))
            if not self._early_rss and len(self.outcomes) >= early(len(self.plan.requests)):
                self._early_rss = self.instances[0].rss()

    async def _send(self, planned: Planned) -> Outcome:
        """Send one request, to the other instance if one is not reachable."""
        begun = time.monotonic()
        outcome = Outcome("unreachable")
        for turn in range(TURNS):
            at = (planned.instance + turn) % 2
            try:
                async with asyncio.timeout(DEADLINE_S + planned.stall_s + 1):
                    if planned.sdk:
                        outcome = await by_sdk(planned, turn, self._sdks[at])
                    else:
                        outcome = await by_socket(planned, turn, self.instances[at].port, CLIENT_KEY)
            except TimeoutError:
                outcome = Outcome("broken", wrong=f"hung: no end after {DEADLINE_S + planned.stall_s + 1:.0f} s")
            outcome.turns = turn + 1
            self._answered += at == 0 and outcome.word in ("complete", "rejected", "truncated") and not outcome.wrong
            if outcome.word != "unreachable":
                break
            await asyncio.sleep(0.1 * (turn + 1))
        outcome.took_s = time.monotonic() - begun
        return outcome

    # --- what happens meanwhile ---------------------------------------------------------------------------------

    async def _happenings(self) -> None:
        """Run the disturbances in turn until the load is over, each at least once."""
        turns = [self._reload, self._restart, self._black_out, self._spoil, self._file_becomes_fifo]
        done = 0
        while not self._over or done < len(turns):
            await asyncio.sleep(self._every_s if not self._over else 0.1)
            happens = turns[done % len(turns)]
            self._events[happens.__name__.strip("_")] = self._events.get(happens.__name__.strip("_"), 0) + 1
            await happens()
            done += 1

    async def _reload(self) -> None:
        for instance in self.instances:
            instance.configure()

    async def _spoil(self) -> None:
        for instance in self.instances:
            instance.spoil()

    async def _restart(self) -> None:
        instance = self.instances[1]
        self._stopping = True
        self._moved |= self._under_way
        await self._stop(instance)
        self._stopping = False
        instance.configure()
        await instance.start()

    async def _stop(self, instance: Instance) -> None:
        code, took_s = await instance.stop()
        self._stops_s.append(round(took_s, 2))
        if code != 0 or took_s > GRACE_S + STOP_ROOM_S:
            self.verdict.wrong(f"instance {instance.name}: ended with {code} after {took_s:.2f} s")

    async def _file_becomes_fifo(self) -> None:
        """A reload is refused, a stop ends in time, and the next regular file is applied."""
        steady = self.instances[0]
        refused = [(instance, instance.notices(PIPE_REFUSED)) for instance in self.instances]
        for instance in self.instances:
            instance.make_fifo()
        for instance, times in refused:
            if not await instance.notified(PIPE_REFUSED, times, NOTICED_WITHIN_S):
                self.verdict.wrong(f"instance {instance.name}: no notice that its file is a pipe")
        await asyncio.sleep(FIFO_S)
        await self._restart()
        applied = steady.notices(APPLIED)
        steady.configure()
        if not await steady.notified(APPLIED, applied, NOTICED_WITHIN_S):
            self.verdict.wrong(f"instance {steady.name}: a regular file in the place of a pipe was not applied")

    async def _leave_log_unread(self) -> None:
        """Run once: the instance responds and serves meanwhile."""
        steady = self.instances[0]
        await asyncio.sleep(self._every_s / 2)
        steady.log.pause()
        answered, looks = self._answered, 0
        until = time.monotonic() + self._unread_s
        while time.monotonic() < until:
            try:
                async with asyncio.timeout(LIVE_WITHIN_S):
                    alive = await steady.answers("/livez")
            except TimeoutError:
                alive = False
            if not alive:
                self.verdict.wrong(f"instance {steady.name}: no answer at /livez while its log is not read")
            looks += 1
            await asyncio.sleep(0.2)
        if self._answered == answered and not self._over:
            self.verdict.wrong(f"instance {steady.name}: no request had an answer while its log was not read")
        steady.log.resume()
        self.verdict.figures["log_unread"] = {
            "seconds": self._unread_s, "livez": looks, "answers": self._answered - answered,
        }  # fmt: skip

    async def _black_out(self) -> None:
        vendor = self.vendors[self._events["black_out"] % len(self.vendors)]
        vendor.proxy.black_out()
        ends = time.monotonic() + BLACKOUT_S
        while time.monotonic() < ends:
            self._shaken |= self._under_way
            await asyncio.sleep(0.02)
        await vendor.proxy.start()
        self._shaken |= self._under_way

    # --- the end ------------------------------------------------------------------------------------------------

    async def _judge(self) -> None:
        verdict = self.verdict
        await self._settled("calls at the vendors", lambda: sum(vendor.emulator.active for vendor in self.vendors))
        for instance in self.instances:
            await self._settled(f"sockets of callers at {instance.name}", instance.callers)
            await self._at_rest(instance)
        growth = self.instances[0].rss() / max(1, self._early_rss)
        verdict.figures["rss_growth"] = round(growth, 3)
        verdict.figures["rss_mib"] = [*self._memory, round(self.instances[0].rss() / MIB, 1)]
        if growth > MOST_GROWTH:
            verdict.wrong(f"instance {self.instances[0].name}: its memory grew to {growth:.2f} times")
        for instance in self.instances:
            await self._stop(instance)
        await self._settled("connections to vendors", lambda: sum(v.proxy.open_connections for v in self.vendors))
        await self._settled("connections at vendors", lambda: sum(v.emulator.open_connections for v in self.vendors))
        # A client that leaves before the first byte can't notice that the server has just closed its port.
        unseen = {n for n, one in self.outcomes.items() if one.word == "client_closed" and not one.seen} & self._moved
        lines = judge_logs((instance.logs for instance in self.instances), len(self.outcomes) - len(unseen), verdict)
        judge_attempts(self.book, self._shaken, verdict)
        judge_calls(self.book, self.outcomes, lines, self._shaken, verdict)
        judge_secrets(self.vendors, self.instances, self.outcomes, verdict)
        judge_spared(verdict)
        struck: dict[str, int] = {}
        for vendor in self.vendors:
            for kind, count in vendor.proxy.struck.items():
                struck[kind] = struck.get(kind, 0) + count
        times = sorted(outcome.took_s for outcome in self.outcomes.values())
        verdict.figures |= {
            "stops_s": self._stops_s,
            "tcp_faults": struck,
            "seconds_p50": round(times[len(times) // 2], 2),
            "seconds_p99": round(times[len(times) * 99 // 100], 2),
            "seconds_max": round(times[-1], 2),
        }

    async def _settled(self, what: str, count: Callable[[], int], within_s: float = 5.0) -> None:
        until = time.monotonic() + within_s
        while (left := count()) and time.monotonic() < until:
            await asyncio.sleep(0.05)
        if left:
            self.verdict.wrong(f"after {within_s:g} s there are {left} {what} left")

    async def _at_rest(self, instance: Instance, within_s: float = 5.0) -> None:
        """Nothing is held beyond what was held before the first request."""
        until = time.monotonic() + within_s
        while True:
            now = await instance.holdings()
            more = {name: count for name, count in now.items() if count > instance.baseline[name]}
            if not more or time.monotonic() > until:
                break
            await asyncio.sleep(0.2)
        if more:
            self.verdict.wrong(
                f"instance {instance.name} still holds {more}, before the load {dict(instance.baseline)}"
            )


def early(count: int) -> int:
    """After how many requests the memory is looked at first."""
    return 1000 if count >= 2000 else min(300, count // 2)


def markdown(seed: int, verdict: Verdict, count: int) -> str:
    """Return the report as Markdown."""
    lines = [f"# Chaos run: seed {seed}, {count} requests", ""]
    lines += [f"**{len(verdict.violations)} violations.**" if verdict.violations else "**No violation.**", ""]
    lines += [f"- {text}" for text in verdict.violations[:MOST_TOLD]]
    lines += ["", "| figure | value |", "|---|---|"]
    lines += [f"| {name.replace('_', ' ')} | {value} |" for name, value in sorted(verdict.figures.items())]
    lines += ["", *(f"- calm and without a fault, and yet: {text}" for text in verdict.unexplained[:MOST_TOLD])]
    words = sorted(verdict.words)
    lines += ["", f"| fault | {' | '.join(words)} |", f"|---|{'---|' * len(words)}"]
    for fault, counts in sorted(verdict.by_fault.items()):
        lines.append(f"| {'none' if fault == 'reads' else fault} | {' | '.join(str(counts[word]) for word in words)} |")
    return "\n".join([*lines, ""])


def main() -> int:
    """Run and report. Returns the exit code."""
    parser = argparse.ArgumentParser(description="The chaos run: see tests/chaos/run.py.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--every", type=float, default=2.0, help="seconds between things that happen")
    parser.add_argument(
        "--unread", type=float, default=3.0, help="seconds for which nothing reads the log of an instance"
    )
    parser.add_argument("--report", type=Path, help="where the report goes (JSON; Markdown beside it)")
    parser.add_argument("--keep", type=Path, help="a folder for the instances' logs, which are thrown away otherwise")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        verdict = asyncio.run(Run(drawn(given.seed, given.requests), folder, given.every, given.unread).run())
    text = markdown(given.seed, verdict, given.requests)
    if given.report:
        data = {"seed": given.seed, "requests": given.requests, **vars(verdict)}
        given.report.write_text(json.dumps(data, indent=1, ensure_ascii=False))
        given.report.with_suffix(".md").write_text(text)
    sys.stdout.write(text)
    for violation in verdict.violations:
        sys.stderr.write(f"seed {given.seed}: {violation}\n")
    return 1 if verdict.violations else 0


if __name__ == "__main__":
    sys.exit(main())
