"""The memory guard: how it measures, and how the server and the pipeline react."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from proxy.observability.memory_guard import MemoryGuard, reader_of_this_machine
from tests.proxy.server.raw_client import LIVEZ, chat, line, run, serving

GIB = 1024**3
MEMINFO = "MemTotal:       8388608 kB\nMemFree:  1 kB\nMemAvailable:   2097152 kB\n"
V2, V1 = "0::/app/banjia\n", "5:cpu:/\n4:memory:/docker/abc\n0::/\n"

TREES: dict[str, tuple[Mapping[str, str], float | None]] = {
    "nothing known": ({}, None),
    "the machine": ({"proc/meminfo": MEMINFO}, 0.75),
    "v2 without a limit": ({"proc/self/cgroup": V2, "sys/fs/cgroup/app/banjia/memory.max": "max\n",
                            "proc/meminfo": MEMINFO}, 0.75),
    "v2": ({"proc/self/cgroup": V2, "proc/meminfo": MEMINFO, "sys/fs/cgroup/app/banjia/memory.max": f"{GIB}\n",
            "sys/fs/cgroup/app/banjia/memory.current": f"{GIB // 2}\n"}, 0.5),
    "v2, the limit above": ({"proc/self/cgroup": V2, "proc/meminfo": MEMINFO, "sys/fs/cgroup/app/memory.max": f"{GIB}",
                             "sys/fs/cgroup/app/memory.current": f"{GIB // 4}"}, 0.25),
    "v2, seen from inside": ({"proc/self/cgroup": "0::/\n", "proc/meminfo": MEMINFO, "sys/fs/cgroup/memory.max": f"{GIB}",
                              "sys/fs/cgroup/memory.current": f"{GIB // 2}"}, 0.5),
    "v2, mostly files": ({"proc/self/cgroup": "0::/\n", "proc/meminfo": MEMINFO, "sys/fs/cgroup/memory.max": f"{GIB}",
                          "sys/fs/cgroup/memory.current": f"{GIB}",
                          "sys/fs/cgroup/memory.stat": f"anon 1\ninactive_file {GIB // 4 * 3}\n"}, 0.25),
    "v1": ({"proc/self/cgroup": V1, "proc/meminfo": MEMINFO,
            "sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes": f"{GIB}",
            "sys/fs/cgroup/memory/docker/abc/memory.usage_in_bytes": f"{GIB // 2}"}, 0.5),
    "v1, seen from inside": ({"proc/self/cgroup": V1, "proc/meminfo": MEMINFO,
                              "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{GIB}",
                              "sys/fs/cgroup/memory/memory.usage_in_bytes": f"{GIB // 2}"}, 0.5),
    "v1 without a limit": ({"proc/self/cgroup": V1, "proc/meminfo": MEMINFO,
                            "sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes": "9223372036854771712"}, 0.75),
}  # fmt: skip


@pytest.mark.parametrize("name", TREES)
def test_the_tightest_limit_that_is_known_counts(name: str, tmp_path: Path) -> None:
    files, share = TREES[name]
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)

    assert reader_of_this_machine(tmp_path)() == share


@pytest.mark.parametrize(
    ("share", "tight", "full"), [(None, False, False), (0.919, False, False), (0.92, True, False), (0.95, True, True)]
)
def test_what_a_share_means(share: float | None, tight: bool, full: bool) -> None:
    memory = MemoryGuard(lambda: share)

    assert memory.check() is (share is not None)
    assert (memory.tight, memory.full) == (tight, full)


def test_it_looks_again_and_again_but_not_where_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.observability.memory_guard.CHECK_EVERY_S", 0.01)

    async def looks(share: float | None) -> int:
        count = 0

        def reader() -> float | None:
            nonlocal count
            count += 1
            return share

        memory = MemoryGuard(reader)
        memory.start()
        while share is not None and count < 3:
            await asyncio.sleep(0.005)
        memory.close()
        before = count
        await asyncio.sleep(0.05)
        assert count == before
        return count

    assert run(looks(0.1)) >= 3
    assert run(looks(None)) == 1


def test_connections_are_not_kept_when_memory_is_tight_and_new_work_is_refused_when_it_is_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("proxy.observability.memory_guard.CHECK_EVERY_S", 0.01)
    share = 0.5

    async def scene() -> None:
        nonlocal share
        memory = MemoryGuard(lambda: share)
        async with serving(memory=memory) as running:

            async def seen(tight: bool, full: bool) -> None:
                while (memory.tight, memory.full) != (tight, full):
                    await asyncio.sleep(0.005)

            async def send(sent: bytes) -> tuple[int, bool, str | None]:
                async with line(running.url) as caller:
                    await caller.send(sent)
                    answer = await caller.answer()
                    assert answer is not None
                    reported = answer.error["code"] if answer.status >= 400 else None
                    assert (answer.status < 400) or b"\r\nretry-after: 1\r\n" in answer.head
                    return answer.status, b"connection: close" not in answer.head, reported

            assert await send(chat()) == (200, True, None)
            share = 0.93
            await seen(tight=True, full=False)
            assert await send(chat()) == (200, False, None)
            assert await send(LIVEZ) == (200, False, None)
            share = 0.96
            await seen(tight=True, full=True)
            assert await send(chat()) == (503, False, "server_is_overloaded")
            assert await send(LIVEZ) == (200, False, None)
            share = 0.5
            await seen(tight=False, full=False)
            assert await send(chat()) == (200, True, None)

    run(scene())
