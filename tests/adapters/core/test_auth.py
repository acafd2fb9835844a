"""Signing of upstream calls with each kind of credential."""

import hashlib
import hmac
from dataclasses import replace

import pytest

from adapters.core.auth import Auth, Bearer, BearerToken, Credential, ExpiringToken, KeyPair
from adapters.core.wire import Call

CALL = Call(
    "POST", "http://office/v1/chat/completions", ((b"content-type", b"application/json"),), b"{}", streams=False
)


class SignedBody:
    """A scheme that signs the time and the body, as Tencent's and Baidu's native APIs do."""

    def sign(self, call: Call, credential: Credential, now_s: float) -> Call:
        if not isinstance(credential, KeyPair):
            raise TypeError("a key pair is needed")
        text = b"%d\n%b" % (now_s, call.body)
        signature = hmac.new(credential.secret_key.encode(), text, hashlib.sha256).hexdigest()
        value = f"id={credential.access_key_id}, time={now_s:.0f}, signature={signature}".encode()
        return replace(call, headers=(*call.headers, (b"authorization", value)))


class AccessToken:
    """A scheme that sends an issued token in the URL, as Baidu's first API did, and none that has expired."""

    def sign(self, call: Call, credential: Credential, now_s: float) -> Call:
        if not isinstance(credential, ExpiringToken) or credential.expires_at <= now_s:
            raise TypeError("a token that has not expired is needed")
        return replace(call, url=f"{call.url}?access_token={credential.value}")


def test_a_key_is_sent_as_a_bearer_token() -> None:
    assert (b"authorization", b"Bearer sk-1") in Bearer().sign(CALL, BearerToken("sk-1"), 0).headers


def test_a_server_without_keys_is_sent_no_header() -> None:
    assert Bearer().sign(CALL, BearerToken("none"), 0) == CALL


def test_an_issued_token_is_a_bearer_token_too() -> None:
    assert (b"authorization", b"Bearer t-1") in Bearer().sign(CALL, ExpiringToken("t-1", 60.0), 0).headers


def test_a_key_pair_is_no_bearer_token() -> None:
    with pytest.raises(TypeError, match="key pair"):
        Bearer().sign(CALL, KeyPair("AKID", "secret"), 0)


def test_a_key_pair_signs_a_call_and_its_secret_key_is_not_sent() -> None:
    auth: Auth = SignedBody()
    signed = auth.sign(CALL, KeyPair("AKID-1", "secret-1"), 1_700_000_000.0)
    value = dict(signed.headers)[b"authorization"].decode()
    assert value.startswith("id=AKID-1, time=1700000000, signature=")
    assert "secret-1" not in value
    assert signed != auth.sign(CALL, KeyPair("AKID-1", "secret-2"), 1_700_000_000.0)


def test_a_scheme_sees_when_its_token_expires() -> None:
    auth: Auth = AccessToken()
    token = ExpiringToken("t-1", expires_at=100.0)
    assert auth.sign(CALL, token, 99.0).url.endswith("?access_token=t-1")
    with pytest.raises(TypeError, match="expired"):
        auth.sign(CALL, token, 100.0)


@pytest.mark.parametrize("credential", [BearerToken("xyzzy"), KeyPair("AKID", "xyzzy"), ExpiringToken("xyzzy", 1.0)])
def test_the_text_of_a_credential_shows_no_secret(credential: Credential) -> None:
    assert "xyzzy" not in f"{credential!r} {credential}"
