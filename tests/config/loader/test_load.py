"""Loading settings with and without a file: enabled vendors, and warnings."""

from pathlib import Path

import pytest

from adapters import registry
from config.loader.load import ConfigError, load, load_file
from config.schema import Settings
from tests.config.config_file import VENDOR, diagnostics, loaded
from tests.support.effort import calls_made_by

MODELS = "models:\n  a: [qwen/qwen-plus, kimi/kimi-k2.6]\n"
BOTH = "vendors:\n  qwen: {api_key: '${QWEN}'}\n  kimi: {api_keys: ['${KIMI_1}', '${KIMI_2}', '']}\n" + MODELS


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, two_vendors: None) -> None:
    monkeypatch.chdir(tmp_path)


def warnings(text: str, environ: dict[str, str] | None = None) -> list[str]:
    return [str(warning) for warning in loaded(text, environ).warnings]


def keys(settings: Settings) -> dict[str, list[str]]:
    return {name: [key.get_secret_value() for key in entry.keys()] for name, entry in settings.vendors.items()}  # noqa: SIM118


# --- no file ---


@pytest.mark.parametrize(
    ("environ", "found"),
    [
        ({"DASHSCOPE_API_KEY": "d"}, {"qwen": ["d"]}),
        ({"MOONSHOT_API_KEY": "m"}, {"kimi": ["m"]}),
        ({"KIMI_API_KEY": "k"}, {"kimi": ["k"]}),
        ({"KIMI_API_KEY": "k", "MOONSHOT_API_KEY": "m"}, {"kimi": ["m"]}),
        ({"KIMI_API_KEY": "k", "MOONSHOT_API_KEY": ""}, {"kimi": ["k"]}),
        ({"KIMI_API_KEY": "k", "OPENAI_API_KEY": "o"}, {"kimi": ["k"]}),
    ],
)
def test_without_a_file_vendors_come_from_their_key_variables(
    environ: dict[str, str], found: dict[str, list[str]]
) -> None:
    result = load(None, environ)
    assert keys(result.settings) == found
    assert (result.source, result.warnings) == ("environment", [])


def test_qwen_comes_before_kimi_by_rank_whatever_the_order_of_the_environment() -> None:
    settings = load(None, {"MOONSHOT_API_KEY": "m", "DASHSCOPE_API_KEY": "d"}).settings
    assert list(settings.vendors) == ["qwen", "kimi"]


def test_without_a_file_the_rest_can_be_set_too() -> None:
    environ = {"KIMI_API_KEY": "k", "BANJIA_VENDORS__KIMI__REGION": "intl", "BANJIA_VENDORS__QWEN__API_KEY": "q"}
    settings = load(None, environ).settings
    assert keys(settings) == {"kimi": ["k"], "qwen": ["q"]}
    assert settings.vendors["kimi"].region == "intl"


def test_without_any_key_the_variables_and_the_demo_are_named() -> None:
    with pytest.raises(ConfigError) as caught:
        load(None, {"OPENAI_API_KEY": "o"})
    assert str(caught.value) == (
        "environment: no vendor API key is set; looked for DASHSCOPE_API_KEY, MOONSHOT_API_KEY, KIMI_API_KEY; "
        "expected one of these variables, or a file banjia.yaml (`banjia demo` needs no key)"
    )


def test_in_a_container_without_any_key_both_missing_keys_are_reported_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        load(None, {"BANJIA_SERVER__LISTEN": "0.0.0.0:8080"})
    vendors, callers = map(str, caught.value.diagnostics)
    assert vendors.startswith("environment: no vendor API key is set")
    assert "-e BANJIA_CLIENT_KEY=" in callers
    assert "OPENAI_API_KEY" in callers


def test_openai_and_tencentcloud_variables_are_never_a_vendors_key(monkeypatch: pytest.MonkeyPatch) -> None:
    import dataclasses

    other = dataclasses.replace(registry.BY_NAME["kimi"], name="other", key_names=("OPENAI_API_KEY",))
    monkeypatch.setattr(registry, "VENDORS", (other,))
    with pytest.raises(ConfigError, match="no vendor API key"):
        load(None, {"OPENAI_API_KEY": "o"})


def test_a_key_variable_may_name_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from-file\n")
    assert keys(load(None, {"KIMI_API_KEY": f"file:{tmp_path}/key"}).settings) == {"kimi": ["from-file"]}
    with pytest.raises(ConfigError, match=r"environment: KIMI_API_KEY .*cannot read the file"):
        load(None, {"KIMI_API_KEY": "file:/nowhere/key"})


# --- vendors without a key ---


def test_a_vendor_whose_variable_is_unset_is_off_with_a_warning() -> None:
    assert warnings(BOTH, {"KIMI_1": "k"}) == [
        "banjia.yaml:2:10: vendors.qwen.api_key: QWEN is not set: qwen is off, its targets are skipped",
        "banjia.yaml:3:34: vendors.kimi.api_keys[1]: KIMI_2 is not set: this API key is skipped",
    ]
    assert keys(loaded(BOTH, {"KIMI_1": "k"}).settings) == {"qwen": [], "kimi": ["k"]}


def test_a_vendor_with_an_empty_key_is_off() -> None:
    assert warnings(BOTH, {"KIMI_1": "", "KIMI_2": "", "QWEN": "q"}) == [
        "banjia.yaml:3:10: vendors.kimi.api_keys: its API key is empty: kimi is off, its targets are skipped"
    ]


def test_a_vendor_without_any_key_is_off() -> None:
    problems = warnings(VENDOR + "  qwen: {region: cn}\n")
    assert problems == ["banjia.yaml:3:3: vendors.qwen: api_key is missing: qwen is off, its targets are skipped"]


def test_a_model_whose_vendors_are_all_off_is_an_error_at_its_line() -> None:
    with pytest.raises(
        ConfigError, match=r"^banjia\.yaml:4:3: models\.b: all targets are off \(qwen is off: Q is not set\)"
    ):
        loaded(
            "vendors: {kimi: {api_key: k}, qwen: {api_key: '${Q}'}}\nmodels:\n  a: kimi/kimi-k2.6\n  b: qwen/qwen-plus\n"
        )


def test_twice_as_many_models_cost_twice_the_work_at_most() -> None:
    def read(count: int) -> None:
        models = "".join(f"  m{number}: [kimi/kimi-k2.6, qwen/qwen-plus]\n" for number in range(count))
        settings = loaded(f"vendors: {{kimi: {{api_key: k}}, qwen: {{api_key: q}}}}\nmodels:\n{models}").settings
        assert [len(entry.targets) for entry in settings.models.values()] == [2] * count

    read(1)  # what is made once
    assert calls_made_by(lambda: read(100)) < 2.2 * calls_made_by(lambda: read(50))


def test_emulators_need_no_keys() -> None:
    path = loaded(BOTH, {"QWEN": "q"}).source
    assert list(load(load_path(path), {}, keys_needed=False).settings.vendors) == ["qwen", "kimi"]
    assert load(None, {}, keys_needed=False).settings.vendors == {}


def load_path(source: str) -> Path:
    from pathlib import Path

    return Path(source)


def test_a_server_without_keys_gets_the_key_none() -> None:
    settings = loaded("vendors: {office: {kind: kimi, base_url: 'http://10.0.0.5:8000/v1', api_key: none}}\n").settings
    assert keys(settings) == {"office": ["none"]}
    assert warnings("vendors: {office: {kind: kimi, base_url: 'http://10.0.0.5:8000/v1', api_key: none}}\n") == []


# --- worth knowing ---


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ("kimi-k2.5", "kimi-k2.5 was retired on 2026-08-31; expected kimi/kimi-k2.6"),
        ("kimi-k3", "kimi-k3 will be retired on 2099-01-01; expected another model"),
        ("kimi-k2.7", "the catalog of kimi has no model 'kimi-k2.7'; banjia requests it anyway; did you mean 'kimi/kimi-k2.6'?"),
        ("llama", "the catalog of kimi has no model 'llama'; banjia requests it anyway; expected a row for it in vendors.kimi.catalog.models, where same_as names a listed model"),
    ],
)  # fmt: skip
def test_a_model_that_is_gone_or_unknown_is_a_warning(model: str, says: str) -> None:
    assert warnings(VENDOR + f"models:\n  a: [kimi/kimi-k2.6, kimi/{model}]\n") == [
        f"banjia.yaml:4:23: models.a[1]: {says}"
    ]


def test_behind_an_address_of_its_own_a_vendor_may_have_any_model() -> None:
    text = VENDOR.replace("k}", "k, base_url: http://10.0.0.1/v1}") + "models: {a: kimi/llama}\n"
    assert warnings(text) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("vendors:\n  kimi: {api_key: sk-abcdefgh1234}\n", '2:19: vendors.kimi.api_key: the file contains a secret; expected "${MOONSHOT_API_KEY}"'),
        (VENDOR + "server: {client_keys: [sk-abcdefgh1234]}\n", '3:24: server.client_keys[0]: the file contains a secret; expected "${BANJIA_CLIENT_KEY}"'),
        ("vendors:\n  kimi: {api_key: k, headers: {x-key: sk-abcdefgh1234}}\n", '2:39: vendors.kimi.headers.x-key: the file contains a secret; expected "${VARIABLE}"'),
    ],
)  # fmt: skip
def test_a_secret_in_the_file_is_a_warning(text: str, says: str) -> None:
    assert warnings(text) == [f"banjia.yaml:{says}"]


def test_a_weight_that_counts_for_nothing_is_a_warning() -> None:
    text = "models: {a: {targets: [{target: kimi/kimi-k2.6, weight: 2}], strategy: STRATEGY}}\n"
    assert warnings(VENDOR + text.replace("STRATEGY", "weighted")) == []
    wrong = "weight has no effect under strategy: fastest; expected strategy: weighted next to targets"
    assert warnings(VENDOR + text.replace("STRATEGY", "fastest")) == [
        f"banjia.yaml:3:49: models.a.targets[0].weight: {wrong}"
    ]


def test_a_secret_from_elsewhere_is_none() -> None:
    assert warnings("vendors: {kimi: {api_key: '${K}'}}\n", {"K": "sk-abcdefgh1234"}) == []
    assert warnings(VENDOR, {"BANJIA_VENDORS__KIMI__API_KEY": "sk-abcdefgh1234"}) == []


@pytest.mark.parametrize("listen", ["127.0.0.1:80", "127.9.9.9:80", "localhost:80", "LOCALHOST:80", "[::1]:80"])
def test_loopback_needs_no_client_key(listen: str) -> None:
    assert loaded(VENDOR + f"server: {{listen: '{listen}'}}\n").settings.server.listen == listen


@pytest.mark.parametrize("listen", ["0.0.0.0:80", "[::]:80", "10.0.0.1:80", "proxy.internal:80"])
def test_beyond_loopback_a_client_key_or_a_word_is_needed(listen: str) -> None:
    with pytest.raises(ConfigError, match="no client key is set"):
        loaded(VENDOR + f"server: {{listen: '{listen}'}}\n")
    assert (
        loaded(
            VENDOR + f"server: {{listen: '{listen}', client_keys: ['${{K}}']}}\n", {"K": "a-long-random-word"}
        ).warnings
        == []
    )
    [warning] = loaded(VENDOR + f"server: {{listen: '{listen}', insecure: true}}\n").warnings
    assert str(warning).endswith(
        f"server.insecure: every machine that reaches {listen} can call the vendors on your account, without a client key; "
        "expected client_keys instead of insecure, or a loopback address such as 127.0.0.1:8080"
    )


def test_insecure_is_not_warned_of_where_it_opens_nothing() -> None:
    keyed = "listen: '0.0.0.0:80', client_keys: ['${K}']"
    for server in ("", keyed):
        text = VENDOR + f"server: {{insecure: true, {server}}}\n"
        assert loaded(text, {"K": "a-long-random-word"}).warnings == []


def test_the_admin_address_is_taken() -> None:
    settings = loaded(VENDOR + "server: {admin_listen: '127.0.0.1:9000'}\n").settings
    assert settings.server.admin_listen == "127.0.0.1:9000"


@pytest.mark.parametrize("word", ["off", "none"])
def test_the_admin_port_can_be_off(word: str) -> None:
    assert loaded(VENDOR + f"server: {{admin_listen: {word}}}\n").settings.server.admin_listen == "off"


@pytest.mark.parametrize(("key", "listen", "warned"), [
    ("secret", "0.0.0.0:80", True), ("a-long-random-word", "0.0.0.0:80", False), ("secret", "127.0.0.1:80", False),
])  # fmt: skip
def test_a_client_key_that_can_be_guessed_is_warned_of_where_others_can_try(
    key: str, listen: str, warned: bool
) -> None:
    text = VENDOR + f"server: {{listen: '{listen}', client_keys: ['${{CALLER}}']}}\n"
    reported = [str(warning) for warning in loaded(text, {"CALLER": key}).warnings]
    output = (
        "server.client_keys: a client key has fewer than 12 characters and can be guessed from other machines; expected"
    )
    assert [line.partition(": ")[2] for line in reported if "client" in line] == [
        f"{output} a long random string"
    ] * warned
    assert key not in " ".join(reported)


TOKEN = "an-admin-token-of-enough-letters"


def test_the_admin_port_goes_beyond_loopback_with_a_token_and_with_nothing_else(tmp_path: Path) -> None:
    text = VENDOR + "server: {admin_listen: '0.0.0.0:8081', MORE}\n"
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    for more in ("admin_token: '${T}'", f"admin_token: 'file:{tmp_path}/token'"):
        found = loaded(text.replace("MORE", more), {"T": TOKEN})
        assert (found.settings.admin_token(), found.warnings) == (TOKEN, [])
    assert loaded(text.replace("MORE", ""), {"BANJIA_SERVER__ADMIN_TOKEN": TOKEN}).settings.admin_token() == TOKEN
    for more in ("", "insecure: true", "client_keys: ['${T}']", "admin_token: ''", "admin_token: '${NONE:-}'"):
        with pytest.raises(ConfigError, match=r'no admin_token is set; expected admin_token: "\$\{ADMIN_TOKEN\}"'):
            loaded(text.replace("MORE", more), {"T": TOKEN})


@pytest.mark.parametrize("listen", ["127.0.0.1:8081", "localhost:8081", "[::1]:8081", "off"])
def test_on_loopback_an_admin_token_is_taken_and_not_needed(listen: str) -> None:
    text = VENDOR + f"server: {{admin_listen: '{listen}', admin_token: '${{T:-}}'}}\n"
    assert loaded(text).settings.admin_token() == ""
    assert loaded(text, {"T": TOKEN}).settings.admin_token() == TOKEN


@pytest.mark.parametrize("token", ["short", "fifteen-letters", "with a space in it", "Bearer abcdefghijklmnop"])
def test_an_admin_token_that_can_be_guessed_or_that_no_client_can_send_is_refused_and_not_shown(token: str) -> None:
    [diagnostic] = diagnostics(VENDOR + "server: {admin_token: '${T}'}\n", {"T": token})
    assert "server.admin_token: the " in diagnostic
    assert token not in diagnostic


def test_an_admin_token_in_the_file_is_warned_of() -> None:
    [warning] = loaded(VENDOR + f"server: {{admin_token: {TOKEN}}}\n").warnings
    assert str(warning).endswith('the file contains a secret; expected "${ADMIN_TOKEN}"')


def test_sections_with_all_their_keys_commented_out_are_as_good_as_none() -> None:
    assert loaded(VENDOR + "server:\n  # listen: x\nmodels:\npolicy:\nbreaker:\n").settings == loaded(VENDOR).settings


def test_the_short_forms_mean_the_long_one() -> None:
    text = "models:\n  a: kimi/kimi-k2.6\n  b: [kimi/kimi-k2.6]\n  c: {target: kimi/kimi-k2.6}\n  d: {targets: [{target: kimi/kimi-k2.6}]}\n  e: {targets: kimi/kimi-k2.6}\n"
    models = loaded(VENDOR + text).settings.models
    assert len({str(model) for model in models.values()}) == 1


def test_a_file_gives_its_settings_alone(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(VENDOR)
    assert list(load_file(tmp_path / "x.yaml", {}).vendors) == ["kimi"]


def test_the_registry_has_every_vendor_and_preset_of_the_folders_by_rank() -> None:
    here = Path(registry.__file__).parent
    found = [*(here / "vendors").glob("[!_]*"), *(here / "presets").glob("[!_]*")]
    files = {path.stem for path in found if path.suffix == ".py" or (path / "table.py").is_file()}
    vendors = registry.scan()
    assert {vendor.name for vendor in vendors} == files
    assert [vendor.name for vendor in vendors][:2] == ["qwen", "kimi"]
    assert {vendor.name for vendor in vendors if vendor.preset} == {
        path.stem for path in (here / "presets").glob("[!_]*.py")
    }
    first = [vendor.preset for vendor in vendors].index(True)
    assert all(vendor.preset for vendor in vendors[first:]), "presets come after all vendors with a table of their own"
