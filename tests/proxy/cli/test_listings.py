"""``routes`` and ``models`` agree with the proxy's behaviour and with the catalogs."""

import datetime
from pathlib import Path

import pytest

from config.catalog import models as catalog
from proxy.commands.models import models
from tests.proxy.cli.conftest import KIMI_KEY, QWEN_KEY, Run, data

BOTH = {"MOONSHOT_API_KEY": KIMI_KEY, "DASHSCOPE_API_KEY": QWEN_KEY}
FILE = """
vendors:
  kimi: {api_key: "${MOONSHOT_API_KEY}", region: intl}
  qwen: {api_key: "${DASHSCOPE_API_KEY}"}
  spare: {kind: qwen, api_keys: ["${SPARE_A}", "${SPARE_B}"]}
models:
  gpt-4o: [spare/qwen3.6-plus, kimi/kimi-k2.6, qwen/qwen3.6-plus]
  "gpt-3.5*": {target: qwen/qwen-flash, set: {thinking: disabled}}
  gpt-4: {targets: [kimi/kimi-k2.6], policy: {unsupported: strict, attempts: 1}}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "banjia.yaml"
    path.write_text(FILE)
    return path


def test_routes_have_their_targets_in_order_and_what_differs(banjia: Run, file: Path) -> None:
    found = data(banjia("routes", "--json", env=BOTH))
    by_name = {route["name"]: route for route in found["routes"]}

    assert list(by_name)[:3] == ["gpt-4o", "gpt-3.5*", "gpt-4"]
    assert by_name["gpt-4o"]["targets"] == [
        {"target": "spare/qwen3.6-plus", "off": "spare is off"},
        {"target": "kimi/kimi-k2.6"},
        {"target": "qwen/qwen3.6-plus"},
    ]
    assert by_name["gpt-3.5*"]["targets"] == [{"target": "qwen/qwen-flash", "set": {"thinking": "disabled"}}]
    assert by_name["gpt-4"]["policy"] == {"unsupported": "strict", "attempts": 1}
    assert {route["from"] for route in found["routes"]} == {"models", "stand-in"}
    assert by_name["gpt-4o-mini"]["from"] == "stand-in"


def test_routes_leave_out_the_stand_ins_that_a_pattern_takes(banjia: Run, file: Path) -> None:
    names = [route["name"] for route in data(banjia("routes", "--json", env=BOTH))["routes"]]
    assert not [name for name in names if name.startswith("gpt-3.5-turbo")]


def test_routes_show_the_vendors_that_are_off_and_why(banjia: Run, file: Path) -> None:
    found = data(banjia("routes", "--json", env=BOTH))
    off = {vendor["name"]: vendor["off"] for vendor in found["vendors"]}
    assert off == {"kimi": None, "qwen": None, "spare": "SPARE_A and SPARE_B are not set"}
    assert found["vendors"][0]["base_url"] == "https://api.moonshot.ai/v1"

    lines = banjia("routes", env=BOTH | {"COLUMNS": "200"}).stdout.splitlines()
    assert any(line.startswith("spare: ") and "off: SPARE_A and SPARE_B are not set" in line for line in lines)
    assert any("spare/qwen3.6-plus (spare is off) then kimi/kimi-k2.6 then" in line for line in lines)
    assert any("unsupported: strict, attempts: 1" in line for line in lines)


def test_routes_need_no_file_and_show_no_key(banjia: Run) -> None:
    ended = banjia("routes", env=BOTH)
    assert ended.exit_code == 0
    assert "text-embedding-ada-002 qwen/text-embedding-v4 (dimensions: 1536)" in " ".join(ended.stdout.split())
    assert "0000000" not in ended.output


def test_routes_show_whether_other_names_are_served(banjia: Run) -> None:
    assert "Clients may also request" in banjia("routes", env=BOTH | {"COLUMNS": "200"}).stdout
    closed = banjia("routes", env={**BOTH, "BANJIA_CLIENT_KEY": "a-long-random-word"})
    assert "404" in closed.stdout.splitlines()[-1]


def test_routes_without_any_key_end_with_2(banjia: Run) -> None:
    ended = banjia("routes")
    assert ended.exit_code == 2
    assert "MOONSHOT_API_KEY" in ended.stderr


def test_models_are_those_of_the_catalogs_with_everything_known(banjia: Run) -> None:
    found = data(banjia("models", "--vendor", "kimi", "--json"))
    rows = catalog.load("kimi").models
    assert [row["id"] for row in found] == [row.id for row in rows]
    k26 = next(row for row in found if row["id"] == "kimi-k2.6")
    assert k26["context"] == 262144
    assert k26["input"] == ["image", "text", "video"]
    assert (k26["thinking"], k26["gone"], k26["currency"]) == ("default_on", False, "CNY")
    assert "gpt-4o" in k26["stands_in_for"]
    price = k26["prices"][0]
    assert {"input", "cached", "output", "up_to", "since", "source", "confidence", "now"} <= set(price)
    assert price["now"]


def below(lines: list[str], model: str) -> list[str]:
    """Return the lines of a model: its own, and the indented ones below it."""
    at = next(at for at, line in enumerate(lines) if line.startswith(f"{model} "))
    end = next(end for end in range(at + 1, len(lines)) if not lines[end].startswith(" "))
    return [" ".join(line.split()) for line in lines[at:end]]


def test_models_show_a_retirement_with_the_successor(banjia: Run) -> None:
    shown = below(banjia("models", "--vendor", "kimi").stdout.splitlines(), "moonshot-v1-8k")
    assert shown[1:] == ["retired on 2026-08-31; successor: kimi-k2.6"]


def test_models_show_a_retirement_that_is_announced_without_a_day(banjia: Run) -> None:
    shown = below(banjia("models", "--vendor", "ernie").stdout.splitlines(), "ernie-x1.1")
    assert shown[-1] == "to retire, on a date not known yet; successor: ernie-5.1"


def test_models_show_a_line_for_each_length_of_prompt(banjia: Run) -> None:
    lines = banjia("models", "--vendor", "qwen").stdout.splitlines()
    assert lines[0] == "qwen: prices in CNY per million tokens, as read on 2026-11-22"
    assert " ".join(lines[2].split()) == "prompts up to input cached output thinking since confidence source"
    assert below(lines, "qwen-plus") == [
        "qwen-plus 1000000 32768 text default_off",
        "131072 0.8 0.16 2 8 2026-06-30 medium model bank mid-2026",
        "262144 2.4 0.48 20 24 2026-06-30 medium model bank mid-2026",
        "- 4.8 0.96 48 64 2026-06-30 medium model bank mid-2026",
    ]


def test_models_show_earlier_prices_on_request_the_latest_first(banjia: Run) -> None:
    lines = banjia("models", "--vendor", "qwen", "--history").stdout.splitlines()
    shown = " ".join(below(lines, "qwen-turbo")[1:])
    assert shown == (
        "- 0.3 ? 0.6 3 2026-06-30 - medium third-party list 2026-05 and model bank mid-2026 "
        "- 2 ? 6 - 2024-05-21 2024-07-31 medium price lists of July 2024"
    )
    assert len(below(banjia("models", "--vendor", "qwen").stdout.splitlines(), "qwen-turbo")) == 3


def test_models_show_the_price_of_peak_hours_below_the_usual_one(banjia: Run) -> None:
    shown = below(banjia("models", "--vendor", "deepseek").stdout.splitlines(), "deepseek-flash")
    usual, peak = [line for line in shown if line.startswith(("- ", "at peak "))]
    assert usual.startswith("- 1 0.02 4 - 2026-09-10")
    assert peak.startswith("at peak 2 0.04 8 - 2026-09-10")


def test_models_show_what_had_a_price_on_a_day(banjia: Run) -> None:
    lines = banjia("models", "--at", "2024-07-09").stdout.splitlines()
    assert below(lines, "qwen-max")[1] == "- 40 ? 120 - 2024-05-21 medium price lists of July 2024"
    assert not [line for line in lines if line.startswith(("kimi-", "qwen3", "ernie-5", "hy3"))]
    found = data(banjia("models", "--at", "2024-07-09", "--vendor", "kimi", "--json"))
    assert {row["id"]: [price["output"] for price in row["prices"] if price["now"]] for row in found} == {
        "moonshot-v1-8k": [12], "moonshot-v1-32k": [24], "moonshot-v1-128k": [60],
    }  # fmt: skip
    assert all(row["gone"] for row in found), "gone refers to today"
    assert "No model matches" in banjia("models", "--at", "2001-01-01").stdout
    assert banjia("models", "--at", "yesterday").exit_code == 2


@pytest.mark.parametrize("more", [[], ["--history"], ["--at", "2024-07-09"]])
def test_models_are_readable_at_a_hundred_columns(banjia: Run, more: list[str]) -> None:
    lines = banjia("models", *more).stdout.splitlines()
    assert len(lines) > 50
    assert [line for line in lines if len(line) > 100] == []


def test_models_fold_at_a_terminal_of_eighty_columns(banjia: Run) -> None:
    lines = banjia("models", env={"COLUMNS": "80"}).stdout.splitlines()
    assert [line for line in lines if line.startswith(" ") and len(line) > 80] == []
    assert len(lines) > len(banjia("models").stdout.splitlines())


def test_the_prices_of_a_day_are_those_that_a_request_of_the_day_is_billed_by() -> None:
    for vendor in ("kimi", "qwen"):
        for row in catalog.load(vendor).models:
            for day in (datetime.date(2024, 7, 9), datetime.date(2025, 6, 1), datetime.date(2026, 11, 22)):
                found = row.tiers(day)
                for tokens in (1, 40_000, 200_000, 900_000):
                    billed = row.price_at(day, tokens)
                    assert billed == next((price for price in found if price.covers(tokens)), None)


def test_models_of_a_configuration_are_listed_with_its_overrides(banjia: Run, tmp_path: Path) -> None:
    own = (
        "models: [{id: kimi-k2.6, prices: [{input: 5, output: 20, since: 2026-10-01, source: ours, confidence: high}]}]"
    )
    (tmp_path / "own.yaml").write_text(own)
    (tmp_path / "b.yaml").write_text("vendors: {moon: {kind: kimi, api_key: '${MOONSHOT_API_KEY}', catalog: own.yaml}}")
    lines = banjia("models", "-c", "b.yaml", env=BOTH).stdout.splitlines()
    assert below(lines, "kimi-k2.6")[1] == "- 5 ? 20 - 2026-10-01 high ours"
    assert lines[0].startswith("moon: ")
    assert "did you mean 'moon'?" in banjia("models", "-c", "b.yaml", "--vendor", "moons", env=BOTH).stderr
    assert banjia("models", "-c", "none.yaml").exit_code == 2


def test_models_are_those_of_the_configuration_that_serve_would_find(banjia: Run, tmp_path: Path) -> None:
    own = "{models: [{id: kimi-k2.6, context: 1234}]}"
    for name in ("banjia.yaml", "other.yaml"):
        (tmp_path / name).write_text(f"vendors: {{kimi: {{api_key: '${{MOONSHOT_API_KEY}}', catalog: {own}}}}}")
    for env in ({}, {"BANJIA_CONFIG": "other.yaml"}):
        ended = banjia("models", env=env)
        assert ended.exit_code == 0
        assert below(ended.stdout.splitlines(), "kimi-k2.6")[0].split()[1] == "1234"
        assert "qwen" not in ended.stdout
        (line,) = ended.stderr.splitlines()
        assert (env.get("BANJIA_CONFIG") or "banjia.yaml") in line
    assert {row["vendor"] for row in data(banjia("models", "--json"))} == {"kimi"}
    assert banjia("models", "--vendor", "qwen").stdout.startswith("qwen: "), "another vendor's can be looked up still"
    (tmp_path / "banjia.yaml").write_text("vendrs: {}\n")
    assert banjia("models").exit_code == 2


def test_models_for_embeddings_have_their_limits_and_sizes(banjia: Run) -> None:
    lines = banjia("models").stdout.splitlines()
    assert below(lines, "text-embedding-v4")[:2] == [
        "text-embedding-v4 8192 - embeddings never",
        "1024, 2048, 1536, 768, 512, 256, 128 or 64 dimensions, 10 texts a call",
    ]
    assert below(lines, "tao-8k")[:2] == ["tao-8k 8192 - embeddings never", "1024 dimensions, 1 text a call"]
    row = next(row for row in data(banjia("models", "--json")) if row["id"] == "tao-8k")
    assert (row["max_tokens_per_input"], row["max_inputs"], row["dimensions"]) == (8192, 1, [1024])


def test_models_of_all_vendors_come_without_the_option(banjia: Run) -> None:
    assert {row["vendor"] for row in data(banjia("models", "--json"))} >= {"kimi", "qwen"}
    assert {row["vendor"] for row in models(datetime.date(2026, 11, 22), "qwen")} == {"qwen"}


def test_a_vendor_that_there_is_not_ends_with_2_and_the_nearest(banjia: Run) -> None:
    ended = banjia("models", "--vendor", "kimmi")
    assert ended.exit_code == 2
    assert "did you mean 'kimi'?" in ended.stderr


def test_routes_list_the_forms_of_each_name_in_models(banjia: Run, file: Path) -> None:
    file.write_text(FILE + "  gpt-4o-2024-05-13: qwen/qwen-plus\n")
    by_name = {route["name"]: route for route in data(banjia("routes", "--json", env=BOTH))["routes"]}
    assert by_name["gpt-4o"]["forms"] == ["gpt-4o-2024-08-06", "gpt-4o-2024-11-20", "chatgpt-4o-latest"]
    assert by_name["gpt-4o-mini"]["forms"] == ["gpt-4o-mini-2024-07-18"]
    assert by_name["gpt-3.5*"]["forms"] == []
    gone = {"gpt-4-0613", "gpt-4o-20*", "chatgpt-4o-latest", "gpt-4-*-preview", "gpt-4.1-*"}
    assert not gone & set(by_name), "forms stand with their name"
    assert {"gpt-5*", "gpt-4.5-preview*"} <= set(by_name), "patterns stand for names without a row of their own"
    lines = banjia("routes", env=BOTH).stdout.splitlines()
    assert "gpt-4o also serves gpt-4o-2024-08-06, gpt-4o-2024-11-20, chatgpt-4o-latest" in lines
    assert not [line for line in lines if line.startswith("gpt-4o-mini also")], "of stand-ins they are in --json alone"


def test_routes_show_the_width_that_a_target_has_under_an_openai_name(banjia: Run, file: Path) -> None:
    file.write_text(FILE + "  text-embedding-3-small: qwen/text-embedding-v4\n")
    assert "qwen/text-embedding-v4 (dimensions: 1536)" in banjia("routes", env=BOTH | {"COLUMNS": "200"}).stdout


def test_check_lists_the_forms_too(banjia: Run, file: Path) -> None:
    output = banjia("check", env=BOTH).stdout
    assert "gpt-4 also serves gpt-4-0314, gpt-4-0613\n" in output
    assert data(banjia("check", "--json", env=BOTH))["forms"]["gpt-4"] == ["gpt-4-0314", "gpt-4-0613"]


def test_routes_without_a_file_have_every_vendor_in_order(banjia: Run) -> None:
    by_name = {route["name"]: route for route in data(banjia("routes", "--json", env=BOTH))["routes"]}
    assert [target["target"] for target in by_name["gpt-4o"]["targets"]] == ["qwen/qwen3.6-plus", "kimi/kimi-k2.6"]
    assert [target["target"] for target in by_name["text-embedding-3-small"]["targets"]] == ["qwen/text-embedding-v4"]
