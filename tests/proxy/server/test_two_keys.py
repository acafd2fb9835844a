"""Ambiguous keys: a repeated key, or two different ones, is a 400 before anything is served."""

from collections.abc import Sequence

import pytest

from tests.proxy.server.raw_client import chat, line, run, serving

KEY = "sk-client-00000001"
OTHER = "sk-client-00000002"
BEARER, AZURE = b"Authorization: Bearer %b", b"api-key: %b"


def status_of(*headers: bytes, keys: Sequence[str] = (KEY,), calls: int = 0) -> int:
    """Return the response to a chat with these headers; ``calls``: the number of requests that reach the vendor."""

    async def scene() -> int:
        async with serving(client_keys=list(keys)) as running, line(running.url) as caller:
            await caller.send(chat(*headers, model="gpt-4o"))
            answer = await caller.answer()
            assert answer is not None
            if answer.status != 200:
                assert answer.error["type"] == "invalid_request_error"
            if answer.status == 400:
                assert "Send one" in answer.error["message"]
                assert KEY not in answer.error["message"]
                assert OTHER not in answer.error["message"]
            await running.settled(calls)
            assert sum(ending["attempts"] for ending in running.lines) == calls
            return answer.status

    return run(scene())


def filled(template: bytes, key: str) -> bytes:
    return template % key.encode()


@pytest.mark.parametrize("template", [BEARER, AZURE, b"AUTHORIZATION: Bearer %b", b"authorization: Basic %b"])
@pytest.mark.parametrize(("first", "second"), [(KEY, OTHER), (OTHER, KEY), (KEY, KEY)])
def test_a_header_for_the_key_that_comes_twice_is_400(template: bytes, first: str, second: str) -> None:
    assert status_of(filled(template, first), filled(template, second), keys=[KEY, OTHER]) == 400


def test_that_holds_in_other_letters_and_without_client_keys_too() -> None:
    assert status_of(filled(BEARER, KEY), b"authorization: Bearer x") == 400
    assert status_of(filled(BEARER, KEY), filled(BEARER, KEY), keys=[]) == 400


@pytest.mark.parametrize(("bearer", "azure"), [(KEY, OTHER), (OTHER, KEY), (KEY, "x"), ("x", KEY)])
def test_two_headers_with_different_keys_are_400(bearer: str, azure: str) -> None:
    assert status_of(filled(BEARER, bearer), filled(AZURE, azure), keys=[KEY, OTHER]) == 400
    assert status_of(filled(AZURE, azure), filled(BEARER, bearer), keys=[KEY, OTHER]) == 400


@pytest.mark.parametrize(
    "headers",
    [
        (filled(BEARER, KEY),),
        (filled(AZURE, KEY),),
        (filled(BEARER, KEY), filled(AZURE, KEY)),
        (b"Authorization: Basic dTpw", filled(AZURE, KEY)),
        (filled(BEARER, KEY), b"api-key: "),
    ],
    ids=["bearer", "api-key", "both, the same", "a proxy's Basic and api-key", "an empty api-key"],
)
def test_one_key_is_served_in_whichever_header_and_in_both(headers: tuple[bytes, ...]) -> None:
    assert status_of(*headers, calls=1) == 200


def test_if_no_key_is_needed_both_headers_may_have_any_value() -> None:
    assert status_of(filled(BEARER, "anything"), filled(AZURE, "something"), keys=[], calls=1) == 200
