"""Rules that vendors' tables configure: each option by itself, on a model made for the test."""

from typing import Any

import pytest

from adapters.core.builder import RequestBuilder, Verdict
from adapters.core.failures import Refused
from adapters.core.model import Model
from adapters.core.request import ApiRequest
from adapters.core.vendor import Op, ReasoningSwitch
from adapters.rules.efforts import Efforts
from adapters.rules.failures import by_code
from adapters.rules.json_mode import JsonMode, json_mode
from adapters.rules.messages import MessageRules
from adapters.rules.parameters import Choices, Seeds, Stops, VendorSearch, utf8_size
from adapters.rules.tool_choice import ToolChoice, forced_call
from adapters.rules.tools import Tools, strict_tools
from adapters.rules.verdicts import always, has, lacks, never, of_family, thinks

HELLO = [{"role": "user", "content": "Hello"}]
LEVELS = {"low": ("none", "low"), "high": ("medium", "high")}


def builder_for(*, thinks: bool = False, disabled: frozenset[str] = frozenset(), **fields: Any) -> RequestBuilder:
    facts = fields.pop("facts", {})
    request = ApiRequest("chat", "gpt-4o", {"messages": HELLO, **fields})
    model = Model("m-1", "f", facts=facts, input=frozenset({"text", "image"}))
    return RequestBuilder(request, model, thinks=thinks, disabled_emulations=disabled)


def applied(verdict: Verdict, name: str, value: Any, **more: Any) -> tuple[Any, str, RequestBuilder]:
    """Return what is sent for the field, the verdict word (empty if only a part of the field has one), and the builder."""
    builder = builder_for(**more, **({} if name == "messages" else {name: value}))
    builder.body["messages"] = HELLO
    verdict.apply(name, value, builder)
    adaptation = builder.adaptations.get(name)
    return builder.body.get(name), adaptation.word if adaptation else "", builder


def function(name: str = "get_weather", **more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": {}, **more}}


# --- conditions ---


def test_conditions_read_the_models_row_and_the_thinking_mode() -> None:
    builder = builder_for(facts={"json": True}, thinks=True)
    assert [has("json")(builder), has("other")(builder), lacks("json")(builder), lacks("other")(builder)] == [
        True,
        False,
        False,
        True,
    ]
    assert [of_family("e", "f")(builder), of_family("e")(builder)] == [True, False]
    assert [thinks(builder), always(builder), never(builder)] == [True, True, False]


# --- stop ---


@pytest.mark.parametrize(
    ("stops", "value", "sent", "word", "cut"),
    [
        (Stops(), "END", "END", "honoured", None),
        (Stops(), ["a", "b"], ["a", "b"], "honoured", None),
        (Stops(as_list=True), "END", ["END"], "mapped", None),
        (Stops(most=1), ["a", "b"], ["a"], "emulated", ["a", "b"]),
        (Stops(longest=2), ["ab", "abc"], ["ab"], "emulated", ["ab", "abc"]),
        (Stops(longest=3), "二二", "二二", "honoured", None),
        (Stops(longest=3, size=utf8_size), "二二", None, "emulated", ["二二"]),
        (Stops(accepted=never), "END", None, "emulated", ["END"]),
        (Stops(left_in_answer=True), "END", "END", "emulated", ["END"]),
        (Stops(), ["", ""], None, "mapped", None),
        (Stops(left_in_answer=True), "", None, "mapped", None),
    ],
)
def test_stop_strings_are_sent_if_accepted_and_applied_by_banjia_otherwise(
    stops: Stops, value: Any, sent: Any, word: str, cut: Any
) -> None:
    got, verdict, builder = applied(stops, "stop", value)
    assert (got, verdict, builder.emulations.get("stop")) == (sent, word, cut)
    assert verdict in stops.words


def test_a_stop_string_that_only_banjia_can_apply_is_refused_if_the_operator_disabled_that() -> None:
    with pytest.raises(Refused, match=r"emulate: \{stop: on\}"):
        applied(Stops(longest=2), "stop", "END", disabled=frozenset({"stop"}))


def test_the_reason_of_stop_strings_has_the_vendors_figures() -> None:
    assert str(Stops(most=4, longest=20).why).startswith("4 strings of at most 20 characters")
    assert str(Stops(longest=32, size=utf8_size).why).startswith("strings of at most 32 bytes")
    assert str(Stops(most=1).why).startswith("stop strings per request: 1;")


# --- seed, n, web search ---


@pytest.mark.parametrize(("value", "sent"), [(1, 1), (10, 10), (0, 10), (11, 1), (-1, 9), (25, 5)])
def test_a_seed_outside_the_range_is_mapped_into_it(value: int, sent: int) -> None:
    got, word, _ = applied(Seeds(1, 10), "seed", value)
    assert (got, word) == (sent, "honoured" if value == sent else "mapped")


@pytest.mark.parametrize(("most", "value", "sent", "calls"), [(4, 4, 4, None), (4, 5, None, 5), (1, 2, None, 2)])
def test_more_choices_than_a_call_returns_take_a_call_each(most: int, value: int, sent: Any, calls: Any) -> None:
    got, _, builder = applied(Choices(lambda _: most), "n", value)
    assert (got, builder.emulations.get("n")) == (sent, calls)


def test_the_vendors_search_is_enabled_unless_the_request_has_the_vendors_own_field() -> None:
    search = VendorSearch("web_search", {"enable": True})
    _, word, builder = applied(search, "web_search_options", {})
    assert (builder.body["web_search"], word) == ({"enable": True}, "mapped")
    _, _, builder = applied(search, "web_search_options", {}, web_search={"enable": False})
    assert "web_search" not in builder.body


# --- reasoning_effort ---


@pytest.mark.parametrize(
    ("thinks", "facts", "value", "sent", "word"),
    [
        (True, {"effort": True}, "high", "high", "honoured"),
        (True, {"effort": True}, "medium", "high", "mapped"),
        (True, {"effort": True}, "none", "low", "mapped"),
        (True, {"effort": True}, "minimal", None, "dropped"),
        (False, {"effort": True}, "none", None, "mapped"),
        (False, {"effort": True}, "high", None, "dropped"),
        (True, {}, "high", None, "mapped"),
        (True, {}, "none", None, "dropped"),
        (False, {}, "none", None, "mapped"),
    ],
)
def test_an_effort_is_a_level_or_what_the_thinking_switch_already_did(
    thinks: bool, facts: dict[str, Any], value: str, sent: Any, word: str
) -> None:
    got, verdict, _ = applied(Efforts(LEVELS), "reasoning_effort", value, thinks=thinks, facts=facts)
    assert (got, verdict) == (sent, word)


def test_an_effort_is_a_budget_for_models_without_levels_unless_the_request_has_one() -> None:
    efforts = Efforts(LEVELS, budgets={"low": 1024})
    _, _, builder = applied(efforts, "reasoning_effort", "low", thinks=True)
    assert builder.body["thinking_budget"] == 1024
    _, word, builder = applied(efforts, "reasoning_effort", "high", thinks=True)
    assert ("thinking_budget" in builder.body, word) == (False, "mapped")


# --- response_format ---


def test_json_mode_adds_the_word_that_the_vendor_requires_once() -> None:
    mode = JsonMode(word="json")
    _, _, builder = applied(mode, "response_format", {"type": "json_object"})
    assert builder.body["messages"] == [{"role": "system", "content": "Answer with a JSON object."}, *HELLO]
    builder = builder_for(response_format={"type": "json_object"})
    builder.body["messages"] = [{"role": "user", "content": "Answer in Json."}]
    mode.apply("response_format", {"type": "json_object"}, builder)
    assert len(builder.body["messages"]) == 1


@pytest.mark.parametrize(
    ("mode", "kind", "thinks", "sent"),
    [
        (JsonMode(schema=never), "json_schema", False, {"type": "json_object"}),
        (JsonMode(schema=never, while_thinking=False), "json_schema", True, None),
        (JsonMode(json=never, schema=never), "json_schema", False, None),
        (JsonMode(json=never, schema=never), "json_object", False, None),
        (JsonMode(while_thinking=False), "json_object", True, None),
    ],
)
def test_a_format_that_the_model_lacks_is_emulated(mode: JsonMode, kind: str, thinks: bool, sent: Any) -> None:
    value, word, builder = applied(mode, "response_format", {"type": kind}, thinks=thinks)
    assert (value, word) == (sent, "emulated")
    assert builder.whole
    assert "response_format" in builder.emulations
    instruction, *rest = builder.body["messages"]
    assert (instruction["role"], rest) == ("system", HELLO)


def test_a_schema_that_no_json_object_matches_is_requested_without_json_mode() -> None:
    named = {"name": "x", "description": "Three words.", "schema": {"type": "array"}}
    value, _, builder = applied(
        JsonMode(schema=never), "response_format", {"type": "json_schema", "json_schema": named}
    )
    assert value is None
    assert builder.body["messages"][0]["content"].endswith('Three words.\n{"type":"array"}')


@pytest.mark.parametrize(
    ("messages", "at"),
    [
        (HELLO, 0),
        ([*HELLO, {"role": "assistant", "content": "a"}, {"role": "user", "content": "b"}], 2),
        ([*HELLO, {"role": "tool", "tool_call_id": "x", "content": "1"}], 0),
        ([{"role": "user", "content": [{"type": "text", "text": "a"}]}], 0),
    ],
)
def test_without_system_messages_the_instruction_joins_the_last_user_message(messages: Any, at: int) -> None:
    builder = builder_for(response_format={"type": "json_object"})
    builder.body["messages"] = messages
    JsonMode(json=never, in_system_message=never).apply("response_format", {"type": "json_object"}, builder)
    sent = builder.body["messages"]
    assert [message["role"] for message in sent] == [message["role"] for message in messages]
    content = sent[at]["content"]
    assert (content if type(content) is str else content[-1]["text"]).endswith("no code fence.")
    assert [message for number, message in enumerate(sent) if number != at] == [
        message for number, message in enumerate(messages) if number != at
    ]


def test_an_existing_system_message_keeps_its_text_before_the_instruction() -> None:
    builder = builder_for(response_format={"type": "json_object"})
    builder.body["messages"] = [{"role": "system", "content": "Be brief."}, *HELLO]
    JsonMode(json=never).apply("response_format", {"type": "json_object"}, builder)
    assert len(builder.body["messages"]) == 2
    assert builder.body["messages"][0]["content"].startswith("Be brief.\n\nAnswer with a JSON object")


def test_an_invalid_schema_is_refused_by_its_path_and_no_vendor_would_take_it() -> None:
    schema = {"type": "object", "properties": {"a": {"pattern": "(?=x)"}}}
    value = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    with pytest.raises(Refused) as caught:
        applied(JsonMode(schema=never), "response_format", value)
    assert caught.value.param == "response_format.json_schema.schema.properties.a.pattern"
    assert caught.value.code is None


def test_an_emulated_answer_cannot_continue_a_message() -> None:
    builder = builder_for(response_format={"type": "json_object"})
    builder.body["messages"] = [*HELLO, {"role": "assistant", "content": "{", "partial": True}]
    with pytest.raises(Refused, match="cannot continue"):
        JsonMode(json=never).apply("response_format", {"type": "json_object"}, builder)


def test_text_is_left_out_for_a_model_without_formats_and_sent_to_others() -> None:
    assert applied(JsonMode(json=never), "response_format", {"type": "text"})[:2] == (None, "mapped")
    assert applied(JsonMode(), "response_format", {"type": "text"})[:2] == ({"type": "text"}, "honoured")


# --- tools and tool_choice ---


@pytest.mark.parametrize(
    ("choice", "value", "thinks", "sent", "word"),
    [
        (ToolChoice(), "required", True, "required", "honoured"),
        (ToolChoice("unforced"), "auto", True, "auto", "honoured"),
        (ToolChoice("unforced"), "required", False, "required", "honoured"),
        (ToolChoice("absent"), "auto", True, None, "mapped"),
        (ToolChoice("absent"), "none", True, None, "mapped"),
        (ToolChoice("absent"), "auto", False, "auto", "honoured"),
        (ToolChoice(required=never), "required", False, function() | {"function": {"name": "get_weather"}}, "mapped"),
    ],
)
def test_a_tool_choice_is_sent_as_the_vendor_accepts_it(
    choice: ToolChoice, value: Any, thinks: bool, sent: Any, word: str
) -> None:
    builder = builder_for(thinks=thinks, tools=[function()], tool_choice=value)
    builder.body["tools"] = [function()]
    choice.apply("tool_choice", value, builder)
    assert (builder.body.get("tool_choice"), builder.adaptations["tool_choice"].word) == (sent, word)
    assert ("tools" in builder.body) == (not (thinks and value == "none"))


@pytest.mark.parametrize(("value", "sent", "word"), [("auto", "auto", "honoured"), ("none", None, "mapped")])
@pytest.mark.parametrize("thinks", [True, False])
def test_none_is_sent_by_omitting_the_tools_if_the_vendor_does_not_accept_it(
    value: str, sent: Any, word: str, thinks: bool
) -> None:
    builder = builder_for(thinks=thinks, tools=[function()], tool_choice=value)
    builder.body["tools"] = [function()]
    choice = ToolChoice(forces=never, none=never)
    choice.apply("tool_choice", value, builder)
    assert (builder.body.get("tool_choice"), builder.adaptations["tool_choice"].word) == (sent, word)
    assert ("tools" in builder.body) == (value == "auto")
    assert str(choice.why).startswith("auto; none is sent by omitting the tools")


NAMED = {"type": "function", "function": {"name": "get_weather"}}
UNFORCED = [(ToolChoice("unforced"), True), (ToolChoice("absent"), True), (ToolChoice(forces=never), False)]


@pytest.mark.parametrize(("choice", "thinks"), UNFORCED)
@pytest.mark.parametrize("value", ["required", NAMED])
def test_a_forced_call_that_the_model_does_not_accept_is_asked_for_in_the_prompt(
    choice: ToolChoice, thinks: bool, value: Any
) -> None:
    builder = builder_for(thinks=thinks, tools=[function(), function("other")], tool_choice=value)
    builder.body.update(messages=HELLO, tools=[function(), function("other")])
    choice.apply("tool_choice", value, builder)
    assert builder.adaptations["tool_choice"].word == "emulated"
    assert "tool_choice" not in builder.body
    assert builder.whole
    name, text = builder.emulations["tool_choice"]
    assert builder.body["messages"] == [{"role": "user", "content": f"Hello\n\n{text}"}]
    assert name == (None if value == "required" else "get_weather")
    assert len(builder.body["tools"]) == (2 if value == "required" else 1)


@pytest.mark.parametrize(("choice", "thinks"), UNFORCED)
def test_it_is_refused_if_the_operator_has_disabled_that(choice: ToolChoice, thinks: bool) -> None:
    off = frozenset({"tool_choice"})
    with pytest.raises(Refused, match="tool_choice"):
        applied(choice, "tool_choice", "required", thinks=thinks, tools=[function()], disabled=off)


def test_the_instruction_joins_the_system_message() -> None:
    system = {"role": "system", "content": "Be brief."}
    builder = builder_for(tools=[function()], tool_choice="required")
    builder.body["messages"] = [system, *HELLO]
    ToolChoice(forces=never).apply("tool_choice", "required", builder)
    assert builder.body["messages"][0]["content"].startswith("Be brief.\n\nCall at least one")
    assert builder.body["messages"][1:] == HELLO


def test_a_choice_that_names_no_function_is_never_emulated() -> None:
    allowed = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": []}}
    with pytest.raises(Refused, match="the name of a function"):
        applied(ToolChoice(forces=never), "tool_choice", allowed, tools=[function()])


def test_required_can_be_accepted_while_a_model_thinks_and_a_named_tool_is_then_the_only_one() -> None:
    choice = ToolChoice("unforced", required_thinking="required_thinking")
    builder = builder_for(thinks=True, tools=[function(), function("b")], facts={"required_thinking": True})
    for value, tools in (("required", 2), (NAMED, 1)):
        builder.body.update(messages=HELLO, tools=[function(), function("b")])
        choice.apply("tool_choice", value, builder)
        assert builder.body["tool_choice"] == "required"
        assert len(builder.body["tools"]) == tools
        assert not builder.whole
    assert builder.adaptations["tool_choice"].word == "mapped"


@pytest.mark.parametrize(
    ("tools", "sent", "all_strict"),
    [
        ([function(strict=True)], [True], True),
        ([function(strict=True), function("b")], [None, None], False),
        ([function(strict=False)], [None], False),
        ([function()], [None], False),
    ],
)
def test_strict_is_omitted_unless_all_tools_have_it(tools: list[Any], sent: list[Any], all_strict: bool) -> None:
    got, _, builder = applied(Tools(mixed_strict=False), "tools", tools)
    assert [tool["function"].get("strict") for tool in got] == sent
    assert strict_tools(builder) is all_strict
    dropped = builder.adaptations.get("tools.function.strict")
    assert (dropped is not None) == (sent == [None, None])


# --- messages ---


def test_text_parts_are_joined_in_roles_that_accept_only_text() -> None:
    rules = MessageRules(part_roles={"user"})
    parts = [{"type": "text", "text": "Be "}, {"type": "text", "text": "brief."}]
    sent, _, _ = applied(rules, "messages", [{"role": "system", "content": parts}, {"role": "user", "content": parts}])
    assert [message["content"] for message in sent] == ["Be brief.", parts]
    image = [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]
    with pytest.raises(Refused, match="only text in messages of role assistant"):
        applied(rules, "messages", [*HELLO, {"role": "assistant", "content": image}])


@pytest.mark.parametrize(
    ("detail", "sent", "recorded"), [("low", "low", False), ("auto", None, False), ("x", None, True)]
)
def test_an_image_detail_that_the_vendor_lacks_is_omitted(detail: Any, sent: Any, recorded: bool) -> None:
    image = {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": detail}}
    rules = MessageRules(image_details=frozenset({"low"}))
    got, _, builder = applied(rules, "messages", [{"role": "user", "content": [image]}, *HELLO])
    assert got[0]["content"][0]["image_url"].get("detail") == sent
    assert ("messages.content.detail" in builder.adaptations) is recorded


def test_reasoning_of_earlier_answers_is_omitted_for_models_that_refuse_it() -> None:
    earlier = {"role": "assistant", "content": "9.8", "reasoning_content": "Compare."}
    sent, _, builder = applied(MessageRules(keeps_reasoning=never), "messages", [*HELLO, earlier, *HELLO])
    assert "reasoning_content" not in sent[1]
    assert builder.adaptations["messages.reasoning_content"].word == "dropped"
    assert applied(MessageRules(), "messages", [*HELLO, earlier, *HELLO])[0][1] == earlier


# --- thinking, errors, paths ---


def test_a_switch_is_written_as_a_boolean_or_as_an_object() -> None:
    for switch, on, off in (
        (ReasoningSwitch.enable_thinking(), {"enable_thinking": True}, {"enable_thinking": False}),
        (ReasoningSwitch.thinking_type(), {"thinking": {"type": "enabled"}}, {"thinking": {"type": "disabled"}}),
    ):
        for wanted, sent in ((True, on), (False, off)):
            builder = builder_for()
            switch.set(builder, wanted)
            assert builder.body == sent


def test_conflicts_with_thinking_have_a_reason() -> None:
    forced = builder_for(tool_choice="required", tools=[function()], facts={"f": True})
    assert forced_call()("required", forced) is not None
    assert forced_call(required="f")("required", forced) is None
    assert forced_call()("auto", forced) is None
    assert json_mode({"type": "json_object"}, builder_for()) is not None
    assert json_mode({"type": "text"}, builder_for()) is None


def test_a_row_is_made_for_each_code() -> None:
    rows = by_code("no_funds", "a", "b*", type="t")
    assert [(row.kind, row.code, row.type) for row in rows] == [("no_funds", "a", "t"), ("no_funds", "b*", "t")]


def test_a_request_takes_the_path_of_the_first_condition_that_holds() -> None:
    op = Op("/a", codec=lambda plan: None, params={}, paths=((thinks, "/b"), (always, "/c")))  # type: ignore[arg-type,return-value]
    assert [op.path_for(builder_for(thinks=thinking)) for thinking in (True, False)] == ["/b", "/c"]
    assert Op("/a", codec=op.codec, params={}, paths=((never, "/b"),)).path_for(builder_for()) == "/a"
