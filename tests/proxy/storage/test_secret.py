"""Names of tenants and keys of seals are derived from a secret, and reveal neither the key nor each other."""

import hashlib
import hmac
import random
import stat
import subprocess
import sys
import threading
import tracemalloc
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.storage.interface import StoreError
from proxy.storage.secret import ANONYMOUS, MAX_SEAL, MAX_SEALED, ServerSecret, read_or_make_secret
from tests.support.effort import examples

KEY_HASH = hashlib.sha256(b"sk-client-one-0000001").digest()


def test_one_server_gives_a_client_key_the_same_name_each_time() -> None:
    secret = ServerSecret()
    assert secret.tenant(KEY_HASH) == secret.tenant(KEY_HASH)
    assert secret.tenant(KEY_HASH) != secret.tenant(KEY_HASH[::-1])
    assert len(secret.tenant(KEY_HASH)) == 32
    assert secret.tenant(b"") == ANONYMOUS == "-"


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


def test_a_sealed_text_is_read_for_its_tenant_and_kind_only() -> None:
    secret = ServerSecret(b"s" * 32)
    sealed = secret.seal("tenant", "reasoning", "I think. 我想。" * 100)
    assert sealed.startswith("bj1.")
    assert len(sealed) < 400  # compressed
    assert secret.unseal("tenant", "reasoning", sealed) == "I think. 我想。" * 100
    assert ServerSecret(b"s" * 32).unseal("tenant", "reasoning", sealed) == "I think. 我想。" * 100
    assert secret.unseal("tenan", "treasoning", sealed) is None
    assert secret.unseal("other", "reasoning", sealed) is None
    assert secret.unseal("tenant", "compaction", sealed) is None
    assert ServerSecret(b"t" * 32).unseal("tenant", "reasoning", sealed) is None


def test_two_seals_of_one_text_differ_and_contain_none_of_it() -> None:
    secret = ServerSecret()
    first, second = (secret.seal("t", "k", "secret thought") for _ in range(2))
    assert first != second
    assert b"secret" not in urlsafe_b64decode(first[4:] + "==")
    assert secret.unseal("t", "k", secret.seal("t", "k", "")) == ""


def test_no_changed_seal_is_read() -> None:
    secret = ServerSecret(b"s" * 32)
    sealed = secret.seal("t", "k", "text")

    @settings(max_examples=examples(300), deadline=None)
    @given(st.integers(0, len(sealed) - 1), st.characters(max_codepoint=0x2FF))
    def check(at: int, character: str) -> None:
        changed = sealed[:at] + character + sealed[at + 1 :]
        assert (secret.unseal("t", "k", changed) == "text") == (changed == sealed)
        assert secret.unseal("t", "k", sealed[:at]) is None
        assert secret.unseal("t", "k", sealed + character) is None

    check()


def test_a_seal_with_one_changed_bit_or_without_its_end_is_not_read() -> None:
    secret = ServerSecret(b"s" * 32)
    sealed = secret.seal("t", "k", "text")
    packed = urlsafe_b64decode(sealed[4:] + "=" * (-len(sealed[4:]) % 4))
    assert len(packed) == 24 + len(zlib.compress(b"text")) + 16

    def read(changed: bytes) -> str | None:
        return secret.unseal("t", "k", "bj1." + urlsafe_b64encode(changed).rstrip(b"=").decode())

    assert read(packed) == "text"
    for at in range(len(packed)):
        for bit in range(8):
            assert read(packed[:at] + bytes([packed[at] ^ 1 << bit]) + packed[at + 1 :]) is None
        assert read(packed[:at]) is None
        assert read(packed[at + 1 :]) is None
    assert read(packed + b"\0") is None


def test_any_text_is_no_seal_and_raises_nothing() -> None:
    secret = ServerSecret()

    @settings(max_examples=examples(200), deadline=None)
    @given(st.text(), st.binary(max_size=60))
    def check(text: str, data: bytes) -> None:
        assert secret.unseal("t", "k", text) is None
        assert secret.unseal("t", "k", "bj1." + text) is None
        assert secret.unseal("t", "k", "bj1." + urlsafe_b64encode(data).rstrip(b"=").decode()) is None

    check()


def test_the_longest_text_is_sealed_and_a_longer_one_neither_sealed_nor_read(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = ServerSecret()
    longest = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz", k=MAX_SEALED))
    assert secret.unseal("t", "k", secret.seal("t", "k", longest)) == longest
    with pytest.raises(ValueError, match="at most"):
        secret.seal("t", "k", longest + "x")
    exact = secret.seal("t", "k", "x" * MAX_SEALED)
    monkeypatch.setattr("proxy.storage.secret.MAX_SEALED", MAX_SEALED - 1)
    assert secret.unseal("t", "k", exact) is None
    assert secret.unseal("t", "k", "bj1." + "A" * 10_000_000) is None


def test_a_seal_that_decompresses_to_more_than_the_limit_is_not_read_and_takes_no_memory_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    secret = ServerSecret()
    assert secret.unseal("t", "k", secret.seal("t", "k", "x")) == "x"  # loads the library
    with monkeypatch.context() as patch:
        patch.setattr("proxy.storage.secret.MAX_SEALED", 32 * 1024 * 1024)
        bomb = secret.seal("t", "k", "x" * (32 * 1024 * 1024))
    assert len(bomb) < MAX_SEAL
    tracemalloc.start()
    try:
        assert secret.unseal("t", "k", bomb) is None
        assert tracemalloc.get_traced_memory()[1] < 4 * MAX_SEALED
    finally:
        tracemalloc.stop()


def test_the_library_for_seals_is_loaded_with_the_first_seal() -> None:
    code = (
        "import sys; from proxy.storage.secret import ServerSecret; s = ServerSecret(); s.tenant(b'x'); s.unseal('t', 'k', 'x');"
        "assert 'nacl' not in sys.modules; s.seal('t', 'k', 'x'); assert 'nacl' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_secret_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    secret = read_or_make_secret(folder)
    assert len(secret) == 32
    assert read_or_make_secret(folder) == secret
    assert [(file.name, stat.S_IMODE(file.stat().st_mode)) for file in folder.iterdir()] == [("secret", 0o600)]
    assert read_or_make_secret(tmp_path / "other") != secret


def test_processes_that_start_together_use_one_secret(tmp_path: Path) -> None:
    for number in range(10):
        folder = tmp_path / str(number)
        together = threading.Barrier(4)

        def start(folder: Path = folder, together: threading.Barrier = together) -> bytes:
            together.wait()
            return read_or_make_secret(folder)

        with ThreadPoolExecutor(4) as pool:
            assert len({future.result() for future in [pool.submit(start) for _ in range(4)]}) == 1
        assert [file.name for file in folder.iterdir()] == ["secret"]


def test_a_short_or_unreadable_secret_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"short")
    with pytest.raises(StoreError, match="5 bytes instead of 32"):
        read_or_make_secret(tmp_path)
    (tmp_path / "secret").unlink()
    (tmp_path / "secret").mkdir()
    with pytest.raises(StoreError, match="cannot be read"):
        read_or_make_secret(tmp_path)
