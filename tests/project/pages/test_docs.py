"""The documentation is correct: its code blocks run, its commands exist, its links resolve."""

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

from config.loader.load import load
from proxy.cli import main as cli
from tests.project.manifests import documents, is_compose, is_kubernetes, mistakes, with_secrets
from tests.project.pages.documents import (
    BLOCKS,
    PAGES,
    PAIRS,
    READMES,
    ROOT,
    SHELLS,
    Block,
    anchors,
    commands,
    headings,
    links,
    named,
    prose,
)
from tests.project.pages.terminal import SHOWN, SHOWN_KEY, can_be_run, terminal, vendors_to_call

KINDS = {*SHELLS, "yaml", "json", "python", "text", "diff"}
SHOWN_ADDRESS = "http://127.0.0.1:8080"


def of(*kinds: str) -> pytest.MarkDecorator:
    """Return the tested blocks of these languages; identical blocks on several pages are tested once."""
    found = {block.code: block for block in reversed(BLOCKS) if block.kind in kinds and block.untested is None}
    return pytest.mark.parametrize("block", [*reversed(found.values())], ids=str)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The URL of a proxy with emulated vendors, started like a new user does: ``banjia demo``."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("BANJIA_")}
    command = [sys.executable, "-u", "-m", "proxy", "demo"]
    with subprocess.Popen(command, cwd=ROOT, env=clean, stdout=subprocess.PIPE, text=True) as demo:
        try:
            assert demo.stdout
            reported = (re.match(r"OPENAI_BASE_URL=(http://[^/]+)/v1$", line.strip()) for line in demo.stdout)
            yield next(match for match in reported if match)[1]
        finally:
            demo.terminate()
            demo.communicate(timeout=30)


def run_there(command: list[str], address: str) -> subprocess.CompletedProcess[str]:
    """Run a block of a page, with the two environment variables that the page sets."""
    own = {"OPENAI_BASE_URL": f"{address}/v1", "OPENAI_API_KEY": "anything", "NO_PROXY": "127.0.0.1"}
    return subprocess.run(command, env=os.environ | own, capture_output=True, text=True, timeout=150, check=False)


@of("python")
def test_python_on_a_page_runs_against_the_demo_and_prints_an_answer(block: Block, address: str) -> None:
    done = run_there([sys.executable, "-c", block.code.replace(SHOWN_ADDRESS, address)], address)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.fixture(scope="module")
def vendors() -> Iterator[str]:
    """Emulators that accept the keys that the pages show."""
    with vendors_to_call() as environment:
        yield environment


@of(*SHELLS)
def test_shell_on_a_page_can_be_parsed_and_is_run_where_it_can_be(block: Block, vendors: str, tmp_path: Path) -> None:
    assert subprocess.run(["bash", "-n", "-c", block.code], check=False).returncode == 0
    if not can_be_run(block) or ("curl" in block.code and not shutil.which("curl")):
        return
    with terminal(tmp_path, vendors) as reader:
        if not re.search(r"export (?!OPENAI)\w+_API_KEY=", block.code):
            reader.run(f"export MOONSHOT_API_KEY={SHOWN_KEY}")
        if "curl " in block.code and "banjia serve" not in block.code:
            assert reader.run("banjia serve").returncode == 0
        done = reader.run(block.code)
        assert done.returncode == 0, done.stderr
        if "/v1/chat/completions" in block.code:
            assert json.loads(done.stdout)["choices"]


def test_most_of_the_shell_on_the_pages_is_really_run() -> None:
    shown = [block for block in BLOCKS if block.kind in SHELLS]
    parsed_only = {block.code for block in shown if not can_be_run(block)}
    assert len([block for block in shown if block.code not in parsed_only]) > len(parsed_only) * 2
    needs_more = (
        r"(git clone |scripts/\w+|\.venv/bin/python -m tests\.|pip install|(export [^\n]*\n)?(docker|kubectl) )"
    )
    assert [code for code in parsed_only if not re.match(needs_more, code)] == []


@of("diff")
def test_a_diff_on_a_page_adds_what_banjia_env_prints(block: Block, vendors: str, tmp_path: Path) -> None:
    with terminal(tmp_path, vendors) as reader:
        answer = reader.run(f"export MOONSHOT_API_KEY={SHOWN_KEY}; banjia env --shell dotenv").stdout.replace(
            reader.at, SHOWN
        )
    added = [line[1:] for line in block.code.splitlines() if line.startswith("+")]
    assert len(added) == 2
    assert set(added) < set(answer.splitlines())


@of("yaml", "json")
def test_data_on_a_page_is_a_configuration_a_file_for_deployment_or_json(block: Block, tmp_path: Path) -> None:
    """Files for Compose and Kubernetes are checked against their schemas; other YAML is a configuration of banjia."""
    if block.kind == "json":
        json.loads(block.code)
        return
    found = documents(block.code)
    if any(is_compose(document) or is_kubernetes(document) for document in found):
        assert [mistakes(document) for document in found] == [[] for _ in found]
        return
    path = tmp_path / "banjia.yaml"
    path.write_text(with_secrets(block.code, tmp_path), encoding="utf-8")
    load(path, dict.fromkeys(re.findall(r"\$\{(\w+)(?:\}|:\?)", block.code), "sk-for-the-test"))


def test_every_block_has_a_language_and_is_tested_or_has_a_reason() -> None:
    """A block in an unknown language would pass untested. ``text`` is output, and diagrams."""
    unknown = [str(block) for block in BLOCKS if block.kind not in KINDS and block.untested is None]
    assert unknown == []


def test_few_blocks_are_marked_as_not_tested() -> None:
    assert len([block for block in BLOCKS if block.untested]) <= 5


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_leads_to_a_file_and_to_a_place_in_it(page: Path) -> None:
    dead = []
    for link in links(page):
        path, _, place = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (place and place not in anchors(target)):
            dead.append(link)
    assert dead == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_command_that_a_page_names_exists_with_its_options(page: Path) -> None:
    for words in commands(page):
        if words[0] != "banjia":
            assert os.access(ROOT / words[0], os.X_OK), words
        elif len(words) > 1 and words[1].isalpha():
            command = cli.commands.get(words[1])
            assert command, f"banjia {words[1]}"
            known = {option for parameter in command.params for option in parameter.opts}
            assert {word.partition("=")[0] for word in words[2:] if re.match(r"--?[a-z]", word)} <= known, words


def in_pairs() -> pytest.MarkDecorator:
    """The pages that are there in two languages."""
    return pytest.mark.parametrize(("english", "chinese"), PAIRS, ids=[named(english) for english, _ in PAIRS])


def test_the_pages_that_a_newcomer_reads_first_are_there_in_both_languages() -> None:
    assert [named(english) for english, _ in PAIRS if english.parent.name != "vendors"] == [
        "README.md", "docs/clients.md", "docs/errors.md", "docs/migration.md", "docs/quickstart.md", "docs/responses.md",
        "docs/troubleshooting.md",
    ]  # fmt: skip


@in_pairs()
def test_both_languages_have_the_same_headings_and_lead_to_each_other(english: Path, chinese: Path) -> None:
    assert headings(english) == headings(chinese)
    assert len(headings(english)) > 5
    assert chinese in {(english.parent / link).resolve() for link in links(english)}
    assert english in {(chinese.parent / link).resolve() for link in links(chinese)}


@in_pairs()
def test_both_languages_lead_to_the_same_pages_in_the_same_order(english: Path, chinese: Path) -> None:
    assert targets(english) == targets(chinese)


def targets(page: Path) -> list[Path]:
    """The pages that a page links to, but for its other half; of those that are there in both languages the English one."""
    of_both = {chinese: english for english, chinese in PAIRS}
    found = [(page.parent / link.partition("#")[0]).resolve() for link in links(page) if link[0] != "#"]
    return [of_both.get(target, target) for target in found if of_both.get(target, target) != of_both.get(page, page)]


@in_pairs()
def test_both_languages_show_the_same_commands_and_code(english: Path, chinese: Path) -> None:
    assert [words[:2] for words in commands(english)] == [words[:2] for words in commands(chinese)]
    shown = [[block for block in BLOCKS if block.page == page] for page in (english, chinese)]
    assert [block.kind for block in shown[0]] == [block.kind for block in shown[1]]
    for ours, theirs in zip(*shown, strict=True):
        if ours.kind in (*SHELLS, "text", "diff"):
            assert ours.code == theirs.code, str(theirs)
        elif ours.kind == "python":
            assert shape(ours.code) == shape(theirs.code), str(theirs)
        elif ours.kind == "yaml":
            theirs_found = [document.keys() for document in documents(theirs.code)]
            assert [document.keys() for document in documents(ours.code)] == theirs_found, str(theirs)


def shape(code: str) -> str:
    """Python without the words in its strings."""
    return re.sub(r"Constant\(value='[^']*'\)", "word", ast.dump(ast.parse(code)))


def test_from_nothing_to_an_answer_is_at_most_three_commands() -> None:
    first = next(block for block in BLOCKS if block.page == READMES[0])
    clone, demo = first.code.splitlines()
    assert clone == "git clone https://git.example.com/banjia.git && cd banjia"
    assert demo == "scripts/demo"


@pytest.mark.parametrize("page", READMES, ids=named)
def test_the_readmes_name_the_variable_of_the_language(page: Path) -> None:
    assert "`BANJIA_LANG=zh`" in page.read_text(encoding="utf-8")


def test_every_link_of_the_chinese_readme_leads_to_chinese_or_is_marked_as_english() -> None:
    text = READMES[1].read_text(encoding="utf-8")
    chinese = {READMES[0], *(page for _, page in PAIRS)}
    found = re.findall(r"\]\(([^)\s]+)\)(.{0,3})", text)
    assert len(found) > 20
    for target, after in found:
        page = (ROOT / target.partition("#")[0]).resolve()
        assert page in chinese or after == "（英文", target


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


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_a_page_names_no_folder_of_a_machine(page: Path) -> None:
    assert not re.search(r"(?<![\w.])/(work|home|root|tmp|Users)/", prose(page))


def test_every_page_stands_in_the_index() -> None:
    index = ROOT / "docs" / "README.md"
    listed = {(index.parent / link.partition("#")[0]).resolve() for link in links(index)}
    missing = {
        named(page) for page in PAGES if page.is_relative_to(index.parent) and page != index and page not in listed
    }
    assert missing == set(), "add them to docs/README.md"
