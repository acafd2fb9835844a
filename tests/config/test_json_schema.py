"""The JSON Schema for editors, and the examples for new users."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from ruamel.yaml import YAML

from config import json_schema as publish
from config.loader.load import load
from config.sections import Section
from tests.config.config_file import loaded

EXAMPLES = sorted((Path(publish.__file__).parent / "examples").glob("*.yaml"))
SCHEMA = json.loads(publish.FILE.read_text(encoding="utf-8"))
KEYS = {"MOONSHOT_API_KEY": "m", "DASHSCOPE_API_KEY": "d", "KIMI_KEY_1": "k", "KIMI_KEY_2": "l"}


def errors(text: str) -> list[str]:
    data = YAML(typ="safe").load(text)
    return [error.message for error in jsonschema_rs.validator_for(SCHEMA).iter_errors(data)]


def test_the_published_schema_is_the_one_of_the_models() -> None:
    assert publish.FILE.read_text(encoding="utf-8") == publish.text(), "run: python -m config.json_schema"


def test_every_key_is_described() -> None:
    for name, definition in {**SCHEMA["definitions"], "Settings": SCHEMA}.items():
        for key, wanted in definition.get("properties", {}).items():
            assert wanted["description"].strip(), f"{name}.{key}"
            assert "title" not in wanted


def test_every_section_is_described() -> None:
    assert all(section.__doc__ for section in Section.__subclasses__())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_valid_for_editors_and_names_the_schema(path: Any) -> None:
    text = path.read_text(encoding="utf-8")
    assert errors(text) == []
    first = text.splitlines()[0]
    assert first.startswith("# yaml-language-server: $schema=")
    assert (path.parent / first.partition("$schema=")[2]).resolve() == publish.FILE.resolve()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_starts_without_a_warning(path: Any, tmp_path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for name in ("banjia_client_key", "dashscope_api_key"):
        (tmp_path / name).write_text("a-long-random-word\n")
    result = loaded(text.replace("file:/run/secrets/", "file:./"), KEYS, tmp_path)
    assert result.warnings == []
    assert all(entry.keys() for entry in result.settings.vendors.values())


def test_there_are_three_examples() -> None:
    assert [path.stem for path in EXAMPLES] == ["failover", "minimal", "sidecar"]


def test_failover_starts_with_either_vendor_alone() -> None:
    path = next(path for path in EXAMPLES if path.stem == "failover")
    assert load(path, {"DASHSCOPE_API_KEY": "d"}).warnings
    assert load(path, {"KIMI_KEY_2": "k"}).warnings


@pytest.mark.parametrize(
    "text",
    [
        "version: 1",
        "models: {a: kimi/x, b: [kimi/x, {target: qwen/y, set: {z: 1}}], c: {target: kimi/x}, d: {targets: [kimi/x], policy: {attempts: 1}}}",
        "models: {a: '${TARGET}', b: ['${T1}']}",
        "policy: {attempts: '${N}', unsupported: '${WORD:-adapt}', open_models: on, reroute: ['${R}'], fetch_images: on}",
        "server: {listen: '${L}', insecure: '${YES}', client_keys: a, max_body_mb: 1.5}",
        "server: {client_keys: [file:/run/secrets/x], max_concurrency: 'file:/x'}",
        "vendors: {kimi: {api_key: '${K}', region: '${R}', timeouts: {idle_s: '${S}', first_token_s: 5}, headers: {x: y}}}",
        "vendors: {kimi: {api_keys: ['${K}', '${L}']}}",
    ],
)
def test_an_editor_takes_short_forms_and_variables(text: str) -> None:
    assert errors(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "modells: {}", "version: 2", "server: {lisen: a}", "server: {insecure: maybe}", "vendors: {kimi: {api_kye: a}}", "vendors: {kimi: {region: mars}}",
        "policy: {attempts: 0}", "policy: {attempts: three}", "policy: {reroute: [typo]}", "models: {a: kimi}", "models: {a: []}", "models: {a: {set: {}}}",
        "models: {a: {targets: [kimi/x], policy: {attempt: 1}}}", "vendors: {kimi: {timeouts: {idle_s: -1}}}", "vendors: [kimi]",
    ],
)  # fmt: skip
def test_an_editor_marks_what_is_wrong(text: str) -> None:
    assert errors(text)


def test_the_schema_is_written_where_it_is_wanted(tmp_path: Path) -> None:
    publish.write(tmp_path / "schema.json")
    assert json.loads((tmp_path / "schema.json").read_text(encoding="utf-8")) == SCHEMA
