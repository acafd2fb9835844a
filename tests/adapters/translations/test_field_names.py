"""The operator writes a field under its name in the Responses API or in chat."""

import pytest

from adapters.openai_params.operations import OPERATIONS
from adapters.translations.field_names import CHAT_FIELDS, with_chat_names
from adapters.translations.responses_as_chat import NAMES, OVER_CHAT


@pytest.mark.parametrize("name", CHAT_FIELDS)
def test_each_name_is_a_field_of_responses_and_stands_for_fields_of_chat(name: str) -> None:
    assert name.partition(".")[0] in OVER_CHAT
    assert set(CHAT_FIELDS[name]) <= OPERATIONS["chat"].params.keys()


def test_every_field_of_chat_with_another_name_in_responses_is_covered() -> None:
    covered = {field for fields in CHAT_FIELDS.values() for field in fields}
    renamed = {chat for chat, name in NAMES.items() if "." not in chat and name.partition(".")[0] != chat}
    assert renamed - covered == {"messages"}, "which no request can do without"
    for chat in renamed - {"messages"}:
        assert chat in CHAT_FIELDS[NAMES[chat]]


def test_names_of_chat_stay_alone_and_those_of_responses_bring_theirs() -> None:
    assert with_chat_names(["logprobs", "seed"]) == {"logprobs", "seed"}
    assert with_chat_names(["text.format"]) == {"text.format", "response_format"}
    assert with_chat_names([]) == frozenset()
