"""The generated parts of the documentation are up to date and correct."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from adapters.core.adaptations import VerdictWord
from adapters.openai_params.operations import OPERATIONS
from adapters.registry import BY_NAME, VENDORS
from config.loader.load import ConfigError, load
from config.loader.schema_walk import fields, is_section, unwrap
from config.schema import Settings
from config.sections import Section
from proxy.commands.vendors import WHOLE_VENDORS, each_variant
from scripts import pages
from scripts.pages import configuration, verdicts
from tests.project.pages.documents import ROOT

CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
BASE = """
version: 1
vendors:
  kimi: {api_key: a}
  qwen: {api_key: b}
  hunyuan: {api_key: b}
  doubao: {access_key_id: AKLT-1, secret_key: s}
  office: {kind: kimi, base_url: "http://127.0.0.1:1/v1", api_key: c}
  vllm: {kind: openai_compatible, base_url: "http://127.0.0.1:1/v1", api_key: none}
models:
  gpt-4o: kimi/kimi-k3
server: {client_keys: [d]}
"""
KEYS = [key for _, _, keys in configuration.sections() for key in keys]
SHOWN = [key for key in KEYS if key.variable and not key.pending and "allOf" not in key.schema]


def paths(section: type[Section], at: str = "") -> Iterator[str]:
    """Every key of the settings, with NAME for a name of the operator's choice."""
    for name, kind in fields(section).items():
        path = f"{at}.{name}".lstrip(".")
        yield path
        inner = unwrap(getattr(kind, "__args__", (kind,))[-1])
        if is_section(inner) and issubclass(inner, Section) and path != "models.NAME.policy":
            yield from paths(inner, f"{path}.NAME" if name in ("vendors", "models") else path)


def test_every_made_part_is_what_the_code_gives_today() -> None:
    found = list(pages.pages())
    assert {name for page in found for name in pages.names(page.read_text("utf-8"))} == set(pages.PARTS)
    for page in found:
        text = page.read_text(encoding="utf-8")
        assert text == pages.filled(text), f"{page.name}: run scripts/docs"


def test_a_part_is_generated_again_and_the_text_around_it_stays() -> None:
    old = "before\n<!-- made by scripts/docs: key-order -->\nold\n<!-- end -->\nafter\n"
    new = pages.filled(old)
    assert new.startswith("before\n<!-- made by scripts/docs: key-order -->\n")
    assert new.endswith("<!-- end -->\nafter\n")
    assert "old" not in new
    assert "`DASHSCOPE_API_KEY`" in new


@pytest.mark.parametrize("path", list(paths(Settings)))
def test_every_key_of_the_configuration_has_a_line_with_its_meaning(path: str) -> None:
    [line] = re.findall(rf'^\| <a id="{re.escape(path)}"></a>.*\|$', CONFIGURATION, re.MULTILINE)
    name, kind, _, meaning, example = (cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1])
    assert name.endswith(f"`{path.rpartition('.')[2]}`")
    assert kind
    assert len(meaning) > 5
    assert example


def test_no_key_is_documented_that_there_is_not() -> None:
    assert set(re.findall(r'<a id="([^"]+)"></a>', CONFIGURATION)) == set(paths(Settings))


def settings(tmp_path: Path, **variables: str) -> dict[str, Any]:
    path = tmp_path / "banjia.yaml"
    path.write_text(BASE, encoding="utf-8")
    return load(path, variables).settings.model_dump()


@pytest.mark.parametrize("key", SHOWN, ids=lambda key: key.path)
def test_the_variable_that_is_shown_for_a_key_sets_it(key: configuration.Key, tmp_path: Path) -> None:
    others = {"BANJIA_STORE__URL": "sqlite:banjia.db"} if key.path == "store.dir" else {}
    before = settings(tmp_path, **others)
    after = settings(tmp_path, **others, **{key.variable: key.example})
    if key.path != "version":  # there is only one
        assert after != before


@pytest.mark.parametrize("key", [key for key in KEYS if key.pending], ids=lambda key: key.path)
def test_a_key_that_is_marked_as_not_yet_is_refused(key: configuration.Key, tmp_path: Path) -> None:
    wished = {"protocol": "native", "auth": "iam"}
    with pytest.raises(ConfigError, match="not implemented yet"):
        settings(tmp_path, **{key.variable: wished.get(key.name, "60")})


def test_every_parameter_of_every_vendor_and_operation_stands_on_the_page_of_verdicts() -> None:
    page = (ROOT / "docs" / "verdicts.md").read_text(encoding="utf-8")
    for name, vendor in each_variant(WHOLE_VENDORS):
        [section] = re.findall(
            rf"^### {re.escape(name.replace('/', ', '))}\n(.*?)(?=^### )", page, re.MULTILINE | re.DOTALL
        )
        parts = dict(re.findall(r"^\*\*(\w+)\.\*\*(.*?)(?=^\*\*|\Z)", section, re.MULTILINE | re.DOTALL))
        assert parts.keys() == {verdicts.OPERATIONS[operation] for operation in vendor.operations}
        for operation in vendor.operations:
            part = parts[verdicts.OPERATIONS[operation]]
            if "Every parameter is sent unchanged" not in part:
                assert [param for param in OPERATIONS[operation].params if f"`{param}`" not in part] == []


def test_every_verdict_in_which_a_preset_differs_stands_on_the_page_of_verdicts() -> None:
    page = (ROOT / "docs" / "verdicts.md").read_text(encoding="utf-8")
    [section] = re.findall(r"^### Presets of openai_compatible\n(.*?)(?=^### )", page, re.MULTILINE | re.DOTALL)
    base = BY_NAME["openai_compatible"].operations
    for vendor in (vendor for vendor in VENDORS if vendor.preset):
        for operation, op in vendor.operations.items():
            for name, verdict in op.params.items():
                row = f"| `{vendor.name}` | {verdicts.OPERATIONS[operation]} | `{name}` |"
                shared = f"| `{name}` | {', '.join(verdict.words)} | {verdict.why} |"
                assert verdict == base[operation].params[name] or row in section or shared in section, row


def test_the_words_of_the_table_are_those_that_verdicts_have() -> None:
    page = (ROOT / "docs" / "verdicts.md").read_text(encoding="utf-8")
    assert tuple(re.findall(r"^\| `(\w+)` \|", page.partition("## Adaptations")[0], re.MULTILINE)) == get_args(
        VerdictWord
    )
