"""``banjia serve`` for the chaos run, which at SIGUSR1 also writes its held resources.

``instance.py CONFIG HOLDINGS [LOG_BYTES]``

``LOG_BYTES``: the most bytes queued for standard output, instead of the default of 4 MiB.
"""

import asyncio
import gc
import json
import signal
import sys
from pathlib import Path
from typing import Any

import proxy.lifecycle.run
from proxy import cli
from proxy.app_state import AppState
from proxy.observability import log_writer
from proxy.upstream.http_client.pool import HttpTransport

MINUTE_S = 1.0
"""What vendors call a minute, scaled down like the timeouts: some of the faults say that the calls a minute are used up."""


class ReportingState(AppState):
    """An application state that records its held resources."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.limiters.window_s, self.limiters.slack_s = MINUTE_S, 0.1
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, self.tell_holdings)

    def tell_holdings(self) -> None:
        """Write tasks, requests in progress and slots of the pool. The file is written atomically."""
        gc.collect()
        transport = self.upstream._direct
        assert isinstance(transport, HttpTransport)
        idle = sum(len(wires) for wires in transport._idle.values())
        holdings = {
            "tasks": len(asyncio.all_tasks()),
            "active": self.active,
            "waiting": len(transport._waiters),
            "in_use": len(transport._connections) - idle,
            "lost_slots": self.snapshot.settings.server.max_concurrency
            - transport._free_slots
            - len(transport._connections),
        }
        target = Path(sys.argv[2])
        draft = target.with_suffix(".draft")
        draft.write_text(json.dumps(holdings))
        draft.replace(target)


if __name__ == "__main__":
    vars(proxy.lifecycle.run)["AppState"] = ReportingState
    for log_bytes in sys.argv[3:]:
        vars(log_writer)["MAX_BYTES"] = int(log_bytes)
    cli.main(["serve", "-c", sys.argv[1]], standalone_mode=False)
