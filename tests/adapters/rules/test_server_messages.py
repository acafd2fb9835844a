"""Messages sent to an OpenAI-compatible server, by the options of its entry."""

from typing import Any

import pytest

from adapters.core.failures import Refused
from adapters.core.request import ApiRequest
from adapters.core.vendor import Plan, Target
from adapters.planning import plan
from adapters.rules.server_messages import ServerMessages
from tests.adapters.play import completions_plan, target

SYSTEM, OTHER = {"role": "system", "content": "s"}, {"role": "system", "content": "t"}
DEVELOPER, USER = {"role": "developer", "content": "d"}, {"role": "user", "content": "u"}


def made(rules: ServerMessages | None, *messages: Any, images: dict[str, Any] | None = None) -> Plan:
    server = target("openai_compatible", "qwen2:7b")
    placed = Target(server.entry, server.vendor, server.model, server.base_url, messages=rules)
    request = ApiRequest("chat", "gpt-4o", {"messages": list(messages), "x": 1})
    return plan(request._replace(images=images or {}), placed)


@pytest.mark.parametrize(
    ("rules", "came", "goes", "told"),
    [
        (None, [SYSTEM, USER, OTHER, DEVELOPER], [SYSTEM, USER, OTHER, DEVELOPER], {"messages": "honoured"}),
        (ServerMessages(merge_system=True), [SYSTEM, USER], [SYSTEM, USER], {"messages": "honoured"}),
        (ServerMessages(merge_system=True), [USER], [USER], {"messages": "honoured"}),
        (
            ServerMessages(merge_system=True), [SYSTEM, USER, OTHER],
            [{"role": "system", "content": "s\n\nt"}, USER], {"messages": "mapped"},
        ),
        (ServerMessages(merge_system=True), [USER, SYSTEM], [SYSTEM, USER], {"messages": "mapped"}),
        (
            ServerMessages(merge_system=True), [SYSTEM, {"role": "system", "content": [{"type": "text", "text": "p"}]}],
            [{"role": "system", "content": "s\n\np"}], {"messages": "mapped"},
        ),
        (ServerMessages(merge_system=True), [SYSTEM, DEVELOPER, USER], [SYSTEM, DEVELOPER, USER], {"messages": "honoured"}),
        (
            ServerMessages(developer_as="system"), [SYSTEM, DEVELOPER, USER],
            [SYSTEM, {"role": "system", "content": "d"}, USER], {"messages.role": "mapped", "messages": "honoured"},
        ),
        (
            ServerMessages(developer_as="user"), [DEVELOPER, USER],
            [{"role": "user", "content": "d"}, USER], {"messages.role": "mapped", "messages": "honoured"},
        ),
        (ServerMessages(developer_as="developer"), [DEVELOPER, USER], [DEVELOPER, USER], {"messages": "honoured"}),
        (
            ServerMessages(merge_system=True, developer_as="system"), [SYSTEM, USER, DEVELOPER],
            [{"role": "system", "content": "s\n\nd"}, USER], {"messages.role": "mapped", "messages": "mapped"},
        ),
    ],
)  # fmt: skip
def test_messages_are_sent_as_the_entry_configures(
    rules: ServerMessages | None, came: list[Any], goes: list[Any], told: dict[str, str]
) -> None:
    before = [dict(message) for message in came]
    planned = made(rules, *came)
    assert planned.request.fields["messages"] == goes
    assert {name: one.word for name, one in planned.adaptations.items() if name.startswith("messages")} == told
    assert planned.request.fields["x"] == 1
    assert came == before


def test_a_system_message_with_a_picture_can_not_be_joined() -> None:
    picture = {"role": "system", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]}
    with pytest.raises(Refused, match="only contain text"):
        made(ServerMessages(merge_system=True), SYSTEM, picture)


def test_other_operations_have_no_messages() -> None:
    assert "messages" not in completions_plan("openai_compatible", "qwen2:7b", prompt="a").request.fields


def test_an_image_at_a_url_is_refused_if_the_server_accepts_data_only() -> None:
    with pytest.raises(Refused, match="fetch_images") as caught:
        made(ServerMessages(image_urls=False), picture("https://example.com/a.png"))
    assert caught.value.param == "messages[0].content[1].image_url.url"


def test_the_data_of_an_image_that_banjia_fetched_is_sent_in_its_place() -> None:
    data = "data:image/png;base64,AA=="
    fetched = {"https://example.com/a.png": data}
    planned = made(ServerMessages(image_urls=False), picture("https://example.com/a.png"), images=fetched)
    assert planned.request.fields["messages"] == [picture(data)]
    assert planned.adaptations["messages.image_url"].word == "emulated"


def test_an_image_as_data_is_sent_unchanged() -> None:
    planned = made(ServerMessages(image_urls=False), picture("data:image/png;base64,AA=="))
    assert planned.request.fields["messages"] == [picture("data:image/png;base64,AA==")]
    assert "messages.image_url" not in planned.adaptations


def test_content_null_is_an_empty_text_where_the_server_accepts_no_null() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    asked = {"role": "assistant", "content": None, "tool_calls": [call]}
    absent = {"role": "assistant", "tool_calls": [call]}
    planned = made(ServerMessages(null_content=False), USER, asked, absent)
    assert planned.request.fields["messages"] == [USER, {**asked, "content": ""}, absent]
    assert made(ServerMessages(), USER, asked).request.fields["messages"] == [USER, asked]


def picture(url: str) -> dict[str, Any]:
    parts = [{"type": "text", "text": "What?"}, {"type": "image_url", "image_url": {"url": url}}]
    return {"role": "user", "content": parts}
