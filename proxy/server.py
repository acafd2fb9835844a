"""Running the app under uvicorn, with the flags that a proxy wants."""

import gc

import uvicorn

from config.schema import Settings
from proxy.app import create_app
from proxy.kit import Kit
from proxy.services.upstream import Upstream


def run(settings: Settings) -> None:
    """Serve until a signal."""
    kit = Kit(settings, Upstream.over_the_network(settings.server.max_concurrency))
    app = create_app(kit)
    host, _, port = settings.server.listen.rpartition(":")
    gc.collect()
    gc.freeze()  # what is there now stays: the collector need not look at it again
    gc.set_threshold(50_000, 20, 20)
    uvicorn.run(
        app, host=host.strip("[]"), port=int(port), loop="uvloop", http="httptools", ws="none", log_level="warning",
        access_log=False, server_header=False, proxy_headers=False, timeout_keep_alive=75,
    )  # fmt: skip
