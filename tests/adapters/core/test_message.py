"""A message is its English text, and keeps its template and fields."""

import ast
import copy
import json
import pickle
from pathlib import Path
from string import Formatter

import orjson
import pytest

import adapters
from adapters.core.message import COMMA, EMPTY, Joined, Message, all_of, as_message, joined, one_of, sentences

CHINESE = {
    "got {value}": "实际为{value}",
    "nothing": "空",
    ", ": "、",
    "{items} or {last}": "{items} 或 {last}",
    "a": "甲",
}


def chinese(message: Message) -> str:
    return message.translated(lambda template: CHINESE.get(template, ""))


def test_a_message_is_its_text() -> None:
    message = Message("got {value}", value=Message("nothing"))
    assert message == "got nothing"
    assert {str(message): 1}[message] == 1
    assert json.loads(json.dumps([message])) == orjson.loads(orjson.dumps([message])) == ["got nothing"]
    assert (message.template, dict(message.fields)) == ("got {value}", {"value": "nothing"})


@pytest.mark.parametrize(
    "message", [Message("got {value}", value=Message("nothing")), joined(COMMA, ["a", Message("a")])]
)
def test_a_copy_keeps_template_and_fields(message: Message) -> None:
    for other in (copy.copy(message), copy.deepcopy(message), pickle.loads(pickle.dumps(message))):
        assert other == message
        assert chinese(other) == chinese(message)


def test_fields_that_are_messages_are_translated_and_others_are_not() -> None:
    assert chinese(Message("got {value}", value=Message("nothing"))) == "实际为空"
    assert chinese(Message("got {value}", value="nothing")) == "实际为nothing"
    assert chinese(as_message("nothing")) == "nothing"
    assert as_message(COMMA) is COMMA


def test_a_template_without_fields_is_not_formatted() -> None:
    assert Message("a {b} }{") == "a {b} }{"
    assert Message("a {{b}} {c}", c="{d}") == "a {b} {d}"
    assert chinese(EMPTY) == ""


def test_lists() -> None:
    assert (one_of(["a"]), one_of("ab"), one_of("abc"), all_of("abc")) == ("a", "a or b", "a, b or c", "a, b and c")
    assert chinese(one_of(["x", Message("a"), "c"])) == "x、甲 或 c"
    assert joined(COMMA, []) == ""
    assert sentences([Message("One."), Message("Two.")]) == "One. Two."


def test_fields_and_texts_can_be_changed() -> None:
    message = Message("{vendor} got {value}", vendor="x", value=Message("got {value}", value="sk-1"))
    assert message.with_fields(vendor="Kimi") == "Kimi got got sk-1"
    changed = message.with_texts(lambda text: text.replace("sk-1", "***"))
    assert changed == "x got got ***"
    assert isinstance(changed.fields["value"], Message)
    listed = joined(COMMA, ["sk-1", message]).with_texts(lambda text: text.replace("sk-1", "***"))
    assert listed == "***, x got got ***"
    assert isinstance(listed, Joined)


def test_every_message_of_the_adapters_has_the_fields_that_its_template_names() -> None:
    differing = []
    for path in Path(adapters.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Name("Message"), args=[ast.Constant(str(template))], keywords=given):
                    named = {name for _, name, _, _ in Formatter().parse(template) if name is not None}
                    if named != {field.arg for field in given}:
                        differing.append(f"{path.name}:{node.lineno}: {template}")
    assert differing == []
