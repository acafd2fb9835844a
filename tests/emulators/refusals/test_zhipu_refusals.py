"""Each request that Zhipu refuses, one row each, beside a request that it accepts.

Texts that the vendor's sheet, its table of errors or its users report are compared; otherwise only the code is.
"""

from typing import Any

import pytest

from emulators import Emulator
from tests.emulators.helpers import WEATHER, Json, Raw, chat, function, send, with_emulator

USER = {"role": "user", "content": "Hi"}
BASE64 = "aGVsbG8h"
PICTURE_URL = "https://example.invalid/x.png"
VISION = {"model": "glm-4.6v"}
OLD_VISION = {"model": "glm-4v-plus"}
ALWAYS = {"model": "glm-5.3"}
MAPPED = {"model": "glm-5.2", "thinking": {"type": "enabled"}}
EARLY = {"model": "glm-4-air"}
NAMED = {"type": "function", "function": {"name": "get_weather"}}
RETIRED = {"BANJIA_EMULATOR_RETIRED": "1"}
MESSAGES = "messages 参数非法。请检查文档。"
ONLY_TEXT = "messages.content.type 参数非法，取值范围 ['text']"
PICTURE = "图片输入格式/解析错误"
CALL = "API 调用参数有误，请检查文档。"
ROLE = "角色信息不正确"
CHOICE = "tool_choice 参数非法。请检查文档"
ALWAYS_THINKS = "该模型始终思考，不支持关闭思考；请使用 low、high 或 max。"
PLAN = "//api/coding/paas/v4/chat/completions"


def said(*messages: Json) -> Json:
    return {"messages": list(messages)}


def part(**members: Any) -> Json:
    return said({"role": "user", "content": [{"type": "text", "text": "see"}, members]})


def picture(url: str) -> Json:
    return part(type="image_url", image_url={"url": url})


def call(call_id: str = "call_1", **function_members: Any) -> Json:
    return {
        "id": call_id,
        "type": "function",
        "function": {"name": "get_weather", "arguments": "{}", **function_members},
    }


def history(*calls: Json, results: tuple[str, ...] = ("call_1",)) -> Json:
    turn = {"role": "assistant", "content": None, "tool_calls": list(calls or [call()])}
    return said(USER, turn, *({"role": "tool", "tool_call_id": one, "content": "x"} for one in results))


def tool(**members: Any) -> Json:
    made = {"name": "f", "description": "", "parameters": {}, **members}
    kept = {name: value for name, value in made.items() if value is not None}
    return {"tools": [{"type": "function", "function": kept}]}


def search(**members: Any) -> Json:
    return {"tools": [{"type": "web_search", "web_search": {"enable": True, **members}}]}


def got(body: Any, path: str = "/chat/completions", environ: dict[str, str] | None = None, **more: Any) -> Raw:
    async def main(emulator: Emulator) -> Raw:
        return await send(emulator, body, path, **more)

    return with_emulator("zhipu", main, environ=environ)


REFUSED: list[tuple[str, Json, str, str]] = [
    ("model, null", {"model": None}, "1213", "未正常接收到model参数。"),
    ("model, type", {"model": 3}, "1214", "model参数非法。请检查文档。"),
    ("model for embeddings", {"model": "embedding-3"}, "1212", "当前模型不支持SYNC调用方式"),
    ("messages, null", {"messages": None}, "1213", "未正常接收到messages参数。"),
    ("messages, none", {"messages": []}, "1214", "输入不能为空"),
    ("messages, type", {"messages": "Hi"}, "1214", MESSAGES),
    ("message, type", {"messages": ["Hi"]}, "1214", MESSAGES),
    ("role developer", said({"role": "developer", "content": "x"}, USER), "1214", ROLE),
    ("role function", said(USER, {"role": "function", "name": "f", "content": "x"}), "1214", ROLE),
    ("role tool on a vision model of 2024", {**OLD_VISION, **history()}, "1214", ROLE),
    ("only a system message", said({"role": "system", "content": "x"}), "1214", MESSAGES),
    (
        "only system and assistant messages",
        said({"role": "system", "content": "x"}, {"role": "assistant", "content": "y"}),
        "1214",
        MESSAGES,
    ),
    ("content, absent", said({"role": "user"}), "1214", MESSAGES),
    ("content, null in a system message", said({"role": "system", "content": None}, USER), "1214", MESSAGES),
    (
        "text parts on a text model",
        said({"role": "user", "content": [{"type": "text", "text": "x"}]}),
        "1214",
        MESSAGES,
    ),
    ("an image on a text model", picture(PICTURE_URL), "1210", ONLY_TEXT),
    (
        "text parts in a system message",
        {**VISION, **said({"role": "system", "content": [{"type": "text", "text": "x"}]}, USER)},
        "1214",
        MESSAGES,
    ),
    ("an image with the lead of a data URL", {**VISION, **picture(f"data:image/png;base64,{BASE64}")}, "1210", PICTURE),
    ("an image that is no base64", {**VISION, **picture("%%%")}, "1210", PICTURE),
    ("an image as a bare string", {**VISION, **part(type="image_url", image_url=PICTURE_URL)}, "1210", CALL),
    ("audio", {**VISION, **part(type="input_audio", input_audio={"data": BASE64, "format": "wav"})}, "1210", CALL),
    ("a video on glm-4v", {"model": "glm-4v", **part(type="video_url", video_url={"url": PICTURE_URL})}, "1210", CALL),
    ("a file on glm-4v-plus", {**OLD_VISION, **part(type="file_url", file_url={"url": PICTURE_URL})}, "1210", CALL),
    ("a file in base64", {**VISION, **part(type="file_url", file_url={"url": BASE64})}, "1210", PICTURE),
    (
        "a file beside an image",
        {
            **VISION,
            **said(
                {
                    "role": "user",
                    "content": [
                        {"type": "file_url", "file_url": {"url": PICTURE_URL}},
                        {"type": "image_url", "image_url": {"url": PICTURE_URL}},
                    ],
                }
            ),
        },
        "1210",
        CALL,
    ),
    ("a result of an unknown call", history(results=("call_2",)), "1214", MESSAGES),
    ("a result without an id", said(USER, {"role": "tool", "content": "x"}), "1214", MESSAGES),
    ("a call without a result", history(results=()), "1214", MESSAGES),
    ("one result of two calls", history(call(), call("call_2")), "1214", MESSAGES),
    ("a call whose result comes too late", said(*history(results=())["messages"], USER), "1214", MESSAGES),
    (
        "a call without arguments",
        history(call(arguments=None)),
        "1214",
        "messages.tool_calls[0].function.arguments:不能为空",
    ),
    ("a call of another type", history({**call(), "type": "custom"}), "1214", MESSAGES),
    ("temperature, too high", {"temperature": 1.01}, "1210", "temperature参数非法：限制数值范围[0,1]"),
    ("temperature, negative", {"temperature": -0.1}, "1210", "temperature参数非法：限制数值范围[0,1]"),
    ("temperature, three decimals", {"temperature": 0.123}, "1210", "temperature参数非法：限制小数点[2]位"),
    ("temperature, type", {"temperature": "1"}, "1214", "temperature参数非法。请检查文档。"),
    ("temperature on an early model", {**EARLY, "temperature": 1.5}, "1214", "temperature参数非法。请检查文档。"),
    ("top_p, 0", {"top_p": 0}, "1210", "top_p参数非法：限制数值范围[0.01,1]"),
    ("top_p, too high", {"top_p": 1.1}, "1210", "top_p参数非法：限制数值范围[0.01,1]"),
    ("max_tokens, 0", {"max_tokens": 0}, "1210", "max_tokens参数非法：限制数值范围[1,131072]"),
    ("max_tokens, over the cap", {"max_tokens": 131_073}, "1210", "max_tokens参数非法：限制数值范围[1,131072]"),
    ("max_tokens on an early model", {**EARLY, "max_tokens": 4096}, "1214", "max_tokens参数非法。请检查文档。"),
    ("max_tokens, type", {"max_tokens": 1.5}, "1214", ""),
    ("stop, a string", {"stop": "x"}, "1214", "stop参数非法。请检查文档。"),
    ("stop, two", {"stop": ["x", "y"]}, "1214", "stop:最大只能有1个停止词"),
    ("stop, type", {"stop": [1]}, "1214", ""),
    ("stream, type", {"stream": "yes"}, "1214", ""),
    ("tool_stream, type", {"tool_stream": 1}, "1214", ""),
    ("do_sample, type", {"do_sample": 0}, "1214", ""),
    ("tools, 129", {"tools": [function(f"f{i}") for i in range(129)]}, "1214", "tools参数非法。请检查文档。"),
    ("tools, another type", {"tools": [{"type": "custom", "custom": {"name": "f"}}]}, "1214", ""),
    ("a function without a name", tool(name=None), "1214", "tools[0].function.name:不能为空"),
    ("a function with a space in its name", tool(name="a b"), "1214", ""),
    ("a function with 65 characters in its name", tool(name="f" * 65), "1214", ""),
    ("a function without a description", tool(description=None), "1214", "tools[0].function.description:不能为空"),
    ("a function without parameters", tool(parameters=None), "1214", "tools[0].function.parameters:不能为空"),
    ("a function whose parameters are a list", tool(parameters=[]), "1214", ""),
    ("functions on a vision model of 2024", {**OLD_VISION, "tools": [WEATHER]}, "1210", CALL),
    ("functions on glm-4.5v", {"model": "glm-4.5v", "tools": [WEATHER]}, "1210", CALL),
    ("a search on a vision model", {**VISION, **search()}, "1210", CALL),
    ("a search of 51", search(count=51), "1214", "web_search.count参数非法。请检查文档。"),
    ("a search of an unknown time", search(search_recency_filter="oneHour"), "1214", ""),
    ("a search of an unknown size", search(content_size="low"), "1214", ""),
    ("a search in an unknown place", search(result_sequence="within"), "1214", ""),
    ("retrieval without an id", {"tools": [{"type": "retrieval", "retrieval": {}}]}, "1214", ""),
    ("mcp without a server", {"tools": [{"type": "mcp", "mcp": {}}]}, "1214", ""),
    *(
        (f"tool_choice {value}", {"tools": [WEATHER], "tool_choice": value}, "1214", CHOICE)
        for value in ("none", "required", NAMED)
    ),
    ("tool_choice without tools", {"tool_choice": "none"}, "1214", CHOICE),
    ("tool_choice on a vision model of 2024", {**OLD_VISION, "tool_choice": "auto"}, "1214", CHOICE),
    ("response_format, unknown", {"response_format": {"type": "xml"}}, "1214", ""),
    ("response_format, type", {"response_format": "json_object"}, "1214", ""),
    ("json_object on a vision model of 2024", {**OLD_VISION, "response_format": {"type": "json_object"}}, "1210", CALL),
    ("json_object on glm-4.6v", {**VISION, "response_format": {"type": "json_object"}}, "1210", CALL),
    ("thinking, a boolean", {"thinking": True}, "1214", "thinking参数非法。请检查文档。"),
    ("thinking, another type", {"thinking": {"type": "auto"}}, "1214", ""),
    ("clear_thinking, type", {"thinking": {"type": "enabled", "clear_thinking": "no"}}, "1214", ""),
    ("thinking disabled on glm-5.3", ALWAYS, "1210", ALWAYS_THINKS),
    ("thinking disabled on glm-5.3-flash", {"model": "glm-5.3-flash"}, "1210", ALWAYS_THINKS),
    *(
        (f"effort {value} on glm-5.3", {**ALWAYS, "thinking": None, "reasoning_effort": value}, "1210", ALWAYS_THINKS)
        for value in ("none", "minimal", "medium", "xhigh")
    ),
    ("an unknown effort on glm-5.2", {**MAPPED, "reasoning_effort": "ultra"}, "1214", ""),
    ("user_id, 5", {"user_id": "abcde"}, "1214", "user_id参数非法。请检查文档。"),
    ("user_id, 129", {"user_id": "a" * 129}, "1214", "user_id参数非法。请检查文档。"),
    ("user_id, type", {"user_id": 123_456}, "1214", ""),
    ("request_id, 5", {"request_id": "abcde"}, "1214", "request_id参数非法。请检查文档。"),
    ("request_id, 65", {"request_id": "a" * 65}, "1214", "request_id参数非法。请检查文档。"),
    ("a prompt that is too long", said({"role": "user", "content": "w " * 204_800}), "1261", "Prompt 超长"),
]

TAKEN: list[tuple[str, Json]] = [
    ("sampling at the ends of its ranges", {"temperature": 0, "top_p": 0.01}),
    ("sampling at the other ends", {"temperature": 1, "top_p": 1}),
    ("two decimals", {"temperature": 0.07, "top_p": 0.95}),
    ("three decimals on an early model", {**EARLY, "temperature": 0.123}),
    ("max_tokens at the cap", {"max_tokens": 131_072}),
    ("one stop word", {"stop": ["x"]}),
    (
        "members that are not in the spec",
        {"n": 2, "seed": 1, "logprobs": True, "presence_penalty": 3, "parallel_tool_calls": False, "user": "u"},
    ),
    ("max_completion_tokens of any size", {"max_completion_tokens": 1 << 30}),
    ("stream_options without a stream", {"stream_options": {"include_usage": True}}),
    ("an assistant message without content", said(USER, {"role": "assistant"}, USER)),
    ("a call and its result", history()),
    ("two calls and their results in another order", history(call(), call("b"), results=("b", "call_1"))),
    (
        "earlier reasoning",
        said(USER, {"role": "assistant", "content": "x", "reasoning_content": "y"}, USER),
    ),
    ("text parts on a vision model", {**VISION, **said({"role": "user", "content": [{"type": "text", "text": "x"}]})}),
    ("an image by its URL", {**VISION, **picture(PICTURE_URL)}),
    ("an image as bare base64", {**VISION, **picture(BASE64)}),
    ("an image on glm-4v", {"model": "glm-4v", **picture(BASE64)}),
    ("an image on glm-5.3-flash", {"model": "glm-5.3-flash", "thinking": None, **picture(BASE64)}),
    ("a video", {**OLD_VISION, **part(type="video_url", video_url={"url": PICTURE_URL})}),
    ("a file", {**VISION, **part(type="file_url", file_url={"url": PICTURE_URL})}),
    ("a result on a vision model with functions", {**VISION, **history()}),
    ("128 tools", {"tools": [function(f"f{i}") for i in range(128)]}),
    ("an empty description", tool()),
    ("a name of 64 characters", tool(name="f-_" + "f" * 61)),
    ("functions on glm-4.6v", {**VISION, "tools": [WEATHER], "tool_choice": "auto"}),
    ("functions on glm-4-air", {**EARLY, "tools": [WEATHER]}),
    ("a search", search(count=50, search_engine="search_std", search_recency_filter="noLimit")),
    (
        "tools of the vendor",
        {
            "tools": [
                {"type": "retrieval", "retrieval": {"knowledge_id": "1"}},
                {"type": "mcp", "mcp": {"server_label": "a"}},
            ]
        },
    ),
    ("response_format text on a vision model", {**VISION, "response_format": {"type": "text"}}),
    (
        "json_object on glm-5.3-flash",
        {"model": "glm-5.3-flash", "thinking": None, "response_format": {"type": "json_object"}},
    ),
    ("thinking on an early model", {**EARLY, "thinking": {"type": "auto"}}),
    ("an effort on a model without efforts", {"reasoning_effort": "ultra"}),
    ("an effort while thinking is disabled", {**MAPPED, "thinking": {"type": "disabled"}, "reasoning_effort": "ultra"}),
    *(
        (f"effort {value} on glm-5.3", {**ALWAYS, "thinking": None, "reasoning_effort": value})
        for value in ("low", "high", "max")
    ),
    *((f"effort {value} on glm-5.2", {**MAPPED, "reasoning_effort": value}) for value in ("none", "medium", "xhigh")),
    ("user_id, 6", {"user_id": "abcdef"}),
    ("user_id, 128", {"user_id": "字" * 128}),
    ("request_id, 64", {"request_id": "a" * 64}),
]


@pytest.mark.parametrize(("more", "code", "wording"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_zhipu_refuses_it_with_400_a_code_and_its_own_words(more: Json, code: str, wording: str) -> None:
    answer = got(chat("zhipu", **more))
    assert answer.status == 400
    assert set(answer.json["error"]) == {"code", "message"}
    assert answer.json["error"]["code"] == code
    if wording:
        assert answer.json["error"]["message"] == wording


@pytest.mark.parametrize("more", [row[1] for row in TAKEN], ids=[row[0] for row in TAKEN])
def test_zhipu_takes_it(more: Json) -> None:
    answer = got(chat("zhipu", **more))
    assert answer.status == 200, answer.body
    assert len(answer.json["choices"]) == 1


@pytest.mark.parametrize(
    ("body", "code"), [(b"", "1210"), (b"{", "1210"), (b"null", "1210"), (b"[]", "1210"), (b"{}", "1213")]
)
def test_a_body_that_is_no_request_is_refused_with_400(body: bytes, code: str) -> None:
    answer = got(body)
    assert (answer.status, answer.json["error"]["code"]) == (400, code)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            {"messages": [{"role": "system", "content": "x"}]},
            "The messages parameter is illegal. Please check the documentation.",
        ),
        ({"temperature": 2}, "The temperature parameter is illegal.：限制数值范围[0,1]"),
        ({"tool_choice": "required"}, "Tool choice must be auto"),
        ({"model": "none"}, "Unknown Model, please check the model code."),
    ],
)
def test_messages_are_english_if_the_client_prefers_it(more: Json, message: str) -> None:
    answer = got(chat("zhipu", **more), headers={"accept-language": "en-US,en"})
    assert answer.json["error"]["message"] == message
    in_chinese = got(chat("zhipu", **more), headers={"accept-language": "zh-CN,zh;q=0.9,en;q=0.8"})
    assert in_chinese.json["error"]["message"] != message


def test_the_coding_plan_takes_disabled_thinking_and_still_thinks() -> None:
    answer = got(chat("zhipu", **ALWAYS), PLAN)
    assert answer.status == 200
    assert answer.json["choices"][0]["message"]["reasoning_content"] == "Thinking about: Hello"


@pytest.mark.parametrize("model", ["gpt-4o", "glm-4", "glm-3-turbo", "GLM-4.6", ""])
def test_zhipu_refuses_unknown_and_retired_models_with_400(model: str) -> None:
    answer = got(chat("zhipu", model=model))
    error = {"code": "1211", "message": "模型不存在，请检查模型代码。"}
    assert (answer.status, answer.json) == (400, {"error": error})


def test_retired_models_are_served_by_an_option() -> None:
    assert got(chat("zhipu", model="glm-4"), environ=RETIRED).status == 200


def test_a_request_id_can_be_used_once() -> None:
    async def main(emulator: Emulator) -> list[Raw]:
        body = chat("zhipu", request_id="tenant-42-0001")
        refused = await send(emulator, {**body, "temperature": 2})
        return [refused, await send(emulator, body), await send(emulator, body)]

    refused, first, again = with_emulator("zhipu", main)
    assert (refused.status, first.status, again.status) == (400, 200, 400)
    assert first.json["request_id"] == "tenant-42-0001"
    assert again.json["error"] == {"code": "1231", "message": "您已有请求：tenant-42-0001"}


@pytest.mark.parametrize(
    "path",
    [
        *("/images/generations", "/audio/speech", "/files", "/batches", "/moderations", "/rerank", "/completions"),
        *("/async/chat/completions", "//chat/completions", "//v1/chat/completions", "//api/coding/paas/v4/embeddings"),
    ],
)
def test_an_endpoint_that_is_not_emulated_gets_404(path: str) -> None:
    answer = got({}, path)
    assert (answer.status, answer.json["error"]["code"]) == (404, "1222")


EMBEDDINGS: list[tuple[str, Json, str, str]] = [
    ("an unknown model", {"model": "text-embedding-3-small"}, "1211", ""),
    ("a model for chat", {"model": "glm-4.6"}, "1212", ""),
    ("no input", {"input": None}, "1213", "未正常接收到input参数。"),
    ("an empty list", {"input": []}, "1214", "input参数非法。请检查文档。"),
    ("an empty text", {"input": ["a", ""]}, "1213", "未正常接收到prompt参数。"),
    ("token ids", {"input": [1, 2]}, "1214", ""),
    ("65 texts", {"input": ["a"] * 65}, "1214", "input数组最大不得超过64条"),
    ("a text of 3073 tokens", {"input": "w " * 3073}, "1214", ""),
    ("an unknown width", {"dimensions": 768}, "1214", "dimensions参数非法。请检查文档。"),
    ("dimensions on embedding-2", {"model": "embedding-2", "dimensions": 1024}, "1214", ""),
    ("a text of 513 tokens on embedding-2", {"model": "embedding-2", "input": "w " * 513}, "1214", ""),
    ("8193 tokens in all on embedding-2", {"model": "embedding-2", "input": ["w " * 512] * 16 + ["w"]}, "1214", ""),
    ("a short request_id", {"request_id": "a"}, "1214", ""),
]


@pytest.mark.parametrize(
    ("more", "code", "wording"), [row[1:] for row in EMBEDDINGS], ids=[row[0] for row in EMBEDDINGS]
)
def test_embeddings_refuse_what_is_over_their_limits(more: Json, code: str, wording: str) -> None:
    answer = got({"model": "embedding-3", "input": "a", **more}, "/embeddings")
    assert (answer.status, answer.json["error"]["code"]) == (400, code)
    if wording:
        assert answer.json["error"]["message"] == wording


def test_embeddings_take_as_much_as_their_limits_allow() -> None:
    assert got({"model": "embedding-3", "input": ["w " * 3072] * 64}, "/embeddings").status == 200
    assert got({"model": "embedding-2", "input": ["w " * 512] * 16}, "/embeddings").status == 200


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"model": "glm-5.3"}, "1211"),
        ({"messages": []}, "1214"),
        ({"tools": [{"type": "function"}]}, "1214"),
        ({"request_id": "a"}, "1214"),
    ],
)
def test_the_tokenizer_refuses_what_it_cannot_count(more: Json, code: str) -> None:
    answer = got({"model": "glm-4.6", "messages": [USER], **more}, "/tokenizer")
    assert (answer.status, answer.json["error"]["code"]) == (400, code)


FAULTS = [
    ("quota", 429, "1113", "余额不足或无可用资源包,请充值。"),
    ("inspection", 400, "1301", "系统检测到输入或生成内容可能包含不安全或敏感内容"),
    ("bad_key", 401, "1000", "身份验证失败。"),
    ("model_missing", 400, "1211", "模型不存在，请检查模型代码。"),
    ("context", 400, "1261", "Prompt 超长"),
    ("rate_limit", 429, "1302", "您的账户已达到速率限制，请您控制请求频率"),
    ("overloaded", 429, "1305", "该模型当前访问量过大，请您稍后再试"),
    ("error_500", 500, "500", "内部错误"),
]


@pytest.mark.parametrize(("fault", "status", "code", "wording"), FAULTS)
def test_a_fault_in_zhipus_words_has_its_row_of_the_error_table(
    fault: str, status: int, code: str, wording: str
) -> None:
    async def main(emulator: Emulator) -> Raw:
        return await send(emulator, chat("zhipu"))

    answer = with_emulator("zhipu", main, faults=[fault])
    assert (answer.status, answer.json["error"]["code"]) == (status, code)
    assert wording in answer.json["error"]["message"]
    assert "retry-after" not in answer.headers
    verdict = [{"level": 1, "role": "user"}] if fault == "inspection" else None
    assert answer.json.get("contentFilter") == verdict


def test_a_rate_limit_with_a_long_wait_is_one_of_frequency() -> None:
    async def main(emulator: Emulator) -> Raw:
        return await send(emulator, chat("zhipu"))

    answer = with_emulator("zhipu", main, faults=["rate_limit=7"])
    assert (answer.status, answer.json["error"]["code"], answer.headers["retry-after"]) == (429, "1303", "7")
