"""Web pages of other sites can't spend the operator's money: real processes, in the set-ups of the README and the docs.

The tests send a browser's bytes on raw sockets, because HTTP libraries do not let an app choose Host and Origin.
"""

import http.client
import json
import signal
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import openai
import pytest

from proxy.server.health import HEALTH_PATHS
from tests.proxy.lifecycle.test_processes import lines_until, run, running

ASK = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}).encode()
ANSWER = json.dumps({
    "id": "1", "object": "chat.completion", "created": 1, "model": "kimi-k2.6",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
}).encode()  # fmt: skip
CLIENT_KEY = "a-long-random-word"
CHAT = "/v1/chat/completions"
AZURE = "/openai/deployments/gpt-4o/chat/completions?api-version=2024-06-01"
Headers = list[tuple[str, str]]


class Vendor(ThreadingHTTPServer):
    """A vendor that answers everything and counts what it would bill."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Billed)
        self.billed = 0
        self.base_url = f"http://127.0.0.1:{self.server_port}/v1"


class Billed(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Vendor

    def do_POST(self) -> None:
        self.server.billed += 1
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, *_: Any) -> None:
        pass


@dataclass
class Answer:
    status: int
    body: bytes

    @property
    def error(self) -> dict[str, Any]:
        error: dict[str, Any] = json.loads(self.body)["error"]
        return error


@dataclass
class Instance:
    """A process that serves: its two ports and its vendor."""

    port: int
    admin_port: int
    vendor: Vendor

    def fetch(
        self, method: str, path: str, *headers: tuple[str, str], host: str | None = None, admin: bool = False
    ) -> Answer:
        """Send one request. ``host``: the Host header; by default the address that is called."""
        port = self.admin_port if admin else self.port
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", f"127.0.0.1:{port}" if host is None else host)
        for name, value in headers:
            connection.putheader(name, value)
        body = ASK if method == "POST" else b""
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        answer = Answer(response.status, response.read())
        connection.close()
        return answer

    def chat(self, *headers: tuple[str, str], host: str | None = None, path: str = CHAT) -> Answer:
        """A chat as a page sends it without a preflight: JSON labelled as plain text."""
        return self.fetch("POST", path, ("Content-Type", "text/plain"), *headers, host=host)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@contextmanager
def vendor_running() -> Iterator[Vendor]:
    with Vendor() as vendor:
        thread = threading.Thread(target=vendor.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield vendor
        finally:
            vendor.shutdown()
            thread.join()


@contextmanager
def serving(*options: str, host: str = "127.0.0.1", admin_host: str = "127.0.0.1", **server: str) -> Iterator[Instance]:
    """``banjia serve`` before one vendor; ``server`` has keys of that section."""
    port, admin_port = free_port(), free_port()
    named = {"listen": f"{host}:{port}", "admin_listen": f"{admin_host}:{admin_port}", "drain_delay_s": "0", **server}
    with vendor_running() as vendor:
        env = {
            "MOONSHOT_API_KEY": "sk-kimi-0000000000000001", "BANJIA_VENDORS__KIMI__BASE_URL": vendor.base_url,
            **{f"BANJIA_SERVER__{key.upper()}": value for key, value in named.items()},
        }  # fmt: skip
        with running("serve", *options, env=env) as process:
            lines_until(process, "metrics on")
            yield Instance(port, admin_port, vendor)


@pytest.fixture(scope="module")
def readme() -> Iterator[Instance]:
    """The README's set-up: a vendor's key in the environment, and nothing else."""
    with serving() as instance:
        yield instance


def denied(answer: Answer, cure: str) -> bool:
    return (answer.status, answer.error["code"]) == (403, "access_denied") and cure in answer.error["message"]


@contextmanager
def unbilled(instance: Instance) -> Iterator[None]:
    before = instance.vendor.billed
    yield
    assert instance.vendor.billed == before


@contextmanager
def billed(instance: Instance, calls: int) -> Iterator[None]:
    before = instance.vendor.billed
    yield
    assert instance.vendor.billed == before + calls


PATHS = [
    CHAT, AZURE, "/chat/completions", "/v1/v1/chat/completions", "//v1//chat/completions/", "/openai/v1/chat/completions",
    "/v1/engines/kimi-k2.6/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/moderations", "/v1/responses",
    "/nowhere", "/", "/healthz/../v1/chat/completions", "/livez/v1/chat/completions", "/v1/livez", CHAT + "?livez",
]  # fmt: skip
ORIGINS = [
    "https://evil.example", "null", "", "http://localhost:3000", "http://localhost", "file://",
    "https://evil.example https://127.0.0.1", "http://127.0.0.1:8080", "chrome-extension://abcdefgh",
]  # fmt: skip


@pytest.mark.parametrize("origin", ORIGINS)
def test_a_page_that_is_not_listed_costs_no_vendor_call(readme: Instance, origin: str) -> None:
    with unbilled(readme):
        assert denied(readme.chat(("Origin", origin)), "server.cors_origins")
        assert denied(readme.chat(("Origin", origin), host=f"localhost:{readme.port}"), "server.cors_origins")


def test_a_page_that_names_the_ports_own_address_as_its_origin_is_refused_too(readme: Instance) -> None:
    with unbilled(readme):
        assert denied(readme.chat(("Origin", f"http://127.0.0.1:{readme.port}")), "server.cors_origins")


@pytest.mark.parametrize("path", PATHS)
def test_no_path_is_open_to_a_page_or_a_foreign_name(readme: Instance, path: str) -> None:
    with unbilled(readme):
        for method in ("POST", "GET", "OPTIONS", "DELETE"):
            answer = readme.fetch(method, path, ("Content-Type", "text/plain"), ("Origin", "https://evil.example"))
            assert denied(answer, "server.cors_origins")
            answer = readme.fetch(method, path, ("Content-Type", "text/plain"), host="evil.example")
            assert denied(answer, "server.hosts")


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:{port}", "localhost.evil.example", "127.0.0.1.nip.io:{port}", "banjia:{port}"],
)
def test_a_name_that_is_made_to_resolve_to_loopback_costs_no_vendor_call(readme: Instance, host: str) -> None:
    name = host.format(port=readme.port)
    with unbilled(readme):
        assert denied(readme.chat(host=name), "server.hosts")
        assert readme.chat(("Origin", f"http://{name}"), host=name).status == 403
        assert denied(readme.fetch("GET", "/v1/models", host=name), "server.hosts")


def test_two_origins_are_refused(readme: Instance) -> None:
    with unbilled(readme):
        assert readme.chat(("Origin", "https://evil.example"), ("Origin", "http://127.0.0.1")).status == 403


def test_a_page_is_refused_before_its_body_is_read(readme: Instance) -> None:
    with unbilled(readme), socket.create_connection(("127.0.0.1", readme.port), timeout=20) as caller:
        caller.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: https://evil.example\r\n"
            b"Content-Type: text/plain\r\nContent-Length: 50000000\r\n\r\n"
        )
        assert caller.recv(4096).startswith(b"HTTP/1.1 403 ")


def test_the_refusal_is_in_chinese_for_clients_that_accept_it(readme: Instance) -> None:
    page, name = ("Origin", "https://evil.example"), ("Accept-Language", "zh-CN")
    assert "来自网页 'https://evil.example' 的请求已被拒绝" in readme.chat(page, name).error["message"]
    assert "发往主机 'evil.example:80' 的请求已被拒绝" in readme.chat(name, host="evil.example:80").error["message"]


@pytest.mark.parametrize(
    "host", ["127.0.0.1:{port}", "localhost:{port}", "LOCALHOST", "localhost.", "[::1]:{port}", "10.0.0.5", "127.1:{port}",
             "host.docker.internal:{port}"],
)  # fmt: skip
def test_apps_are_answered_under_every_name_of_this_machine(readme: Instance, host: str) -> None:
    with billed(readme, 2):
        assert readme.chat(host=host.format(port=readme.port)).status == 200
        assert readme.chat(host=host.format(port=readme.port), path=AZURE).status == 200


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_the_sdks_are_answered(readme: Instance, name: str) -> None:
    ask: Any = json.loads(ASK)
    url = f"http://{name}:{readme.port}"
    with billed(readme, 2):
        with openai.OpenAI(base_url=f"{url}/v1", api_key="anything", max_retries=0) as client:
            assert client.chat.completions.create(**ask).choices[0].message.content == "hello"
        with openai.AzureOpenAI(
            azure_endpoint=url, api_key="anything", api_version="2024-06-01", max_retries=0
        ) as azure:
            assert azure.chat.completions.create(**ask).choices[0].message.content == "hello"


def test_a_call_of_http_1_0_without_a_host_is_no_browsers(readme: Instance) -> None:
    with billed(readme, 1), socket.create_connection(("127.0.0.1", readme.port), timeout=20) as caller:
        caller.sendall(b"POST /v1/chat/completions HTTP/1.0\r\nContent-Length: %d\r\n\r\n%b" % (len(ASK), ASK))
        assert caller.recv(4096).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("path", sorted(HEALTH_PATHS))
@pytest.mark.parametrize("host", ["10.244.1.7:8080", "banjia-7d9f:8080", "banjia.default.svc", "evil.example"])
def test_health_is_answered_under_any_name(readme: Instance, path: str, host: str) -> None:
    for admin in (False, True):
        assert readme.fetch("GET", path, host=host, admin=admin).status == 200
        assert readme.fetch("GET", path, ("Origin", "https://evil.example"), host=host, admin=admin).status == 200
    assert readme.fetch("GET", path + "/", host=host).status == 200


def test_the_containers_healthcheck_is_answered(readme: Instance) -> None:
    assert run("healthcheck", env={"BANJIA_SERVER__LISTEN": f"127.0.0.1:{readme.port}"}).returncode == 0


def test_a_listed_page_is_answered_and_no_other() -> None:
    with serving(cors_origins="http://localhost:3000,https://App.Example.com:443") as instance:
        with billed(instance, 4):
            for origin in ("http://localhost:3000", "https://app.example.com", "https://APP.example.com:443"):
                assert instance.chat(("Origin", origin)).status == 200
            assert instance.chat(("Origin", "http://localhost:3000"), path=AZURE).status == 200
        with unbilled(instance):
            for origin in ("http://localhost:3001", "https://localhost:3000", "http://app.example.com", "null"):
                assert denied(instance.chat(("Origin", origin)), "server.cors_origins")
            assert denied(instance.chat(("Origin", "http://localhost:3000"), host="evil.example"), "server.hosts")


def test_a_reverse_proxy_before_a_loopback_port_is_answered_under_a_name_that_is_listed() -> None:
    forwarded = [("X-Forwarded-Host", "banjia.example.com"), ("X-Forwarded-Proto", "https"), ("Via", "1.1 nginx")]
    with serving() as instance, unbilled(instance):
        assert denied(instance.chat(*forwarded, host="banjia.example.com"), "server.hosts")
    with serving(hosts="Banjia.example.com") as instance:
        with billed(instance, 3):
            assert instance.chat(*forwarded, host="banjia.example.com").status == 200
            assert instance.chat(*forwarded, host="BANJIA.example.com:443").status == 200
            assert instance.chat(*forwarded).status == 200  # nginx's own default: Host is the address in proxy_pass
        with unbilled(instance):
            assert denied(instance.chat(*forwarded, host="evil.banjia.example.com"), "server.hosts")
            page = ("Origin", "https://banjia.example.com")
            assert denied(instance.chat(page, *forwarded, host="banjia.example.com"), "server.cors_origins")


def test_the_compose_file_of_the_readme_is_called_by_any_name_with_its_client_key() -> None:
    """The image listens on all interfaces; its port is published on this machine's loopback."""
    bearer = ("Authorization", f"Bearer {CLIENT_KEY}")
    with serving(host="0.0.0.0", client_keys=CLIENT_KEY) as instance:
        with billed(instance, 4):
            for host in (None, f"localhost:{instance.port}", "banjia:8080", "host.docker.internal:8080"):
                assert instance.chat(bearer, host=host).status == 200
        with unbilled(instance):
            for host in (None, "evil.example"):
                answer = instance.chat(("Origin", "https://evil.example"), host=host)
                assert (answer.status, answer.error["message"][:32]) == (401, "You didn't provide an API key. S")
        with billed(instance, 1):
            assert instance.chat(bearer, ("Origin", "https://app.example.com")).status == 200
        assert denied(
            instance.fetch("POST", "/reload", bearer, ("Origin", "https://evil.example"), admin=True), "cors_origins"
        )


def test_a_client_key_on_loopback_takes_the_place_of_the_lists() -> None:
    with serving(client_keys=CLIENT_KEY, cors_origins="*") as instance, billed(instance, 1):
        bearer = ("Authorization", f"Bearer {CLIENT_KEY}")
        assert instance.chat(bearer, ("Origin", "https://app.example.com"), host="banjia.example.com").status == 200
        assert instance.chat(("Origin", "https://evil.example"), host="evil.example").status == 401
        assert denied(instance.fetch("GET", "/status", ("Origin", "https://evil.example"), admin=True), "cors_origins")
        assert denied(instance.fetch("GET", "/status", ("Origin", "null"), admin=True), "cors_origins")


def test_an_insecure_service_is_called_by_its_name_and_by_no_page() -> None:
    with serving(host="0.0.0.0", insecure="on") as instance:
        with billed(instance, 3):
            for host in ("banjia:8080", "banjia.default.svc.cluster.local:8080", None):
                assert instance.chat(host=host).status == 200
        with unbilled(instance):
            for origin in ("https://evil.example", "null", "http://banjia:8080"):
                assert denied(instance.chat(("Origin", origin), host="banjia:8080"), "server.cors_origins")
        # `insecure` does not open the admin port to pages, nor, on loopback, to foreign names.
        assert denied(instance.fetch("POST", "/reload", ("Origin", "https://evil.example"), admin=True), "cors_origins")
        assert denied(instance.fetch("GET", "/metrics", host="banjia:8081", admin=True), "server.hosts")


def test_emulated_vendors_and_the_demo_have_the_same_guard() -> None:
    with serving("--emulate") as instance:
        assert instance.chat().status == 200
        assert denied(instance.chat(("Origin", "https://evil.example")), "server.cors_origins")
        assert denied(instance.chat(host="evil.example"), "server.hosts")
    with running("demo") as process:
        shown = lines_until(process, "Serving")
        [url] = [line.partition("=")[2] for line in shown if line.startswith("OPENAI_BASE_URL=")]
        demo = Instance(int(url.split(":")[2].partition("/")[0]), 0, Vendor.__new__(Vendor))
        assert demo.chat().status == 200
        assert denied(demo.chat(("Origin", "https://evil.example")), "server.cors_origins")
        assert denied(demo.chat(host="evil.example"), "server.hosts")


def test_a_page_reaches_nothing_of_the_admin_port(readme: Instance) -> None:
    for method, path in (("POST", "/reload"), ("GET", "/metrics"), ("GET", "/status"), ("GET", "/nowhere")):
        own = f"http://127.0.0.1:{readme.admin_port}"
        for origin in ("https://evil.example", "null", own):
            assert denied(readme.fetch(method, path, ("Origin", origin), admin=True), "server.cors_origins")
        assert denied(readme.fetch(method, path, host=f"evil.example:{readme.admin_port}", admin=True), "server.hosts")
    assert readme.fetch("GET", "/metrics", admin=True).status == 200
    assert readme.fetch("GET", "/status", host="localhost", admin=True).status == 200


def test_the_admin_port_beyond_loopback_is_called_by_its_name_and_by_no_page() -> None:
    token = "an-admin-token-of-enough-letters"
    with serving(admin_host="0.0.0.0", admin_token=token) as instance:
        assert instance.fetch("GET", "/metrics", host="banjia:8081", admin=True).status == 200
        assert instance.fetch("GET", "/status", host="banjia:8081", admin=True).status == 401
        bearer = ("Authorization", f"Bearer {token}")
        assert instance.fetch("GET", "/status", bearer, host="banjia:8081", admin=True).status == 200
        page = ("Origin", "https://evil.example")
        assert denied(
            instance.fetch("GET", "/status", page, bearer, host="banjia:8081", admin=True), "server.cors_origins"
        )
        assert denied(instance.fetch("GET", "/metrics", page, host="banjia:8081", admin=True), "server.cors_origins")
        assert denied(instance.chat(host="evil.example"), "server.hosts")  # the front port is on loopback still


def configuration(vendor: Vendor, server: Mapping[str, object]) -> str:
    """YAML, of which JSON is a part."""
    entry = {"api_key": "${MOONSHOT_API_KEY}", "base_url": vendor.base_url}
    return json.dumps({"version": 1, "server": server, "vendors": {"kimi": entry}})


def test_new_lists_hold_from_the_reload_on(tmp_path: Path) -> None:
    file = tmp_path / "banjia.yaml"
    port, admin_port = free_port(), free_port()
    bound = {"listen": f"127.0.0.1:{port}", "admin_listen": f"127.0.0.1:{admin_port}", "drain_delay_s": 0}
    with vendor_running() as vendor:
        file.write_text(configuration(vendor, bound))
        instance = Instance(port, admin_port, vendor)
        env = {"MOONSHOT_API_KEY": "sk-kimi-0000000000000001", "BANJIA_CONFIG": str(file)}
        with running("serve", env=env) as process:
            lines_until(process, "metrics on")

            def reload(**server: object) -> None:
                """The file is read for its change and for the signal; the last version is in use in the end."""
                file.write_text(configuration(vendor, {**bound, **server}))
                process.send_signal(signal.SIGHUP)

            def becomes(status: int) -> bool:
                for _ in range(600):
                    if (instance.chat(page).status, instance.chat(host=name).status) == (status, status):
                        return True
                    time.sleep(0.05)
                return False

            page, name = ("Origin", "https://app.example.com"), "banjia.example.com"
            assert (instance.chat(page).status, instance.chat(host=name).status) == (403, 403)
            reload(cors_origins=["https://app.example.com"], hosts=[name])
            assert becomes(200)
            assert instance.fetch("GET", "/status", page, host=name, admin=True).status == 200
            reload(client_keys=[CLIENT_KEY])
            assert becomes(401)
            reload()
            assert becomes(403)
            assert instance.fetch("GET", "/status", page, admin=True).status == 403


@pytest.mark.parametrize("entry", ["*", "null"])
def test_an_entry_that_admits_every_page_requires_client_keys(entry: str) -> None:
    env = {"MOONSHOT_API_KEY": "sk-kimi-0000000000000001", "BANJIA_SERVER__CORS_ORIGINS": entry}
    refused = run("check", env=env)
    assert refused.returncode != 0
    assert f"without client keys, '{entry}' lets any web page spend your money" in refused.stdout + refused.stderr
    assert run("check", env={**env, "BANJIA_CLIENT_KEY": CLIENT_KEY}).returncode == 0
