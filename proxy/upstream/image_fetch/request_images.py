"""Fetch all images of one request, within the limits of a request, as data URIs."""

import asyncio
from binascii import b2a_base64
from collections import Counter
from collections.abc import Mapping

from adapters.core.message import Message
from proxy.upstream.image_fetch.errors import ImageError
from proxy.upstream.image_fetch.fetcher import MIB, Admit, ImageFetcher

MAX_IMAGES = 20
"""The most image URLs of a request, repeated ones included: the vendor's body has the data of each."""
MAX_TOTAL = 20 * MIB
"""The most bytes of all images of a request, before base64, repeated ones included."""
MAX_AT_ONCE = 4
"""How many images of one request are fetched at once."""
REQUEST_S = 30.0
"""How long all images of a request may take (seconds)."""
MEMORY_FACTOR = 6
"""Memory for each byte of an image: as read, in base64, as text, and in the serialized body of a call."""


class RequestImages:
    """The images of one request. ``urls`` has one URL for each content part; ``admit`` reserves memory.

    An image whose URL is repeated is fetched once.
    """

    def __init__(self, fetcher: ImageFetcher, urls: list[str], admit: Admit, *, request_s: float = REQUEST_S) -> None:
        self._fetcher = fetcher
        self._copies = Counter(urls)
        self._admit = admit
        self._request_s = request_s
        self._size = 0
        self._left = list(reversed(self._copies))
        self._fetched: dict[str, str] = {}

    async def fetch(self) -> Mapping[str, str]:
        """Return the data URI of each URL.

        Raises ImageError, with its ``url``, for the first image that fails; FetchesBusy, Overloaded, and whatever
        ``admit`` raises. Fetches under way are then cancelled.
        """
        first = self._left[-1]
        if self._copies.total() > MAX_IMAGES:
            raise at(first, ImageError(Message("the request has more than {most} image URLs", most=MAX_IMAGES), "many"))
        try:
            async with asyncio.timeout(self._request_s):
                await self._fetch_side_by_side()
        except TimeoutError:
            why = Message("the images did not arrive within {limit} seconds in all", limit=f"{self._request_s:g}")
            raise at(first, ImageError(why, "total_timeout")) from None
        return self._fetched

    async def _fetch_side_by_side(self) -> None:
        if len(self._left) == 1:
            await self._work()
            return
        workers = [asyncio.create_task(self._work()) for _ in range(min(MAX_AT_ONCE, len(self._left)))]
        try:
            await asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION)
            for worker in workers:
                if worker.done():
                    worker.result()
        finally:
            for worker in workers:
                worker.add_done_callback(_retrieve)
                worker.cancel()
            await asyncio.wait(workers)
            # A worker has its exception, whose traceback has this frame: leave no reference cycle.
            del worker
            workers.clear()

    async def _work(self) -> None:
        while self._left:
            url = self._left.pop()
            copies = self._copies[url]

            def admit(size: int, copies: int = copies) -> None:
                self._size += size * copies
                if self._size > MAX_TOTAL:
                    why = Message("the images of this request are larger than {most} MiB in all", most=MAX_TOTAL // MIB)
                    raise ImageError(why, "size")
                self._admit(size * copies * MEMORY_FACTOR)

            try:
                media, data = await self._fetcher.fetch(url, admit)
            except ImageError as error:
                raise at(url, error) from None
            self._fetched[url] = f"data:{media};base64," + b2a_base64(data, newline=False).decode("ascii")
            del data
            await asyncio.sleep(0)  # let other tasks run: a large image takes long to encode


def at(url: str, error: ImageError) -> ImageError:
    """Return the error, of this URL."""
    error.url = url
    return error


def _retrieve(worker: asyncio.Task[None]) -> None:
    """Take the exception of a worker whose result is not needed, so that asyncio does not log it."""
    if not worker.cancelled():
        worker.exception()
