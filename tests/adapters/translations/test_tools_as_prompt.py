"""Tools as text: earlier calls and results, where the offer goes, and what can't be expressed."""

from typing import Any

import pytest

from adapters.core.failures import Refused
from adapters.core.vendor import Plan
from tests.adapters.play import HELLO, chat_plan

TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}}}
CALL = {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Oslo"}'}}
CALLING = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "4 degrees"}
TEXT_CALL = '{"tool_calls":[{"name":"get_weather","arguments":{"city":"Oslo"}}]}'


def prompted(vendor: str = "qwen", model: str = "qwen-long", **fields: Any) -> Plan:
    return chat_plan(vendor, model, shipped=True, stream=False, **fields)


def refused(**fields: Any) -> Refused:
    with pytest.raises(Refused) as raised:
        prompted(**fields)
    return raised.value


def test_calls_and_results_are_plain_turns_also_without_tools() -> None:
    plan = prompted(messages=[*HELLO, CALLING, RESULT, RESULT, *HELLO])
    assert plan.request.fields["messages"] == [
        *HELLO,
        {"role": "assistant", "content": TEXT_CALL},
        {"role": "user", "content": "Result of get_weather:\n4 degrees\n\nResult of get_weather:\n4 degrees"},
        *HELLO,
    ]
    assert plan.adaptations["messages.tool_calls"].word == "mapped"
    assert plan.emulations == {}


@pytest.mark.parametrize(("vendor", "model"), [("hunyuan_classic", "hunyuan-lite"), ("ernie", "qianfan-8b")])
def test_vendors_that_require_alternating_turns_get_them(vendor: str, model: str) -> None:
    plan = prompted(vendor, model, tools=[TOOL], messages=[*HELLO, CALLING, RESULT, *HELLO])
    roles = [message["role"] for message in plan.request.fields["messages"]]
    assert roles == ["system", "user", "assistant", "user"]


def test_the_offer_joins_a_system_message_or_is_one_or_is_in_the_user_message_of_a_model_without() -> None:
    system = {"role": "developer", "content": "Be brief."}
    messages = prompted(tools=[TOOL], messages=[system, *HELLO]).request.fields["messages"]
    assert messages[0]["content"].startswith("Be brief.\n\nYou can call functions.")
    assert [message["role"] for message in messages] == ["system", "user"]
    (only,) = prompted(model="qwen-mt-plus", tools=[TOOL]).request.fields["messages"]
    assert only["content"].startswith("Hello\n\nYou can call functions.")


def test_text_beside_calls_stays_and_arguments_that_are_no_json_stay_text() -> None:
    broken = {**CALL, "function": {"name": "get_weather", "arguments": "{"}}
    messages = [*HELLO, {**CALLING, "content": "One moment.", "tool_calls": [broken]}, RESULT]
    (_, turn, _) = prompted(messages=messages).request.fields["messages"]
    assert turn["content"] == 'One moment.\n\n{"tool_calls":[{"name":"get_weather","arguments":"{"}]}'


def test_what_text_can_not_express_is_refused_by_its_name() -> None:
    image = [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]
    assert refused(messages=[*HELLO, CALLING, {**RESULT, "content": image}]).param == "messages[2].content"
    assert refused(tools=[TOOL, {"type": "custom", "custom": {"name": "x"}}]).param == "tools[1].type"
    allowed = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}}
    assert refused(tools=[TOOL], tool_choice=allowed).param == "tool_choice"
    assert refused(tools=[TOOL], tool_choice={"type": "function", "function": {"name": "x"}}).param == "tool_choice"
    assert refused(tool_choice="required").param == "tool_choice"


def test_schemas_that_can_not_be_checked_are_refused_with_their_path() -> None:
    def with_schema(schema: Any, many: int = 1) -> list[Any]:
        return [{"type": "function", "function": {"name": f"f{n}", "parameters": schema}} for n in range(many)]

    remote = {"type": "object", "properties": {"a": {"$ref": "https://example.com/x"}}}
    assert refused(tools=with_schema(remote)).param == "tools[0].function.parameters.properties.a.$ref"
    large = {"type": "object", "description": "x" * 1000}
    assert "bytes" in refused(tools=with_schema(large, 100)).message
    slow = {"type": "object", "properties": {"a": {"type": "string", "pattern": "[a-z]{900}"}}}
    assert "patterns" in refused(tools=with_schema(slow, 100)).message


def test_functions_beside_an_empty_list_of_tools_are_reported_as_emulated_tools() -> None:
    plan = prompted(functions=[TOOL["function"]], tools=[])
    assert "tools" in plan.emulations
    assert {name: plan.adaptations[name].word for name in ("tools", "functions")} == {
        "tools": "emulated",
        "functions": "mapped",
    }


NAMED = {"type": "function", "function": {"name": "get_weather"}}


@pytest.mark.parametrize(
    ("fields", "reported"),
    [
        ({"tools": [TOOL]}, {"tools": ("emulated", "the model has no tools: they are in the prompt")}),
        ({"tools": [TOOL], "tool_choice": "auto"}, {"tool_choice": ("mapped", "default")}),
        ({"tools": [TOOL], "tool_choice": "required"}, {"tool_choice": ("mapped", "expressed in the prompt")}),
        ({"tools": [TOOL], "tool_choice": NAMED}, {"tool_choice": ("mapped", "expressed in the prompt")}),
        ({"tools": [TOOL], "tool_choice": "none"}, {"tools": ("mapped", "no call"), "tool_choice": ("mapped", "no call")}),
        ({"tools": [TOOL], "parallel_tool_calls": True}, {"parallel_tool_calls": ("mapped", "default")}),
        ({"tools": [TOOL], "parallel_tool_calls": False}, {"parallel_tool_calls": ("emulated", "expressed in the prompt")}),
        (
            {"tools": [TOOL], "tool_choice": "none", "parallel_tool_calls": False},
            {"parallel_tool_calls": ("mapped", "expressed in the prompt")},
        ),
        ({"tools": [], "tool_choice": "auto"}, {"tools": ("mapped", "empty"), "tool_choice": ("mapped", "default")}),
        ({"tool_choice": "none"}, {"tool_choice": ("mapped", "no call")}),
        ({"messages": [*HELLO, CALLING, RESULT]}, {"messages.tool_calls": ("mapped", "as text")}),
    ],
)  # fmt: skip
def test_each_field_of_tools_is_reported_with_what_became_of_it(
    fields: dict[str, Any], reported: dict[str, tuple[str, str]]
) -> None:
    plan = prompted(**fields)
    for name, (word, why) in reported.items():
        assert plan.adaptations[name].word == word
        assert why in str(plan.adaptations[name].why)
    own = {"tools", "tool_choice", "parallel_tool_calls"}
    assert not own & plan.request.fields.keys()
    assert own & plan.adaptations.keys() == own & fields.keys()


PING = {"type": "function", "function": {"name": "ping", "description": "It answers.", "strict": True}}
TOOL_TEXT = '{"name":"get_weather","parameters":{"type":"object","properties":{}}}'
PING_TEXT = '{"name":"ping","description":"It answers."}'


@pytest.mark.parametrize(
    ("choice", "offered", "rule"),
    [
        (None, f"[{TOOL_TEXT},{PING_TEXT}]", "If no function is needed"),
        ("auto", f"[{TOOL_TEXT},{PING_TEXT}]", "If no function is needed"),
        ("required", f"[{TOOL_TEXT},{PING_TEXT}]", "You must call at least one function now."),
        (NAMED, f"[{TOOL_TEXT}]", "You must call the function get_weather now."),
    ],
)
@pytest.mark.parametrize("parallel", [None, True, False])
def test_the_prompt_has_the_functions_that_may_be_called_and_whether_one_must_be(
    choice: Any, offered: str, rule: str, *, parallel: bool | None
) -> None:
    fields = {"tool_choice": choice, "parallel_tool_calls": parallel}
    plan = prompted(tools=[TOOL, PING], **{name: value for name, value in fields.items() if value is not None})
    (system, user) = plan.request.fields["messages"]
    assert (system["role"], user) == ("system", HELLO[0])
    assert f"as JSON:\n{offered}\n" in system["content"]
    rules = [line for line in system["content"].splitlines() if line.startswith(("If no", "You must", "Call at most"))]
    assert rules[0].startswith(rule)
    assert len(rules) == (2 if parallel is False else 1)
    assert not plan.request.stream
    checked = plan.emulations["tools"]
    assert set(checked.arguments) == ({"get_weather"} if choice is NAMED else {"get_weather", "ping"})
    assert checked.required == (choice not in (None, "auto"))


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("4 degrees", "4 degrees"),
        ("", "(empty)"),
        (" \n", "(empty)"),
        ([{"type": "text", "text": "4 "}, {"type": "text", "text": "degrees"}], "4 degrees"),
        ([{"type": "text", "text": " "}], "(empty)"),
        ([], "(empty)"),
    ],
)
def test_a_result_is_its_text_below_the_name_of_the_function(content: Any, text: str) -> None:
    (_, _, turn) = prompted(messages=[*HELLO, CALLING, {**RESULT, "content": content}]).request.fields["messages"]
    assert turn == {"role": "user", "content": f"Result of get_weather:\n{text}"}


def test_a_result_without_its_call_is_that_of_the_function() -> None:
    messages = prompted(messages=[*HELLO, {**RESULT, "tool_call_id": "c2"}]).request.fields["messages"]
    assert messages[1:] == [{"role": "user", "content": "Result of the function:\n4 degrees"}]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ('{"a": [1, null]}', '{"a":[1,null]}'),
        ("", "{}"),
        (None, "{}"),
        ("not JSON", '"not JSON"'),
        ("[" * 300 + "]" * 300, '"' + "[" * 300 + "]" * 300 + '"'),
    ],
)
def test_the_arguments_of_a_call_are_json_in_its_text_or_a_string(arguments: str | None, text: str) -> None:
    function = {"name": "get_weather", "arguments": arguments}
    (_, turn) = prompted(messages=[*HELLO, {**CALLING, "tool_calls": [{**CALL, "function": function}]}]).request.fields[
        "messages"
    ]
    assert turn["content"] == f'{{"tool_calls":[{{"name":"get_weather","arguments":{text}}}]}}'


def test_a_user_message_between_results_parts_them() -> None:
    messages = prompted(messages=[*HELLO, CALLING, RESULT, *HELLO, CALLING, RESULT]).request.fields["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant", "user", "user", "assistant", "user"]


def test_without_the_emulation_tools_are_refused_by_the_table_and_messages_stay() -> None:
    off = {"disabled_emulations": frozenset({"tools"})}
    assert refused(tools=[TOOL], settings=off).param == "tools"
