"""The documentation for tests: pages, code blocks, headings and links."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
ZH = ROOT / "docs" / "zh"
READMES = [ROOT / "README.md", ROOT / "README.zh-CN.md"]
CHINESE = ROOT / "docs" / "zh"
PAIRS = [
    (READMES[0], READMES[1]),
    *((ROOT / "docs" / page.relative_to(CHINESE), page) for page in sorted(CHINESE.rglob("*.md"))),
]
"""Pages that are there in English and in Chinese."""
PAGES = sorted(
    [
        *READMES,
        *(ROOT / f"{name}.md" for name in ("CONTRIBUTING", "CHANGELOG", "SECURITY")),
        *(ROOT / "docs").rglob("*.md"),
    ]
)

SHELLS = ("bash", "sh", "console")
FENCE = re.compile(
    r"(?P<before>[^\n]*)\n+(?P<indent> *)```(?P<kind>[^\n]*)\n(?P<code>.*?)\n(?P=indent)```(?=\n|$)", re.DOTALL
)
UNTESTED = re.compile(r"<!-- not tested: (\S.*) -->$")


@dataclass(frozen=True)
class Block:
    """A code block: its position, its language, its text, and the reason if it is marked as not tested."""

    page: Path
    line: int
    kind: str
    code: str
    untested: str | None

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks_of(page: Path) -> list[Block]:
    """All code blocks of a page."""
    text = "\n" + page.read_text(encoding="utf-8")
    found = []
    for match in FENCE.finditer(text):
        marked = UNTESTED.search(match["before"].strip())
        code = re.sub(rf"^{match['indent']}", "", match["code"], flags=re.MULTILINE)
        line = text.count("\n", 0, match.start("kind"))
        found.append(Block(page, line, match["kind"].strip(), code, marked and marked[1]))
    return found


BLOCKS = [block for page in PAGES for block in blocks_of(page)]


def prose(page: Path) -> str:
    """The page without its code blocks."""
    return FENCE.sub(r"\g<before>\n", "\n" + page.read_text(encoding="utf-8"))


def headings(page: Path) -> list[int]:
    """The levels of the headings, in order."""
    return [len(match) for match in re.findall(r"^(#+) ", prose(page), re.MULTILINE)]


def anchors(page: Path) -> set[str]:
    """The places of a page that a link can lead to: its headings, as GitHub spells them, and what has an id."""
    text = prose(page)
    titles = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title) for title in re.findall(r"^#+ (.+)$", text, re.MULTILINE)]
    spelled = [re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-") for title in titles]
    return {*spelled, *re.findall(r'<a id="([^"]+)">', text)}


def named(page: Path) -> str:
    """A page's name in the project."""
    return str(page.relative_to(ROOT))


def links(page: Path) -> list[str]:
    """Where links point that stay inside the project."""
    found = re.findall(r"\]\(([^)\s]+)\)", prose(page))
    return [link for link in found if not re.match(r"[a-z]+:", link)]


def commands(page: Path) -> list[list[str]]:
    """Return the banjia commands on a page, in shell blocks and inline code, each as a list of words."""
    text = "\n" + page.read_text(encoding="utf-8")
    pieces: list[str] = []
    for part in re.finditer(rf"{FENCE.pattern}|`(?P<words>[^`\n]+)`", text, re.DOTALL):
        if part["words"]:
            pieces.append(part["words"])
        elif part["kind"].strip() in SHELLS:
            pieces += re.split(r"\n|&&|\|", part["code"])
        pieces += re.findall(r"`([^`\n]+)`", part["before"] or "")
    found = (
        re.match(r"\s*(?:\w+=\S+ )*((?:banjia|scripts/[a-z]+)(?![\w./:]).*?)(?: *#.*)?$", piece) for piece in pieces
    )
    return [match[1].split() for match in found if match]
