"""Published flaws that let a client choose where a vendor's key or a request is sent. See test_published_flaws.py."""

import asyncio
import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy.upstream.client import Upstream
from tests.gateway_failures.canary import STOLEN, Canary, canary, site
from tests.proxy.server.raw_client import ASK, Line, chat, line, run
from tests.support.harness import proxy, vendor

MEMBERS = [
    "api_base", "base_url", "api_base_url", "api_key", "api_keys", "key", "token", "authorization", "extra_headers", "headers",
    "default_headers", "host", "user_config", "litellm_params", "model_list", "fallbacks", "config", "custom_llm_provider",
    "provider", "endpoint", "azure_endpoint", "azure_ad_token", "vertex_project", "aws_bedrock_runtime_endpoint", "proxy",
    "proxies", "http_client", "organization", "API_BASE", "Base_Url", "apiBase", "baseURL", "__class__",
]  # fmt: skip
"""Members of a body that gateways have taken a destination or a credential from, and spellings of them."""
HEADERS = [
    "host", "x-forwarded-host", "x-host", "x-original-host", "forwarded", "x-portkey-custom-host", "x-portkey-config",
    "x-portkey-provider", "x-portkey-forward-headers", "x-custom-host", "x-api-base", "x-base-url", "api-base", "base-url",
    "x-litellm-api-base", "x-litellm-api-key", "x-target-url", "x-upstream", "x-provider-url", "x-openai-base-url",
    "x-openai-api-key", "openai-base-url", "x-api-key", "proxy-authorization", "x-vendor-authorization",
    "x-upstream-authorization", "x-goog-api-key", "x-forwarded-server", "x-original-url", "x-rewrite-url",
    "x-http-method-override", "cf-aig-authorization", "helicone-target-url", "helicone-openai-api-base",
]  # fmt: skip
CALLBACKS = [
    "callback_url", "callback", "callbacks", "webhook", "webhook_url", "notify_url", "redirect_uri", "result_url",
]  # fmt: skip
CONTAINERS = [
    "extra_body", "metadata", "user_config", "litellm_params", "config", "options", "0", "fallbacks", "model_list",
]  # fmt: skip

steps = st.lists(st.sampled_from([*CONTAINERS, "[]"]), max_size=6)
places = st.sampled_from(["top", "message", "tool", "schema", "metadata", "stream_options"])


async def status_of(caller: Line, data: bytes) -> int:
    """The status of one request."""
    await caller.send(data)
    answer = await caller.answer()
    assert answer is not None, data[:200]
    return answer.status


def poison(name: str, there: Canary) -> dict[str, Any]:
    """A member with the canary or another key, in the format that its name suggests."""
    if "header" in name:
        return {name: {"Host": f"127.0.0.1:{there.port}", "Authorization": f"Bearer {STOLEN}"}}
    secret = any(word in name.lower() for word in ("key", "token", "authorization"))
    return {name: STOLEN if secret else there.url}


def wrapped(inner: Any, path: list[str]) -> Any:
    for step in reversed(path):
        inner = [inner] if step == "[]" else {step: inner}
    return inner


def test_cve_2024_6587_no_member_of_a_body_moves_a_destination() -> None:
    """CVE-2024-6587 (LiteLLM until 1.44.8): ``api_base`` in a body sent the vendor's key to any host."""

    async def scene() -> None:
        async with canary() as there, site() as here, line(here.running.url) as caller:
            for name in MEMBERS:
                value = poison(name, there)
                assert await status_of(caller, chat(**value)) == 200, name
                assert await status_of(caller, chat(path=b"/v1/chat/completions?" + query(value))) == 200
            both: dict[str, Any] = {k: v for name in MEMBERS for k, v in poison(name, there).items()}
            assert await status_of(caller, chat(**both)) == 200
            assert there.met == 0
            assert len(here.heads) == 2 * len(MEMBERS) + 1
            here.is_untouched()

    run(scene())


def query(value: dict[str, Any]) -> bytes:
    return "&".join(f"{name}={quote(str(v))}" for name, v in value.items()).encode()


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from(MEMBERS), places, steps), min_size=10, max_size=25))
def test_pysec_2026_4070_nor_does_one_that_is_nested_at_any_depth(sent: list[tuple[str, str, list[str]]]) -> None:
    """PYSEC-2026-4070 (LiteLLM until 1.83.8): the same, smuggled inside ``user_config``."""

    async def scene() -> None:
        async with canary() as there, site() as here, line(here.running.url) as caller:
            for name, place, path in sent:
                value = wrapped(poison(name, there), path)
                assert await status_of(caller, chat(body=json.dumps(placed(value, place)).encode())) in (200, 400)
            assert there.met == 0
            here.is_untouched()

    run(scene())


def placed(value: Any, place: str) -> dict[str, Any]:
    """Return a request with the value at one position."""
    inside = value if type(value) is dict else {"x_extra": value}
    function = {"name": "f", "parameters": {"type": "object", **inside}}
    return {
        "top": {**ASK, **inside},
        "message": {**ASK, "messages": [{"role": "user", "content": "hi", **inside}]},
        "tool": {**ASK, "tools": [{"type": "function", "function": function, **inside}]},
        "schema": {**ASK, "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": inside}}},
        "metadata": {**ASK, "metadata": inside},
        "stream_options": {**ASK, "stream_options": inside},
    }[place]


MODELS = ["{url}", "kimi/{url}", "openai_compatible/{url}", "kimi@127.0.0.1:{port}/x", "127.0.0.1:{port}/v1", "kimi/../../{port}",
          "kimi/x@127.0.0.1:{port}", "//127.0.0.1:{port}/v1", "kimi/kimi-k2.6?base_url={url}", "kimi/kimi-k2.6#{url}"]  # fmt: skip


def test_cve_2024_6587_nor_does_the_name_of_a_model() -> None:
    """The same for names: with open models a client names the target, but only of a configured vendor."""

    async def scene() -> None:
        async with canary() as there, site() as here, line(here.running.url) as caller:
            for form in MODELS:
                name = form.format(url=there.url, port=there.port)
                assert await status_of(caller, chat(model=name)) in (200, 400, 404), name
                path = f"/openai/deployments/{quote(name, safe='')}/chat/completions".encode()
                assert await status_of(caller, chat(path=path)) in (200, 400, 404), name
            assert there.met == 0
            here.is_untouched()
            assert all(head.startswith(b"POST /v1/chat/completions HTTP/1.1\r\n") for head in here.heads)

    run(scene())


def test_cve_2025_66405_and_75871_no_header_names_a_host_or_a_credential() -> None:
    """CVE-2025-66405 (Portkey): a header chose the host.

    CVE-2026-75871 (GitLab's AI gateway): ``Host`` did, keys and all.
    """

    async def scene() -> None:
        async with canary() as there, site() as here, line(here.running.url) as caller:
            for name in HEADERS:
                for value in (f"127.0.0.1:{there.port}", there.url, f"Bearer {STOLEN}", json.dumps({"url": there.url})):
                    if name == "host" and not value.startswith("127"):
                        continue  # no Host at all: see the tests of the server
                    text = chat(f"{name}: {value}".encode())
                    if name == "host":
                        text = chat().replace(b"Host: localhost", f"Host: {value}".encode())
                    assert await status_of(caller, text) == 200, name
            await status_of(caller, chat(*(f"{name}: {there.url}".encode() for name in HEADERS if name != "host")))
            assert there.met == 0
            here.is_untouched()
            names = {line.partition(b":")[0] for head in here.heads for line in head.split(b"\r\n")[1:] if line}
            assert names == {b"host", b"authorization", b"content-type", b"content-length", b"accept-encoding"}

    run(scene())


def test_cve_2025_66405_it_is_no_forward_proxy_either() -> None:
    """A client sends a target in absolute form to a forward proxy, and CONNECT requests a tunnel."""

    async def scene() -> None:
        async with canary() as there, site() as here:
            for first in (f"POST {there.url}/chat/completions", f"CONNECT 127.0.0.1:{there.port}", f"GET {there.url}"):
                async with line(here.running.url) as caller:
                    data = json.dumps(ASK).encode()
                    head = f"{first} HTTP/1.1\r\nHost: 127.0.0.1:{there.port}\r\nContent-Length: {len(data)}\r\n\r\n"
                    await caller.send(head.encode() + data)
                    answer = await caller.answer()
                    assert answer is None or answer.status in (200, 400, 404, 405), first
            assert there.met == 0
            here.is_untouched()

    run(scene())


@pytest.mark.parametrize("transport", ["fast", "httpx"])
def test_go_2025_4154_a_redirect_of_a_vendor_is_never_followed(transport: Any) -> None:
    """GO-2025-4154 (new-api): a redirect bypassed a filter that checked only the first address."""

    async def scene() -> None:
        async with canary() as there:
            statuses = iter([301, 302, 303, 307, 308] * 2)

            async def elsewhere(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
                head = f"HTTP/1.1 {next(statuses)} x\r\nlocation: {there.url}\r\nrefresh: 0; url={there.url}\r\n"
                writer.write(head.encode() + b"content-length: 0\r\n\r\n")

            async with vendor(elsewhere) as base_url:
                entry = {"api_key": "sk-kimi-0000000000000001", "base_url": base_url}
                made = {"vendors": {"kimi": entry}, "policy": {"attempts": 1}}
                async with (
                    proxy(made, Upstream.over_the_network(10, transport)) as running,
                    line(running.url) as caller,
                ):
                    for streamed in [False] * 5 + [True] * 5:
                        assert await status_of(caller, chat(stream=streamed)) == 502
            assert there.met == 0

    run(scene())


@pytest.mark.parametrize("kind", ["kimi", "qwen", "ernie", "hunyuan"])
def test_by_default_no_address_of_an_image_or_a_file_is_called_from_here(kind: str) -> None:
    """banjia forwards or refuses addresses and fetches none, unless ``policy.fetch_images`` is on: test_image_urls.py."""

    async def scene() -> None:
        async with canary() as there, site(kind) as here, line(here.running.url) as caller:
            address = there.url + "/a.png"
            parts: list[dict[str, Any]] = [
                {"type": "image_url", "image_url": {"url": address}},
                {"type": "image_url", "image_url": address},
                {"type": "file", "file": {"file_data": address, "file_url": address, "filename": "a"}},
                {"type": "input_audio", "input_audio": {"data": address, "format": "wav"}},
                {"type": "video_url", "video_url": {"url": address}},
            ]
            for part in parts:
                content = [{"type": "text", "text": "hi"}, part]
                status = await status_of(caller, chat(model="gpt-4o", messages=[{"role": "user", "content": content}]))
                assert status in (200, 400)
            assert there.met == 0

    run(scene())


def test_cve_2026_108719_no_url_of_a_request_is_called() -> None:
    """CVE-2026-108719 (LLMGateway until 1.20.0): ``callback_url`` made it call its internal network."""

    async def scene() -> None:
        async with canary() as there, site() as here, line(here.running.url) as caller:
            for name in CALLBACKS:
                for value in (there.url, [there.url], {"url": there.url}):
                    more: dict[str, Any] = {name: value, "metadata": {name: there.url}}
                    assert await status_of(caller, chat(**more)) in (200, 400)
                assert await status_of(caller, chat(f"x-{name}: {there.url}".replace("_", "-").encode())) == 200
            await asyncio.sleep(0.05)
            assert there.met == 0

    run(scene())
