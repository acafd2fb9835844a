"""The error for a name without a route includes the line that adds one."""

import json
from typing import Any

import pytest
from ruamel.yaml import YAML

from config.loader.load import load
from config.routing import Routing, UnknownModel
from config.schema import Settings

KIMI = {"api_key": "sk-kimi-0000000000000001"}
QWEN = {"api_key": "sk-qwen-0000000000000001"}
WRONG = [
    "my-gpt4-deployment", "gpt4", "gpt-4o-prod", "GPT-4o", "chat", "prod", "team/gpt-4o", "azure-gpt-35", "gpt35turbo",
    "my.model", "deployment_1", "claude-3-opus", "gemini-pro", "llama3:8b", "gpt-4o mini", "on", "null", "123", "-x",
    "模型", "a: b", "#name", "'quoted'", 'say "hi"', "gpt-4o,", "[list]", "{map}", "*", "@me", "ft:gpt-3.5-turbo:org::id",
    "text-davinci-edit-001", "dall-e-3",
]  # fmt: skip


def error_text(name: str, settings: dict[str, Any], operation: Any = "chat", *, file: bool = True) -> str:
    made = Settings.model_validate(settings)
    with pytest.raises(UnknownModel) as caught:
        Routing(made if file else made.from_environment()).find(name, operation)
    return str(caught.value)


@pytest.mark.parametrize("open_models", [True, False])
@pytest.mark.parametrize("name", WRONG)
def test_the_suggested_line_to_add_works(name: str, open_models: bool) -> None:
    vendors = {"kimi": KIMI, "qwen": QWEN}
    text = error_text(name, {"vendors": vendors, "policy": {"open_models": open_models}})
    assert "To serve this name, add to models: `" in text
    line = text.partition("add to models: `")[2].removesuffix("`.")
    added = YAML(typ="safe").load(line)
    assert added == {name: "kimi/kimi-k2.6"}
    if "*" not in name:
        hit = Routing(Settings.model_validate({"vendors": vendors, "models": added})).find(name, "chat")
        assert hit.targets[0].label == "kimi/kimi-k2.6"


@pytest.mark.parametrize("name", WRONG)
def test_without_a_file_it_is_the_variable_to_set(name: str) -> None:
    text = error_text(name, {"vendors": {"qwen": QWEN}}, file=False)
    value = text.partition("set BANJIA_MODELS='")[2].removesuffix("'.")
    assert json.loads(value) == {name: "qwen/qwen3.6-plus"}
    assert "add to models" not in text


def test_the_settings_know_whether_they_are_of_a_file(tmp_path: Any) -> None:
    assert not load(None, {"MOONSHOT_API_KEY": "sk-kimi-0000000000000001"}).settings.in_file
    path = tmp_path / "banjia.yaml"
    path.write_text("vendors:\n  kimi: {api_key: k}\n", encoding="utf-8")
    assert load(path, {}).settings.in_file


def test_for_embeddings_a_model_of_embeddings_is_named() -> None:
    text = error_text("my-vectors", {"vendors": {"kimi": KIMI, "qwen": QWEN}}, "embeddings")
    assert "`my-vectors: qwen/text-embedding-v4`" in text


def test_if_no_vendor_has_a_stand_in_a_target_of_models_or_a_placeholder_is_named() -> None:
    office = {"kind": "openai_compatible", "base_url": "http://10.0.0.5:8000/v1", "api_key": "none"}
    assert "`mine: office/MODEL_ID`" in error_text("mine", {"vendors": {"office": office}})
    text = error_text("mine", {"vendors": {"office": office}, "models": {"other": "office/my-model"}})
    assert "`mine: office/my-model`" in text


def test_no_line_is_suggested_where_it_would_not_help() -> None:
    assert "add to models" not in error_text("gpt-4o", {"vendors": {"qwen": QWEN}}, "embeddings")
    assert "It is a model for chat" in error_text("gpt-4o", {"vendors": {"qwen": QWEN}}, "embeddings")
    assert "add to models" not in error_text("text-embedding-3-small", {"vendors": {"kimi": KIMI}}, "embeddings")
    assert "add to models" not in error_text("x" * 201, {"vendors": {"kimi": KIMI}})
    assert "add to models" not in error_text("a\nb", {"vendors": {"kimi": KIMI}})


def test_a_star_alone_catches_every_name_that_no_other_line_has() -> None:
    models = {"gpt-4o": "kimi/kimi-k2.6", "*": "qwen/qwen-plus"}
    every = Routing(Settings.model_validate({"vendors": {"kimi": KIMI, "qwen": QWEN}, "models": models}))
    assert {every.find(name, "chat").targets[0].label for name in WRONG} == {"qwen/qwen-plus"}
    assert every.find("gpt-4o-2024-05-13", "chat").targets[0].label == "kimi/kimi-k2.6"
