"""The keys of a configured vendor."""

from pydantic import SecretStr

from adapters.core.auth import BearerToken
from proxy.credentials.pool import VendorKey


def test_a_key_has_the_credential_that_its_calls_are_signed_with_made_once() -> None:
    key = VendorKey(SecretStr("sk-000000000000abcd"))
    assert key.credential == BearerToken("sk-000000000000abcd")
    assert key.credential is key.credential


def test_neither_a_key_nor_its_credential_shows_the_secret() -> None:
    assert "sk-000000000000abcd" not in repr(VendorKey(SecretStr("sk-000000000000abcd")))


def test_two_keys_with_the_same_secret_are_two_keys() -> None:
    assert VendorKey(SecretStr("sk-1")) != VendorKey(SecretStr("sk-1"))
