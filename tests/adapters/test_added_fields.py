"""Fields that banjia adds to a vendor's body are recorded by name, and a plan can be made without them."""

from dataclasses import replace
from typing import Any

import pytest

from adapters.codecs.openai.errors import named_fields
from adapters.core.failures import Refused
from adapters.core.model import Model
from adapters.core.request import ApiRequest
from adapters.core.vendor import Plan, Target
from adapters.planning import plan, plan_without
from adapters.registry import BY_CATALOG
from adapters.translations.completions_as_chat import as_chat
from config.catalog import models as catalog
from tests.adapters.play import HELLO, MODELS, USUAL, Play, target

EVERY = sorted(BY_CATALOG)
TOOLS = [{"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}]


def ask(stream: bool = True, name: str = "o3", **fields: Any) -> ApiRequest:
    return ApiRequest("chat", name, {"messages": HELLO, **({"stream": True} if stream else {}), **fields}, stream)


def at(vendor: str, model: str | None = None, **more: Any) -> Target:
    found = target(vendor, model or USUAL[vendor])
    return Target(found.entry, found.vendor, found.model, found.base_url, **more)


@pytest.mark.parametrize("vendor", EVERY)
def test_usage_in_streams_is_added_unless_the_client_requests_it(vendor: str) -> None:
    assert plan(ask(), at(vendor)).added == ("stream_options",)
    assert plan(ask(stream=False), at(vendor)).added == ()
    for options in ({"include_usage": True}, {}):
        made = plan(ask(stream_options=options), at(vendor))
        assert made.added == ()
        assert made.request.fields["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize("vendor", EVERY)
def test_every_member_of_the_body_is_the_callers_or_an_addition(vendor: str) -> None:
    """With plain verdicts only, the remaining members are those that the table's end and the switch add.

    The limit may have the vendor's name.
    """
    sent = ask(tools=TOOLS, n=1, max_tokens=100)
    made = plan(sent._replace(model="gpt-4o"), at(vendor))
    limits = {"max_completion_tokens", "max_new_tokens"}
    assert made.request.fields.keys() - sent.fields.keys() - {"model", *limits} == set(made.added)


@pytest.mark.parametrize(
    ("vendor", "model", "switch"),
    [("kimi", "kimi-k2.6", "thinking"), ("hunyuan", "hy3", "thinking"), ("qwen", "qwen-plus", "enable_thinking")],
)
def test_the_thinking_switch_is_added_unless_it_is_requested(vendor: str, model: str, switch: str) -> None:
    default = at(vendor, model)
    model_ = Model(model, default.model.family, thinking="default_on", facts={"default_unsure": True})
    there = Target("x", default.vendor, model_, "http://x/v1")
    unasked = ask(stream=False, name="gpt-4o")
    assert plan(unasked, there).added == (switch,)
    for said in ({"enable_thinking": False}, {"reasoning_effort": "none"}, {"thinking": {"type": "disabled"}}):
        assert plan(ask(stream=False, name="gpt-4o", **said), there).added == ()
    by_operator = Target("x", default.vendor, model_, "http://x/v1", overrides={"thinking": "disabled"})
    assert plan(unasked, by_operator).added == ()
    off = Target("x", default.vendor, model_, "http://x/v1", thinking="off")
    assert plan(unasked, off).added == ()
    by_stand_in = Target("x", default.vendor, model_, "http://x/v1", defaults={"reasoning_effort": "none"})
    assert switch in plan(ask(stream=False), by_stand_in).added


def test_a_stand_ins_defaults_are_additions_and_an_operators_are_not() -> None:
    embeddings = ApiRequest("embeddings", "text-embedding-3-small", {"input": "x"})
    found = target("qwen", "text-embedding-v4")
    by_stand_in = Target("qwen", found.vendor, found.model, found.base_url, defaults={"dimensions": 512})
    assert plan(embeddings, by_stand_in).added == ("dimensions",)
    assert plan(embeddings.with_fields({"input": "x", "dimensions": 512}), by_stand_in).added == ()
    by_operator = Target("qwen", found.vendor, found.model, found.base_url, {"dimensions": 512}, {"dimensions": 1024})
    assert plan(embeddings, by_operator).added == ()
    without = plan_without(embeddings, by_stand_in, ["dimensions"])
    assert dict(without.request.fields) == {"input": "x", "model": "text-embedding-v4"}
    assert without.adaptations["dimensions"].word == "dropped"


def test_openais_limit_for_completions_is_an_addition() -> None:
    fields = {"prompt": ["a", "b"]}
    asked = as_chat(ApiRequest("completions", "gpt-3.5-turbo-instruct", fields))
    made = plan(asked, at("hunyuan"))
    assert "max_tokens" in made.added
    without = plan_without(asked, at("hunyuan"), ["max_tokens"])
    assert all("max_tokens" not in one.fields for one in (without.request, *without.further_requests))
    assert len(without.further_requests) == 1
    told = as_chat(ApiRequest("completions", "gpt-3.5-turbo-instruct", {**fields, "max_tokens": 16}))
    assert "max_tokens" not in plan(told, at("hunyuan")).added


def test_what_two_choices_need_is_an_addition() -> None:
    warm = plan(ask(stream=False, name="gpt-4o", n=2), at("kimi", "moonshot-v1-8k"))
    assert warm.added == ("temperature",)
    raised = plan(ask(stream=False, name="gpt-4o", n=2, temperature=0), at("kimi", "moonshot-v1-8k"))
    assert raised.added == ()


def test_a_plan_without_a_field_keeps_all_the_others() -> None:
    usual = plan(ask(tools=TOOLS), at("qwen"))
    assert set(usual.added) == {"stream_options", "parallel_tool_calls"}
    without = plan_without(ask(tools=TOOLS), at("qwen"), ["stream_options"])
    assert without.request.fields == {name: v for name, v in usual.request.fields.items() if name != "stream_options"}
    assert without.added == ("parallel_tool_calls",)
    assert without.adaptations == usual.adaptations
    both = plan_without(ask(tools=TOOLS), at("qwen"), ["stream_options", "parallel_tool_calls"])
    assert both.adaptations["parallel_tool_calls"].word == "dropped"
    assert both.added == ()


def test_a_field_that_the_caller_sent_stays() -> None:
    sent = ask(stream_options={"include_usage": True}, top_p=0.5)
    usual = plan(sent, at("openai_compatible"))
    assert plan_without(sent, at("openai_compatible"), ["stream_options", "top_p", "messages", "model"]) == usual


def test_without_its_switch_the_model_thinks_as_it_does_by_itself() -> None:
    usual, without = plan(ask(name="gpt-4o"), at("kimi")), plan_without(ask(name="gpt-4o"), at("kimi"), ["thinking"])
    assert (usual.thinks, usual.request.fields["thinking"]) == (False, {"type": "disabled"})
    assert (without.thinks, without.request.fields.get("thinking")) == (True, None)
    assert without.adaptations["thinking"].word == "dropped"
    assert without.target is not None
    assert without.target.thinking == "auto"


def test_a_plan_that_can_not_do_without_emulates_the_forced_call_or_is_refused() -> None:
    """A forced call excludes thinking, which is the model's default."""
    forced = ask(name="gpt-4o", tools=TOOLS, tool_choice="required")
    assert plan(forced, at("kimi")).added == ("thinking", "stream_options")
    assert plan_without(forced, at("kimi"), ["thinking"]).adaptations["tool_choice"].word == "emulated"
    with pytest.raises(Refused):
        plan_without(forced, replace(at("kimi"), disabled_emulations=frozenset({"tool_choice"})), ["thinking"])


NAMED: list[tuple[str, dict[str, Any] | None, bool]] = [
    ("param", {"error": {"message": "Unknown parameter", "param": "stream_options"}}, True),
    ("param of a member", {"error": {"message": "no", "param": "stream_options.include_usage"}}, True),
    ("another param", {"error": {"message": "stream_options is fine, logprobs is not", "param": "logprobs"}}, False),
    ("param that is none", {"error": {"message": "stream_options is unknown", "param": "body"}}, True),
    ("text", {"error": {"message": "Unrecognized request argument supplied: stream_options"}}, True),
    ("quoted", {"error": {"message": "Unknown parameter: 'stream_options'."}}, True),
    ("pointer", {"error": {"message": "Validation error at #/stream_options: Extra inputs are not permitted"}}, True),
    (
        "flat",
        {"object": "error", "message": "[{'loc': ('body', 'stream_options'), 'msg': 'Extra'}]", "code": 400},
        True,
    ),
    ("detail", {"detail": [{"loc": ["body", "stream_options"], "msg": "Extra inputs"}]}, True),
    ("detail of a member", {"detail": [{"loc": ["body", "stream_options", "include_usage"], "msg": "x"}]}, True),
    ("detail text", {"detail": "stream_options not supported"}, True),
    ("one of two details", {"detail": [{"loc": ["body", "x"], "msg": "x"}, {"loc": ["body", "stream_options"]}]}, True),
    ("another detail", {"detail": [{"loc": ["body", "top_p"], "msg": "not as in stream_options"}]}, False),
    ("another word", {"error": {"message": "stream_options_extra is unknown"}}, False),
    ("nothing", {"error": {"message": "bad request"}}, False),
]


@pytest.mark.parametrize("status", [400, 422, 200])
@pytest.mark.parametrize(("what", "body", "named"), NAMED, ids=[row[0] for row in NAMED])
def test_a_refusal_names_an_addition(what: str, body: Any, named: bool, status: int) -> None:
    if status == 200:
        body = {**body, "code": 400} if "error" not in body else {"error": {**body["error"], "code": 400}}
    failure = Play(made()).json(body, status=status).failure
    assert (failure.kind, failure.fields) == ("bad_request", ("stream_options",) if named else ())


def made(**fields: Any) -> Plan:
    return plan(ask(**fields), at("openai_compatible"))


@pytest.mark.parametrize("status", [401, 403, 404, 413, 429, 500])
def test_only_a_refusal_of_the_request_names_an_addition(status: int) -> None:
    assert Play(made()).json({"error": {"message": "stream_options"}}, status=status).failure.fields == ()


def test_a_refusal_of_what_the_caller_sent_names_no_addition() -> None:
    sent = made(stream_options={"include_usage": True})
    assert Play(sent).json({"error": {"message": "x", "param": "stream_options"}}, status=400).failure.fields == ()


@pytest.mark.parametrize(
    ("message", "named"),
    [
        ("unknown field thinking", True),
        ("Unsupported parameter(s): `thinking`", True),
        ("thinking: Extra inputs are not permitted", True),
        ("'thinking' is not allowed", True),
        ("the thinking parameter is not supported by this model", True),
        ("不支持参数 thinking", True),
        ("tool_choice 'required' is incompatible with thinking enabled", False),
        ("invalid temperature: only 1 is allowed while thinking", False),
        ("enable_thinking: no", False),
    ],
)
def test_a_field_that_is_an_english_word_is_named_as_a_field(message: str, named: bool) -> None:
    assert named_fields(("thinking",), (), message) == (("thinking",) if named else ())


def test_all_additions_that_are_named_are_found() -> None:
    both = ("stream_options", "parallel_tool_calls", "thinking")
    assert named_fields(both, (), "unknown: stream_options, parallel_tool_calls") == both[:2]
    assert named_fields(both, ("thinking", "stream_options"), "") == ("stream_options", "thinking")


def test_models_of_this_stage_cover_every_vendor() -> None:
    assert set(USUAL) == set(EVERY)
    assert all(model in MODELS or catalog.load(name).model(model) for name, model in USUAL.items())
