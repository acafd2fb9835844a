"""Measures the longest callback for a large body, and the memory that a mix of large bodies takes.

With ``--smoke`` the time is compared with a control, because the speed of the machine is not known.
"""

import gc
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.proxy.body_limits.test_large_bodies import MIB, Site, all_answers, all_bodies, large_mix, listed, site
from tests.proxy.server.raw_client import run_within

MOST_CPU_S = 0.25
"""The most processor time of one callback, for any body that is accepted or refused."""
MOST_CONTROLS = 6.0
"""The same as a multiple of the control: with room for what other work on the machine does to either."""
LIMIT, MOST_RESIDENT = 512 * MIB, 480 * MIB


def control_s() -> float:
    """Return the processor time of parsing the most values that a body may have: the least of three runs."""
    body, took = listed(b"[]", 990_000), []
    gc.disable()
    for _ in range(3):
        began = time.process_time()
        orjson.loads(body)
        took.append(time.process_time() - began)
    gc.enable()
    return min(took)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("send_all", [all_bodies, all_answers])
def test_no_callback_takes_long(
    send_all: Callable[[Site, int], Awaitable[dict[str, float]]],
    tmp_path: Path,
    smoke: bool,
    record_property: Callable[[str, Any], None],
) -> None:
    async def scene() -> dict[str, float]:
        async with site(tmp_path, 8 * 1024 * MIB) as running:
            return await send_all(running, 2)

    took = run_within(scene(), 500)
    worst = max(took, key=lambda name: took[name])
    record_property(f"longest callback, {send_all.__name__} ({worst})", f"{took[worst]:.3f} s of CPU")
    most = MOST_CONTROLS * control_s() if smoke else MOST_CPU_S
    record_property(f"at most, {send_all.__name__}", f"{most:.3f} s")
    assert took[worst] < most, f"{worst}: {took[worst]:.3f} s, at most {most:.3f} s"


@pytest.mark.timeout(600)
def test_no_mix_reaches_the_memory_limit(tmp_path: Path, record_property: Callable[[str, Any], None]) -> None:
    resident, came = run_within(large_mix(LIMIT, tmp_path), 500)
    record_property("most memory under a limit of 512 MiB", f"{resident / MIB:.0f} MiB")
    assert resident < MOST_RESIDENT
    assert came[200], "some are served"
    assert came[503], "others get 503"


@pytest.mark.timeout(600)
def test_where_no_limit_is_near_every_body_of_the_mix_is_served(tmp_path: Path, smoke: bool) -> None:
    """The control run; the smoke run has two of its rounds, as the core tests have."""
    _, came = run_within(large_mix(16 * 1024 * MIB, tmp_path, every=6 if smoke else 1), 500)
    assert set(came) == {200}
