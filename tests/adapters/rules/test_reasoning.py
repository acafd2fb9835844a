"""Names for which thinking is disabled: a rule based only on the start of the name."""

import pytest

from adapters.core.request import ApiRequest
from adapters.planning import plan
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
