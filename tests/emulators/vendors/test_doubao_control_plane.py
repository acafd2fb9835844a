"""Doubao's control plane: signatures, and temporary keys that are accepted for their resources until they expire."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest

import emulators
from emulators import Emulator
from emulators.core.http import HttpRequest
from emulators.core.responses import Response
from emulators.doubao import Doubao
from tests.emulators.helpers import Json, Raw, send, with_emulator

NOW = 1_789_459_200.0
"""2026-09-15T08:00:00Z, when the requests below are signed."""
DATE = "20260915T080000Z"
ACCESS_KEY, SECRET_KEY = "AKLTemulatedDoubao0001", "emulated-doubao-secret-0001"
ENDPOINT = "ep-20260701123456-abcde"
WANTED: Json = {"DurationSeconds": 3600, "ResourceType": "endpoint", "ResourceIds": [ENDPOINT]}
QUERY = "Action=GetApiKey&Version=2024-01-01"
BY_THE_SDK = HttpRequest(
    "POST",
    "/",
    QUERY,
    {
        "content-type": "application/json",
        "host": "ark.cn-beijing.volcengineapi.com",
        "x-sdk-invocation-id": "00000000-0000-4000-8000-000000000000",
        "x-sdk-request": "attempt=1; max=4",
        "x-date": DATE,
        "x-content-sha256": "59a3dc46a55c3b4ca92ea26711b720d5dc35cbbf0dc55475fccf9be86a59d0c5",
        "authorization": (
            f"HMAC-SHA256 Credential={ACCESS_KEY}/20260915/cn-beijing/ark/request, SignedHeaders=content-type;host;"
            "x-content-sha256;x-date;x-sdk-invocation-id;x-sdk-request, "
            "Signature=1b53e390c68c257af209a9efe623aa5474b04aa80ca79815855c327277452d01"
        ),
    },
    b'{"DurationSeconds": 3600, "ResourceIds": ["ep-20260701123456-abcde"], "ResourceType": "endpoint"}',
)
"""A request that volcengine-python-sdk 5.0.54 signed."""


def signed(
    wanted: Any = WANTED,
    *,
    query: str = QUERY,
    method: str = "POST",
    names: str = "host;x-content-sha256;x-date",
    access_key: str = ACCESS_KEY,
    secret_key: str = SECRET_KEY,
    region: str = "cn-beijing",
    service: str = "ark",
    date: str = DATE,
    host: str = "ark.cn-beijing.volcengineapi.com",
) -> HttpRequest:
    """Sign a request as the vendor's page shows it. The query must be in its canonical form."""
    body = wanted if isinstance(wanted, bytes) else orjson.dumps(wanted)
    digest = hashlib.sha256(body).hexdigest()
    headers = {"host": host, "x-content-sha256": digest, "x-date": date, "content-type": "application/json"}
    lines = "".join(f"{name}:{headers[name]}\n" for name in names.split(";"))
    canonical = f"{method}\n/\n{query}\n{lines}\n{names}\n{digest}"
    scope = f"{date[:8]}/{region}/{service}/request"
    text = "\n".join(["HMAC-SHA256", date, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = secret_key.encode()
    for part in (date[:8], region, service, "request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    credential = f"Credential={access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
    return HttpRequest(method, "/", query, {**headers, "authorization": f"HMAC-SHA256 {credential}"}, body)


def with_headers(request: HttpRequest, **headers: str) -> HttpRequest:
    """Return the request with other headers; an empty one is left out."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return replace(request, headers={name: value for name, value in (request.headers | names).items() if value})


def vendor_at(now: float = NOW) -> Doubao:
    return Doubao({}, clock=lambda: now)


def replied(vendor: Doubao, request: HttpRequest) -> tuple[int, Json]:
    reply = vendor.answer(request)
    body = reply.body if isinstance(reply, Response) else reply.whole()
    return reply.status, orjson.loads(body)


def asked(key: str, model: str, path: str = "/api/v3/chat/completions") -> HttpRequest:
    body = {"model": model, "messages": [{"role": "user", "content": "Hi"}]}
    return HttpRequest("POST", path, "", {"authorization": f"Bearer {key}"}, orjson.dumps(body))


def test_a_request_that_the_vendors_sdk_signed_is_answered_with_a_key() -> None:
    status, body = replied(vendor_at(), BY_THE_SDK)
    assert status == 200
    metadata = body["ResponseMetadata"]
    assert (metadata["Action"], metadata["Version"]) == ("GetApiKey", "2024-01-01")
    assert (metadata["Service"], metadata["Region"]) == ("ark", "cn-beijing")
    assert set(body["Result"]) == {"ApiKey", "ExpiredTime"}
    assert body["Result"]["ExpiredTime"] == int(NOW) + 3600


@pytest.mark.parametrize(
    "request_",
    [
        signed(),
        signed(names="content-type;host;x-content-sha256;x-date"),
        signed(names="host;x-date"),
        with_headers(signed(names="host;x-date"), x_content_sha256=""),
        with_headers(signed(host="127.0.0.1"), host="127.0.0.1:443"),
        signed(date="20260915T074500Z"),
        signed(date="20260915T081500Z"),
        replace(signed(), query="Version=2024-01-01&Action=GetApiKey"),
        with_headers(signed(names="host;x-date"), content_type="application/json; charset=UTF-8"),
    ],
    ids=[
        "as on the vendor's page",
        "as in the SDK",
        "the least headers",
        "no hash of the body",
        "a default port",
        "fifteen minutes ago",
        "fifteen minutes ahead",
        "the query in another order",
        "a character set",
    ],
)
def test_a_correct_signature_is_accepted(request_: HttpRequest) -> None:
    assert replied(vendor_at(), request_)[0] == 200


def tampered(change: Callable[[str], str]) -> HttpRequest:
    return with_headers(BY_THE_SDK, authorization=change(BY_THE_SDK.headers["authorization"]))


WRONG: list[tuple[str, HttpRequest, int, str, int]] = [
    ("no signature", with_headers(signed(), authorization=""), 400, "InvalidCredential", 100025),
    ("a key", with_headers(signed(), authorization="Bearer sk-1"), 400, "InvalidAuthorization", 100024),
    ("AWS", tampered(lambda text: f"AWS4-{text}"), 400, "InvalidAuthorization", 100024),
    ("short", tampered(lambda text: text[:-1]), 400, "InvalidAuthorization", 100024),
    ("scope", tampered(lambda text: text.replace("/request", "/aws4_request")), 400, "InvalidCredential", 100025),
    ("access key", signed(access_key="AKLTother"), 401, "InvalidAccessKey", 100009),
    ("secret key", signed(secret_key="other"), 401, "SignatureDoesNotMatch", 100010),
    ("an AWS4 key", signed(secret_key=f"AWS4{SECRET_KEY}"), 401, "SignatureDoesNotMatch", 100010),
    (
        "the region of the scope",
        tampered(lambda text: text.replace("cn-", "us-")),
        401,
        "SignatureDoesNotMatch",
        100010,
    ),
    ("the body", replace(BY_THE_SDK, body=BY_THE_SDK.body + b" "), 401, "SignatureDoesNotMatch", 100010),
    (
        "the hash alone",
        with_headers(signed(names="host;x-date"), x_content_sha256="0" * 64),
        401,
        "SignatureDoesNotMatch",
        100010,
    ),
    ("the query", replace(BY_THE_SDK, query=f"{QUERY}&More=1"), 401, "SignatureDoesNotMatch", 100010),
    ("the method", replace(BY_THE_SDK, method="PUT"), 401, "SignatureDoesNotMatch", 100010),
    ("the host", with_headers(BY_THE_SDK, host="example.invalid"), 401, "SignatureDoesNotMatch", 100010),
    (
        "a signed header",
        with_headers(BY_THE_SDK, x_sdk_request="attempt=2; max=4"),
        401,
        "SignatureDoesNotMatch",
        100010,
    ),
    ("a signed header, absent", with_headers(BY_THE_SDK, x_sdk_request=""), 401, "SignatureDoesNotMatch", 100010),
    ("host is not signed", signed(names="x-content-sha256;x-date"), 401, "SignatureDoesNotMatch", 100010),
    ("x-date is not signed", signed(names="host;x-content-sha256"), 401, "SignatureDoesNotMatch", 100010),
    ("the names are not sorted", signed(names="x-date;host"), 401, "SignatureDoesNotMatch", 100010),
    ("no date", with_headers(signed(), x_date=""), 400, "MissingRequestInfo", 100004),
    ("another date", with_headers(signed(), x_date="20260915T080001Z"), 401, "SignatureDoesNotMatch", 100010),
    ("another form of date", signed(date="2026-09-15T08:00:00Z"), 400, "InvalidTimestamp", 100006),
    ("too old", signed(date="20260915T074459Z"), 400, "InvalidTimestamp", 100006),
    ("too new", signed(date="20260915T081501Z"), 400, "InvalidTimestamp", 100006),
    ("service", signed(service="iam"), 404, "ServiceNotFound", 100007),
    ("region", signed(region="cn-shanghai"), 404, "ServiceNotFound", 100007),
    ("no action", signed(query="Version=2024-01-01"), 400, "MissingParameter", 100002),
    ("action", signed(query="Action=GetKey&Version=2024-01-01"), 404, "InvalidActionOrVersion", 100008),
    ("version", signed(query="Action=GetApiKey&Version=2020-01-01"), 404, "InvalidActionOrVersion", 100008),
    ("method", signed(method="GET"), 404, "InvalidActionOrVersion", 100008),
    ("another's endpoint", signed({**WANTED, "ResourceIds": ["ep-1"]}), 403, "AccessDenied", 100013),
]


@pytest.mark.parametrize(
    ("request_", "status", "code", "number"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG]
)
def test_a_wrong_signature_or_operation_is_refused_with_its_common_error(
    request_: HttpRequest, status: int, code: str, number: int
) -> None:
    answered, body = replied(vendor_at(), request_)
    error = body["ResponseMetadata"]["Error"]
    assert (answered, error["Code"], error["CodeN"]) == (status, code, number)
    assert "Result" not in body


BAD: list[tuple[str, Any, str]] = [
    ("no JSON", b"{", "InvalidParameter.Body"),
    ("a list", [], "InvalidParameter.Body"),
    ("a type as a list", {**WANTED, "ResourceType": ["endpoint"]}, "InvalidParameter.ResourceType"),
    ("an id as an object", {**WANTED, "ResourceIds": [{}]}, "InvalidParameter.ResourceIds"),
    ("a project as a number", {**WANTED, "ProjectName": 1}, "InvalidParameter.ProjectName"),
    ("no duration", {**WANTED, "DurationSeconds": None}, "MissingParameter.DurationSeconds"),
    ("a longer duration", {**WANTED, "DurationSeconds": 2_592_001}, "InvalidParameter.DurationSeconds"),
    ("a negative duration", {**WANTED, "DurationSeconds": -1}, "InvalidParameter.DurationSeconds"),
    ("a duration as text", {**WANTED, "DurationSeconds": "60"}, "InvalidParameter.DurationSeconds"),
    ("no type", {"DurationSeconds": 60, "ResourceIds": [ENDPOINT]}, "MissingParameter.ResourceType"),
    ("another type", {**WANTED, "ResourceType": "model"}, "InvalidParameter.ResourceType"),
    ("another id's type", {**WANTED, "ResourceType": "bot"}, "InvalidParameter.ResourceIds"),
    ("a model as an endpoint", {**WANTED, "ResourceIds": ["doubao-seed-1-6-250615"]}, "InvalidParameter.ResourceIds"),
    ("no ids", {"DurationSeconds": 60, "ResourceType": "endpoint"}, "MissingParameter.ResourceIds"),
    ("an empty list", {**WANTED, "ResourceIds": []}, "InvalidParameter.ResourceIds"),
    ("an id as text", {**WANTED, "ResourceIds": ENDPOINT}, "InvalidParameter.ResourceIds"),
    (
        "a preset endpoint without a project",
        {**WANTED, "ResourceType": "presetendpoint", "ResourceIds": ["doubao-seed-1-6-250615"]},
        "MissingParameter.ProjectName",
    ),
    ("an empty project", {**WANTED, "ProjectName": " "}, "InvalidParameter.ProjectName"),
]


@pytest.mark.parametrize(("wanted", "code"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_a_parameter_of_get_api_key_is_refused_with_its_name(wanted: Any, code: str) -> None:
    status, body = replied(vendor_at(), signed(wanted))
    assert (status, body["ResponseMetadata"]["Error"]["Code"]) == (400, code)


def key_for(vendor: Doubao, *resources: str, duration_s: int = 3600) -> str:
    kind = "endpoint" if resources[0].startswith("ep-2") else "presetendpoint"
    wanted = {"DurationSeconds": duration_s, "ResourceType": kind, "ResourceIds": resources, "ProjectName": "default"}
    return str(replied(vendor, signed(wanted))[1]["Result"]["ApiKey"])


@pytest.mark.parametrize("resource", [ENDPOINT, "ep-m-20260915123456-abcde", "doubao-seed-1-6-250615"])
def test_a_temporary_key_is_accepted_for_its_resource_only(resource: str) -> None:
    vendor = vendor_at()
    key = key_for(vendor, resource)
    assert replied(vendor, asked(key, resource))[0] == 200
    status, body = replied(vendor, asked(key, "doubao-seed-1-8-251228"))
    assert (status, body["error"]["code"]) == (403, "AccessDenied")
    listing = HttpRequest("GET", "/api/v3/models", "", {"authorization": f"Bearer {key}"}, b"")
    assert replied(vendor, listing)[0] == 403


def test_over_a_socket_a_key_is_made_at_the_root_of_the_port_and_taken_by_chat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(emulators.VENDORS, "doubao", lambda environ: Doubao(environ, clock=lambda: NOW))
    made = signed(host="emulator")

    async def main(emulator: Emulator) -> tuple[Raw, Raw]:
        first = await send(emulator, made.body, f"//?{QUERY}", headers=made.headers)
        bearer = {"authorization": f"Bearer {first.json['Result']['ApiKey']}"}
        return first, await send(emulator, orjson.loads(asked("", ENDPOINT).body), headers=bearer)

    first, second = with_emulator("doubao", main)
    assert first.json["ResponseMetadata"]["RequestId"] == first.headers["x-request-id"]
    assert (second.status, second.json["model"]) == (200, "doubao-seed-2-1-pro-260628")


def test_a_temporary_key_may_be_for_several_resources_and_each_request_makes_another() -> None:
    vendor = vendor_at()
    both = (ENDPOINT, "ep-20250201123456-abcde")
    first, second = key_for(vendor, *both), key_for(vendor, *both)
    assert first != second
    assert [replied(vendor, asked(key, one))[0] for key in (first, second) for one in both] == [200] * 4


def test_a_temporary_key_is_refused_from_its_expiry_on() -> None:
    now = [NOW]
    vendor = Doubao({}, clock=lambda: now[0])
    key = key_for(vendor, ENDPOINT, duration_s=60)
    now[0] = NOW + 59.9
    assert replied(vendor, asked(key, ENDPOINT))[0] == 200
    now[0] = NOW + 60
    status, body = replied(vendor, asked(key, ENDPOINT))
    assert (status, body["error"]["code"]) == (401, "AuthenticationError")


def test_the_access_key_is_taken_from_the_environment_and_is_no_bearer_key() -> None:
    vendor = Doubao({"VOLC_ACCESSKEY": "AKLTmine", "VOLC_SECRETKEY": "mine"}, clock=lambda: NOW)
    assert replied(vendor, signed(access_key="AKLTmine", secret_key="mine"))[0] == 200
    assert replied(vendor, BY_THE_SDK)[0] == 401
    assert replied(vendor, asked("AKLTmine", ENDPOINT))[0] == 401


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("error_500", 500, "InternalError"),
        ("overloaded", 500, "InternalError"),
        ("rate_limit", 429, "FlowLimitExceeded"),
        ("bad_key", 401, "InvalidAccessKey"),
        ("quota", 403, "AccessDenied"),
    ],
)
def test_a_fault_of_the_control_plane_has_its_form_of_error(fault: str, status: int, code: str) -> None:
    async def main(emulator: Emulator) -> Raw:
        return await send(emulator, WANTED, f"//?{QUERY}")

    answer = with_emulator("doubao", main, faults=[fault])
    assert (answer.status, answer.json["ResponseMetadata"]["Error"]["Code"]) == (status, code)
