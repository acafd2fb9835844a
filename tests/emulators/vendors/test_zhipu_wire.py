"""Zhipu's wire format, as documented in its sheet: members, streams, usage, credentials."""

import base64
import hashlib
import hmac
import math
from typing import Any

import orjson
import pytest

from emulators import Emulator
from tests.emulators.helpers import WEATHER, Json, Raw, chat, client, function, key_of, send, with_emulator

NOW = function("now")
BOTH: Json = {"tools": [WEATHER, NOW]}
CALL_BOTH = "get weather city=Oslo, now"
EARLY: Json = {"model": "glm-4-air"}
YEAR_2100_MS = 4_102_444_800_000
YEAR_2020_MS = 1_577_836_800_000
KEY = "00ff.secret"


def got(body: Any = None, path: str = "/chat/completions", *, method: str = "POST", **more: Any) -> Raw:
    async def main(emulator: Emulator) -> Raw:
        return await send(emulator, body, path, method=method)

    return with_emulator("zhipu", main, **more)


def thinking(text: str = "2+3?", **more: Any) -> Json:
    return {"model": "glm-4.6", "messages": [{"role": "user", "content": text}], **more}


def deltas(answer: Raw) -> list[Json]:
    return [chunk["choices"][0]["delta"] for chunk in answer.chunks]


def calls_of(answer: Raw) -> list[Json]:
    return [call for delta in deltas(answer) for call in delta.get("tool_calls", [])]


def test_a_plain_answer_thinks_and_has_the_documented_members() -> None:
    answer = got(thinking())
    assert answer.headers["content-type"] == "application/json; charset=UTF-8"
    assert set(answer.json) == {"id", "object", "request_id", "created", "model", "choices", "usage"}
    message = {"role": "assistant", "content": "You said: 2+3?", "reasoning_content": "Thinking about: 2+3?"}
    assert answer.json["choices"] == [{"index": 0, "message": message, "finish_reason": "stop"}]
    assert answer.json["usage"] == {
        "prompt_tokens": 5,
        "completion_tokens": 6,
        "total_tokens": 11,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 3},
    }


def test_an_early_model_has_no_object_and_plain_usage() -> None:
    answer = got(chat("zhipu", "Hi", **EARLY))
    assert set(answer.json) == {"id", "request_id", "created", "model", "choices", "usage"}
    assert answer.json["usage"] == {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}


def test_a_stream_is_that_of_the_sample() -> None:
    answer = got(chat("zhipu", "emulator:words=2", **EARLY, stream=True))
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.body.endswith(b"data: [DONE]\n\n")
    assert [chunk["choices"] for chunk in answer.chunks] == [
        [{"index": 0, "delta": {"role": "assistant", "content": "w1"}}],
        [{"index": 0, "delta": {"role": "assistant", "content": " w2"}}],
        [{"index": 0, "finish_reason": "stop", "delta": {"role": "assistant", "content": ""}}],
    ]
    assert ["usage" in chunk for chunk in answer.chunks] == [False, False, True]
    assert all("object" not in chunk for chunk in answer.chunks)


def test_the_usage_of_a_stream_is_on_the_finish_chunk_whether_requested_or_not() -> None:
    options: Json = {"stream_options": {"include_usage": True}}
    requests: list[Json] = [{}, options]
    for more in requests:
        chunks = got(thinking(stream=True, **more)).chunks
        assert [bool(chunk.get("usage")) for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
        assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
        assert chunks[-1]["usage"]["total_tokens"] == 11


def test_every_delta_has_the_role_and_reasoning_comes_before_text() -> None:
    streamed = deltas(got(thinking(stream=True)))
    assert {delta["role"] for delta in streamed} == {"assistant"}
    kinds = ["reasoning_content" in delta for delta in streamed]
    assert kinds == sorted(kinds, reverse=True)
    assert "".join(delta.get("reasoning_content", "") for delta in streamed) == "Thinking about: 2+3?"
    assert "".join(delta.get("content", "") for delta in streamed) == "You said: 2+3?"


def test_content_is_null_beside_tool_calls() -> None:
    choice = got(chat("zhipu", CALL_BOTH, **BOTH)).json["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == (None, "tool_calls")
    assert [call["function"]["name"] for call in choice["message"]["tool_calls"]] == ["get_weather", "now"]
    assert len({call["id"] for call in choice["message"]["tool_calls"]}) == 2


def test_a_call_comes_whole_in_one_delta() -> None:
    answer = got(chat("zhipu", CALL_BOTH, **BOTH, stream=True))
    first, second = calls_of(answer)
    assert (first["index"], second["index"]) == (0, 1)
    assert orjson.loads(first["function"]["arguments"]) == {"city": "Oslo"}
    assert second["function"] == {"name": "now", "arguments": "{}"}
    assert deltas(answer)[-1] == {"role": "assistant", "content": ""}
    assert answer.chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_with_tool_stream_a_call_comes_in_pieces() -> None:
    answer = got(chat("zhipu", CALL_BOTH, **BOTH, stream=True, tool_stream=True))
    calls = calls_of(answer)
    assert [call["function"]["name"] for call in calls if "id" in call] == ["get_weather", "now"]
    assert all(set(call) == {"index", "function"} for call in calls if "id" not in call)
    arguments = "".join(call["function"]["arguments"] for call in calls if call["index"] == 0)
    assert orjson.loads(arguments) == {"city": "Oslo"}
    assert len(calls) > 4


def test_glm_4_5_gives_every_call_the_index_minus_one_and_has_no_tool_stream() -> None:
    calls = calls_of(got(chat("zhipu", CALL_BOTH, model="glm-4.5-air", **BOTH, stream=True, tool_stream=True)))
    assert [call["index"] for call in calls] == [-1, -1]
    assert len({call["id"] for call in calls}) == 2


def test_an_early_model_makes_one_call_and_has_it_in_the_finish_chunk() -> None:
    answer = got(chat("zhipu", CALL_BOTH, **EARLY, **BOTH, stream=True))
    (chunk,) = answer.chunks
    (choice,) = chunk["choices"]
    (call,) = choice["delta"]["tool_calls"]
    assert (call["index"], call["function"]["name"], choice["finish_reason"]) == (0, "get_weather", "tool_calls")


def test_a_tool_turn_goes_on_with_its_result() -> None:
    body = thinking("get weather city=Oslo", tools=[WEATHER])
    message = got(body).json["choices"][0]["message"]
    (call,) = message["tool_calls"]
    body["messages"] += [message, {"role": "tool", "tool_call_id": call["id"], "content": "4 degrees"}]
    assert got(body).json["choices"][0]["message"]["content"] == "The tool said: 4 degrees"


@pytest.mark.parametrize(
    ("model", "more", "thinks"),
    [
        ("glm-5.3", {}, True),
        ("glm-5.3-flash", {"reasoning_effort": "low"}, True),
        ("glm-5.2", {}, True),
        ("glm-5.2", {"thinking": {"type": "disabled"}}, False),
        ("glm-5.2", {"reasoning_effort": "minimal"}, False),
        ("glm-5.2", {"reasoning_effort": "low"}, True),
        ("glm-5.1", {"reasoning_effort": "none"}, True),
        ("glm-4.7", {"thinking": {"type": "disabled"}}, False),
        ("glm-4.7-flash", {"thinking": {}}, True),
        ("glm-4.6v", {"thinking": {"type": "enabled", "clear_thinking": False}}, True),
        ("glm-4.5-air", {}, True),
        ("glm-4-flash", {"thinking": {"type": "enabled"}}, False),
    ],
)
def test_a_model_thinks_as_its_row_says(model: str, more: Json, thinks: bool) -> None:
    answer = got({**thinking(), "model": model, **more}).json
    assert ("reasoning_content" in answer["choices"][0]["message"]) is thinks


def test_the_reasoning_of_glm_z1_is_in_its_text() -> None:
    text = "<think>Thinking about: Hi</think>You said: Hi"
    body = chat("zhipu", "Hi", model="glm-z1-air")
    assert got(body).json["choices"][0]["message"] == {"role": "assistant", "content": text}
    assert "".join(delta["content"] for delta in deltas(got({**body, "stream": True}))) == text


def test_the_text_of_glm_4_5v_is_in_a_box() -> None:
    body = chat("zhipu", "Hi", model="glm-4.5v")
    text = "<|begin_of_box|>You said: Hi<|end_of_box|>"
    assert got(body).json["choices"][0]["message"]["content"] == text
    assert "".join(delta["content"] for delta in deltas(got({**body, "stream": True}))) == text


def test_json_schema_is_answered_with_200_and_ignored() -> None:
    form = {"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object", "properties": {"a": {}}}}}
    choice = got(chat("zhipu", "Hi", response_format=form)).json["choices"][0]
    assert choice["message"]["content"] == "You said: Hi"


def test_a_small_limit_can_be_used_up_by_reasoning() -> None:
    answer = got(thinking("emulator:reason=20,words=5", max_tokens=10)).json
    assert answer["choices"][0]["message"]["content"] == ""
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens_details"] == {"reasoning_tokens": 10}


def test_an_answer_that_fills_the_window_has_a_finish_reason_of_its_own() -> None:
    filler = "w " * 4000
    body = chat("zhipu", f"{filler} emulator:words=500", model="glm-4v")
    answer = got(body).json
    assert answer["choices"][0]["finish_reason"] == "model_context_window_exceeded"
    assert answer["usage"]["total_tokens"] == 4096
    cut = got({**body, "max_tokens": 5}).json
    assert (cut["choices"][0]["finish_reason"], cut["usage"]["completion_tokens"]) == ("length", 5)


@pytest.mark.parametrize("reason", ["network_error", "model_context_window_exceeded"])
@pytest.mark.parametrize("words", [0, 3])
def test_an_answer_can_end_because_the_servers_could_not_complete_it(reason: str, words: int) -> None:
    text = f"emulator:words={words},finish={reason}"
    choice = got(chat("zhipu", text)).json["choices"][0]
    assert (choice["finish_reason"], len(choice["message"]["content"].split())) == (reason, words)
    assert got(chat("zhipu", text, stream=True)).chunks[-1]["choices"][0]["finish_reason"] == reason


def test_an_answer_that_the_content_check_ends_is_sensitive_and_has_its_verdict() -> None:
    text = "emulator:words=9,moderated=2"
    verdict = [{"role": "assistant", "level": 1}]
    whole = got(chat("zhipu", text)).json
    assert whole["choices"][0]["message"]["content"] == "w1 w2"
    assert (whole["choices"][0]["finish_reason"], whole["content_filter"]) == ("sensitive", verdict)
    *before, last = got(chat("zhipu", text, stream=True)).chunks
    assert (last["choices"][0]["finish_reason"], last["content_filter"]) == ("sensitive", verdict)
    assert not any("content_filter" in chunk for chunk in before)


def searched(**more: Any) -> Json:
    return {"tools": [{"type": "web_search", "web_search": {"enable": True, "search_result": True, **more}}]}


def test_a_search_that_reports_has_its_results_before_or_after_the_answer() -> None:
    (found,) = got(chat("zhipu", "Hi", **searched())).json["web_search"]
    assert set(found) == {"title", "content", "link", "media", "icon", "refer", "publish_date"}
    after = got(chat("zhipu", "Hi", **searched(), stream=True)).chunks
    assert [index for index, chunk in enumerate(after) if "web_search" in chunk] == [len(after) - 1]
    before = got(chat("zhipu", "Hi", **searched(result_sequence="before"), stream=True)).chunks
    assert [index for index, chunk in enumerate(before) if "web_search" in chunk] == [0]
    for quiet in (searched(search_result=False), searched(enable=False)):
        assert "web_search" not in got(chat("zhipu", "Hi", **quiet)).json


def test_a_long_prompts_prefix_is_cached_from_the_second_request_on() -> None:
    async def main(emulator: Emulator) -> list[Json]:
        body = chat("zhipu", "word " * 100)
        return [(await send(emulator, body)).json["usage"] for _ in range(2)]

    first, second = with_emulator("zhipu", main)
    assert first["prompt_tokens_details"] == {"cached_tokens": 0}
    assert second["prompt_tokens_details"] == {"cached_tokens": first["prompt_tokens"]}


def test_a_response_has_the_request_id_of_the_client_or_one_of_its_own() -> None:
    assert got(chat("zhipu", request_id="abc-def-123")).json["request_id"] == "abc-def-123"
    assert got(chat("zhipu")).json["request_id"]


@pytest.mark.parametrize(
    ("model", "more", "width"),
    [("embedding-3", {}, 2048), ("embedding-3", {"dimensions": 256}, 256), ("embedding-2", {}, 1024)],
)
def test_vectors_have_the_models_width_and_length_one(model: str, more: Json, width: int) -> None:
    body = {"model": model, "input": ["a b", "c", "a b"], "encoding_format": "base64", "user": "u", **more}
    answer = got(body, "/embeddings").json
    assert set(answer) == {"model", "object", "data", "usage"}
    assert [item["index"] for item in answer["data"]] == [0, 1, 2]
    vectors = [item["embedding"] for item in answer["data"]]
    assert all(len(vector) == width and math.isclose(math.hypot(*vector), 1.0) for vector in vectors)
    assert vectors[0] == vectors[2] != vectors[1]
    assert answer["usage"] == {"prompt_tokens": 5, "completion_tokens": 0, "total_tokens": 5}


def test_the_official_client_reads_vectors() -> None:
    async def main(emulator: Emulator) -> list[int]:
        async with client(emulator) as sdk:
            answer = await sdk.embeddings.create(model="embedding-3", input=["a", "b"], dimensions=512)
            return [len(item.embedding) for item in answer.data]

    assert with_emulator("zhipu", main) == [512, 512]


def test_the_tokenizer_counts_texts_and_media() -> None:
    parts = [
        {"type": "text", "text": "two words"},
        {"type": "image_url", "image_url": {"url": "aGVsbG8h"}},
        {"type": "video_url", "video_url": {"url": "https://example.invalid/x.mp4"}},
    ]
    messages = [{"role": "user", "content": parts}]
    answer = got({"model": "glm-4.6v", "messages": messages, "request_id": "count-1"}, "/tokenizer").json
    assert set(answer) == {"id", "created", "request_id", "usage"}
    assert answer["request_id"] == "count-1"
    assert answer["usage"] == {"prompt_tokens": 6, "image_tokens": 256, "video_tokens": 1024, "total_tokens": 1286}
    plain = [{"role": "user", "content": "Hi"}]
    without = got({"model": "glm-4.6", "messages": plain}, "/tokenizer").json["usage"]["total_tokens"]
    chatted = got(chat("zhipu", "Hi")).json["usage"]["prompt_tokens"]
    more = got({"model": "glm-4.6", "messages": plain, "tools": [WEATHER]}, "/tokenizer").json["usage"]
    assert without == chatted < more["total_tokens"]


@pytest.mark.parametrize("path", ["/models", "//api/coding/paas/v4/models"])
def test_models_are_listed_in_openais_form(path: str) -> None:
    listed = got(path=path, method="GET").json
    assert listed["object"] == "list"
    assert {tuple(entry) for entry in listed["data"]} == {("id", "object", "created", "owned_by")}
    assert "glm-4.6v" not in {entry["id"] for entry in listed["data"]}, "vision models are left out"


def encoded(value: Json | bytes) -> bytes:
    raw = value if isinstance(value, bytes) else orjson.dumps(value)
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def token(header: Json | None = None, secret: str = "secret", **claims: Any) -> str:
    """Return a token of `KEY` as the vendor's SDK makes it."""
    start = encoded({"alg": "HS256", "sign_type": "SIGN", **(header or {})})
    made = {"api_key": "00ff", "exp": YEAR_2100_MS, "timestamp": YEAR_2020_MS, **claims}
    signed = start + b"." + encoded({name: value for name, value in made.items() if value is not None})
    return (signed + b"." + encoded(hmac.new(secret.encode(), signed, hashlib.sha256).digest())).decode()


def answered(authorization: str) -> Raw:
    async def main(emulator: Emulator) -> Raw:
        return await send(emulator, chat("zhipu"), headers={"authorization": authorization})

    return with_emulator("zhipu", main, environ={"ZHIPUAI_API_KEY": KEY})


@pytest.mark.parametrize(
    "authorization",
    [f"Bearer {KEY}", f"bearer {KEY}", f"Bearer {token()}", token(), f"Bearer {token({'typ': 'JWT'})}"],
    ids=["key", "key with a scheme in lower case", "token", "token without a scheme", "token of another library"],
)
def test_the_key_and_a_token_of_it_are_accepted(authorization: str) -> None:
    assert answered(authorization).status == 200


REFUSED_CREDENTIALS = [
    ("nothing", "", "1001"),
    ("a scheme alone", "Bearer ", "1001"),
    ("a key without a scheme", KEY, "1002"),
    ("another key", "Bearer 00ff.other", "1000"),
    ("a key of another vendor", "Bearer sk-1234", "1002"),
    ("another scheme", "Basic abc", "1002"),
    ("another algorithm", f"Bearer {token({'alg': 'none'})}", "1002"),
    ("no sign_type", f"Bearer {token({'sign_type': None})}", "1002"),
    ("no time", f"Bearer {token(timestamp=None)}", "1002"),
    ("no expiry", f"Bearer {token(exp=None)}", "1002"),
    ("no JSON", f"Bearer {encoded(b'{').decode()}.e30.x", "1002"),
    ("no base64", "Bearer a.b.c", "1002"),
    ("expired", f"Bearer {token(exp=YEAR_2020_MS)}", "1003"),
    ("an expiry in seconds", f"Bearer {token(exp=YEAR_2100_MS // 1000)}", "1003"),
    ("another secret", f"Bearer {token(secret='other')}", "1004"),
    ("another id", f"Bearer {token(api_key='ff00')}", "1004"),
]


@pytest.mark.parametrize(
    ("authorization", "code"),
    [row[1:] for row in REFUSED_CREDENTIALS],
    ids=[row[0] for row in REFUSED_CREDENTIALS],
)
def test_other_credentials_are_refused_with_401_and_a_code_of_their_own(authorization: str, code: str) -> None:
    answer = answered(authorization)
    assert (answer.status, answer.json["error"]["code"]) == (401, code)


def test_the_made_up_key_has_the_form_of_the_vendors_keys() -> None:
    async def main(emulator: Emulator) -> str:
        return key_of(emulator)

    key_id, _, secret = with_emulator("zhipu", main).partition(".")
    assert (len(key_id), secret.isalnum()) == (32, True)
