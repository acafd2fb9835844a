"""No address that is not public is connected to, however a client spells it and whatever a resolver answers."""

import asyncio
import ipaddress
import socket
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.upstream.http_client import connect
from proxy.upstream.image_fetch import name_lookup
from proxy.upstream.image_fetch.errors import FetchesBusy, ImageError
from proxy.upstream.image_fetch.fetcher import ATTEMPTS, MAX_ADDRESSES, ImageFetcher
from proxy.upstream.image_fetch.image_url import parse_image_url
from proxy.upstream.image_fetch.name_lookup import MAX_LOOKUPS, NameLookup
from proxy.upstream.image_fetch.public_addresses import is_public
from tests.proxy.upstream.image_fetch.addresses import ALL, IPV4, PUBLIC, PUBLIC_IPV6, inside_ipv6, spellings

UNREACHABLE = (
    "The image at {host} can't be fetched: its host is not public, or does not answer. "
    "Send the image data as a data: URI instead."
)


class Resolver:
    """Answers each lookup with the next list; the last one repeats."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = [list(answer) for answer in answers]
        self.asked: list[str] = []

    async def __call__(self, host: str) -> list[str]:
        self.asked.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """The addresses that a socket was opened to; none answers."""
    addresses: list[tuple[Any, ...]] = []

    async def refuse(address: connect.Address) -> socket.socket:
        addresses.append(address[1])
        raise ConnectionRefusedError

    monkeypatch.setattr(connect, "_open", refuse)
    return addresses


async def no_wait(seconds: float) -> None:
    """The wait before a second attempt."""


def error_of(url: str, resolver: Resolver | None = None) -> ImageError:
    """Fetch the URL with the real check of addresses, and return the error."""
    resolver = resolver or Resolver([])

    async def fetch() -> None:
        await ImageFetcher(lambda _: None, resolve=resolver, sleep=no_wait).fetch(url, lambda size: None)

    with pytest.raises(ImageError) as raised:
        asyncio.run(fetch())
    return raised.value


def literal(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def test_there_are_more_than_sixty_addresses() -> None:
    assert len(set(ALL)) > 200


@pytest.mark.parametrize("address", ALL)
def test_none_is_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", [PUBLIC, PUBLIC_IPV6, "1.1.1.1", "172.32.0.1", "100.128.0.1", "2400:3200::1"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ALL)
def test_a_literal_is_refused_before_a_connection(address: str, opened: list[Any]) -> None:
    for url in (f"http://{literal(address)}/a.png", f"https://{literal(address)}", f"HTTP://{literal(address)}:443"):
        error = error_of(url)
        assert str(error) == UNREACHABLE.format(host=address)
        assert (error.cause, opened) == ("address", [])


@pytest.mark.parametrize("address", ALL)
def test_an_answer_of_the_resolver_is_refused_before_a_connection(address: str, opened: list[Any]) -> None:
    for answer in ([address], [PUBLIC, address], [address, PUBLIC], [PUBLIC_IPV6, PUBLIC, PUBLIC, PUBLIC, address]):
        error = error_of("https://pictures.example/a.png", Resolver(answer))
        assert str(error) == UNREACHABLE.format(host="pictures.example"), "the address is in no text"
        assert (error.cause, opened) == ("address", [])


@pytest.mark.parametrize("address", IPV4)
def test_other_spellings_of_an_ipv4_address_are_refused_before_a_lookup(address: str, opened: list[Any]) -> None:
    for name, spelling in spellings(address).items():
        resolver = Resolver([PUBLIC])
        error = error_of(f"http://{spelling}/a.png", resolver)
        if spelling.removesuffix(".") == address:
            assert str(error) == UNREACHABLE.format(host=address), name
        else:
            assert error.cause == "url", name
            assert address not in str(error), name
        assert (resolver.asked, opened) == ([], []), name


@pytest.mark.parametrize("address", IPV4)
def test_a_resolver_that_reads_other_spellings_changes_nothing(address: str, opened: list[Any]) -> None:
    """Whatever text a resolver returns is read as an address by one parser; other text is no answer."""
    for spelling in spellings(address).values():
        assert error_of("http://pictures.example/", Resolver([spelling])).cause in ("address", "dns")
    for inner in inside_ipv6(address).values():
        assert error_of("http://pictures.example/", Resolver([f"{inner}%eth0"])).cause == "address"
    assert opened == []


def test_an_address_of_one_network_interface_is_refused(opened: list[Any]) -> None:
    assert error_of("http://pictures.example/", Resolver([f"{PUBLIC_IPV6}%eth0"])).cause == "address"
    assert opened == []


def test_a_name_is_looked_up_once_so_that_a_second_answer_is_never_used(opened: list[Any]) -> None:
    resolver = Resolver([PUBLIC], ["127.0.0.1"])
    error = error_of("http://rebinding.example/a.png", resolver)
    assert (error.cause, str(error)) == ("connect", UNREACHABLE.format(host="rebinding.example"))
    assert resolver.asked == ["rebinding.example"]
    assert opened == [(PUBLIC, 80)] * ATTEMPTS


def test_few_addresses_of_a_name_are_tried_but_all_are_checked(opened: list[Any]) -> None:
    many = [f"93.184.215.{last}" for last in range(1, 200)]
    assert error_of("http://pictures.example/", Resolver(many)).cause == "connect"
    assert len(opened) == MAX_ADDRESSES * ATTEMPTS
    opened.clear()
    assert error_of("http://pictures.example/", Resolver([*many, "10.0.0.1"])).cause == "address"
    assert opened == []


def test_refused_addresses_closed_ports_and_unknown_names_have_the_same_text(opened: list[Any]) -> None:
    class Unknown(Resolver):
        async def __call__(self, host: str) -> list[str]:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")

    texts = {
        str(error_of("https://pictures.example/", resolver))
        for resolver in (Resolver(["10.0.0.1"]), Resolver([PUBLIC]), Unknown(), Resolver([]), Resolver(["junk"]))
    }
    assert texts == {UNREACHABLE.format(host="pictures.example")}


def test_nothing_is_fetched_where_an_outbound_proxy_applies(opened: list[Any]) -> None:
    asked: list[str] = []

    def proxy_of(url: str) -> str | None:
        asked.append(url)
        return "http://proxy.example:3128"

    async def fetch() -> None:
        await ImageFetcher(proxy_of, resolve=Resolver([PUBLIC])).fetch("https://pictures.example:443/a", lambda _: None)

    with pytest.raises(ImageError, match="banjia calls this host through an outbound proxy") as raised:
        asyncio.run(fetch())
    assert (raised.value.cause, opened, asked) == ("outbound_proxy", [], ["https://pictures.example/"])


REFUSED_URLS = {
    "file": "file:///etc/passwd", "file with a host": "file://localhost/etc/passwd", "ftp": "ftp://pictures.example/a.png",
    "gopher": "gopher://pictures.example/", "data": "data:text/html,x", "no scheme": "//pictures.example/", "one slash": "http:/pictures.example",
    "no slash": "http:pictures.example", "no host": "http:///a.png", "empty": "", "long s": "http\u017f://pictures.example/",
    "user": "http://user@pictures.example/", "password": "http://user:secret@pictures.example/", "empty user": "http://@pictures.example/",
    "user before a private host": "http://pictures.example@127.0.0.1/", "two users": "http://a@b@pictures.example/",
    "backslash": "http://pictures.example\\@127.0.0.1/", "backslashes": "http:\\\\127.0.0.1/", "tab": "http://pictures\t.example/",
    "line break": "http://pictures.example/\r\nhost: internal", "space": "http://pictures.example /", "leading space": " http://pictures.example/",
    "null": "http://pictures.example/\0", "port 22": "http://pictures.example:22/", "port 8080": "http://pictures.example:8080/",
    "port 0": "http://pictures.example:0/", "port too large": "http://pictures.example:65616/", "port no number": "http://pictures.example:http/",
    "empty port": "http://pictures.example:/", "other digits": "http://pictures.example:８０/", "zone": "http://[fe80::1%25eth0]/",
    "open bracket": "http://[::1/", "empty brackets": "http://[]/", "IPv4 in brackets": "http://[127.0.0.1]/", "IPv6 without brackets": "http://::1/",
    "wide digits": "http://１２７.0.0.1/", "circled digits": "http://①②⑦.0.0.1/", "wide dots": "http://127。0。0。1/", "empty label": "http://pictures..example/",
    "only a dot": "http://./", "percent": "http://%31%32%37.0.0.1/", "long label": f"http://{'a' * 64}.example/",
    "long name": f"http://{'a.' * 130}example/", "long URL": f"http://pictures.example/{'a' * 9000}", "surrogate": "http://pictures.example/\ud800",
    "IDN": "http://bücher.example/", "hyphen first": "http://-a.example/",
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED_URLS)
def test_a_url_that_two_parsers_may_read_differently_is_refused_before_a_lookup(name: str, opened: list[Any]) -> None:
    resolver = Resolver([PUBLIC])
    error = error_of(REFUSED_URLS[name], resolver)
    assert (error.cause, resolver.asked, opened) == ("url", [], [])
    assert "secret" not in str(error)
    assert ("its URL has a user name or a password" in str(error)) == ("user" in name or name == "password")


@pytest.mark.parametrize(
    ("url", "host", "port", "target"),
    [
        ("http://pictures.example", "pictures.example", 80, b"/"),
        ("HTTPS://Pictures.Example./a%20b?c=d#e", "pictures.example", 443, b"/a%20b?c=d"),
        ("http://pictures.example:443/", "pictures.example", 443, b"/"),
        ("http://pictures.example?x=1", "pictures.example", 80, b"/?x=1"),
        ("http://pictures.example#@127.0.0.1/", "pictures.example", 80, b"/"),
        ("http://pictures.example/#/../@127.0.0.1", "pictures.example", 80, b"/"),
        ("http://pictures.example?@127.0.0.1/", "pictures.example", 80, b"/?@127.0.0.1/"),
        ("http://pictures.example/苹果.png?名=值", "pictures.example", 80, b"/%E8%8B%B9%E6%9E%9C.png?%E5%90%8D=%E5%80%BC"),
        (f"http://[{PUBLIC_IPV6.upper()}]/", PUBLIC_IPV6, 80, b"/"),
        ("http://xn--bcher-kva.example/", "xn--bcher-kva.example", 80, b"/"),
        ("http://my_bucket.s3.example/", "my_bucket.s3.example", 80, b"/"),
    ],
)  # fmt: skip
def test_a_url_has_one_host_and_one_target(url: str, host: str, port: int, target: bytes) -> None:
    parsed = parse_image_url(url)
    assert (parsed.host, parsed.port, parsed.target) == (host, port, target)


@pytest.mark.parametrize("port", ["0", "65536", "99999"])
def test_a_number_that_is_no_port_is_refused_where_all_ports_are_allowed(port: str) -> None:
    with pytest.raises(ImageError):
        parse_image_url(f"http://pictures.example:{port}/", None)


PIECES = st.sampled_from(
    [
        "http://", "https://", "//", "/", "\\", "@", ":", "#", "?", "[", "]", ".", "%", "127.0.0.1", "0x7f", "1", "::1", "localhost", "a.example",
        "\t", "\n", " ", "。", "ſ", "\ud800", "file:", "80", "443", "65536", "-", "_", "é", "0",
    ]
)  # fmt: skip


@given(st.one_of(st.text(), st.lists(PIECES, max_size=9).map("".join), st.text().map("http://{}".format)))
def test_any_text_is_a_url_with_a_safe_host_or_the_one_error(text: str) -> None:
    try:
        parsed = parse_image_url(text)
    except ImageError as error:
        str(error).encode()
        return
    assert parsed.port in (80, 443)
    assert set(parsed.host) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_.:")
    assert (parsed.address is not None) == (
        ":" in parsed.host or (parsed.host[-1] in "0123456789" and is_ipv4(parsed.host))
    )
    assert not set(parsed.target) & set(b" \r\n\t\0")
    assert parsed.target.startswith(b"/")


def is_ipv4(host: str) -> bool:
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return True


@given(st.ip_addresses())
def test_what_is_public_is_so_to_the_standard_library_too(address: Any) -> None:
    if is_public(address):
        assert address.is_global
        assert not address.is_multicast


def test_lookups_do_not_use_the_threads_of_the_event_loop_and_are_absolute(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def getaddrinfo(host: Any, port: Any, **named: Any) -> list[Any]:
        asked.append(host)
        row = (socket.AF_INET, socket.SOCK_STREAM, 6, "", (PUBLIC, 0))
        return [row, row]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    def shared(*args: Any) -> None:
        pytest.fail("the threads that look up vendors' names were used")

    async def scene() -> None:
        monkeypatch.setattr(asyncio.get_running_loop(), "run_in_executor", shared)
        assert await NameLookup()("pictures.example") == [PUBLIC]

    asyncio.run(scene())
    assert asked == ["pictures.example."], "the search domains of the machine do not apply"


def test_lookups_that_hang_are_bounded_and_their_places_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()

    def hang(host: str) -> list[str]:
        gate.wait(20)
        return [PUBLIC]

    monkeypatch.setattr(name_lookup, "addresses_of", hang)

    async def scene() -> None:
        lookup = NameLookup()
        waiting = [asyncio.create_task(lookup("slow.example")) for _ in range(MAX_LOOKUPS)]
        await asyncio.sleep(0)
        for task in waiting[1:]:
            task.cancel()  # the lookups are given up, but their threads still run
        await asyncio.sleep(0)
        with pytest.raises(FetchesBusy):
            await lookup("one.too.many.example")
        gate.set()
        assert await waiting[0] == [PUBLIC]
        for _ in range(1000):
            try:
                assert await lookup("now.example") == [PUBLIC]
            except FetchesBusy:
                await asyncio.sleep(0.01)
            else:
                break
        else:
            pytest.fail("no place came back")

    asyncio.run(scene())
