"""The call that requests a temporary API key of Doubao, its signature, and its responses."""

import json
from typing import Any

import pytest

from adapters.core.auth import ExpiringToken, KeyPair, TokenIssuer, TokenScope
from adapters.core.failures import Failure
from adapters.vendors.doubao.table import DOUBAO
from adapters.vendors.doubao.token_exchange import DURATION_S, host_of, read, request, sign

NOW = 1_790_000_000.0
PAIR = KeyPair("AKLTxxxxxxxx0001", "c2VjcmV0LWtleS0wMDAwMDAx")
ISSUER = TokenIssuer("https://ark.cn-beijing.volcengineapi.com", "cn-beijing")


def test_the_signature_is_that_of_the_vendors_example() -> None:
    """https://www.volcengine.com/docs/6369/67269, the example of a POST request with JSON."""
    pair = KeyPair(
        "AKLTYWViMTVmZGYzM2E0NDI5Mzk2MDZjNjFmMjc2MjRjMzg",
        "WkRZeE1EQmxPVGhsWWpWak5HVmtNbUUxTXpZeU9UVXlOMlE1TmpZeVlqTQ==",
    )
    headers = {"host": "billing.volcengineapi.com", "x-date": "20250329T180937Z"}
    query = {"Version": "2022-01-01", "Action": "ListBill"}
    body = b'{"Limit":10,"BillPeriod":"2023-08"}'
    signed = sign("POST", "/", query, headers, body, pair, ("20250329", "cn-beijing", "billing"))
    assert signed == (
        "HMAC-SHA256 Credential=AKLTYWViMTVmZGYzM2E0NDI5Mzk2MDZjNjFmMjc2MjRjMzg/20250329/cn-beijing/billing/request, "
        "SignedHeaders=host;x-date, Signature=5e8480ceea12d0000a23c054151c50dd02c1a7dec835004057d19f13d53a7658"
    )


@pytest.mark.parametrize(
    ("resource", "project", "sent"),
    [
        ("ep-20240601120000-abcde", "", {"ResourceType": "endpoint"}),
        ("ep-20240601120000-abcde", "team", {"ResourceType": "endpoint", "ProjectName": "team"}),
        ("ep-m-20250101120000-abcde", "", {"ResourceType": "presetendpoint", "ProjectName": "default"}),
        ("doubao-seed-1-6-251015", "", {"ResourceType": "presetendpoint", "ProjectName": "default"}),
        ("doubao-seed-1-6-251015", "team", {"ResourceType": "presetendpoint", "ProjectName": "team"}),
        ("bot-20250101120000-abcde", "", {"ResourceType": "bot"}),
    ],
)
def test_the_type_of_a_resource_is_taken_from_its_id(resource: str, project: str, sent: dict[str, str]) -> None:
    call = request(PAIR, ISSUER, TokenScope(resource, project), NOW)
    assert json.loads(call.body) == {"DurationSeconds": DURATION_S, "ResourceIds": [resource], **sent}


def test_the_call_is_signed_and_has_no_secret_key() -> None:
    call = request(PAIR, ISSUER, TokenScope("ep-1", ""), NOW)
    headers = {name.decode(): value.decode() for name, value in call.headers}
    assert call.url == "https://ark.cn-beijing.volcengineapi.com/?Action=GetApiKey&Version=2024-01-01"
    assert headers["x-date"] == "20260921T141320Z"
    assert headers["authorization"].startswith(
        "HMAC-SHA256 Credential=AKLTxxxxxxxx0001/20260921/cn-beijing/ark/request, "
        "SignedHeaders=content-type;host;x-content-sha256;x-date, Signature="
    )
    assert PAIR.secret_key not in repr(call)


@pytest.mark.parametrize("change", ["secret", "body", "host", "time", "path"])
def test_the_signature_covers(change: str) -> None:
    def signature(pair: KeyPair, issuer: TokenIssuer, resource: str, now: float) -> bytes:
        return dict(request(pair, issuer, TokenScope(resource, ""), now).headers)[b"authorization"]

    usual = signature(PAIR, ISSUER, "ep-1", NOW)
    other = {
        "secret": signature(KeyPair(PAIR.access_key_id, "another"), ISSUER, "ep-1", NOW),
        "body": signature(PAIR, ISSUER, "ep-2", NOW),
        "host": signature(PAIR, TokenIssuer("https://elsewhere.example", "cn-beijing"), "ep-1", NOW),
        "time": signature(PAIR, ISSUER, "ep-1", NOW + 1),
        "path": signature(PAIR, TokenIssuer(f"{ISSUER.url}/x", "cn-beijing"), "ep-1", NOW),
    }[change]
    assert other != usual


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://a.example", "a.example"),
        ("https://a.example:443/x", "a.example"),
        ("http://127.0.0.1:80", "127.0.0.1"),
        ("http://127.0.0.1:8000", "127.0.0.1:8000"),
    ],
)
def test_the_usual_port_is_not_signed(url: str, host: str) -> None:
    assert host_of(url) == host


def answer(**result: Any) -> bytes:
    return json.dumps({"ResponseMetadata": {"RequestId": "1", "Action": "GetApiKey"}, "Result": result}).encode()


def refusal(code: str, message: str = "No.") -> bytes:
    return json.dumps({"ResponseMetadata": {"RequestId": "1", "Error": {"Code": code, "Message": message}}}).encode()


def test_a_key_is_read_with_its_end() -> None:
    assert read(200, answer(ApiKey="k-1", ExpiredTime=1_790_086_400), NOW) == ExpiringToken("k-1", 1_790_086_400.0)


@pytest.mark.parametrize("ends", [0, 1_700_000_000, None, "soon"])
def test_a_key_without_a_future_end_is_kept_as_long_as_was_requested(ends: Any) -> None:
    assert read(200, answer(ApiKey="k-1", ExpiredTime=ends), NOW) == ExpiringToken("k-1", NOW + DURATION_S)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, refusal("SignatureDoesNotMatch"), "key_refused"),
        (401, refusal("InvalidAccessKey"), "key_refused"),
        (400, refusal("InvalidTimestamp"), "key_refused"),
        (400, refusal("InvalidCredential"), "key_refused"),
        (403, refusal("AccessDenied"), "forbidden"),
        (400, refusal("SomethingNew"), "forbidden"),
        (404, refusal("NotFound.Endpoint"), "model_not_found"),
        (429, refusal("FlowLimitExceeded"), "overloaded"),
        (500, refusal("InternalError"), "overloaded"),
        (503, refusal("ServiceUnavailableTemp"), "overloaded"),
        (502, b"<html>", "overloaded"),
        (200, refusal("InternalServiceTimeout"), "overloaded"),
        (200, b"<html>", "overloaded"),
        (200, b"[]", "overloaded"),
        (200, answer(), "overloaded"),
        (200, answer(ApiKey="two\nlines"), "overloaded"),
        (200, answer(ApiKey=7), "overloaded"),
    ],
)
def test_a_response_without_a_key_is_a_failure(status: int, body: bytes, kind: str) -> None:
    failure = read(status, body, NOW)
    assert isinstance(failure, Failure)
    assert failure.kind == kind


def test_the_account_is_hidden_in_a_refusal() -> None:
    text = "User is not authorized to perform: ark:GetApiKey on resource: trn:ark:cn-beijing:2100000001:endpoint/ep-1."
    failure = read(403, refusal("AccessDenied", text), NOW)
    assert isinstance(failure, Failure)
    assert "2100000001" not in failure.message
    assert "ark:GetApiKey on resource: [hidden]" in failure.message


def test_the_vendor_names_the_variables_and_when_a_key_is_replaced() -> None:
    exchange = DOUBAO.token_exchange
    assert exchange is not None
    assert exchange.key_names == ("VOLC_ACCESSKEY", "VOLC_SECRETKEY")
    assert (exchange.refresh_s, exchange.required_s) == (1800, 600)
    assert set(exchange.issuers) <= set(DOUBAO.base_urls)
