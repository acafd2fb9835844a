"""Pages of listed origins, and no others, can send requests and read the responses: byte for byte over sockets."""

import asyncio
import json
import re
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.origins import configured_origin
from config.schema import Settings
from proxy.app import create_app
from proxy.app_state import AppState, ConfigSnapshot
from proxy.server.cors import EXPOSED, MAX_REQUESTED, USUAL_HEADERS, Cors, is_preflight, preflight_headers
from proxy.server.origin_guard import api_guard
from proxy.upstream.client import Upstream
from tests.proxy.server.raw_client import CONTENT, answers_hello, chat, line, run, serving
from tests.support.effort import calls_made_by
from tests.support.harness import Running

PAGE = "https://app.example.com"
OTHER = "https://evil.example"
KEY = "sk-client-00000001"
BEARER = {"authorization": f"Bearer {KEY}"}
ASK = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
CHAT = "/v1/chat/completions"
SDK_HEADERS = (
    "api-key,authorization,content-type,openai-beta,openai-organization,openai-project,x-stainless-arch,x-stainless-lang,"
    "x-stainless-os,x-stainless-package-version,x-stainless-retry-count,x-stainless-runtime,x-stainless-runtime-version,"
    "x-stainless-timeout"
)
"""The headers that a browser requests when a page uses the official SDK."""


def preflight(origin: str = PAGE, headers: str | None = SDK_HEADERS, method: str = "POST") -> dict[str, str]:
    request = {} if headers is None else {"access-control-request-headers": headers}
    return {"origin": origin, "access-control-request-method": method, **request}


async def send(
    running: Running, method: str, path: str, headers: Mapping[str, str], body: Any = None
) -> httpx2.Response:
    async with httpx2.AsyncClient(trust_env=False) as client:
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        return await client.request(method, running.url + path, headers=headers, content=content)


def readable(answer: httpx2.Response, origin: str = PAGE) -> None:
    """The page of this origin may read the response, its headers included, and no other page may."""
    assert answer.headers.get_list("access-control-allow-origin") == [origin], answer.request.url
    assert answer.headers.get_list("vary") == ["Origin"]
    exposed = answer.headers["access-control-expose-headers"].split(", ")
    ours = {name for name in answer.headers if name.startswith(("x-", "openai-", "retry-"))}
    assert ours - {"x-accel-buffering"} <= set(exposed)  # that one is for reverse proxies
    assert "access-control-allow-credentials" not in answer.headers


def unreadable(answer: httpx2.Response) -> None:
    """No page may read the response."""
    assert [name for name in answer.headers if name.startswith("access-control")] == []


# --- preflights ---


@pytest.mark.parametrize("keys", [[], [KEY]], ids=["without client keys", "with client keys"])
@pytest.mark.parametrize("path", [CHAT, "/chat/completions", "/openai/deployments/gpt-4o/chat/completions?api-version=1",
                                  "/v1/models", "/v1/files", "/nowhere", "/livez", "/"])  # fmt: skip
def test_a_preflight_from_a_listed_page_is_answered_without_a_key_on_every_path(path: str, keys: list[str]) -> None:
    async def scene() -> None:
        async with serving(cors_origins=[PAGE], client_keys=keys) as running:
            answer = await send(running, "OPTIONS", path, preflight())
            assert (answer.status_code, answer.content) == (204, b"")
            assert {name: value for name, value in answer.headers.items() if name != "date"} == {
                "access-control-allow-origin": PAGE,
                "access-control-allow-methods": "GET, POST, PUT, PATCH, DELETE, OPTIONS",
                "access-control-allow-headers": SDK_HEADERS,
                "access-control-max-age": "7200",
                "vary": "Origin",
            }
            assert running.lines == []

    run(scene())


@pytest.mark.parametrize("keys", [[], [KEY]], ids=["without client keys", "with client keys"])
def test_a_preflight_from_a_page_that_is_not_listed_is_refused(keys: list[str]) -> None:
    async def scene() -> None:
        async with serving(cors_origins=[PAGE], client_keys=keys) as running:
            for origin in (OTHER, "null", "http://app.example.com", PAGE + ".evil.example", ""):
                answer = await send(running, "OPTIONS", CHAT, {**preflight(origin), **BEARER})
                unreadable(answer)
                error = answer.json()["error"]
                assert (answer.status_code, error["code"]) == (403, "access_denied")
                assert "server.cors_origins" in error["message"]

    run(scene())


def test_without_cors_origins_preflights_are_answered_as_any_other_request() -> None:
    async def scene() -> None:
        async with serving(client_keys=[KEY]) as running:
            answer = await send(running, "OPTIONS", CHAT, preflight())
            assert answer.status_code == 405
            unreadable(answer)
            assert "vary" not in answer.headers
        async with serving() as running:
            assert (await send(running, "OPTIONS", CHAT, preflight())).status_code == 403

    run(scene())


def test_options_is_a_preflight_only_if_it_requests_a_method() -> None:
    assert is_preflight("OPTIONS", {b"access-control-request-method": b"POST"})
    assert not is_preflight("OPTIONS", {b"access-control-request-headers": b"authorization"})
    assert not is_preflight("POST", {b"access-control-request-method": b"POST"})

    async def scene() -> None:
        async with serving(cors_origins=[PAGE]) as running:
            answer = await send(running, "OPTIONS", CHAT, {"origin": PAGE})
            assert answer.status_code == 405
            readable(answer)

    run(scene())


@pytest.mark.parametrize(
    "requested", [b"", b",", b"a,,b", b"a b", b"a\tb", b"a;b", b"\xff", b"a, ", b"x" * (MAX_REQUESTED + 1)]
)
def test_headers_that_are_requested_in_an_invalid_form_are_answered_with_the_default_ones(requested: bytes) -> None:
    allowed = dict(preflight_headers(b"null", {b"access-control-request-headers": requested}))
    assert allowed[b"access-control-allow-headers"] == USUAL_HEADERS


@given(st.binary(max_size=MAX_REQUESTED))
def test_no_requested_headers_become_anything_but_names_of_headers(requested: bytes) -> None:
    [*_, (_, allowed), _, _] = preflight_headers(b"null", {b"access-control-request-headers": requested})
    assert allowed in (requested, USUAL_HEADERS)
    assert re.fullmatch(rb"[\w!#$%&'*+.^`|~, \t-]+", allowed)


# --- whose pages ---


@pytest.mark.parametrize(
    ("listed", "origin", "may"),
    [
        ([PAGE], PAGE, True), ([PAGE], "HTTPS://App.Example.com:443", True), ([PAGE], OTHER, False), ([PAGE], "null", False),
        ([PAGE], "http://app.example.com", False), ([PAGE], "*", False), ([PAGE], "", False), ([PAGE], PAGE + "/", False),
        (["null"], "null", True), (["null"], OTHER, False), (["null"], "NULL", False),
        (["*"], OTHER, True), (["*"], "null", True), (["*"], "tauri://localhost", True),
        (["*"], "no origin", False), (["*"], "*", False), (["*"], "", False), (["*"], "https://a/\r\nx: y", False),
        (["https://[::1]:5173"], "https://[0:0::1]:5173", True),
    ],
)  # fmt: skip
def test_a_page_may_read_if_its_origin_is_listed(listed: list[str], origin: str, may: bool) -> None:
    cors = Cors([configured_origin(each) for each in listed])
    sent = [(b"host", b"x"), (b"origin", origin.encode())]
    assert cors.listed(sent) == (origin.encode() if may else None)


def test_two_origins_and_none_may_not_read() -> None:
    cors = Cors(["*"])
    assert cors.listed([(b"host", b"x")]) is None
    assert cors.listed([(b"origin", PAGE.encode()), (b"origin", PAGE.encode())]) is None


@given(st.binary(max_size=400))
def test_no_bytes_of_an_origin_raise_or_leave_as_a_header_that_is_no_origin(origin: bytes) -> None:
    found = Cors(["*"]).listed([(b"origin", origin)])
    assert found is None or re.fullmatch(rb"null|[\w.+-]+://[\w.:\[\]-]+", found)


# --- responses ---


async def streams_answers_or_fails(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
    """A vendor: streams, answers, or fails as the user message directs."""
    fields = json.loads(body)
    word = fields["messages"][0]["content"]
    if word in ("429", "500"):
        kind = "rate_limit_reached_error" if word == "429" else "server_error"
        error = json.dumps({"error": {"message": "no", "type": kind}}).encode()
        writer.write(b"HTTP/1.1 %b x\r\ncontent-length: %d\r\n\r\n%b" % (word.encode(), len(error), error))
    elif fields.get("stream"):
        data = b"data: " + CONTENT + b"\n\n"
        end = data.replace(b'{"content":"a"},"finish_reason":null', b'{},"finish_reason":"stop"')
        events = data + (b"" if word == "cut" else end + b"data: [DONE]\n\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n" % len(events))
        writer.write(events)
    else:
        await answers_hello(reader, writer, body)


def chat_body(word: str, **more: Any) -> dict[str, Any]:
    return {**ASK, "messages": [{"role": "user", "content": word}], **more}


RESPONSES: list[tuple[str, str, str, dict[str, str], Any, int]] = [
    ("whole", "POST", CHAT, BEARER, ASK, 200),
    ("streamed", "POST", CHAT, BEARER, chat_body("hi", stream=True), 200),
    ("cut", "POST", CHAT, BEARER, chat_body("cut", stream=True), 200),
    ("models", "GET", "/v1/models", BEARER, None, 200),
    ("health", "GET", "/livez", {}, None, 200),
    ("no key", "POST", CHAT, {}, ASK, 401),
    ("a wrong key", "POST", CHAT, {"authorization": "Bearer sk-wrong"}, ASK, 401),
    ("no key for models", "GET", "/v1/models", {}, None, 401),
    ("bad JSON", "POST", CHAT, BEARER, b"{no", 400),
    ("no such model", "POST", CHAT, BEARER, {**ASK, "model": "nope"}, 404),
    ("not served", "POST", "/v1/files", BEARER, {}, 404),
    ("moderations", "POST", "/v1/moderations", BEARER, {"input": "x"}, 404),
    ("no such path", "POST", "/v1/nowhere", BEARER, {}, 404),
    ("method", "PUT", CHAT, BEARER, {}, 405),
    ("too large", "POST", CHAT, BEARER, b" " * 200_000, 413),
    ("compressed", "POST", CHAT, {**BEARER, "content-encoding": "gzip"}, ASK, 415),
    ("rate", "POST", CHAT, BEARER, chat_body("429"), 429),
    ("rate, streamed", "POST", CHAT, BEARER, chat_body("429", stream=True), 429),
    ("vendor", "POST", CHAT, BEARER, chat_body("500"), 502),
]


@pytest.mark.parametrize(("method", "path", "headers", "body", "status"), [row[1:] for row in RESPONSES], ids=[row[0] for row in RESPONSES])  # fmt: skip
def test_a_listed_page_can_read_every_response_and_another_page_none(
    method: str, path: str, headers: dict[str, str], body: Any, status: int
) -> None:
    async def scene() -> None:
        policy = {"max_wait_s": 0, "attempts": 1}
        async with serving(
            streams_answers_or_fails, cors_origins=[PAGE], client_keys=[KEY], max_body_mb=0.1
        ) as running:
            old = running.state.snapshot.settings
            vendors = {
                name: entry.model_copy(update={"limits": entry.limits.model_copy(update={"learn": False})})
                for name, entry in old.vendors.items()
            }
            new = old.model_copy(update={"policy": old.policy.model_copy(update=policy), "vendors": vendors})
            running.state.use(ConfigSnapshot(new, running.state.upstream, before=running.state.snapshot))
            for origin in (PAGE, OTHER, None):
                page = {} if origin is None else {"origin": origin}
                answer = await send(running, method, path, {**headers, **page}, body)
                assert answer.status_code == status
                if origin == PAGE:
                    readable(answer)
                else:
                    unreadable(answer)
                assert answer.headers.get_list("vary") == ([] if origin is None else ["Origin"])
                if status == 200 and path == CHAT:
                    assert ("x-banjia-target" in answer.headers) or body["stream"]

    run(scene())


def test_without_client_keys_a_listed_page_can_read_and_another_page_is_refused() -> None:
    async def scene() -> None:
        async with serving(cors_origins=[PAGE]) as running:
            answer = await send(running, "POST", CHAT, {"origin": PAGE}, ASK)
            assert answer.json()["choices"][0]["message"]["content"] == "hello"
            readable(answer)
            foreign = await send(running, "POST", CHAT, {"origin": PAGE, "host": "evil.example"}, ASK)
            assert foreign.status_code == 403
            readable(foreign)
            other = await send(running, "POST", CHAT, {"origin": OTHER}, ASK)
            assert (other.status_code, other.json()["error"]["code"]) == (403, "access_denied")
            unreadable(other)

    run(scene())


def test_with_every_page_listed_each_gets_its_own_origin_back() -> None:
    async def scene() -> None:
        async with serving(cors_origins=["*"], client_keys=[KEY]) as running:
            for origin in (PAGE, OTHER, "null"):
                readable(await send(running, "POST", CHAT, {"origin": origin, **BEARER}, ASK), origin)
                assert (await send(running, "OPTIONS", CHAT, preflight(origin))).status_code == 204

    run(scene())


def test_without_cors_origins_no_response_has_a_header_for_pages() -> None:
    async def scene() -> None:
        async with serving(client_keys=[KEY]) as running:
            for body in (ASK, chat_body("hi", stream=True)):
                answer = await send(running, "POST", CHAT, {"origin": PAGE, **BEARER}, body)
                unreadable(answer)
                assert "vary" not in answer.headers

    run(scene())


def test_requests_on_one_connection_have_each_their_own_headers() -> None:
    async def scene() -> None:
        async with serving(cors_origins=[PAGE], client_keys=[KEY]) as running, line(running.url) as caller:
            key = b"Authorization: Bearer " + KEY.encode()
            for origin in (PAGE, None, OTHER, PAGE, None):
                page = [] if origin is None else [b"Origin: " + origin.encode()]
                await caller.send(chat(key, *page, model="gpt-4o"))
                answer = await caller.answer()
                assert answer is not None
                assert answer.status == 200
                assert (b"access-control-allow-origin: " in answer.head) is (origin == PAGE)

    run(scene())


def test_an_early_refusal_in_the_middle_of_a_body_can_be_read() -> None:
    async def scene() -> None:
        async with serving(cors_origins=[PAGE]) as running, line(running.url) as caller:
            head = (
                b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nOrigin: "
                + PAGE.encode()
            )
            await caller.send(head + b"\r\n\r\n4\r\n{   \r\n")
            await asyncio.sleep(0.05)
            await caller.send(b"no chunk\r\n")
            answer = await caller.answer()
            assert answer is not None
            assert answer.status == 400
            assert b"access-control-allow-origin: " + PAGE.encode() in answer.head

    run(scene())


def test_a_reload_lists_and_unlists_pages_from_the_next_request_on() -> None:
    async def scene() -> None:
        async with serving(client_keys=[KEY]) as running:
            state = running.state
            for origins in ([PAGE], [OTHER], []):
                server = state.snapshot.settings.server.model_copy(update={"cors_origins": origins})
                state.use(
                    ConfigSnapshot(
                        state.snapshot.settings.model_copy(update={"server": server}),
                        state.upstream,
                        before=state.snapshot,
                    )
                )
                answer = await send(running, "POST", CHAT, {"origin": PAGE, **BEARER}, ASK)
                assert answer.status_code == 200
                if origins == [PAGE]:
                    readable(answer)
                else:
                    unreadable(answer)

    run(scene())


def test_under_another_server_the_headers_are_added_on_the_way_out() -> None:
    async def scene() -> None:
        settings = {"vendors": {"kimi": {"api_key": "k"}}, "server": {"cors_origins": [PAGE], "client_keys": [KEY]}}
        state = AppState(
            Settings.model_validate(settings), Upstream(httpx2.MockTransport(lambda _: httpx2.Response(500)))
        )
        async with AsyncExitStack() as stack:
            transport = httpx2.ASGITransport(create_app(state))
            client = await stack.enter_async_context(httpx2.AsyncClient(transport=transport, base_url="http://x"))
            readable(await client.get("/v1/models", headers={"origin": PAGE, **BEARER}))
            unreadable(await client.get("/v1/models", headers={"origin": OTHER, **BEARER}))

    asyncio.run(scene())


# --- what it costs, and what it covers ---


def guard_of(**server: Any) -> Any:
    return api_guard(Settings.model_validate({"vendors": {"kimi": {"api_key": "k"}}, "server": server}))


def test_without_cors_origins_nothing_is_looked_at() -> None:
    assert guard_of(client_keys=[KEY]) is None
    assert guard_of().cors is None


def test_with_client_keys_and_cors_origins_a_request_of_an_app_needs_nothing_more() -> None:
    guard = guard_of(client_keys=[KEY], cors_origins=[PAGE])
    headers = {b"host": b"banjia:8080"}
    assert guard.refuse(headers, list(headers.items())) is None
    assert headers[b"host"] in guard.accepted
    assert calls_made_by(lambda: b"origin" in headers or headers[b"host"] not in guard.accepted) <= 2


def test_every_header_of_ours_that_the_source_names_can_be_read_by_pages() -> None:
    named = re.compile(r"""b?["']((?:x-banjia|x-request-id|x-should|openai-|retry-after)[\w-]*)["']""")
    folder = Path(__file__).parents[3] / "proxy"
    written = {
        name for file in folder.rglob("*.py") if file.name != "cors.py" for name in named.findall(file.read_text())
    }
    assert {"x-request-id", "x-banjia-target", "retry-after-ms"} <= written
    assert written <= set(EXPOSED) | {"openai-organization", "openai-project"}
