"""What requests of the Responses API get while the store fails: ``store.on_failure`` decides about those that only write."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.client_stage import Stage, adapted

ASK = {"model": "gpt-4o", "input": "hi"}


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    made = Stage()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(params=["open", "closed"])
def failing(request: pytest.FixtureRequest, stage: Stage, tmp_path: Path) -> Iterator[tuple[str, Any]]:
    """The mode, and a function that posts a body to a proxy whose SQLite file was deleted."""
    store = {"url": f"sqlite:{tmp_path}/store/banjia.db", "on_failure": request.param}
    with (
        stage.front({**stage.settings("qwen"), "store": store}) as front,
        httpx2.Client(trust_env=False, timeout=60) as client,
    ):
        for file in (tmp_path / "store").glob("banjia.db*"):
            file.unlink()
        stage.reset()
        yield request.param, lambda body: client.post(f"{front.base_url}/responses", json=body)


def test_a_response_that_cannot_be_stored_says_so_or_costs_no_call(failing: tuple[str, Any], stage: Stage) -> None:
    mode, post = failing
    answer = post(ASK)
    calls = len(stage.emulators["qwen"].requests)
    if mode == "open":
        assert answer.status_code == 200
        assert answer.json()["store"] is False
        assert adapted(answer)["store"] == "dropped"
        assert calls == 1
    else:
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "server_is_overloaded"
        assert answer.headers["x-should-retry"] == "true"
        assert calls == 0


def test_a_response_that_is_not_to_be_stored_is_served(failing: tuple[str, Any]) -> None:
    answer = failing[1]({**ASK, "store": False})
    assert answer.status_code == 200
    assert "store" not in adapted(answer)


@pytest.mark.parametrize(
    "state",
    [{"previous_response_id": "resp_1"}, {"conversation": "conv_1"}, {"background": True}],
    ids=["chain", "conversation", "background"],
)
def test_a_request_that_needs_the_store_gets_503(failing: tuple[str, Any], state: Any, stage: Stage) -> None:
    answer = failing[1]({**ASK, **state})
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "server_is_overloaded"
    assert stage.emulators["qwen"].requests == []
