"""How the application driver judges a part, and that the page on clients names the applications that run."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.clients.apps.driver import Played, Run
from tests.clients.apps.expected import ENDINGS, EXPECTED_FAILURES, Failure, everywhere, failure
from tests.support.tap import Seen

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "clients.md").read_text()
LOCKS = sorted((ROOT / "requirements" / "apps").rglob("*.txt"))


def seen(status: int = 200, code: str | None = None, path: str = "/v1/chat/completions", *, ended: bool = True) -> Seen:
    body = bytearray(json.dumps({"error": {"code": code}}).encode())
    return Seen(path, status=status, headers={"x-request-id": "req_1"}, body=body, ended=ended)


def line(ending: str = "complete") -> dict[str, Any]:
    return {"request_id": "req_1", "ending": ending}


def wrong(part: Played) -> list[str]:
    """What is wrong with this part of an application."""
    return [text for _, text in Run("app", "kimi", [part]).problems()]


def test_a_part_passes_if_its_application_is_content_and_its_requests_ended_as_complete() -> None:
    assert wrong(Played("chat", None, 1.0, [line()], [seen()])) == []
    assert wrong(Played("models", None, 1.0, [], [seen(path="/v1/models")])) == []


@pytest.mark.parametrize(
    ("lines", "one"),
    [
        ([line("client_closed")], seen()),
        ([line("truncated")], seen()),
        ([line("rejected")], seen(400, "unsupported_parameter")),
        ([], seen()),
        ([], seen(404, "not_supported", "/v1/other")),
        ([], seen(path="/v1/models", ended=False)),
    ],
)
def test_a_part_fails_by_any_other_ending_though_its_application_is_content(
    lines: list[dict[str, Any]], one: Seen
) -> None:
    assert len(wrong(Played("chat", None, 1.0, lines, [one]))) == 1


def test_an_expected_failure_has_to_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EXPECTED_FAILURES, ("app", "chat"), Failure(everywhere, "a cause"))
    assert wrong(Played("chat", "AssertionError", 1.0, [line()], [seen()])) == []
    assert wrong(Played("chat", None, 1.0, [line()], [seen()])) == ["it passes: no longer an expected failure"]


def test_a_part_that_is_meant_to_fail_passes_only_if_all_its_requests_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENDINGS, ("app", "cut"), "truncated")
    cut = seen(path="/v1/responses")
    assert wrong(Played("cut", None, 1.0, [line("truncated")], [cut])) == []
    assert wrong(Played("cut", None, 1.0, [], [seen(404, "not_supported", "/v1/other")]))
    assert wrong(Played("cut", None, 1.0, [line()], [cut]))
    assert wrong(Played("cut", "AssertionError", 1.0, [line("truncated")], [cut]))


def test_every_expected_failure_has_a_reason() -> None:
    assert all(found.cause for found in EXPECTED_FAILURES.values())


def test_a_part_is_excepted_only_at_the_vendors_that_its_condition_names() -> None:
    assert failure("mem0", "ernie", "openais_width")
    assert failure("mem0", "qwen", "openais_width") is failure("mem0", "kimi", "openais_width") is None
    assert failure("autogen-0.2", "ernie", "chosen_speakers")
    assert failure("autogen-0.2", "kimi", "chosen_speakers") is None


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_each_application_is_pinned_has_a_program_and_stands_on_the_page_with_its_version(path: Path) -> None:
    named = re.findall(r"^([\w-]+)(?:\[\w+\])?==(\S+)$", path.with_suffix(".in").read_text(), re.MULTILINE)
    assert named
    for package, version in named:
        assert re.search(rf"^{re.escape(package)}=={re.escape(version)} ", path.read_text(), re.MULTILINE)
        assert version in PAGE, package
    program = re.sub(r"[-.]", "_", path.stem)
    folder = "structured" if path.parent.name == "structured" else ""
    assert (ROOT / "tests" / "clients" / "apps" / "programs" / folder / f"{program}_app.py").is_file()
