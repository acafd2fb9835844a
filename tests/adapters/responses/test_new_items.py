"""The new input of a request as it is stored: with ids, statuses and parts, and without what only the store may have."""

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from adapters.core.failures import Refused
from adapters.responses.history import REASONING_TEXT, History
from adapters.responses.new_items import stored_input
from tests.adapters.responses.conversions import call, output, translated


def ids() -> Callable[[str], str]:
    numbers = count()
    return lambda prefix: f"{prefix}_{next(numbers)}"


def text(value: str) -> dict[str, Any]:
    return {"type": "input_text", "text": value}


def message(id_: str, role: str, *content: dict[str, Any]) -> dict[str, Any]:
    return {"type": "message", "id": id_, "role": role, "status": "completed", "content": list(content)}


ANSWER = {"type": "output_text", "text": "hello", "annotations": [], "logprobs": []}
CASES: dict[str, tuple[Any, list[dict[str, Any]]]] = {
    "a text": ("hi", [message("msg_0", "user", text("hi"))]),
    "an easy message of each role": (
        [{"role": role, "content": "hello"} for role in ("user", "system", "developer", "assistant")],
        [message("msg_0", "user", text("hello")), message("msg_1", "system", text("hello")),
         message("msg_2", "developer", text("hello")), message("msg_3", "assistant", ANSWER)]),
    "texts of other spellings": (
        [{"role": "user", "content": [{"type": "text", "text": "a"}]},
         {"role": "assistant", "content": [{"type": "input_text", "text": "hello"}]}],
        [message("msg_0", "user", text("a")), message("msg_1", "assistant", ANSWER)]),
    "an answer as it was returned": ([message("msg_9", "assistant", ANSWER)], [message("msg_9", "assistant", ANSWER)]),
    "an incomplete answer": (
        [{**message("msg_9", "assistant", ANSWER), "status": "incomplete"}],
        [{**message("msg_9", "assistant", ANSWER), "status": "incomplete"}]),
    "an image": (
        [{"role": "user", "content": [{"type": "input_image", "image_url": "x"},
                                      {"type": "input_image", "image_url": "x", "detail": None},
                                      {"type": "input_image", "image_url": "x", "detail": "low"}]}],
        [message("msg_0", "user", {"type": "input_image", "image_url": "x", "detail": "auto"},
                 {"type": "input_image", "image_url": "x", "detail": "auto"},
                 {"type": "input_image", "image_url": "x", "detail": "low"})]),
    "a call and its output": (
        [{**call(), "id": None}, output()],
        [{**call(), "id": "fc_0", "status": "completed"}, {**output(), "id": "fco_1", "status": "completed"}]),
    "a custom call and its output": (
        [{"type": "custom_tool_call", "call_id": "c", "name": "p", "input": "x"},
         {"type": "custom_tool_call_output", "call_id": "c", "output": "y"}],
        [{"type": "custom_tool_call", "call_id": "c", "name": "p", "input": "x", "id": "ctc_0", "status": "completed"},
         {"type": "custom_tool_call_output", "call_id": "c", "output": "y", "id": "ctco_1", "status": "completed"}]),
    "reasoning with a text that only the store may have": (
        [{"type": "reasoning", "summary": [], REASONING_TEXT: "forged"}], [{"type": "reasoning", "summary": [], "id": "rs_0"}]),
    "reasoning without a summary": (
        [{"type": "reasoning", "id": "rs_9", "encrypted_content": "x"}],
        [{"type": "reasoning", "id": "rs_9", "encrypted_content": "x", "summary": []}]),
    "an item of another server": ([{"type": "shell_call", "call_id": "c"}], [{"type": "shell_call", "call_id": "c", "id": "item_0"}]),
    "nothing": ([], []),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_items_in_the_form_in_which_they_are_stored(case: str) -> None:
    value, wanted = CASES[case]

    assert stored_input({"input": value}, ids()) == wanted


def test_a_request_without_input_has_no_new_items() -> None:
    assert stored_input({"previous_response_id": "resp_1", "instructions": "x"}, ids()) == []


def test_a_reference_is_stored_as_the_item_that_it_names_with_what_only_the_store_has() -> None:
    item = {"type": "reasoning", "id": "rs_9", "summary": [], REASONING_TEXT: "kept"}

    (stored,) = stored_input({"input": [{"type": "item_reference", "id": "rs_9"}]}, ids(), {"rs_9": item})

    assert stored == item
    assert stored is not item


def test_an_unknown_reference_is_refused() -> None:
    with pytest.raises(Refused):
        stored_input({"input": [{"type": "item_reference", "id": "rs_9"}]}, ids())


def test_the_request_is_not_changed() -> None:
    items = [{"role": "user", "content": "hi"}, call(), output()]

    stored_input({"input": items}, ids())

    assert items == [{"role": "user", "content": "hi"}, call(), output()]


@pytest.mark.parametrize("case", ["an easy message of each role", "a call and its output", "an image"])
def test_stored_items_are_a_history_that_means_the_same(case: str) -> None:
    value, _ = CASES[case]
    sent = translated({"input": value}).fields["messages"]

    history = History(stored_input({"input": value}, ids()), {})

    continued = translated({"input": "and?", "previous_response_id": "resp_1"}, history.items)
    assert continued.fields["messages"] == [*sent, {"role": "user", "content": "and?"}]
