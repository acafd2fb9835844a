"""Published flaws that exposed a key: in a log, in a weak mask, or by an endpoint. See test_published_flaws.py."""

import asyncio
import json
import logging
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.types import ASGIApp

from config.schema import Settings
from proxy.access.authentication import authenticate
from proxy.admin.app import create_admin
from proxy.app import create_app
from proxy.app_state import AppState
from proxy.credentials.pool import ClientKeys
from proxy.upstream.client import Upstream
from tests.gateway_failures.test_identity import routes_of
from tests.proxy.credentials.test_secrets import REPLIES
from tests.proxy.play import error, play
from tests.support.harness import proxy, vendor

PROMPT = "canary-prompt-4e19b6d0"
SECRETS = {
    "client": "sk-canary-client-0zb6wxd8", "environment": "canary-env-6x1ezw2f", "kimi": "sk-canary-kimi-7fzaqc5x",
    "kimi 2": "sk-canary-kimi-5wzd2xq0", "header": "canary-header-9zcxaqw2", "qwen": "sk-canary-qwen-2xq0zw6b",
    "proxy": "canary-proxy-cz1xqew7", "office": "sk-canary-office-4xqwzd7", "ernie": "bce-v3/ALTAK-canary/9zxq2wd1",
    "hunyuan": "sk-canary-hunyuan-8wzxqe3", "admin": "canary-admin-3qzwx8ex",
}  # fmt: skip
"""Letters beyond hexadecimal digits in each of their parts: request ids have all others by chance."""
SETTINGS: dict[str, Any] = {
    "server": {"client_keys": [SECRETS["client"], SECRETS["environment"]], "admin_token": SECRETS["admin"]},
    "vendors": {
        "kimi": {"api_keys": [SECRETS["kimi"], SECRETS["kimi 2"]], "headers": {"x-tenant": SECRETS["header"]}},
        "qwen": {"api_key": SECRETS["qwen"], "proxy": f"http://me:{SECRETS['proxy']}@127.0.0.1:9"},
        "office": {"kind": "openai_compatible", "base_url": "http://127.0.0.1:9/v1", "api_key": SECRETS["office"]},
        "ernie": {"api_key": SECRETS["ernie"]},
        "hunyuan": {"api_key": SECRETS["hunyuan"]},
    },
    "models": {"gpt-4o": ["kimi/kimi-k2.6", "qwen/qwen3.6-plus"]},
}
"""A secret at every place of a configuration that takes one."""


def shown(text: str) -> list[str]:
    """Return the secrets of which the text has more than the last four characters."""
    return [name for name, secret in SECRETS.items() if any(part in text for part in windows(secret))]


def windows(secret: str) -> Iterator[str]:
    """Yield every five characters that reveal a part of this secret, without a common prefix."""
    ending = secret[-9:]
    return (ending[at : at + 5] for at in range(len(ending) - 4))


def everything(app: ASGIApp, host: str) -> list[str]:
    """Return the responses of every route with and without a valid key."""

    async def scene() -> list[str]:
        text: list[str] = []
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=f"http://{host}") as client:
            for method, path in [
                *routes_of(app),
                ("GET", "/v1/organization/admin_api_keys"),
                ("GET", "/config"),
                ("GET", "/"),
            ]:
                for key in (SECRETS["client"], SECRETS["admin"], SECRETS["kimi"], ""):
                    ask = {
                        "model": "gpt-4o",
                        "messages": [{"role": "user", "content": "hi"}],
                        "input": "x",
                        "prompt": "x",
                    }
                    got = await client.request(method, path, json=ask, headers={"authorization": f"Bearer {key}"})
                    text.append(f"{method} {path} {got.status_code} {got.text} {got.headers}")
        return text

    return asyncio.run(scene())


def test_go_2026_4813_no_endpoint_returns_a_vendors_key() -> None:
    """GO-2026-4813 (new-api): a bypassed second check exposed the vendors' keys.

    banjia returns no keys: they come from the configuration, and the test searches every route of both ports for them.
    """

    def echoes(request: httpx2.Request) -> httpx2.Response:
        reported = " ".join([*SECRETS.values(), str(request.headers)])
        return httpx2.Response(
            400, json={"error": {"message": reported, "type": reported, "code": reported, "param": reported}}
        )

    state = AppState(Settings.model_validate(SETTINGS), Upstream(httpx2.MockTransport(echoes)), lambda ending: None)
    for account in state.snapshot.accounts.values():
        account.upstream = Upstream(httpx2.MockTransport(echoes))
    for app in (create_app(state), create_admin(state)):
        problems = everything(app, "127.0.0.1")
        assert len(problems) > 20
        assert [(what[:60], shown(what)) for what in problems if shown(what)] == []


PRINTABLE = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=80)


@given(PRINTABLE)
def test_cve_2024_9606_a_wrong_key_is_shown_by_its_last_four_characters_at_most(key: str) -> None:
    """CVE-2024-9606 (LiteLLM until 1.44.12): the mask hid five characters and showed the others."""
    wrong = f"~{key}"
    with pytest.raises(Exception, match=r"Incorrect API key|didn't provide") as caught:
        authenticate({b"authorization": f"Bearer {wrong}".encode()}, ClientKeys(["sk-client"]))
    assert_masked(wrong, str(caught.value))


def assert_masked(key: str, text: str) -> None:
    tail = key[-4:] if len(key) >= 12 else ""
    for word in ("Incorrect API key provided: ", "ending in "):
        if word in text:
            masked = text.partition(word)[2].partition(": " if "ending" in word else ". It must")[0]
            assert masked.strip("….").startswith(tail.strip("….")) or masked.removeprefix("…") == tail
            assert len(masked.removeprefix("…")) <= 4


KEYS = st.text(
    st.characters(min_codepoint=48, max_codepoint=122, exclude_characters="\\`'<>"), min_size=12, max_size=60
)


@settings(max_examples=20, deadline=None)
@given(KEYS)
def test_cve_2024_9606_nor_is_more_of_a_key_that_its_vendor_refused(key: str) -> None:
    """The operator must be able to identify the key: four characters suffice."""
    reported = play(
        {"kimi": [error(401, "invalid_authentication_error", key)]}, {"vendors": {"kimi": {"api_key": key}}}
    )
    message = reported.json["error"]["message"].partition(" (docs/")[
        0
    ]  # a key may end in the words of the link behind it
    assert key[-4:] in message
    assert key not in message
    assert key[-6:] not in message.replace("refused", "").replace("region", "").replace("belongs", "")


@pytest.mark.parametrize("what", REPLIES)
def test_cve_2024_9606_no_log_no_line_and_no_metric_has_a_key_or_a_prompt(
    what: str, caplog: pytest.LogCaptureFixture, capfd: Any
) -> None:
    """The same for everything that is logged, whatever vendor and client send.

    tests/proxy/credentials/test_secrets.py checks responses; this one checks logs.
    """
    caplog.set_level(logging.DEBUG)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        writer.write(REPLIES[what].replace(b"your key", PROMPT.encode()))
        if what in ("cut", "not HTTP"):
            raise ConnectionError

    async def scene() -> list[str]:
        kept: list[str] = []
        async with vendor(answer) as base_url:
            entry = {**SETTINGS["vendors"]["kimi"], "base_url": base_url, "limits": {"wait_s": 0.05}}
            made = {**SETTINGS, "vendors": {**SETTINGS["vendors"], "kimi": entry}, "policy": {"attempts": 1}}
            made["models"] = {"gpt-4o": "kimi/kimi-k2.6"}
            async with proxy(made) as running, httpx2.AsyncClient(trust_env=False) as client:
                for sent in (SECRETS["client"], f"{SECRETS['client']}x"):
                    ask = {"model": "gpt-4o", "user": PROMPT, "messages": [{"role": "user", "content": PROMPT}]}
                    for stream in (False, True):
                        await client.post(
                            f"{running.url}/v1/chat/completions?api_key={sent}", json={**ask, "stream": stream},
                            headers={"authorization": f"Bearer {sent}", "x-user": PROMPT},
                        )  # fmt: skip
                admin = httpx2.ASGITransport(create_admin(running.state))
                async with httpx2.AsyncClient(transport=admin, base_url="http://127.0.0.1") as watching:
                    bearer = {"authorization": f"Bearer {SECRETS['admin']}"}
                    kept += [(await watching.get(page, headers=bearer)).text for page in ("/metrics", "/status")]
                kept.append(json.dumps(running.lines))
        return kept

    kept = asyncio.run(scene())
    kept += [
        record.getMessage() for record in caplog.records if record.name != "httpx2"
    ]  # our own client logs its URLs
    kept += capfd.readouterr()
    assert sum(map(len, kept)) > 1000
    for text in kept:
        assert shown(text) == []
        assert PROMPT not in text
