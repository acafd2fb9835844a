"""A blocked event loop is detected, logged once with its stack, and counted."""

import asyncio
import ctypes
import logging
import sys
import time
from collections.abc import Callable

import pytest

from proxy.observability.loop_monitor import LoopMonitor

TICK_S, STALL_S = 0.01, 0.25


def watched(happens: Callable[[], object], times: int = 1, stall_s: float = STALL_S) -> LoopMonitor:
    """A loop on which something happens that many times, with a pause after each."""
    watch = LoopMonitor(tick_s=TICK_S, stall_s=stall_s)

    async def scene() -> None:
        watch.start()
        await asyncio.sleep(3 * TICK_S)
        for _ in range(times):
            happens()
            await asyncio.sleep(3 * TICK_S)
        watch.stop()

    asyncio.run(scene())
    return watch


def a_blocking_call() -> None:
    secret = "sk-canary-0123456789"
    time.sleep(3 * STALL_S)
    assert secret


def test_a_blocking_call_is_reported_once_with_its_place_and_no_value(caplog: pytest.LogCaptureFixture) -> None:
    watch = watched(a_blocking_call)
    [record] = caplog.records
    text = record.getMessage()
    assert "has been blocked" in text
    assert f"{__file__}:" in text
    assert "a_blocking_call" in text
    assert "canary" not in text
    assert watch.stalls == 1
    assert watch.lag.sum >= STALL_S


def test_each_stall_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    assert watched(a_blocking_call, times=2).stalls == 2
    assert len(caplog.records) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="usleep is a function of the C library of Linux and macOS")
def test_a_call_that_keeps_every_thread_from_running_is_reported_afterwards(caplog: pytest.LogCaptureFixture) -> None:
    usleep = ctypes.PyDLL(None).usleep  # called without letting other threads run
    assert watched(lambda: usleep(int(3e6 * STALL_S))).stalls == 1
    assert len(caplog.records) == 1


def test_a_loop_that_answers_is_not_spoken_of(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    watch = watched(lambda: None, times=3, stall_s=30)
    assert watch.stalls == 0
    assert sum(watch.lag.counts) >= 3
    assert [record for record in caplog.records if record.name == "banjia"] == []
