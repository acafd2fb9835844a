"""Hunyuan's classic edition, on the port of TokenHub: its own key, models, rules, wire format and errors."""

from typing import Any

import pytest

from emulators import Emulator
from tests.emulators.helpers import WEATHER, Json, Raw, chat, send, with_emulator

USER = {"role": "user", "content": "Hi"}
SYSTEM = {"role": "system", "content": "Be brief"}
SAID = {"role": "assistant", "content": "Yes"}
CALLED = {
    "role": "assistant",
    "content": "",
    "tool_calls": [
        {"id": f"c{place}", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
        for place in (1, 2)
    ],
}
TOLD = [{"role": "tool", "tool_call_id": f"c{place}", "content": "4 degrees"} for place in (1, 2)]
VISION = {"model": "hunyuan-vision"}
A13B = {"model": "hunyuan-a13b"}
CHOSEN = {"tools": [WEATHER], "tool_choice": "custom", "custom_tool": WEATHER}


def got(body: Any, path: str = "/chat/completions", *, key: str = "", method: str = "POST", **more: Any) -> Raw:
    async def main(emulator: Emulator) -> Raw:
        mine = {"authorization": f"Bearer {key or emulator.environment['HUNYUAN_API_KEY']}"}
        return await send(emulator, body, f"//classic/v1{path}", method=method, headers=mine)

    return with_emulator("hunyuan", main, **more)


def chat_body(text: str = "Hello", **more: Any) -> Json:
    return chat("hunyuan_classic", text, **more)


def messages(*given: Json) -> Json:
    return {"messages": list(given)}


def picture(url: Any) -> Json:
    return messages({"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]})


def test_a_plain_answer_has_openais_members_and_a_note() -> None:
    answer = got(chat_body())
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json) == {"id", "object", "created", "model", "choices", "usage", "note"}
    choice = answer.json["choices"][0]
    assert choice["message"] == {"role": "assistant", "content": "You said: Hello"}
    assert choice["finish_reason"] == "stop"
    assert answer.json["usage"] == {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}


@pytest.mark.parametrize("more", [{}, {"stream_options": {"include_usage": True}}])
def test_usage_is_on_every_chunk_and_grows_to_its_end(more: Json) -> None:
    answer = got(chat_body("emulator:words=6", stream=True, **more))
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.events[-1] == b"[DONE]"
    counted = [chunk["usage"]["completion_tokens"] for chunk in answer.chunks]
    assert counted == [0, 1, 2, 3, 4, 5, 6, 6]
    assert {chunk["usage"]["prompt_tokens"] for chunk in answer.chunks} == {5}
    assert all(chunk["choices"] and chunk["note"] for chunk in answer.chunks)
    assert [chunk["choices"][0]["finish_reason"] for chunk in answer.chunks][-2:] == [None, "stop"]


@pytest.mark.parametrize("stream", [False, True])
def test_moderated_text_ends_as_sensitive(stream: bool) -> None:
    answer = got(chat_body("emulator:words=9,moderated=2", stream=stream))
    end = answer.chunks[-1] if stream else answer.json
    assert (end["choices"][0]["finish_reason"], end["moderation_level"]) == ("sensitive", "1")
    assert end["usage"]["completion_tokens"] == 2
    assert [chunk for chunk in answer.chunks if "moderation_level" in chunk] == ([end] if stream else [])


@pytest.mark.parametrize(
    ("stop", "text"),
    [(["w3"], "w1 w2 w3"), (["w8", "w3"], "w1 w2 w3"), (["w2 w3", "w2"], "w1 w2"), (list("abcdef"), "w1 w2 w3 w4")],
)
def test_the_stop_text_is_part_of_the_answer_and_the_first_that_is_whole_ends_it(stop: Any, text: str) -> None:
    answer = got(chat_body("emulator:words=4", stop=stop)).json["choices"][0]
    assert (answer["message"]["content"], answer["finish_reason"]) == (text, "stop")


@pytest.mark.parametrize(
    ("model", "more", "thinks"),
    [
        ("hunyuan-turbos-latest", {"enable_thinking": True}, False),
        ("hunyuan-t1-latest", {"enable_thinking": False}, True),
        ("hunyuan-a13b", {}, True),
        ("hunyuan-a13b", {"enable_thinking": False}, False),
    ],
)
def test_a_model_thinks_according_to_its_row(model: str, more: Json, thinks: bool) -> None:
    answer = got(chat_body(model=model, **more)).json
    assert ("reasoning_content" in answer["choices"][0]["message"]) is thinks


def test_a_custom_tool_is_called_whatever_the_text() -> None:
    choice = got(chat_body("Hello", **CHOSEN)).json["choices"][0]
    assert [call["function"]["name"] for call in choice["message"]["tool_calls"]] == ["get_weather"]
    assert choice["finish_reason"] == "tool_calls"


def test_too_long_input_is_silently_cut_at_the_front() -> None:
    answer = got(chat_body("w " * 9_000 + "end", model="hunyuan-code"))
    assert (answer.status, answer.json["usage"]["prompt_tokens"]) == (200, 8_192)


def test_texts_are_embedded_up_to_1024_tokens_each() -> None:
    body = {"model": "hunyuan-embedding", "input": ["w " * 1_024 + "tail", "w " * 1_024 + "other"], "dimensions": 1024}
    answer = got(body, "/embeddings").json
    one, two = (item["embedding"] for item in answer["data"])
    assert len(one) == 1024
    assert one == two, "the tail is cut off"
    assert answer["usage"] == {"prompt_tokens": 2_048, "total_tokens": 2_048}


ORDERED: list[tuple[str, Json]] = [
    ("a system message in front", messages(SYSTEM, USER)),
    ("asked and told in turn", messages(SYSTEM, USER, SAID, USER)),
    ("tools in a row", messages(USER, CALLED, *TOLD)),
    ("null content beside tool_calls", messages(USER, {**CALLED, "content": None}, *TOLD)),
    ("on after a tool", messages(USER, CALLED, *TOLD, SAID, USER)),
    ("forty", messages(*[USER, SAID] * 19, SYSTEM | USER)),
]
DISORDERED: list[tuple[str, Json]] = [
    ("none", messages()),
    ("system alone", messages(SYSTEM)),
    ("system later", messages(USER, SAID, SYSTEM, USER)),
    ("system twice", messages(SYSTEM, SYSTEM, USER)),
    ("users in a row", messages(USER, USER)),
    ("assistants in a row", messages(USER, SAID, SAID, USER)),
    ("an assistant first", messages(SAID, USER)),
    ("an assistant last", messages(USER, SAID)),
    ("a user after a tool", messages(USER, CALLED, *TOLD, USER)),
    ("a tool after a user", messages(USER, CALLED, TOLD[0], SAID, USER, TOLD[1])),
    ("forty-one", messages(*[USER, SAID] * 20, USER)),
    ("empty content", messages({"role": "user", "content": ""})),
    ("empty parts", messages({"role": "user", "content": []})),
    ("empty text", messages({"role": "user", "content": [{"type": "text", "text": ""}]})),
    ("an empty assistant", messages(USER, {**SAID, "content": ""}, USER)),
    ("reasoning_content in history", messages(USER, {**SAID, "reasoning_content": "hm"}, USER)),
    ("role developer", messages({**SYSTEM, "role": "developer"}, USER)),
    ("a tool that answers no call", messages(USER, CALLED, {**TOLD[0], "tool_call_id": "c9"})),
    ("an image, a model that does not see", picture("https://example.invalid/x.png")),
    ("an image, no URL", {**VISION, **picture("x.png")}),
    (
        "a video",
        {**VISION, **messages({"role": "user", "content": [{"type": "video_url", "video_url": {"url": "x"}}]})},
    ),
]


@pytest.mark.parametrize("more", [row[1] for row in ORDERED], ids=[row[0] for row in ORDERED])
def test_messages_in_their_order_are_taken(more: Json) -> None:
    assert got(chat_body(**more)).status == 200


@pytest.mark.parametrize("more", [row[1] for row in DISORDERED], ids=[row[0] for row in DISORDERED])
def test_messages_out_of_order_are_code_1001(more: Json) -> None:
    answer = got(chat_body(**more))
    assert answer.status == 400
    error = answer.json["error"]
    assert set(error) == {"id", "message", "type", "param", "code"}
    assert (error["type"], error["param"], error["code"]) == ("invalid_request_error", None, "1001")


def test_the_message_of_code_1001_names_the_roles_that_must_alternate() -> None:
    message = got(chat_body(**messages(USER, USER))).json["error"]["message"]
    assert all(word in message for word in ("user(tool)", "assistant", "交替"))


TAKEN: list[tuple[str, Json]] = [
    ("the ends of the ranges", {"temperature": 2, "top_p": 0, "seed": 10_000, "n": 1}),
    ("tools", {"tools": [WEATHER], "tool_choice": "auto"}),
    ("an image, https", {**VISION, **picture("https://example.invalid/x.png")}),
    ("an image, data", {**VISION, **picture("data:image/png;base64,aGVsbG8h")}),
    ("response_format text", {"response_format": {"type": "text"}}),
    ("members that are ignored", {"presence_penalty": 9, "logit_bias": {}, "logprobs": True, "user": "u", "x": 1}),
    ("vendor extras", {"enable_enhancement": False, "stream_moderation": True}),
]
REFUSED: list[tuple[str, Json]] = [
    ("temperature", {"temperature": 2.1}),
    ("top_p", {"top_p": -0.1}),
    ("seed, 0", {"seed": 0}),
    ("seed, large", {"seed": 10_001}),
    ("n", {"n": 2}),
    ("stop", {"stop": [1]}),
    ("stop, a bare string", {"stop": "x"}),
    ("max_tokens", {"max_tokens": 0}),
    ("enable_thinking", {**A13B, "enable_thinking": "yes"}),
    ("tools, a model that has none", {"model": "hunyuan-lite", "tools": [WEATHER]}),
    ("tools, a model that has none by the SDK", {"model": "hunyuan-large", "tools": [WEATHER]}),
    ("tools, type", {"tools": [{"type": "custom"}]}),
    ("tool_choice required", {"tools": [WEATHER], "tool_choice": "required"}),
    (
        "tool_choice named",
        {"tools": [WEATHER], "tool_choice": {"type": "function", "function": {"name": "get_weather"}}},
    ),
    ("tool_choice custom without the tool", {"tools": [WEATHER], "tool_choice": "custom"}),
    ("tool_choice custom, a tool that is not there", {**CHOSEN, "tools": []}),
    ("json_object", {"response_format": {"type": "json_object"}}),
    ("json_schema", {"response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": {}}}}),
    ("no model", {"model": None}),
]


@pytest.mark.parametrize("more", [row[1] for row in TAKEN], ids=[row[0] for row in TAKEN])
def test_the_classic_edition_takes_it(more: Json) -> None:
    assert got(chat_body(**more)).status == 200


@pytest.mark.parametrize("more", [row[1] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_the_classic_edition_refuses_it_with_400(more: Json) -> None:
    answer = got(chat_body(**more))
    assert (answer.status, answer.json["error"]["code"]) == (400, "400")


EMBED = {"model": "hunyuan-embedding", "input": "x"}


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"input": ["x"] * 50}, 200),
        ({"input": ["x"] * 51}, 400),
        ({"dimensions": 512}, 400),
        ({"encoding_format": "base64"}, 400),
        ({"input": [[1, 2]]}, 400),
        ({"input": ""}, 400),
        ({"model": "kinfra-text-embedding-0.6b"}, 404),
    ],
)
def test_embeddings_have_one_model_one_size_and_fifty_texts(more: Json, status: int) -> None:
    assert got({**EMBED, **more}, "/embeddings").status == status


@pytest.mark.parametrize("key", ["sk-wrong", "sk-emulated-tokenhub-0000000000000001"])
def test_a_key_that_is_wrong_or_the_other_editions_is_refused(key: str) -> None:
    assert got(chat_body(), key=key).status == 401


@pytest.mark.parametrize("variable", ["HUNYUAN_API_KEY", "TENCENT_HUNYUAN_API_KEY"])
def test_the_key_is_taken_from_the_environment(variable: str) -> None:
    assert got(chat_body(), key="sk-mine", environ={variable: "sk-mine"}).status == 200
    assert got(chat_body(), key="sk-mine", environ={"TOKENHUB_API_KEY": "sk-mine"}).status == 401


@pytest.mark.parametrize("model", ["gpt-4o", "hy3", "hunyuan-standard-256k", "hunyuan-embedding"])
def test_models_are_its_own_and_spelled_exactly(model: str) -> None:
    assert got(chat_body(model=model)).status == 404
    assert got(chat_body(model="hunyuan-standard-256K")).status == 200


@pytest.mark.parametrize(("method", "path"), [("GET", "/models"), ("POST", "/completions"), ("POST", "/files")])
def test_the_classic_edition_has_no_such_endpoint(method: str, path: str) -> None:
    assert got({}, path, method=method).status == 404


FAULTS = [
    ("bad_key", 401),
    ("model_missing", 404),
    ("context", 400),
    ("inspection", 400),
    ("quota", 402),
    ("rate_limit", 429),
    ("overloaded", 503),
    ("error_500", 500),
]


@pytest.mark.parametrize(("fault", "status"), FAULTS)
@pytest.mark.parametrize("stream", [False, True])
def test_a_fault_has_the_classic_body_and_digits_for_a_code(fault: str, status: int, stream: bool) -> None:
    answer = got(chat_body(stream=stream), faults=[fault])
    error = answer.json["error"]
    assert answer.status == status
    assert set(error) == {"id", "message", "type", "param", "code"}
    assert error["code"].isdecimal()
    assert error["type"] == ("server_error" if status >= 500 else "invalid_request_error")
    assert "retry-after" not in answer.headers


def test_a_wait_is_named_only_if_the_fault_has_one() -> None:
    assert got(chat_body(), faults=["rate_limit=3"]).headers["retry-after"] == "3"


def test_a_stream_of_the_classic_edition_breaks_as_its_fault_requires() -> None:
    halved = got(chat_body("emulator:words=6", stream=True), faults=["no_end"])
    text = "".join(chunk["choices"][0]["delta"]["content"] for chunk in halved.chunks)
    assert (text, b"[DONE]" in halved.body) == ("w1 w2 w3", False)
    failed = got(chat_body("emulator:words=6", stream=True), faults=["error_event=2"])
    assert failed.chunks[-1]["error"]["code"] == "500"
    assert got(chat_body(stream=True), faults=["cut=1"]).reset
