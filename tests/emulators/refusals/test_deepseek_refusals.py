"""Each request that DeepSeek refuses, one row each, beside a request that it accepts.

Texts that the vendor's sheet quotes are compared; otherwise only the status, the type and the code are.
"""

import asyncio
from typing import Any

import pytest

from emulators import Emulator
from tests.emulators.helpers import WEATHER, Json, Raw, chat, function, send, with_emulator

USER = {"role": "user", "content": "Hi"}
THINKING: Json = {"thinking": {"type": "enabled"}}
PRO = {"model": "deepseek-v4-pro"}
OLD_CHAT = {"model": "deepseek-chat"}
OLD_REASONER = {"model": "deepseek-reasoner"}
PNG = "data:image/png;base64,aGVsbG8h"
NAMED = {"type": "function", "function": {"name": "get_weather"}}
LATE = {"BANJIA_EMULATOR_RETIRED": "1"}
EARLY = {"BANJIA_EMULATOR_RETIRED": "2025"}
REASONING_MISSING = "The `reasoning_content` in the thinking mode must be passed back to the API."
NO_TOOL_CHOICE = "Thinking mode does not support this tool_choice"
SERDE = "Failed to deserialize the JSON body into the target type: "
ROLES = "`system`, `user`, `assistant`, `tool`"
PARTS = [{"type": "text", "text": "x"}]
STRICT_SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}


def said(*messages: Json) -> Json:
    return {"messages": list(messages)}


def part(**members: Any) -> Json:
    return said({"role": "user", "content": [{"type": "text", "text": "see"}, members]})


def picture(url: str, **more: Any) -> Json:
    return part(type="image_url", image_url={"url": url, **more})


def history(**assistant: Any) -> Json:
    call = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    turn = {"role": "assistant", "tool_calls": [call], **assistant}
    return said(USER, turn, {"role": "tool", "tool_call_id": "call_1", "content": "x"})


def strict(schema: Json | None = None, **more: Any) -> Json:
    return {
        "type": "function",
        "function": {"name": "f", "strict": True, "parameters": schema or STRICT_SCHEMA, **more},
    }


def got(body: Any, path: str = "/chat/completions", environ: dict[str, str] | None = None, **more: Any) -> Raw:
    async def main(emulator: Emulator) -> Raw:
        return await send(emulator, body, path, **more)

    return with_emulator("deepseek", main, environ=environ)


REFUSED: list[tuple[str, Json, str]] = [
    ("model, type", {"model": 3}, f"{SERDE}invalid type: integer `3`, expected a string at line 1 column "),
    ("messages, type", {"messages": "Hi"}, ""),
    ("messages, none", {"messages": []}, ""),
    ("message, type", {"messages": ["Hi"]}, ""),
    (
        "role developer",
        said({"role": "developer", "content": "x"}, USER),
        f"{SERDE}messages[0].role: unknown variant `developer`, expected one of {ROLES} at line 1 column ",
    ),
    (
        "role in upper case",
        said(USER, {"role": "Tool", "content": "x"}),
        f"{SERDE}messages[1].role: unknown variant `Tool`, expected one of {ROLES} at line 1 column ",
    ),
    ("role function", said(USER, {"role": "function", "name": "f", "content": "x"}), "unknown variant `function`"),
    ("role, absent", said({"content": "x"}), "messages[0]: missing field `role` at line 1 column "),
    ("content, absent", said(USER, {"role": "user"}), f"{SERDE}messages[1]: missing field `content` at line 1 column "),
    ("content, null", said({"role": "user", "content": None}), ""),
    (
        "parts in a system message",
        said(USER, {"role": "system", "content": PARTS}),
        f"{SERDE}messages[1]: invalid type: sequence, expected a string at line 1 column ",
    ),
    (
        "parts in an assistant message",
        said(USER, {"role": "assistant", "content": PARTS}, USER),
        "messages[1]: invalid type: sequence, expected a string at line ",
    ),
    (
        "parts in a tool message",
        said(USER, history()["messages"][1], {"role": "tool", "tool_call_id": "call_1", "content": PARTS}),
        "messages[2]: invalid type: sequence, expected a string at line ",
    ),
    ("name, type", said({**USER, "name": 3}), ""),
    ("assistant without content", said(USER, {"role": "assistant"}, USER), "content or tool_calls must be set"),
    (
        "assistant with null content",
        said(USER, {"role": "assistant", "content": None, "tool_calls": []}, USER),
        "content or tool_calls must be set",
    ),
    ("tool_calls, no arguments", history(tool_calls=[{"id": "call_1", "type": "function", "function": {}}]), ""),
    ("tool_call_id, absent", said(USER, {"role": "tool", "content": "x"}), "missing field `tool_call_id`"),
    ("tool_call_id, unknown", said(USER, {"role": "tool", "tool_call_id": "none", "content": "x"}), ""),
    ("part, unknown", part(type="input_audio", input_audio={}), "data did not match any variant of untagged enum"),
    (
        "image_url, pro",
        {**PRO, **picture(PNG)},
        f"{SERDE}messages[0]: data did not match any variant of untagged enum ChatCompletionRequestContent at line ",
    ),
    ("image_url, bare", part(type="image_url", image_url=PNG), "ChatCompletionRequestContent"),
    ("image_url, detail auto", picture(PNG, detail="auto"), "ChatCompletionRequestContent"),
    ("image_url, format", picture("data:image/svg+xml;base64,aGVsbG8h"), ""),
    ("image_url, no base64", picture("data:image/png;base64,%%%"), ""),
    (
        "image_url, 601",
        said({"role": "user", "content": [{"type": "image_url", "image_url": {"url": PNG}}] * 601}),
        "",
    ),
    ("file inside an object", part(type="file", file={"file_id": "file-1"}), "ChatCompletionRequestContent"),
    ("file, pro", {**PRO, **part(type="file", file_id="file-1")}, "ChatCompletionRequestContent"),
    ("file, unknown", part(type="file", file_id="none"), ""),
    ("temperature, too high", {"temperature": 2.1}, ""),
    ("temperature, too high in thinking mode", {**THINKING, "temperature": 3}, ""),
    ("temperature, type", {"temperature": "0.5"}, f"{SERDE}temperature: invalid type: string"),
    ("top_p", {"top_p": 1.01}, ""),
    ("max_tokens, 0", {"max_tokens": 0}, "Invalid max_tokens value, the valid range of max_tokens is [1, 393216]"),
    (
        "max_tokens, over the cap",
        {"max_tokens": 393_217},
        "Invalid max_tokens value, the valid range of max_tokens is [1, 393216]",
    ),
    ("max_tokens, type", {"max_tokens": 1.5}, "invalid type: floating point `1.5`"),
    ("stop, 17", {"stop": ["x"] * 17}, ""),
    ("stop, type", {"stop": [1]}, ""),
    ("stream, type", {"stream": "yes"}, ""),
    ("stream_options, type", {"stream": True, "stream_options": []}, ""),
    ("top_logprobs, 21", {"logprobs": True, "top_logprobs": 21}, ""),
    ("top_logprobs without logprobs", {"top_logprobs": 2}, ""),
    (
        "response_format json_schema",
        {"response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": {}}}},
        "unknown variant `json_schema`, expected `text` or `json_object`",
    ),
    ("json_object without the word json", {"response_format": {"type": "json_object"}}, ""),
    ("tools, 129", {"tools": [function(f"f{i}") for i in range(129)]}, ""),
    (
        "tools, type",
        {"tools": [{"type": "custom", "custom": {"name": "f"}}]},
        f"{SERDE}tools[0]: unknown variant `custom`, expected `function` at line ",
    ),
    ("tools, no name", {"tools": [{"type": "function", "function": {}}]}, "missing field `name`"),
    ("tools of the vendor, pro", {**PRO, "tools": [{"type": "deepseek_web_search"}]}, ""),
    ("strict tools off beta", {"tools": [strict()]}, ""),
    ("tool_choice required, thinking", {**THINKING, "tools": [WEATHER], "tool_choice": "required"}, NO_TOOL_CHOICE),
    ("tool_choice named, thinking", {**THINKING, "tools": [WEATHER], "tool_choice": NAMED}, NO_TOOL_CHOICE),
    (
        "tool_choice required, thinking by default",
        {"thinking": None, "tools": [WEATHER], "tool_choice": "required"},
        NO_TOOL_CHOICE,
    ),
    ("tool_choice, unknown", {"tools": [WEATHER], "tool_choice": "any"}, "unknown variant `any`"),
    ("tool_choice without tools", {"tool_choice": "required"}, ""),
    ("tool_choice, absent function", {"tools": [function("other")], "tool_choice": NAMED}, ""),
    (
        "tool_choice required with safety_check high",
        {"safety_check": {"level": "high"}, "tools": [WEATHER], "tool_choice": "required"},
        "",
    ),
    ("safety_check, level", {"safety_check": {"level": "medium"}}, ""),
    ("thinking, type", {"thinking": {"type": "auto"}}, "unknown variant `auto`, expected `enabled` or `disabled`"),
    ("thinking, boolean", {"thinking": True}, ""),
    ("reasoning_effort none", {"reasoning_effort": "none"}, "unknown variant `none`, expected one of `minimal`"),
    ("user_id, 513 bytes", {"user_id": "字" * 171}, ""),
    ("prefix off beta", said(USER, {"role": "assistant", "content": "You", "prefix": True}), ""),
    ("reasoning_content, absent", {**THINKING, **history(content="")}, REASONING_MISSING),
    ("reasoning_content, absent by default", {"thinking": None, **history()}, REASONING_MISSING),
    ("reasoning_content, null", {**PRO, **THINKING, **history(reasoning_content=None)}, REASONING_MISSING),
    ("reasoning_content, empty", {**THINKING, **history(reasoning_content="")}, REASONING_MISSING),
    (
        "reasoning_content, absent in an earlier turn",
        {**THINKING, **said(*history()["messages"], {"role": "assistant", "content": "4 degrees"}, USER)},
        REASONING_MISSING,
    ),
    ("a prompt that is too long", said({"role": "user", "content": "w " * 1_048_576}), "maximum context length"),
]

TAKEN: list[tuple[str, Json]] = [
    ("sampling in thinking mode", {**THINKING, "temperature": 2, "top_p": 0.2}),
    ("penalties of any size", {"frequency_penalty": 3, "presence_penalty": -3}),
    ("members that no schema has", {"n": 2, "seed": 1, "logit_bias": {}, "user": "u", "store": True, "x": 1}),
    ("max_completion_tokens of any size", {"max_completion_tokens": 1 << 30}),
    ("max_tokens at the cap", {"max_tokens": 393_216}),
    ("stop, 16", {"stop": ["x"] * 16}),
    ("names", said({"role": "system", "content": "x", "name": "a"}, {**USER, "name": "b"})),
    ("user parts", said({"role": "user", "content": PARTS})),
    ("text parts, pro", {**PRO, **said({"role": "user", "content": PARTS})}),
    ("image_url, data", picture(PNG, detail="low")),
    ("image_url, public", picture("https://example.invalid/x.png")),
    ("file", part(type="file", file_id="file-1")),
    ("absent content beside tool_calls", history()),
    ("null content beside tool_calls", history(content=None)),
    ("an empty assistant message", said(USER, {"role": "assistant", "content": ""}, USER)),
    ("reasoning_content, a space", {**THINKING, **history(reasoning_content=" ")}),
    ("reasoning_content without tool calls", {**THINKING, **said(USER, {**USER, "role": "assistant"}, USER)}),
    (
        "reasoning_content without tool calls, sent",
        said(USER, {"role": "assistant", "content": "x", "reasoning_content": "y"}, USER),
    ),
    ("tools, 128", {"tools": [function(f"f{i}") for i in range(128)]}),
    ("tools of the vendor, flash", {"tools": [{"type": "deepseek_web_search"}, {"type": "deepseek_read_url"}]}),
    ("strict false off beta", {"tools": [strict(strict=False)]}),
    ("tool_choice auto in thinking mode", {**THINKING, "tools": [WEATHER], "tool_choice": "auto"}),
    ("tool_choice none in thinking mode", {**THINKING, "tools": [WEATHER], "tool_choice": "none"}),
    ("tool_choice named", {"tools": [WEATHER], "tool_choice": NAMED}),
    (
        "tool_choice auto with safety_check high",
        {"safety_check": {"level": "high"}, "tools": [WEATHER], "tool_choice": "auto"},
    ),
    *((f"reasoning_effort {effort}", {"reasoning_effort": effort}) for effort in ("minimal", "xhigh", "ultra", "max")),
    ("user_id, 512 bytes and odd characters", {"user_id": "字" * 170 + "!?"}),
    ("top_logprobs, 20", {"logprobs": True, "top_logprobs": 20}),
]


@pytest.mark.parametrize(("more", "wording"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_deepseek_refuses_it_with_400_and_its_own_words(more: Json, wording: str) -> None:
    answer = got(chat("deepseek", **more))
    assert answer.status == 400
    error = answer.json["error"]
    assert wording in error["message"]
    assert error["type"] == "invalid_request_error"
    if wording != NO_TOOL_CHOICE:
        assert (set(error), error["param"]) == ({"message", "type", "param", "code"}, None)
        assert error["code"] == "invalid_request_error"


@pytest.mark.parametrize("more", [row[1] for row in TAKEN], ids=[row[0] for row in TAKEN])
def test_deepseek_takes_it(more: Json) -> None:
    answer = got(chat("deepseek", **more))
    assert (answer.status, answer.json["object"]) == (200, "chat.completion")
    assert len(answer.json["choices"]) == 1


def test_the_error_of_a_forced_tool_in_thinking_mode_has_two_members() -> None:
    answer = got(chat("deepseek", **THINKING, tools=[WEATHER], tool_choice="required"))
    assert answer.json == {"error": {"message": NO_TOOL_CHOICE, "type": "invalid_request_error"}}


def test_the_schema_is_checked_before_the_model_and_the_model_before_the_values() -> None:
    assert "temperature" in got(chat("deepseek", model="none", temperature="x")).json["error"]["message"]
    assert got(chat("deepseek", model="none", temperature=9)).json["error"]["message"] == "Model Not Exist"


@pytest.mark.parametrize("body", [b"", b"{", b"null", b"[]", b'{"messages": []}', b'{"model": "deepseek-flash"}'])
def test_a_body_that_is_no_request_is_refused_with_400(body: bytes) -> None:
    answer = got(body)
    assert (answer.status, answer.json["error"]["code"]) == (400, "invalid_request_error")


def test_the_position_of_a_mismatch_counts_lines_and_columns() -> None:
    body = b'{"model": "deepseek-flash",\n"messages": [{"role": "user"}]\n}'
    message = got(body).json["error"]["message"]
    assert message == f"{SERDE}messages[0]: missing field `content` at line 3 column 1"


HEADER = "Authentication Fails (auth header format should be Bearer sk-...)"


@pytest.mark.parametrize(
    ("authorization", "message"),
    [
        ("Bearer sk-wrong-1234", "Authentication Fails, Your api key: ****1234 is invalid"),
        ("", HEADER),
        ("Bearer ", HEADER),
        ("Basic abc", HEADER),
        ("sk-emulated-deepseek-0000000000000001", HEADER),
    ],
)
def test_deepseek_refuses_a_key_that_is_wrong_or_missing(authorization: str, message: str) -> None:
    answer = got(chat("deepseek"), headers={"authorization": authorization})
    error = {"message": message, "type": "authentication_error", "param": None, "code": "invalid_request_error"}
    assert (answer.status, answer.json) == (401, {"error": error})


NOT_EXIST = {
    "message": "Model Not Exist",
    "type": "invalid_request_error",
    "param": None,
    "code": "invalid_request_error",
}


@pytest.mark.parametrize("model", ["gpt-4o", "deepseek-chat", "deepseek-reasoner", "deepseek-coder", ""])
def test_deepseek_refuses_unknown_and_retired_models_with_400(model: str) -> None:
    answer = got(chat("deepseek", model=model))
    assert (answer.status, answer.json) == (400, {"error": NOT_EXIST})


@pytest.mark.parametrize(
    "path",
    [
        *("/embeddings", "/images/generations", "/batches", "/moderations", "/rerank", "/audio/speech"),
        *("/completions", "/v1/completions", "/beta/models", "/v1/beta/completions", "/v2/chat/completions"),
    ],
)
def test_deepseek_has_no_such_endpoint(path: str) -> None:
    answer = got({}, path)
    assert (answer.status, answer.json["error"]["code"]) == (404, "invalid_request_error")


@pytest.mark.parametrize(
    ("label", "tools"),
    [
        ("not all tools are strict", [strict(), WEATHER]),
        ("additionalProperties is absent", [strict({"type": "object", "properties": {}})]),
        ("a property is optional", [strict({**STRICT_SCHEMA, "required": []})]),
        (
            "an inner property is optional",
            [
                strict(
                    {
                        **STRICT_SCHEMA,
                        "properties": {"a": {"type": "array", "items": {**STRICT_SCHEMA, "required": []}}},
                    }
                )
            ],
        ),
    ],
)
def test_beta_refuses_strict_tools_outside_its_subset(label: str, tools: list[Json]) -> None:
    assert got(chat("deepseek", tools=tools), "/beta/chat/completions").status == 400, label


def test_beta_refuses_a_strict_schema_that_is_too_deep() -> None:
    schema = b'{"items":' * 1000 + b"{}" + b"}" * 1000
    tool = b'{"type":"function","function":{"name":"f","strict":true,"parameters":%s}}' % schema
    body = b'{"model":"deepseek-flash","messages":[{"role":"user","content":"f"}],"tools":[%s]}' % tool
    assert got(body, "/beta/chat/completions").status == 400


def test_beta_takes_strict_tools_in_its_subset() -> None:
    assert got(chat("deepseek", tools=[strict(), strict(name="g")]), "/beta/chat/completions").status == 200
    assert got(chat("deepseek", tools=[WEATHER]), "/beta/chat/completions").status == 200


def test_beta_takes_a_prefix_in_the_last_message_only() -> None:
    prefix = {"role": "assistant", "content": "You", "prefix": True}
    assert got(chat("deepseek", **said(USER, prefix)), "/beta/chat/completions").status == 200
    assert got(chat("deepseek", **said(USER, prefix, USER)), "/beta/chat/completions").status == 400


FIM: Json = {"model": "deepseek-flash", "prompt": "def f(", "suffix": "return a"}


@pytest.mark.parametrize(
    ("more", "wording"),
    [
        ({"prompt": ["a"]}, "invalid type: sequence, expected a string"),
        ({"suffix": 1}, "invalid type: integer `1`"),
        ({"echo": "yes"}, ""),
        ({"logprobs": 21}, ""),
        ({"logprobs": True}, ""),
        ({"max_tokens": 4097}, "the valid range of max_tokens is [1, 4096]"),
        ({"temperature": 3}, ""),
        ({"presence_penalty": 3}, ""),
        ({"model": "none"}, "Model Not Exist"),
    ],
)
def test_fim_refuses_what_is_outside_its_schema(more: Json, wording: str) -> None:
    answer = got({**FIM, **more}, "/beta/completions")
    assert answer.status == 400
    assert wording in answer.json["error"]["message"]


OF_R1: list[tuple[str, Json]] = [
    (
        "reasoning_content in the history",
        said(USER, {"role": "assistant", "content": "x", "reasoning_content": "y"}, USER),
    ),
    ("tools", {"tools": [WEATHER]}),
    ("json_object", {"messages": [{"role": "user", "content": "json"}], "response_format": {"type": "json_object"}}),
    ("logprobs", {"logprobs": True}),
    ("max_tokens over 8192", {"max_tokens": 8193}),
]


@pytest.mark.parametrize("more", [row[1] for row in OF_R1], ids=[row[0] for row in OF_R1])
def test_r1_refuses_what_its_successors_take(more: Json) -> None:
    body = {**chat("deepseek", **OLD_REASONER), **more}
    assert got(body, environ=EARLY).status == 400
    assert got(body, environ=LATE).status == 200


def test_the_reasoner_of_late_2025_needs_reasoning_content_beside_tool_calls() -> None:
    assert (
        got(chat("deepseek", **OLD_REASONER, **history()), environ=LATE).json["error"]["message"] == REASONING_MISSING
    )
    assert got(chat("deepseek", **OLD_CHAT, **history()), environ=LATE).status == 200


@pytest.mark.parametrize(
    ("model", "environ", "most"), [(OLD_CHAT, LATE, 8192), (OLD_REASONER, LATE, 65536), (OLD_REASONER, EARLY, 8192)]
)
def test_the_range_of_max_tokens_follows_the_model(model: Json, environ: dict[str, str], most: int) -> None:
    answer = got(chat("deepseek", **model, max_tokens=most + 1), environ=environ)
    assert answer.json["error"]["message"].endswith(f"the valid range of max_tokens is [1, {most}]")
    assert got(chat("deepseek", **model, max_tokens=most), environ=environ).status == 200


def test_old_models_check_the_range_of_penalties() -> None:
    assert got(chat("deepseek", **OLD_CHAT, presence_penalty=2.5), environ=LATE).status == 400


def test_a_mismatch_got_422_in_early_2025() -> None:
    answer = got(chat("deepseek", **said({"role": "developer", "content": "x"})), environ=EARLY)
    assert (answer.status, answer.json["error"]["type"]) == (422, "invalid_request_error")
    assert got(chat("deepseek", model="none"), environ=EARLY).status == 400


FAULTS = [
    ("quota", 402, "unknown_error", "Insufficient Balance"),
    ("inspection", 400, "invalid_request_error", "Content Exists Risk"),
    ("bad_key", 401, "authentication_error", "Authentication Fails, Your api key: ****0001 is invalid"),
    ("model_missing", 400, "invalid_request_error", "Model Not Exist"),
    ("context", 400, "invalid_request_error", "maximum context length"),
    ("rate_limit", 429, "", ""),
    ("overloaded", 503, "", ""),
    ("error_500", 500, "", ""),
]


@pytest.mark.parametrize(("fault", "status", "kind", "wording"), FAULTS)
def test_a_fault_in_deepseeks_words_has_its_row_of_the_error_table(
    fault: str, status: int, kind: str, wording: str
) -> None:
    async def main(emulator: Emulator) -> Raw:
        return await send(emulator, chat("deepseek"))

    answer = with_emulator("deepseek", main, faults=[fault])
    error = answer.json["error"]
    assert (answer.status, error["param"], error["code"]) == (status, None, "invalid_request_error")
    assert kind in error["type"]
    assert wording in error["message"]
    assert "retry-after" not in answer.headers


def test_a_rate_limit_has_retry_after_only_if_the_fault_has_a_wait() -> None:
    async def main(emulator: Emulator) -> Raw:
        return await send(emulator, chat("deepseek"))

    assert with_emulator("deepseek", main, faults=["rate_limit=7"]).headers["retry-after"] == "7"


def test_calls_over_the_concurrency_limit_get_429_until_the_stream_before_ends() -> None:
    async def main(emulator: Emulator) -> tuple[int, int]:
        emulator.set_limits({"concurrency": 1})
        emulator.set_faults(["stall_within=0.3@1"])
        first = asyncio.create_task(send(emulator, chat("deepseek", "emulator:words=5", stream=True)))
        await asyncio.sleep(0.1)
        refused = await send(emulator, chat("deepseek"))
        await first
        return refused.status, (await send(emulator, chat("deepseek"))).status

    assert with_emulator("deepseek", main) == (429, 200)
