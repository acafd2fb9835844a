"""Counts the instructions that one request costs the proxy, with valgrind's callgrind: a figure without noise.

The proxy serves a short and a long run under callgrind; the difference of both, per request, excludes the startup.

    python -m bench.instructions [--tree PATH] [--requests 300]
"""

import argparse
import contextlib
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import orjson

ROOT = Path(__file__).parents[1]
SHORT = 100
"""Requests of the short run, enough for all one-time work."""
CONFIG = """
server: {{listen: "127.0.0.1:{port}", admin_listen: "off"}}
vendors:
  mock: {{kind: openai_compatible, base_url: "http://127.0.0.1:{vendor}/v1", api_key: "none"}}
models: {{gpt-4o: mock/bench-upstream}}
"""
QUESTION, STREAMED = "a question", "<n=64 gap=0>"
BODIES = {
    "request": ("chat/completions", {"messages": [{"role": "user", "content": QUESTION}]}),
    "stream": ("chat/completions", {"messages": [{"role": "user", "content": STREAMED}], "stream": True}),
    "response": ("responses", {"input": QUESTION, "store": False}),
    "response stream": ("responses", {"input": STREAMED, "stream": True, "store": False}),
    "stored response": ("responses", {"input": QUESTION}),
}
"""Path and body of each kind of request."""


def free_port() -> int:
    """Return a free port on loopback."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@contextlib.contextmanager
def process(command: list[str], cwd: Path, port: int) -> Iterator[None]:
    """Run a server until the block ends; enter the block when it accepts connections."""
    environ = {**os.environ, "PYTHONHASHSEED": "0"}
    child = subprocess.Popen(  # noqa: S603 - commands of this file
        command, cwd=cwd, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        deadline = time.monotonic() + 300
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            if child.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command[0]} does not listen on port {port}")
            time.sleep(0.1)
        yield
    finally:
        child.send_signal(signal.SIGTERM)
        child.communicate(timeout=120)


def ask(port: int, kind: str, requests: int) -> None:
    """Send requests in sequence over one connection, each in one write, and read each complete response."""
    path, fields = BODIES[kind]
    body = orjson.dumps({"model": "gpt-4o", **fields})
    head = b"POST /v1/%b HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n" % path.encode()
    sent = head + b"content-length: %d\r\n\r\n" % len(body) + body
    with socket.create_connection(("127.0.0.1", port), 120) as sock:
        for _ in range(requests):
            sock.sendall(sent)
            response = http.client.HTTPResponse(sock)
            response.begin()
            if response.status != 200 or not response.read():
                raise RuntimeError(f"status {response.status}")


def instructions(tree: Path, kind: str, requests: int) -> int:
    """Return the instructions of a proxy that starts, serves these requests and stops."""
    port, vendor = free_port(), free_port()
    with tempfile.TemporaryDirectory() as folder:
        config, out = Path(folder, "banjia.yaml"), Path(folder, "callgrind.out")
        config.write_text(CONFIG.format(port=port, vendor=vendor))
        valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"]
        serve = [sys.executable, "-m", "proxy", "serve", "-c", str(config)]
        mock = [sys.executable, "-m", "bench.mock", "--port", str(vendor)]
        with process(mock, ROOT, vendor), process([*valgrind, *serve], tree, port):
            ask(port, kind, requests)
        found = re.search(r"^(?:summary|totals): (\d+)", out.read_text(), re.MULTILINE)
        assert found is not None
        return int(found[1])


def main() -> None:
    """Print the instructions of each kind of request; a stream has 64 events."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tree", type=Path, default=ROOT, help="the checkout to measure")
    parser.add_argument("--requests", type=int, default=300, help="requests of the long run beyond the short one")
    parser.add_argument("--kinds", nargs="+", choices=BODIES, default=["request", "stream"])
    given = parser.parse_args()
    for kind in given.kinds:
        short = instructions(given.tree, kind, SHORT)
        long = instructions(given.tree, kind, SHORT + given.requests)
        print(f"{kind}: {(long - short) // given.requests:,} instructions")  # noqa: T201 - a program for the terminal


if __name__ == "__main__":
    main()
