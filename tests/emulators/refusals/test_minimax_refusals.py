"""Each request that MiniMax refuses, one row each, beside a request that it accepts.

Texts that the vendor's sheet, its pages or its users report are compared; otherwise only the number is.
"""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings

import emulators
from emulators import Emulator
from emulators.core.http import HttpRequest
from emulators.core.responses import ModelResponse
from emulators.minimax.errors import TABLE
from tests.emulators.helpers import WEATHER, Json, Raw, chat, function, send, with_emulator
from tests.emulators.test_robust import BODIES

USER = {"role": "user", "content": "Hi"}
SYSTEM = {"role": "system", "content": "Be brief."}
PICTURE_URL = "https://example.invalid/x.png"
DATA_URL = "data:image/png;base64,aGVsbG8h"
M2: Json = {"model": "MiniMax-M2.5"}
HER: Json = {"model": "M2-her"}
TEXT_01: Json = {"model": "MiniMax-Text-01"}
M3_1: Json = {"model": "MiniMax-M3.1-Flash-Preview"}
NAMED = {"type": "function", "function": {"name": "get_weather"}}
RETIRED = {"BANJIA_EMULATOR_RETIRED": "1"}
NATIVE = "/text/chatcompletion_v2"
EMBED = "/embeddings?GroupId=123"
EMPTY = "chat content is empty"
FOLLOW = "tool call result does not follow tool call"
NO_FUNCTION = "function name or parameters is empty"


def said(*messages: Json) -> Json:
    return {"messages": list(messages)}


def part(**members: Any) -> Json:
    return said({"role": "user", "content": [{"type": "text", "text": "see"}, members]})


def picture(url: str = PICTURE_URL, **more: Any) -> Json:
    return part(type="image_url", image_url={"url": url, **more})


def video(url: str, **more: Any) -> Json:
    return part(type="video_url", video_url={"url": url, **more})


def call(call_id: str = "call_1", **function_members: Any) -> Json:
    return {
        "id": call_id,
        "type": "function",
        "function": {"name": "get_weather", "arguments": "{}", **function_members},
    }


def result(call_id: str = "call_1", content: str = "x") -> Json:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def turn(*calls: Json, **more: Any) -> Json:
    return {"role": "assistant", "tool_calls": list(calls or [call()]), **more}


def tool(**members: Any) -> Json:
    made = {"name": "f", "description": "", "parameters": {}, **members}
    kept = {name: value for name, value in made.items() if value is not None}
    return {"tools": [{"type": "function", "function": kept}]}


def schema(**members: Any) -> Json:
    made = {"name": "s", "schema": {"type": "object", "properties": {}}, **members}
    return {"response_format": {"type": "json_schema", "json_schema": made}}


def got(body: Any, path: str = "/chat/completions", environ: dict[str, str] | None = None, **more: Any) -> Raw:
    async def main(emulator: Emulator) -> Raw:
        return await send(emulator, body, path, **more)

    return with_emulator("minimax", main, environ=environ)


REFUSED: list[tuple[str, Json, str]] = [
    ("model, null", {"model": None}, "unknown model ''"),
    ("model, type", {"model": 3}, ""),
    ("messages, null", {"messages": None}, "messages is empty"),
    ("messages, none", {"messages": []}, "messages is empty"),
    ("messages, type", {"messages": "Hi"}, ""),
    ("message, type", {"messages": ["Hi"]}, ""),
    ("role developer", said({"role": "developer", "content": "x"}, USER), "invalid role: developer"),
    ("role function", said(USER, {"role": "function", "name": "f", "content": "x"}), "invalid role: function"),
    ("role user_system on a model without role play", said({"role": "user_system", "content": "x"}, USER), ""),
    ("two system messages", said(SYSTEM, SYSTEM, USER), "invalid chat setting"),
    ("a late system message", said(USER, SYSTEM), "chat content has invalid message role: system"),
    (
        "a second system message, late",
        said(SYSTEM, USER, SYSTEM, USER),
        "chat content has invalid message role: system",
    ),
    ("only a system message", said(SYSTEM), EMPTY),
    ("name, type", said({**USER, "name": 3}), ""),
    ("content, absent", said({"role": "user"}), EMPTY),
    ("content, an empty text", said({"role": "user", "content": ""}), EMPTY),
    ("content, no parts", said({"role": "user", "content": []}), EMPTY),
    ("content, type", said({"role": "user", "content": 3}), ""),
    ("an assistant message without content", said(USER, {"role": "assistant"}, USER), EMPTY),
    ("an empty text beside calls", said(USER, turn(content=""), result()), EMPTY),
    ("an empty result", said(USER, turn(), result(content="")), EMPTY),
    ("a part of another type", part(type="input_audio", input_audio={"data": "aGVs", "format": "wav"}), ""),
    ("an image on M2.5", {**M2, **picture()}, ""),
    (
        "an image in a system message",
        said({"role": "system", "content": picture()["messages"][0]["content"]}, USER),
        "",
    ),
    ("an image as a bare string", part(type="image_url", image_url=PICTURE_URL), ""),
    ("an image as bare base64", picture("aGVsbG8h"), ""),
    ("an image of another type", picture("data:image/bmp;base64,aGVsbG8h"), ""),
    ("an image of OpenAI's detail", picture(detail="auto"), ""),
    ("an image without sides", picture(max_long_side_pixel=0), ""),
    ("a video on Text-01", {**TEXT_01, **video("https://example.invalid/x.mp4")}, ""),
    ("a video of another type", video("data:video/webm;base64,aGVsbG8h"), ""),
    ("a video of six frames a second", video("mm_file://1", fps=6), ""),
    ("a result of an unknown call", said(USER, turn(), result("call_2")), "tool result's tool id(call_2) not found"),
    ("a result without a call", said(USER, result()), "tool result's tool id(call_1) not found"),
    ("a result without an id", said(USER, {"role": "tool", "content": "x"}), "tool result's tool id() not found"),
    ("a result that comes too late", said(USER, turn(), USER, result()), FOLLOW),
    ("a second result of a call", said(USER, turn(), result(), result()), FOLLOW),
    ("a call without a result", said(USER, turn(), USER), FOLLOW),
    ("a last call without a result", said(USER, turn()), FOLLOW),
    (
        "arguments that are no JSON",
        said(USER, turn(call(arguments="{")), result()),
        "invalid function arguments json string, tool_call_id: call_1",
    ),
    (
        "arguments, an empty text",
        said(USER, turn(call(arguments="")), result()),
        "invalid function arguments json string, tool_call_id: call_1",
    ),
    ("arguments, an object", said(USER, turn(call(arguments={})), result()), ""),
    ("a call of another type", said(USER, turn({**call(), "type": "custom"}), result()), ""),
    ("a call without a name", said(USER, turn(call(name="")), result()), ""),
    ("temperature 0 on M2.5", {**M2, "temperature": 0}, ""),
    ("temperature 1.01 on M2.5", {**M2, "temperature": 1.01}, ""),
    ("temperature 2.01 on M3", {"temperature": 2.01}, ""),
    ("temperature, negative", {"temperature": -0.1}, ""),
    ("temperature, type", {"temperature": "1"}, ""),
    ("top_p 0", {"top_p": 0}, ""),
    ("top_p 1.1", {"top_p": 1.1}, ""),
    ("max_completion_tokens 0", {"max_completion_tokens": 0}, ""),
    ("max_tokens 0", {"max_tokens": 0}, ""),
    ("max_tokens, type", {"max_tokens": 1.5}, ""),
    ("n 2", {"n": 2}, ""),
    ("stream, type", {"stream": "yes"}, ""),
    ("reasoning_split, type", {"reasoning_split": 1}, ""),
    ("stream_options, type", {"stream_options": {"include_usage": "yes"}}, ""),
    (
        "thinking enabled",
        {"thinking": {"type": "enabled"}},
        'invalid thinking.type: "enabled" (allowed: adaptive, disabled)',
    ),
    (
        "thinking disabled on M3.1-Flash-Preview",
        {**M3_1, "thinking": {"type": "disabled"}},
        (
            'model "MiniMax-M3.1-Flash-Preview" requires adaptive thinking; thinking.type="disabled" '
            "(including reasoning.effort=none) is not allowed"
        ),
    ),
    ("thinking enabled on M2.5", {**M2, "thinking": {"type": "enabled", "budget_tokens": 9}}, ""),
    ("thinking, a boolean", {"thinking": True}, ""),
    ("a tier of OpenAI's", {"service_tier": "auto"}, ""),
    ("tools, type", {"tools": {}}, ""),
    ("tools, another type", {"tools": [{"type": "custom", "custom": {"name": "f"}}]}, "invalid tool type:"),
    ("a function without parameters", tool(parameters=None), NO_FUNCTION),
    ("a function without a name", tool(name=""), NO_FUNCTION),
    ("a function whose parameters are a text", tool(parameters="{}"), ""),
    ("json_object on Text-01", {**TEXT_01, "response_format": {"type": "json_object"}}, ""),
    ("a schema whose name has a hyphen", {**TEXT_01, **schema(name="a-b")}, ""),
    ("a schema without a schema", {**TEXT_01, **schema(schema=None)}, ""),
    ("a prompt that is too long", {**M2, **said({**USER, "content": "w " * 204_800})}, "context window exceeds limit"),
]

TAKEN: list[tuple[str, Json]] = [
    ("temperature 0 on M3", {"temperature": 0}),
    ("temperature 2 on M3", {"temperature": 2}),
    ("sampling at the ends of its ranges on M2.5", {**M2, "temperature": 1, "top_p": 1}),
    ("little of both on M2.5", {**M2, "temperature": 0.01, "top_p": 0.01}),
    ("a limit over the cap", {**M2, "max_completion_tokens": 1 << 30}),
    ("both limits", {"max_completion_tokens": 5, "max_tokens": 7}),
    (
        "members that are not in the schema",
        {
            "stop": ["x"],
            "seed": 1,
            "logprobs": True,
            "user": "u",
            "parallel_tool_calls": False,
            "reasoning_effort": "ultra",
            "presence_penalty": 9,
            "logit_bias": {"1": 3},
            "metadata": {"a": "b"},
        },
    ),
    ("one system message, first", said(SYSTEM, USER)),
    ("a system message with a name only", said({"role": "system", "name": "MiniMax AI"}, USER)),
    ("names", said({**USER, "name": "user"})),
    ("text parts on M2.5", {**M2, **said({"role": "user", "content": [{"type": "text", "text": "x"}]})}),
    ("text parts in a system message", said({"role": "system", "content": [{"type": "text", "text": "x"}]}, USER)),
    ("an image by its URL", picture()),
    ("an image in base64, with a detail", picture(DATA_URL, detail="default", max_long_side_pixel=64)),
    ("an image on Text-01", {**TEXT_01, **picture()}),
    ("an image on M3.1-Flash-Preview", {**M3_1, **picture(), "thinking": {"type": "adaptive"}}),
    ("a video by its file", video("mm_file://12", fps=0.2)),
    ("a video in base64", video("data:video/mp4;base64,aGVsbG8h")),
    ("a call and its result", said(USER, turn(), result())),
    ("a call beside null", said(USER, turn(content=None), result())),
    ("two calls and their results in another order", said(USER, turn(call(), call("b")), result("b"), result())),
    (
        "earlier reasoning in both forms",
        said(
            USER,
            {"role": "assistant", "content": "<think>\na\n</think>\n\nb"},
            USER,
            {"role": "assistant", "content": "b", "reasoning_details": [{"type": "reasoning.text", "text": "a"}]},
            USER,
        ),
    ),
    ("roles of role play", {**HER, **said(SYSTEM, {"role": "user_system", "content": "x"}, USER)}),
    ("samples of role play", {**HER, **said({"role": "sample_message_ai", "content": "x"}, USER)}),
    ("thinking disabled on M2.5", {**M2, "thinking": {"type": "disabled"}}),
    ("thinking adaptive", {"thinking": {"type": "adaptive"}}),
    ("thinking enabled on Text-01", {**TEXT_01, "thinking": {"type": "enabled"}}),
    ("the tier with priority", {"service_tier": "priority"}),
    ("another tier on M2.5", {**M2, "service_tier": "auto"}),
    ("no tools", {"tools": []}),
    ("a function without description", {"tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}]}),
    ("129 functions", {"tools": [function(f"f{i}") for i in range(129)]}),
    ("a search", {"tools": [{"type": "web_search"}, WEATHER]}),
    *((f"tool_choice {value}", {"tools": [WEATHER], "tool_choice": value}) for value in ("none", "required", NAMED)),
    ("json_schema on M3", schema()),
    ("json_schema on Text-01", {**TEXT_01, **schema()}),
]


@pytest.mark.parametrize(("more", "detail"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_minimax_refuses_it_with_400_and_2013_on_the_openai_path(more: Json, detail: str) -> None:
    answer = got(chat("minimax", **more))
    assert answer.status == 400
    error = answer.json["error"]
    assert error["type"] == "bad_request_error"
    assert error["message"].startswith("invalid params, ")
    assert error["message"].endswith(" (2013)")
    if detail:
        assert error["message"] == f"invalid params, {detail} (2013)"


@pytest.mark.parametrize(("more", "detail"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_minimax_refuses_it_with_200_and_no_choices_on_the_native_path(more: Json, detail: str) -> None:
    answer = got(chat("minimax", **more), NATIVE)
    assert answer.status == 200
    (body,) = answer.chunks or [answer.json]
    assert body["choices"] is None
    assert body["usage"] == {"total_tokens": 0}
    assert body["base_resp"]["status_code"] == 2013
    if detail:
        assert body["base_resp"]["status_msg"] == f"invalid params, {detail}"


@pytest.mark.parametrize("more", [row[1] for row in TAKEN], ids=[row[0] for row in TAKEN])
def test_minimax_takes_it(more: Json) -> None:
    answer = got(chat("minimax", **more))
    assert answer.status == 200, answer.body
    assert len(answer.json["choices"]) == 1
    assert answer.json["base_resp"]["status_code"] == 0


@pytest.mark.parametrize("body", [b"", b"{", b"null", b"[]", b"{}"])
@pytest.mark.parametrize("path", ["/chat/completions", NATIVE])
def test_a_body_that_is_no_request_is_refused(body: bytes, path: str) -> None:
    answer = got(body, path)
    assert b"invalid params" in answer.body
    assert answer.status == (200 if path == NATIVE else 400)


def test_an_error_has_a_type_the_status_and_the_id_of_the_request() -> None:
    answer = got(chat("minimax", **said(SYSTEM, SYSTEM, USER)))
    assert answer.json == {
        "type": "error",
        "error": {
            "type": "bad_request_error",
            "message": "invalid params, invalid chat setting (2013)",
            "http_code": "400",
        },
        "request_id": answer.headers["trace-id"],
    }


def test_the_error_for_a_late_system_message_has_openais_form() -> None:
    message = "invalid params, chat content has invalid message role: system (2013)"
    error = {"message": message, "type": "bad_request_error", "param": "", "code": None}
    assert got(chat("minimax", **said(USER, SYSTEM))).json == {"error": error}


def test_a_native_stream_is_refused_in_an_event() -> None:
    answer = got(chat("minimax", model="none", stream=True), NATIVE)
    assert answer.headers["content-type"] == "text/event-stream"
    (event,) = answer.chunks
    assert event["choices"] is None
    assert event["base_resp"] == {"status_code": 2013, "status_msg": "invalid params, unknown model 'none'"}
    assert b"[DONE]" not in answer.body


@pytest.mark.parametrize("choice", ["required", NAMED, 3])
def test_the_native_path_refuses_other_choices_of_tools(choice: Any) -> None:
    body = chat("minimax", tools=[WEATHER], tool_choice=choice)
    assert got(body, NATIVE).json["base_resp"]["status_code"] == 2013


@pytest.mark.parametrize("model", ["gpt-4o", "abab6.5s-chat", "minimax-m3", "MiniMax-M2-highspeed", "embo-01", ""])
def test_minimax_refuses_unknown_and_retired_models(model: str) -> None:
    answer = got(chat("minimax", model=model))
    assert answer.status == 400
    assert answer.json["error"]["message"] == f"invalid params, unknown model '{model}' (2013)"


def test_retired_models_are_served_by_an_option_one_of_them_without_functions() -> None:
    assert got(chat("minimax", model="abab6.5s-chat", tools=[WEATHER]), environ=RETIRED).status == 200
    assert got(chat("minimax", model="abab5.5s-chat"), environ=RETIRED).status == 200
    refused = got(chat("minimax", model="abab5.5s-chat", tools=[WEATHER]), environ=RETIRED).json
    assert refused["base_resp"]["status_code"] == 2013


@pytest.mark.parametrize("stream", [False, True])
def test_errors_of_a_model_of_2024_are_inside_200_on_the_openai_path_too(stream: bool) -> None:
    body = chat("minimax", model="abab6.5s-chat", temperature=0, stream=stream)
    answer = got(body, environ=RETIRED)
    assert answer.status == 200
    (error,) = answer.chunks or [answer.json]
    assert (error["choices"], error["base_resp"]["status_code"]) == (None, 2013)
    late = got({**body, "temperature": 1, **said({**USER, "content": "emulator:words=1,finish=1008"})}, environ=RETIRED)
    assert (late.chunks or [late.json])[-1]["base_resp"] == {"status_code": 1008, "status_msg": "insufficient balance"}


@pytest.mark.parametrize(
    "path",
    [
        *("/responses", "/image_generation", "/t2a_v2", "/speech_to_text", "/files/upload", "/completions"),
        *("/text/chatcompletion_pro", "/batches", "/moderations", "//chat/completions", "//anthropic/v1/messages"),
    ],
)
def test_an_endpoint_that_is_not_emulated_gets_404(path: str) -> None:
    assert got({}, path).status == 404


def test_an_unknown_model_has_no_entry() -> None:
    assert got(None, "/models/none", method="GET").status == 404


NO_KEY = "login fail: Please carry the API secret key in the 'Authorization' field of the request header"
CREDENTIALS = [
    ("nothing", "", 1004, NO_KEY),
    ("a scheme alone", "Bearer ", 1004, NO_KEY),
    ("a key without a scheme", "sk-mine", 1004, NO_KEY),
    ("another scheme", "Basic sk-mine", 1004, NO_KEY),
    ("another key", "Bearer sk-other", 2049, "invalid api key"),
    ("a group behind the key", "Bearer sk-mine|123", 2049, "invalid api key"),
]


@pytest.mark.parametrize(
    ("authorization", "code", "text"), [row[1:] for row in CREDENTIALS], ids=[row[0] for row in CREDENTIALS]
)
def test_other_credentials_get_401_and_on_native_paths_200(authorization: str, code: int, text: str) -> None:
    def answered(path: str) -> Raw:
        headers = {"authorization": authorization}
        return got(chat("minimax"), path, environ={"MINIMAX_API_KEY": "sk-mine"}, headers=headers)

    answer = answered("/chat/completions")
    assert (answer.status, answer.json["error"]["type"]) == (401, "authorized_error")
    assert answer.json["error"]["message"] == f"{text} ({code})"
    for path in (NATIVE, EMBED):
        native = answered(path)
        assert native.status == 200
        assert native.json["base_resp"] == {"status_code": code, "status_msg": text}


EMBEDDINGS: list[tuple[str, Json, str]] = [
    ("an unknown model", {"model": "text-embedding-3-small"}, "unknown model 'text-embedding-3-small'"),
    ("a model for chat", {"model": "MiniMax-M3"}, ""),
    ("no model", {"model": None}, ""),
    ("OpenAI's input", {"texts": None, "input": ["a"]}, ""),
    ("a bare text", {"texts": "a"}, ""),
    ("no texts", {"texts": []}, ""),
    ("an empty text", {"texts": ["a", ""]}, ""),
    ("token ids", {"texts": [1]}, ""),
    ("no type", {"type": None}, ""),
    ("another type", {"type": "document"}, ""),
]


@pytest.mark.parametrize(("more", "detail"), [row[1:] for row in EMBEDDINGS], ids=[row[0] for row in EMBEDDINGS])
def test_embeddings_refuse_with_200_and_no_vectors(more: Json, detail: str) -> None:
    answer = got({"model": "embo-01", "texts": ["a"], "type": "db", **more}, EMBED)
    assert (answer.status, answer.json["vectors"]) == (200, None)
    assert answer.json["base_resp"]["status_code"] == 2013
    if detail:
        assert answer.json["base_resp"]["status_msg"] == f"invalid params, {detail}"


@pytest.mark.parametrize(
    ("query", "group", "code"),
    [
        ("", None, 1004),
        ("?GroupId=", None, 1004),
        ("?GroupId=mine", None, 1004),
        ("?group_id=123", None, 1004),
        ("?GroupId=123", None, 0),
        ("?GroupId=123", "123", 0),
        ("?GroupId=124", "123", 1004),
    ],
)
def test_embeddings_need_the_group_of_the_account(query: str, group: str | None, code: int) -> None:
    environ = {"MINIMAX_GROUP_ID": group} if group else {}
    answer = got({"model": "embo-01", "texts": ["a"], "type": "db"}, f"/embeddings{query}", environ=environ)
    assert (answer.status, answer.json["base_resp"]["status_code"]) == (200, code)
    if code:
        assert answer.json["base_resp"]["status_msg"] == "token not match group"


def test_chat_does_not_need_a_group() -> None:
    assert got(chat("minimax"), environ={"MINIMAX_GROUP_ID": "123"}).status == 200


FAULTS = [
    ("quota", 402, "insufficient_balance_error", "insufficient balance (1008)"),
    ("inspection", 422, "unprocessable_entity_error", "input new_sensitive (1026)"),
    ("bad_key", 401, "authorized_error", "invalid api key (2049)"),
    ("model_missing", 400, "bad_request_error", "invalid params, unknown model 'MiniMax-M3' (2013)"),
    ("context", 400, "bad_request_error", "invalid params, context window exceeds limit (2013)"),
    ("rate_limit", 429, "rate_limit_error", "rate limit, please retry later (1002)"),
    ("rate_limit=1", 429, "rate_limit_error", "conn limit (1041)"),
    ("rate_limit=7", 429, "rate_limit_error", "rate limit, please retry later (1002)"),
    ("overloaded", 529, "overloaded_error", "The server cluster is currently under high load."),
    ("error_500", 500, "server_error", "unknown error, 999 (1000)"),
]


def faulty(fault: str, path: str, **more: Any) -> Raw:
    async def main(emulator: Emulator) -> Raw:
        return await send(emulator, chat("minimax", **more), path)

    return with_emulator("minimax", main, faults=[fault])


@pytest.mark.parametrize(("fault", "status", "kind", "text"), FAULTS)
def test_a_fault_has_its_row_of_the_error_table(fault: str, status: int, kind: str, text: str) -> None:
    answer = faulty(fault, "/chat/completions")
    assert (answer.status, answer.json["error"]["type"]) == (status, kind)
    assert answer.json["error"]["http_code"] == str(status)
    assert answer.json["error"]["message"].startswith(text)
    assert answer.headers.get("retry-after") == (fault.partition("=")[2] or None)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fault", [row[0] for row in FAULTS])
def test_a_fault_is_inside_200_on_the_native_path(fault: str, stream: bool) -> None:
    answer = faulty(fault, NATIVE, stream=stream)
    assert (answer.status, answer.json["choices"]) == (200, None)
    openai = faulty(fault, "/chat/completions").json["error"]["message"]
    resp = answer.json["base_resp"]
    assert f"{resp['status_msg']} ({resp['status_code']})" == openai


def test_sensitive_input_is_marked_on_the_native_path() -> None:
    answer = faulty("inspection", NATIVE).json
    assert (answer["input_sensitive"], answer["input_sensitive_type"]) == (True, 1)


CODES = pytest.mark.parametrize("code", TABLE)


@CODES
def test_each_number_of_the_table_has_its_status_on_the_openai_path(code: int) -> None:
    answer = got(chat("minimax", f"emulator:words=3,finish={code}"))
    assert (answer.status, answer.json["error"]["http_code"]) == (TABLE[code][0], str(answer.status))
    assert answer.json["error"]["message"].endswith(f" ({code})")


@CODES
def test_each_number_of_the_table_is_inside_200_on_the_native_path(code: int) -> None:
    answer = got(chat("minimax", f"emulator:words=3,finish={code}"), NATIVE)
    assert (answer.status, answer.json["choices"], answer.json["base_resp"]["status_code"]) == (200, None, code)


@CODES
@pytest.mark.parametrize("path", ["/chat/completions", NATIVE])
@pytest.mark.parametrize("words", [0, 3])
def test_each_number_of_the_table_can_end_a_stream(code: int, path: str, words: int) -> None:
    answer = got(chat("minimax", f"emulator:words={words},finish={code}", stream=True), path)
    *before, last = answer.chunks
    assert answer.status == 200
    assert "".join(chunk["choices"][0]["delta"]["content"] for chunk in before).split() == ["w1", "w2", "w3"][:words]
    assert all("finish_reason" not in chunk["choices"][0] for chunk in before)
    if path == NATIVE:
        assert (last["choices"], last["base_resp"]["status_code"]) == (None, code)
    else:
        assert last["error"]["message"].endswith(f" ({code})")
    assert b"[DONE]" not in answer.body


@pytest.mark.parametrize(
    ("path", "model", "statuses"),
    [
        ("/chat/completions", "MiniMax-M2.7", (200, 400)),
        ("/chat/completions", "abab6.5s-chat", (200, 400)),
        (NATIVE, "MiniMax-M3", (200,)),
        (NATIVE, "abab6.5s-chat", (200,)),
        (EMBED, "embo-01", (200,)),
    ],
)
@settings(max_examples=100, deadline=None)
@given(body=BODIES)
def test_any_json_is_answered_or_refused(path: str, model: str, statuses: tuple[int, ...], body: Any) -> None:
    vendor = emulators.VENDORS["minimax"](RETIRED)
    headers = {"authorization": f"Bearer {vendor.environment('')['MINIMAX_API_KEY']}"}
    sent = orjson.dumps({"model": model, **body} if isinstance(body, dict) else body)
    where, _, query = path.partition("?")
    reply = vendor.answer(HttpRequest("POST", f"/v1{where}", query, headers, sent))
    if isinstance(reply, ModelResponse):
        orjson.loads(reply.whole())
        assert all(orjson.loads(frame.raw) for frame in reply.frames() if frame.part != "done")
    assert reply.status in statuses
