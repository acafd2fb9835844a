"""Vendors with several OpenAI-compatible APIs: which edition is used, its messages, and whose key it takes."""

from pathlib import Path

import pytest

from adapters.registry import VENDORS
from adapters.vendors.hunyuan import HUNYUAN, HUNYUAN_CLASSIC
from config.loader.load import load
from config.routing import Routing
from tests.config.config_file import diagnostics, loaded

CLASSIC = "vendors:\n  hunyuan: {api_key: k, edition: classic}\n"
ENDED = (
    "Hunyuan has announced the end of its classic edition on 2026-09-30; "
    "expected edition: tokenhub, with an API key for it (TOKENHUB_API_KEY)"
)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def url(text: str, name: str = "gpt-4o") -> str:
    """Return the host and the model of a request with this name."""
    (target,) = Routing(loaded(text).settings).find(name, "chat").targets
    return f"{target.base_url} {target.label}"


def warnings_of(text: str) -> list[str]:
    return [str(warning) for warning in loaded(text).warnings]


# --- what an edition is


def test_the_usual_edition_answers_to_no_name_and_to_its_own() -> None:
    assert HUNYUAN.of_variant(None) is HUNYUAN.of_variant("tokenhub") is HUNYUAN
    assert HUNYUAN.of_variant("classic") is HUNYUAN_CLASSIC
    assert HUNYUAN.of_variant("clasic") is None
    assert HUNYUAN.variant_names == ("tokenhub", "classic")
    assert (HUNYUAN.catalog, HUNYUAN_CLASSIC.catalog) == ("hunyuan", "hunyuan_classic")


def test_an_edition_knows_its_name_and_whose_it_is() -> None:
    for vendor in VENDORS:
        assert vendor.variant is None
        assert bool(vendor.variants) is (vendor.usual_variant is not None), vendor.name
        for name, edition in vendor.variants.items():
            assert (edition.name, edition.variant, dict(edition.variants)) == (vendor.name, name, {})
            assert name != vendor.usual_variant


# --- in a file


def test_an_edition_brings_its_own_host_and_models() -> None:
    assert url(CLASSIC) == "https://api.hunyuan.cloud.tencent.com/v1 hunyuan/hunyuan-turbos-latest"
    for usual in ("", ", edition: tokenhub"):
        assert url(f"vendors:\n  hunyuan: {{api_key: k{usual}}}\n") == "https://tokenhub.tencentmaas.com/v1 hunyuan/hy3"


def test_both_editions_can_stand_side_by_side() -> None:
    text = "vendors:\n  hunyuan: {api_key: k}\n  old: {kind: hunyuan, edition: classic, api_key: l}\n"
    assert url(text) == "https://tokenhub.tencentmaas.com/v1 hunyuan/hy3"
    assert url(text, "old/hunyuan-pro") == "https://api.hunyuan.cloud.tencent.com/v1 old/hunyuan-pro"


def test_an_edition_keeps_its_quirks_at_another_host() -> None:
    text = "vendors:\n  old: {kind: hunyuan, edition: classic, api_key: k, base_url: 'http://10.0.0.5/v1'}\n"
    (target,) = Routing(loaded(text).settings).find("gpt-4o", "chat").targets
    assert (target.base_url, target.vendor) == ("http://10.0.0.5/v1", HUNYUAN_CLASSIC)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "vendors:\n  hunyuan: {api_key: k, edition: clasic}\n",
            "banjia.yaml:2:34: vendors.hunyuan.edition: Hunyuan has no edition 'clasic'; expected tokenhub or classic; did you mean 'classic'?",
        ),
        (
            "vendors:\n  old: {kind: hunyuan, api_key: k, edition: sk-canary000}\n",
            "banjia.yaml:2:45: vendors.old.edition: Hunyuan has no edition (not shown); expected tokenhub or classic",
        ),
        (
            "vendors:\n  hunyuan: {api_key: k, edition: classic, region: intl}\n",
            "banjia.yaml:2:51: vendors.hunyuan.region: Hunyuan has no region 'intl'; expected cn, or a base_url",
        ),
        (
            "vendors:\n  hunyuan: {api_key: k, protocol: native}\n",
            "banjia.yaml:2:35: vendors.hunyuan.protocol: 'native' is not implemented yet; expected openai, or the key omitted",
        ),
    ],
)  # fmt: skip
def test_settings_that_an_edition_lacks_are_reported_with_their_position(text: str, says: str) -> None:
    assert diagnostics(text) == [says]


# --- a platform that has ended


def test_a_platform_that_has_ended_is_reported_with_its_replacement() -> None:
    assert warnings_of(CLASSIC) == [f"banjia.yaml:2:34: vendors.hunyuan.edition: {ENDED}"]
    assert warnings_of("vendors:\n  hunyuan: {api_key: k, edition: tokenhub}\n") == []


def test_a_model_of_an_ended_platform_is_reported_as_retired_with_its_replacement() -> None:
    _, model = warnings_of(CLASSIC + "models:\n  a: hunyuan/hunyuan-lite\n")
    assert model == (
        "banjia.yaml:4:6: models.a: hunyuan-lite was retired on 2026-09-30; expected hy3 in edition: tokenhub"
    )


def test_nothing_is_reported_about_the_platform_if_another_host_replaces_it() -> None:
    assert warnings_of(CLASSIC.replace("classic}", "classic, base_url: 'http://10.0.0.5/v1'}")) == []


# --- without a file


def entries(**environ: str) -> dict[str, tuple[str | None, str | None, str]]:
    settings = load(None, environ).settings
    return {
        name: (entry.kind, entry.edition, entry.keys()[0].get_secret_value())
        for name, entry in settings.vendors.items()
    }


def test_the_key_of_tokenhub_is_enough() -> None:
    assert entries(TOKENHUB_API_KEY="t") == {"hunyuan": (None, None, "t")}


def test_the_key_of_the_classic_platform_is_enough_and_its_end_is_reported() -> None:
    assert entries(HUNYUAN_API_KEY="h") == {"hunyuan": (None, "classic", "h")}
    (warning,) = load(None, {"HUNYUAN_API_KEY": "h"}).warnings
    assert str(warning) == f"environment: HUNYUAN_API_KEY (vendors.hunyuan.edition): {ENDED}"


def test_with_both_keys_the_classic_edition_comes_second_under_a_name_of_its_own() -> None:
    found = entries(HUNYUAN_API_KEY="h", TOKENHUB_API_KEY="t", MOONSHOT_API_KEY="m")
    assert list(found) == ["kimi", "hunyuan", "hunyuan-classic"]
    assert found["hunyuan"] == (None, None, "t")
    assert found["hunyuan-classic"] == ("hunyuan", "classic", "h")


def test_an_empty_key_of_tokenhub_is_none() -> None:
    assert entries(HUNYUAN_API_KEY="h", TOKENHUB_API_KEY="") == {"hunyuan": (None, "classic", "h")}


@pytest.mark.parametrize("name", ["TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY", "TENCENTCLOUD_API_KEY"])
def test_keys_of_the_whole_cloud_are_never_read(name: str) -> None:
    assert entries(HUNYUAN_API_KEY="h", **{name: "canary"}) == {"hunyuan": (None, "classic", "h")}
    assert not any(key.startswith("TENCENTCLOUD") for vendor in VENDORS for key in vendor.key_names)
