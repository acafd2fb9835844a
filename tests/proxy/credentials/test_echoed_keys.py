"""A vendor that echoes its API key: the client gets the answer without the key, in any spelling."""

import asyncio
import json
from typing import Any, Literal

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.credentials.redaction import Secrets, secret_headers
from proxy.upstream.client import Upstream
from tests.support.harness import proxy, vendor

KEY = "sk-canary-vendor-7f3a9c51"
SLASHED = "bce-v3/ALTAK-canary/9zxq2wd1"
TENANT = "canary-tenant-91c7aa02"
GATEWAY = "canary-gateway-4b0e77d3"
SECRETS = (KEY, SLASHED, TENANT, GATEWAY)
HEADERS = {"x-tenant": TENANT, "x-gateway-auth": f"Bearer {GATEWAY}", "x-title": "My application 2026"}

kinds = pytest.mark.parametrize("kind", ["fast", "httpx"])
ways = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


def escaped(text: str) -> str:
    """As JSON may write it: every character by its number."""
    return "".join(f"\\u{ord(c):04x}" for c in text)


FORMS = {
    "plain": KEY,
    "in a sentence": f"the key {KEY}, of yours: {KEY}",
    "behind an escape": f"\\n{KEY}\\\\{KEY}\\t",
    "escaped": escaped(KEY),
    "its first character escaped": escaped(KEY[0]) + KEY[1:],
    "escaped in capitals": "".join(f"\\u{ord(c):04X}" for c in KEY),
    "a header": TENANT,
    "a header with a scheme": f"Bearer {GATEWAY}",
}

MEMBERS = {
    "content": '"content":"%s"',
    "reasoning": '"content":"a","reasoning_content":"%s"',
    "a tool call": '"tool_calls":[{"index":0,"id":"%s","type":"function","function":{"name":"%s","arguments":"{}"}}]',
    "arguments": '"tool_calls":[{"index":0,"id":"1","type":"function","function":{"name":"f","arguments":"%s"}}]',
    "an unknown member": '"content":"a","x":["%s",{"%s":{"y":"%s"}}]',
}


def body(member: str, reported: str = "", about: str = "", *, streams: bool) -> bytes:
    """A whole answer, or its one chunk, with this in a member of its message and this about it all."""
    inner = member.replace("%s", reported)
    outer = about.replace("%s", reported)
    part, kind = ("delta", "chat.completion.chunk") if streams else ("message", "chat.completion")
    return (
        f'{{"id":"1","object":"{kind}","created":1,"model":"m",{outer}'
        f'"choices":[{{"index":0,"{part}":{{"role":"assistant",{inner}}},"finish_reason":"stop"}}]}}'
    ).encode()


def reply(payload: bytes, *, streams: bool, head: bytes = b"") -> bytes:
    kind = b"text/event-stream" if streams else b"application/json"
    data = b"data: " + payload + b"\n\ndata: [DONE]\n\n" if streams else payload
    return b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\n%bcontent-length: %d\r\n\r\n" % (kind, head, len(data)) + data


def response_of(
    raw: bytes, kind: Literal["fast", "httpx"] = "fast", *, key: str = KEY, cut_at: int = 0, path: str = "chat/completions",
    more: dict[str, Any] | None = None, entry: dict[str, Any] | None = None, **ask: Any,
) -> httpx2.Response:  # fmt: skip
    """Return the client's response for a vendor that sends these bytes, in two reads if they are split."""

    async def says(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
        if cut_at:
            writer.write(raw[:cut_at])
            await writer.drain()
            await asyncio.sleep(0.05)
        writer.write(raw[cut_at:])

    async def scene() -> httpx2.Response:
        async with vendor(says) as url:
            made = {"api_key": key, "base_url": url, "headers": HEADERS, **(entry or {})}
            settings = {"vendors": {"kimi": made}, "policy": {"attempts": 1}, **(more or {})}
            async with (
                proxy(settings, Upstream.over_the_network(10, kind)) as running,
                httpx2.AsyncClient(trust_env=False) as client,
            ):
                sent = {"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}], **ask}
                got = await client.post(f"{running.url}/v1/{path}", json=sent)
                await running.settled(1)
                assert not any(secret in json.dumps(running.lines) for secret in SECRETS)
                return got

    return asyncio.run(scene())


def json_of(got: httpx2.Response) -> list[Any]:
    """The JSON of an answer, whole or of each event."""
    if got.headers["content-type"] == "application/json":
        return [got.json()]
    events = [part.removeprefix("data: ") for part in got.text.split("\n\n") if part]
    assert events.pop() == "[DONE]"
    return [json.loads(event) for event in events]


def hidden(got: httpx2.Response) -> str:
    """Return all output, after checking that it has no secret, as text and as JSON."""
    assert got.status_code == 200, got.text
    reported = "".join(json.dumps(event, ensure_ascii=False) for event in json_of(got))
    for secret in SECRETS:
        assert secret not in got.text
        assert secret not in reported
        assert secret not in str(got.headers)
    return reported


@kinds
@ways
@pytest.mark.parametrize("form", FORMS)
def test_an_echoed_key_is_replaced_whatever_it_looks_like(form: str, stream: bool, kind: Any) -> None:
    payload = body(MEMBERS["content"], FORMS[form], streams=stream)
    assert "[redacted]" in hidden(response_of(reply(payload, streams=stream), kind, stream=stream))


@ways
def test_as_a_service_tier_it_is_left_out(stream: bool) -> None:
    payload = body('"content":"a"', KEY, '"service_tier":"%s",', streams=stream)
    ask: dict[str, Any] = {"stream": True} if stream else {}
    assert "service_tier" not in hidden(response_of(reply(payload, streams=stream), **ask))


@pytest.mark.unjudged("the vendor echoes the key in members and arguments that are not OpenAI's")
@ways
@pytest.mark.parametrize("member", MEMBERS)
def test_it_is_replaced_in_every_member_and_in_names(member: str, stream: bool) -> None:
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    payload = body(MEMBERS[member], KEY, streams=stream)
    assert "[redacted]" in hidden(response_of(reply(payload, streams=stream), stream=stream, tools=tools))


@pytest.mark.unjudged("the vendor echoes the key in members and arguments that are not OpenAI's")
@ways
@pytest.mark.parametrize(
    "about",
    ['"x":"%s",', '"%s":1,', '"system_fingerprint":"%s",',
     '"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5,"trace":"%s"},'],
)  # fmt: skip
def test_it_is_replaced_in_what_is_about_the_answer(about: str, stream: bool) -> None:
    payload = body('"content":"a"', KEY, about, streams=stream)
    ask: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    adaptations = hidden(response_of(reply(payload, streams=stream), **ask))
    assert "[redacted]" in adaptations
    assert '"content": "a"' in adaptations


@ways
@pytest.mark.parametrize("name", ["id", "model"])
def test_it_is_replaced_in_the_names_of_the_answer(name: str, stream: bool) -> None:
    payload = body('"content":"a"', streams=stream).replace(f'"{name}":"'.encode(), f'"{name}":"{KEY}'.encode(), 1)
    ask: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    hidden(response_of(reply(payload, streams=stream), more={"policy": {"report_model": "vendor"}}, **ask))


@kinds
@ways
def test_it_is_found_where_it_is_cut_between_two_reads(stream: bool, kind: Any) -> None:
    raw = reply(body(MEMBERS["content"], KEY, streams=stream), streams=stream)
    for cut in (raw.index(KEY.encode()) + 1, raw.index(KEY.encode()) + 12, raw.index(KEY.encode()) + len(KEY) - 1):
        assert "[redacted]" in hidden(response_of(raw, kind, cut_at=cut, stream=stream))


@ways
@pytest.mark.parametrize("written", [SLASHED, SLASHED.replace("/", "\\/"), escaped(SLASHED)])
def test_a_key_with_slashes_is_found_however_they_are_written(written: str, stream: bool) -> None:
    payload = body(MEMBERS["content"], written, streams=stream)
    assert "[redacted]" in hidden(response_of(reply(payload, streams=stream), key=SLASHED, stream=stream))


def test_a_vendor_that_answers_a_stream_with_one_json_body_is_no_way_round() -> None:
    payload = body(MEMBERS["content"], KEY, streams=False)
    assert "[redacted]" in hidden(response_of(reply(payload, streams=False), stream=True))


@ways
@pytest.mark.parametrize("value", [KEY, f"5; {KEY}", TENANT])
def test_a_header_that_is_passed_on_has_it_replaced(value: str, stream: bool) -> None:
    head = b"x-ratelimit-limit-requests: %b\r\nx-request-id: %b\r\n" % (value.encode(), value.encode())
    got = response_of(reply(body('"content":"a"', streams=stream), streams=stream, head=head), stream=stream)
    hidden(got)
    assert "[redacted]" in got.headers["x-ratelimit-limit-requests"]


def test_embeddings_and_moderations_are_covered() -> None:
    own = {"kind": "openai_compatible"}
    vectors = b'{"object":"list","model":"m","x":"%b","data":[{"index":0,"embedding":[1.0]}]}' % KEY.encode()
    got = response_of(reply(vectors, streams=False), path="embeddings", input="a", model="kimi/e", entry=own)
    assert "[redacted]" in hidden(got)
    judged = b'{"id":"%b","model":"m","results":[{"flagged":false,"why":"%b"}]}' % (KEY.encode(), KEY.encode())
    policy = {"policy": {"moderations": "kimi/m"}}
    got = response_of(reply(judged, streams=False), path="moderations", input="a", entry=own, more=policy)
    assert "[redacted]" in hidden(got)


@pytest.mark.unjudged("the vendor echoes the key in members and arguments that are not OpenAI's")
@ways
def test_completions_and_functions_are_covered(stream: bool) -> None:
    raw = reply(body(MEMBERS["content"], KEY, streams=stream), streams=stream)
    assert "[redacted]" in hidden(response_of(raw, path="completions", prompt="x", messages=None, stream=stream))
    raw = reply(body(MEMBERS["arguments"], KEY, streams=stream), streams=stream)
    functions = [{"name": "f", "parameters": {"type": "object"}}]
    assert "[redacted]" in hidden(response_of(raw, functions=functions, stream=stream))


def test_the_answer_of_a_second_target_is_covered() -> None:
    raw = reply(body(MEMBERS["content"], KEY, streams=False), streams=False)
    more = {"policy": {"hedge_s": 5}, "models": {"gpt-4o": ["kimi/kimi-k2.6", "kimi/kimi-k2.5"]}}
    assert "[redacted]" in hidden(response_of(raw, more=more))


@ways
def test_a_part_of_it_at_the_end_of_a_long_error_is_not_shown_either(stream: bool) -> None:
    for before in range(470, 500, 3):
        error = json.dumps({"error": {"message": "x " * (before // 2) + KEY, "type": "invalid_request_error"}}).encode()
        raw = b"HTTP/1.1 400 X\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(error) + error
        message = response_of(raw, stream=stream).json()["error"]["message"]
        assert KEY[:8] not in message, message


# --- what is not touched ----------------------------------------------------------------------------------------------

KEPT = {
    "a part of the key": KEY[:-1],
    "what no secret is": "My application 2026 says \\u003cb\\u003e caf\\u00e9 \\/ \\u4e2d\\n",
    "the end of the key": KEY[9:],
}


@ways
@pytest.mark.parametrize("what", KEPT)
def test_texts_without_secrets_stay_unchanged(what: str, stream: bool) -> None:
    payload = body(MEMBERS["content"], KEPT[what], streams=stream)
    got = response_of(reply(payload, streams=stream), stream=stream)
    assert "[redacted]" not in got.text
    part = "delta" if stream else "message"
    assert json_of(got)[0]["choices"][0][part]["content"] == json.loads(f'"{KEPT[what]}"')


def test_a_key_of_fewer_than_16_characters_may_be_a_word() -> None:
    got = response_of(
        reply(body(MEMBERS["content"], "sk-hello-world", streams=False), streams=False), key="sk-hello-world"
    )
    assert json_of(got)[0]["choices"][0]["message"]["content"] == "sk-hello-world"


def test_operators_headers_that_look_like_secrets_are_redacted() -> None:
    headers = {
        "authorization": "Bearer abcdefghijklmnop",
        "x-api-key": "only-letters-here-too",
        "x-tenant": TENANT,
        "user-agent": "company-gateway/2026.11",
        "http-referer": "https://example.com/app1",
        "api-version": "2024-06-01-preview",
        "x-title": "Application1ofMyCompany",
        "x-region": "cn-north-production",
        "x-trace": "9" * 20,
    }
    assert secret_headers(headers.items()) == ["abcdefghijklmnop", "only-letters-here-too", TENANT]


# --- the parts --------------------------------------------------------------------------------------------------------

KEYS = st.text(st.characters(min_codepoint=33, max_codepoint=255, exclude_categories=["Cc"]), min_size=16, max_size=40)


@given(KEYS, st.text(max_size=5), st.text(max_size=5), st.booleans(), st.data())
def test_any_key_is_found_in_any_string_however_it_is_escaped(
    key: str, before: str, after: str, ascii_only: bool, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(key) - 1))
    parts = [
        json.dumps(part, ensure_ascii=ascii_only)[1:-1] for part in (before, key[:at], key[at], key[at + 1 :], after)
    ]
    if key[at] not in '"\\':
        parts[2] = escaped(key[at])
    text = f'{{"a": ["{"".join(parts)}"]}}'
    try:
        payload = text.encode()
    except UnicodeEncodeError:
        return
    secrets = Secrets([key])
    assert secrets.may_be_in(payload)
    reported = json.loads(secrets.redacted(payload))["a"][0]
    assert key not in reported
    assert "[redacted]" in reported


def test_a_number_that_is_the_key_is_none_and_json_stays_json() -> None:
    key = "1234567890123456"
    payload = b'{"a":1234567890123456,"b":-1234567890123456.5,"c":[12345678901234567,2],"1234567890123456":"\\\\1234567890123456"}'
    assert json.loads(Secrets([key]).redacted(payload)) == {
        "a": 0, "b": 0, "c": [0, 2], "[redacted]": "\\[redacted]",
    }  # fmt: skip


def test_what_is_no_json_or_too_deep_to_be_written_has_its_bytes_replaced() -> None:
    deep = b"[" * 600 + b'"%b"' % KEY.encode() + b"]" * 600
    for payload in (b"[DONE] " + KEY.encode(), deep):
        assert KEY.encode() not in Secrets([KEY]).redacted(payload)
    assert Secrets([KEY]).redacted(b"[DONE]") == b"[DONE]"
