"""docs/quickstart.md works from its first block to its last one for a reader who has only that page.

Each block runs in the order of the page: shell in one terminal, Python by an app with the SDK, YAML saved as
``banjia.yaml``; the output on the page is compared with the real one. The vendors are emulators that accept the key of the
page.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.project.pages.documents import BLOCKS, READMES, ROOT, SHELLS, Block, headings, named
from tests.project.pages.terminal import SHOWN, SHOWN_ADMIN, Terminal, terminal, vendors_to_call

PAGE = ROOT / "docs" / "quickstart.md"
PAGES = (PAGE, ROOT / "docs" / "zh" / "quickstart.md")
CLONE = re.compile(r"^git clone .*$", re.MULTILINE)
"""What has been done by whoever reads the page in a checkout."""
NEEDS_MORE = "docker "
"""What the extra with the container tries (scripts/extra/container.sh)."""


@pytest.fixture(scope="module")
def vendors() -> Iterator[str]:
    with vendors_to_call() as environment:
        yield environment


class Newcomer:
    """A reader who follows a page, and the last output."""

    def __init__(self, at: Terminal) -> None:
        self.at = at
        self.printed = ""
        self.served = ""
        self.answers: list[str] = []

    def do(self, block: Block) -> None:
        """Run a block, or compare it with the last output."""
        if block.kind in SHELLS:
            self._type(block.code)
        elif block.kind == "yaml":
            self.at.write("banjia.yaml", block.code)
        elif block.kind == "python":
            done = self.at.python(block.code)
            assert done.returncode == 0, done.stderr
            self.answers.append(done.stdout)
        elif block.kind == "diff":
            added = [line[1:] for line in block.code.splitlines() if line.startswith("+")]
            assert self.at.run("\n".join(f"export {line}" for line in added)).returncode == 0
        else:
            self._compare(block)

    def _type(self, code: str) -> None:
        if "banjia serve" in code or "scripts/demo" in code:
            self.at.stop()  # Ctrl-C in the terminal of a running server
        done = self.at.run(CLONE.sub("true", code).replace("scripts/demo", "banjia demo"))
        assert done.returncode == 0, done.stderr
        self.printed = done.stdout.replace(self.at.at, SHOWN).replace(self.at.admin_at, SHOWN_ADMIN)

    def _compare(self, block: Block) -> None:
        if block.code.startswith("x-banjia-"):
            assert block.code in self.head_of_an_answer()
        else:
            assert normal(block.code) in normal(self.printed), str(block)

    def head_of_an_answer(self) -> str:
        """Return banjia's headers on the response to a plain call."""
        body = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]})
        url = f"http://{SHOWN}/v1/chat/completions"
        done = self.at.run(f"curl -o /dev/null -D- {url} -H 'content-type: application/json' -d '{body}'")
        lines = [
            line.strip()
            for line in done.stdout.splitlines()
            if line.startswith(("x-banjia-target", "x-banjia-adapted"))
        ]
        return "\n".join(lines)


def normal(printed: str) -> str:
    """Return the output without the port: the demo takes the first free one."""
    return re.sub(r"127\.0\.0\.1:\d+", SHOWN, printed)


def follow_the_page(vendors: str, folder: Path, page: Path = PAGE) -> None:
    """Run every block of the page in order."""
    blocks = [block for block in BLOCKS if block.page == page]
    with terminal(folder, vendors) as opened:
        newcomer = Newcomer(opened)
        for block in blocks:
            if not block.code.startswith(NEEDS_MORE):
                newcomer.do(block)
        first, last = newcomer.answers[0], newcomer.head_of_an_answer()
    assert re.fullmatch(r"gpt-4o .+\n", first), "the first answer, by the SDK, under the name that was asked for"
    assert "x-banjia-target: qwen/qwen3.6-plus" in last, "after the own configuration another vendor answers"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_a_newcomer_gets_from_the_page_to_answers_of_two_vendors(page: Path, vendors: str, tmp_path: Path) -> None:
    """tests/acceptance/waits.py judges how long it takes."""
    follow_the_page(vendors, tmp_path, page)


@pytest.mark.parametrize("page", READMES, ids=named)
def test_the_first_steps_of_a_readme_end_in_an_answer(page: Path, vendors: str, tmp_path: Path) -> None:
    """From the clone to the first program: the demo, the start with one key, the two lines, the app."""
    blocks = [block for block in BLOCKS if block.page == page]
    steps = blocks[: [block.kind for block in blocks].index("python") + 1]
    assert [block.kind for block in steps] == ["bash", "bash", "diff", "python"]
    with terminal(tmp_path, vendors) as opened:
        newcomer = Newcomer(opened)
        for block in steps:
            newcomer.do(block)
    [answer] = newcomer.answers
    assert answer.strip()


def test_the_first_answer_takes_one_command_and_one_key_and_two_lines() -> None:
    demo, _, serve, _, lines, app, *_ = [block for block in BLOCKS if block.page == PAGE]
    assert demo.code == "scripts/demo"
    assert serve.code.splitlines()[1:] == ["export MOONSHOT_API_KEY=sk-...", "banjia serve"]
    assert lines.code.splitlines() == [f"export OPENAI_BASE_URL=http://{SHOWN}/v1", "export OPENAI_API_KEY=anything"]
    assert app.kind == "python"


def test_each_step_has_its_heading() -> None:
    assert headings(PAGE) == [1, 2, 2, 2, 2, 2]
