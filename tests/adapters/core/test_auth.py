"""Signing of upstream calls."""

from adapters.core.auth import Bearer
from adapters.core.wire import Call

CALL = Call(
    "POST", "http://office/v1/chat/completions", ((b"content-type", b"application/json"),), b"{}", streams=False
)


def test_a_key_leaves_as_a_bearer_token() -> None:
    assert (b"authorization", b"Bearer sk-1") in Bearer().sign(CALL, "sk-1", 0).headers


def test_a_server_that_has_no_keys_is_sent_none() -> None:
    assert Bearer().sign(CALL, "none", 0) == CALL
