"""The Chinese catalogs match the source and click, and are Chinese. A missing translation fails no test."""

import os
import re
from pathlib import Path
from typing import get_type_hints

import click
import pytest
from click.testing import CliRunner

from adapters.core.adaptations import Adaptation
from adapters.core.failures import Failure, Refused
from adapters.core.message import Message
from adapters.openai_params.param import Invalid
from config.errors import Diagnostic
from proxy import errors
from proxy.cli import main
from proxy.i18n import catalog
from proxy.i18n.catalog import click_in, translate
from proxy.upstream.errors import DESCRIPTIONS, TIMEOUT_KEYS, describe_timeout
from scripts import translations
from scripts.translations import BadTemplate, check, differing, fields_of, po_of, read, texts_of

HAN = re.compile(r"[\u4e00-\u9fff]")
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
    "banjia state size",
    "banjia vendors",
    "banjia help",
    "edition tokenhub",
    "token id",
)
"""What stays as it is: terms and commands."""
OURS = {str(english): str(other) for english, other in texts_of(read(po_of("zh", "banjia"))).items()}
CLICKS = {str(english): str(other) for english, other in texts_of(read(po_of("zh", "click"))).items()}


def without_fields(text: str) -> str:
    return re.sub(r"\{\w+(![rs])?\}", "", text)


def english_left(text: str) -> str | None:
    """Two English words in a text that should be Chinese."""
    for name in NAMES:
        text = text.replace(name, "")
    found = TWO_WORDS.search(text)
    return found[0] if found else None


def test_the_catalogs_fit_the_source_and_are_compiled() -> None:
    errors_found, _ = check("zh")
    assert errors_found == [], "scripts/messages brings the catalogs up to date"


@pytest.mark.parametrize("texts", [OURS, CLICKS], ids=["banjia", "click"])
def test_every_translation_is_chinese(texts: dict[str, str]) -> None:
    for english, other in texts.items():
        assert english_left(without_fields(other)) is None, other
        assert HAN.search(other) or not TWO_WORDS.search(without_fields(english)), english


def test_what_reaches_readers_is_a_message_by_its_type() -> None:
    """mypy then finds every use of a plain text."""
    typed = [
        (errors.ProxyError.__init__, "message"), (Failure, "message"), (Refused.__init__, "message"), (Invalid.__init__, "message"),
        (Adaptation, "why"), (Diagnostic, "problem"), (Diagnostic, "expected"),
    ]  # fmt: skip
    assert all(get_type_hints(owner)[name] is Message for owner, name in typed)


def test_a_template_without_a_translation_stays_english() -> None:
    message = Message("{vendor} sings: {why}", vendor="Kimi", why=Message("unknown key"))
    assert translate(message, "zh") == "Kimi sings: unknown key"


def test_a_translation_with_other_fields_is_found_and_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "_look_up", lambda language: lambda template: "中文 {other} {")
    assert translate(Message("got {value}", value=1), "zh") == "got 1"
    assert differing({"got {value}": "中文 {other}", "a": "b"}, {"got {value}": True, "a": False}) == ["got {value}"]
    assert fields_of("{a} {{b}} {c}") == {"a", "c"}
    assert [fields_of(text) for text in ("{a", "{a.b}", "{a:d}", "{}", "{a!r}")] == [None] * 5


def test_a_template_that_is_put_together_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for source in ('Message(f"no {x}")', 'Message("a" + b)', 'Message("{a.b}", a=1)'):
        (tmp_path / "one").mkdir(exist_ok=True)
        (tmp_path / "one" / "some.py").write_text(source)
        monkeypatch.setattr(translations, "ROOT", tmp_path)
        monkeypatch.setattr(translations, "SOURCES", ("one",))
        with pytest.raises(BadTemplate, match=r"some\.py:1"):
            translations.templates()


def test_english_reads_no_catalog() -> None:
    catalog._look_up.cache_clear()
    assert translate(Message("unknown key"), "en") == "unknown key"
    assert catalog._look_up.cache_info().currsize == 0


def test_a_lost_call_is_reported_with_its_key_and_its_limit() -> None:
    for phase, why in DESCRIPTIONS.items():
        if phase in TIMEOUT_KEYS:
            message = Message("The request to {vendor} failed: {why}.", vendor="Kimi", why=describe_timeout(phase, 600))
            text = translate(message, "zh")
            assert english_left(text) is None, text
            assert f"timeouts.{TIMEOUT_KEYS[phase]}" in text
            assert why not in text


def test_clicks_own_words_are_chinese_while_a_command_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LANGUAGE", raising=False)
    ended = CliRunner().invoke(main, ["nonsense"], env={"BANJIA_LANG": "zh"})
    assert ended.stderr.startswith("用法:")
    assert "没有命令 'nonsense'" in ended.stderr
    assert CliRunner().invoke(main, ["nonsense"], env={"BANJIA_LANG": "en"}).stderr.startswith("Usage:")
    assert "LANGUAGE" not in os.environ
    with click_in("zh"):
        assert click.UsageError("x").format_message() == "x"
        assert os.environ["LANGUAGE"] == "zh"
