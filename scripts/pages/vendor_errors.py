"""The mapping of each vendor's errors: the tables of failures, in the order in which they are tried."""

import re
from collections.abc import Iterator, Mapping

from adapters.core.failures import ERROR_TABLE, FailureRule
from adapters.core.request import Operation
from adapters.core.vendor import Vendor
from adapters.registry import VENDORS
from adapters.rules import failures as errors
from adapters.vendors.openai_compatible import FAILURES
from proxy.commands.vendors import WHOLE_VENDORS, each_variant
from scripts.pages.table import code, table
from scripts.pages.verdicts import OPERATIONS

WORDS: Mapping[re.Pattern[str], str] = {
    errors.EMPTY_ACCOUNT: "words for an account without money",
    errors.SPENT_QUOTA: "words for a quota that is used up",
    errors.RATE: "words for a limit that passes by itself",
    **{rule.words: "words for a prompt that is too long" for rule in errors.CONTEXT if rule.words is not None},
}
"""Descriptions of the patterns of ``adapters/rules/failures.py``."""


def text() -> str:
    """Return for each vendor a row per rule: the vendor's error, and the status, code and kind that it is mapped to."""
    whole = map("".join, (_vendor(name, vendor) for name, vendor in each_variant(WHOLE_VENDORS)))
    return "\n" + "\n".join([*whole, _presets()]) + "\n"


def _presets() -> str:
    """Return the rows that presets have before those of ``openai_compatible``."""
    rows = [
        [code(vendor.name), *_row(rule)]
        for vendor in VENDORS
        if vendor.preset
        for rule in vendor.operations["chat"].failures
        if rule not in FAILURES
    ]
    return (
        "### Presets of openai_compatible\n\nEach has these rows of its own, if any, and then those of `openai_compatible`.\n\n"
        + table(["preset", "the server's error", "becomes", "kind", "limit"], rows)
    )


def _vendor(name: str, vendor: Vendor) -> Iterator[str]:
    yield f"### {name.replace('/', ', ')}\n"
    tables: dict[tuple[FailureRule, ...], list[Operation]] = {}
    for operation in OPERATIONS:
        if operation in vendor.operations:
            tables.setdefault(tuple(vendor.operations[operation].failures), []).append(operation)
    for rules, operations in tables.items():
        if len(tables) > 1:
            yield f"\n**{', '.join(OPERATIONS[operation] for operation in operations)}.**\n"
        yield "\n"
        yield table(["the vendor's error", "becomes", "kind", "limit"], map(_row, rules))


def _row(rule: FailureRule) -> list[str]:
    row = ERROR_TABLE[rule.kind]
    becomes = f"{row.status} {code(row.code or row.type)}"
    figure = f", its figure by {code(rule.figure)}" if rule.figure else ""
    return [", ".join(_conditions(rule)), becomes, code(rule.kind), f"{rule.limit or ''}{figure}"]


def _conditions(rule: FailureRule) -> Iterator[str]:
    if rule.status is not None:
        statuses = [rule.status] if isinstance(rule.status, int) else sorted(rule.status)
        yield f"status {' or '.join(map(str, statuses))}"
    if rule.code is not None:
        yield f"code {code(rule.code)}"
    if rule.type is not None:
        yield f"type {code(rule.type)}"
    if rule.text is not None:
        yield f"message with {code(rule.text)}"
    if rule.words is not None:
        yield WORDS.get(rule.words) or f"message that matches {code(rule.words.pattern)}"
