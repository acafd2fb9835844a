"""Published flaws of gateways and servers that fetch a client's images. See test_published_flaws.py.

The proxy fetches images, from any port, so that only the check of addresses keeps it away from the canary.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from proxy.upstream.image_fetch.fetcher import ImageFetcher
from proxy.upstream.image_fetch.public_addresses import IPAddress, is_public
from tests.gateway_failures.canary import VENDOR_KEY, Canary, canary
from tests.proxy.server.raw_client import Line, answers_hello, chat, line, run
from tests.proxy.upstream.image_fetch.addresses import ALL, IPV4, PUBLIC, inside_ipv6, spellings
from tests.support.harness import proxy, vendor

LOCAL_NAMES = (
    "localhost", "LOCALHOST", "localhost.", "app.localhost", "localhost.localdomain", "printer.local", "db.internal", "metadata",
    "metadata.google.internal", "host.docker.internal", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local", "nas.lan",
    "intranet.corp", "127.0.0.1.nip.example", "ip6-localhost",
)  # fmt: skip


@dataclass
class Guarded:
    """A proxy that fetches images, the canary, and what the resolver answers: to the first lookup, to the next …"""

    there: Canary
    caller: Line
    calls: list[bytes]
    answers: list[Sequence[str]] = field(default_factory=lambda: [["127.0.0.1"]])
    asked: list[str] = field(default_factory=list)

    async def resolve(self, host: str) -> list[str]:
        self.asked.append(host)
        return list(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])

    async def refused(self, url: str) -> str:
        """Return the message of the 400 for an image at this URL."""
        content = [{"type": "image_url", "image_url": {"url": url}}]
        await self.caller.send(chat(messages=[{"role": "user", "content": content}]))
        answer = await self.caller.answer()
        assert answer is not None
        assert (answer.status, self.there.met, self.calls) == (400, 0, []), url
        assert answer.error["param"] == "messages[0].content[0].image_url.url"
        return str(answer.error["message"])


@asynccontextmanager
async def guarded(allowed: object = is_public) -> AsyncIterator[Guarded]:
    calls: list[bytes] = []
    async with canary() as there, vendor(answers_hello, calls) as url:
        entry = {"api_key": VENDOR_KEY, "base_url": url}
        async with (
            proxy({"vendors": {"kimi": entry}, "policy": {"fetch_images": True}}) as running,
            line(running.url) as caller,
        ):
            here = Guarded(there, caller, calls)
            running.state.image_fetcher = ImageFetcher(
                lambda _: None,
                resolve=here.resolve,
                ports=None,
                allowed=allowed,  # type: ignore[arg-type]
            )
            yield here


def test_cve_2026_110719_no_name_is_an_exception() -> None:
    """CVE-2026-110719: hosts that look local were let through."""

    async def scene() -> None:
        async with guarded() as here:
            for name in LOCAL_NAMES:
                text = await here.refused(f"http://{name}:{here.there.port}/a.png")
                assert "its host is not public, or does not answer" in text
            assert len(here.asked) == len(LOCAL_NAMES)

    run(scene())


def test_go_2026_5652_ranges_that_libraries_take_for_public_are_not() -> None:
    """GO-2026-5652 (new-api): 0.0.0.0 and ranges that a library's predicate takes for public passed the filter."""

    async def scene() -> None:
        async with guarded() as here:
            for address in (
                "0.0.0.0",
                "224.0.0.1",
                "100.64.0.1",
                "fec0::1",
                "ff0e::1",
                *inside_ipv6("127.0.0.1").values(),
            ):
                host = f"[{address}]" if ":" in address else address
                await here.refused(f"http://{host}:{here.there.port}/a.png")
            assert here.asked == []

    run(scene())


def test_cve_2026_55245_no_address_inside_is_reached_however_it_is_written() -> None:
    """CVE-2026-55245 (Bifrost): fetching a client's image reached the internal network."""

    async def scene() -> None:
        async with guarded() as here:
            port = here.there.port
            for address in ALL:
                here.answers = [[PUBLIC, address]]
                host = f"[{address}]" if ":" in address else address
                assert await here.refused(f"http://{host}:{port}/") != ""
                assert address not in await here.refused(f"http://pictures.example:{port}/")
            for address in IPV4:
                for spelling in spellings(address).values():
                    await here.refused(f"http://{spelling}:{port}/")
            assert here.asked == ["pictures.example"] * len(ALL)

    run(scene())


def test_cve_2026_25960_the_address_that_was_checked_is_the_one_that_is_connected_to() -> None:
    """CVE-2026-25960 (vLLM): two parsers took different hosts from one URL; others looked a name up twice."""

    def only_the_second(address: IPAddress) -> bool:
        return str(address) == "127.0.0.2"  # nothing listens there

    async def scene() -> None:
        async with guarded(only_the_second) as here:
            inside = f"127.0.0.1:{here.there.port}"
            for url in (
                f"http://pictures.example\\@{inside}/", f"http://pictures.example@{inside}/", f"http://{inside}\\@pictures.example/",
                f"http://pictures.example\t@{inside}/", f"http:\\\\{inside}/", f"http:{inside}", f"http:///{inside}/",
                f"http://pictures.example%00@{inside}/", f"http://pictures.example%5c@{inside}/", f"http://{inside}#@pictures.example/",
                f"http://{inside}?@pictures.example/", f"http://pictures.example;@{inside}/", f"http://[{inside}]/",
            ):  # fmt: skip
                await here.refused(url)
            assert here.asked == []
            here.answers = [["127.0.0.2"], ["127.0.0.1"]]
            await here.refused(f"http://rebinding.example:{here.there.port}/a.png")
            assert here.asked == ["rebinding.example"]

    run(scene())


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_an_address_inside_is_not_followed(status: int) -> None:
    async def scene() -> None:
        async with guarded(lambda _: True) as here:

            async def redirects(reader: object, writer: object, body: bytes) -> None:
                head = f"HTTP/1.1 {status} X\r\nlocation: {here.there.url}\r\ncontent-length: 0\r\n\r\n"
                writer.write(head.encode())  # type: ignore[attr-defined]

            async with vendor(redirects) as url:
                text = await here.refused(url.replace("127.0.0.1", "pictures.example"))
            assert "the server redirects to 127.0.0.1, and banjia does not follow" in text

    run(scene())
