"""Errors in Chinese, over real sockets: only the texts change, nothing that a program reads."""

import asyncio
import json
import re
from asyncio import run
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from adapters.core.message import COMMA, Message, as_message, joined, one_of
from config.diff import ReloadResult
from config.errors import Diagnostic, Location, got
from proxy.errors import BadRequest
from proxy.i18n.catalog import translate
from proxy.i18n.negotiate import configured, preferred, wanted
from tests.proxy.lifecycle.test_processes import run as banjia
from tests.support.harness import hang_up, proxy, vendor

HAN = re.compile(r"[\u4e00-\u9fff]")
ASK = {"model": "kimi/kimi-k2.6", "messages": [{"role": "user", "content": "hi"}]}
KEY = {"authorization": "Bearer caller-key"}


@pytest.fixture(autouse=True)
def no_language_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BANJIA_LANG", raising=False)


@pytest.mark.parametrize(
    ("requested", "language"),
    [
        ("zh", "zh"), ("zh-CN", "zh"), ("ZH-hans-cn", "zh"), ("zh-TW", "zh"), ("zh_CN", None), ("en-GB", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"), ("en;q=0.5, zh;q=0.9", "zh"), ("en, zh", "en"), ("zh, en", "zh"),
        ("zh;q=0", None), ("zh;q=0, en;q=0.1", "en"), ("fr, zh;q=0.2", "zh"), ("fr", None), ("*", None), ("", None),
        ("zh;q=much", None), (";;;,,", None), ("zho", None), ("\xff\xfe", None), ("zh; q=0.3, en; q=0.2", "zh"),
    ],
)  # fmt: skip
def test_a_client_gets_the_language_that_it_prefers(requested: str, language: str | None) -> None:
    assert preferred(requested.encode("latin-1")) == language


def test_the_operators_default_applies_if_the_client_sets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [wanted(headers) for headers in ({}, {b"accept-language": b"*"})] == ["en", "en"]
    monkeypatch.setenv("BANJIA_LANG", "zh")
    assert [wanted(headers) for headers in ({}, {b"accept-language": b"*"})] == ["zh", "zh"]
    assert wanted({b"accept-language": b"en-US,en;q=0.9"}) == "en"
    assert configured({}) == configured({"BANJIA_LANG": ""}) == configured({"BANJIA_LANG": "en"}) == "en"


# --- what callers see --------------------------------------------------------------------------------------------


async def refuses(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
    """A vendor that rejects every key, or cuts off its streams."""
    if json.loads(body).get("stream"):
        chunk = {"choices": [{"index": 0, "delta": {"content": "half"}}]}
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
        writer.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
        await writer.drain()
        await asyncio.sleep(0.02)
        writer.close()
    elif b"own words" in body:
        text = b'{"error": {"message": "only 1 is allowed for this model", "type": "invalid_request_error"}}'
        writer.write(b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n")
        writer.write(b"content-length: %d\r\n\r\n%b" % (len(text), text))
    else:
        writer.write(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n")


def settings(url: str) -> dict[str, Any]:
    return {
        "server": {"client_keys": ["caller-key"], "max_body_mb": 0.01},
        "vendors": {"kimi": {"api_key": "sk-vendor-key-1234", "base_url": url}},
        "policy": {"open_models": True, "unsupported": "strict", "attempts": 1},
    }


CHAT = "/v1/chat/completions"
REQUESTS: dict[str, tuple[str, str, dict[str, str], Any]] = {
    "no key": ("POST", CHAT, {}, ASK),
    "wrong key": ("POST", CHAT, {"authorization": "Bearer other"}, ASK),
    "no JSON": ("POST", CHAT, KEY, "{"),
    "no messages": ("POST", CHAT, KEY, {"model": "kimi/kimi-k2.6"}),
    "wrong type": ("POST", CHAT, KEY, {**ASK, "n": "two"}),
    "out of range": ("POST", CHAT, KEY, {**ASK, "temperature": 3}),
    "refused by verdict": ("POST", CHAT, KEY, {**ASK, "seed": 7}),
    "unknown model": ("POST", CHAT, KEY, {**ASK, "model": "gpt-9"}),
    "too large": ("POST", CHAT, KEY, {**ASK, "user": "x" * 20_000}),
    "compressed": ("POST", CHAT, {**KEY, "content-encoding": "gzip"}, ASK),
    "our key refused": ("POST", CHAT, KEY, ASK),
    "the vendor's own words": ("POST", CHAT, KEY, {**ASK, "messages": [{"role": "user", "content": "own words"}]}),
    "no path": ("GET", "/v1/nothing", KEY, None),
    "not served": ("POST", "/v1/responses", KEY, {}),
    "moderations": ("POST", "/v1/moderations", KEY, {"input": "x"}),
    "wrong method": ("DELETE", CHAT, KEY, None),
    "no such model": ("GET", "/v1/models/gpt-9", KEY, None),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_an_error_in_chinese_differs_in_its_message_alone(name: str) -> None:
    english, chinese = run(_both(*REQUESTS[name]))
    about = english.json()["error"], chinese.json()["error"]

    assert english.status_code == chinese.status_code >= 400
    assert [set(error) for error in about] == [{"message", "type", "param", "code"}] * 2
    assert {**about[0], "message": ""} == {**about[1], "message": ""}
    assert not HAN.search(about[0]["message"])
    assert HAN.search(about[1]["message"]), about[1]
    assert "only 1 is allowed for this model" in about[1]["message"] or name != "the vendor's own words"
    passing = {"date", "x-request-id", "openai-processing-ms", "content-length"}
    heads = [{k: v for k, v in answer.headers.items() if k not in passing} for answer in (english, chinese)]
    assert heads[0] == heads[1]
    ends = "(banjia help {})", "（详见 banjia help {}）"
    for error, end in zip(about, ends, strict=True):
        assert error["code"] is None or error["message"].endswith(end.format(error["code"]))


async def _both(method: str, path: str, headers: dict[str, str], body: Any) -> list[httpx2.Response]:
    content = body if isinstance(body, str) or body is None else json.dumps(body)
    async with (
        vendor(refuses) as url,
        proxy(settings(url)) as running,
        httpx2.AsyncClient(base_url=running.url) as client,
    ):
        return [
            await client.request(method, path, headers={**headers, "accept-language": request}, content=content)
            for request in ("en", "zh-CN")
        ]


def test_a_stream_that_breaks_off_has_a_chinese_error() -> None:
    english, chinese = run(_both("POST", CHAT, KEY, {**ASK, "stream": True}))
    events = [
        [line[6:] for line in answer.text.split("\n") if line.startswith("data: ")] for answer in (english, chinese)
    ]
    error = [json.loads(lines[-1])["error"] for lines in events]

    assert [len(lines) for lines in events] == [2, 2]
    assert error[0]["code"] == error[1]["code"] == "upstream_stream_truncated"
    assert HAN.search(error[1]["message"])
    assert not HAN.search(error[0]["message"])


def test_the_sdk_raises_the_same_error_in_chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BANJIA_LANG", "zh")  # the SDK requests no language
    error = run(_raised())

    assert isinstance(error, openai.BadRequestError)
    assert (error.code, error.param) == ("invalid_type", "n")
    assert "应为整数" in error.message


async def _raised() -> Exception:
    async with (
        vendor(refuses) as url,
        proxy(settings(url)) as running,
        openai.AsyncOpenAI(base_url=f"{running.url}/v1", api_key="caller-key", max_retries=0) as sdk,
    ):
        with pytest.raises(openai.APIStatusError) as caught:
            await sdk.chat.completions.create(**{**ASK, "n": "two"})  # type: ignore[call-overload]
        return caught.value


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\naccept-language: zh\r\n\r\n",  # no host
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\naccept-language: zh\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ],
    ids=["head", "body"],
)
def test_early_refusals_are_chinese_if_the_headers_so_far_request_it(sent: bytes) -> None:
    body = run(_early_refusal(sent))
    assert HAN.search(json.loads(body)["error"]["message"])


async def _early_refusal(sent: bytes) -> bytes:
    async with proxy({"vendors": {}}) as running:
        reader, writer = await asyncio.open_connection(*running.url.removeprefix("http://").split(":"))
        writer.write(sent)
        answer = await reader.read()
        await hang_up(writer)
        return answer.partition(b"\r\n\r\n")[2]


# --- the errors themselves ---------------------------------------------------------------------------------------


def test_a_long_message_is_cut_in_both_languages_and_keeps_its_code() -> None:
    long = Message("Invalid value for '{name}': expected one of {words}.", name="x", words="words, " * 500)
    for language in ("en", "zh"):
        error = BadRequest(long, param="x", code="unsupported_value")
        assert len(error.body(language)) <= 2048
        ending = {"en": "… (banjia help unsupported_value)", "zh": "…（详见 banjia help unsupported_value）"}
        assert error.error(language)["message"].endswith(ending[language])


KEY_UNKNOWN = Diagnostic(Location("b.yaml", 3, 5), "vendors.kimi.api_kye", Message("unknown key"), suggestion="api_key")
NUMBER = Diagnostic(
    Location("b.yaml", 1, 2),
    "server.admin_listen",
    got(Message("the number {number}", number=5)),
    one_of([Message("text"), Message("true or false")]),
)
SAID = {
    KEY_UNKNOWN.message: "b.yaml:3:5: vendors.kimi.api_kye: 未知的配置项；是不是想写 'api_key'？",
    Message("warning: {line}", line=NUMBER.message): "警告：b.yaml:1:2: server.admin_listen: 应为文本 或 布尔值（true 或 false），实际为数字 5",
    Message("banjia serves {url}, answered by {vendors}", url="http://x/v1", vendors=joined(COMMA, ["qwen", "kimi"])):
        "banjia 服务地址：http://x/v1，上游厂商：qwen、kimi",
    Message("set {names}", names=one_of(["MOONSHOT_API_KEY", "A", "B"])): "设置 MOONSHOT_API_KEY、A 或 B",
    ReloadResult("refused", diagnostics=[KEY_UNKNOWN.message, NUMBER.message]).line():
        "重新加载被拒绝，继续使用当前配置：b.yaml:3:5: vendors.kimi.api_kye: 未知的配置项；是不是想写 'api_key'？ | "
        "b.yaml:1:2: server.admin_listen: 应为文本 或 布尔值（true 或 false），实际为数字 5",
    Message("(prompt {number}) {message}", number=2, message=Message("{vendor} sent a body larger than 64 MiB.", vendor="Kimi")):
        "（第 2 个 prompt）Kimi 返回的响应体超过 64 MiB。",
    Message("{vendor} answered {status}: {text}.", vendor="Kimi", status=400, text="got text or a list"): "Kimi 返回 400：got text or a list。",
}  # fmt: skip


@pytest.mark.parametrize("english", SAID)
def test_a_message_and_its_fields_are_translated(english: Message) -> None:
    assert translate(english, "zh") == SAID[english]
    assert translate(english, "en") == english


def test_text_of_others_is_never_translated_and_never_a_template() -> None:
    assert translate("unknown key", "zh") == "unknown key"
    assert translate(as_message("unknown key"), "zh") == "unknown key"
    message = Message("{vendor} answered {status}: {text}.", vendor="{status}", status=400, text="{vendor} {0} {}")
    assert message == "{status} answered 400: {vendor} {0} {}."
    assert translate(message, "zh") == "{status} 返回 400：{vendor} {0} {}。"


# --- commands ----------------------------------------------------------------------------------------------------


def test_commands_use_the_operators_language_and_json_keeps_its_form(tmp_path: Path) -> None:
    file = tmp_path / "banjia.yaml"
    file.write_text("version: 1\nvendros: {}\n")
    zh = {"BANJIA_LANG": "zh"}

    result = banjia("check", str(file), env=zh)
    assert result.returncode == 2
    assert (
        result.stderr
        == f"{file}:2:1: vendros: 未知的配置项；是不是想写 'vendors'？（详见 banjia help config-unknown-key）\n"
    )
    assert banjia("check", str(file), "--json", env=zh).stdout == banjia("check", str(file), "--json").stdout
    assert "不改代码" in banjia("--help", env=zh).stdout
    assert "检查配置" in banjia("check", "--help", env=zh).stdout
    assert "没有设置任何厂商的密钥" in banjia("serve", env=zh).stderr


def test_a_language_that_there_is_not_is_an_error_that_names_those_there_are() -> None:
    result = banjia("check", env={"BANJIA_LANG": "fr", "KIMI_API_KEY": "sk-1"})
    assert result.returncode == 2
    assert result.stderr == (
        "environment: BANJIA_LANG: unknown language 'fr'; expected en or zh (banjia help config-invalid-value)\n"
    )
