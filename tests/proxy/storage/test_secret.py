"""Names of tenants are derived from a secret, and reveal neither the key nor each other."""

import hashlib
import hmac

from proxy.storage.secret import ServerSecret

KEY_HASH = hashlib.sha256(b"sk-client-one-0000001").digest()


def test_one_server_gives_a_client_key_the_same_name_each_time() -> None:
    secret = ServerSecret()
    assert secret.tenant(KEY_HASH) == secret.tenant(KEY_HASH)
    assert secret.tenant(KEY_HASH) != secret.tenant(KEY_HASH[::-1])
    assert secret.tenant(KEY_HASH) != secret.tenant(b"")


def test_another_server_gives_it_another_name() -> None:
    assert ServerSecret().tenant(KEY_HASH) != ServerSecret().tenant(KEY_HASH)
    assert ServerSecret(b"s" * 32).tenant(KEY_HASH) == ServerSecret(b"s" * 32).tenant(KEY_HASH)


def test_the_name_does_not_contain_the_hash() -> None:
    assert KEY_HASH.hex()[:8] not in ServerSecret().tenant(KEY_HASH)


def test_keys_are_derived_as_in_rfc_5869_and_differ_by_label() -> None:
    secret = ServerSecret(b"s" * 32)
    extracted = hmac.new(b"\0" * 32, b"s" * 32, hashlib.sha256).digest()
    assert secret.derive("tenant") == hmac.new(extracted, b"banjia tenant\x01", hashlib.sha256).digest()
    assert secret.derive("tenant") != secret.derive("seal")
