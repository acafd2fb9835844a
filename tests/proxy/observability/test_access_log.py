"""The access line of a request: its members, its two formats, and what it never contains."""

import asyncio
import io
import json
import re
import time
from collections.abc import Callable
from typing import Any, get_args

import httpx2
import pytest

from adapters.core.failures import Kind
from proxy._types import RequestOutcome
from proxy.observability import access_log
from proxy.observability.access_log import AccessLog
from proxy.observability.access_text import colour_wanted, text_line
from proxy.observability.request_record import RequestRecord
from proxy.reason import Reason
from proxy.timestamps import iso_time
from tests.project.pages.documents import ROOT
from tests.proxy.credentials.test_secrets import reply
from tests.support.harness import proxy, vendor

METRICS = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")


def ending(**members: Any) -> RequestOutcome:
    """How a plain request ended, with these members otherwise."""
    record = RequestRecord("req_1", "chat")
    record.model, record.target, record.status, record.outcome_word = "gpt-4o", "kimi/kimi-k2.6", 200, "complete"
    return record.outcome()._replace(**members)


@pytest.mark.parametrize(
    ("at", "shown"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (1764000000.123, "2025-11-24T16:00:00.123Z"),
        (1764000000.999, "2025-11-24T16:00:00.999Z"),
        (1764000001.0, "2025-11-24T16:00:01.000Z"),
        (951782400.5, "2000-02-29T00:00:00.500Z"),
    ],
)
def test_a_time_is_iso_8601_in_utc_with_milliseconds(at: float, shown: str) -> None:
    assert iso_time(at) == shown


def test_times_of_one_second_share_what_they_have_in_common(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[float] = []
    real = time.gmtime

    def gmtime(second: float) -> time.struct_time:
        made.append(second)
        return real(second)

    monkeypatch.setattr(time, "gmtime", gmtime)
    assert [iso_time(1764000007 + ms / 1000)[-4:] for ms in (1, 250, 999)] == ["001Z", "250Z", "999Z"]
    assert made == [1764000007]


def test_every_kind_of_a_vendors_failure_is_a_reason() -> None:
    assert set(get_args(Kind)) <= {reason.value for reason in Reason}


def test_the_page_lists_every_reason_and_no_other() -> None:
    table = METRICS.partition("| `reason` |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == [reason.value for reason in Reason]


BROKEN = {"model": "gpt-4o", "messages": "hi"}
CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
KEY = "sk-vendors-own-key-0000000001"
REFUSALS: list[tuple[dict[str, Any], int, dict[str, Any], dict[str, Any]]] = [
    (BROKEN, 200, {}, {"code": "invalid_type", "param": "messages", "reason": "invalid_request"}),
    ({**CHAT, "model": "no-such"}, 200, {}, {"code": "model_not_found", "param": "model", "reason": "unknown_model"}),
    (CHAT, 500, {"message": "no"}, {"code": "upstream_error", "param": None, "reason": "vendor_error"}),
    (CHAT, 429, {"message": "no"}, {"code": "rate_limit_exceeded", "param": None, "reason": "rate_limited"}),
    (CHAT, 400, {"message": "no", "param": "top_p"}, {"code": None, "param": "top_p", "reason": "bad_request"}),
    (CHAT, 400, {"message": "no", "param": f"you sent {KEY}"}, {"code": None, "param": None, "reason": "bad_request"}),
    (CHAT, 401, {"message": f"bad {KEY}"}, {"code": "upstream_auth_error", "param": None, "reason": "key_refused"}),
]  # fmt: skip


@pytest.mark.parametrize(("body", "status", "error", "logged"), REFUSALS)
def test_the_line_of_a_refusal_has_its_code_its_field_and_its_reason_and_no_key(
    body: dict[str, Any], status: int, error: dict[str, Any], logged: dict[str, Any]
) -> None:
    async def scene() -> dict[str, Any]:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sent: bytes) -> None:
            writer.write(reply(status, json.dumps({"error": error}).encode()))
            await writer.drain()

        async with vendor(answer) as base_url:
            settings = {
                "vendors": {"kimi": {"api_key": KEY, "base_url": base_url, "limits": {"learn": "off"}}},
                "policy": {"attempts": 1},
            }
            async with proxy(settings) as running, httpx2.AsyncClient(trust_env=False) as client:
                await client.post(f"{running.url}/v1/chat/completions", json=body)
                await running.settled(1)
                return running.lines[0]

    line = asyncio.run(scene())
    assert {name: line[name] for name in logged} == logged
    assert KEY[-12:] not in json.dumps(line)


def test_a_whole_answer_has_no_reason_and_a_client_that_closed_is_one() -> None:
    assert ending().line()["reason"] is None
    assert RequestRecord("req_1", "chat").outcome().line()["reason"] == "client_closed"


def test_a_key_that_was_sent_as_the_model_is_not_in_the_line() -> None:
    line = ending(model="sk-0123456789abcdef0123", target=None, outcome="rejected").line()
    assert line["model"] == "(hidden)"


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


def written(stream: io.StringIO, change: Callable[[AccessLog], None] = lambda log: None) -> str:
    """What the log writes of one request."""

    async def scene() -> None:
        log = AccessLog(stream)
        change(log)
        log.write(ending())
        log.flush()

    asyncio.run(scene())
    return stream.getvalue()


def test_lines_are_json_in_a_file_and_text_on_a_terminal_unless_configured() -> None:
    def configured(word: access_log.LogFormat) -> Callable[[AccessLog], None]:
        return lambda log: setattr(log, "configured", word)

    assert json.loads(written(io.StringIO()))["ending"] == "complete"
    assert json.loads(written(Terminal(), configured("json")))["ending"] == "complete"
    assert " 200 chat gpt-4o -> kimi/kimi-k2.6 " in written(io.StringIO(), configured("text"))
    assert "kimi/kimi-k2.6" in written(Terminal())
    assert not written(Terminal()).startswith("{")


def test_a_line_of_text_has_what_is_needed_on_one_line() -> None:
    line = ending(
        outcome="truncated", status=200, stream=True, code="upstream_stream_reset", reason=Reason.RESET, first_content_s=0.4,
        total_s=1.8, attempts=2,
    ).line(1764000000.5)  # fmt: skip
    assert text_line(line) == (
        "2025-11-24T16:00:00.500Z 200 chat stream gpt-4o -> kimi/kimi-k2.6 truncated code=upstream_stream_reset reason=reset "
        "first=400ms total=1800ms attempts=2 req_1"
    )


def test_control_characters_of_a_client_never_reach_the_terminal() -> None:
    line = ending(model="\x1b[2Jgpt\r\n\u202e4", target=None).line()
    shown = text_line(line)
    assert shown.isprintable()
    assert "?[2Jgpt???4" in shown


def test_colour_is_for_terminals_that_take_it() -> None:
    assert colour_wanted({"TERM": "xterm-256color"})
    assert not colour_wanted({"TERM": "xterm-256color", "NO_COLOR": "1"})
    assert not colour_wanted({"TERM": "dumb"})
    assert not colour_wanted({})
    coloured = text_line(ending().line(), colour=True)
    assert re.sub(r"\x1b\[\d+m", "", coloured) == text_line(ending().line())
    assert "\x1b[32m200\x1b[0m" in coloured
