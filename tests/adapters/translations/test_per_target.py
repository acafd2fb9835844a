"""``truncation: auto`` and ``strict`` of a translated request, which depend on the target."""

from dataclasses import replace
from typing import Any

import pytest

from adapters.core.adaptations import adaptations_header
from adapters.core.failures import Refused
from adapters.core.model import Model
from adapters.core.tokens import UNLIMITED, estimate
from adapters.core.vendor import Plan, Target
from adapters.planning import plan
from adapters.registry import BY_CATALOG
from tests.adapters.responses.conversions import SEALED, call, output, translated


def target(context: int | None = None, **more: Any) -> Target:
    return Target("kimi", BY_CATALOG["kimi"], Model("kimi-k2.6", context=context), "https://x.example/v1", **more)


LONG = "x" * 4000
"""A text of about a thousand tokens."""
TURNS = [
    {"role": "developer", "content": "rules"},
    {"role": "user", "content": "one " + LONG},
    call("c1"), output("c1", LONG),
    {"role": "assistant", "content": "first"},
    {"role": "user", "content": "two " + LONG},
    {"role": "assistant", "content": "second"},
    {"role": "user", "content": "three " + LONG},
    call("c2"), output("c2", "x"),
]  # fmt: skip
SIZES = {"all": 4200, "without one": 2200}
"""Estimates of the prompt, in tokens: a little more than it has."""


def planned(context: int | None, value: Any = TURNS, strict: bool = False, **fields: Any) -> Plan:
    request = translated({"input": value, "truncation": "auto", "instructions": "Be brief.", **fields})
    return plan(request, target(context, strict=strict))


def texts(made: Plan) -> list[str]:
    """Return the first word of each message."""
    return [str(message.get("content") or "call").split()[0][:6] for message in made.request.fields["messages"]]


ALL = ["Be", "rules", "one", "call", "xxxxxx", "first", "two", "second", "three", "call", "x"]


def test_nothing_is_left_out_while_the_request_fits() -> None:
    made = planned(100_000)

    assert texts(made) == ALL
    assert made.adaptations["truncation"].word == "emulated"
    assert "truncation" not in (adaptations_header(made.adaptations) or "")


def test_the_oldest_turns_are_left_out_whole_and_it_is_told() -> None:
    made = planned(SIZES["without one"] + UNLIMITED)

    assert texts(made) == ["Be", "rules", "two", "second", "three", "call", "x"]
    assert "truncation=emulated" in (adaptations_header(made.adaptations) or "").split(";")
    assert made.adaptations["truncation"].why.startswith("4 messages of the oldest turns are left out")
    assert estimate(made.request.fields["messages"]) + UNLIMITED <= SIZES["without one"] + UNLIMITED


def test_one_token_too_many_leaves_the_oldest_turn_out() -> None:
    messages = translated({"input": TURNS, "instructions": "Be brief."}).fields["messages"]
    fits = sum(map(estimate, messages)) + estimate(()) + UNLIMITED
    sent = [len(planned(context).request.fields["messages"]) for context in (fits, fits - 1)]
    assert sent == [len(messages), len(messages) - 4]


def test_the_last_turn_stays_with_its_calls_even_if_it_is_too_long() -> None:
    assert texts(planned(10)) == ["Be", "rules", "three", "call", "x"]


def test_the_limit_of_the_answer_counts_at_most_as_half_of_the_context() -> None:
    assert texts(planned(SIZES["all"] + UNLIMITED, max_output_tokens=16)) == ALL
    assert texts(planned(SIZES["all"] + UNLIMITED, max_output_tokens=3000)) != ALL
    assert texts(planned(9000, max_output_tokens=1_000_000)) == ALL


def test_without_a_known_context_nothing_is_left_out_and_that_is_told() -> None:
    made = planned(None)

    assert texts(made) == ALL
    assert made.adaptations["truncation"].word == "dropped"


def test_truncation_disabled_leaves_nothing_out() -> None:
    request = translated({"input": TURNS, "truncation": "disabled", "instructions": "Be brief."})

    made = plan(request, target(10))

    assert texts(made) == ALL
    assert made.adaptations["truncation"].word == "honoured"


def test_a_refusal_behind_turns_that_were_left_out_has_its_place_in_the_input() -> None:
    audio = {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}]}

    with pytest.raises(Refused) as raised:
        planned(10, [*TURNS, audio])

    assert raised.value.param == f"input[{len(TURNS)}].content[0].type"


def test_each_target_gets_what_fits_it() -> None:
    request = translated({"input": TURNS, "truncation": "auto", "instructions": "Be brief."})

    small, large = plan(request, target(10)), plan(request, target(100_000))

    assert (len(small.request.fields["messages"]), texts(large)) == (5, ALL)


GRAMMAR = {"type": "custom", "name": "p", "format": {"type": "grammar", "syntax": "regex", "definition": "x"}}
GET = {"type": "function", "name": "get"}
STRICT: dict[str, tuple[dict[str, Any], str | None]] = {
    "a request that is sent whole": ({"input": "hi", "tools": [GET]}, None),
    "a custom tool": ({"input": "hi", "tools": [{"type": "custom", "name": "p"}]}, None),
    "a grammar": ({"input": "hi", "tools": [GRAMMAR]}, "tools.format"),
    "a tool of OpenAI": ({"input": "hi", "tools": [GET, {"type": "web_search"}]}, "tools.web_search"),
    "an item of another server": (
        {"input": [{"type": "web_search_call", "id": "x"}, {"role": "user", "content": "hi"}]}, "input.web_search_call"),
    "an old seal": (
        {"input": [{"type": "reasoning", "id": "r", "summary": [], "encrypted_content": f"not {SEALED}"},
                   {"role": "assistant", "content": "a"}, {"role": "user", "content": "hi"}]}, None),
    "a newer field": ({"input": "hi", "client_metadata": {"a": "b"}}, "client_metadata"),
    "results of OpenAI's tools": ({"input": "hi", "include": ["web_search_call.results"]}, "include.web_search_call.results"),
    "an unknown context": ({"input": "hi", "truncation": "auto"}, "truncation"),
}  # fmt: skip


@pytest.mark.parametrize("case", STRICT)
def test_strict_refuses_what_would_be_lost(case: str) -> None:
    fields, param = STRICT[case]
    request = translated(fields)
    plan(request, target())

    if param is None:
        plan(request, target(strict=True))
        return
    with pytest.raises(Refused) as raised:
        plan(request, target(strict=True))
    assert raised.value.param == param
    assert "policy.unsupported is strict" in raised.value.message


def test_strict_accepts_what_the_operator_drops() -> None:
    request = translated({"input": "hi", "client_metadata": {"a": "b"}})

    made = plan(request, replace(target(), strict=True, drop=frozenset({"client_metadata"})))

    assert made.adaptations["client_metadata"].word == "dropped"


FUNCTION = {"type": "function", "name": "f", "parameters": {"type": "object"}}


@pytest.mark.parametrize("type_", ["web_search", "web_search_preview_2025_03_11", "image_generation", "tool_search"])
@pytest.mark.parametrize("choice", ["auto", "none"])
def test_an_offered_hosted_tool_is_refused_by_name_if_the_policy_says_so(type_: str, choice: str) -> None:
    request = translated({"input": "hi", "tools": [FUNCTION, {"type": type_}], "tool_choice": choice})
    assert plan(request, target()).adaptations, "by default it is dropped"
    with pytest.raises(Refused) as refused:
        plan(request, target(hosted_tools="refuse"))
    assert (refused.value.param, refused.value.code) == ("tools[1].type", "unsupported_parameter")
    assert "policy.hosted_tools" in str(refused.value.message)


def test_requests_without_hosted_tools_do_not_depend_on_that_policy() -> None:
    for tools in ({}, {"tools": [FUNCTION, {"type": "custom", "name": "c"}]}):
        request = translated({"input": "hi", **tools})
        made = [plan(request, target(hosted_tools=policy)) for policy in ("drop", "refuse")]
        assert made[0].request == made[1].request
        assert made[0].adaptations == made[1].adaptations
