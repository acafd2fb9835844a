"""Failures of attempts: a closed list of kinds, each with its fault and its row of the error table.

The table is the contract of docs/errors.md. A vendor's table only maps errors to kinds; it never defines a status.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from adapters.core.message import Message
from adapters.core.wire import Phase

Fault = Literal["caller", "credential", "vendor", "rate"]
Cause = Literal["5xx", "html", "reset", "timeout", "error_in_200", "content"]
"""The symptom of a vendor's fault, in the words of the policy's ``retry_on``; ``content``, which is not one of them: the
model's answer is not what the request asked for, and says nothing about the health of the service.
"""
Kind = Literal[
    "bad_request",
    "context",
    "inspection",
    "key_refused",
    "no_funds",
    "forbidden",
    "model_not_found",
    "rate_limited",
    "overloaded",
    "vendor_error",
    "invalid_response",
    "tls",
    "connect",
    "connect_timeout",
    "reset",
    "truncated",
    "first_token_timeout",
    "idle_timeout",
    "total_timeout",
]


LimitKind = Literal["concurrency", "requests_per_minute", "tokens_per_minute", "day"]
"""What a rate limit counts: concurrent calls, calls or tokens per minute, or anything per day."""


class RateLimit(NamedTuple):
    """The limit that a vendor's error names: its kind, and its value if the message states one."""

    kind: LimitKind
    figure: float | None = None


class ErrorRow(NamedTuple):
    """One row of the error table; ``fault`` decides on retry and failover."""

    fault: Fault
    status: int
    type: str
    code: str | None
    param: str | None = None


ERROR_TABLE: Mapping[Kind, ErrorRow] = {
    "bad_request": ErrorRow("caller", 400, "invalid_request_error", None),
    "context": ErrorRow("caller", 400, "invalid_request_error", "context_length_exceeded", "messages"),
    "inspection": ErrorRow("caller", 400, "invalid_request_error", "content_filter"),
    "key_refused": ErrorRow("credential", 502, "server_error", "upstream_auth_error"),
    "no_funds": ErrorRow("credential", 429, "insufficient_quota", "insufficient_quota"),
    "forbidden": ErrorRow("credential", 502, "server_error", "upstream_auth_error"),
    "model_not_found": ErrorRow("credential", 404, "invalid_request_error", "model_not_found"),
    "rate_limited": ErrorRow("rate", 429, "rate_limit_error", "rate_limit_exceeded"),
    "overloaded": ErrorRow("vendor", 502, "server_error", "upstream_error"),
    "vendor_error": ErrorRow("vendor", 502, "server_error", "upstream_error"),
    "invalid_response": ErrorRow("vendor", 502, "server_error", "upstream_invalid_response"),
    "tls": ErrorRow("vendor", 502, "server_error", "upstream_tls_error"),
    "connect": ErrorRow("vendor", 502, "server_error", "upstream_error"),
    "connect_timeout": ErrorRow("vendor", 504, "server_error", "upstream_connect_timeout"),
    "reset": ErrorRow("vendor", 502, "server_error", "upstream_stream_reset"),
    "truncated": ErrorRow("vendor", 502, "server_error", "upstream_stream_truncated"),
    "first_token_timeout": ErrorRow("vendor", 504, "server_error", "upstream_first_token_timeout"),
    "idle_timeout": ErrorRow("vendor", 504, "server_error", "upstream_idle_timeout"),
    "total_timeout": ErrorRow("vendor", 504, "server_error", "upstream_total_timeout"),
}

LOST: Mapping[Phase, Kind] = {
    "dns": "connect",
    "connect": "connect",
    "connect_timeout": "connect_timeout",
    "tls": "tls",
    "pool": "connect_timeout",
    "write": "reset",
    "reset": "reset",
    "protocol": "invalid_response",
    "first_token": "first_token_timeout",
    "idle": "idle_timeout",
    "total": "total_timeout",
    "declined": "invalid_response",
}
"""The kind of failure of a lost call, for every phase."""


class Failure(NamedTuple):
    """One failed attempt, in the terms of the error table. ``retry_after_s`` is the wait that the vendor requested.

    ``fields``: fields that banjia added to the request and that the vendor's error names.
    """

    kind: Kind
    fault: Fault
    status: int
    type: str
    code: str | None
    message: Message
    param: str | None = None
    retry_after_s: float | None = None
    phase: Phase | None = None
    cause: Cause | None = None
    limit: RateLimit | None = None
    fields: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        kind: Kind,
        message: Message,
        *,
        param: str | None = None,
        retry_after_s: float | None = None,
        phase: Phase | None = None,
        cause: Cause | None = None,
        limit: RateLimit | None = None,
    ) -> "Failure":
        """Return a failure of this kind; everything but the message has its default from the table."""
        row = ERROR_TABLE[kind]
        return cls(
            kind,
            row.fault,
            row.status,
            row.type,
            row.code,
            message,
            param or row.param,
            retry_after_s,
            phase,
            cause,
            limit,
        )


class Refused(Exception):
    """The target can't serve the request, and nothing was sent: a 400 naming ``param``, or the next target.

    A ``code`` of None marks a value that is invalid at every vendor.
    """

    def __init__(self, param: str, message: Message, code: str | None = "unsupported_parameter") -> None:
        super().__init__(message)
        self.param = param
        self.message = message
        self.code = code


@dataclass(frozen=True, slots=True)
class FailureRule:
    """One row of a vendor's error table: every condition that is set must match.

    ``status`` is one status or several. ``code`` and ``type`` must equal the vendor's, ignoring case; a ``code`` ending
    in ``*`` is a prefix. ``text`` must occur in the message, ignoring case. ``words`` is a pattern to search in the
    message. For ``no_funds`` the pattern ignores quotations in errors about the request (400, 422, or inside 200): they
    may quote the client's text, and a client must not be able to make a key cool down. ``limit`` is the kind of rate
    limit that such an error names, and ``figure`` a pattern whose first group is the limit's value, searched in the
    message ignoring case.
    """

    kind: Kind
    status: int | frozenset[int] | None = None
    code: str | None = None
    type: str | None = None
    text: str | None = None
    limit: LimitKind | None = None
    figure: str | None = None
    words: re.Pattern[str] | None = None

    def matches(self, status: int, code: str, type_: str, message: str) -> bool:
        """Whether this rule matches an error."""
        wanted = self.status
        if wanted is not None and (status not in wanted if isinstance(wanted, frozenset) else wanted != status):
            return False
        if self.code is not None and not _same(self.code, code):
            return False
        if self.type is not None and not _same(self.type, type_):
            return False
        if self.words is not None:
            about_request = self.kind == "no_funds" and status not in ABOUT_THE_KEY
            return self.words.search(QUOTED.sub(" ", message) if about_request else message) is not None
        return self.text is None or self.text.lower() in message.lower()


ABOUT_THE_KEY = frozenset({401, 402, 403, 429})
"""Statuses whose message is about the key and its account, not about the request."""

QUOTED = re.compile(r"""(?<!\w)(?:"[^"]*|'[^']*|`[^`]*|“[^”]*|‘[^’]*)(?:["'`”’](?!\w)|\Z)""")
"""A quotation in a message; one that is cut off extends to the end."""


def _same(pattern: str, word: str) -> bool:
    pattern, word = pattern.lower(), word.lower()
    return word.startswith(pattern[:-1]) if pattern.endswith("*") else word == pattern


BY_STATUS: Mapping[int, Kind] = {
    400: "bad_request",
    401: "key_refused",
    402: "no_funds",
    403: "forbidden",
    404: "model_not_found",
    408: "vendor_error",
    409: "vendor_error",
    413: "bad_request",
    415: "bad_request",
    422: "bad_request",
    429: "rate_limited",
    451: "inspection",
}
"""The kind of each status if no rule of the vendor matches. Any other status is a ``vendor_error``."""


def classify(rules: Iterable[FailureRule], status: int, error: Mapping[str, Any]) -> Kind:
    """Return the kind of a vendor's error: the first rule that matches, else by status.

    A status below 400 (an error inside HTTP 200) that no rule matches is a ``vendor_error``.
    """
    code, type_, message = (str(error.get(name) or "") for name in ("code", "type", "message"))
    for rule in rules:
        if rule.matches(status, code, type_, message):
            return rule.kind
    return BY_STATUS.get(status, "vendor_error")


def named_limit(rules: Iterable[FailureRule], status: int, error: Mapping[str, Any]) -> RateLimit | None:
    """Return the rate limit that a vendor's error names, by the vendor's rules; None if it names none."""
    code, type_, message = (str(error.get(name) or "") for name in ("code", "type", "message"))
    for rule in rules:
        if rule.limit is not None and rule.matches(status, code, type_, message):
            found = re.search(rule.figure, message, re.IGNORECASE) if rule.figure is not None else None
            return RateLimit(rule.limit, float(found[1].replace(",", "")) if found else None)
    return None
