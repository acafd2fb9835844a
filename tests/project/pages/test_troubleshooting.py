"""The symptoms in docs/troubleshooting.md occur: messages, proxies, wrong regions, empty answers."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.project.pages.documents import BLOCKS, ROOT
from tests.project.pages.terminal import SHOWN_KEY, Terminal, terminal, vendors_to_call

PAGE = ROOT / "docs" / "troubleshooting.md"
TEXT = PAGE.read_text(encoding="utf-8")
SOURCES = "\n".join(path.read_text("utf-8") for part in ("proxy", "config") for path in (ROOT / part).rglob("*.py"))
ASK = """
import openai
client = openai.OpenAI(max_retries=0)
try:
    print(client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "Hi"}]).model)
except openai.APIConnectionError:
    print("could not connect")
"""


@pytest.fixture(scope="module")
def vendors() -> Iterator[str]:
    with vendors_to_call() as environment:
        yield environment


@pytest.fixture
def reader(vendors: str, tmp_path: Path) -> Iterator[Terminal]:
    with terminal(tmp_path, vendors) as opened:
        opened.run(f"export MOONSHOT_API_KEY={SHOWN_KEY}")
        yield opened


def test_proxies_come_first() -> None:
    first = re.findall(r"^## (.+)$", TEXT, re.MULTILINE)[0]
    assert first == "First: proxies in the environment"


@pytest.mark.parametrize(
    "message",
    [
        "no vendor API key is set", "unknown variable", "can't listen on",
        "and no client key is set", "and no admin_token is set", "does not exist", "Did you mean", "No configured vendor serves it. Set an API key of",
        "valid key, wrong region", "connecting to vendors", "Requests of web pages from '", "Requests with the Origin '", "Requests to the host '", "Web pages from '",
    ],
)  # fmt: skip
def test_a_message_that_the_page_quotes_is_one_that_is_written(message: str) -> None:
    assert message in TEXT
    assert message in SOURCES


def test_the_sdk_sends_calls_to_this_machine_through_a_proxy_until_no_proxy_excepts_it(reader: Terminal) -> None:
    assert reader.run("banjia serve").returncode == 0
    reader.run(f"export OPENAI_BASE_URL=http://{reader.at}/v1 OPENAI_API_KEY=anything HTTP_PROXY=http://127.0.0.1:9")
    assert reader.python(ASK).stdout == "could not connect\n"
    [_, shown] = [block for block in BLOCKS if block.page == PAGE][1].code.splitlines()
    assert shown.startswith("export NO_PROXY=")
    reader.run(shown)
    assert reader.python(ASK).stdout == "gpt-4o\n"


def test_banjia_env_prints_the_line_wherever_a_proxy_is_set(reader: Terminal) -> None:
    assert "NO_PROXY" not in reader.run("banjia env").stdout
    assert "NO_PROXY=127.0.0.1,localhost" in reader.run("HTTP_PROXY=http://10.0.0.1:3128 banjia env").stdout


def test_the_reasons_that_the_page_shows_are_those_of_explain(reader: Terminal) -> None:
    [shown] = [block.code for block in BLOCKS if block.page == PAGE and "temperature" in block.code]
    request = '{"model": "gpt-4o", "temperature": 0.2, "messages": [{"role": "user", "content": "Hi"}]}'
    printed = reader.run(f"echo '{request}' | banjia explain -").stdout
    assert all(line in printed for line in shown.splitlines())


def test_a_server_without_a_key_lists_the_variables_it_looked_for_and_exits(reader: Terminal) -> None:
    done = reader.run("unset MOONSHOT_API_KEY; banjia serve")
    assert done.returncode == 2
    assert "looked for DASHSCOPE_API_KEY" in done.stdout


def test_the_start_shows_the_outbound_proxy_as_on_the_page(reader: Terminal) -> None:
    [shown] = [block.code for block in BLOCKS if block.page == PAGE and block.code.startswith("connecting to vendors")]
    done = reader.run("BANJIA_VENDORS__KIMI__PROXY=http://10.0.0.1:3128 banjia serve")
    assert shown in done.stdout
