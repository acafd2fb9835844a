"""A server that is killed at any moment under load, with its state in a SQLite file."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.killed_server import kills_under_load

KILLS, SMOKE_KILLS = 200, 10
MOST_READY_S = 5.0


@pytest.mark.timeout(3000)
def test_nothing_that_was_confirmed_is_lost_and_every_chain_continues(
    tmp_path: Path, smoke: bool, record_property: Callable[[str, Any], None]
) -> None:
    kills = SMOKE_KILLS if smoke else KILLS
    seen = asyncio.run(kills_under_load(tmp_path, kills))
    record_property(
        f"{kills} kills", f"{seen.confirmed} responses confirmed, {seen.background} in the background, 0 lost"
    )
    record_property("ready after a kill", f"{max(seen.ready_s):.1f} s at most")
    if not smoke:
        assert max(seen.ready_s) <= MOST_READY_S
