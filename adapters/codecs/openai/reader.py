"""ResponseReader, the interface through which the exchange reads responses, and code that the readers share."""

from typing import Any, Protocol

import orjson

from adapters.codecs.openai.errors import (
    EMPTY_BODY,
    HTML_PAGE,
    NO_OBJECT,
    VENDOR,
    InvalidResponse,
    OverLimits,
    any_error,
    find_error,
    vendor_error,
)
from adapters.codecs.openai.json_text import LARGE_EVENT, check, parse_leniently
from adapters.core import json_limits
from adapters.core.event import WHOLE, Event
from adapters.core.json_limits import MAX_VALUES, SMALL
from adapters.core.message import Message
from adapters.core.request import ApiRequest, AttemptIds
from adapters.core.sse import Decoder, EventTooLarge
from adapters.core.usage import Usage
from adapters.core.vendor import Plan

MAX_ID_LOGGED = 256


class ResponseReader(Protocol):
    """Reads and normalizes the response of one operation."""

    began: bool
    has_content: bool
    """Whether the response has had content for the client; a role alone is not content."""
    usage: Usage | None
    vendor_id: str | None
    """The response id as the vendor sent it, at most ``MAX_ID_LOGGED`` characters."""
    most_values: int
    """The maximum number of JSON values in a whole body."""
    finished: bool
    """Whether every choice, requested or received, has its finish reason: only the end marker is missing."""

    def plain_chunks(self, payloads: list[bytes], at: int, events: list[Event]) -> int:
        """Append the events of the payloads from ``at`` on that need no parsing. Return the index of the first other one.

        Never an end marker: a plain chunk is JSON.
        """
        ...

    def chunk(self, payload: bytes) -> Event | None:
        """Normalize one event of a stream; None if it has nothing for the client. Raises InvalidResponse."""
        ...

    def closing(self) -> Event | None:
        """Return an event that finishes choices still open at the end marker, if there are any. Raises InvalidResponse."""
        ...

    def assembled(self, data: dict[str, Any]) -> Event:
        """Normalize a body that was assembled from the chunks of a stream. Raises InvalidResponse."""
        ...

    def whole(self, data: dict[str, Any], *, large: bool) -> Event:
        """Normalize a whole body, which is no error. Raises InvalidResponse. A large one is not serialized here."""
        ...


class WholeReader:
    """The base of readers for operations that do not stream."""

    __slots__ = ("_plan", "_request", "began", "has_content", "usage")
    finished: bool = False
    vendor_id: str | None = None
    most_values = MAX_VALUES

    def __init__(self, plan: Plan, request: ApiRequest, attempt_ids: AttemptIds) -> None:
        self._plan = plan
        self._request = request
        self.began = self.has_content = False
        self.usage: Usage | None = None

    def plain_chunks(self, payloads: list[bytes], at: int, events: list[Event]) -> int:
        """Return ``at``: the operation does not stream."""
        return at

    def chunk(self, payload: bytes) -> Event | None:
        """Raise InvalidResponse: the operation does not stream."""
        raise InvalidResponse(
            "invalid_response",
            Message("{vendor} sent an event stream for an operation that does not stream.", vendor=VENDOR),
        )

    def closing(self) -> Event | None:
        """Return None: the operation does not stream."""
        return None

    def assembled(self, data: dict[str, Any]) -> Event:
        """Raise InvalidResponse: the operation does not stream."""
        raise InvalidResponse(
            "invalid_response",
            Message("{vendor} sent an event stream for an operation that does not stream.", vendor=VENDOR),
        )

    def finish_body(self, data: dict[str, Any]) -> Event:
        """Return the normalized body, with the model name that is reported to the client."""
        target = self._plan.target
        data.pop("error", None)  # null, or empty
        data["model"] = (
            self._request.model if target.report_model == "requested" else data.get("model", target.model.id)
        )
        return Event(None, data, WHOLE)


def read_body(plan: Plan, status: int, body: bytes | bytearray) -> dict[str, Any]:
    """Parse a body and return its JSON object. Raises InvalidResponse for a vendor's error, and for anything else.

    The values of a large body were counted while it arrived.
    """
    try:
        if LARGE_EVENT < len(body) <= SMALL:
            check(body)
        data = _parse_body(first_event(body) if status >= 400 and body.startswith(b"data:") else body)
    except OverLimits:
        if status < 300:
            raise
        data = None
    except InvalidResponse:
        data = None
    if (
        status < 300
        and type(data) is dict
        and data.get("choices")
        and not data.get("error")
        and "base_resp" not in data
    ):
        return data  # the usual case: what find_error would find first
    error = find_error(data)
    if error is None and status < 300 and type(data) is dict:
        return data
    if error is None and status >= 400:
        error = any_error(data if data or type(data) is dict else plain_text(body) or describe(body))
    if error is None:
        if is_html(body):
            wrong = Message(
                "{vendor} answered {status} with an HTML page: it may come from a captive portal or a proxy in between.",
                vendor=VENDOR,
                status=status,
            )
            raise InvalidResponse("invalid_response", wrong)
        wrong = Message("{vendor} answered {status} with {body}.", vendor=VENDOR, status=status, body=describe(body))
        raise InvalidResponse("invalid_response", wrong)
    raise vendor_error(plan, status, error)


def _parse_body(body: bytes | bytearray) -> Any:
    """Parse a whole body that was checked. Raises :class:`InvalidResponse`."""
    try:
        return orjson.loads(body) if len(body) <= SMALL else json_limits.parse(body)
    except orjson.JSONDecodeError:
        return parse_leniently(body)[1]


def is_html(body: bytes | bytearray) -> bool:
    """Whether a body is an HTML page: a gateway's error page, or a login portal."""
    return body[:200].lstrip().lower().startswith((b"<!doctype", b"<html"))


def first_event(body: bytes | bytearray) -> bytes:
    """Return the payload of the first event of an error that was sent as a stream; empty if there is none."""
    decoder = Decoder()
    try:
        payloads = decoder.feed(bytes(body)) + decoder.end()
    except EventTooLarge:
        return b""
    return payloads[0] if payloads else b""


MAX_PLAIN_TEXT = 500
"""The maximum size of a plain text body that is used as an error message, in bytes."""


def plain_text(body: bytes | bytearray) -> str:
    """Return a short error body that is plain text; empty for HTML, broken JSON and binary data."""
    text = bytes(body).decode("utf-8", "replace").strip() if len(body) <= MAX_PLAIN_TEXT else ""
    return "" if text[:1] in ("<", "{", "[", '"') or "\ufffd" in text else text


def describe(body: bytes | bytearray) -> Message:
    """Describe a body that is not a JSON object, without quoting it."""
    start = body[:200].lstrip().lower()
    if not start:
        return EMPTY_BODY
    if is_html(start):
        return HTML_PAGE
    return NO_OBJECT
