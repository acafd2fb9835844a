"""Fetch the images of a chat request whose vendor accepts image data only (``policy.fetch_images: on``)."""

from collections.abc import Iterator, Mapping
from time import perf_counter
from typing import TYPE_CHECKING, Any

from adapters.core.message import Message
from adapters.core.request import ApiRequest, FetchedImages, ImageFailure
from adapters.core.vendor import Target
from adapters.rules.messages import image_of, is_web_url
from proxy._types import Route
from proxy.errors import Overloaded
from proxy.observability.memory_budget import Lease
from proxy.observability.request_record import RequestRecord

if TYPE_CHECKING:  # commands such as ``explain`` import the handlers without a server
    from proxy.app_state import AppState


def needs_image_data(target: Target) -> bool:
    """Whether a target's model accepts images, or may accept some, but its vendor no URL of one."""
    rules = target.messages or target.vendor.operations["chat"].params["messages"]
    may_see = "image" in target.model.input or target.vendor.preset
    return may_see and not getattr(rules, "image_urls", True)


async def fetch_images(
    request: ApiRequest, route: Route, state: "AppState", lease: Lease, record: RequestRecord
) -> ApiRequest:
    """Return the request with the data of its image URLs in ``images``; its fields are unchanged.

    Without image URLs, or if every target accepts them, the request is returned as it is. An image that can't be
    fetched is no error here: planning refuses the targets that need it, and a target that accepts URLs may serve the
    request. ``lease`` holds the memory of the images. Raises Overloaded, and MemoryError if the memory does not suffice.
    """
    if not any(map(needs_image_data, route.targets)):
        return request
    params: dict[str, str] = {}
    urls: list[str] = []
    for param, url in web_images(request.fields["messages"]):
        params.setdefault(url, param)
        urls.append(url)
    if not urls:
        return request
    began = perf_counter()
    try:
        images = await _fetched(urls, params, state, lease, record)
    finally:
        record.images_fetched(perf_counter() - began)
    return request._replace(images=images)


async def _fetched(
    urls: list[str], params: Mapping[str, str], state: "AppState", lease: Lease, record: RequestRecord
) -> FetchedImages:
    # Imported here, so that a server that fetches no images does not load it.
    from proxy.upstream.image_fetch.errors import FetchesBusy, ImageError
    from proxy.upstream.image_fetch.fetcher import ImageFetcher
    from proxy.upstream.image_fetch.request_images import RequestImages

    if state.image_fetcher is None:
        state.image_fetcher = ImageFetcher(state.upstream.proxy_of)
    try:
        return await RequestImages(state.image_fetcher, urls, lease.grow).fetch()
    except ImageError as error:
        record.notes["image_failure"] = error.cause
        failure = ImageFailure(params[error.url], error.message)
        return dict.fromkeys(params, failure)
    except FetchesBusy:
        busy = Overloaded(Message("The server is fetching too many images at the moment. Try again in a moment."))
        busy.retry_after_s = 1.0
        raise busy from None


def web_images(messages: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield ``param`` and URL of each content part with an image at an http or https URL."""
    for at, message in enumerate(messages):
        content = message.get("content")
        if type(content) is not list:
            continue
        for number, part in enumerate(content):
            if part["type"] == "image_url":
                url = str(image_of(part).get("url") or "")
                if is_web_url(url):
                    yield f"messages[{at}].content[{number}].image_url.url", url
