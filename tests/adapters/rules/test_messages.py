"""Messages without content: all spellings are equivalent, and each vendor gets the one that it accepts."""

from typing import Any

import pytest

from adapters.core.builder import RequestBuilder
from adapters.core.failures import Refused
from adapters.core.message import Message
from adapters.core.model import Model
from adapters.core.request import ApiRequest, ImageFailure
from adapters.planning import plan
from adapters.registry import BY_CATALOG
from adapters.rules.messages import MessageRules, has_content, is_plain
from tests.adapters.play import USUAL, chat_plan, target

ABSENT = object()
"""No content at all."""
GONE = object()
"""The message is left out."""
SPELLINGS: dict[str, Any] = {
    "null": None,
    "absent": ABSENT,
    "text": "",
    "blanks": " \n\t",
    "no parts": [],
    "empty part": [{"type": "text", "text": ""}],
    "blank parts": [{"type": "text", "text": " "}, {"type": "text", "text": ""}],
}
CALL = {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
USER: dict[str, Any] = {"role": "user", "content": "hi"}
CALLED: list[dict[str, Any]] = [USER, {"role": "assistant", "content": "", "tool_calls": [CALL]}]
SAID: dict[str, Any] = {"role": "assistant", "content": "hello"}

PLACES: dict[str, tuple[list[dict[str, Any]], dict[str, Any], list[dict[str, Any]]]] = {
    "beside calls": ([USER], {"role": "assistant", "tool_calls": [CALL]}, [{"role": "tool", "tool_call_id": "c1", "content": "4C"}]),
    "assistant": ([USER], {"role": "assistant"}, [{"role": "user", "content": "again"}]),
    "user, last": ([USER, SAID], {"role": "user"}, []),
    "user": ([USER, SAID], {"role": "user"}, [SAID, USER]),
    "tool": (CALLED, {"role": "tool", "tool_call_id": "c1"}, []),
    "system": ([], {"role": "system"}, [USER]),
}  # fmt: skip
"""What stands before the message without content, the message, and what follows it."""

TAKEN: dict[str, dict[str, Any]] = {
    "qwen": {"beside calls": "", "assistant": "", "user, last": "", "user": "", "tool": "", "system": ""},
    "kimi": {
        "beside calls": ABSENT, "assistant": GONE, "user, last": "(empty)", "user": "(empty)", "tool": "", "system": GONE
    },
    "ernie": {
        "beside calls": "", "assistant": GONE, "user, last": "(empty)", "user": "(empty)", "tool": "(empty)", "system": GONE
    },
    "hunyuan": {"beside calls": "", "assistant": "", "user, last": "", "user": "", "tool": "", "system": ""},
    "hunyuan_classic": {
        "beside calls": "", "assistant": GONE, "user, last": "refused", "user": GONE, "tool": '""', "system": GONE
    },
}  # fmt: skip
"""What each vendor gets, by the place."""


def spelled(message: dict[str, Any], content: Any) -> dict[str, Any]:
    return message if content is ABSENT else {**message, "content": content}


def draft_of(vendor: str, messages: list[Any], inputs: set[str]) -> RequestBuilder:
    """Only the verdict of the messages: OpenAI's checks run before it, and refuse some of these spellings."""
    model = Model(USUAL[vendor], "k" if vendor == "kimi" else "", input=frozenset(inputs))
    builder = RequestBuilder(ApiRequest("chat", "gpt-4o", {"messages": messages}), model)
    BY_CATALOG[vendor].operations["chat"].params["messages"].apply("messages", messages, builder)
    return builder


@pytest.mark.parametrize("inputs", [{"text"}, {"text", "image"}], ids=["text model", "image model"])
@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("vendor", TAKEN)
def test_every_spelling_of_an_empty_content_is_sent_as_the_vendor_takes_it(
    vendor: str, place: str, spelling: str, inputs: set[str]
) -> None:
    before, message, after = PLACES[place]
    came = [*before, spelled(message, SPELLINGS[spelling]), *after]
    wanted = TAKEN[vendor][place]
    if wanted == "refused":
        with pytest.raises(Refused, match="end with a user message"):
            draft_of(vendor, came, inputs)
        return
    builder = draft_of(vendor, came, inputs)
    sent = builder.body["messages"]
    if wanted is GONE:
        assert all(one.get("content") or one.get("tool_calls") for one in sent)
        assert builder.adaptations["messages"].word == "mapped"
        assert not builder.adaptations["messages"].quiet
        return
    assert len(sent) == len(came)
    got = sent[len(before)]
    assert got.get("content", ABSENT) == wanted
    assert {key: member for key, member in got.items() if key not in ("content", "tool_calls", "tool_call_id")} == {
        "role": message["role"]
    }
    told = {name: one.word for name, one in builder.adaptations.items() if not one.quiet}
    if wanted not in (ABSENT, ""):
        assert "mapped" in told.values()


def test_a_conversation_of_empty_answers_alone_is_refused() -> None:
    with pytest.raises(Refused, match="no message has content"):
        chat_plan("kimi", messages=[{"role": "assistant", "content": None}])


def test_kimis_prefix_of_an_answer_may_be_empty_and_stays() -> None:
    """The vendor's page on partial mode has an empty prefix whose name sets the persona."""
    prefix = {"role": "assistant", "content": "", "name": "Iris", "partial": True}
    assert chat_plan("kimi", messages=[USER, prefix]).request.fields["messages"] == [USER, prefix]


def test_a_system_message_that_brings_tools_to_kimi_stays_without_content() -> None:
    brings = {"role": "system", "content": "", "tools": [{"type": "function", "function": {"name": "f"}}]}
    (sent, _) = draft_of("kimi", [brings, USER], {"text"}).body["messages"]
    assert sent == {"role": "system", "tools": brings["tools"]}


@pytest.mark.parametrize("vendor", TAKEN)
@pytest.mark.parametrize(
    "refused",
    [
        {"role": "assistant", "content": None, "refusal": "I can't."},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "I can't."}]},
    ],
    ids=["member", "part"],
)
def test_a_refusal_of_an_earlier_answer_is_its_content(vendor: str, refused: dict[str, Any]) -> None:
    builder = draft_of(vendor, [USER, refused, USER], {"text", "image"})
    sent = builder.body["messages"][1]
    assert sent in (
        {"role": "assistant", "content": "I can't."},
        {"role": "assistant", "content": [{"type": "text", "text": "I can't."}]},
    )
    assert builder.adaptations["messages.refusal"].word == "mapped"


@pytest.mark.parametrize("vendor", ["kimi", "qwen", "ernie", "hunyuan"])
def test_an_empty_text_beside_a_picture_is_left_out(vendor: str) -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    message = {"role": "user", "content": [{"type": "text", "text": ""}, picture]}
    builder = draft_of(vendor, [message], {"text", "image"})
    assert builder.body["messages"] == [{"role": "user", "content": [picture]}]


def test_messages_of_the_caller_stay_as_they_are() -> None:
    for vendor in TAKEN:
        for before, message, after in PLACES.values():
            for content in SPELLINGS.values():
                came = [*before, spelled(message, content), *after]
                copies = [dict(one) for one in came]
                try:
                    draft_of(vendor, came, {"text"})
                except Refused:
                    pass
                assert came == copies


@pytest.mark.parametrize("content", ["x", " x", [{"type": "text", "text": "x"}], [{"type": "image_url"}]])
def test_what_is_written_or_shown_is_content(content: Any) -> None:
    assert has_content(content)


def test_a_plain_message_has_a_known_role_and_a_text_alone() -> None:
    assert is_plain(USER)
    for other in (
        {**USER, "name": "a"}, {"role": "developer", "content": "a"}, {"role": "user", "content": " "},
        {"role": "user", "content": None}, {"role": "user", "content": [{"type": "text", "text": "a"}]},
    ):  # fmt: skip
        assert not is_plain(other)


@pytest.mark.parametrize(
    ("url", "taken"), [("https://example.com/a.png", False), ("data:image/png;base64,AA==", True), ("ms://file1", True)]
)
def test_kimi_takes_images_in_the_request_or_of_its_own_files_and_no_public_urls(url: str, taken: bool) -> None:
    message = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}
    builder = RequestBuilder(
        ApiRequest("chat", "gpt-4o", {"messages": [message]}), Model("kimi-k2.6", input=frozenset({"text", "image"}))
    )
    rules = BY_CATALOG["kimi"].operations["chat"].params["messages"]
    if taken:
        rules.apply("messages", [message], builder)
        assert builder.body["messages"][0]["content"][0]["image_url"] == {"url": url}
    else:
        with pytest.raises(Refused) as caught:
            rules.apply("messages", [message], builder)
        assert caught.value.param == "messages[0].content[0].image_url.url"


def test_an_image_that_banjia_fetched_is_sent_as_its_data() -> None:
    url, data = "https://images.example/cat.png", "data:image/png;base64,iVBORw0KGgo="
    content = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": url}}]
    request = ApiRequest("chat", "gpt-4o", {"messages": [{"role": "user", "content": content}]}, images={url: data})
    made = plan(request, target("kimi", "kimi-k2.6", shipped=True))
    assert made.request.fields["messages"][0]["content"][1]["image_url"]["url"] == data
    assert made.adaptations["messages.image_url"].word == "emulated"


def test_an_image_that_could_not_be_fetched_is_refused_with_the_reason() -> None:
    url = "https://images.example/cat.png"
    content = [{"type": "image_url", "image_url": {"url": url}}]
    failure = ImageFailure("messages[0].content[0].image_url.url", Message("it is too large"))
    request = ApiRequest("chat", "gpt-4o", {"messages": [{"role": "user", "content": content}]}, images={url: failure})
    with pytest.raises(Refused, match="it is too large"):
        plan(request, target("kimi", "kimi-k2.6", shipped=True))


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("data:image/png;base64,iVBORw0KGgo=", "iVBORw0KGgo="),
        ("DATA:image/svg+xml;charset=utf-8;BASE64,AA==", "AA=="),
        ("data:text/plain,a", "data:text/plain,a"),
        ("https://images.example/data:image/png;base64,a", "https://images.example/data:image/png;base64,a"),
    ],
)
def test_image_data_is_sent_without_its_prefix_to_a_vendor_that_accepts_bare_data(url: str, sent: str) -> None:
    message = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}
    for bare, wanted in ((True, sent), (False, url)):
        builder = RequestBuilder(
            ApiRequest("chat", "gpt-4o", {"messages": [message]}), Model("m", input=frozenset({"text", "image"}))
        )
        MessageRules(bare_images=bare).apply("messages", [message], builder)
        assert builder.body["messages"][0]["content"][0]["image_url"]["url"] == wanted
        assert ("messages.image_url" in builder.adaptations) == (wanted != url)
    assert message["content"][0]["image_url"]["url"] == url  # type: ignore[index]


def test_an_image_that_banjia_fetched_is_sent_without_the_prefix_too() -> None:
    url = "https://images.example/cat.png"
    message = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}
    request = ApiRequest("chat", "gpt-4o", {"messages": [message]}, images={url: "data:image/png;base64,iVBORw0KGgo="})
    builder = RequestBuilder(request, Model("m", input=frozenset({"text", "image"})))
    MessageRules(image_urls=False, bare_images=True).apply("messages", [message], builder)
    assert builder.body["messages"][0]["content"][0]["image_url"]["url"] == "iVBORw0KGgo="
    assert builder.adaptations["messages.image_url"].word == "emulated"


def test_a_text_in_place_of_an_empty_one_is_reported_as_changed_content() -> None:
    adaptation = chat_plan("kimi", messages=[USER, SAID, {"role": "user", "content": ""}]).adaptations[
        "messages.content"
    ]
    assert adaptation.word == "mapped"
    assert "empty content is sent as" in str(adaptation.why)
