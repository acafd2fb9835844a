"""Presets of ``openai_compatible`` in the configuration: their addresses, keys, models, stand-ins and messages."""

from pathlib import Path

import pytest

from adapters.core.vendor import Target, Vendor
from adapters.registry import BY_NAME, VENDORS
from adapters.rules.server_messages import ServerMessages
from config.catalog import models as catalog
from config.loader.environment import key_names, vendors_by_rank
from config.routing import Routing, UnknownModel
from tests.config.config_file import diagnostics, loaded

PRESETS = [vendor for vendor in VENDORS if vendor.preset]
LOCAL = [vendor for vendor in PRESETS if vendor.keyless]
HOSTED = [vendor for vendor in PRESETS if not vendor.keyless]
KEY = "sk-0000000000000001"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def only_target(text: str, name: str = "gpt-4o", environ: dict[str, str] | None = None) -> Target:
    (target,) = Routing(loaded(text, environ or {}).settings).find(name, "chat").targets
    return target


def named(vendor: Vendor) -> str:
    return vendor.name


@pytest.mark.parametrize("vendor", LOCAL, ids=named)
def test_a_local_server_needs_neither_address_nor_key(vendor: Vendor) -> None:
    settings = loaded(f"vendors:\n  {vendor.name}: {{}}\nmodels: {{gpt-4o: {vendor.name}/llama3.1:8b}}\n").settings
    (target,) = Routing(settings).find("gpt-4o", "chat").targets
    assert (target.label, target.base_url) == (f"{vendor.name}/llama3.1:8b", next(iter(vendor.base_urls.values())))
    assert [key.get_secret_value() for key in settings.vendors[vendor.name].keys()] == ["none"]  # noqa: SIM118 - no mapping


@pytest.mark.parametrize("vendor", HOSTED, ids=named)
def test_a_hosted_server_needs_a_key(vendor: Vendor) -> None:
    assert "api_key is missing" in diagnostics(f"vendors:\n  {vendor.name}: {{}}\n")[0]
    target = only_target(f"vendors: {{{vendor.name}: {{api_key: {KEY}}}}}\n", f"{vendor.name}/any/model")
    assert (target.model.id, target.base_url) == ("any/model", next(iter(vendor.base_urls.values())))


def test_a_local_server_at_its_usual_address_is_never_called_through_the_proxy_of_the_environment() -> None:
    assert loaded("vendors: {ollama: {}}\n").settings.vendors["ollama"].outbound() == "none"
    own = "vendors: {ollama: {base_url: 'http://gpu.office:11434/v1'}}\n"
    assert loaded(own).settings.vendors["ollama"].outbound() == "env"
    proxied = "vendors: {ollama: {proxy: 'http://10.0.0.1:3128'}}\n"
    assert loaded(proxied).settings.vendors["ollama"].outbound() == "http://10.0.0.1:3128"


def test_a_configuration_with_a_mapped_local_server_has_no_warnings() -> None:
    assert loaded("vendors:\n  ollama:\nmodels: {gpt-4o: ollama/llama3.1:8b}\n").warnings == []


@pytest.mark.parametrize("entry", ["ollama: {}", "openrouter: {api_key: '${OPENROUTER_API_KEY}'}"])
def test_a_preset_without_stand_ins_that_no_model_names_is_a_warning_with_the_line_to_add(entry: str) -> None:
    (warning,) = loaded(f"vendors:\n  {entry}\n", {"OPENROUTER_API_KEY": KEY}).warnings
    name = entry.partition(":")[0]
    assert str(warning).endswith(
        f"{name} serves no OpenAI name: banjia does not know its models; "
        f"expected an entry in models, such as gpt-4o: {name}/MODEL_ID"
    )


def test_a_hosted_preset_without_stand_ins_beside_another_vendor_is_no_warning() -> None:
    text = "vendors:\n  openrouter: {api_key: '${A}'}\n  kimi: {api_key: '${B}'}\n"
    assert loaded(text, {"A": KEY, "B": KEY}).warnings == []


def test_a_catalog_of_the_operators_gives_a_local_server_stand_ins() -> None:
    text = (
        "vendors:\n  ollama:\n    catalog:\n      models: [{id: 'llama3.1:8b', confidence: high}]\n"
        "      stand_ins: {gpt-4o: {model: 'llama3.1:8b'}}\n"
    )
    assert loaded(text).warnings == []
    assert only_target(text).label == "ollama/llama3.1:8b"


def test_the_error_of_a_name_that_a_local_server_does_not_serve_has_the_line_to_add() -> None:
    with pytest.raises(UnknownModel) as caught:
        only_target("vendors: {ollama: {}}\n")
    assert "add to models: `gpt-4o: ollama/MODEL_ID`" in str(caught.value.message)


def test_the_error_of_an_unknown_name_suggests_keys_of_whole_vendors_only() -> None:
    with pytest.raises(UnknownModel) as caught:
        only_target("vendors: {ollama: {}}\n")
    message = str(caught.value.message)
    assert "DASHSCOPE_API_KEY" in message
    assert not any(name in message for vendor in PRESETS for name in vendor.key_names)


def test_a_preset_has_another_name_by_its_kind_and_another_address_by_base_url() -> None:
    text = "vendors:\n  box: {kind: vllm, base_url: 'http://10.0.0.5:8000/v1'}\nmodels: {gpt-4o: box/m}\n"
    target = only_target(text)
    assert (target.label, target.vendor.name, target.base_url) == ("box/m", "vllm", "http://10.0.0.5:8000/v1")
    assert loaded(text).warnings == []


def test_a_local_server_with_a_key_sends_it() -> None:
    (key,) = loaded(f"vendors: {{vllm: {{api_key: {KEY}}}}}\n").settings.vendors["vllm"].keys()
    assert key.get_secret_value() == KEY


def test_an_unset_variable_turns_a_local_server_off_as_well() -> None:
    assert "VLLM_API_KEY is not set" in diagnostics("vendors: {vllm: {api_key: '${VLLM_API_KEY}'}}\n")[0]


def test_no_variable_of_the_environment_turns_a_local_server_on() -> None:
    assert all(vendor.key_names == () for vendor in LOCAL)
    assert not {vendor.name for vendor in LOCAL} & {vendor.name for vendor in vendors_by_rank()}


@pytest.mark.parametrize("vendor", HOSTED, ids=named)
def test_a_key_in_the_environment_turns_a_hosted_server_on_at_its_first_host(vendor: Vendor) -> None:
    settings = Routing(loaded_from_environment({vendor.key_names[0]: KEY}).settings)
    (target,) = settings.find(f"{vendor.name}/m", "chat").targets
    assert target.base_url == next(iter(vendor.base_urls.values()))


def loaded_from_environment(environ: dict[str, str]):  # type: ignore[no-untyped-def]
    from config.loader.load import load

    return load(None, environ)


def test_presets_come_after_all_other_vendors_in_the_environment() -> None:
    order = [vendor.preset for vendor in vendors_by_rank()]
    assert order == sorted(order)
    environ = {name: KEY for vendor in vendors_by_rank() for name in key_names(vendor)}
    targets = Routing(loaded_from_environment(environ).settings).find("gpt-4o", "chat").targets
    kinds = [target.vendor.preset for target in targets]
    assert kinds == sorted(kinds)
    assert kinds[0] is False


def test_the_regions_of_a_preset_are_its_hosts() -> None:
    text = f"vendors: {{siliconflow: {{api_key: {KEY}, region: intl}}}}\n"
    assert only_target(text).base_url == "https://api.siliconflow.com/v1"
    (problems,) = diagnostics(f"vendors: {{openrouter: {{api_key: {KEY}, region: us}}}}\n")
    assert "OpenRouter has no region 'us'; expected intl, or a base_url" in problems


def test_huaweis_embeddings_have_a_base_path_of_their_own() -> None:
    text = f"vendors: {{pangu: {{api_key: {KEY}, region: hk}}}}\n"
    (vectors,) = Routing(loaded(text).settings).find("text-embedding-3-small", "embeddings").targets
    assert vectors.base_url == "https://api-ap-southeast-1.modelarts-maas.com/v1"
    assert only_target(text).base_url == "https://api-ap-southeast-1.modelarts-maas.com/v2"


def test_a_model_that_the_catalog_of_a_preset_lacks_is_no_warning() -> None:
    text = "vendors: {siliconflow: {api_key: '${K}'}}\nmodels: {gpt-4o: siliconflow/Qwen/Another-Model}\n"
    assert loaded(text, {"K": KEY}).warnings == []
    assert only_target(text, environ={"K": KEY}).model.id == "Qwen/Another-Model"


@pytest.mark.parametrize("vendor", LOCAL, ids=named)
def test_the_catalog_of_a_local_server_is_empty(vendor: Vendor) -> None:
    cat = catalog.load(vendor.catalog)
    assert (cat.models, cat.stand_ins) == ([], {})


@pytest.mark.parametrize(
    ("entry", "rules"),
    [
        ("ollama: {}", None),
        ("ollama: {messages: {developer_as: system}}", None),
        (
            "ollama: {messages: {merge_system: true}}",
            ServerMessages(merge_system=True, developer_as="system", image_urls=False, null_content=False),
        ),
        (
            "ollama: {messages: {developer_as: developer}}",
            ServerMessages(developer_as="developer", image_urls=False, null_content=False),
        ),
    ],
)
def test_messages_of_the_entry_change_what_they_name_and_the_rest_stays_that_of_the_preset(
    entry: str, rules: ServerMessages | None
) -> None:
    assert only_target(f"vendors:\n  {entry}\nmodels: {{gpt-4o: ollama/m}}\n").messages == rules


def test_every_preset_is_made_for_openais_chat_with_its_own_address() -> None:
    for vendor in PRESETS:
        assert vendor.transparent
        assert vendor.base_urls
        assert "chat" in vendor.operations
        assert vendor.docs.startswith("https://")
    assert BY_NAME["openai_compatible"].preset is False
