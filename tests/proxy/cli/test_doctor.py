"""The doctor on broken set-ups: each is reported in one line with its fix, and no key is shown."""

import asyncio
import dataclasses
import datetime
import email.utils
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
import trustme

from adapters import registry
from adapters.vendors.kimi.table import KIMI
from config.catalog import models as catalog
from config.catalog.models import Catalog
from config.deprecations import closed_variants
from config.loader.load import load
from config.routing import Routing
from config.schema import Settings, VendorEntry
from emulators import Emulator, start
from proxy.commands.doctor import examine
from proxy.commands.doctor.report import Finding, healthy, lines
from tests.proxy.attempts.test_refused_fields import http
from tests.proxy.cli.conftest import Run, data
from tests.proxy.credentials.control_plane import ACCESS_KEY_ID, SECRET_KEY, StandIn, control_plane, error
from tests.proxy.upstream.peers import Peer, Talk, always, run
from tests.support.harness import proxy

KEY = "sk-canary-000000000000abcd"
OTHER = "sk-canary-000000000000wxyz"
CA = trustme.CA()
PAST = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.chdir(tmp_path)


@dataclasses.dataclass
class Report:
    """The findings of the doctor."""

    findings: list[Finding]

    def of(self, check: str) -> list[Finding]:
        return [finding for finding in self.findings if finding.check == check]

    def one(self, check: str, level: str) -> Finding:
        """Return the only finding of this check with this level."""
        (finding,) = [finding for finding in self.of(check) if finding.level == level]
        return finding

    @property
    def healthy(self) -> bool:
        return healthy(self.findings)

    def __str__(self) -> str:
        return "\n".join(line for finding in self.findings for line in lines(finding))


async def doctor(
    text: str | None, environ: Mapping[str, str] | None = None, *, offline: bool = False,
    now: Callable[[], float] = time.time,
) -> Report:  # fmt: skip
    """Return the findings for this configuration; without one, for the variables."""
    file = None
    if text is not None:
        file = Path("banjia.yaml")
        file.write_text(text)
    environ = {"KEY": KEY, "OTHER": OTHER} if environ is None else environ
    report = Report(await examine(file, environ, lambda finding: None, offline=offline, now=now))
    assert "canary" not in str(report), "a key was shown"
    assert all(finding.cure for finding in report.findings if finding.level != "ok"), "no cure"
    return report


def kimi(base_url: str, more: str = "") -> str:
    """A configuration with Kimi at this URL, on a free port."""
    return (
        f'server: {{listen: "127.0.0.1:0"}}\nvendors:\n  kimi: {{api_key: "${{KEY}}", base_url: "{base_url}"{more}}}\n'
    )


@asynccontextmanager
async def emulator(name: str = "kimi", key: str = KEY, *faults: str) -> AsyncIterator[Emulator]:
    made = await start(name, environ={"MOONSHOT_API_KEY": key, "DASHSCOPE_API_KEY": key}, faults=faults)
    try:
        yield made
    finally:
        await made.aclose()


# --- all is well --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", ["kimi", "qwen"])
def test_a_healthy_set_up_has_nothing_but_ok_and_spends_no_token(vendor: str) -> None:
    async def main() -> None:
        async with emulator(vendor) as there:
            report = await doctor(kimi(there.base_url).replace("kimi:", f"{vendor}:"))
            assert {finding.level for finding in report.findings} == {"ok"}, str(report)
            assert [(seen.method, seen.path.rpartition("/")[2]) for seen in there.requests] == [("GET", "models")]
            assert "key …abcd works" in report.one("keys", "ok").text

    run(main())


def test_offline_makes_no_calls() -> None:
    async def main() -> None:
        async with emulator() as there:
            report = await doctor(kimi(there.base_url), offline=True)
            assert there.requests == []
            assert {finding.check for finding in report.findings} == {"config", "proxies", "listen", "port", "store"}

    run(main())


# --- the configuration --------------------------------------------------------------------------------------------


def test_an_error_in_the_file_is_reported_with_its_line() -> None:
    async def main() -> None:
        report = await doctor("vendors:\n  kimi: {api_key: '${KEY}', base_ulr: http://x}\n")
        assert report.one("config", "fail").text.startswith("banjia.yaml:2:")
        assert "did you mean 'base_url'?" in report.one("config", "fail").text
        assert not report.healthy

    run(main())


def test_a_missing_key_is_reported_with_the_variables_that_were_looked_for() -> None:
    async def main() -> None:
        report = await doctor(None, {})
        assert "MOONSHOT_API_KEY" in report.one("config", "fail").text

    run(main())


@pytest.mark.parametrize(
    ("vendors", "cure"),
    [
        ("kimi: {api_key: '${MY_KIMI}'}", "set MY_KIMI"),
        ("kimi: {api_key: '${MY_KIMI}'}, qwen: {api_keys: ['${A}', '${B}']}", "set MY_KIMI, A or B"),
        ("kimi: {api_key: '${KEY}', region: '${REGION}'}", "set REGION"),
    ],
)
def test_a_variable_that_is_not_set_is_the_cure_by_its_name(vendors: str, cure: str) -> None:
    async def main() -> None:
        text = f"server: {{listen: '127.0.0.1:0'}}\nvendors: {{{vendors}}}\n"
        assert (await doctor(text, offline=True)).one("config", "fail").cure == cure

    run(main())


def test_checks_that_need_no_key_run_without_one() -> None:
    async def main() -> None:
        async with Peer(always(models())) as other:
            text = f"server: {{listen: '127.0.0.1:{other.port}'}}\nvendors: {{kimi: {{api_key: '${{MY_KIMI}}'}}}}\n"
            report = await asyncio.to_thread(asyncio.run, doctor(text))
            assert "in use by another program" in report.one("port", "fail").text
            assert report.one("listen", "ok")
            assert not report.of("keys"), "there is none to try"

    run(main())


def test_a_wrong_variable_of_ours_is_the_cure_by_its_name() -> None:
    async def main() -> None:
        report = await doctor(None, {"MOONSHOT_API_KEY": KEY, "BANJIA_POLICY__ATTEMPTS": "many"}, offline=True)
        assert report.one("config", "fail").cure == "correct BANJIA_POLICY__ATTEMPTS, or unset it"

    run(main())


def test_a_vendor_whose_variable_is_not_set_is_a_warning() -> None:
    async def main() -> None:
        async with emulator() as there:
            report = await doctor(kimi(there.base_url) + "  qwen: {api_key: '${NOT_SET}'}\n")
            assert "NOT_SET is not set: qwen is off" in report.one("config", "warn").text
            assert report.one("config", "warn").cure == "set NOT_SET"
            assert report.healthy

    run(main())


def test_a_retired_model_is_reported_with_its_day_and_its_replacement() -> None:
    async def main() -> None:
        text = "vendors: {kimi: {api_key: '${KEY}'}}\nmodels: {gpt-4: kimi/moonshot-v1-8k}\n"
        report = await doctor(text, offline=True)
        found = report.one("models", "fail")
        assert "kimi/moonshot-v1-8k was retired on 2026-08-31" in found.text
        assert "kimi/kimi-k2.6" in found.cure
        assert [finding.level for finding in report.of("config")] == ["ok"], "it is reported once"

        before = datetime.datetime(2026, 8, 1, tzinfo=datetime.UTC).timestamp()
        report = await doctor(text, offline=True, now=lambda: before)
        assert "will be retired" in report.one("models", "warn").text
        assert report.healthy

    run(main())


def test_a_model_of_a_platform_that_has_ended_is_to_be_replaced_in_the_usual_edition() -> None:
    async def main() -> None:
        text = "vendors: {hunyuan: {api_key: '${KEY}', edition: classic}}\nmodels: {gpt-4: hunyuan/hunyuan-pro}\n"
        found = (await doctor(text, offline=True)).one("models", "fail")
        assert found.cure == "set models.gpt-4 to hunyuan/hy3, in edition: tokenhub"

    run(main())


def test_a_retired_stand_in_is_reported_once_with_the_line_to_write(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        gone = {"retired": datetime.date(2026, 9, 1), "successor": "kimi-k3"}
        cat = catalog.load("kimi")
        rows = [row.model_copy(update=gone) if row.id == "kimi-k2.6" else row for row in cat.models]
        laid = Catalog(vendor="kimi", read=cat.read, models=rows, stand_ins=cat.stand_ins)
        monkeypatch.setattr(catalog, "load", lambda vendor: laid)
        report = await doctor("vendors: {kimi: {api_key: '${KEY}'}}\n", offline=True)
        found = report.one("models", "fail")
        assert "kimi/kimi-k2.6, the stand-in for gpt-4o and " in found.text
        assert found.text.endswith(" was retired on 2026-09-01")
        assert found.cure == "set in models: gpt-4o: kimi/kimi-k3"
        assert [finding.level for finding in report.of("config")] == ["ok"], "it is reported once"

    run(main())


def test_a_way_in_that_the_vendor_has_closed_is_known() -> None:
    entries = {
        "ernie": VendorEntry().model_copy(update={"protocol": "native"}),
        "old": VendorEntry().model_copy(update={"kind": "hunyuan", "edition": "classic"}),
        "mine": VendorEntry().model_copy(update={"kind": "ernie", "protocol": "native", "base_url": "http://10.0.0.1"}),
        "kimi": VendorEntry(),
    }
    settings = Settings().model_copy(update={"vendors": entries})
    assert [(name, closed.name) for name, closed in closed_variants(settings)] == [
        ("ernie", "native"),
        ("old", "classic"),
    ]


# --- keys ---------------------------------------------------------------------------------------------------------


def test_a_refused_key_is_shown_by_its_last_four_characters() -> None:
    async def main() -> None:
        async with emulator(key=OTHER) as there:
            report = await doctor(kimi(there.base_url))
            found = report.one("keys", "fail")
            assert "key …abcd is refused" in found.text
            assert not report.healthy

    run(main())


def paired(plane: StandIn, secret: str = SECRET_KEY) -> str:
    """A configuration with a key pair at the stand-in of the vendor's control plane, which is also its API."""
    own = f"base_url: '{plane.base_url}', token_url: '{plane.base_url}'"
    return (
        f"vendors:\n  doubao: {{access_key_id: {ACCESS_KEY_ID}, secret_key: '{secret}', {own}}}\n"
        "models: {gpt-4o: doubao/ep-1}\nserver: {listen: '127.0.0.1:0'}\n"
    )


def test_a_key_pair_is_tried_by_requesting_a_temporary_key_for_a_configured_model() -> None:
    async def main() -> None:
        async with control_plane() as plane:
            report = await doctor(paired(plane))
            assert report.one("keys", "ok").text.endswith("access key …0001 gets temporary keys for ep-1")
            assert [asked["ResourceIds"] for asked in plane.requests] == [["ep-1"]]
            assert plane.key(1) not in str(report)
            assert SECRET_KEY not in str(report)

    run(main())


@pytest.mark.parametrize(
    ("secret", "trouble", "level", "cure"),
    [
        ("c2stY2FuYXJ5LXdyb25n", [], "fail", "check access_key_id and secret_key in vendors.doubao"),
        (SECRET_KEY, [error(404, "NotFound.Endpoint")], "fail", "check the model or endpoint"),
        (SECRET_KEY, [error(503, "ServiceUnavailableTemp")] * 3, "warn", "try again later"),
    ],
)
def test_a_key_pair_that_gets_no_key_is_reported_with_the_reason(
    secret: str, trouble: list[bytes], level: str, cure: str
) -> None:
    async def main() -> None:
        async with control_plane() as plane:
            plane.trouble = list(trouble)
            report = await doctor(paired(plane, secret))
            found = report.one("keys", level)
            assert "gets no temporary key for ep-1" in found.text
            assert str(found.cure).startswith(cure)
            assert secret not in str(report)

    run(main())


@contextmanager
def regions(vendor: str, **base_urls: str) -> Iterator[None]:
    """Replace the vendor's hosts by these."""
    with pytest.MonkeyPatch.context() as patch:
        adapter = dataclasses.replace(registry.BY_NAME[vendor], base_urls=base_urls)
        patch.setitem(registry.BY_NAME, vendor, adapter)
        yield


@pytest.mark.parametrize("vendor", ["kimi", "qwen"])
def test_a_valid_key_of_another_region_is_reported_with_the_region_to_set(vendor: str) -> None:
    async def main() -> None:
        async with emulator(vendor, OTHER) as here, emulator(vendor, KEY) as there:
            with regions(vendor, cn=here.base_url, intl=there.base_url):
                report = await doctor(
                    f"server: {{listen: '127.0.0.1:0'}}\nvendors: {{{vendor}: {{api_keys: ['${{KEY}}', '${{OTHER}}']}}}}\n"
                )
            wrong = report.one("keys", "fail")
            assert "key …abcd: valid key, wrong region" in wrong.text
            assert "set region: intl" in wrong.cure
            assert "key …wxyz works" in report.one("keys", "ok").text
            assert all(seen.method == "GET" for seen in [*here.requests, *there.requests])

    run(main())


def test_a_key_that_no_region_takes_is_refused() -> None:
    async def main() -> None:
        async with emulator(key=OTHER) as here, emulator(key="sk-nobody-knows-this-one") as there:
            with regions("kimi", cn=here.base_url, intl=there.base_url):
                report = await doctor("server: {listen: '127.0.0.1:0'}\nvendors: {kimi: {api_key: '${KEY}'}}\n")
            assert "is refused" in report.one("keys", "fail").text
            assert len(there.requests) == 1

    run(main())


def test_a_key_for_a_host_of_ones_own_is_never_tried_at_the_vendors() -> None:
    async def main() -> None:
        async with emulator(key=OTHER) as here, emulator(key=KEY) as there:
            with regions("kimi", cn=there.base_url, intl=there.base_url):
                report = await doctor(kimi(here.base_url))
            assert "is refused" in report.one("keys", "fail").text
            assert there.requests == []

    run(main())


@pytest.mark.parametrize(
    ("fault", "level", "text"),
    [
        ("quota", "fail", "the account has no funds"),
        ("rate_limit", "warn", "at its rate limit"),
        ("error_500", "warn", "the vendor returned 500"),
        ("html_200", "fail", "is not from the vendor's API"),
        ("redirect", "fail", "is not from the vendor's API"),
    ],
)
def test_the_vendors_message_about_a_key_is_shown(fault: str, level: str, text: str) -> None:
    async def main() -> None:
        async with emulator("kimi", KEY, fault) as there:
            report = await doctor(kimi(there.base_url))
            assert text in report.one("keys", level).text

    run(main())


@pytest.mark.parametrize(
    ("answer", "level", "text"),
    [
        (
            http(403, {"code": 30011, "message": "requires paid balance", "data": None}),
            "fail",
            "the account has no funds",
        ),
        (http(403, {"error": {"message": "user quota is not enough"}}), "fail", "no funds (user quota is not enough)"),
        (http(200, {"base_resp": {"status_code": 1008, "status_msg": "no money"}}), "fail", "no funds (no money)"),
        (http(200, {"base_resp": {"status_code": 1004, "status_msg": "login fail"}}), "fail", "refused (login fail)"),
        (http(401, "Api key is invalid"), "fail", "is refused (Api key is invalid)"),
        (http(401, f"no key {KEY[:9]}"), "fail", "is refused (no key [redacted])"),
        (http(401, {}), "fail", "is refused"),
        (http(200, {"error": {"code": 429, "message": "slow down"}}), "warn", "is at its rate limit"),
        (http(200, {"hello": "world"}), "ok", "works"),
    ],
)
def test_an_error_of_any_shape_is_shown_with_the_vendors_words(answer: bytes, level: str, text: str) -> None:
    async def main() -> None:
        async with Peer(always(answer)) as there:
            report = await doctor(kimi(there.url, ", kind: openai_compatible"))
            assert text in report.one("keys", level).text

    run(main())


@pytest.mark.parametrize(
    ("answer", "level", "text"),
    [
        (http(200, {"object": "list", "data": []}), "ok", "the server requires no key"),
        (http(401, {"error": "Unauthorized"}), "fail", "the server requires an API key"),
    ],
)
def test_a_local_server_is_tested_without_a_key(answer: bytes, level: str, text: str) -> None:
    async def main() -> None:
        async with Peer(always(answer)) as there:
            config = f'server: {{listen: "127.0.0.1:0"}}\nvendors: {{vllm: {{base_url: "{there.url}"}}}}\nmodels: {{a: vllm/m}}\n'
            assert text in (await doctor(config)).one("keys", level).text

    run(main())


def test_a_local_server_that_does_not_run_is_reported_as_such() -> None:
    async def main() -> None:
        entry = '{kind: ollama, base_url: "http://127.0.0.1:9/v1"}'
        config = f'server: {{listen: "127.0.0.1:0"}}\nvendors: {{box: {entry}}}\nmodels: {{a: box/m}}\n'
        assert "whether the server is running" in str((await doctor(config)).one("connection", "fail").cure)

    run(main())


def test_a_server_without_a_list_of_models_leaves_the_key_untried() -> None:
    async def main() -> None:
        async with Peer(always(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")) as there:
            report = await doctor(kimi(there.url))
            assert "no list of models" in report.one("keys", "warn").text

    run(main())


# --- the way there ------------------------------------------------------------------------------------------------


def test_a_name_that_cannot_be_resolved_is_reported() -> None:
    async def main() -> None:
        report = await doctor(kimi("https://api.nowhere.invalid/v1"))
        assert "DNS lookup failed for api.nowhere.invalid" in report.one("dns", "fail").text
        assert not report.of("keys")

    run(main())


def test_a_closed_port_is_reported() -> None:
    async def main() -> None:
        report = await doctor(kimi(f"http://127.0.0.1:{closed_port()}/v1"))
        assert "the connection was refused or failed" in report.one("connection", "fail").text

    run(main())


def closed_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def test_a_vendor_that_hangs_up_is_reported() -> None:
    async def hang_up(talk: object) -> None:
        return

    async def main() -> None:
        async with Peer(hang_up) as there:
            assert "the connection was cut" in (await doctor(kimi(there.url))).one("connection", "fail").text

    run(main())


def serving(cert: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    cert.configure_cert(context)
    return context


BAD: Mapping[str, Callable[[], ssl.SSLContext | None]] = {
    "has expired": lambda: serving(CA.issue_cert("localhost", not_before=PAST, not_after=PAST.replace(month=2))),
    "is for another name": lambda: serving(CA.issue_cert("example.org")),
    "authority that this machine does not trust": lambda: serving(trustme.CA().issue_cert("localhost")),
    "does not speak TLS": lambda: None,
}


@pytest.mark.parametrize("text", BAD)
def test_an_untrusted_certificate_is_reported_with_the_reason(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust(tmp_path, monkeypatch)

    async def plain(talk: Talk) -> None:
        await talk.say(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")

    async def main() -> None:
        async with Peer(plain, BAD[text]()) as there:
            report = await doctor(kimi(f"https://localhost:{there.port}/v1"))
            found = report.one("tls", "fail")
            assert text in found.text
            if "authority" in text:
                assert "SSL_CERT_FILE" in found.cure
            if "TLS" in text:
                assert "http://" in found.cure

    run(main())


def trust(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = folder / "ca.pem"
    CA.cert_pem.write_to_path(str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))


def models(date: float | None = None) -> bytes:
    head = f"date: {email.utils.formatdate(date, usegmt=True)}\r\n" if date else ""
    return f"HTTP/1.1 200 OK\r\n{head}content-length: 11\r\n\r\n".encode() + b'{"data":[]}'


def test_a_trusted_certificate_is_ok(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trust(tmp_path, monkeypatch)

    async def main() -> None:
        async with Peer(always(models()), serving(CA.issue_cert("localhost"))) as there:
            report = await doctor(kimi(f"https://localhost:{there.port}/v1"))
            assert "is trusted" in report.one("tls", "ok").text
            assert "localhost resolves to " in report.one("dns", "ok").text

    run(main())


def test_certificates_that_are_not_at_the_path_in_the_environment_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")

    async def main() -> None:
        report = await doctor(kimi("http://127.0.0.1:9/v1"), offline=True)
        assert "/nowhere/ca.pem" in report.one("tls", "fail").text

    run(main())


@pytest.mark.parametrize(
    ("off_s", "level", "text"),
    [
        (0, "ok", "differs by at most"),
        (45, "ok", "differs by at most"),
        (400, "warn", "seconds ahead"),
        (-400, "warn", "seconds behind"),
    ],
)
def test_a_wrong_clock_is_reported_with_its_difference(off_s: int, level: str, text: str) -> None:
    async def main() -> None:
        async with Peer(always(models(time.time() - off_s))) as there:
            report = await doctor(kimi(there.url))
            assert text in report.one("clock", level).text
            assert level == "ok" or any(f"{n} seconds" in report.one("clock", level).text for n in range(397, 404))
            assert report.healthy

    run(main())


def test_a_key_that_would_be_sent_over_the_internet_unencrypted_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with Peer(always(models())) as through:
            monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{through.port}")
            report = await doctor(kimi("http://api.example.com/v1"))
            assert "without encryption" in report.one("tls", "warn").text

    run(main())


# --- proxies ------------------------------------------------------------------------------------------------------


def test_proxies_of_the_environment_are_reported_by_vendor_without_their_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://me:canary@10.0.0.1:3128")

    async def main() -> None:
        text = "vendors: {kimi: {api_key: '${KEY}'}, qwen: {api_key: '${KEY}', proxy: none}}\n"
        report = await doctor(text, offline=True)
        assert [finding.text for finding in report.of("proxies")] == [
            "kimi: calls use the proxy http://10.0.0.1:3128",
            "qwen: direct connection (vendors.qwen.proxy)",
        ]

    run(main())


@pytest.mark.parametrize(("no_proxy", "warned"), [("", True), ("127.0.0.1", True), ("127.0.0.1,localhost", False)])
def test_a_proxy_that_takes_the_apps_own_calls_to_banjia_is_a_warning(
    no_proxy: str, warned: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "10.0.0.1:3128")
    monkeypatch.setenv("NO_PROXY", no_proxy)

    async def main() -> None:
        report = await doctor(kimi("https://api.moonshot.cn/v1"), offline=True)
        found = [finding for finding in report.of("proxies") if finding.level == "warn"]
        assert len(found) == warned
        assert not found or "NO_PROXY=127.0.0.1,localhost" in found[0].cure

    run(main())


@pytest.mark.parametrize(
    ("policy", "warned"),
    [
        ("policy: {fetch_images: on}", True),
        ("models: {a: {targets: [kimi/kimi-k2.6], policy: {fetch_images: on}}}", True),
        ("policy: {fetch_images: off}", False),
    ],
)
def test_a_proxy_through_which_no_image_is_fetched_is_a_warning(
    policy: str, warned: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://me:canary@10.0.0.1:3128")

    async def main() -> None:
        report = await doctor(f"vendors: {{kimi: {{api_key: '${{KEY}}'}}}}\n{policy}\n", offline=True)
        found = [finding for finding in report.of("proxies") if "images are not fetched" in finding.text]
        assert [finding.level for finding in found] == ["warn"] * warned
        assert "canary" not in str(found)

    run(main())


def test_a_proxy_that_is_down_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:canary@127.0.0.1:{closed_port()}")

    async def main() -> None:
        report = await doctor("server: {listen: '127.0.0.1:0'}\nvendors: {kimi: {api_key: '${KEY}'}}\n")
        assert "kimi: the call through http://127.0.0.1:" in report.one("connection", "fail").text
        assert not report.of("dns"), "the proxy resolves the name"

    run(main())


def test_a_socks_proxy_is_reported_as_not_supported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")

    async def main() -> None:
        report = await doctor("vendors: {kimi: {api_key: '${KEY}'}}\n", offline=True)
        assert "SOCKS proxies are not supported" in report.one("proxies", "fail").text

    run(main())


# --- the listen address -------------------------------------------------------------------------------------------


def test_a_port_that_another_program_uses_is_reported() -> None:
    async def main() -> None:
        async with Peer(always(models())) as other:
            text = f"server: {{listen: '127.0.0.1:{other.port}'}}\nvendors: {{kimi: {{api_key: '${{KEY}}'}}}}\n"
            report = await asyncio.to_thread(asyncio.run, doctor(text, offline=True))
            assert "in use by another program" in report.one("port", "fail").text
            assert "server.listen" in report.one("port", "fail").cure

    run(main())


def test_a_port_where_banjia_serves_already_is_ok() -> None:
    async def main() -> None:
        async with proxy({"vendors": {"kimi": {"api_key": KEY}}}) as running:
            address = running.url.removeprefix("http://")
            text = f"server: {{listen: '{address}'}}\nvendors: {{kimi: {{api_key: '${{KEY}}'}}}}\n"
            report = await asyncio.to_thread(asyncio.run, doctor(text, offline=True))
            assert "banjia is already running here" in report.one("port", "ok").text

    run(main())


def test_an_address_that_this_machine_does_not_have_is_reported() -> None:
    async def main() -> None:
        text = "server: {listen: '192.0.2.1:8080', insecure: true}\nvendors: {kimi: {api_key: '${KEY}'}}\n"
        assert "192.0.2.1:8080" in (await doctor(text, offline=True)).one("port", "fail").text

    run(main())


@pytest.mark.parametrize(
    ("server", "level"),
    [("listen: '0.0.0.0:0', insecure: true", "warn"), ("listen: '0.0.0.0:0', client_keys: ['${KEY}']", "ok")],
)
def test_a_server_that_is_open_to_every_machine_is_a_warning(server: str, level: str) -> None:
    async def main() -> None:
        text = f"server: {{{server}}}\nvendors: {{kimi: {{api_key: '${{KEY}}'}}}}\n"
        assert (await doctor(text, offline=True)).one("listen", level)

    run(main())


# --- the command --------------------------------------------------------------------------------------------------


def test_the_command_ends_with_0_or_1_and_has_json_output_too(banjia: Run) -> None:
    env = {"MOONSHOT_API_KEY": KEY, "BANJIA_SERVER__LISTEN": "127.0.0.1:0"}
    ended = banjia("doctor", "--offline", env=env)
    assert ended.exit_code == 0
    names = Routing(load(None, env).settings).names
    assert len(names) > 20
    assert ended.stdout.splitlines()[0] == (f"ok    config      environment: 1 vendor, {len(names)} model names")

    found = data(banjia("doctor", "--offline", "--json", env=env))
    assert found["ok"]
    assert set(found["findings"][0]) == {"level", "check", "text", "cure"}

    broken = banjia("doctor", "--offline")
    assert broken.exit_code == 1
    assert broken.stdout.startswith("fail  config      environment: no vendor API key is set")
    assert "-> " in broken.stdout


def test_the_regions_of_a_vendor_are_its_own() -> None:
    """The doctor tries what the configuration can select."""
    assert set(KIMI.base_urls) == {"cn", "intl"}


def test_the_cure_for_a_wrong_region_cures_it_without_a_file_too() -> None:
    async def main() -> None:
        async with emulator(key=OTHER) as here, emulator(key=KEY) as there:
            environ = {"MOONSHOT_API_KEY": KEY, "BANJIA_SERVER__LISTEN": "127.0.0.1:0"}
            with regions("kimi", cn=here.base_url, intl=there.base_url):
                cure = (await doctor(None, environ)).one("keys", "fail").cure
                name, _, value = cure.rpartition(": ")[2].rstrip(")").partition("=")
                assert (await doctor(None, {**environ, name: value})).healthy

    run(main())
