"""The first target: the order of each strategy as a pure function, and requests that show its inputs."""

import datetime
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.core.request import ApiRequest
from config.catalog.models import PricedModel
from config.routing import Routing
from config.schema import Settings, Strategy
from proxy._types import Route
from proxy.app_state import AppState
from proxy.routing.load_balancing import EXPLORED, PriceEstimate, sort_targets
from proxy.routing.resolve import resolve
from tests.proxy.play import BOTH, Played, error, hello, play, whole

NOW = datetime.datetime(2026, 11, 22, 10)
TEXT = "x" * 3996
"""A thousand tokens, together with the word `user`."""
FOUR = ["kimi/kimi-k2.6", "qwen/qwen3.6-plus", "qwen/qwen3.6-flash", "qwen/qwen-plus"]


def routed(strategy: Strategy, *targets: Any, ask: ApiRequest | None = None) -> Route:
    settings = {**BOTH, "models": {"gpt-4o": {"targets": list(targets or FOUR), "strategy": strategy}}}
    return resolve(ask or ApiRequest("chat", "gpt-4o", {}), Routing(Settings.model_validate(settings)))


def labels(route: Route, draw: float = 0.5, **measured: float) -> list[str]:
    """Return the order of the targets, by model; ``measured`` has a latency for some models."""
    by_label = {
        target.label: measured.get(target.model.id.replace("-", "_").replace(".", "_")) for target in route.targets
    }
    return [target.model.id for target in sort_targets(route, draw, lambda target: by_label[target.label])]


LISTED = [label.partition("/")[2] for label in FOUR]
strategies = st.sampled_from(["failover", "weighted", "fastest", "cheapest"])
figures = st.lists(st.none() | st.floats(0, 100), min_size=4, max_size=4)


@given(strategies, st.floats(0, 1, exclude_max=True), figures)
def test_no_strategy_loses_or_doubles_a_target(strategy: Strategy, draw: float, reported: list[float | None]) -> None:
    route = routed(strategy)
    figures_ = dict(zip([target.label for target in route.targets], reported, strict=True))
    made = sort_targets(route, draw, lambda target: figures_[target.label])
    assert sorted(target.label for target in made) == sorted(FOUR)


def test_failover_calls_in_the_order_of_the_list() -> None:
    assert labels(routed("failover"), kimi_k2_6=9.0) == LISTED


def test_weighted_gives_each_target_its_share_and_the_heavier_ones_are_the_first_fallbacks() -> None:
    weighted = [{"target": label, "weight": weight} for label, weight in zip(FOUR, (1, 6, 2.5, 0.5), strict=True)]
    route = routed("weighted", *weighted)
    orders = [labels(route, draw / 10_000) for draw in range(10_000)]

    assert Counter(order_[0] for order_ in orders) == dict(zip(LISTED, (1000, 6000, 2500, 500), strict=True))
    assert all(order_[1] == ("qwen3.6-plus" if order_[0] != "qwen3.6-plus" else "qwen3.6-flash") for order_ in orders)
    assert labels(route, 0.0) == ["kimi-k2.6", "qwen3.6-plus", "qwen3.6-flash", "qwen-plus"]


def test_without_weights_each_target_has_the_same_share() -> None:
    route = routed("weighted")
    firsts = Counter(labels(route, draw / 1000)[0] for draw in range(1000))
    assert set(firsts.values()) == {250}


def test_a_target_whose_vendor_is_off_takes_its_weight_along() -> None:
    settings = {
        "vendors": {"kimi": {"api_key": ""}, "qwen": BOTH["vendors"]["qwen"]},
        "models": {"gpt-4o": {"targets": [{"target": FOUR[0], "weight": 9}, {"target": FOUR[1], "weight": 2}, FOUR[2]],
                              "strategy": "weighted"}},
    }  # fmt: skip
    route = resolve(ApiRequest("chat", "gpt-4o", {}), Routing(Settings.model_validate(settings)))
    assert route.weights == (2, 1)


def test_fastest_calls_targets_of_unknown_speed_first_then_by_time() -> None:
    route = routed("fastest")
    assert labels(route, kimi_k2_6=3.0, qwen_plus=1.0) == ["qwen3.6-plus", "qwen3.6-flash", "qwen-plus", "kimi-k2.6"]


def test_fastest_sends_a_few_of_a_hundred_to_each_of_the_others() -> None:
    route = routed("fastest")
    known = {"kimi_k2_6": 3.0, "qwen3_6_plus": 1.0, "qwen3_6_flash": 2.0, "qwen_plus": 4.0}
    firsts = Counter(labels(route, draw / 10_000, **known)[0] for draw in range(10_000))
    assert firsts["qwen3.6-plus"] == 10_000 * (1 - EXPLORED)
    assert {firsts[name] for name in LISTED if name != "qwen3.6-plus"} == {100}


def test_cheapest_calls_by_price_and_targets_without_one_last() -> None:
    route = routed("cheapest")
    assert labels(route, kimi_k2_6=3.0, qwen_plus=1.0) == ["qwen-plus", "kimi-k2.6", "qwen3.6-plus", "qwen3.6-flash"]


# --- what a request costs -------------------------------------------------------------------------------------------


def cost(label: str, now: datetime.datetime = NOW, **fields: Any) -> float | None:
    """Return the cost of a request with a prompt of a thousand tokens."""
    ask = ApiRequest("chat", "gpt-4o", {"messages": [{"role": "user", "content": TEXT}], **fields})
    route = routed("cheapest", label)
    return PriceEstimate(ask, now).of(route.targets[0])


def test_a_price_is_of_the_prompt_and_of_the_answer_at_its_longest() -> None:
    assert cost("qwen/qwen3.6-plus", max_tokens=500) == 1000 * 2 + 500 * 12
    assert cost("qwen/qwen3.6-plus", max_completion_tokens=500, max_tokens=1) == 1000 * 2 + 500 * 12
    assert cost("qwen/qwen3.6-plus", max_tokens=500, n=2) == 1000 * 2 + 1000 * 12
    assert cost("qwen/qwen3.6-plus") == 1000 * 2 + 1000 * 12


def test_a_longer_prompt_is_billed_by_its_tier() -> None:
    content = [{"role": "user", "content": "x" * (4 * 300_000 - 4)}]
    assert cost("qwen/qwen3.6-plus", messages=content, max_tokens=100) == 300_000 * 8 + 100 * 48


@pytest.mark.parametrize(
    ("now", "input_", "output"),
    [
        (datetime.datetime(2026, 11, 27, 9), 2, 8),  # a Friday
        (datetime.datetime(2026, 11, 27, 12), 1, 4),
        (datetime.datetime(2026, 11, 27, 17, 59), 2, 8),
        (datetime.datetime(2026, 11, 28, 9), 1, 4),  # a Saturday
    ],
)
def test_peak_hours_have_their_own_price(now: datetime.datetime, input_: float, output: float) -> None:
    settings = {"vendors": {"deepseek": {"api_key": "k"}}, "models": {"gpt-4o": "deepseek/deepseek-flash"}}
    ask = ApiRequest("chat", "gpt-4o", {"messages": [{"role": "user", "content": TEXT}], "max_tokens": 500})
    (target,) = resolve(ask, Routing(Settings.model_validate(settings))).targets
    assert PriceEstimate(ask, now).of(target) == 1000 * input_ + 500 * output


def test_a_price_in_another_unit_than_tokens_gives_no_estimate() -> None:
    route = routed("cheapest", "qwen/qwen3.6-plus")
    target = route.targets[0]
    model = target.model
    assert isinstance(model, PricedModel)
    assert model.row
    prices = [price.model_copy(update={"unit": "images"}) for price in model.row.prices]
    row = model.row.model_copy(update={"prices": prices})
    priced = replace(target, model=replace(model, row=row))
    assert PriceEstimate(ApiRequest("chat", "gpt-4o", {"messages": []}), NOW).of(priced) is None


def test_the_operators_limit_takes_precedence_over_the_clients() -> None:
    route = routed("cheapest", {"target": "qwen/qwen3.6-plus", "set": {"max_tokens": 10}})
    ask = ApiRequest("chat", "gpt-4o", {"messages": [], "max_tokens": 1000})
    assert PriceEstimate(ask, NOW).of(route.targets[0]) == 10 * 12


def test_thinking_is_billed_as_thinking_where_the_price_differs() -> None:
    assert cost("qwen/qwen-plus", max_tokens=1000, enable_thinking=False) == 1000 * 0.8 + 1000 * 2
    assert cost("qwen/qwen-plus", max_tokens=1000, enable_thinking=True) == 1000 * 0.8 + 1000 * 8


def test_an_unknown_price_of_the_day_or_the_model_is_none() -> None:
    assert cost("qwen/qwen3.6-plus", now=datetime.datetime(2020, 1, 1)) is None
    assert cost("qwen/qwen3.8-max") is None
    assert cost("qwen/nobody-knows") is None


# --- on the way of a request ----------------------------------------------------------------------------------------


def strategic(strategy: str, **policy: Any) -> dict[str, Any]:
    return {**BOTH, "models": {"gpt-4o": {"targets": FOUR[:2], "strategy": strategy}}, "policy": policy}


def kit_of(played: Played) -> AppState:
    assert played.state
    return played.state


@pytest.mark.parametrize(("now", "first"), [(NOW, "qwen"), (datetime.datetime(2020, 1, 1), "kimi")])
def test_the_cheapest_of_today_answers(now: datetime.datetime, first: str) -> None:
    state = kit_of(play({"kimi": [whole("x")], "qwen": [whole("x")]}, strategic("cheapest")))
    state.beijing_time = lambda: now
    assert play({first: [whole("x")]}, state=state, max_tokens=100).calls == [first]


def test_the_fastest_of_the_called_targets_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.routing.load_balancing.EXPLORED", 0.0)
    state = kit_of(play({"kimi": [whole("x")]}, strategic("fastest")))
    assert state.latencies.of(FOUR[0], False) is not None
    assert play({"qwen": [whole("x")]}, state=state).calls == ["qwen"], "it had not been called yet"

    state.latencies.record(FOUR[0], False, 60.0)
    assert play({"qwen": [whole("x")]}, state=state).calls == ["qwen"]
    state.latencies.record(FOUR[1], False, 600.0)
    assert play({"kimi": [whole("x")]}, state=state).calls == ["kimi"]
    assert play({"kimi": [hello()]}, state=state, stream=True).calls == ["kimi"], "streams are timed apart"
    assert state.latencies.of(FOUR[0], True) is not None


def test_a_target_that_fails_quickly_is_not_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.routing.load_balancing.EXPLORED", 0.0)
    state = kit_of(play({"kimi": [error(429, "rate_limit_reached_error")], "qwen": [whole("x")]}, strategic("fastest")))
    assert play({"qwen": [whole("x")]}, state=state).calls == ["qwen"]


def test_the_clients_own_error_does_not_count_for_a_targets_speed() -> None:
    state = kit_of(play({"kimi": [error(400, "invalid_request_error")]}, strategic("fastest")))
    assert state.latencies.of(FOUR[0], False) is None


def test_a_model_whose_name_is_a_pattern_has_a_strategy_too() -> None:
    settings = {**BOTH, "models": {"gpt-*": {"targets": [{"target": FOUR[0], "weight": 1e-9}, {"target": FOUR[1], "weight": 1e6}],
                                             "strategy": "weighted"}}}  # fmt: skip
    assert play({"qwen": [whole("x")]}, settings).calls == ["qwen"]


def test_one_models_policy_differs_from_the_common_one() -> None:
    own = {"targets": FOUR[:2], "policy": {"attempts": 1}}
    settings = {**BOTH, "models": {"gpt-4o": own, "gpt-4*": FOUR[:2]}}
    assert play({"kimi": [error(500, "x")]}, settings).calls == ["kimi"]
    replies = {"kimi": [error(500, "x")] * 2, "qwen": [whole("x")]}
    assert play(replies, settings, model="gpt-4-turbo").calls == ["kimi", "kimi", "qwen"]
