"""The book of phrases: every message of the source is in it, nothing else is, and both languages fill in the same."""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from config.document import _PROBLEMS
from proxy.cli import EXAMPLES
from proxy.phrasebook import ERRORS, LINES, OPERATORS, SLOT, phrases
from proxy.upstream.errors import DESCRIPTIONS, TIMEOUT_KEYS, describe_timeout

ROOT = Path(__file__).parents[2]
PATHS = sorted(path for name in ("adapters", "config", "proxy") for path in (ROOT / name).rglob("*.py"))
SYSTEM = {
    "no such file or directory", "permission denied", "is a directory", "Address already in use", "Permission denied",
    "Cannot assign requested address", "No space left on device", "No such file or directory",
}  # fmt: skip
"""What the system says, in errors of ours."""
ASSEMBLED = {
    "text in quotes", "text '\0'", "others", "kind: \0", "\0 by \0", "\0 are not set", "\0 was retired on \0", "\0 will be retired on \0", "was retired on \0",
    "will be retired on \0", "\0: \0 vendor, \0 model names", "\0: \0 vendors, \0 model names", "\0: \0 vendors, \0 model name",
    "\0: \0 vendor, \0 model name", "calls go directly", "calls go directly (\0)",
}  # fmt: skip
"""What the source puts together of pieces too short to be found."""
TWO_WORDS = re.compile(r"(?<![\w.'/$-])[a-z']{3,} [a-z']{2,}\b")
"""Two words of plain English: what is Chinese has names, keys and commands at most."""
NAMES = (
    "docker run",
    "bearer token",
    "pip install",
    "banjia check",
    "banjia init",
    "banjia demo",
    "banjia serve",
    "banjia env",
    "banjia help",
    "edition tokenhub",
    "token id",
)
"""What stays as it is: terms and commands."""

ENGLISH_FILES = {
    "proxy/cli/listings.py": "listings, and the help of options",
    "proxy/commands/init.py": "the comments of the file that it writes",
    "proxy/commands/models.py": "a listing",
    "proxy/commands/probes.py": "requests, never sent to anyone",
    "proxy/commands/routes.py": "a listing",
    "proxy/commands/vendors.py": "a listing",
    "proxy/observability/access_text.py": "log lines",
    "proxy/observability/metrics/requests.py": "what Prometheus shows of a metric",
    "proxy/observability/loop_monitor.py": "log lines for whoever looks for a bug, and metrics",
    "proxy/observability/metrics/registry.py": "errors of the source itself",
    "proxy/upstream/http_client/pool.py": "errors that upstream.py says in words of its own",
    "proxy/upstream/http_client/connect.py": "the same",
    "proxy/upstream/http_client/request.py": "the same",
    "proxy/upstream/http_client/connection.py": "the same",
    "config/price_page.py": "a page of the docs",
    "config/publish.py": "the descriptions of the JSON schema",
}
"""Files whose texts stay English, and why."""
ENGLISH = {
    "the folders of %s can't be watched: %s": "a log line for whoever looks for a bug",
    "Log lines that were dropped, since the stream could not be written.": "what Prometheus shows of a metric",
    "watching the files of the configuration failed; it begins again": "a log line for whoever looks for a bug",
    "a line break in a header": "a bug of the source's own",
    "an Exchange waits with nothing open": "the same",
    "the table of % in % is not OpenAI's": "a broken installation",
    "vendor's own id": "a word of the listing of routes",
    "not yet": "replaced by the complaint's own words",
    "seen in the answer": "a verdict that is told by its word alone",
    "你好! Say hello from the other side of the move.": "sent to an emulator",
    "POST %/v1/chat/completions  model gpt-4o, stream: true": "a request, shown",
    "<one of server.client_keys>": "stands for a key",
    EXAMPLES: "the examples below the help, which are commands",
    **dict.fromkeys((pattern for pattern, _, _ in _PROBLEMS), "the words of YAML's parser, which are told in ours"),
    **dict.fromkeys(("while parsing a flow", "mapping values", "end of stream"), "the same"),
}
"""Texts that stay English, and why; ``%`` stands for what is filled in."""


def texts(path: Path) -> Iterator[list[str | None]]:
    """The string literals of a module but docstrings, in pieces: None is where something is filled in."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            skipped.add(id(node.value))
        elif isinstance(node, ast.JoinedStr):
            skipped |= {id(part) for part in node.values}
            formats = [part.format_spec for part in node.values if isinstance(part, ast.FormattedValue)]
            skipped |= {id(inner) for spec in formats if spec for inner in ast.walk(spec)}
        elif isinstance(node, ast.arg | ast.AnnAssign | ast.FunctionDef | ast.AsyncFunctionDef):
            kind = node.returns if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else node.annotation
            skipped |= {id(inner) for inner in ast.walk(kind)} if kind else set()
        elif isinstance(
            node, ast.Call
        ):  # of click: its help and its epilogs; of vendors' tables: the vendors' own words
            named = {keyword.arg: keyword.value for keyword in node.keywords}
            skipped |= {id(named[name]) for name in ("help", "epilog", "text", "codes") if name in named}
            about = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if about in ("gauge", "compile", "search", "match", "Subscript", "get", "examples"):
                skipped |= {id(argument) for argument in node.args}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.JoinedStr):
            yield [part.value if isinstance(part, ast.Constant) else None for part in node.values]  # type: ignore[misc]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield [node.value]


def messages() -> list[tuple[str, list[str | None]]]:
    """Every text of the shipped packages that reads like a message, with its file."""
    found = []
    for path in PATHS:
        name = path.relative_to(ROOT).as_posix()
        if name not in ENGLISH_FILES:
            found += [(name, pieces) for pieces in texts(path) if TWO_WORDS.search(joined(pieces, "x"))]
    return found


def joined(pieces: list[str | None], filled: str) -> str:
    """The text with this in each place that is filled in."""
    return "".join(filled if piece is None else piece for piece in pieces)


BOOK = [SLOT.sub("\0", english) for english, _ in phrases(*OPERATORS)]


def words_of(pieces: Iterable[str | None]) -> list[str]:
    """What is fixed in a text, but for what any text could have."""
    return [word for word in (piece.strip(" .;:") for piece in pieces if piece) if len(word) > 2]


def follow(words: list[str], text: str) -> bool:
    """Whether these words stand in the text, in their order."""
    at = 0
    for word in words:
        at = text.find(word, at)
        if at < 0:
            return False
        at += len(word)
    return sum(map(len, words)) > 6


def english_left(text: str) -> str | None:
    """Two words of English in a text that should be Chinese."""
    for name in NAMES:
        text = text.replace(name, "")
    found = TWO_WORDS.search(text)
    return found[0] if found else None


def test_every_message_of_the_source_can_be_said_in_chinese() -> None:
    unknown = []
    for name, pieces in messages():
        sample = joined(pieces, "x").strip().removeprefix("expected ").removeprefix("; ")
        known = english_left(LINES().line(sample)) is None
        if (
            not known
            and not any(follow(words_of(pieces), text) for text in BOOK)
            and joined(pieces, "%") not in ENGLISH
        ):
            unknown.append(f"{name}: {joined(pieces, '%')}")
    assert not unknown, "no Chinese in proxy/chinese/ for:\n" + "\n".join(unknown)


def test_no_exception_is_made_that_is_not_needed() -> None:
    there = {joined(pieces, "%") for _, pieces in messages()}
    assert [text for text in ENGLISH if text not in there and TWO_WORDS.search(text)] == []
    for name in ENGLISH_FILES:
        assert any(TWO_WORDS.search(joined(pieces, "x")) for pieces in texts(ROOT / name)), name


def test_nothing_is_in_the_book_that_the_source_no_longer_says() -> None:
    said = [pieces for path in PATHS for pieces in everything(path)]
    whole = [text for text in (joined(pieces, "\0") for pieces in said) if len(text) > 3]
    parts = [words for words in map(words_of, said) if " " in " ".join(words) and sum(map(len, words)) > 10]
    for english in BOOK:
        words = words_of(english.split("\0"))
        there = (
            english in whole
            or any(follow(words, text) for text in whole)
            or any(follow(part, english) for part in parts)
        )
        assert there or english in SYSTEM | ASSEMBLED, f"the source says no longer: {english}"


def everything(path: Path) -> Iterator[list[str | None]]:
    """The string literals of a module, docstrings too: commands have their help there."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            yield [part.value if isinstance(part, ast.Constant) else None for part in node.values]  # type: ignore[misc]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield [node.value]


@pytest.mark.parametrize("name", OPERATORS)
def test_both_languages_fill_in_the_same_and_each_phrase_is_there_once(name: str) -> None:
    seen = set()
    for english, chinese in phrases(name):
        assert {slot for slot, _ in SLOT.findall(chinese)} == {slot for slot, _ in SLOT.findall(english)}, english
        assert {mark for _, mark in SLOT.findall(english)} <= {"", "word"}, english
        assert {mark for _, mark in SLOT.findall(chinese)} <= {"", "zh", "line", "lines", "each"}, english
        assert english not in seen, english
        assert SLOT.sub("", english).strip(), "it would match whatever there is"
        seen.add(english)


@pytest.mark.parametrize("name", OPERATORS)
def test_every_phrase_is_chinese(name: str) -> None:
    for english, chinese in phrases(name):
        assert re.search(r"[\u4e00-\u9fff]", chinese) or not TWO_WORDS.search(english), english
        assert english_left(SLOT.sub("", chinese)) is None, chinese


def test_what_is_put_together_is_known_as_a_whole() -> None:
    """A timeout with its key and its length, and the variables to set."""
    for phase, why in DESCRIPTIONS.items():
        if phase in TIMEOUT_KEYS:
            told = ERRORS().said(f"Kimi could not be read: {describe_timeout(phase, 600)}.")
            assert english_left(told) is None, told
            assert f"timeouts.{TIMEOUT_KEYS[phase]}" in told
            assert why not in told
    assert LINES().line("set MOONSHOT_API_KEY, A or B") == "设置 MOONSHOT_API_KEY、A 或 B"
