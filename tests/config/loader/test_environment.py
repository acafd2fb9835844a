"""Settings from ``BANJIA_`` variables, with or without a file."""

from pathlib import Path
from typing import Any

import pytest

from config.loader.load import ConfigError, find_file, load
from config.schema import Settings
from tests.config.config_file import VENDOR, loaded

KEY = {"MOONSHOT_API_KEY": "sk-moonshot"}
FILE = """
server: {listen: "127.0.0.1:1000", client_keys: [one]}
vendors:
  kimi: {api_key: from-file, region: cn}
  My-Qwen.2: {kind: qwen, api_keys: [a, b]}
models:
  gpt-4o: kimi/kimi-k2.6
  gpt-4.1: {target: kimi/kimi-k2.6, set: {x: 1}}
  "gpt-3.5*": {targets: [kimi/kimi-k2.6]}
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, two_vendors: None) -> None:
    monkeypatch.chdir(tmp_path)


def over(**environ: str) -> Settings:
    """Return the settings of the file above with these variables, written without their prefix."""
    return loaded(FILE, {f"BANJIA_{name}": value for name, value in environ.items()}).settings


def diagnostics_of(environ: dict[str, str], text: str = FILE) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        loaded(text, environ)
    return [str(diagnostic) for diagnostic in caught.value.diagnostics]


def test_the_environment_wins_over_the_file_and_the_file_over_the_default() -> None:
    settings = over(SERVER__LISTEN="127.0.0.1:2000", VENDORS__KIMI__REGION="intl")
    assert settings.server.listen == "127.0.0.1:2000"
    assert settings.vendors["kimi"].region == "intl"
    assert settings.vendors["kimi"].keys()[0].get_secret_value() == "from-file"
    assert settings.client_keys() == ["one"]
    assert settings.server.max_concurrency == 1000


@pytest.mark.parametrize(
    ("name", "text", "path", "value"),
    [
        ("VERSION", "1", "version", 1),
        ("POLICY__ATTEMPTS", "2", "policy.attempts", 2),
        ("POLICY__MAX_WAIT_S", "1.5", "policy.max_wait_s", 1.5),
        ("POLICY__OPEN_MODELS", "off", "policy.open_models", False),
        ("SERVER__INSECURE", "true", "server.insecure", True),
        ("POLICY__REROUTE", "context, inspection", "policy.reroute", ["context", "inspection"]),
        ("POLICY__REROUTE", '["context"]', "policy.reroute", ["context"]),
        ("POLICY", '{"attempts": 4}', "policy.attempts", 4),
        ("VENDORS__KIMI__TIMEOUTS__IDLE_S", "7", "vendors.kimi.timeouts.idle_s", 7),
        ("VENDORS__KIMI__TIMEOUTS", '{"idle_s": 7}', "vendors.kimi.timeouts.idle_s", 7),
        ("VENDORS__KIMI__HEADERS", '{"X-Team": "a"}', "vendors.kimi.headers", {"X-Team": "a"}),
        ("VENDORS__KIMI__HEADERS__X_TEAM", "a", "vendors.kimi.headers", {"x-team": "a"}),
        ("VENDORS__MY_QWEN_2__BASE_URL", "http://x/v1/", "vendors.My-Qwen%2.base_url", "http://x/v1"),
        ("vendors__kimi__region".upper(), "intl", "vendors.kimi.region", "intl"),
        ("VENDORS__QWEN__API_KEY", "new", "vendors.qwen.region", "cn"),
    ],
)  # fmt: skip
def test_every_kind_of_key_can_be_set(name: str, text: str, path: Any, value: Any) -> None:
    found: Any = over(**{name: text})
    for part in path.split("."):
        part = part.replace("%", ".")
        found = found[part] if isinstance(found, dict) else getattr(found, part)
    assert found == value


def targets(settings: Settings, name: str) -> list[str]:
    return [target.target for target in settings.models[name].targets]


def test_a_model_is_set_as_a_target_a_list_or_json() -> None:
    assert targets(over(MODELS__GPT_4O="My-Qwen.2/qwen-plus"), "gpt-4o") == ["My-Qwen.2/qwen-plus"]
    two = over(MODELS__GPT_4_1="kimi/kimi-k2.6, My-Qwen.2/qwen-plus")
    assert targets(two, "gpt-4.1") == ["kimi/kimi-k2.6", "My-Qwen.2/qwen-plus"]
    assert targets(over(MODELS='{"o1": "kimi/kimi-k2.6"}'), "o1") == ["kimi/kimi-k2.6"]


def test_a_key_below_a_short_form_of_a_model_opens_it() -> None:
    settings = over(MODELS__GPT_4O__POLICY__ATTEMPTS="1", MODELS__GPT_4_1__POLICY='{"attempts": 2}')
    assert settings.models["gpt-4o"].policy == {"attempts": 1}
    assert settings.models["gpt-4.1"].policy == {"attempts": 2}
    assert settings.models["gpt-4.1"].targets[0].set == {"x": 1}


def test_a_name_written_out_is_taken_as_it_is() -> None:
    assert targets(over(**{"MODELS__o3-mini": "kimi/kimi-k2.6"}), "o3-mini") == ["kimi/kimi-k2.6"]


def test_a_longer_name_refines_a_shorter_one() -> None:
    settings = over(VENDORS='{"kimi": {"api_key": "json"}}', VENDORS__KIMI__REGION="intl", MODELS="{}")
    assert list(settings.vendors) == ["kimi"]
    assert settings.vendors["kimi"].region == "intl"
    assert settings.vendors["kimi"].keys()[0].get_secret_value() == "json"


def test_one_spelling_of_a_key_takes_the_place_of_the_other() -> None:
    settings = over(VENDORS__KIMI__API_KEYS="x,y", VENDORS__MY_QWEN_2__API_KEY="z")
    keys = {name: [key.get_secret_value() for key in entry.keys()] for name, entry in settings.vendors.items()}  # noqa: SIM118
    assert keys == {"kimi": ["x", "y"], "My-Qwen.2": ["z"]}


def test_an_empty_variable_counts_as_unset() -> None:
    assert (
        over(SERVER__LISTEN="", VENDORS__QWEN__API_KEY="", MODELS__GPT_4O__POLICY__ATTEMPTS="") == loaded(FILE).settings
    )


def test_a_secret_may_be_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from-secret\n")
    settings = over(VENDORS__KIMI__API_KEY=f"file:{tmp_path}/key", CLIENT_KEY=f"file:{tmp_path}/key")
    assert settings.vendors["kimi"].keys()[0].get_secret_value() == "from-secret"
    assert settings.client_keys() == ["one", "from-secret"]
    assert diagnostics_of({"BANJIA_CLIENT_KEY": "file:/nowhere/x"}) == [
        "environment: BANJIA_CLIENT_KEY: cannot read the file /nowhere/x: no such file or directory"
    ]


def test_dollars_in_a_variable_stay() -> None:
    assert over(CLIENT_KEY="pa$$word${X}").client_keys() == ["one", "pa$$word${X}"]


@pytest.mark.parametrize(("before", "after"), [("", ["new"]), ("client_keys: old", ["old", "new"]), ("client_keys: [old, new]", ["old", "new"]), ("client_keys:", ["new"])])  # fmt: skip
def test_the_client_key_joins_those_of_the_file(before: str, after: list[str]) -> None:
    text = f"server:\n  listen: 127.0.0.1:80\n  {before}\n" + VENDOR
    assert loaded(text, {"BANJIA_CLIENT_KEY": "new"}).settings.client_keys() == after


def test_the_client_key_works_without_a_file() -> None:
    settings = load(None, {**KEY, "BANJIA_CLIENT_KEY": "new", "BANJIA_SERVER__LISTEN": "0.0.0.0:80"}).settings
    assert settings.client_keys() == ["new"]
    assert not settings.open_models


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("BANJIA_SERVR__LISTEN", "BANJIA_SERVER__LISTEN"),
        ("BANJIA_SERVER_LISTEN", "BANJIA_SERVER__LISTEN"),
        ("BANJIA_LISTEN", "BANJIA_SERVER__LISTEN"),
        ("BANJIA_SERVER__LISTN", "BANJIA_SERVER__LISTEN"),
        ("BANJIA_VENDORS__KIMI__APIKEY", "BANJIA_VENDORS__KIMI__API_KEY"),
        ("BANJIA_VENDORS__MY_QWEN_2__REGIONS", "BANJIA_VENDORS__MY_QWEN_2__REGION"),
        ("BANJIA_POLICY__ATTEMPT", "BANJIA_POLICY__ATTEMPTS"),
        ("BANJIA_CLIENT_KEYS", "BANJIA_CLIENT_KEY"),
        ("BANJIA_MODELS__GPT_4", "BANJIA_MODELS__GPT_4O"),
    ],
)
def test_an_unknown_variable_is_an_error_that_names_the_nearest(name: str, meant: str) -> None:
    assert diagnostics_of({name: "canary"}) == [f"environment: {name}: unknown variable; did you mean '{meant}'?"]
    assert diagnostics_of({name: ""}) == [f"environment: {name}: unknown variable; did you mean '{meant}'?"]


@pytest.mark.parametrize("name", ["BANJIA_", "BANJIA___", "BANJIA_SERVER__", "BANJIA_SERVER__LISTEN__X", "BANJIA_POLICY__REROUTE__0", "BANJIA_VENDORS__"])  # fmt: skip
def test_a_variable_that_leads_nowhere_is_unknown(name: str) -> None:
    assert "unknown variable" in diagnostics_of({name: "1"})[0]


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("POLICY__ATTEMPTS", "abc", "BANJIA_POLICY__ATTEMPTS (policy.attempts): got text 'abc'; expected an integer"),
        ("SERVER__LISTEN", "80", "BANJIA_SERVER__LISTEN (server.listen): got text '80'; expected host:port, for example 127.0.0.1:8080 or [::1]:8080"),
        ("VENDORS__KIMI", "sk-canary", 'BANJIA_VENDORS__KIMI (vendors.kimi): not JSON; expected JSON such as {"key": "value"}'),
        ("MODELS", "[]", 'BANJIA_MODELS (models): not a mapping; expected JSON such as {"key": "value"}'),
        ("VENDORS__KIMI", '{"api_kye": "x"}', "BANJIA_VENDORS__KIMI (vendors.kimi.api_kye): unknown key; did you mean 'api_key'?"),
        ("POLICY__REROUTE", "contxt", "BANJIA_POLICY__REROUTE (policy.reroute[0]): got text 'contxt'; expected context or inspection; did you mean 'context'?"),
        ("VENDORS__KIMMI__API_KEY", "x", "BANJIA_VENDORS__KIMMI__API_KEY (vendors.kimmi): unknown vendor 'kimmi'; did you mean 'kimi'?"),
        ("VENDORS__KIMI__API_KEY", "a canary", "BANJIA_VENDORS__KIMI__API_KEY (vendors.kimi.api_key): the key contains a space, a line break or a non-ASCII character; expected the key alone"),
        ("VENDORS__KIMI__LIMITS__RPM", "0", "BANJIA_VENDORS__KIMI__LIMITS__RPM (vendors.kimi.limits.rpm): got text '0'; expected 1 or more"),
    ],
)  # fmt: skip
def test_an_invalid_variable_is_reported_with_its_name(name: str, text: str, says: str) -> None:
    assert diagnostics_of({f"BANJIA_{name}": text}) == [f"environment: {says}"]


def test_what_kubernetes_and_our_emulators_set_is_nobodys_setting() -> None:
    links = {
        "BANJIA_SERVICE_HOST": "10.0.0.1",
        "BANJIA_SERVICE_PORT": "8080",
        "BANJIA_SERVICE_PORT_HTTP": "8080",
        "BANJIA_PORT": "tcp://10.0.0.1:8080",
        "BANJIA_PORT_8080_TCP": "tcp://10.0.0.1:8080",
        "BANJIA_PORT_8080_TCP_ADDR": "10.0.0.1",
        "BANJIA_METRICS_SERVICE_HOST": "10.0.0.2",
        "BANJIA_METRICS_PORT": "tcp://10.0.0.2:8081",
    }
    rest = {"BANJIA_CONFIG": "x", "BANJIA_LANG": "zh", "BANJIA_EMULATOR_SEED": "1"}
    assert loaded(FILE, {**links, **rest}).settings == loaded(FILE).settings
    assert "unknown variable" in diagnostics_of({"BANJIA_PORT": "8080"})[0]


def test_the_file_is_the_one_named_else_the_one_here_else_none(tmp_path: Path) -> None:
    assert find_file({}, tmp_path) is None
    (tmp_path / "banjia.yaml").write_text(VENDOR)
    assert find_file({}, tmp_path) == tmp_path / "banjia.yaml"
    assert find_file({"BANJIA_CONFIG": ""}, tmp_path) == tmp_path / "banjia.yaml"
    assert find_file({"BANJIA_CONFIG": "/etc/b.yaml"}, tmp_path) == Path("/etc/b.yaml")
