"""Adaptations and refusals of a translated request have the client's names."""

import pytest

from adapters.core.adaptations import Adaptation
from adapters.core.failures import Refused
from adapters.core.message import Message
from adapters.core.model import Model
from adapters.core.request import ApiRequest, Translation
from adapters.core.vendor import Target
from adapters.planning import plan, plan_without
from adapters.registry import BY_CATALOG
from adapters.translations.client_names import (
    adaptations_in_client_terms,
    adaptations_to_plan,
    client_name,
    refused_in_client_terms,
)

NAMES = {
    "messages": "input",
    "messages[1]": "input[4]",
    "messages[1].content[0].image_url.url": "input[4].output[2].image_url",
    "messages.reasoning_content": "input.reasoning",
    "tools[0].function": "tools[3]",
    "max_tokens": "max_output_tokens",
}


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("messages", "input"),
        ("messages.role", "input.role"),
        ("messages.reasoning_content", "input.reasoning"),
        ("messages[1].content[0].type", "input[4].content[0].type"),
        ("messages[1].content[0].image_url.url", "input[4].output[2].image_url"),
        ("messages[12].content", "input[12].content"),
        ("tools[0].function.parameters.properties.a", "tools[3].parameters.properties.a"),
        ("tools[1].type", "tools[1].type"),
        ("max_tokens", "max_output_tokens"),
        ("max_tokens_to_sample", "max_tokens_to_sample"),
        ("temperature", "temperature"),
        ("", ""),
    ],
)
def test_the_longest_part_of_a_path_that_has_a_name_decides(path: str, name: str) -> None:
    assert client_name(path, NAMES) == name


def test_a_refusal_names_the_clients_parameter_in_its_message_too() -> None:
    refused = Refused(
        "messages[1].content", Message("'{name}' is no good: {why}.", name="messages[1].content", why="x")
    )

    renamed = refused_in_client_terms(refused, NAMES)

    assert (renamed.param, renamed.code) == ("input[4].content", refused.code)
    assert renamed.message == "'input[4].content' is no good: x."
    assert renamed.message.template == refused.message.template
    assert refused_in_client_terms(Refused("temperature", Message("no")), NAMES).param == "temperature"


HONOURED, QUIET = Adaptation("honoured", Message("h")), Adaptation("mapped", Message("q"), quiet=True)
LOUD, OTHER = Adaptation("dropped", Message("l")), Adaptation("mapped", Message("o"))


@pytest.mark.parametrize(
    ("of_client", "of_vendor", "wanted"),
    [
        (HONOURED, LOUD, LOUD),
        (LOUD, HONOURED, LOUD),
        (QUIET, HONOURED, QUIET),
        (LOUD, OTHER, OTHER),
        (QUIET, LOUD, LOUD),
    ],
)
def test_of_two_adaptations_the_one_that_changed_more_stays_else_the_vendors(
    of_client: Adaptation, of_vendor: Adaptation, wanted: Adaptation
) -> None:
    translation = Translation({}, {"input": of_client}, names=NAMES)
    assert adaptations_in_client_terms({"input": of_client, "messages": of_vendor}, translation) == {"input": wanted}


def test_an_adaptation_of_the_translation_has_the_clients_name_already() -> None:
    translation = Translation({}, {"max_tokens": LOUD}, names=NAMES)

    assert adaptations_in_client_terms({"max_tokens": LOUD}, translation) == {"max_tokens": LOUD}
    both = {"max_tokens": LOUD, "max_output_tokens": OTHER}
    assert adaptations_in_client_terms({"max_tokens": OTHER}, translation) == both
    assert adaptations_to_plan(translation) == {}, "the plan has a verdict on the field of that name in chat"


KIMI = Target("kimi", BY_CATALOG["kimi"], Model("kimi-k2.6", thinking="default_on"), "https://x.example/v1")
FIELDS = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 50, "logit_bias": {"1": 2}}


def request(**fields: object) -> ApiRequest:
    return ApiRequest("chat", "gpt-4o", {**FIELDS, **fields}, translation=Translation(fields, {}, names=NAMES))


def test_a_plan_has_the_adaptations_under_the_clients_names() -> None:
    adaptations = plan(request(), KIMI).adaptations

    assert {"input", "max_output_tokens", "logit_bias"} <= set(adaptations)
    assert not {"messages", "max_tokens"} & set(adaptations)


def test_a_plan_refuses_under_the_clients_names() -> None:
    content = [{"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}]
    messages = [*FIELDS["messages"], {"role": "user", "content": content}]  # type: ignore[misc]

    with pytest.raises(Refused) as raised:
        plan(request(messages=messages), KIMI)

    assert raised.value.param == "input[4].content[0].type"
    assert "'input[4].content[0].type'" in raised.value.message


def test_a_request_without_names_keeps_those_of_chat() -> None:
    chat = ApiRequest("chat", "gpt-4o", FIELDS)
    completion = chat._replace(translation=Translation(FIELDS, {}))

    assert plan(chat, KIMI).adaptations == plan(completion, KIMI).adaptations
    assert {"messages", "max_tokens"} <= set(plan(chat, KIMI).adaptations)


def test_a_plan_without_refused_fields_has_the_clients_names() -> None:
    names = {**NAMES, "thinking": "reasoning"}
    asked = request()._replace(translation=Translation({}, {}, names=names))
    before = plan(asked, KIMI)
    assert "thinking" in before.added

    after = plan_without(asked, KIMI, ["thinking"])

    assert "thinking" not in after.request.fields
    assert "input" in after.adaptations
