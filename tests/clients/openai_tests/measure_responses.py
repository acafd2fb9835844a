"""Runs the tests of Responses and Conversations of OpenAI's client against a mock, directly and through banjia.

    python -m tests.clients.openai_tests.measure_responses SOURCE MOCK

``SOURCE`` and ``MOCK`` are as in :mod:`tests.clients.openai_tests.measure`. The mock is the chat vendor behind banjia; ids and
state are banjia's own, so the plugin ``stored_objects`` creates what the tests name. Prints both results. Exit code 1 if
a test fails through banjia, except one that fails directly too and is in ``NOT_READABLE``.
"""

import re
import socket
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

from tests.clients.openai_tests.measure import (
    banjia_command,
    free_port,
    mock_command,
    name_of,
    outcomes,
    run_tests,
    say,
    served,
)

TESTS = ("test_responses.py", "responses", "test_conversations.py", "conversations")
NOT_READABLE = re.compile(r"\.test_\w+_compact(_with_all_params)?\[")
"""The client's type for a compacted conversation has no messages of a user, which OpenAI's description has in its example."""
CONFIG = """version: 1
server: {{listen: "127.0.0.1:{port}", admin_listen: "off"}}
vendors:
  mock: {{kind: openai_compatible, base_url: "{url}", api_key: none}}
  silent: {{kind: openai_compatible, base_url: "{silent}", api_key: none}}
models:
  silent: silent/anything
  "*": mock/anything
"""
LISTS = "--validator-query-array-format=brackets"
"""How the client sends lists in a query."""
PLUGIN = Path(__file__).with_name("stored_objects.py")
OPTIONS = ("-o", "addopts=", "-o", "junit_family=xunit1", *(f"tests/api_resources/{name}" for name in TESTS))
"""Not the client's own options, which need several processes; and a report that has the properties of tests."""


def main(source: Path, mock: str) -> int:
    """Return exit code 0 if every test passes through banjia that can pass."""
    with tempfile.TemporaryDirectory() as folder, socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(100)  # it accepts connections and never answers: responses of this vendor stay in progress
        config, report = Path(folder, "banjia.yaml"), Path(folder, "report.xml")
        port, between_port = free_port(), free_port()
        url, between_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{between_port}/v1"
        with served(mock_command(mock, port, LISTS), port):
            silent_url = f"http://127.0.0.1:{silent.getsockname()[1]}"
            config.write_text(CONFIG.format(url=url, silent=silent_url, port=between_port))
            direct = outcomes(run_tests(source, url, report, *OPTIONS))
            with served(banjia_command(config), between_port):
                plugin = ("-p", PLUGIN.stem, *OPTIONS)
                cases = list(run_tests(source, between_url, report, *plugin, path=str(PLUGIN.parent)))
    between = outcomes(cases)
    say(f"{len(direct)} tests of Responses and Conversations: {words(direct)} without banjia; {words(between)} with it")
    refused = Counter(refused_of(case) for case in cases if between[name_of(case)] == "passed")
    say(f"{refused.pop('', 0)} pass with banjia as they are")
    for members, count in sorted(refused.items()):
        say(f"{count} pass after the documented 400 for {members}, once the request is changed there")
    failed = sorted(name for name, word in between.items() if word != "passed")
    both = [name for name in failed if direct.get(name) == "failed" and NOT_READABLE.search(name)]
    say(f"{len(both)} fail with and without banjia, because the client cannot read a compacted conversation")
    wrong = [name for name in failed if name not in both]
    for name in wrong:
        say(f"differs: {name}: {direct.get(name)} without banjia, {between[name]} with it")
    return 1 if wrong or not direct or direct.keys() != between.keys() else 0


def words(found: Mapping[str, str]) -> str:
    """Return how many tests had each result."""
    return ", ".join(f"{count} {word}" for word, count in sorted(Counter(found.values()).items(), reverse=True))


def refused_of(case: ElementTree.Element) -> str:
    """Return what banjia refused of the test's request: the property that the plugin sets."""
    return next((str(found.get("value")) for found in case.iter("property") if found.get("name") == "refused"), "")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
