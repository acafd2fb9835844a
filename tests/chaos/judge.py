"""The invariants of a chaos run, for each request and at its end."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.clients import Outcome
from tests.chaos.plan import Planned
from tests.chaos.stage import ATTEMPTS, CLIENT_KEY, HEADER, NAMES, Book, Instance, Logs, Vendor

STATUSES = {429, 502, 503, 504}
OF_FAULT = {
    "inspection": {400}, "context": {400}, "model_missing": {404}, "bad_key": {502}, "quota": {429}, "redirect": {502},
}  # fmt: skip
"""Statuses that only these faults of a vendor explain, beside those of a vendor that fails."""
SENT_ANEW = ("reset_after_request", "reset", "reset_after_head", "cut", "half_close")
"""Faults after which a kept connection may look as if it had been closed before: such a call is sent once more by
itself."""
CREDENTIALS = ("bad_key", "quota", "model_missing")
"""Faults of a credential: each target's keys are tried, regardless of the number of attempts, because such a call costs nothing."""
LOUD = re.compile(r"\b(ERROR|CRITICAL|Traceback|Exception|never awaited|was destroyed)\b")
RETRY_AFTER = re.compile(rb"(?i)\r\nretry-after: *\d+\r\n")
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
    """Judge one request: it has a complete, correct response, or one well-formed error with a reason.

    ``calm``: no vendor was cut off and no instance stopped while it was under way.
    """
    name = f"request {planned.number} ({planned.fault or planned.behaviour}, {'stream' if planned.stream else 'whole'})"
    verdict.words[outcome.word] += 1
    verdict.by_fault.setdefault(planned.fault or planned.behaviour, Counter())[outcome.word] += 1
    if calm and not planned.fault and planned.behaviour == "reads":
        verdict.spared[outcome.word] += 1
        if outcome.word != "complete":
            error = outcome.error or {}
            verdict.unexplained.append(f"{name}: {outcome.word}, {error.get('code')}: {error.get('message')}")
    for what in outcome.shape:
        verdict.wrong(f"{name}: {what}")
    if outcome.wrong:
        verdict.wrong(f"{name}: {outcome.wrong}; {bytes(outcome.seen[-160:])!r}")
    elif outcome.word == "complete" and not has_vendors_text(planned, outcome):
        verdict.wrong(f"{name}: not the text that was meant: {outcome.text[:120]!r}…")
    elif outcome.error is not None:
        verdict.codes[str(outcome.error["code"])] += 1
        allowed = STATUSES | OF_FAULT.get(planned.vendor, set()) | {200}
        if outcome.status not in allowed or outcome.error["code"] == "internal_error":
            verdict.wrong(f"{name}: status {outcome.status}, {outcome.error}")
        if outcome.error["code"] == "rate_limit_exceeded" and not has_retry_after(planned, outcome):
            verdict.wrong(f"{name}: 429 without a retry-after")
    elif outcome.word == "unreachable":
        verdict.wrong(f"{name}: no instance could be reached in {outcome.turns} turns")


def has_retry_after(planned: Planned, outcome: Outcome) -> bool:
    """Return whether a rate-limit error has a retry-after, if its head allows one and the client has recorded it."""
    return outcome.status != 429 or planned.sdk or bool(RETRY_AFTER.search(outcome.seen))


def has_vendors_text(planned: Planned, outcome: Outcome) -> bool:
    """Return whether the text is the vendor's."""
    meant = f"You said: {planned.prompt(outcome.turns - 1)}"
    text = outcome.text
    if planned.vendor.startswith("big_event="):
        text = text.removeprefix("x" * int(planned.vendor.partition("=")[2]))
    if planned.vendor == "invalid_utf8":
        text = text.replace("\ufffd", "", 1)
    return text == meant


def judge_attempts(book: Book, shaken: set[int], verdict: Verdict) -> None:
    """No request costs more attempts than the policy has. ``shaken``: requests under way while a vendor was cut off.

    A call that was refused by a rate limit may have waited for a slot, which is not an attempt; :func:`judge_calls` has
    the count of those that did.
    """
    for (number, turn), attempts in book.attempts.items():
        most = most_attempts(book.plan.requests[number], shaken=number in shaken) + book.refusals[number, turn]
        if attempts > most:
            verdict.wrong(f"request {number}, turn {turn}: {attempts} attempts")
    verdict.figures["attempts"] = sum(book.attempts.values())
    verdict.figures["attempts_a_request"] = round(sum(book.attempts.values()) / max(1, len(book.attempts)), 2)
    verdict.figures["calls_at_the_vendors"] = sum(book.calls.values())
    verdict.figures["refused_by_rate"] = sum(book.refusals.values())


def most_attempts(planned: Planned, *, shaken: bool) -> int:
    """Return the attempts that the policy allows, plus those that its fault explains."""
    twice = planned.fault.partition("=")[0] in SENT_ANEW or shaken
    return ATTEMPTS * (2 if twice else 1) + (len(NAMES) if planned.fault in CREDENTIALS else 0)


def judge_calls(
    book: Book, outcomes: Mapping[int, Outcome], lines: Mapping[str, Any], shaken: set[int], verdict: Verdict
) -> None:
    """The access line of a request has every call that reached a vendor: as an attempt, or as a refusal that cost none.

    ``lines``: by request id. Requests whose line was dropped, or whose client has not received an id, are skipped.
    """
    checked = waited = 0
    for number, outcome in outcomes.items():
        line = lines.get(outcome.request_id)
        if line is None:
            continue
        key = number, outcome.turns - 1
        calls, attempts, refused = book.attempts[key], line["attempts"], line.get("refused_calls", 0)
        if calls > attempts + refused:
            verdict.wrong(
                f"request {number}: {calls} calls, its line has {attempts} attempts and {refused} refused calls"
            )
        if attempts > most_attempts(book.plan.requests[number], shaken=number in shaken):
            verdict.wrong(f"request {number}: its line has {attempts} attempts")
        if refused > book.refusals[key]:
            verdict.wrong(f"request {number}: its line has {refused} refused calls, the vendors {book.refusals[key]}")
        checked += 1
        waited += refused > 0
    verdict.figures["requests_with_a_line_that_was_compared"] = checked
    verdict.figures["requests_that_waited_after_a_refusal"] = waited


def judge_logs(logs: Iterable[Logs], requests: int, verdict: Verdict) -> dict[str, Any]:
    """Each request has one access line, in JSON; the log has no other errors. Returns the lines by request id.

    ``requests``: the least number of received requests. As many lines may be missing as an instance has reported as
    dropped; only an instance whose log was not read may drop any.
    """
    lines: dict[str, Any] = {}
    endings: Counter[str] = Counter()
    twice: list[str] = []
    dropped = 0
    for log in logs:
        for text in log.out.read_text().splitlines():
            try:
                entry = json.loads(text)
                if "log_lines_dropped" in entry and log.may_drop:
                    dropped += entry["log_lines_dropped"]
                    continue
                if entry["request_id"] in lines:
                    twice.append(entry["request_id"])
                lines[entry["request_id"]] = entry
                endings[entry["ending"]] += 1
            except (ValueError, KeyError):
                verdict.wrong(f"log of {log.name}: no access line: {text[:200]}")
        for text in log.err.read_text().splitlines():
            if LOUD.search(text):
                verdict.wrong(f"log of {log.name}: {text[:300]}")
    if twice:
        verdict.wrong(f"{len(set(twice))} requests have two access lines, {twice[0]} for one")
    if len(lines) + dropped < requests:
        verdict.wrong(f"{len(lines)} requests have an access line and {dropped} were dropped, of {requests} at least")
    verdict.figures["access_lines"] = dict(endings)
    verdict.figures["access_lines_dropped"] = dropped
    return lines


def judge_secrets(
    vendors: Iterable[Vendor], instances: Iterable[Instance], outcomes: Mapping[int, Outcome], verdict: Verdict
) -> None:
    """No key and no header value is in a log or in the data that clients received."""
    canaries = [CLIENT_KEY, HEADER, *(vendor.key for vendor in vendors)]
    for canary in canaries:
        for instance in instances:
            if canary in instance.out.read_text() or canary in instance.err.read_text():
                verdict.wrong(f"log of {instance.name}: the secret that ends in {canary[-4:]}")
        for number, outcome in outcomes.items():
            if canary.encode() in outcome.seen:
                verdict.wrong(f"request {number}: the secret that ends in {canary[-4:]} was sent to its caller")


def judge_spared(verdict: Verdict) -> None:
    """Calm requests without a fault succeed, except for some affected by bad connections."""
    total = sum(verdict.spared.values())
    if total and verdict.spared["complete"] < LEAST_COMPLETE * total:
        verdict.wrong(f"of {total} calm requests without a fault only {verdict.spared['complete']} were complete")
    verdict.figures["calm_without_a_fault"] = dict(verdict.spared)
