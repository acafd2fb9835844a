"""Reloads under load, at full size."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.proxy.lifecycle.test_reload import reloads_under_load

RELOADS, SMOKE_RELOADS = 2000, 20


@pytest.mark.timeout(600)
def test_reloads_under_load_fail_no_request(
    tmp_path: Path, smoke: bool, record_property: Callable[[str, Any], None]
) -> None:
    reloads = SMOKE_RELOADS if smoke else RELOADS
    answered = asyncio.run(reloads_under_load(tmp_path / "banjia.yaml", reloads))
    record_property(f"{reloads} reloads", f"{answered} requests complete, 0 failed")
