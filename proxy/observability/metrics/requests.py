"""Metrics of request outcomes, which are collected first and counted in batches to keep the cost per request low."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import chain
from operator import attrgetter
from typing import Literal

from adapters.core.failures import ERROR_TABLE
from adapters.core.usage import Usage
from adapters.openai_params.operations import OPERATIONS
from proxy._types import RequestOutcome
from proxy.errors import ProxyError
from proxy.observability.metrics.registry import LONG_S, QUICK_S, Histogram, Labels, Metrics

BATCH = 32
"""The most outcomes that are held before they are counted."""

FIELDS: Mapping[str, Collection[str]] = {name: operation.params.keys() for name, operation in OPERATIONS.items()}
"""OpenAI's fields of each operation."""

OTHER = "other"
"""Replaces every unknown name: clients choose names, and a series for each would fill the memory."""
NONE = "none"

Tokens = Literal["shown", "billed"]


def _codes(kind: type[ProxyError]) -> Iterator[str]:
    if kind.code:
        yield kind.code
    for below in kind.__subclasses__():
        yield from _codes(below)


CODES = frozenset(row.code for row in ERROR_TABLE.values() if row.code) | frozenset(_codes(ProxyError))
"""The codes of the error table that a request can end with."""


Key = tuple[str, str, int, bool, str | None, str | None]
"""Operation, outcome, status, whether it streams, target, code."""
KEY = attrgetter("operation", "outcome", "status", "stream", "target", "code")


class Cell:
    """The requests with the same key: their number and their times."""

    __slots__ = ("added", "answered", "first", "requests", "total")

    def __init__(self) -> None:
        self.requests = 0
        self.answered = 0  # requests whose last attempt did not fail
        self.first = Histogram(LONG_S)
        self.total = Histogram(LONG_S)
        self.added = Histogram(QUICK_S)


class RequestMetrics:
    """The counters of one server."""

    def __init__(self, metrics: Metrics, known: Callable[[str], bool]) -> None:
        """``known``: returns whether the operator or a catalog names a target's label."""
        self._known = known
        self._waiting: list[RequestOutcome] = []
        self._cells: dict[Key, Cell] = {}
        self._failures: Counter[Labels] = Counter()
        self._verdicts: Counter[Labels] = Counter()
        self._tokens: Counter[Labels] = Counter()
        self.streams_started = 0
        _register(metrics, self)

    def add(self, outcome: RequestOutcome) -> None:
        """Add one outcome."""
        self._waiting.append(outcome)
        if len(self._waiting) >= BATCH:
            self.fold()

    def fold(self) -> None:
        """Count the held outcomes, grouped by key to save lookups."""
        outcomes, self._waiting = self._waiting, []
        groups: dict[Key, list[RequestOutcome]] = {}
        for outcome in outcomes:
            key = KEY(outcome)
            if key in groups:
                groups[key].append(outcome)
            else:
                groups[key] = [outcome]
        for (operation, word, status, stream, label, code), group in groups.items():
            target = self._target(label)
            known_code = code if code is None or code in CODES else OTHER
            known = (operation, word, status, stream, target, known_code)
            cell = self._cells.get(known) or self._cells.setdefault(known, Cell())
            cell.requests += len(group)
            shown = [outcome for outcome in group if outcome.first_content_s is not None]
            if shown:
                cell.first.observe_all([outcome.first_content_s for outcome in shown])  # type: ignore[misc]
                cell.total.observe_all([outcome.total_s for outcome in shown])
                cell.added.observe_all([outcome.added_s for outcome in shown if outcome.added_s is not None])
            self._changed(operation, group)
            last = group
            if label is None:
                last = []
            elif any(outcome.failed for outcome in group):
                last = [outcome for outcome in group if outcome.attempts > len(outcome.failed)]
                self._failed(group)
            cell.answered += len(last)
            billed = [outcome.usage for outcome in last if outcome.usage is not None]
            if shown == last:
                self._spent(target, billed, "billed", "shown")
            else:
                self._spent(target, billed, "billed")
                self._spent(target, [outcome.usage for outcome in shown if outcome.usage is not None], "shown")

    def _changed(self, operation: str, group: list[RequestOutcome]) -> None:
        changed: dict[tuple[str, str], int] = {}
        for outcome in group:
            for name, adaptation in outcome.adaptations.items():
                verdict = adaptation[0]
                if verdict != "honoured":
                    changed[name, verdict] = changed.get((name, verdict), 0) + 1
        for (name, word), number in changed.items():
            self._verdicts[operation, _field(operation, name), word] += number

    def _target(self, label: str | None) -> str:
        """Return the label for the metrics. With open models clients name targets: these share one label per vendor."""
        if label is None:
            return NONE
        return label if self._known(label) else f"{label.partition('/')[0]}/{OTHER}"

    def _failed(self, group: list[RequestOutcome]) -> None:
        for failed in chain.from_iterable([outcome.failed for outcome in group]):
            target = self._target(failed.target)
            self._failures[target, failed.kind] += 1
            if failed.usage is not None:
                self._spent(target, [failed.usage], "billed")

    def _spent(self, target: str, usages: list[Usage], *accounts: Tokens) -> None:
        for source in ("vendor", "estimated"):
            matching = [usage for usage in usages if usage.source == source]
            if matching:
                prompt = sum([usage.prompt for usage in matching])
                completion = sum([usage.completion for usage in matching])
                cached = sum([usage.cached for usage in matching])
                for account in accounts:
                    self._tokens[target, account, "prompt", source] += prompt
                    self._tokens[target, account, "completion", source] += completion
                    self._tokens[target, account, "cached", source] += cached

    # --- read for the admin port ---------------------------------------------------------------------------------

    def requests(self) -> Mapping[Labels, float]:
        """Return the requests by operation, outcome and class of status."""
        out: Counter[Labels] = Counter()
        for (operation, word, status, *_), cell in self._folded():
            out[operation, word, f"{status // 100}xx" if status else NONE] += cell.requests
        return out

    def outcomes(self, *, streams: bool = False) -> Mapping[str, int]:
        """Return the requests, or only the streams, by outcome."""
        out: Counter[str] = Counter()
        for (_, word, _, stream, *_), cell in self._folded():
            if stream or not streams:
                out[word] += cell.requests
        return out

    def stream_outcomes(self) -> Mapping[Labels, float]:
        """Return the streams by outcome and, for failed ones, by the error code sent to the client."""
        out: Counter[Labels] = Counter()
        for (_, word, _, stream, _, code), cell in self._folded():
            if stream:
                out[word, code or NONE] += cell.requests
        return out

    def attempts(self) -> Mapping[Labels, float]:
        """Return the attempts by target."""
        out: Counter[Labels] = Counter()
        for (*_, target, _), cell in self._folded():
            if cell.answered:
                out[str(target),] += cell.answered
        for (target, _), number in self._failures.items():
            out[target,] += number
        return out

    def failures(self) -> Mapping[Labels, float]:
        """Return the failed attempts by target and kind."""
        self.fold()
        return self._failures

    def verdicts(self) -> Mapping[Labels, float]:
        """Return the changed fields by operation, field and verdict."""
        self.fold()
        return self._verdicts

    def tokens(self) -> Mapping[Labels, float]:
        """Return the tokens by target, account, kind and source."""
        self.fold()
        return self._tokens

    def times(self, which: Literal["first", "total", "added"]) -> Mapping[Labels, Histogram]:
        """Times by operation, target and whether they are of streams; the total of those only that were whole."""
        out: dict[Labels, Histogram] = {}
        for (operation, word, _, stream, target, _), cell in self._folded():
            histogram: Histogram = getattr(cell, which)
            if any(histogram.counts) and (which != "total" or word == "complete"):
                streams = "true" if stream else "false"
                labels: Labels = (operation, streams) if which == "added" else (operation, str(target), streams)
                out.setdefault(labels, Histogram(histogram.bounds)).add(histogram)
        return out

    def _folded(self) -> Iterator[tuple[Key, Cell]]:
        self.fold()
        yield from self._cells.items()


def _field(operation: str, name: str) -> str:
    """Return the top-level field of OpenAI's, or ``thinking``; ``other`` for every other name."""
    top = name.partition(".")[0]
    return top if top == "thinking" or top in FIELDS.get(operation, ()) else OTHER


def _register(metrics: Metrics, counts: RequestMetrics) -> None:
    by_target = ("operation", "target", "stream")
    metrics.counter(
        "banjia_requests_total", "Requests that have ended.", ("operation", "ending", "status"), counts.requests
    )
    metrics.counter("banjia_streams_started_total", "Streams requested.", (), lambda: {(): counts.streams_started})
    metrics.counter(
        "banjia_stream_endings_total", "Streams that have ended.", ("ending", "reason"), counts.stream_outcomes
    )
    metrics.counter("banjia_attempts_total", "Attempts at a target.", ("target",), counts.attempts)
    metrics.counter("banjia_attempt_failures_total", "Attempts that failed.", ("target", "kind"), counts.failures)
    metrics.counter(
        "banjia_verdicts_total", "Fields that were changed.", ("operation", "field", "verdict"), counts.verdicts
    )
    metrics.counter("banjia_tokens_total", "Tokens.", ("target", "account", "kind", "source"), counts.tokens)
    metrics.histogram(
        "banjia_first_content_seconds",
        "From the request to its first content.",
        by_target,
        lambda: counts.times("first"),
    )
    metrics.histogram(
        "banjia_request_seconds", "From the request to the last byte of a complete response.", by_target,
        lambda: counts.times("total"),
    )  # fmt: skip
    metrics.histogram(
        "banjia_added_seconds", "Time that banjia adds to the time to the first content.", ("operation", "stream"),
        lambda: counts.times("added"),
    )  # fmt: skip
