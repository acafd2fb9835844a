"""What the documentation shows is true: its code blocks run, its commands exist, its links lead somewhere."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.load import load
from proxy.cli import main as cli
from tests.project.documents import BLOCKS, PAGES, READMES, ROOT, SHELLS, Block, commands, headings, links, prose
from tests.project.manifests import documents, is_compose, is_kubernetes, mistakes, with_secrets

KINDS = {*SHELLS, "yaml", "json", "python", "text"}
SHOWN_ADDRESS = "http://127.0.0.1:8080"


def of(*kinds: str) -> pytest.MarkDecorator:
    """The tested blocks of these languages."""
    found = [block for block in BLOCKS if block.kind in kinds and block.untested is None]
    return pytest.mark.parametrize("block", found, ids=str)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where a proxy with emulated vendors serves, started as a newcomer would: ``banjia demo``."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("BANJIA_")}
    command = [sys.executable, "-u", "-m", "proxy", "demo"]
    with subprocess.Popen(command, cwd=ROOT, env=clean, stdout=subprocess.PIPE, text=True) as demo:
        try:
            assert demo.stdout
            told = (re.match(r"OPENAI_BASE_URL=(http://[^/]+)/v1$", line.strip()) for line in demo.stdout)
            yield next(match for match in told if match)[1]
        finally:
            demo.terminate()
            demo.communicate(timeout=30)


def run_there(command: list[str], address: str) -> subprocess.CompletedProcess[str]:
    """Run what a page shows, with the two lines in the environment that the page asks for."""
    own = {"OPENAI_BASE_URL": f"{address}/v1", "OPENAI_API_KEY": "anything", "NO_PROXY": "127.0.0.1"}
    return subprocess.run(command, env=os.environ | own, capture_output=True, text=True, timeout=50, check=False)


@of("python")
def test_python_on_a_page_runs_against_the_demo_and_prints_an_answer(block: Block, address: str) -> None:
    done = run_there([sys.executable, "-c", block.code.replace(SHOWN_ADDRESS, address)], address)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@of(*SHELLS)
def test_shell_on_a_page_can_be_parsed_and_a_call_with_curl_is_answered(block: Block, address: str) -> None:
    assert subprocess.run(["bash", "-n", "-c", block.code], check=False).returncode == 0
    if block.code.startswith("curl ") and shutil.which("curl"):
        done = run_there(
            ["bash", "-c", block.code.replace("curl ", "curl -sSf ").replace(SHOWN_ADDRESS, address)], address
        )
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["choices"]


@of("yaml", "json")
def test_data_on_a_page_is_a_configuration_a_file_for_deployment_or_json(block: Block, tmp_path: Path) -> None:
    """Files for Compose and Kubernetes are held to their schemas; anything else in YAML is a configuration of ours."""
    if block.kind == "json":
        json.loads(block.code)
        return
    found = documents(block.code)
    if any(is_compose(document) or is_kubernetes(document) for document in found):
        assert [mistakes(document) for document in found] == [[] for _ in found]
        return
    path = tmp_path / "banjia.yaml"
    path.write_text(with_secrets(block.code, tmp_path), encoding="utf-8")
    named = dict.fromkeys(re.findall(r"\$\{(\w+)\}", block.code), "sk-for-the-test")
    load(path, named)


def test_every_block_has_a_language_and_is_tested_or_says_why_not() -> None:
    """A block in a language that no test knows would pass by not being looked at. ``text`` is output, and diagrams."""
    unknown = [str(block) for block in BLOCKS if block.kind not in KINDS and block.untested is None]
    assert unknown == []


def test_few_blocks_are_marked_as_not_tested() -> None:
    assert len([block for block in BLOCKS if block.untested]) <= 5


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page: Path) -> None:
    dead = [link for link in links(page) if not (page.parent / link.partition("#")[0]).exists()]
    assert dead == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_a_page_names_exists_with_its_options(page: Path) -> None:
    for words in commands(page):
        if words[0] != "banjia":
            assert os.access(ROOT / words[0], os.X_OK), words
        elif len(words) > 1 and words[1].isalpha():
            command = cli.commands.get(words[1])
            assert command, f"banjia {words[1]}"
            known = {option for parameter in command.params for option in parameter.opts}
            assert {word.partition("=")[0] for word in words[2:] if re.match(r"--?[a-z]", word)} <= known, words


def test_both_readmes_have_the_same_headings_and_links() -> None:
    english, chinese = READMES
    assert headings(english) == headings(chinese)
    assert len(headings(english)) > 5
    away = {"README.md", "README.zh-CN.md"}
    assert [link for link in links(english) if link not in away] == [
        link for link in links(chinese) if link not in away
    ]


def test_both_readmes_show_the_same_commands_and_code() -> None:
    english, chinese = READMES
    assert [words[:2] for words in commands(english)] == [words[:2] for words in commands(chinese)]
    shown = [[block for block in BLOCKS if block.page == page] for page in READMES]
    assert [block.kind for block in shown[0]] == [block.kind for block in shown[1]]
    for ours, theirs in zip(*shown, strict=True):
        if ours.kind in (*SHELLS, "text"):
            assert ours.code == theirs.code, str(theirs)
        elif ours.kind == "python":
            assert shape(ours.code) == shape(theirs.code), str(theirs)


def shape(code: str) -> str:
    """Python without the words in its strings."""
    return re.sub(r"Constant\(value='[^']*'\)", "word", ast.dump(ast.parse(code)))


def test_from_nothing_to_an_answer_is_at_most_three_commands() -> None:
    first = next(block for block in BLOCKS if block.page == READMES[0])
    assert first.code.splitlines() == ["scripts/demo"]


def test_the_header_that_the_readme_shows_is_the_one_that_is_sent(address: str) -> None:
    [shown] = [block.code for block in BLOCKS if block.page == READMES[0] and "x-banjia-adapted" in block.code]
    body = {
        "model": "gpt-4o",
        "temperature": 0.2,
        "logit_bias": {"1": -100},
        "messages": [{"role": "user", "content": "Hi"}],
    }
    done = run_there([sys.executable, "-c", CALL, f"{address}/v1/chat/completions", json.dumps(body)], address)
    assert done.returncode == 0, done.stderr
    sent = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    for line in shown.splitlines():
        name, _, value = line.partition(": ")
        assert sent[name].removeprefix("emulator:") == value


CALL = """
import sys, urllib.request
request = urllib.request.Request(sys.argv[1], sys.argv[2].encode(), {"content-type": "application/json"})
for name, value in urllib.request.urlopen(request).headers.items():
    print(f"{name.lower()}: {value}")
"""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_names_no_folder_of_a_machine(page: Path) -> None:
    assert not re.search(r"(?<![\w.])/(work|home|root|tmp|Users)/", prose(page))
