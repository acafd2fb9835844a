"""The admin port: its contents, its access control, and that it never disturbs the client port."""

import asyncio
import json
import socket
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import httpx2
import pytest

from adapters.core.message import as_message
from config.errors import ConfigError, Diagnostic, Location
from config.loader.load import LoadedConfig
from config.schema import Server, Settings
from proxy.admin.app import create_admin
from proxy.app_state import AppState
from proxy.lifecycle.run import admin_server, bind, bind_admin, url_of
from proxy.server.health import HEALTH_PATHS
from proxy.upstream.client import Upstream
from tests.project.pages.terminal import free_port
from tests.proxy.credentials.test_secrets import CANARIES, CLIENT_KEY, HEADER, OTHER_KEY, VENDOR_KEY
from tests.proxy.lifecycle.test_processes import lines_until, run, running
from tests.proxy.play import BOTH
from tests.support.harness import proxy

LOCAL = {"host": "127.0.0.1:8081"}


def kit_of(settings: Mapping[str, Any] = BOTH) -> AppState:
    return AppState(Settings.model_validate(settings), Upstream(httpx2.MockTransport(lambda _: httpx2.Response(500))))


def request(path: str, state: AppState, method: str = "GET", headers: Mapping[str, str] = LOCAL) -> httpx2.Response:
    async def scene() -> httpx2.Response:
        transport = httpx2.ASGITransport(create_admin(state))
        async with httpx2.AsyncClient(transport=transport, base_url="http://x") as client:
            return await client.request(method, path, headers=headers)

    return asyncio.run(scene())


def test_status_shows_configuration_vendors_and_models() -> None:
    state = kit_of({**BOTH, "vendors": {**BOTH["vendors"], "away": {"kind": "kimi"}}})
    state.source = "banjia.yaml"
    status = request("/status", state).json()
    assert status["config"] == "banjia.yaml"
    assert status["vendors"] == {"kimi": "on", "qwen": "on", "away": "off"}
    assert status["models"]["gpt-4o"] == ["kimi/kimi-k2.6", "qwen/qwen3.6-plus"]
    assert status["models"]["text-embedding-3-small"] == ["qwen/text-embedding-v4"]
    assert (status["active"], status["endings"], status["draining"]) == (0, {}, False)
    assert status["uptime_s"] >= 0


def test_no_secret_is_on_any_page() -> None:
    entry = {"api_keys": [VENDOR_KEY, OTHER_KEY], "headers": {"x-tenant": HEADER}, "base_url": "http://127.0.0.1:9/v1"}
    state = kit_of({"vendors": {"kimi": entry}, "server": {"client_keys": [CLIENT_KEY], "admin_token": TOKEN}})
    for path in ("/metrics", "/status", "/readyz", "/nowhere"):
        page = request(path, state, headers={**LOCAL, "authorization": f"Bearer {TOKEN}"}).text
        assert [canary for canary in (*CANARIES, TOKEN) if canary in page] == []


def test_health_is_served_here_too_and_reports_the_drain() -> None:
    state = kit_of()
    assert request("/livez", state).status_code == request("/readyz", state).status_code == 200
    state.draining = True
    assert request("/readyz", state).status_code == 503
    assert "banjia_draining 1.0" in request("/metrics", state).text


@pytest.mark.parametrize(
    ("host", "plain"),
    [
        ("127.0.0.1:8081", True), ("localhost:8081", True), ("LOCALHOST", True), ("[::1]:8081", True), ("10.0.0.5", True),
        ("", False), ("evil.example:8081", False), ("localhost.evil.example", False), ("127.0.0.1.evil.example", False),
        ("evil.example@127.0.0.1", False), ("[::1", False), ("127.0.0.1:x", False),
    ],
)  # fmt: skip
def test_only_addresses_and_localhost_are_answered(host: str, plain: bool) -> None:
    assert request("/metrics", kit_of(), headers={"host": host}).status_code == (200 if plain else 403)


def test_a_page_that_is_not_listed_is_refused_and_one_that_is_listed_is_not() -> None:
    state = kit_of({**BOTH, "server": {"cors_origins": ["http://127.0.0.1:3000"]}})
    for origin in ("https://evil.example", "null", "http://127.0.0.1:3001", "http://127.0.0.1:8081"):
        answer = request("/reload", state, "POST", {**LOCAL, "origin": origin})
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "access_denied")
    assert request("/status", state, headers={**LOCAL, "origin": "http://127.0.0.1:3000"}).status_code == 200


def test_health_is_answered_under_any_name() -> None:
    for path in HEALTH_PATHS:
        headers = {"host": "banjia-7d9:8081", "origin": "https://evil.example"}
        assert request(path, kit_of(), headers=headers).status_code == 200


def test_beyond_loopback_it_is_called_by_its_name() -> None:
    state = kit_of({**BOTH, "server": {"admin_listen": "0.0.0.0:8081", "admin_token": TOKEN}})
    assert request("/metrics", state, headers={"host": "banjia:8081"}).status_code == 200
    assert (
        request("/metrics", state, headers={"host": "banjia:8081", "origin": "http://evil.example"}).status_code == 403
    )


TOKEN = "admin-canary-of-enough-letters"
TOKENED = {**BOTH, "server": {"admin_token": TOKEN}}
GUARDED = [
    ("GET", "/status"),
    ("POST", "/reload"),
    ("GET", "/nowhere"),
    ("GET", "/metrics/"),
    ("GET", "/"),
    ("GET", "//metrics"),
]
WRONG = [
    "",
    "Bearer",
    "Bearer ",
    f"Bearer {TOKEN}x",
    f"Bearer {TOKEN[:-1]}",
    f"Basic {TOKEN}",
    TOKEN,
    f"Bearer {TOKEN} {TOKEN}",
]


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_with_a_token_every_path_but_metrics_and_health_needs_it(method: str, path: str) -> None:
    state = kit_of(TOKENED)
    for sent in WRONG:
        answer = request(path, state, method, {**LOCAL, "authorization": sent})
        assert answer.status_code == 401, sent
        assert answer.json()["error"]["type"] == "invalid_request_error"
        assert answer.headers["x-should-retry"] == "false"
        assert TOKEN not in answer.text
    assert request(path, state, method, {**LOCAL, "api-key": TOKEN}).status_code == 401
    for scheme in ("Bearer", "bearer"):
        assert request(path, state, method, {**LOCAL, "authorization": f"{scheme} {TOKEN}"}).status_code != 401


def test_metrics_and_health_need_no_token() -> None:
    for path in ("/metrics", *HEALTH_PATHS):
        assert request(path, kit_of(TOKENED)).status_code == 200


def test_without_a_token_on_loopback_none_is_required() -> None:
    for server in ({}, {"admin_token": ""}, {"insecure": True}):
        assert request("/status", kit_of({**BOTH, "server": server})).status_code == 200


def test_a_client_key_is_no_admin_token_and_a_token_no_client_key() -> None:
    state = kit_of({**BOTH, "server": {"admin_token": TOKEN, "client_keys": [CLIENT_KEY]}})
    assert request("/status", state, headers={**LOCAL, "authorization": f"Bearer {CLIENT_KEY}"}).status_code == 401
    assert not state.snapshot.client_keys.knows(TOKEN)


def test_the_token_is_redacted_from_vendors_messages() -> None:
    state = kit_of(TOKENED)
    assert TOKEN in [secret.get_secret_value() for secret in state.snapshot.secrets]
    assert TOKEN not in repr(state.snapshot.settings) + repr(state.__dict__) + repr(vars(state.snapshot))


def test_reload_reads_the_file_again_and_reports_the_result() -> None:
    state = kit_of()
    assert request("/reload", state, "POST").status_code == 404
    read: list[LoadedConfig | ConfigError] = [
        LoadedConfig(state.snapshot.settings.model_copy(update={"models": {}}), "banjia.yaml", [], {}),
        ConfigError([Diagnostic(Location("banjia.yaml", 3, 1), "vendors", as_message("no"))]),
    ]

    def again() -> LoadedConfig:
        found = read.pop(0)
        if isinstance(found, ConfigError):
            raise found
        return found

    state.load_config = again
    assert request("/reload", state).status_code == 405
    done, refused = request("/reload", state, "POST"), request("/reload", state, "POST")
    assert (done.status_code, done.json()) == (200, {"ok": True, "changes": ["models.gpt-4o"]})
    reported = ["banjia.yaml:3:1: vendors: no (banjia help config-invalid-value)"]
    assert (refused.status_code, refused.json()) == (409, {"ok": False, "changes": reported})
    assert "banjia_config_reload_success 0.0" in request("/metrics", state).text


def test_a_configuration_that_was_wrong_is_in_the_metrics() -> None:
    state = kit_of()
    assert "banjia_config_reload_success 1.0" in request("/metrics", state).text
    state.loaded(ok=False)
    assert "banjia_config_reload_success 0.0" in request("/metrics", state).text


def test_nothing_of_it_is_on_the_port_of_the_apps() -> None:
    async def scene() -> list[int]:
        async with proxy(BOTH) as served, httpx2.AsyncClient(trust_env=False) as client:
            gets = [(await client.get(served.url + path)).status_code for path in ("/metrics", "/status", "/reload")]
            return [*gets, (await client.post(served.url + "/reload")).status_code]

    assert asyncio.run(scene()) == [404] * 4


def test_it_serves_beside_the_proxy_and_is_gone_after_it() -> None:
    async def scene() -> None:
        state = kit_of()
        sock = bind("127.0.0.1:0")
        url = url_of(sock)
        async with admin_server(state, sock), httpx2.AsyncClient(trust_env=False) as client:
            assert "banjia_build_info" in (await client.get(f"{url}/metrics")).text
        with pytest.raises(ConnectionError):
            await asyncio.open_connection(*sock_name(url))

    asyncio.run(scene())


def sock_name(url: str) -> tuple[str, int]:
    host, port = url.removeprefix("http://").split(":")
    return host, int(port)


def test_a_default_port_in_use_is_one_line_of_output() -> None:
    reported: list[str] = []
    with closing(socket.socket()) as other:
        other.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # as the server does: connections of before may linger
        try:
            other.bind(("127.0.0.1", 8081))
            other.listen()
        except OSError:
            pass  # taken already
        assert bind_admin(Server(), reported.append) is None
    [line] = reported
    assert "127.0.0.1:8081" in line
    assert "server.admin_listen" in line


def test_a_taken_port_that_is_set_ends_the_start_with_1() -> None:
    with closing(bind("127.0.0.1:0")) as other:
        taken = url_of(other).removeprefix("http://")
        env = {"BANJIA_SERVER__LISTEN": "127.0.0.1:0", "BANJIA_SERVER__ADMIN_LISTEN": taken}
        ended = run("serve", "--emulate", env=env)
    assert ended.returncode == 1
    assert f"can't listen on {taken}" in ended.stderr
    assert "server.admin_listen" in ended.stderr


def test_off_opens_none() -> None:
    assert bind_admin(Server(admin_listen="off"), pytest.fail) is None
    assert bind_admin(Server(admin_listen="none"), pytest.fail) is None


def test_serve_opens_it_and_counts_the_requests() -> None:
    front, admin = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    env = {"BANJIA_SERVER__LISTEN": front, "BANJIA_SERVER__ADMIN_LISTEN": admin}
    with running("serve", "--emulate", env=env) as process, httpx2.Client(trust_env=False) as client:
        lines_until(process, f"metrics on http://{admin}/metrics")
        fields = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
        client.post(f"http://{front}/v1/chat/completions", content=json.dumps(fields))
        page = client.get(f"http://{admin}/metrics").text
    assert 'banjia_requests_total{ending="complete",operation="chat",status="2xx"} 1.0' in page
    assert "banjia_loop_lag_seconds_count" in page
