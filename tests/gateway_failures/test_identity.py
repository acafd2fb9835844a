"""Published flaws that let a client in without a key, or under another identity. See test_published_flaws.py."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx2
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.routing import Route

from config.loader.load import load
from config.schema import Server, Settings, beyond_loopback
from proxy.access.authentication import authenticate
from proxy.admin.app import create_admin
from proxy.app import create_app
from proxy.app_state import AppState
from proxy.credentials.pool import ClientKeys
from proxy.errors import BadKey
from proxy.upstream.client import Upstream
from tests.config.config_file import diagnostics, loaded
from tests.gateway_failures.canary import VENDOR_KEY, canary, site
from tests.proxy.admin.test_admin import LOCAL, kit_of, request
from tests.proxy.play import BOTH
from tests.proxy.server.raw_client import ASK, line, run

CLIENT_KEY = "sk-client-0123456789abcdef"
OPEN = {"/livez", "/readyz", "/healthz", "/health/liveliness", "/health/liveness", "/health/readiness"}
"""The health paths: the only ones that need no key."""
BODY = json.dumps({**ASK, "input": "x", "prompt": "x"}).encode()


def routes_of(app: Any) -> list[tuple[str, str]]:
    """Yield method and path of every route of an app, from its own table, so that new routes are included."""
    starlette: Starlette = app._app
    found = [route for route in starlette.routes if isinstance(route, Route)]
    assert len(found) == len(starlette.routes), "a route of another kind"
    return [(method, route.path.replace("{model:path}", "gpt-4o")) for route in found for method in route.methods or ()]


def state(**server: Any) -> AppState:
    made = Settings.model_validate({**BOTH, "server": server})
    return AppState(made, Upstream(httpx2.MockTransport(lambda _: httpx2.Response(500))), lambda ending: None)


APP = routes_of(create_app(state()))
GUARDED = [(method, path) for method, path in APP if path not in OPEN]

ODD = [
    b"X-Original-URL: /livez", b"X-Rewrite-URL: /livez", b"X-Forwarded-Prefix: /livez", b"X-Forwarded-Uri: /livez",
    b"X-Forwarded-Path: /livez", b"X-Http-Method-Override: GET", b"X-Method-Override: HEAD", b"X-Forwarded-For: 127.0.0.1",
    b"X-Real-Ip: 127.0.0.1", b"Forwarded: for=127.0.0.1;host=livez", b"X-Forwarded-Host: livez", b"X-Forwarded-User: admin",
    b"X-Remote-User: admin", b"Authorization: Basic YWRtaW46YWRtaW4=", b"Authorization: Bearer", b"Authorization: Bearer  ",
    b"Authorization: bearer null", b"Authorization: Bearer undefined", b"Authorization: Bearer None",
    b"Authorization: Bearer " + CLIENT_KEY[:20].encode(), b"Authorization: Bearer " + CLIENT_KEY.upper().encode(),
    b"Authorization: Bearer " + CLIENT_KEY.encode() + b"0", b"Authorization: Bearer *", b"Authorization: Bearer %",
    b"Authorization: Token " + CLIENT_KEY.encode(), b"Authorization: " + CLIENT_KEY.encode(), b"Api-Key: ", b"Api-Key: *",
    b"Cookie: token=" + CLIENT_KEY.encode(), b"X-Litellm-Key-Hash: 0", b"Authorization: Bearer ' OR '1'='1",
    b"Authorization: Bearer x'; SELECT pg_sleep(9)--", b"Authorization: Bearer " + b"a" * 20_000,
    b"Authorization: Bearer \xff\xfe\x80", b"Api-Key: \xed\xa0\x80",
]  # fmt: skip
"""Headers that gave access to other gateways, and keys that are almost valid."""


def test_cve_2026_49468_and_48710_every_route_but_health_needs_a_key_regardless_of_headers() -> None:
    """CVE-2026-49468 (LiteLLM), CVE-2026-48710 (Starlette): a Host, or a path made of it, decided the access.

    The path of a request is that of its first line, and the table of routes is walked: tests/proxy/server/test_paths.py has the
    oddities of hosts and paths, this one the routes and the other headers.
    """

    async def scene() -> None:
        async with site(client_keys=[CLIENT_KEY]) as here, line(here.running.url) as caller:
            for method, path in GUARDED:
                body = BODY if method == "POST" else b""
                for odd in [b"X-Nothing: 1", *ODD]:
                    head = f"{method} {path} HTTP/1.1\r\nHost: livez\r\nContent-Length: {len(body)}\r\n".encode()
                    await caller.send(head + odd + b"\r\n\r\n" + body)
                    status = await status_of(caller, method)
                    assert status == 401, (method, path, odd[:80])
            assert here.heads == []

    assert len(GUARDED) >= 8
    run(scene())


async def status_of(caller: Any, method: str) -> int:
    if method != "HEAD":
        answer = await caller.answer()
        assert answer is not None
        return int(answer.status)
    head: bytes = await caller.reader.readuntil(b"\r\n\r\n")  # announces a body that does not come
    return int(head[9:12])


tails = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30)


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=20, max_size=60), tails, tails)
def test_cve_2026_35030_keys_with_the_same_prefix_are_never_the_same_client(prefix: str, one: str, other: str) -> None:
    """CVE-2026-35030 (LiteLLM until 1.83.0): accepted clients were cached by the first 20 characters of their key."""
    assume(one != other)
    mine, theirs = prefix + one, prefix + other
    only_mine = ClientKeys([mine])
    assert only_mine.knows(mine)
    assert not only_mine.knows(theirs)
    assert not only_mine.knows(mine[:-1])
    both = ClientKeys([mine, theirs])
    assert who(mine, both) != who(theirs, both)
    with pytest.raises(BadKey):
        who(theirs, only_mine)


def who(key: str, keys: ClientKeys) -> str:
    return authenticate({b"authorization": f"Bearer {key}".encode()}, keys).key


def test_cve_2026_114612_a_secret_is_good_for_its_own_purpose_alone() -> None:
    """CVE-2026-114612 (LiteLLM): one secret for several purposes gave a reader of it admin access."""
    settings = Settings.model_validate(
        {
            "vendors": {
                "kimi": {"api_key": "sk-vendor-0123456789", "headers": {"x-tenant": "header-0123456789"}},
                "qwen": {"api_key": "sk-other-0123456789", "proxy": "http://me:password-0123456789@127.0.0.1:9"},
            },
            "server": {"client_keys": [CLIENT_KEY]},
        }
    )
    keys = ClientKeys(settings.client_keys())
    digest = who(CLIENT_KEY, keys)
    for other in ("sk-vendor-0123456789", "sk-other-0123456789", "header-0123456789", "password-0123456789", digest):
        with pytest.raises(BadKey):
            who(other, keys)


STEPS = [
    "proxy.pipeline.authenticate", "proxy.openai_api.models.authenticate", "proxy.openai_api.moderations.endpoint.authenticate",
    "proxy.openai_api.stored_objects.authenticate", "proxy.openai_api.responses.routes.authenticate",
    "proxy.access.authentication.sent_key", "proxy.access.authentication.Caller", "proxy.credentials.pool.ClientKeys.hash_of",
    "proxy.credentials.pool._hash", "proxy.credentials.pool.hmac.compare_digest", "proxy.credentials.pool.hashlib.sha256",
]  # fmt: skip
"""Where a look at a key may break."""
USES = {
    "proxy.pipeline.authenticate": ("chat", "complet", "embed", "compact"),
    "proxy.openai_api.models.authenticate": ("models",),
    "proxy.openai_api.moderations.endpoint.authenticate": ("moderations",),
    "proxy.openai_api.stored_objects.authenticate": ("conversation", "input_", "{response_id}"),
    "proxy.openai_api.responses.routes.authenticate": (),
}


@pytest.mark.parametrize("raised", [RuntimeError, KeyError, TimeoutError, MemoryError], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("step", STEPS)
def test_cve_2026_59822_a_key_check_that_fails_admits_no_request(step: str, raised: type[Exception]) -> None:
    """CVE-2026-59822 (LiteLLM until 1.84.0): a failed lookup continued as an anonymous user."""

    async def scene() -> None:
        async with site(client_keys=[CLIENT_KEY]) as here, httpx2.AsyncClient(trust_env=False) as client:
            with patch(step, side_effect=raised("canary-of-the-exception")):
                for method, path in GUARDED:
                    if any(use in path for use in USES.get(step, ("",))):
                        got = await client.request(
                            method, here.running.url + path, content=BODY if method == "POST" else None,
                            headers={"authorization": f"Bearer {CLIENT_KEY}"},
                        )  # fmt: skip
                        outside = path.startswith("/v1/models") or (method, path) in WEBSOCKET
                        status, code = (
                            (503, "server_is_overloaded")
                            if raised is MemoryError and not outside
                            else (500, "internal_error")
                        )
                        assert got.status_code == status, (method, path)
                        assert "canary-of-the-exception" not in got.text
                        if method != "HEAD":
                            assert got.json()["error"]["code"] == code
            assert here.heads == []

    asyncio.run(scene())


WEBSOCKET = (("GET", "/v1/responses"), ("HEAD", "/v1/responses"))
EMPTY = ["", " ", "\t", "\u200b", "\x00", "\xa0", "Bearer", "null"]


@pytest.mark.parametrize("configured", [[CLIENT_KEY], [CLIENT_KEY, "", ""], ["", CLIENT_KEY]])
def test_cve_2026_41432_an_empty_secret_matches_nothing(configured: list[str]) -> None:
    """CVE-2026-41432 (new-api until 0.12.10): with an empty secret every forged message was accepted."""
    settings = Settings.model_validate({**BOTH, "server": {"client_keys": configured}})
    assert settings.client_keys() == [CLIENT_KEY]
    keys = ClientKeys(configured)
    for sent in EMPTY:
        for headers in headers_with(sent):
            with pytest.raises(BadKey):
                authenticate(headers, keys)
    assert not keys.knows("")


def headers_with(sent: str) -> list[Mapping[bytes, bytes]]:
    raw = sent.encode()
    return [
        {b"authorization": b"Bearer " + raw},
        {b"authorization": b"Bearer" + raw},
        {b"authorization": raw},
        {b"api-key": raw},
        {b"authorization": b"Bearer ", b"api-key": raw},
    ]


@pytest.mark.parametrize("keys", ["[]", "['']", "['', '']", "''", "'${NOTHING:-}'", "['${NOTHING:-}', '']"])
def test_cve_2026_41432_a_proxy_whose_keys_are_all_empty_refuses_all(
    keys: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unset variable must not open a server that should require keys."""
    monkeypatch.chdir(tmp_path)
    vendors = "vendors: {kimi: {api_key: k}}\n"
    problems = diagnostics(f"{vendors}server: {{listen: '0.0.0.0:8080', client_keys: {keys}}}\n")
    assert any("client_keys" in each for each in problems)
    assert not beyond_loopback(loaded(f"{vendors}server: {{client_keys: {keys}}}\n").settings.server.listen)


ADMIN = {
    ("GET", "/metrics"), ("HEAD", "/metrics"), ("GET", "/status"), ("HEAD", "/status"), ("POST", "/reload"),
    *((method, path) for path in OPEN for method in ("GET", "HEAD")),
}  # fmt: skip
"""All endpoints of the admin port: metrics, status, and a reload of the operator's own file. A change that adds one also
states here what it may do, and in which role."""


def test_cve_2026_35029_the_admin_port_has_these_endpoints_and_changes_nothing() -> None:
    """CVE-2026-35029 (LiteLLM until 1.83.0): any user could rewrite the proxy's configuration.

    banjia has no users and no roles, only a file, which the port can neither name nor write.
    """
    assert set(routes_of(create_admin(kit_of()))) == ADMIN
    assert not beyond_loopback(Server().admin_listen)
    held = kit_of()
    before = held.snapshot
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        for path in (
            "/status",
            "/config",
            "/config/update",
            "/metrics",
            "/",
            "/v1/models",
            "/reload/x",
            "/key/generate",
        ):
            assert request(path, held, method).status_code in (404, 405), (method, path)
    assert held.snapshot is before


def test_cve_2026_86242_reload_reads_the_file_of_the_start_and_nothing_that_is_sent(tmp_path: Path) -> None:
    """CVE-2026-86242 (Bifrost): a client of the admin port could make it download a plugin and load it."""
    file = tmp_path / "banjia.yaml"
    file.write_text("vendors: {kimi: {api_key: k}}\n")
    other = tmp_path / "other.yaml"
    other.write_text("vendors: {qwen: {api_key: k}}\n")

    async def scene() -> None:
        async with canary() as there:
            held = kit_of()
            held.load_config = lambda: load(file, {})
            transport = httpx2.ASGITransport(create_admin(held))
            async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
                for name in ("path", "file", "config", "url", "plugin", "source", "module"):
                    for value in (str(other), there.url, "os.system"):
                        body = {name: value, "plugins": [{name: value}]}
                        got = await client.post(
                            f"/reload?{name}={value}", json=body, headers={**LOCAL, f"x-{name}": value}
                        )
                        assert got.status_code == 200
                        assert list(held.snapshot.settings.vendors) == ["kimi"]
            assert there.met == 0

    asyncio.run(scene())


def test_cve_2026_49468_a_vendors_key_is_not_a_client_key() -> None:
    """Client keys and vendor keys must differ on every route."""

    async def scene() -> None:
        async with site(client_keys=[CLIENT_KEY]) as here, httpx2.AsyncClient(trust_env=False) as client:
            for method, path in GUARDED:
                got = await client.request(
                    method, here.running.url + path, content=BODY if method == "POST" else None,
                    headers={"authorization": f"Bearer {VENDOR_KEY}"},
                )  # fmt: skip
                assert got.status_code == 401
            assert here.heads == []

    asyncio.run(scene())
