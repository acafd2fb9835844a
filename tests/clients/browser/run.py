"""A page in Chromium calls the proxy through ``server.cors_origins``; the same page of another origin cannot.

    python -m tests.clients.browser.run CHROMIUM [FOLDER-OF-OPENAI'S-NODE-SDK]

Two origins serve the same page, and two proxies use one emulator: one requires a client key, one does not. Exit code 1 if
the page of the listed origin does not see what an app outside a browser would, or if the other page sees anything.
"""

import argparse
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.support.client_stage import Stage, target_of

HERE = Path(__file__).parent
HANGS_S = 120
"""After this time a browser that has found nothing is ended."""
VENDOR = "kimi"
CLIENT_KEY = "sk-client-00000001"
SAID = "You said: Hello"
READ = ["x-request-id", "x-banjia-target", "openai-processing-ms"]

LISTED: Mapping[str, Any] = {
    "fetch, whole": [200, SAID, READ],
    "fetch, streamed": [200, SAID, True],
    "fetch as plain text, without a preflight": [200, SAID, READ],
    "fetch with a key, whole": [200, SAID, READ],
    "fetch with a key, streamed": [200, SAID, True],
    "fetch without a key": [401, None, True],
    "fetch with a wrong key": [401, "invalid_api_key", True],
    "fetch of what is not served": [404, "not_supported", True],
    "fetch of the models": 200,
}
"""What the page of the listed origin sees."""
LISTED_SDK: Mapping[str, Any] = {
    "SDK, whole": [SAID, True],
    "SDK, streamed": SAID,
    "SDK, with a wrong key": ["AuthenticationError", 401, "invalid_api_key"],
    "SDK, models": True,
}
BLOCKED = "TypeError: Failed to fetch"
"""Chromium's messages for a response that the page may not read, and for a request that it may not send."""
BLOCKED_SDK: Mapping[str, Any] = {
    **dict.fromkeys(LISTED_SDK, "Error: Connection error."),
    "SDK, with a wrong key": ["APIConnectionError", None, None],
}


class Page(SimpleHTTPRequestHandler):
    """Serves the page and the SDK, and receives the page's results."""

    extensions_map = {".mjs": "text/javascript", ".html": "text/html"}  # noqa: RUF012 - as the base class has it

    def __init__(self, *args: Any, sdk: Path | None, found: "queue.Queue[Any]", **named: Any) -> None:
        self._sdk = sdk
        self._found = found
        super().__init__(*args, directory=str(HERE), **named)

    def translate_path(self, path: str) -> str:
        if self._sdk is not None and path.startswith("/openai/"):
            self.directory = str(self._sdk)
            path = path.removeprefix("/openai")
        else:
            self.directory = str(HERE)
        return super().translate_path(path)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.send_response(204)
        self.end_headers()
        self._found.put(json.loads(body))

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def pages(sdk: Path | None, found: "queue.Queue[Any]") -> Iterator[str]:
    """Serve the page on a separate origin, which is yielded."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Page, sdk=sdk, found=found)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def look(chromium: str, url: str, found: "queue.Queue[Any]") -> dict[str, Any]:
    """Return the results of the page at this address. Raises ``queue.Empty``, with the browser's output, without any."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home, tempfile.TemporaryFile() as output:
        command = [
            chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--disable-background-networking", "--no-proxy-server", f"--user-data-dir={home}",
            "--remote-debugging-port=0", url,
        ]  # fmt: skip
        environment = {**os.environ, "HOME": home}
        browser = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
        try:
            seen: dict[str, Any] = found.get(timeout=HANGS_S)
        except queue.Empty:
            output.seek(0)
            sys.stderr.write(output.read().decode(errors="replace")[-4000:])
            raise
        finally:
            with suppress(ProcessLookupError):
                os.killpg(browser.pid, signal.SIGKILL)  # it is the first of a group of its own
            browser.wait()
    return seen


def tell(line: str) -> None:
    """A line on standard output."""
    sys.stdout.write(f"{line}\n")


def differences(what: str, expected: Mapping[str, Any], seen: Mapping[str, Any]) -> list[str]:
    """Return one line for each call with an unexpected result; print one line for each call."""
    wrong = []
    for name in dict.fromkeys([*expected, *seen]):
        same = name in seen and seen[name] == expected.get(name)
        tell(f"{'ok   ' if same else 'WRONG'} {what}: {name}: {json.dumps(seen.get(name), ensure_ascii=False)}")
        if not same:
            wrong.append(f"{what}: {name}: {seen.get(name)!r} in place of {expected.get(name)!r}")
    return wrong


def play(chromium: str, sdk: Path | None) -> list[str]:
    """Return the unexpected results."""
    found: queue.Queue[Any] = queue.Queue()
    with ExitStack() as stack:
        stage = Stage()
        stack.callback(stage.close)
        listed, other = (stack.enter_context(pages(sdk, found)) for _ in range(2))
        server = {"cors_origins": [listed]}
        fronts = {
            "open": stack.enter_context(stage.front(stage.settings(VENDOR, server=server))),
            "keyed": stack.enter_context(
                stage.front(stage.settings(VENDOR, server={**server, "client_keys": [CLIENT_KEY]}))
            ),
        }
        query = {name: front.running.url for name, front in fronts.items()}
        query |= {"key": CLIENT_KEY, **({"sdk": "yes"} if sdk else {})}
        wrong = []
        seen = look(chromium, f"{listed}/page.html?{urlencode(query)}", found)
        wrong += differences("listed", {**LISTED, **(LISTED_SDK if sdk else {})}, seen)
        calls = stage.emulators[VENDOR].requests
        expected = 5 + 2 * (sdk is not None)
        if len(calls) != expected:
            wrong.append(f"listed: {len(calls)} calls reached the vendor in place of {expected}")
        calls.clear()
        seen = look(chromium, f"{other}/page.html?{urlencode(query)}", found)
        wrong += differences("not listed", {**dict.fromkeys(LISTED, BLOCKED), **(BLOCKED_SDK if sdk else {})}, seen)
        if calls:
            wrong.append(f"not listed: {len(calls)} calls reached the vendor ({target_of(VENDOR)})")
        wrong += [what for front in fronts.values() for what in front.running.violations]
    return wrong


def main() -> int:
    """Run it. Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("chromium")
    parser.add_argument("sdk", nargs="?", type=Path)
    given = parser.parse_args()
    wrong = play(given.chromium, given.sdk)
    for line in wrong:
        tell(f"wrong: {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
