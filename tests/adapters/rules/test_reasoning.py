"""Names for which thinking is disabled: a rule based only on the start of the name."""

from dataclasses import replace
from typing import Any

import pytest

from adapters.core.failures import Refused
from adapters.core.request import ApiRequest
from adapters.core.vendor import Plan
from adapters.planning import plan
from adapters.rules.reasoning import ROOM, SMALL_LIMIT
from adapters.translations.completions_as_chat import as_chat
from config.catalog.openai_names import CHAT, COMPLETIONS
from tests.adapters.play import HELLO, target

REASON = ("o1", "o3", "o4", "gpt-5", "codex")


def thinks(name: str) -> bool:
    """Return whether kimi-k2.6, which thinks by default, does so for a request with this name."""
    return plan(ApiRequest("chat", name, {"messages": HELLO}), target("kimi", "kimi-k2.6")).thinks


@pytest.mark.parametrize("name", [*CHAT, *COMPLETIONS])
def test_openais_names_think_if_they_reason(name: str) -> None:
    assert thinks(name) is name.startswith(REASON)


@pytest.mark.parametrize(
    "name", ["gpt-35-turbo", "gpt-35-turbo-16k", "chatgpt-4o-latest", "gpt-4o-prod", "gpt-4-my-own"]
)
def test_azures_spelling_and_names_that_begin_like_openais_are_judged_like_them(name: str) -> None:
    assert not thinks(name)


@pytest.mark.parametrize(
    "name", ["my-gpt4-deployment", "gpt4", "gpt35", "prod", "team/gpt-4o", "kimi/kimi-k2.6", "GPT-4o", "ft:gpt-4o:x"]
)
def test_under_any_other_name_the_model_does_as_it_does_by_itself(name: str) -> None:
    assert thinks(name)
    small = ApiRequest("chat", name, {"messages": HELLO, "max_tokens": 200})
    assert not plan(small, target("kimi", "kimi-k2.6")).thinks, "a small limit turns it off under every name"


@pytest.mark.parametrize("switch", [{"thinking": {"type": "disabled"}}, {"enable_thinking": False}])
def test_planning_leaves_the_switch_in_the_request_for_the_next_target(switch: dict[str, Any]) -> None:
    request = ApiRequest("chat", "o3", {"messages": HELLO, **switch})
    first, second = (plan(request, target("kimi", "kimi-k2.6")) for _ in range(2))
    assert (first.thinks, second.thinks) == (False, False)
    assert switch.items() <= request.fields.items()


def test_a_request_for_adaptive_thinking_is_one_for_thinking() -> None:
    for adaptive in ({"type": "adaptive"}, "adaptive"):
        request = ApiRequest("chat", "gpt-4o", {"messages": HELLO, "thinking": adaptive})
        made = plan(request, target("kimi", "kimi-k2.6"))
        assert made.thinks
        assert "thinking" in made.adaptations


def limited(model: str = "kimi-k3", vendor: str = "kimi", *, settings: Any = None, **fields: Any) -> Plan:
    """A request with token limits, to a model that always thinks."""
    request = ApiRequest("chat", "gpt-4o", {"messages": HELLO, **fields})
    return plan(request, replace(target(vendor, model, shipped=True), **(settings or {})))


def test_a_small_limit_of_a_model_that_always_thinks_is_raised_and_reported() -> None:
    made = limited(max_tokens=200)
    assert made.request.fields["max_tokens"] == 200 + ROOM
    assert made.adaptations["max_tokens"].word == "clamped"
    assert "200 is sent as 8392" in made.adaptations["max_tokens"].why


@pytest.mark.parametrize("value", [SMALL_LIMIT, SMALL_LIMIT + 1, 100_000])
def test_a_larger_limit_stays(value: int) -> None:
    made = limited(max_tokens=value)
    assert made.request.fields["max_tokens"] == value
    assert made.adaptations["max_tokens"].word == "honoured"


def test_each_small_limit_is_raised_and_the_other_stays() -> None:
    made = limited(max_tokens=200, max_completion_tokens=5000)
    assert (made.request.fields["max_tokens"], made.request.fields["max_completion_tokens"]) == (200 + ROOM, 5000)


def test_a_raised_limit_stays_within_the_models_own() -> None:
    made = limited("hunyuan-t1-vision", "hunyuan_classic", max_tokens=200)
    assert made.request.fields["max_tokens"] == 2000
    assert made.adaptations["max_tokens"].word == "clamped"


def test_with_policy_thinking_vendor_the_limit_is_sent_unchanged() -> None:
    made = limited(max_tokens=200, settings={"thinking": "vendor"})
    assert made.request.fields["max_tokens"] == 200


def test_strict_refuses_a_limit_that_would_be_raised() -> None:
    with pytest.raises(Refused) as caught:
        limited(max_tokens=200, settings={"strict": True})
    assert caught.value.param == "max_tokens"


@pytest.mark.parametrize("model", ["qwq-plus", "qwen3-235b-a22b-thinking-2507"])
def test_qwens_limit_does_not_cover_the_thinking_so_it_stays(model: str) -> None:
    made = limited(model, "qwen", max_tokens=200, stream=True)
    assert made.thinks
    assert made.request.fields["max_tokens"] == 200


def test_the_default_limit_of_completions_is_raised_under_strict_too() -> None:
    asked = as_chat(ApiRequest("completions", "gpt-3.5-turbo-instruct", {"prompt": "a"}))
    made = plan(asked, replace(target("kimi", "kimi-k3", shipped=True), strict=True))
    assert made.request.fields["max_tokens"] == 16 + ROOM
    assert made.adaptations["max_tokens"].word == "mapped"
    assert "16 is sent as 8208" in made.adaptations["max_tokens"].why
