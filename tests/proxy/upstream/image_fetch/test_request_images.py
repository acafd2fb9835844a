"""The images of one request: how many, how large together, how many at once."""

import asyncio
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress

import pytest

from proxy.upstream.image_fetch import request_images
from proxy.upstream.image_fetch.errors import FetchesBusy, ImageError, unreachable
from proxy.upstream.image_fetch.request_images import (
    MAX_AT_ONCE,
    MAX_IMAGES,
    MEMORY_FACTOR,
    RequestImages,
)
from tests.proxy.observability.test_garbage import collected
from tests.proxy.upstream.image_fetch.test_fetcher import PNG, here, response
from tests.proxy.upstream.peers import Peer, Talk


class Scripted:
    """A fetcher that returns images of these sizes, or raises."""

    def __init__(self, sizes: Mapping[str, int | Exception] | int = 48) -> None:
        self.sizes = sizes
        self.calls: list[str] = []
        self.under_way = self.most = 0
        self.cancelled: list[str] = []

    async def fetch(self, url: str, admit: Callable[[int], None]) -> tuple[str, bytearray]:
        self.calls.append(url)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await asyncio.sleep(0.001)
            size = self.sizes if isinstance(self.sizes, int) else self.sizes[url]
            if isinstance(size, Exception):
                raise size
            if size < 0:  # never arrives
                await asyncio.Event().wait()
            admit(size)
            return "image/png", bytearray(PNG[:size].ljust(size, b"\0"))
        except asyncio.CancelledError:
            self.cancelled.append(url)
            raise
        finally:
            self.under_way -= 1


class Run:
    """One request's fetches, and the memory that they reserved."""

    def __init__(self, scripted: Scripted, urls: list[str], request_s: float = 30.0) -> None:
        self.reserved: list[int] = []
        images = RequestImages(scripted, urls, self.reserved.append, request_s=request_s)  # type: ignore[arg-type]
        self.images = asyncio.run(images.fetch())


def urls(number: int) -> list[str]:
    return [f"http://pictures.example/{at}" for at in range(number)]


def test_each_url_has_a_data_uri() -> None:
    run = Run(Scripted(), urls(7))
    assert sorted(run.images) == urls(7)
    assert {b64decode(uri.removeprefix("data:image/png;base64,"), validate=True) for uri in run.images.values()} == {
        PNG
    }


def test_a_repeated_url_is_fetched_once_and_counts_as_often_as_it_is_sent() -> None:
    scripted = Scripted()
    run = Run(scripted, [*urls(2), *urls(2), *urls(1)])
    assert sorted(scripted.calls) == urls(2)
    assert sorted(run.reserved) == [2 * 48 * MEMORY_FACTOR, 3 * 48 * MEMORY_FACTOR]


def test_at_most_four_are_fetched_at_once() -> None:
    scripted = Scripted()
    Run(scripted, urls(MAX_IMAGES))
    assert scripted.most == MAX_AT_ONCE
    assert len(scripted.calls) == MAX_IMAGES


@pytest.mark.parametrize("many", [urls(MAX_IMAGES + 1), urls(1) * (MAX_IMAGES + 1)], ids=["different", "the same"])
def test_more_than_twenty_are_refused_before_the_first_is_fetched(many: list[str]) -> None:
    scripted = Scripted()
    with pytest.raises(ImageError, match="the request has more than 20 image URLs") as raised:
        Run(scripted, many)
    assert (raised.value.cause, raised.value.url, scripted.calls) == ("many", many[0], [])


MIB = 1 << 20


@pytest.mark.parametrize(
    "sent", [{"a": 8 * MIB, "b": 8 * MIB, "c": 8 * MIB}, {"a": 7 * MIB}], ids=["different", "repeated"]
)
def test_all_together_are_at_most_twenty_mib(sent: dict[str, int]) -> None:
    repeated = [url for url in sent for _ in range(3 // len(sent))]
    with pytest.raises(ImageError, match="the images of this request are larger than 20 MiB in all") as raised:
        Run(Scripted(sent), repeated)
    assert raised.value.cause == "size"
    assert raised.value.url in sent


def test_the_first_failure_ends_the_others_and_names_its_url() -> None:
    scripted = Scripted({"a": -1, "b": unreachable("b.example", "dns"), "c": -1, "d": -1, "e": 48})
    with pytest.raises(ImageError) as raised:
        Run(scripted, list("abcde"))
    assert raised.value.url == "b"
    assert sorted(scripted.cancelled) == ["a", "c", "d"]
    assert scripted.under_way == 0


@pytest.mark.parametrize("error", [FetchesBusy(), MemoryError(), ValueError("a bug")])
def test_other_errors_pass_as_they_are(error: Exception) -> None:
    for others in ({}, {"b": -1}):
        with pytest.raises(type(error)):
            Run(Scripted({"a": error, **others}), ["a", *others])


@pytest.mark.parametrize("number", [1, 5])
def test_all_together_have_a_time_limit(number: int) -> None:
    scripted = Scripted(-1)
    with pytest.raises(ImageError, match=r"the images did not arrive within 0\.05 seconds in all") as raised:
        Run(scripted, urls(number), 0.05)
    assert raised.value.cause == "total_timeout"
    assert scripted.under_way == 0


@pytest.mark.parametrize("number", [1, 5])
def test_a_client_that_leaves_ends_the_fetches(number: int) -> None:
    scripted = Scripted(-1)

    async def scene() -> None:
        images = RequestImages(scripted, urls(number), lambda _: None)  # type: ignore[arg-type]
        task = asyncio.create_task(images.fetch())
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert scripted.under_way == 0
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(scene())


def test_limits_are_the_documented_ones() -> None:
    assert (request_images.MAX_IMAGES, request_images.MAX_TOTAL, request_images.MAX_AT_ONCE) == (20, 20 * MIB, 4)


@pytest.mark.parametrize("failing", ["", "012345", "0", "3", "5"])
def test_fetching_leaves_nothing_to_the_garbage_collector(failing: str) -> None:
    """The data of an image in a reference cycle would stay in memory until a collection."""

    async def script(talk: Talk) -> None:
        number = (await talk.request())[5:6].decode()
        await talk.say(response(b"<html>" if number in failing else PNG))

    async def main() -> Counter[str]:
        found: Counter[str] = Counter()
        async with Peer(script) as peer:
            fetcher = here(peer)
            addresses = [f"http://pictures.example:{peer.port}/{at}" for at in range(6)]

            async def fetch(urls: list[str]) -> None:
                with suppress(ImageError):
                    await RequestImages(fetcher, urls, lambda _: None).fetch()

            await fetch(addresses)
            with collected(found, server=False):
                for _ in range(10):
                    await fetch(addresses)
                    await fetch(addresses[:1])
                await peer.empty()
                await asyncio.sleep(0.01)
        return found

    assert asyncio.run(main()) == {}
