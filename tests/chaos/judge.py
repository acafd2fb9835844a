"""What must hold of a chaos run, one request at a time and at its end."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.clients import Outcome
from tests.chaos.plan import Planned
from tests.chaos.stage import ATTEMPTS, CLIENT_KEY, HEADER, NAMES, Book, Instance, Vendor

STATUSES = {429, 502, 503, 504}
OF_FAULT = {
    "inspection": {400}, "context": {400}, "model_missing": {404}, "bad_key": {502}, "quota": {429}, "redirect": {502},
}  # fmt: skip
"""Statuses that only these faults of a vendor explain, beside those of a vendor that fails."""
SENT_ANEW = ("reset_after_request", "reset", "reset_after_head", "cut", "half_close")
"""Faults after which a kept connection may look as if it had been closed before: such a call is sent once more by itself."""
CREDENTIALS = ("bad_key", "quota", "model_missing")
"""Faults of a credential: each target's keys are asked, whatever the number of attempts, for such a call costs nothing."""
LOUD = re.compile(r"\b(ERROR|CRITICAL|Traceback|Exception|never awaited|was destroyed)\b")
MOST_GROWTH = 1.2
LEAST_COMPLETE = 0.97
"""How many of the calm requests without a fault of their own must be complete: bad connections hit some of them."""


@dataclass
class Verdict:
    """The violations, each with its request or place, and the figures for the report."""

    violations: list[str] = field(default_factory=list)
    words: Counter[str] = field(default_factory=Counter)
    by_fault: dict[str, Counter[str]] = field(default_factory=dict)
    codes: Counter[str] = field(default_factory=Counter)
    spared: Counter[str] = field(default_factory=Counter)
    unexplained: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    def wrong(self, what: str) -> None:
        """Note a violation."""
        self.violations.append(what)


def judge(planned: Planned, outcome: Outcome, verdict: Verdict, *, calm: bool) -> None:
    """One request: a complete answer that is the right one, or one error that is well formed and has a reason.

    ``calm``: no vendor was cut off and no instance stopped while it was under way.
    """
    name = f"request {planned.number} ({planned.fault or planned.behaviour}, {'stream' if planned.stream else 'whole'})"
    verdict.words[outcome.word] += 1
    verdict.by_fault.setdefault(planned.fault or planned.behaviour, Counter())[outcome.word] += 1
    if calm and not planned.fault and planned.behaviour == "reads":
        verdict.spared[outcome.word] += 1
        if outcome.word != "complete":
            told = outcome.error or {}
            verdict.unexplained.append(f"{name}: {outcome.word}, {told.get('code')}: {told.get('message')}")
    if outcome.wrong:
        verdict.wrong(f"{name}: {outcome.wrong}; {bytes(outcome.seen[-160:])!r}")
    elif outcome.word == "complete" and not is_meant(planned, outcome):
        verdict.wrong(f"{name}: not the text that was meant: {outcome.text[:120]!r}…")
    elif outcome.error is not None:
        verdict.codes[str(outcome.error["code"])] += 1
        allowed = STATUSES | OF_FAULT.get(planned.vendor, set()) | {200}
        if outcome.status not in allowed or outcome.error["code"] == "internal_error":
            verdict.wrong(f"{name}: status {outcome.status}, {outcome.error}")
    elif outcome.word == "unreachable":
        verdict.wrong(f"{name}: no instance could be reached in {outcome.turns} turns")


def is_meant(planned: Planned, outcome: Outcome) -> bool:
    """Whether the text is what the vendor meant to say."""
    meant = f"You said: {planned.prompt(outcome.turns - 1)}"
    text = outcome.text
    if planned.vendor.startswith("big_event="):
        text = text.removeprefix("x" * int(planned.vendor.partition("=")[2]))
    if planned.vendor == "invalid_utf8":
        text = text.replace("\ufffd", "", 1)
    return text == meant


def judge_attempts(book: Book, shaken: set[int], verdict: Verdict) -> None:
    """No request costs more attempts than the policy has. ``shaken``: requests under way while a vendor was cut off."""
    for (number, turn), attempts in book.attempts.items():
        planned = book.plan.requests[number]
        twice = planned.fault.partition("=")[0] in SENT_ANEW or number in shaken
        free = len(NAMES) if planned.fault in CREDENTIALS else 0
        if attempts > ATTEMPTS * (2 if twice else 1) + free:
            verdict.wrong(f"request {number}, turn {turn}: {attempts} attempts")
    verdict.figures["attempts"] = sum(book.attempts.values())
    verdict.figures["attempts_a_request"] = round(sum(book.attempts.values()) / max(1, len(book.attempts)), 2)
    verdict.figures["calls_at_the_vendors"] = sum(book.calls.values())


def judge_logs(instances: Iterable[Instance], requests: int, verdict: Verdict) -> None:
    """Each request has one access line, which is JSON; nothing else is loud. ``requests``: how many came in, at least."""
    ids: Counter[str] = Counter()
    endings: Counter[str] = Counter()
    for instance in instances:
        for line in instance.out.read_text().splitlines():
            try:
                entry = json.loads(line)
                ids[entry["request_id"]] += 1
                endings[entry["ending"]] += 1
            except (ValueError, KeyError):
                verdict.wrong(f"log of {instance.name}: no access line: {line[:200]}")
        for line in instance.err.read_text().splitlines():
            if LOUD.search(line):
                verdict.wrong(f"log of {instance.name}: {line[:300]}")
    twice = [request_id for request_id, count in ids.items() if count > 1]
    if twice:
        verdict.wrong(f"{len(twice)} requests have two access lines, {twice[0]} for one")
    if len(ids) < requests:
        verdict.wrong(f"{len(ids)} requests have an access line, of {requests} at least")
    verdict.figures["access_lines"] = dict(endings)


def judge_secrets(
    vendors: Iterable[Vendor], instances: Iterable[Instance], outcomes: Mapping[int, Outcome], verdict: Verdict
) -> None:
    """No key and no header's value is in a log or in anything that a caller saw."""
    canaries = [CLIENT_KEY, HEADER, *(vendor.key for vendor in vendors)]
    for canary in canaries:
        for instance in instances:
            if canary in instance.out.read_text() or canary in instance.err.read_text():
                verdict.wrong(f"log of {instance.name}: the secret that ends in {canary[-4:]}")
        for number, outcome in outcomes.items():
            if canary.encode() in outcome.seen:
                verdict.wrong(f"request {number}: the secret that ends in {canary[-4:]} was sent to its caller")


def judge_spared(verdict: Verdict) -> None:
    """Calm requests without a fault of their own are answered, all but some that bad connections hit."""
    total = sum(verdict.spared.values())
    if total and verdict.spared["complete"] < LEAST_COMPLETE * total:
        verdict.wrong(f"of {total} calm requests without a fault only {verdict.spared['complete']} were complete")
    verdict.figures["calm_without_a_fault"] = dict(verdict.spared)
