"""The environment of ``tests/clients/sdk`` with the client of 2023. Without that client nothing here is collected."""

from collections.abc import Callable, Iterator
from importlib.metadata import version

import pytest

from tests.clients.sdk.conftest import _stage, _started, stage, start, vendor
from tests.clients.sdk028.client import Site, openai
from tests.support.client_stage import KEY, Front, Stage

__all__ = ["_stage", "_started", "site", "stage", "start", "vendor"]

collect_ignore_glob = [] if version("openai").startswith("0.28.") else ["test_*.py"]


@pytest.fixture
def site(stage: Stage, vendor: str, start: Callable[..., Front], monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A vendor behind a proxy, and the client set up as an application of 2023 does: by the module's own members."""
    front = start(vendor)
    monkeypatch.setattr(openai, "api_key", KEY)
    monkeypatch.setattr(openai, "api_base", front.base_url)
    site = Site(vendor, stage.emulators[vendor], front)
    with site.session(monkeypatch):
        yield site
