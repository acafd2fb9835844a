"""``check`` warns of a model that lacks tools or images under an OpenAI name, if another model of the vendor has them."""

import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from config.lint.capabilities import lacks
from proxy.cli import main
from tests.config.config_file import loaded

KEYS = {"K": "sk-0000000000000001"}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def warnings_of(vendor: str, models: str = "") -> list[str]:
    text = f"""vendors: {{{vendor}: {{api_key: "${{K}}"}}}}\n{models and f"models: {{{models}}}"}"""
    warnings = [str(warning) for warning in loaded(text, KEYS).warnings]
    return [warning.partition(": ")[2] for warning in warnings if "which serves" in warning]


def test_a_target_without_tools_and_images_is_named_with_a_model_that_has_them() -> None:
    tools, images = warnings_of("ernie", "gpt-4o: ernie/ernie-4.5-turbo-128k")
    assert tools == (
        "models.gpt-4o: ernie-4.5-turbo-128k, which serves gpt-4o, does not support tools; "
        "expected ernie-4.5-turbo-vl, which supports them"
    )
    assert images == (
        "models.gpt-4o: ernie-4.5-turbo-128k, which serves gpt-4o, does not accept images; "
        "expected ernie-4.5-turbo-vl, which accepts them"
    )


def test_a_name_that_accepts_no_images_at_openai_gets_no_warning_of_them() -> None:
    (tools,) = warnings_of("ernie", "gpt-4: ernie/ernie-4.5-turbo-128k")
    assert "does not support tools" in tools
    assert warnings_of("ernie", "gpt-4: ernie/ernie-5.1") == []


def test_a_shipped_stand_in_without_images_is_a_line_of_check_and_no_warning() -> None:
    assert warnings_of("hunyuan") == []
    assert warnings_of("hunyuan", "gpt-4o: hunyuan/hy3") == []
    Path("banjia.yaml").write_text('vendors: {hunyuan: {api_key: "${K}"}}', encoding="utf-8")
    (line, _) = CliRunner(env=KEYS).invoke(main, ["check"]).stdout.splitlines()
    assert line.startswith("hy3, which serves gpt-4o and ")
    assert line.endswith(" more names, does not accept images; use hy4, which accepts them")


@pytest.mark.parametrize("vendor", ["kimi", "qwen", "ernie", "deepseek"])
def test_the_shipped_stand_ins_of_other_vendors_lack_nothing(vendor: str) -> None:
    settings = loaded(f"""vendors: {{{vendor}: {{api_key: "${{K}}"}}}}""", KEYS).settings
    assert list(lacks(settings, datetime.date(2026, 11, 30))) == []


def test_a_name_that_is_not_openais_or_a_model_outside_the_catalog_gets_no_warning() -> None:
    assert warnings_of("ernie", "mine: ernie/ernie-4.5-turbo-128k") == []
    assert warnings_of("ernie", "gpt-4o: ernie/newer-than-the-catalog") == []
