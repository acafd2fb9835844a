"""What a client reads about a key that its vendor refused, or that it requires."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from pydantic import SecretStr

from adapters.core.failures import Failure
from adapters.core.message import Message
from adapters.core.model import Model
from adapters.core.vendor import Target
from adapters.registry import BY_NAME
from proxy.app_state import AppState
from proxy.attempts.failure_text import describe
from proxy.credentials.pool import VendorKey

STATE = cast(AppState, SimpleNamespace(redact=lambda text: text, redact_message=lambda message: message))


def text(vendor: str, key: str, **failure: Any) -> str:
    row = BY_NAME[vendor]
    target = Target("mine", row, Model("m"), "https://vendor.example/v1")
    refused = Failure.of("key_refused", Message("The reply."))._replace(**failure)
    return str(describe(refused, target, VendorKey(SecretStr(key)), "cn", STATE).message)


def test_a_server_that_wants_a_key_says_which_entry_lacks_it() -> None:
    assert text("ollama", "none") == "Ollama requires an API key (vendor 'mine'): set api_key. The reply."


@pytest.mark.parametrize(("vendor", "regions"), [("kimi", True), ("deepseek", False)])
def test_a_refused_key_is_named_by_its_end_and_regions_only_where_there_are_several(vendor: str, regions: bool) -> None:
    said = text(vendor, "sk-0123456789abcdef")
    assert "the key ending in cdef (vendor 'mine')" in said
    assert ("region (cn)" in said) is regions


def test_other_failures_keep_their_text() -> None:
    assert text("kimi", "sk-0123456789abcdef", kind="bad_request") == "The reply."
