"""The catalogs: required contents, parsing, and facts spot-checked against values written here."""

import datetime
import json
import re
import subprocess
import sys

import pytest
from pydantic import ValidationError

from adapters.core.request import Operation
from adapters.registry import BY_CATALOG
from adapters.rules.reasoning import REASONING_PREFIXES
from config.catalog import models as catalog
from config.catalog.models import Catalog, ModelRow, Price

FILES = sorted(path.stem for path in catalog.FILE.parent.glob("*.yaml"))
KIMI = catalog.load("kimi")
QWEN = catalog.load("qwen")
ERNIE = catalog.load("ernie")
HUNYUAN = catalog.load("hunyuan")
CLASSIC = catalog.load("hunyuan_classic")
NAMES = tuple(name for name, vendor in BY_CATALOG.items() if not vendor.transparent)
ALL = pytest.mark.parametrize("cat", [catalog.load(name) for name in NAMES], ids=NAMES)
TODAY = datetime.date(2026, 11, 22)

CHAT_2024 = (
    "gpt-3.5-turbo", "gpt-3.5-turbo-0125", "gpt-3.5-turbo-1106", "gpt-3.5-turbo-0613", "gpt-3.5-turbo-0301",
    "gpt-3.5-turbo-16k", "gpt-3.5-turbo-16k-0613", "gpt-4", "gpt-4-0314", "gpt-4-0613", "gpt-4-32k",
    "gpt-4-32k-0314", "gpt-4-32k-0613", "gpt-4-turbo", "gpt-4-turbo-2024-04-09", "gpt-4-turbo-preview",
    "gpt-4-1106-preview", "gpt-4-0125-preview", "gpt-4-vision-preview", "gpt-4-1106-vision-preview", "gpt-4o",
    "gpt-4o-2024-05-13", "gpt-4o-2024-08-06", "gpt-4o-2024-11-20", "chatgpt-4o-latest", "gpt-4o-mini",
    "gpt-4o-mini-2024-07-18", "o1", "o1-2024-12-17", "o1-preview", "o1-preview-2024-09-12", "o1-mini",
    "o1-mini-2024-09-12",
)  # fmt: skip
CHAT_SINCE = (
    "o3", "o3-2025-04-16", "o3-mini", "o3-mini-2025-01-31", "o4-mini", "o4-mini-2025-04-16", "gpt-4.1",
    "gpt-4.1-2025-04-14", "gpt-4.1-mini", "gpt-4.1-mini-2025-04-14", "gpt-4.1-nano", "gpt-5", "gpt-5-mini", "gpt-5.1",
)  # fmt: skip
SEES = ("gpt-4o", "gpt-4o-2024-05-13", "gpt-4o-mini", "gpt-4o-mini-2024-07-18", "gpt-4-turbo",
        "gpt-4-turbo-2024-04-09", "gpt-4-vision-preview")  # fmt: skip
COMPLETIONS = (
    "gpt-3.5-turbo-instruct",
    "gpt-3.5-turbo-instruct-0914",
    "text-davinci-003",
    "davinci-002",
    "babbage-002",
)
NOT_CHAT = ("gpt-4o-audio-preview", "gpt-4o-realtime-preview", "gpt-4o-transcribe",
            "o3-deep-research", "o1-pro", "whisper-1", "dall-e-3", "gpt-4o-mini-tts")  # fmt: skip


def current(cat: Catalog) -> Catalog:
    """The catalog where the successors of its models are: that of the usual edition where the platform has ended."""
    return cat if cat.ended is None else catalog.load(cat.vendor)


def stood_in(cat: Catalog, name: str, operation: Operation = "chat") -> ModelRow:
    found = cat.stand_in(name, operation)
    assert found is not None, name
    return cat.by_id[found.model]


def price(cat: Catalog, model: str, day: datetime.date = TODAY, prompt_tokens: int = 1000) -> Price:
    found = cat.by_id[model].price_at(day, prompt_tokens)
    assert found is not None
    return found


@pytest.mark.parametrize("vendor", FILES)
def test_a_catalog_is_that_of_a_vendor_we_have(vendor: str) -> None:
    assert catalog.load(vendor).vendor == BY_CATALOG[vendor].name


def test_every_vendor_has_a_catalog_in_each_edition() -> None:
    assert set(BY_CATALOG) <= set(FILES)


@pytest.mark.parametrize("vendor", FILES)
def test_ids_are_unique_and_every_limit_is_positive(vendor: str) -> None:
    cat = catalog.load(vendor)
    assert len(cat.by_id) == len(cat.models)
    for row in cat.models:
        assert row.family, row.id
        assert row.context is None or row.context > 0, row.id
        assert row.max_output is None or 0 < row.max_output <= (row.context or row.max_output), row.id


@pytest.mark.parametrize("vendor", FILES)
def test_every_stand_in_is_a_model_that_serves_the_operation_of_its_name(vendor: str) -> None:
    cat = catalog.load(vendor)
    for name, found in cat.stand_ins.items():
        operation = cat.by_id[found.model].operation
        assert operation == ("embeddings" if "embedding" in name else "chat"), name
        assert operation in BY_CATALOG[vendor].operations, name


@pytest.mark.parametrize("vendor", FILES)
def test_every_stand_in_is_a_current_model_with_a_price_where_any_has_one(vendor: str) -> None:
    """A model with a price on a platform that has ended: it is called as long as the platform responds."""
    cat = catalog.load(vendor)
    priced = {row.operation for row in cat.models if row.price_at(cat.read, 1000)}
    for name, found in cat.stand_ins.items():
        row = cat.by_id[found.model]
        if cat.ended is not None:
            assert row.prices, name
            continue
        assert row.retired is None or row.retired > cat.read, name
        assert row.price_at(cat.read, 1000) is not None or row.operation not in priced, name


@pytest.mark.parametrize("vendor", FILES)
def test_no_model_outlives_a_platform_that_has_ended(vendor: str) -> None:
    cat = catalog.load(vendor)
    if cat.ended is not None:
        assert cat.ended <= cat.read
        assert all(row.retired is not None and row.retired <= cat.ended for row in cat.models)
        assert BY_CATALOG[vendor].variant is not None, "it has a successor in the vendor's usual edition"


@pytest.mark.parametrize("vendor", FILES)
def test_listed_stand_ins_are_found_under_their_own_name(vendor: str) -> None:
    """No pattern takes a name away from the row that spells it out, and no row is out of reach."""
    cat = catalog.load(vendor)
    for name, found in cat.stand_ins.items():
        if "*" not in name:
            assert cat.stand_in(name, cat.by_id[found.model].operation) is found, name


@pytest.mark.parametrize("vendor", FILES)
def test_retired_models_have_a_date_in_the_past_and_a_current_successor(vendor: str) -> None:
    cat = catalog.load(vendor)
    for row in cat.models:
        if row.retired is not None:
            assert row.retired <= cat.read, row.id
            assert row.successor is not None, row.id
            successor = current(cat).by_id[row.successor]
            assert (successor.retired, successor.operation) == (None, row.operation), row.id
        else:
            assert row.retiring == (row.successor is not None), row.id


@pytest.mark.parametrize("vendor", FILES)
def test_every_price_is_dated_sourced_and_more_than_nothing(vendor: str) -> None:
    """A zero is a price only if the source states that the model is free."""
    cat = catalog.load(vendor)
    for row in cat.models:
        for one in row.prices:
            assert one.source.strip(), row.id
            assert one.since <= (one.until or cat.read) <= cat.read, row.id
            free = (one.input, one.output) == (0, 0) and one.source.startswith("free ")
            assert one.input > 0 or free, row.id
            assert one.output > 0 or free or row.operation == "embeddings", row.id
            assert one.cached is None or 0 < one.cached < one.input, row.id
            assert one.thinking_output is None or one.thinking_output > one.output, row.id


@pytest.mark.parametrize("vendor", FILES)
def test_on_any_day_the_prices_of_a_model_are_one_list_with_rising_tiers(vendor: str) -> None:
    for row in catalog.load(vendor).models:
        by_day: dict[datetime.date, list[Price]] = {}
        for one in row.prices:
            by_day.setdefault(one.since, []).append(one)
        for tiers in by_day.values():
            borders = [float("inf") if one.up_to is None else one.up_to for one in tiers]
            assert borders == sorted(set(borders)), row.id
            assert [one.input for one in tiers] == sorted(one.input for one in tiers), row.id


@pytest.mark.parametrize("vendor", FILES)
def test_no_model_of_today_stays_priced_after_its_retirement(vendor: str) -> None:
    for row in catalog.load(vendor).models:
        if row.retired is not None:
            assert all(one.until is not None and one.until <= row.retired for one in row.prices), row.id


@ALL
@pytest.mark.parametrize("name", CHAT_2024 + CHAT_SINCE)
def test_openai_chat_names_have_a_stand_in(cat: Catalog, name: str) -> None:
    assert stood_in(cat, name).operation == "chat"


@pytest.mark.parametrize("cat", [KIMI, QWEN, ERNIE], ids=["kimi", "qwen", "ernie"])
@pytest.mark.parametrize("name", SEES)
def test_names_that_took_images_stand_for_models_that_take_images(cat: Catalog, name: str) -> None:
    assert "image" in stood_in(cat, name).input


@ALL
@pytest.mark.parametrize("name", COMPLETIONS)
def test_names_of_completions_models_have_a_chat_stand_in_with_thinking_off(cat: Catalog, name: str) -> None:
    assert stood_in(cat, name).thinking in ("never", "default_off", "default_on")


def test_hunyuans_names_for_images_are_left_to_the_operator_but_for_the_vision_previews_of_the_classic_edition() -> (
    None
):
    """hy4 has no known price, and the classic models that see are too small for a name like gpt-4o."""
    assert "image" in HUNYUAN.by_id["hy4"].input
    assert all("image" not in stood_in(HUNYUAN, name).input for name in SEES)
    sees = {name for name in (*CHAT_2024, *CHAT_SINCE) if "image" in stood_in(CLASSIC, name).input}
    assert sees == {"gpt-4-vision-preview", "gpt-4-1106-vision-preview"}


@ALL
@pytest.mark.parametrize("name", NOT_CHAT)
def test_names_of_other_than_chat_models_have_no_chat_stand_in(cat: Catalog, name: str) -> None:
    assert cat.stand_in(name, "chat") is None


@ALL
def test_names_of_reasoning_models_stand_for_models_that_think_by_default_or_by_a_switch(cat: Catalog) -> None:
    for name in CHAT_2024 + CHAT_SINCE:
        if name.startswith(("o1", "o3", "o4", *REASONING_PREFIXES)):
            thinks = stood_in(cat, name).thinking
            found = cat.stand_in(name, "chat")
            assert found is not None
            reported = thinks == "default_off" and found.set == {"thinking": "enabled"}
            assert thinks in ("default_on", "always") or reported, name


@ALL
def test_names_that_do_not_reason_stand_for_models_that_can_be_kept_from_thinking(cat: Catalog) -> None:
    for name in CHAT_2024 + CHAT_SINCE:
        if not name.startswith(("o1", "o3", "o4", *REASONING_PREFIXES)):
            assert stood_in(cat, name).thinking != "always", name


def test_embedding_names_stand_for_qwen_with_openais_size_where_it_is_offered() -> None:
    for name in ("text-embedding-ada-002", "text-embedding-3-small"):
        found = QWEN.stand_in(name, "embeddings")
        assert found is not None
        assert (found.model, found.set) == ("text-embedding-v4", {"dimensions": 1536})
        assert 1536 in QWEN.by_id[found.model].facts["dimensions"]
    large = QWEN.stand_in("text-embedding-3-large", "embeddings")
    assert large is not None
    assert (large.model, large.set) == ("text-embedding-v4", {})


@pytest.mark.parametrize("name", ["text-embedding-ada-002", "text-embedding-3-small", "text-embedding-3-large"])
def test_embedding_names_stand_for_hunyuan_in_the_size_that_its_model_has(name: str) -> None:
    small, classic = HUNYUAN.stand_in(name, "embeddings"), CLASSIC.stand_in(name, "embeddings")
    assert small is not None
    assert classic is not None
    assert (small.set, classic.set) == ({}, {}), "a call with dimensions is refused"
    size = 2560 if name.endswith("large") else 1024
    assert HUNYUAN.by_id[small.model].facts["dimensions"] == [size]
    assert CLASSIC.by_id[classic.model].facts["dimensions"] == [1024]


def test_kimi_has_no_embeddings() -> None:
    assert KIMI.stand_in("text-embedding-3-small", "embeddings") is None
    assert {row.operation for row in KIMI.models} == {"chat"}


def test_a_stand_in_is_for_its_own_operation_only() -> None:
    assert QWEN.stand_in("text-embedding-3-small", "chat") is None
    assert QWEN.stand_in("gpt-4o", "embeddings") is None


def test_a_longer_pattern_wins_over_a_shorter_and_a_name_over_both() -> None:
    row = {"id": "a", "confidence": "low"}
    stand_ins = {"x*": {"model": "a"}, "x-long*": {"model": "b"}, "x-long-1": {"model": "c"}}
    rows = [row, {**row, "id": "b"}, {**row, "id": "c"}]
    cat = Catalog.model_validate({"vendor": "v", "read": TODAY, "models": rows, "stand_ins": stand_ins})
    answers = {name: cat.stand_in(name, "chat") for name in ("x-short", "x-long-2", "x-long-1", "y")}
    assert {name: found and found.model for name, found in answers.items()} == {
        "x-short": "a", "x-long-2": "b", "x-long-1": "c", "y": None,
    }  # fmt: skip


# -- prices by day and by length of prompt


def test_a_prompt_is_billed_whole_at_its_tier() -> None:
    assert price(QWEN, "qwen3.6-plus", prompt_tokens=262_144).input == 2
    assert price(QWEN, "qwen3.6-plus", prompt_tokens=262_145).input == 8
    assert [price(QWEN, "qwen3-max", prompt_tokens=n).output for n in (32_768, 32_769, 200_000)] == [10, 16, 28]


def test_a_price_is_that_of_the_day() -> None:
    assert price(KIMI, "moonshot-v1-8k", datetime.date(2024, 7, 9)).output == 12
    assert price(KIMI, "moonshot-v1-8k", datetime.date(2025, 12, 1)).output == 10
    assert price(QWEN, "qwen-max", datetime.date(2024, 7, 9)).input == 40
    assert price(QWEN, "qwen-max").input == 2.4


@pytest.mark.parametrize(
    ("model", "day", "why"),
    [
        ("qwen-max", datetime.date(2025, 1, 1), "between two readings"),
        ("moonshot-v1-8k", TODAY, "after its retirement"),
        ("kimi-k2.6", datetime.date(2026, 1, 1), "before it was first read"),
        ("qwen3.8-max", TODAY, "never found"),
    ],
)
def test_an_unknown_price_is_none_and_not_zero(model: str, day: datetime.date, why: str) -> None:
    row = KIMI.by_id.get(model) or QWEN.by_id[model]
    assert row.price_at(day, 10) is None, why


# -- prices as a history


def priced(*prices: dict[str, object]) -> ModelRow:
    reported = {"input": 2, "output": 6, "since": "2024-05-21", "source": "a list", "confidence": "low"}
    return ModelRow.model_validate({"id": "a", "confidence": "low", "prices": [reported | price for price in prices]})


@pytest.mark.parametrize(
    ("prices", "wrong"),
    [
        ([{"input": -1}], "greater than or equal to 0"),
        ([{"output": -0.1}], "greater than or equal to 0"),
        ([{"input": float("nan")}], "finite"),
        ([{"up_to": 0}], "greater than 0"),
        ([{"source": " "}], "at least 1 character"),
        ([{"until": "2024-05-20"}], "until is before since (2024-05-21)"),
        ([{"cached": 2.5}], "cached input costs more than input (2)"),
        ([{"since": "2025-01-01"}, {}], "a price since 2024-05-21 after one since 2025-01-01"),
        ([{"until": "2025-01-01"}, {"since": "2025-01-01"}], "but the previous one applies until 2025-01-01"),
        ([{"up_to": 2000}, {"up_to": 1000}], "not larger than in the previous tier"),
        ([{"up_to": 1000}, {"up_to": 1000}], "not larger than in the previous tier"),
        ([{}, {"up_to": 1000}], "not larger than in the previous tier"),
        ([{"up_to": 1000}, {"until": "2024-07-31"}], "until differs"),
    ],
)
def test_prices_that_are_no_history_are_refused(prices: list[dict[str, object]], wrong: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(wrong)):
        priced(*prices)


def test_a_list_without_an_end_holds_until_the_next_begins() -> None:
    row = priced({"up_to": 1000}, {"input": 4}, {"input": 1, "since": "2025-01-01"})
    assert [one.input for one in row.tiers(datetime.date(2024, 12, 31))] == [2, 4]
    assert [one.input for one in row.tiers(datetime.date(2025, 1, 1))] == [1]


@pytest.mark.parametrize("vendor", NAMES)
def test_the_four_vendors_are_priced_in_yuan(vendor: str) -> None:
    assert catalog.load(vendor).currency == "CNY"
    with pytest.raises(ValidationError, match="currency"):
        Catalog.model_validate({"vendor": "v", "read": TODAY, "models": [], "currency": "EUR"})


@pytest.mark.parametrize(
    ("model", "before", "after"),
    [
        ("ernie-speed-8k", (4, 8), (0, 0)),
        ("ernie-speed-128k", (4, 8), (0, 0)),
        ("ernie-lite-8k", (3, 6), (0, 0)),
        ("ernie-tiny-8k", (1, 1), (0, 0)),
    ],
)
def test_baidus_small_models_became_free_on_the_day_of_the_price_war(
    model: str, before: tuple[int, int], after: tuple[int, int]
) -> None:
    old, new = price(ERNIE, model, datetime.date(2024, 5, 20)), price(ERNIE, model, datetime.date(2024, 5, 21))
    assert ((old.input, old.output), (new.input, new.output)) == (before, after)


@pytest.mark.parametrize(
    ("cat", "model", "prices"),
    [
        (KIMI, "moonshot-v1-8k", (12, 12)),
        (KIMI, "moonshot-v1-32k", (24, 24)),
        (KIMI, "moonshot-v1-128k", (60, 60)),
        (QWEN, "qwen-long", (0.5, 2)),
        (QWEN, "qwen-turbo", (2, 6)),
        (QWEN, "qwen-plus", (4, 12)),
        (QWEN, "qwen-max", (40, 120)),
        (QWEN, "qwen2-72b-instruct", (5, 10)),
        (ERNIE, "ernie-4.0-8k", (120, 120)),
        (ERNIE, "ernie-4.0-turbo-8k", (30, 60)),
        (ERNIE, "ernie-3.5-8k", (12, 12)),
        (CLASSIC, "hunyuan-standard-256K", (15, 60)),
        (CLASSIC, "hunyuan-pro", (30, 100)),
    ],
)
def test_on_the_day_that_openai_left_a_million_tokens_cost_the_list_prices_of_the_time(
    cat: Catalog, model: str, prices: tuple[float, float]
) -> None:
    paid = price(cat, model, datetime.date(2024, 7, 9))
    assert (paid.input, paid.output) == prices


# -- spot checks


@pytest.mark.parametrize(
    ("model", "family", "context", "max_output", "thinking", "prices"),
    [
        ("kimi-k3", "k", 1_048_576, 1_048_576, "always", (20, 2, 100)),
        ("kimi-k2.6", "k", 262_144, None, "default_on", (6.5, 1.1, 27)),
        ("kimi-k2.7-code-highspeed", "k", 262_144, None, "always", (13, 2.6, 54)),
        ("qwen3.6-plus", "qwen3.6", 1_000_000, 65_536, "default_on", (2, 0.2, 12)),
        ("qwen3.6-flash", "qwen3.6", 1_000_000, 65_536, "default_on", (1.2, None, 7.2)),
        ("qwen-flash", "qwen3", 1_000_000, 32_768, "default_off", (0.15, 0.03, 1.5)),
        ("qwen-plus", "qwen3", 1_000_000, 32_768, "default_off", (0.8, 0.16, 2)),
        ("qwen-long", "long", 10_000_000, 8_192, "never", (0.5, None, 2)),
        ("qwen3-vl-plus", "vl", 262_144, 32_768, "default_off", (1, 0.2, 10)),
        ("qwen3-coder-plus", "coder", 1_000_000, 65_536, "never", (4, 0.8, 16)),
        ("ernie-5.0", "ernie5", 131_072, 65_536, "always", (6, None, 24)),
        ("ernie-5.1", "ernie5", 131_072, 65_536, "always", (4, None, 18)),
        ("ernie-4.5-turbo-128k", "ernie4.5", 131_072, 12_288, "never", (0.8, 0.2, 3.2)),
        ("ernie-4.5-turbo-vl", "ernie4.5", 131_072, 16_384, "never", (3, 0.75, 9)),
        ("ernie-x1.1", "x1", 65_536, 65_536, "always", (1, None, 4)),
        ("qwq-plus", "reasoner", 131_072, 8_192, "always", (1.6, None, 4)),
    ],
)
def test_models_of_today_are_as_the_vendors_describe_them(
    model: str, family: str, context: int, max_output: int | None, thinking: str, prices: tuple[float | None, ...]
) -> None:
    cat = next(cat for cat in (KIMI, QWEN, ERNIE) if model in cat.by_id)
    row, paid = cat.by_id[model], price(cat, model)
    assert (row.family, row.context, row.max_output, row.thinking) == (family, context, max_output, thinking)
    assert (paid.input, paid.cached, paid.output) == prices


@pytest.mark.parametrize(
    ("model", "retired"),
    [
        ("moonshot-v1-8k", "2026-08-31"),
        ("moonshot-v1-128k", "2026-08-31"),
        ("kimi-k2.5", "2026-08-31"),
        ("kimi-k2-0711-preview", "2026-05-25"),
        ("kimi-k2-thinking", "2026-05-25"),
        ("kimi-latest", "2026-01-28"),
        ("kimi-thinking-preview", "2025-11-11"),
    ],
)
def test_kimi_models_of_earlier_years_are_dated_as_gone(model: str, retired: str) -> None:
    row = KIMI.by_id[model]
    assert (str(row.retired), row.successor) == (retired, "kimi-k2.6")


def test_ernie_models_of_2024_went_with_the_api_they_were_on() -> None:
    old = {
        "ernie-4.0-8k",
        "ernie-4.0-turbo-8k",
        "ernie-3.5-8k",
        "ernie-3.5-128k",
        "ernie-speed-8k",
        "ernie-lite-8k",
        "ernie-tiny-8k",
    }
    gone = {row.id for row in ERNIE.models if str(row.retired) == "2026-08-31"}
    assert gone >= {*old, "ernie-lite-appbuilder-8k-0614", "llama_2_70b", "mixtral_8x7b_instruct", "yi_34b_chat"}
    july = datetime.date(2024, 7, 9)
    paid = {model: price(ERNIE, model, july) for model in old}
    assert {model: (one.input, one.output) for model, one in paid.items()} == {
        "ernie-4.0-8k": (120, 120), "ernie-4.0-turbo-8k": (30, 60), "ernie-3.5-8k": (12, 12), "ernie-3.5-128k": (12, 12),
        "ernie-speed-8k": (0, 0), "ernie-lite-8k": (0, 0), "ernie-tiny-8k": (0, 0),
    }  # fmt: skip
    assert price(ERNIE, "tao-8k", datetime.date(2024, 7, 22)).input == 2


@pytest.mark.parametrize(
    ("model", "retired", "successor"),
    [
        ("hunyuan-turbos-latest", "2026-06-22", "hy3"),
        ("hunyuan-t1-latest", "2026-06-22", "hy3"),
        ("hunyuan-standard-256K", "2026-06-22", "hy3"),
        ("hunyuan-lite", "2026-09-30", "hy3"),
        ("hunyuan-embedding", "2026-09-30", "kinfra-text-embedding-0.6b"),
    ],
)
def test_classic_hunyuan_is_dated_as_gone_and_points_to_tokenhub(model: str, retired: str, successor: str) -> None:
    assert str(CLASSIC.ended) == "2026-09-30"
    row = CLASSIC.by_id[model]
    assert (str(row.retired), row.successor) == (retired, successor)


@pytest.mark.parametrize(
    ("cat", "model", "day", "prompt_tokens", "prices"),
    [
        (CLASSIC, "hunyuan-lite", datetime.date(2024, 7, 9), 1000, (0, 0)),
        (CLASSIC, "hunyuan-standard", datetime.date(2024, 7, 9), 1000, (4.5, 5)),
        (CLASSIC, "hunyuan-pro", datetime.date(2024, 7, 9), 1000, (30, 100)),
        (HUNYUAN, "hy3-preview", TODAY, 1000, (1.2, 4)),
        (HUNYUAN, "hy3-preview", TODAY, 20_000, (1.6, 6.4)),
        (HUNYUAN, "hy3-preview", TODAY, 100_000, (2, 8)),
    ],
)
def test_hunyuan_models_have_the_prices_of_the_lists_of_their_day(
    cat: Catalog, model: str, day: datetime.date, prompt_tokens: int, prices: tuple[float, float]
) -> None:
    paid = price(cat, model, day, prompt_tokens)
    assert (paid.input, paid.output) == prices


def test_the_facts_that_verdicts_depend_on_are_on_the_vendors_pages() -> None:
    def having(cat: Catalog, fact: str) -> set[str]:
        return {row.id for row in cat.models if row.facts.get(fact)}

    assert having(KIMI, "effort") == having(KIMI, "required_thinking") == {"kimi-k3"}
    assert having(QWEN, "json_schema") == {"qwen3.8-max", "qwen3.8-flash"}
    assert having(QWEN, "stream_only") == {row.id for row in QWEN.models if row.family in ("reasoner", "omni")}
    assert {"qwen3.5-plus", "qwen3.6-plus", "qwen3.7-max"} <= having(QWEN, "max_completion_tokens")
    assert not having(QWEN, "max_completion_tokens") & {"qwen-plus", "qwen-max", "qwen3-max", "qwen-flash"}
    assert {"qwen-plus", "qwen-plus-character", "qwen3-32b"} <= having(QWEN, "many_choices")
    x1 = {"ernie-x1.1", "ernie-x1.1-preview", "ernie-x1-turbo-32k"}
    assert having(ERNIE, "no_stop") == x1 < having(ERNIE, "no_json")
    assert having(ERNIE, "no_seed") == {*x1, "qianfan-agent-intent-32k"}
    assert {"ernie-4.5-turbo-128k", "ernie-4.5-turbo-32k", "ernie-4.5-turbo-latest"} <= having(ERNIE, "no_tools")
    assert not having(ERNIE, "no_tools") & {"ernie-5.1", "ernie-5.0", "ernie-x1.1", "ernie-4.5-turbo-vl"}
    assert having(ERNIE, "no_temperature") == {"ernie-5.5-flash-preview"}
    reported = {name: found.model for name, found in ERNIE.stand_ins.items()}
    without = {name for name, model in reported.items() if model in having(ERNIE, "no_tools")}
    assert {name for name in without if "instruct" not in name} == {"text-davinci-003", "davinci-002", "babbage-002"}
    assert not having(QWEN, "logprobs") & {row.id for row in QWEN.models if row.thinking == "always"}
    hy4 = {"hy4", "hy4-flash", "hy4-preview"}
    assert having(HUNYUAN, "effort") == hy4 | {"hy3", "hy3-preview"}
    assert having(HUNYUAN, "default_unsure") == hy4
    assert having(HUNYUAN, "no_schema") == hy4 - {"hy4-preview"}
    assert {"hunyuan-lite", "hunyuan-standard", "hunyuan-code"} <= having(CLASSIC, "no_tools")
    assert not having(CLASSIC, "no_tools") & {"hunyuan-pro", "hunyuan-functioncall", "hunyuan-turbos-latest"}


@pytest.mark.parametrize(
    ("model", "texts", "tokens", "default"),
    [
        ("text-embedding-v4", 10, 8192, 1024),
        ("text-embedding-v3", 10, 8192, 1024),
        ("text-embedding-v2", 25, 2048, 1536),
    ],
)
def test_embedding_models_have_sizes_and_limits(model: str, texts: int, tokens: int, default: int) -> None:
    facts = QWEN.by_id[model].facts
    assert (facts["max_inputs"], facts["max_tokens_per_input"], facts["dimensions"][0]) == (texts, tokens, default)


# -- the file


READING = """
import json, sys
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
from config.catalog import models as catalog
def found():
    return [name for name in opened if "/config/catalog/data/" in name]
before = found()
for name in sys.argv[1:] * 2:
    catalog.load(name)
print(json.dumps([before, found(), "ruamel.yaml" in sys.modules]))
"""


def test_the_program_reads_one_json_file_once_and_not_before_it_needs_a_catalog() -> None:
    command = [sys.executable, "-c", READING, *FILES]
    done = subprocess.run(command, cwd=catalog.FILE.parents[3], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [[], [str(catalog.FILE)], False]


def test_a_row_with_a_word_that_is_not_in_the_schema_is_refused() -> None:
    with pytest.raises(ValidationError, match="contxt"):
        ModelRow.model_validate({"id": "a", "confidence": "low", "contxt": 1})


def test_a_vendor_without_a_catalog_is_an_error_of_its_own() -> None:
    with pytest.raises(catalog.CatalogNotFound):
        catalog.load("nobody")
