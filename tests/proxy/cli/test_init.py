"""``init`` writes a working configuration from what it detects, and never overwrites a file."""

import contextlib
import json
from pathlib import Path

import jsonschema_rs
import pytest
from ruamel.yaml import YAML

from adapters import registry
from config import json_schema as publish
from config.catalog.openai_names import known_names
from config.loader.environment import key_names, vendors_by_rank
from config.loader.load import load
from config.routing import Routing, UnknownModel
from config.schema import Settings
from proxy.commands.init import schema
from tests.proxy.cli.conftest import KIMI_KEY, QWEN_KEY, Run

EVERY = {key_names(vendor)[0]: f"sk-{vendor.name}-00000000000001" for vendor in vendors_by_rank()}
BOTH = {"KIMI_API_KEY": KIMI_KEY, "DASHSCOPE_API_KEY": QWEN_KEY}


@pytest.mark.parametrize("env", [BOTH, {"MOONSHOT_API_KEY": KIMI_KEY}, EVERY], ids=["two", "one", "every"])
def test_the_file_passes_check_without_a_warning_and_has_no_key_in_it(
    env: dict[str, str], banjia: Run, tmp_path: Path
) -> None:
    made = banjia("init", env=env)
    assert made.exit_code == 0
    written = (tmp_path / "banjia.yaml").read_text()
    assert not any(key in written + made.output for key in env.values())
    checked = banjia("check", env=env)
    assert checked.exit_code == 0, checked.stderr
    assert "warning" not in checked.stderr


def test_the_names_of_the_variables_that_were_found_stand_in_the_file(banjia: Run, tmp_path: Path) -> None:
    output = banjia("init", env=BOTH).stdout
    assert "qwen (DASHSCOPE_API_KEY), kimi (KIMI_API_KEY)" in output
    settings = load(tmp_path / "banjia.yaml", BOTH).settings
    assert {name: entry.keys()[0].get_secret_value() for name, entry in settings.vendors.items()} == {
        "qwen": QWEN_KEY,
        "kimi": KIMI_KEY,
    }


@pytest.mark.parametrize("env", [BOTH, EVERY], ids=["two", "every"])
def test_every_name_is_answered_as_it_would_be_without_a_file(env: dict[str, str], banjia: Run, tmp_path: Path) -> None:
    """By the same vendors in the same order, the forms of names too."""

    def answered(settings: Settings) -> dict[tuple[str, str], list[str]]:
        found = {}
        for name in known_names():
            for operation in ("chat", "embeddings"):
                with contextlib.suppress(UnknownModel):
                    targets = Routing(settings).find(name, operation).targets
                    found[name, operation] = [target.label for target in targets]
        return found

    banjia("init", env=env)
    before, after = load(None, env).settings, load(tmp_path / "banjia.yaml", env).settings
    assert answered(before) == answered(after)
    chat = answered(before)["gpt-4o", "chat"]
    vectors = answered(before)["text-embedding-3-small", "embeddings"]
    names = [label.partition("/")[0] for label in chat]
    assert names == [name for name in after.vendors if name in names]
    assert {name for name in after.vendors if not registry.BY_NAME[name].preset} <= set(names)
    assert len(chat) > 1 == len(vectors)


def test_an_editor_finds_the_schema_and_takes_the_file(banjia: Run, tmp_path: Path) -> None:
    banjia("init", env=BOTH)
    text = (tmp_path / "banjia.yaml").read_text()
    first = text.splitlines()[0]
    assert not first.startswith("# yaml-language-server: ")
    assert "`banjia schema > banjia.schema.json`" in text
    printed = banjia("schema").stdout
    assert printed == publish.FILE.read_text(encoding="utf-8")
    errors = jsonschema_rs.validator_for(json.loads(printed)).iter_errors(YAML(typ="safe").load(text))
    assert [error.message for error in errors] == []


def test_above_the_schema_the_file_names_it_without_the_machines_folders() -> None:
    assert schema(publish.FILE.parents[1] / "banjia.yaml") == "config/banjia.schema.json"
    assert schema(None) == ""


@pytest.mark.parametrize("file", ["banjia.yaml", "-", "deep/banjia.yaml"])
def test_no_path_of_this_machine_is_in_the_file(file: str, banjia: Run, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    ended = banjia("init", file, env=BOTH)
    text = ended.stdout if file == "-" else (tmp_path / file).read_text()
    assert text.startswith("#")
    for path in (tmp_path, Path.home(), publish.FILE.parents[1]):
        assert str(path) not in text


def test_a_file_that_is_there_is_left_alone_unless_forced(banjia: Run, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("mine")
    ended = banjia("init", str(file), env=BOTH)
    assert ended.exit_code == 1
    assert "--force" in ended.stderr
    assert file.read_text() == "mine"
    assert banjia("init", str(file), "--force", env=BOTH).exit_code == 0
    assert file.read_text().startswith("# Configuration of banjia")


def test_a_folder_that_is_not_there_ends_with_1_and_no_traceback(banjia: Run, tmp_path: Path) -> None:
    ended = banjia("init", str(tmp_path / "none" / "banjia.yaml"))
    assert ended.exit_code == 1
    assert "cannot write" in ended.stderr


def test_a_folder_is_reported_as_a_folder(banjia: Run, tmp_path: Path) -> None:
    ended = banjia("init", str(tmp_path))
    assert ended.exit_code == 1
    assert "is a directory" in ended.stderr
    assert "--force" not in ended.stderr


def test_without_a_key_it_is_a_template_that_any_one_key_brings_to_life(banjia: Run, tmp_path: Path) -> None:
    output = banjia("init").stdout
    assert "template" in output
    assert "MOONSHOT_API_KEY" in output
    text = (tmp_path / "banjia.yaml").read_text()
    assert "DASHSCOPE_API_KEY" in text
    assert banjia("check").exit_code == 2  # no key, no service
    for variable in ("DASHSCOPE_API_KEY", "MOONSHOT_API_KEY"):
        assert banjia("check", env={variable: KIMI_KEY}).exit_code == 0


def test_every_vendor_that_a_key_is_enough_for_is_named(banjia: Run) -> None:
    text = banjia("init", "-", env=BOTH).stdout
    assert all(
        f"{vendor.name}: # {vendor.title}" in text
        for vendor in vendors_by_rank()
        if vendor.variant is None and not vendor.preset
    )
    assert set(registry.BY_NAME) >= {vendor.name for vendor in vendors_by_rank()}


def test_a_dash_prints_it_and_writes_nothing(banjia: Run, tmp_path: Path) -> None:
    ended = banjia("init", "-", env=BOTH)
    assert ended.exit_code == 0
    assert ended.stdout.startswith("# Configuration of banjia")
    assert list(tmp_path.iterdir()) == []
