"""Finds errors of OpenAI-compatible vendors in a body or an event, and converts them to the error table.

A vendor's error has one of the formats below. :func:`find_error` reads all of them into the same members.

====================================================  =============================================================
format                                                seen at
====================================================  =============================================================
``{"error": {"code", "type", "message", "param"}}``   OpenAI, most vendors; ``[{"error": …}]`` at Google
``{"error": "text"}``                                 vLLM without a key, Spring, xAI (with ``code`` beside it)
``{"errors": […]}``, ``{"errors": {…}}``              Cloudflare, ModelScope, .NET
``{"detail": "text"}``, ``{"detail": [{"loc"…}]}``    FastAPI: SGLang, vLLM, LMDeploy
``{"code", "message"}``, ``{"msg"}``                  SiliconFlow, DashScope, SGLang
``{"error_code", "error_msg"}``                       Baidu's v1 API
``{"base_resp": {"status_code", "status_msg"}}``      MiniMax; 0 is no error
``{"Response": {"Error": {"Code", "Message"}}}``      Tencent Cloud's API 3.0
``{"ResponseMetadata": {"Error": {"Code", …}}}``      Volcengine's control plane
====================================================  =============================================================
"""

import re
from collections.abc import Iterable, Mapping
from reprlib import Repr
from typing import Any

from adapters.core.failures import Failure, FailureRule, Kind, RateLimit, classify, named_limit
from adapters.core.json_limits import MAX_LEVELS, TooManyValues, TooMuchSlowText
from adapters.core.message import Message
from adapters.core.vendor import Plan

VENDOR = "The vendor"
"""The placeholder for the vendor's name in error messages; the exchange fills in the name."""


class InvalidResponse(Exception):
    """A response that is an error or malformed: the kind of failure, and a message whose field ``vendor`` is a placeholder.

    ``param``: the parameter that the vendor refuses, under the vendor's name. ``fields``: fields that banjia added to the
    request and that the error names.
    """

    def __init__(
        self,
        kind: Kind,
        what: Message,
        limit: RateLimit | None = None,
        param: str | None = None,
        fields: tuple[str, ...] = (),
    ) -> None:
        super().__init__(what)
        self.kind: Kind = kind
        self.what = what
        self.limit = limit
        self.param = param
        self.fields = fields

    def named_in(self, failure: Failure) -> Failure:
        """Return the failure with what this error names: a rate limit, a parameter, fields that banjia added."""
        return failure._replace(limit=self.limit, param=self.param or failure.param, fields=self.fields)


class OverLimits(InvalidResponse):
    """A response exceeds the limits on JSON."""


def over_limits(beyond: Exception) -> OverLimits:
    """Return the InvalidResponse for JSON that exceeds the limits."""
    if isinstance(beyond, TooMuchSlowText):
        wrong = Message("{vendor} sent more than 32 MiB of escaped and non-ASCII text.", vendor=VENDOR)
        return OverLimits("invalid_response", wrong)
    if isinstance(beyond, TooManyValues):
        wrong = Message("{vendor} sent JSON with more than {most} values.", vendor=VENDOR, most=f"{beyond.most:,}")
        return OverLimits("invalid_response", wrong)
    wrong = Message("{vendor} sent JSON nested deeper than {most} levels.", vendor=VENDOR, most=MAX_LEVELS)
    return OverLimits("invalid_response", wrong)


BRIEFLY = Repr()

BRIEFLY.maxlevel, BRIEFLY.maxdict, BRIEFLY.maxlist, BRIEFLY.maxstring = 3, 8, 8, 500
"""Formats the beginning of a value of any size."""

MAX_MESSAGE = 500
"""The maximum length of an error's message, in characters."""

PART_OF_A_WORD = re.compile(r"[\w./+=:~-]{1,200}\Z", re.ASCII)
"""The incomplete last word of a message that is cut: it could be half a key, which redaction would not recognize."""

MAX_WORDS = 4096
"""How much of a vendor's message is examined, in characters."""

MAX_PARTS = 8
"""The maximum number of entries that are read from a list of errors."""

# --- finding an error -----------------------------------------------------------------------------------------------

CODES = ("code", "error_code", "errcode", "err_code", "Code")
"""Members with a vendor's error code, the usual one first."""
MESSAGES = ("message", "msg", "error_msg", "error_message", "errmsg", "err_msg", "Message", "status_msg", "detail")
"""Members with a vendor's message, the usual one first."""
STATUSES = ("code", "http_code", "status", "status_code", "statusCode")
"""Members that may have the actual HTTP status: OpenRouter and MiniMax send it inside a 200."""
SUCCESS = frozenset({"", "0", "200", "20000", "ok", "success"})
"""Codes of success, in lower case (20000: SiliconFlow)."""
NO_PARAM = frozenset({"", "body", "none", "null", "request"})
"""Values of ``param`` that name no parameter."""


def find_error(data: Any) -> Mapping[str, Any] | None:
    """Return the error of a body or event in any of the formats; None if it is not an error.

    The result has ``code``, ``type`` and ``message``; ``status``, the HTTP status that the error itself states, or None;
    and ``params``, the names of the parameters that it refuses. Values are unchanged, of any type and size.
    """
    if type(data) is list and len(data) == 1:
        data = data[0] if type(data[0]) is dict and "error" in data[0] else None
    if type(data) is not dict:
        return None
    error = data.get("error")
    if data.get("choices") and not error and "base_resp" not in data:
        return None
    if error:
        return _of_error(error, data)
    return _of_base_resp(data) or _of_cloud(data) or (None if _answers(data) else _of_flat(data))


def _answers(data: Mapping[str, Any]) -> bool:
    """Whether a body has a result; a message or code next to one is not an error."""
    embeddings = data.get("data")
    if data.get("choices") or (type(embeddings) is list and embeddings) or data.get("results"):
        return True
    return data.get("success") is True or data.get("status") is True


def _of_error(error: Any, data: Mapping[str, Any]) -> dict[str, Any]:
    """Read ``error`` as an object, a text, or a flag next to a message."""
    if type(error) is dict:
        return {**_members(error), "status": _status(error) or _status(data)}
    members = _members(data)
    if type(error) is str:
        message = text_of(members["message"])
        members["message"] = error if not message or message in error else f"{error}: {message}"
    return members


def _of_base_resp(data: Mapping[str, Any]) -> dict[str, Any] | None:
    """Read MiniMax' errors; ``type`` marks them, since other vendors use the same numbers with other meanings."""
    inner = data.get("base_resp")
    if type(inner) is not dict:
        return None
    code = inner.get("status_code")
    if code is None or _succeeded(code):
        return None
    return {"code": code, "type": "base_resp", "message": _first(inner, MESSAGES), "status": None, "params": ()}


def _of_cloud(data: Mapping[str, Any]) -> dict[str, Any] | None:
    """Read the errors of Tencent Cloud's and Volcengine's own APIs."""
    inner = data.get("Response") or data.get("ResponseMetadata")
    error = inner.get("Error") if type(inner) is dict else None
    return _members(error) if type(error) is dict and error else None


def _of_flat(data: Mapping[str, Any]) -> dict[str, Any] | None:
    """Read an error at the top level; None for a body that reports success or has no message."""
    marked = (
        "error" in (data.get("object"), data.get("type")) or data.get("success") is False or data.get("error") == {}
    )
    errors, code = data.get("errors"), _first(data, CODES)
    if not errors and not marked and (_succeeded(code) or (not code and type(data.get("choices")) is list)):
        return None
    members = _members(data)
    if errors:
        members["message"] = text_of(errors) or members["message"]
    return members if marked or errors or code or not _succeeded(members["message"]) else None


def _succeeded(code: Any) -> bool:
    return type(code) in (int, str) and str(code).lower() in SUCCESS


def any_error(data: Any) -> dict[str, Any]:
    """Return the error of a failed call whose body has none of the formats: the message is a short form of the body."""
    if type(data) is dict:
        members = _members(data)
        if not members["message"]:
            members["message"] = short(data)
        return members
    return {"message": short(data)}


def _members(error: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members that classification needs."""
    message = text_of(_first(error, MESSAGES)) or text_of(error.get("errors"))
    metadata = error.get("metadata")
    raw = metadata.get("raw") if type(metadata) is dict else None
    if raw:  # OpenRouter: its own message only says that the provider failed
        raw = text_of(raw)
        message = message if raw in message else f"{message}: {raw}"
    type_ = error.get("type") or (error.get("status") if type(error.get("status")) is str else None)
    return {
        "code": _first(error, CODES),
        "type": type_,
        "message": message,
        "status": _status(error),
        "params": _params(error),
    }


def _first(error: Mapping[str, Any], names: Iterable[str]) -> Any:
    return next((error[name] for name in names if error.get(name) not in (None, "", [], {})), None)


def _status(error: Mapping[str, Any]) -> int | None:
    """Return the HTTP status that an error states: 400 to 599, as a number or digits; None if there is none."""
    for name in STATUSES:
        value = error.get(name)
        if type(value) is str and len(value) == 3 and value.isascii() and value.isdigit():
            value = int(value)
        if type(value) is int and 400 <= value <= 599:
            return value
    return None


def _params(error: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the parameters in an error's own members: ``param``, or each ``loc`` of FastAPI's list."""
    detail = error.get("detail")
    if type(detail) is list:
        return tuple(name for part in detail[:MAX_PARTS] if (name := _place(part)))
    param = error.get("param")
    return (param,) if type(param) is str and param.lower() not in NO_PARAM else ()


def _place(part: Any) -> str:
    """Return the path of a FastAPI error: ``["body", "messages", 0, "role"]`` is ``messages.0.role``."""
    place = part.get("loc") if type(part) is dict else None
    if type(place) is not list:
        return ""
    return ".".join(str(step)[:64] for step in place[:MAX_PARTS] if type(step) in (str, int) and step != "body")


def text_of(value: Any, level: int = 0) -> str:
    """Return the text of a member that is a text, an object with a text, or a list of either; paths come first."""
    if type(value) is str:
        return value[:MAX_WORDS]
    if type(value) is list and level < 3:
        return "; ".join(text for part in value[:MAX_PARTS] if (text := text_of(part, level + 1)))
    if type(value) is not dict or level > 3:
        return short(value)
    place, words = _place(value), _first(value, MESSAGES)
    if words is None:
        if type(value.get("error")) in (dict, str):
            return text_of(value["error"], level + 1)
        return short(value)
    text = text_of(words, level + 1)
    return f"{place}: {text}" if place else text


# --- converting an error --------------------------------------------------------------------------------------------


def vendor_error(plan: Plan, status: int, error: Mapping[str, Any]) -> InvalidResponse:
    """Convert a vendor's error: its kind by the vendor's table, its message limited to 500 printable characters.

    ``error`` is the result of :func:`find_error` or :func:`any_error`. A status that the error states counts if the HTTP
    status is one of success.
    """
    kind, actual_status = kind_of(plan.op.failures, status, error)
    members, text = in_short(error), message_of(error)
    redacted = plan.target.vendor.redacted
    if redacted is not None:
        text = re.sub(redacted, "[hidden]", text)
    if len(text) > MAX_MESSAGE:
        text = PART_OF_A_WORD.sub("", text[:MAX_MESSAGE]) + "…"
    limit = named_limit(plan.op.failures, actual_status, members) if kind == "rate_limited" else None
    text = OUR_MESSAGES.get(text) or text.rstrip(".")
    what = Message("{vendor} answered {status}: {text}.", vendor=VENDOR, status=status, text=text)
    params = error.get("params") or ()
    if kind != "bad_request":
        return InvalidResponse(kind, what, limit)
    fields = (
        named_fields(plan.added, params, members["message"]) if plan.added and actual_status in FIELD_REFUSED else ()
    )
    return InvalidResponse(kind, what, None, short_name(params), fields)


def kind_of(rules: Iterable[FailureRule], status: int, error: Mapping[str, Any]) -> tuple[Kind, int]:
    """Return the kind of an error by a vendor's table, and its actual status."""
    actual: int = status if status >= 400 else error.get("status") or status
    return classify(rules, actual, in_short(error)), actual


def in_short(error: Mapping[str, Any]) -> dict[str, str]:
    """Return the members that a table matches, as texts of limited size."""
    return {name: short(error.get(name)) for name in ("code", "type", "message")}


def message_of(error: Mapping[str, Any]) -> str:
    """Return the message of an error on one line."""
    members = in_short(error)
    reason = members["message"] or members["type"] or members["code"] or NO_REASON
    return " ".join(printable(reason).split())


NO_REASON = Message("no reason given")
EMPTY_BODY = Message("an empty body")
HTML_PAGE = Message("an HTML page")
NO_OBJECT = Message("a body that is not a JSON object")
OUR_MESSAGES: Mapping[str, Message] = {words: words for words in (NO_REASON, EMPTY_BODY, HTML_PAGE, NO_OBJECT)}
"""banjia's own descriptions of an error without a message, which are translated."""
FIELD_REFUSED = frozenset({200, 400, 422})
"""Statuses with which a vendor refuses a field."""

NAMED = (
    r"(?:parameters?|fields?|arguments?|propert(?:y|ies)|keys?|members?|inputs?|body|参数|字段)[\s:.'\"`(]*{name}\b"
    r"|['\"`]{name}['\"`.\[]|(?<![\w.]){name}['\"`]?:|\b{name}['\"`]? (?:parameter|field|argument|property)\b"
)
"""How a message names a field whose name is a plain English word, such as ``thinking``."""


def named_fields(added: Iterable[str], params: Iterable[str], message: str) -> tuple[str, ...]:
    """Return the fields that an error names: by its ``param`` or ``loc``, or if it has none, in its message."""
    heads = {re.split(r"[.\[/]", param.removeprefix("#/"), maxsplit=1)[0] for param in params}
    return tuple(name for name in added if (name in heads if heads else _mentions(message, name)))


def _mentions(message: str, name: str) -> bool:
    if "_" in name:
        return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", message) is not None
    return re.search(NAMED.format(name=re.escape(name)), message, re.IGNORECASE) is not None


def short_name(params: Iterable[str]) -> str | None:
    """Return the first parameter that an error names, for the client; None if it is not a valid name."""
    param = next(iter(params), "")
    return param if re.fullmatch(r"[\w.\[\]-]{1,64}", param) else None


def short(value: Any) -> str:
    """Return a member of a vendor's error, of any type and size, as a shortened text."""
    if type(value) is str:
        return value[:MAX_WORDS]
    if type(value) in (list, dict):
        return BRIEFLY.repr(value) if value else ""
    return str(value)[:MAX_WORDS] if value else ""


def printable(text: str) -> str:
    """Replace control characters by spaces, so that the text can be used in a message."""
    return "".join(c if c.isprintable() else " " for c in text)
