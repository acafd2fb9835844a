"""The errors that clients receive; each class is one row of the error table in docs/errors.md.

ProxyError
├── BadRequest            400  an invalid or missing value
│   ├── NotSupported      400  refused by verdict
│   └── Malformed         400  invalid or ambiguous HTTP
├── BadKey                401  a missing or unknown client key
├── AccessDenied          403
├── ModelNotFound         404  no such model
├── NoSuchPath            404  no such path
├── NoSuchObject          404  no such stored response, conversation or item
├── NotServed             404  an OpenAI path that banjia does not serve
├── MethodNotAllowed      405
├── SlowClient            408  a body that did not arrive in time
├── BodyTooLarge          413
├── EncodedBody           415  a compressed request
├── HeadersTooLarge       431  too many or too large headers
├── InternalError         500  a bug in banjia
├── Overloaded            503  too many requests at once
│   └── OutOfMemory       503  no memory for a body or a response
├── ShuttingDown          503
└── UpstreamFailed        4xx/5xx  every attempt failed: the row of the last failure's kind
"""

from math import ceil
from typing import Any, ClassVar

import orjson

from adapters.core.failures import Failure, Refused
from adapters.core.message import Message
from proxy.i18n.catalog import translate
from proxy.i18n.negotiate import Language
from proxy.reason import Reason

MAX_MESSAGE = 1500
"""The longest message, in characters: the whole body stays under 2 KiB."""


class ProxyError(Exception):
    """An error response: status, type, code and param of the error table, and a message with the cure."""

    status: ClassVar[int] = 500
    type: ClassVar[str] = "server_error"
    code: str | None = None
    retry: ClassVar[bool] = False
    reason: Reason = Reason.INTERNAL_ERROR

    def __init__(
        self, message: Message, *, param: str | None = None, code: str | None = None, reason: Reason | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code if code is not None else type(self).code
        self.reason = reason if reason is not None else type(self).reason
        self.http_status = type(self).status
        self.error_type = type(self).type
        self.should_retry = type(self).retry
        self.retry_after_s: float | None = None

    def body(self, language: Language = "en") -> bytes:
        """Return the JSON body of the error, with all four of OpenAI's members."""
        return orjson.dumps({"error": self.error(language)})

    def error(self, language: Language = "en") -> dict[str, Any]:
        """Return the error object, for a body or an event. Its message ends with the command that explains its code."""
        message = translate(self.message, language)
        while len(orjson.dumps(message)) > MAX_MESSAGE:
            message = message[: len(message) * 3 // 4] + "…"
        if self.code is not None:  # SDKs show only the message
            message = translate(Message("{line} (banjia help {code})", line=message, code=self.code), language)
        return {"message": message, "type": self.error_type, "param": self.param, "code": self.code}

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return ``x-should-retry`` and, if there is a wait, ``retry-after`` and ``retry-after-ms``."""
        out = [(b"x-should-retry", b"true" if self.should_retry else b"false")]
        if self.retry_after_s is not None:
            out.append((b"retry-after", b"%d" % ceil(self.retry_after_s)))
            out.append((b"retry-after-ms", b"%d" % round(self.retry_after_s * 1000)))
        return out


class BadRequest(ProxyError):
    """An invalid or missing value."""

    status = 400
    type = "invalid_request_error"
    reason = Reason.INVALID_REQUEST


class NotSupported(BadRequest):
    """No target supports a requested feature, and leaving it out would make the answer misleading."""

    code = "unsupported_parameter"
    reason = Reason.UNSUPPORTED

    @classmethod
    def of(cls, refusal: Refused) -> BadRequest:
        """Return the error for a request that every target refuses, from the first refusal."""
        kind = BadRequest if refusal.code is None else cls
        return kind(refusal.message, param=refusal.param, code=refusal.code)


class Malformed(BadRequest):
    """Invalid HTTP, or HTTP that a proxy in front of banjia may parse differently (request smuggling)."""


class BadKey(ProxyError):
    """The client key is missing or unknown."""

    status = 401
    type = "invalid_request_error"
    reason = Reason.CLIENT_KEY_MISSING


class AccessDenied(ProxyError):
    """The request's Origin or Host is not allowed."""

    status = 403
    type = "invalid_request_error"
    code = "access_denied"
    reason = Reason.ACCESS_DENIED


class ModelNotFound(ProxyError):
    """No route has this model name."""

    status = 404
    type = "invalid_request_error"
    code = "model_not_found"
    reason = Reason.UNKNOWN_MODEL


class NoSuchPath(ProxyError):
    """Neither banjia nor OpenAI has this path."""

    status = 404
    type = "invalid_request_error"
    reason = Reason.NOT_SERVED


class NoSuchObject(ProxyError):
    """The client has no stored response, conversation or item with this id."""

    status = 404
    type = "invalid_request_error"
    reason = Reason.INVALID_REQUEST


class NotServed(ProxyError):
    """An OpenAI path that banjia does not serve.

    404 instead of 501, because clients retry a status of 500 or above (LangChain JS makes 7 calls in 84 seconds, Codex
    30) and none retries a 404.
    """

    status = 404
    type = "invalid_request_error"
    code = "not_supported"
    reason = Reason.NOT_SERVED


class MethodNotAllowed(ProxyError):
    """The path exists but does not support the method."""

    status = 405
    type = "invalid_request_error"
    code = "method_not_allowed"
    reason = Reason.NOT_SERVED


class SlowClient(ProxyError):
    """The body did not arrive in time."""

    status = 408
    type = "invalid_request_error"
    code = "request_timeout"
    retry = True
    reason = Reason.BODY_TIMEOUT


class BodyTooLarge(ProxyError):
    """The body is over ``server.max_body_mb``."""

    status = 413
    type = "invalid_request_error"
    code = "request_too_large"
    reason = Reason.BODY_TOO_LARGE


class EncodedBody(ProxyError):
    """The body is compressed."""

    status = 415
    type = "invalid_request_error"
    code = "unsupported_encoding"
    reason = Reason.BODY_ENCODED


class HeadersTooLarge(ProxyError):
    """The headers are over the limits in proxy/server/request_head.py."""

    status = 431
    type = "invalid_request_error"
    code = "headers_too_large"
    reason = Reason.INVALID_REQUEST


class InternalError(ProxyError):
    """A bug in banjia. The message holds nothing but the request id."""

    code = "internal_error"


class Overloaded(ProxyError):
    """The server has no capacity for the request."""

    status = 503
    type = "service_unavailable_error"
    code = "server_is_overloaded"
    retry = True
    reason = Reason.CONCURRENCY_LIMIT


class OutOfMemory(Overloaded):
    """The memory budget has no room for a body or a response."""

    reason = Reason.OUT_OF_MEMORY

    def __init__(self) -> None:
        super().__init__(
            Message("The server has no memory left for more request bodies and responses. Try again in a moment.")
        )
        self.retry_after_s = 1.0


class ShuttingDown(Overloaded):
    """The server is shutting down, and the request did not end in time."""

    code = "server_shutting_down"
    reason = Reason.SHUTTING_DOWN

    def __init__(self, *, attempts: int = 0) -> None:
        super().__init__(Message("The server is shutting down. Try again in a moment."))
        self.should_retry = attempts == 0  # a vendor that was called may bill the call
        self.retry_after_s = 1.0


class UpstreamFailed(ProxyError):
    """Every attempt failed: the last failure, as a row of the error table.

    ``spent``: no attempt is left for this call, counting those of earlier requests for the same call.
    """

    def __init__(self, failure: Failure, *, attempts: int, spent: bool = False, in_stream: bool = False) -> None:
        super().__init__(failure.message, param=failure.param)
        self.code = stream_code(failure, in_stream)
        not_sent = failure.kind == "rate_limited" and failure.phase == "pool"
        self.reason = Reason.NO_SLOT if not_sent else Reason(failure.kind)
        self.http_status = failure.status
        self.error_type = failure.type
        self.should_retry = failure.kind == "rate_limited" and attempts <= 1 and not spent
        if failure.kind == "rate_limited":
            self.retry_after_s = 1.0 if failure.retry_after_s is None else failure.retry_after_s


def stream_code(failure: Failure, in_stream: bool) -> str | None:
    """Return the error code: two codes are for streams only and become ``upstream_error`` before a stream begins."""
    if failure.code in ("upstream_stream_reset", "upstream_stream_truncated") and not in_stream:
        return "upstream_error"
    return failure.code
