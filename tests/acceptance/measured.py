"""A proxy in a separate process that measures itself, under a memory limit set by fake system files.

``python -m tests.acceptance.measured PORT_OF_VENDOR LIMIT_BYTES DIRECTORY`` prints its URL, and for each line on standard input
the loop's longest callback since the previous line (CPU seconds) and the peak of resident memory (bytes).
"""

import asyncio
import json
import resource
import sys
import threading
import time
from pathlib import Path
from typing import Any

import uvicorn

from config.schema import Settings
from proxy.app import create_app
from proxy.app_state import AppState
from proxy.lifecycle.run import bind, freeze, url_of
from proxy.lifecycle.shutdown import GracefulServer
from proxy.observability.memory_guard import MemoryGuard, limit_of_this_machine, reader_of_this_machine
from proxy.server.protocol import GuardedHttpProtocol
from proxy.upstream.client import Upstream

longest = 0.0
where = ""
most_resident = 0


def measure_callbacks() -> None:
    """Measure the processor time of each callback of the loop."""
    run = asyncio.events.Handle._run

    def timed(handle: asyncio.Handle) -> None:
        global longest, where
        what = repr(handle)
        began = time.thread_time()
        run(handle)
        took = time.thread_time() - began
        if took > longest:
            longest, where = took, what

    asyncio.events.Handle._run = timed  # type: ignore[assignment,method-assign]


def resident() -> int:
    """Return the resident memory, in bytes."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()


def lay_out(root: Path, limit: int) -> Path:
    """Create the files of a version 2 control group with this limit; return the file with the current usage."""
    for path, text in {
        "proc/self/cgroup": "0::/\n", "proc/meminfo": "MemTotal: 8388608 kB\nMemAvailable: 8388608 kB\n",
        "sys/fs/cgroup/memory.max": f"{limit}\n", "sys/fs/cgroup/memory.current": "0\n",
        "sys/fs/cgroup/memory.stat": "anon 0\n",
    }.items():  # fmt: skip
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="ascii")
    return root / "sys/fs/cgroup/memory.current"


def watch(reported: Path) -> None:
    """Update the current usage, as the kernel would, and record its peak. Runs in a separate thread."""
    global most_resident
    while True:
        now = resident()
        most_resident = max(most_resident, now)
        reported.write_text(f"{now}\n", encoding="ascii")
        time.sleep(0.005)


def report(state: AppState) -> dict[str, Any]:
    """Return the measurements since the last report."""
    global longest, where, most_resident
    reported = {
        "longest_s": longest,
        "where": where[:300],
        "most_bytes": most_resident,
        "held_bytes": state.budget.held,
    }
    longest, where, most_resident = 0.0, "", 0
    return reported


async def main(vendor: str, limit: int, root: Path) -> None:
    """Serve until standard input ends."""
    threading.Thread(target=watch, args=(lay_out(root, limit),), daemon=True).start()
    entry = {"kind": "openai_compatible", "api_key": "sk-0000000000000001", "base_url": vendor}
    kimi = {"api_key": "sk-0000000000000001", "base_url": vendor}
    settings = Settings.model_validate({"vendors": {"office": entry, "kimi": kimi, "ernie": kimi, "hunyuan": kimi}})
    memory = MemoryGuard(reader_of_this_machine(root), limit_of_this_machine(root))
    state = AppState(settings, Upstream.over_the_network(1000), lambda ending: None, memory=memory)
    sock = bind("127.0.0.1:0")

    def ready() -> None:
        freeze()
        sys.stdout.write(f"{url_of(sock)}\n")
        sys.stdout.flush()

    server = GracefulServer(
        uvicorn.Config(create_app(state), http=GuardedHttpProtocol, ws="none", log_level="warning", access_log=False, server_header=False,
                       proxy_headers=False, timeout_graceful_shutdown=1),
        ready,
    )  # fmt: skip
    served = asyncio.create_task(server.serve([sock]))
    while await asyncio.to_thread(sys.stdin.readline):
        sys.stdout.write(json.dumps(report(state)) + "\n")
        sys.stdout.flush()
    state.draining = True
    server.should_exit = True
    await served


if __name__ == "__main__":
    measure_callbacks()
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))
