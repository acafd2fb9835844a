"""An OpenAI-compatible server in the configuration: it needs a base URL, may lack a key, is never found by itself."""

from pathlib import Path

import pytest

from adapters.registry import VENDORS
from adapters.rules.server_messages import ServerMessages
from config.loader.environment import vendors_by_rank
from config.routing import Routing, UnknownModel
from tests.config.config_file import diagnostics, loaded

OFFICE = "office: {kind: openai_compatible, base_url: 'http://10.0.0.5:8000/v1', api_key: none}"
CONFIG = f"vendors:\n  {OFFICE}\nmodels:\n  gpt-4o: office/qwen2:7b\n  text-embedding-3-small: office/bge-m3\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_server_is_reached_at_its_address_under_whatever_model_it_has() -> None:
    routing = Routing(loaded(CONFIG).settings)

    (chat,) = routing.find("gpt-4o", "chat").targets
    (vectors,) = routing.find("text-embedding-3-small", "embeddings").targets

    assert (chat.label, chat.base_url) == ("office/qwen2:7b", "http://10.0.0.5:8000/v1")
    assert (vectors.model.id, vectors.model.operation) == ("bge-m3", "embeddings")


def test_a_configuration_with_a_server_has_nothing_to_be_warned_of() -> None:
    assert loaded(CONFIG).warnings == []


def test_its_models_can_be_requested_by_their_own_names_but_are_no_stand_ins() -> None:
    routing = Routing(loaded(f"vendors:\n  {OFFICE}\n").settings)

    assert routing.find("office/llama3:8b", "chat").targets[0].model.id == "llama3:8b"
    assert not routing.names
    with pytest.raises(UnknownModel):
        routing.find("gpt-4o", "chat")


def test_beside_a_vendor_it_takes_no_stand_in_away() -> None:
    both = f"vendors:\n  {OFFICE}\n  kimi: {{api_key: k}}\n"
    assert Routing(loaded(both).settings).find("gpt-4o", "chat").targets[0].label == "kimi/kimi-k2.6"


def test_without_an_address_it_is_refused() -> None:
    (problems,) = diagnostics("vendors:\n  office: {kind: openai_compatible, api_key: none}\n")
    assert problems == (
        "banjia.yaml:2:3: vendors.office: the key 'base_url' is missing; "
        "expected the URL of your server, such as http://10.0.0.5:8000/v1"
    )


def test_without_a_word_about_its_key_it_is_off() -> None:
    problems = diagnostics("vendors:\n  office: {kind: openai_compatible, base_url: 'http://10.0.0.5:8000/v1'}\n")
    assert "api_key is missing" in problems[0]


def test_no_variable_of_the_environment_brings_it_up() -> None:
    (server,) = [vendor for vendor in VENDORS if vendor.name == "openai_compatible"]
    assert server not in vendors_by_rank()
    assert server.key_names == ()


@pytest.mark.parametrize(
    ("wish", "rules"),
    [
        ("{}", None),
        ("{merge_system: off}", None),
        ("{merge_system: true}", ServerMessages(merge_system=True)),
        ("{developer_as: user}", ServerMessages(developer_as="user")),
        ("{merge_system: on, developer_as: system}", ServerMessages(merge_system=True, developer_as="system")),
    ],
)
def test_a_server_has_rules_for_messages_where_its_entry_gives_some(wish: str, rules: ServerMessages | None) -> None:
    entry = OFFICE.replace("api_key", f"messages: {wish}, api_key")
    settings = loaded(f"vendors:\n  {entry}\nmodels: {{gpt-4o: office/m}}\n").settings
    assert Routing(settings).find("gpt-4o", "chat").targets[0].messages == rules


def test_the_environment_gives_them_too() -> None:
    environ = {"BANJIA_VENDORS__OFFICE__MESSAGES__MERGE_SYSTEM": "on"}
    (target,) = Routing(loaded(CONFIG, environ).settings).find("gpt-4o", "chat").targets
    assert target.messages == ServerMessages(merge_system=True)
