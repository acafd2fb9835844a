"""What the exchange needs of the reader of one operation's responses, and what the readers share."""

from typing import Any, Protocol

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
from adapters.codecs.openai.json_text import LARGE_EVENT, check, parse_body
from adapters.core.event import WHOLE, Event
from adapters.core.json_limits import MAX_VALUES, SMALL
from adapters.core.message import Message
from adapters.core.request import ApiRequest, AttemptIds
from adapters.core.sse import Decoder, EventTooLarge
from adapters.core.usage import Usage
from adapters.core.vendor import Plan

MAX_ID_LOGGED = 256


class ResponseReader(Protocol):
    """What the codec needs of an answer while it reads."""

    began: bool
    shown: bool
    """Whether anything of it was for a caller to see: a role alone is not."""
    usage: Usage | None
    vendor_id: str | None
    """The answer's id as the vendor sent it: at most ``MAX_ID_LOGGED`` characters."""
    most_values: int
    """The most JSON values that a whole body of it may have."""
    finished: bool
    """Whether every choice that was asked for or seen has its finish reason: nothing but the end marker is still owed."""

    def chunk(self, payload: bytes) -> Event | None:
        """One event of a stream, normalized; None if nothing of it is for the caller. Raises InvalidResponse."""
        ...

    def closing(self) -> Event | None:
        """The finish of choices that the vendor's end marker left open, if there are any. Raises InvalidResponse."""
        ...

    def assembled(self, data: dict[str, Any]) -> Event:
        """The whole body that the chunks of a stream were put together into. Raises InvalidResponse."""
        ...

    def whole(self, status: int, body: bytes | bytearray) -> Event:
        """A whole body, normalized. Raises InvalidResponse, for an error in whichever status it came too."""
        ...


class WholeReader:
    """An answer that never streams."""

    __slots__ = ("_plan", "_request", "began", "shown", "usage")
    finished: bool = False
    vendor_id: str | None = None
    most_values = MAX_VALUES

    def __init__(self, plan: Plan, request: ApiRequest, attempt_ids: AttemptIds) -> None:
        self._plan = plan
        self._request = request
        self.began = self.shown = False
        self.usage: Usage | None = None

    def chunk(self, payload: bytes) -> Event | None:
        """There are no streams of these answers."""
        raise InvalidResponse(
            "invalid_response",
            Message("{vendor} sent an event stream for an operation that does not stream.", vendor=VENDOR),
        )

    def closing(self) -> Event | None:
        """There are no streams of these answers."""
        return None

    def assembled(self, data: dict[str, Any]) -> Event:
        """There are no streams of these answers."""
        raise InvalidResponse(
            "invalid_response",
            Message("{vendor} sent an event stream for an operation that does not stream.", vendor=VENDOR),
        )

    def named(self, data: dict[str, Any]) -> Event:
        """The mended body, under the model's name that the caller is told."""
        target = self._plan.target
        data.pop("error", None)  # null, or empty
        data["model"] = (
            self._request.model if target.report_model == "requested" else data.get("model", target.model.id)
        )
        return Event(None, data, WHOLE)


def read_body(plan: Plan, status: int, body: bytes | bytearray) -> dict[str, Any]:
    """The body's JSON object. Raises InvalidResponse with the error that it is, or for what is no object.

    The values of a large body were counted as it came.
    """
    try:
        if LARGE_EVENT < len(body) <= SMALL:
            check(body)
        data = parse_body(first_event(body) if status >= 400 and body.startswith(b"data:") else body)
    except OverLimits:
        if status < 300:
            raise
        data = None
    except InvalidResponse:
        data = None
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
        wrong = Message("{vendor} answered {status} with {said}.", vendor=VENDOR, status=status, said=describe(body))
        raise InvalidResponse("invalid_response", wrong)
    raise vendor_error(plan, status, error)


def written(event: Event) -> Event:
    """The event with its bytes written, here where a failure to write them is still the vendor's. Raises InvalidResponse."""
    try:
        event.raw  # noqa: B018
    except (TypeError, RecursionError):
        raise InvalidResponse(
            "invalid_response", Message("{vendor} sent JSON nested too deeply.", vendor=VENDOR)
        ) from None
    return event


def is_html(body: bytes | bytearray) -> bool:
    """Whether it is a page for people: a gateway's error, or a portal that wants a login."""
    return body[:200].lstrip().lower().startswith((b"<!doctype", b"<html"))


def first_event(body: bytes | bytearray) -> bytes:
    """The payload of the first event of an error that came as a stream."""
    decoder = Decoder()
    try:
        payloads = decoder.feed(bytes(body)) + decoder.end()
    except EventTooLarge:
        return b""
    return payloads[0] if payloads else b""


MAX_PLAIN_TEXT = 500
"""The longest text of a failed call that is taken for the vendor's words, in bytes."""


def plain_text(body: bytes | bytearray) -> str:
    """A short error that is not JSON; empty for a page, for broken JSON, and for what is not text."""
    text = bytes(body).decode("utf-8", "replace").strip() if len(body) <= MAX_PLAIN_TEXT else ""
    return "" if text[:1] in ("<", "{", "[", '"') or "\ufffd" in text else text


def describe(body: bytes | bytearray) -> Message:
    """What a body that is no JSON object looks like, in words: nothing of it is copied."""
    start = body[:200].lstrip().lower()
    if not start:
        return EMPTY_BODY
    if is_html(start):
        return HTML_PAGE
    return NO_OBJECT
