"""The origin guard: the Origin and Host headers it accepts, its messages, and that no bytes make it raise."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.origins import configured_host, configured_origin, normalize_origin
from config.schema import Settings
from proxy.errors import AccessDenied
from proxy.i18n.catalog import translate
from proxy.server.origin_guard import MAX_REMEMBERED, OriginGuard, admin_guard, api_guard

LISTED = ["https://app.example.com", "http://localhost:3000", "http://[::1]:5173", "tauri://localhost", "*", "null"]
HOSTS = ["banjia.example.com", "my_box"]
LOOPBACK = b"127.0.0.1:8080"

ORIGINS = [
    (None, True),
    # listed, in every spelling of the same origin
    (b"https://app.example.com", True), (b"https://app.example.com:443", True), (b"HTTPS://APP.example.com", True),
    (b"https://app.example.com:0443", True), (b"http://localhost:3000", True), (b"http://LOCALHOST:3000", True),
    (b"http://[::1]:5173", True), (b"http://[0:0:0:0:0:0:0:1]:5173", True), (b"tauri://localhost", True),
    # not listed: another scheme, host or port is another origin
    (b"http://app.example.com", False), (b"https://app.example.com:80", False), (b"https://app.example.com:8443", False),
    (b"https://example.com", False), (b"https://app.example.com.evil.example", False),
    (b"https://evil.example", False), (b"https://evilapp.example.com", False), (b"https://app.example.com.", False),
    (b"http://localhost", False), (b"http://localhost:3001", False), (b"http://localhost.:3000", False),
    (b"http://127.0.0.1:3000", False), (b"http://127.0.0.1:8080", False), (b"http://[::1]", False),
    (b"app://localhost", False), (b"chrome-extension://abcdefgh", False), (b"file://", False),
    # no origin of a page
    (b"null", False), (b"NULL", False), (b"*", False), (b"", False), (b" ", False), (b"app.example.com", False),
    (b"https://app.example.com/", False), (b"https://app.example.com/path", False), (b"https://app.example.com?x", False),
    (b"https://user@app.example.com", False), (b"https://evil.example@app.example.com", False),
    (b"https://app.example.com https://evil.example", False), (b"https://app.example.com,https://evil.example", False),
    (b"https://app.example.com:", False), (b"https://app.example.com:99999", False), (b"https://app.example.com\0", False),
    (b"https:app.example.com", False), (b"//app.example.com", False), (b"https://", False), (b"http://[::1:5173", False),
    (b"https://\xe4pp.example.com", False), (b"https://app.example.com" + b"x" * 60_000, False), (b"\xff\xfe", False),
]  # fmt: skip
REFUSED_HOSTS = [
    b"", b":8080", b"evil.example", b"evil.example:8080", b"localhost.evil.example", b"127.0.0.1.evil.example",
    b"127.0.0.1.nip.io", b"evil-localhost", b"locaihost", b"localhost..", b"evil.localhost", b"evil.example@127.0.0.1",
    b"127.0.0.1@evil.example", b"127.0.0.1:8080.evil.example", b"127.0.0.1:port", b"127.0.0.1:8080:9", b"[::1", b"::1",
    b"[evil.example]", b"[127.0.0.1]", b"[::1].evil.example", b"[::1]evil", b"127.0.0.1/evil.example", b"127.0.0.1 ",
    b" 127.0.0.1", b"127.0.0.1,evil.example", b"999.0.0.1", b"1.2.3.4.5", b"0x", b"0x7g.0.0.1", b"127.0.0.1\0",
    b"banjia", b"banjia.example.com.evil.example", b"xbanjia.example.com", b"host.docker.internal.evil.example",
    b"docker.internal", b"l\xf6calhost", b"localhost%00", b"*", b"1" * 60_000, b"a." * 30_000, b"\xff",
    "１２７.0.0.1".encode(),
]  # fmt: skip
ACCEPTED_HOSTS = [
    None,
    b"localhost", b"localhost:8080", b"LOCALHOST:8080", b"LocalHost", b"localhost.", b"localhost.:8080", b"localhost:",
    b"127.0.0.1", b"127.0.0.1:8080", b"127.0.0.1.", b"127.1:8080", b"127.255.255.254", b"2130706433", b"0x7f000001",
    b"0x7F.0.0.1", b"0177.0.0.1", b"0.0.0.0:8080", b"10.0.0.5", b"192.168.1.7:80", b"8.8.8.8", b"[::1]", b"[::1]:8080",
    b"[0:0:0:0:0:0:0:1]", b"[::ffff:127.0.0.1]:8080", b"[FE80::1]", b"[fe80::1%25eth0]:8080", b"[2001:db8::5]",
    b"host.docker.internal", b"host.docker.internal:8080", b"Host.Docker.Internal.", b"banjia.example.com",
    b"BANJIA.example.com:443", b"banjia.example.com.", b"my_box:8080",
]  # fmt: skip


def refused(
    guard: OriginGuard, origin: bytes | None = None, host: bytes | None = LOOPBACK, *more: tuple[bytes, bytes]
) -> AccessDenied | None:
    named = [(b"host", host), (b"origin", origin)]
    sent = [*((name, value) for name, value in named if value is not None), *more]
    return guard.refuse(dict(sent), sent)


@pytest.mark.parametrize(("origin", "accepted"), ORIGINS, ids=lambda value: str(value)[:60])
def test_a_page_is_accepted_exactly_if_its_origin_is_listed(origin: bytes | None, accepted: bool) -> None:
    guard = OriginGuard(LISTED, HOSTS)
    assert (refused(guard, origin) is None) is accepted
    assert (refused(guard, origin) is None) is accepted


@pytest.mark.parametrize("host", ACCEPTED_HOSTS, ids=str)
def test_a_host_that_no_page_can_be_behind_is_accepted(host: bytes | None) -> None:
    guard = OriginGuard([], HOSTS)
    assert refused(guard, host=host) is None
    assert refused(guard, host=host) is None  # from what is remembered


@pytest.mark.parametrize("host", REFUSED_HOSTS, ids=lambda value: str(value)[:60])
def test_any_other_host_is_refused_where_the_host_is_judged(host: bytes) -> None:
    guard = OriginGuard([], HOSTS)
    assert refused(guard, host=host) is not None
    assert refused(guard, host=host) is not None
    assert refused(OriginGuard([], None), host=host) is None


def test_a_listed_page_under_a_foreign_host_is_refused() -> None:
    guard = OriginGuard(LISTED, HOSTS)
    assert refused(guard, b"https://app.example.com", b"evil.example") is not None
    assert refused(guard, b"https://app.example.com", b"banjia.example.com") is None


@pytest.mark.parametrize("other", [b"https://evil.example", b"https://app.example.com", b"null", b""])
def test_two_origins_are_refused_in_either_order(other: bytes) -> None:
    guard = OriginGuard(LISTED, HOSTS)
    good = b"https://app.example.com"
    assert refused(guard, good, LOOPBACK, (b"origin", other)) is not None
    assert refused(guard, other, LOOPBACK, (b"origin", good)) is not None


def test_the_cache_is_bounded_and_excludes_refusals() -> None:
    guard = OriginGuard([], [])
    for at in range(10_000):
        assert refused(guard, host=b"10.0.%d.%d" % (at // 250, at % 250)) is None
        assert refused(guard, host=b"evil-%d.example" % at) is not None
    assert len(guard.accepted) == MAX_REMEMBERED
    assert refused(guard, host=b"10.1.2.3") is None


def test_no_header_of_a_page_opens_what_origin_and_host_close() -> None:
    guard = OriginGuard(LISTED, HOSTS)
    more = [
        (b"x-forwarded-host", b"localhost"), (b"referer", b"https://app.example.com/"), (b"sec-fetch-site", b"same-origin"),
        (b"access-control-request-method", b"POST"), (b"authorization", b"Bearer anything"), (b"x-origin", b"localhost"),
    ]  # fmt: skip
    assert refused(guard, b"https://evil.example", LOOPBACK, *more) is not None
    assert refused(guard, None, b"evil.example", *more) is not None


def settings(**server: object) -> Settings:
    return Settings.model_validate({"vendors": {"kimi": {"api_key": "sk"}}, "server": server})


KEYS = {"client_keys": ["a-long-random-word"]}
OPEN = {"listen": "0.0.0.0:8080", "insecure": True}


@pytest.mark.parametrize(
    ("server", "page_accepted", "name_accepted"),
    [
        ({}, False, False), ({"listen": "localhost:8080"}, False, False), ({"listen": "[::1]:8080"}, False, False),
        (KEYS, True, True), ({**OPEN, **KEYS}, True, True), (OPEN, False, True), ({"insecure": True}, False, False),
        ({"listen": "10.0.0.7:8080", "insecure": True}, False, True), ({"client_keys": [""]}, False, False),
    ],
)  # fmt: skip
def test_the_front_port_is_guarded_if_no_client_key_is_required(
    server: dict[str, object], page_accepted: bool, name_accepted: bool
) -> None:
    guard = api_guard(settings(**server))
    assert (guard is None or refused(guard, b"https://evil.example") is None) is page_accepted
    assert (guard is None or refused(guard, host=b"banjia:8080") is None) is name_accepted


@pytest.mark.parametrize(
    ("server", "name_accepted"),
    [
        ({}, False), (KEYS, False), ({"insecure": True}, False), ({**OPEN, **KEYS}, False),
        ({"admin_token": "a-token-of-sixteen", "admin_listen": "0.0.0.0:8081"}, True),
    ],
)  # fmt: skip
def test_the_admin_port_is_guarded_whatever_keys_there_are(server: dict[str, object], name_accepted: bool) -> None:
    guard = admin_guard(settings(**server, cors_origins=["http://localhost:3000"], hosts=["ops.example"]))
    assert refused(guard, b"https://evil.example") is not None
    assert refused(guard, b"http://localhost:3000") is None
    assert (refused(guard, host=b"banjia:8081") is None) is name_accepted
    assert refused(guard, host=b"ops.example:8081") is None


def test_any_page_in_the_list_opens_neither_port() -> None:
    opened = settings(cors_origins=["*", "null"], **KEYS)
    assert refused(admin_guard(opened), b"https://evil.example") is not None
    assert refused(admin_guard(opened), b"null") is not None
    keyless = api_guard(settings(cors_origins=["*", "null"]))  # `banjia check` does not take it
    assert keyless is not None
    assert refused(keyless, b"null") is not None


@pytest.mark.parametrize(
    "value", [b"https://evil.example", b"null", b"", b"\x00\x1b[31m", b"\xff" * 5000, b"a" * 60_000]
)
def test_a_refusal_names_the_cure_and_shows_little_of_the_header(value: bytes) -> None:
    for refusal, cure in (
        (refused(OriginGuard([], []), value), "server.cors_origins"),
        (refused(OriginGuard([], []), host=value), "server.hosts"),
    ):
        assert refusal is not None
        assert (refusal.http_status, refusal.code, refusal.should_retry) == (403, "access_denied", False)
        assert cure in refusal.message
        assert refusal.message.replace("…", "").isprintable()
        assert len(refusal.message) < 256 + 300
        assert len(json.dumps(refusal.error("zh"))) < 2048
        assert cure in translate(refusal.message, "zh")
        assert translate(refusal.message, "zh") != refusal.message


@given(
    st.lists(st.tuples(st.sampled_from([b"host", b"origin", b"referer"]), st.binary(max_size=400)), max_size=5),
    st.sampled_from([None, HOSTS]),
)
def test_no_bytes_make_the_guard_raise(sent: list[tuple[bytes, bytes]], hosts: list[str] | None) -> None:
    refusal = OriginGuard(LISTED, hosts).refuse(dict(sent), sent)
    assert refusal is None or refusal.body("zh")


@given(st.text(alphabet="htps:/[]0123456789.abcxz-_%@?# \0:", max_size=40))
def test_a_normalized_origin_is_its_own_normal_form(text: str) -> None:
    found = normalize_origin(text)
    assert found is None or normalize_origin(found) == found
    assert normalize_origin("http://" + text) is None or "@" not in text


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("https://App.Example.com:443", "https://app.example.com"), ("http://localhost:3000", "http://localhost:3000"),
        ("http://[0::1]", "http://[::1]"), ("*", "*"), ("null", "null"), ("app://obsidian.md", "app://obsidian.md"),
    ],
)  # fmt: skip
def test_an_origin_of_the_configuration_is_normalized(given: str, taken: str) -> None:
    assert configured_origin(given) == taken


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("https://app.example.com/", "without the slash at the end"), ("https://app.example.com//", "without the slash"),
        ("app.example.com", "scheme://host"), ("https://app.example.com/app", "scheme://host"), ("", "scheme://host"),
        ("https://*.example.com", "scheme://host"), ("https://app.example.com:99999", "scheme://host"),
        ("https://bücher.example", "scheme://host"), ("https://me@app.example.com", "scheme://host"),
    ],
)  # fmt: skip
def test_an_origin_that_no_page_can_have_is_refused_with_the_cure(given: str, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        configured_origin(given)


@pytest.mark.parametrize("given", ["banjia.example.com", "Banjia.Example.com.", "my_box", "10.0.0.5", "xn--bcher-kva"])
def test_a_name_of_the_configuration_is_taken_in_lower_case(given: str) -> None:
    assert configured_host(given) == given.lower().rstrip(".")


@pytest.mark.parametrize(
    "given",
    [
        "",
        "*",
        ".example.com",
        "banjia:8080",
        "http://banjia",
        "banjia/",
        "a b",
        "a..b",
        "bücher.example",
        "a" * 254,
        "[::1]",
    ],
)
def test_an_invalid_host_name_is_refused_with_the_cure(given: str) -> None:
    with pytest.raises(ValueError, match="without scheme and port"):
        configured_host(given)
