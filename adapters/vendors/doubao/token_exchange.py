"""Temporary API keys for an access key: the signed call ``GetApiKey`` of Volcengine's control plane, and its response.

Sources: the vendor's pages on the call (82379/1262825), on signatures (6369/67269) and on common errors (6369/68677), copies
of 2025-12, and its SDK (volcengine-python-sdk, 2026-07), which requests a key for seven days, refreshes it 30 minutes before
its end, and must have a new one 10 minutes before. Checked against the live service: never.
"""

import datetime
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

import orjson

from adapters.codecs.openai.errors import any_error, find_error, kind_of, message_of
from adapters.core.auth import ExpiringToken, KeyPair, TokenExchange, TokenIssuer, TokenScope
from adapters.core.failures import Failure, FailureRule
from adapters.core.message import Message
from adapters.core.wire import Call
from adapters.rules.failures import by_code

TITLE = "Doubao"
SERVICE = "ark"
ALGORITHM = "HMAC-SHA256"
QUERY: Mapping[str, str] = {"Action": "GetApiKey", "Version": "2024-01-01"}
DURATION_S = 7 * 24 * 60 * 60
"""For how long a key is requested: the SDK's default (seconds)."""
DEFAULT_PROJECT = "default"
"""The project of models that are called by their id, unless the operator names another one."""

ACCOUNT = r"(?<=[Aa]ccount )[\[(]?\d{5,}[\])]?|trn:[\w:/*-]+"
"""Pattern of the numbers of accounts: "Your account 2100000000 has …", "… on resource: trn:iam::2100000000:user/…"."""

CONTROL_PLANE = (
    *by_code("key_refused", "InvalidAccessKey", "SignatureDoesNotMatch", "InvalidCredential", "InvalidAuthorization"),
    *by_code("key_refused", "InvalidSecretToken", "InvalidTimestamp"),
    FailureRule("rate_limited", code="FlowLimitExceeded"),
    FailureRule("overloaded", code="ServiceUnavailableTemp"),
)
"""Codes of Volcengine's common API (6369/68677), which come as ``ResponseMetadata.Error``."""

EXCHANGE_FAILURES = (
    *CONTROL_PLANE,
    FailureRule("overloaded", status=429),
    *by_code("overloaded", "InternalError", "InternalServiceError", "InternalServiceTimeout"),
    FailureRule("key_refused", status=401),
    *by_code("model_not_found", "NotFound*", "InvalidEndpoint*", "InvalidParameter.Resource*"),
    *by_code("forbidden", "AccessDenied*", "OperationDenied*"),
)


def resource_type(resource: str) -> str:
    """Return the type of a resource by its id, as the SDK does: a model's id is that of a preset endpoint."""
    if resource.startswith("ep-") and not resource.startswith("ep-m-"):
        return "endpoint"
    return "bot" if resource.startswith("bot-") else "presetendpoint"


def request(pair: KeyPair, issuer: TokenIssuer, scope: TokenScope, now_s: float) -> Call:
    """Return the signed call for a temporary key."""
    kind = resource_type(scope.resource)
    body: dict[str, Any] = {"DurationSeconds": DURATION_S, "ResourceType": kind, "ResourceIds": [scope.resource]}
    if scope.project or kind == "presetendpoint":
        body["ProjectName"] = scope.project or DEFAULT_PROJECT
    content = orjson.dumps(body)
    date = datetime.datetime.fromtimestamp(now_s, datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
    path = f"{urlsplit(issuer.url).path.rstrip('/')}/"
    headers = {
        "content-type": "application/json",
        "host": host_of(issuer.url),
        "x-content-sha256": hashlib.sha256(content).hexdigest(),
        "x-date": date,
    }
    signed = sign("POST", path, QUERY, headers, content, pair, (date[:8], issuer.region, SERVICE))
    sent = [(name.encode(), value.encode()) for name, value in headers.items() if name != "host"]
    target = f"{issuer.url.rstrip('/')}/?{canonical_query(QUERY)}"
    return Call(
        "POST",
        target,
        ((b"accept-encoding", b"identity"), *sent, (b"authorization", signed.encode())),
        content,
        streams=False,
    )


def host_of(url: str) -> str:
    """Return the host that a URL's Host header has: with its port, unless that is the usual one."""
    parts = urlsplit(url)
    usual = {"https": 443, "http": 80}.get(parts.scheme)
    return parts.hostname or "" if parts.port in (None, usual) else f"{parts.hostname}:{parts.port}"


def sign(
    method: str,
    path: str,
    query: Mapping[str, str],
    headers: Mapping[str, str],
    body: bytes,
    pair: KeyPair,
    scope: Sequence[str],
) -> str:
    """Return the ``Authorization`` header. ``headers``: those to sign, in lower case, with ``x-date``.

    ``scope``: the day (YYYYMMDD), the region and the service.
    """
    names = sorted(headers)
    canonical = "\n".join(
        [
            method,
            path,
            canonical_query(query),
            *(f"{name}:{headers[name]}" for name in names),
            "",
            ";".join(names),
            hashlib.sha256(body).hexdigest(),
        ]
    )
    credential_scope = "/".join([*scope, "request"])
    text = "\n".join([ALGORITHM, headers["x-date"], credential_scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = pair.secret_key.encode()
    for part in (*scope, "request"):
        key = hmac.digest(key, part.encode(), hashlib.sha256)
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    return (
        f"{ALGORITHM} Credential={pair.access_key_id}/{credential_scope}, "
        f"SignedHeaders={';'.join(names)}, Signature={signature}"
    )


def canonical_query(query: Mapping[str, str]) -> str:
    """Return a query sorted by name, percent-encoded by RFC 3986."""
    return "&".join(f"{quote(name, safe='-_.~')}={quote(query[name], safe='-_.~')}" for name in sorted(query))


def read(status: int, body: bytes, now_s: float) -> ExpiringToken | Failure:
    """Return the key in a response, or the failure of a call that needs it."""
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        data = None
    error = find_error(data)
    if status >= 400 or error is not None:
        return refusal(status, error if error is not None else any_error(data))
    result = data.get("Result") if type(data) is dict else None
    key = result.get("ApiKey") if type(result) is dict else None
    if type(result) is not dict or type(key) is not str or not key.isascii() or not key.isprintable() or not key:
        wrong = Message("{vendor}'s control plane sent a response without a key.", vendor=TITLE)
        return Failure.of("overloaded", wrong, cause="error_in_200")
    ends = result.get("ExpiredTime")
    return ExpiringToken(key, float(ends) if type(ends) is int and ends > now_s else now_s + DURATION_S)


def refusal(status: int, error: Mapping[str, Any]) -> Failure:
    """Return the failure for an error of the control plane: a status of 500 and above means that it can't be used now."""
    kind = "overloaded" if status >= 500 else kind_of(EXCHANGE_FAILURES, status, error)[0]
    kind = "overloaded" if kind in ("rate_limited", "vendor_error") else kind
    kind = "forbidden" if kind in ("bad_request", "context", "inspection") else kind
    why = Message(
        "{vendor} issued no temporary key for the access key: its control plane answered {status}: {text}.",
        vendor=TITLE,
        status=status,
        text=re.sub(ACCOUNT, "[hidden]", message_of(error))[:300].rstrip("."),
    )
    return Failure.of(kind, why, cause="5xx" if kind == "overloaded" else None)


TOKEN_EXCHANGE = TokenExchange(
    key_names=("VOLC_ACCESSKEY", "VOLC_SECRETKEY"),
    issuers={"cn": TokenIssuer("https://ark.cn-beijing.volcengineapi.com", "cn-beijing")},
    request=request,
    read=read,
    refresh_s=30 * 60,
    required_s=10 * 60,
)
