"""Images by URL, with the official client, a vendor that accepts image data only and a server with images."""

import threading
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import openai
import pytest

from proxy.commands.probes import PIXEL
from proxy.upstream.image_fetch.fetcher import ImageFetcher
from tests.support.client_stage import Front, Site, Stage, adapted, text_of

PNG = b64decode(PIXEL.partition(",")[2])
GIF = b"GIF89a" + b"\0" * 60


class Pictures(BaseHTTPRequestHandler):
    """A server with images."""

    protocol_version = "HTTP/1.1"
    images: ClassVar[dict[str, bytes]] = {"/a.png": PNG, "/b.gif": GIF, "/page": b"<html></html>"}
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        data = self.images.get(self.path)
        self.send_response(404 if data is None else 200)
        self.send_header("content-length", str(len(data or b"")))
        self.end_headers()
        self.wfile.write(data or b"")

    def log_message(self, *args: Any) -> None:
        """Write nothing."""


@pytest.fixture
def pictures() -> Iterator[str]:
    Pictures.asked.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Pictures) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://pictures.example:{server.server_port}"
        server.shutdown()


async def resolve(host: str) -> list[str]:
    assert host == "pictures.example"
    return ["127.0.0.1"]


@pytest.fixture
def site(stage: Stage, start: Callable[..., Front]) -> Site:
    """Kimi behind a proxy that fetches images; to its fetcher loopback is public."""
    front = start("kimi", policy={"fetch_images": True})
    front.running.state.image_fetcher = ImageFetcher(
        lambda _: None, resolve=resolve, allowed=lambda _: True, ports=None
    )
    return Site("kimi", stage.emulators["kimi"], front, front.sdk())


def asks(*urls: str) -> list[dict[str, Any]]:
    return [
        {"type": "text", "text": "What is this?"},
        *({"type": "image_url", "image_url": {"url": url, "detail": "auto"}} for url in urls),
    ]


def uri(media: str, data: bytes) -> str:
    return f"data:{media};base64,{b64encode(data).decode()}"


def sent(site: Site) -> list[str]:
    body = site.calls[-1].body
    return [part["image_url"]["url"] for part in body["messages"][-1]["content"] if part["type"] == "image_url"]


def test_public_urls_work_whole_and_streamed_where_the_vendor_accepts_data_only(site: Site, pictures: str) -> None:
    content = asks(f"{pictures}/a.png", f"{pictures}/b.gif?size=1#x", f"{pictures}/a.png")
    Pictures.images["/b.gif?size=1"] = GIF
    expected = [uri("image/png", PNG), uri("image/gif", GIF), uri("image/png", PNG)]

    whole = site.chat(content)
    assert whole.choices[0].message.content == "You said: What is this?"
    assert sent(site) == expected
    assert sorted(Pictures.asked) == ["/a.png", "/b.gif?size=1"]

    assert text_of(site.stream(content)) == "You said: What is this?"
    assert sent(site) == expected


def test_the_response_says_that_the_image_was_fetched(site: Site, pictures: str) -> None:
    message = {"role": "user", "content": asks(f"{pictures}/a.png")}
    response = site.sdk.chat.completions.with_raw_response.create(model="gpt-4o", messages=[message])  # type: ignore[list-item]
    assert adapted(response)["messages.image_url"] == "emulated"


@pytest.mark.parametrize(
    ("path", "why"),
    [("/missing.png", "the server answered 404"), ("/page", "it is not a PNG, JPEG, GIF or WebP image")],
)
@pytest.mark.parametrize("stream", [False, True])
def test_an_image_that_can_not_be_fetched_is_a_bad_request(
    site: Site, pictures: str, path: str, why: str, stream: bool
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        site.chat(asks(f"{pictures}/a.png", f"{pictures}{path}"), stream=stream)
    error = caught.value
    assert (error.param, error.type) == ("messages[0].content[2].image_url.url", "invalid_request_error")
    assert f"The image at pictures.example can't be fetched: {why}." in error.message
    assert site.calls == []


def test_private_addresses_are_refused_by_the_fetcher_that_is_served(site: Site) -> None:
    site.front.running.state.image_fetcher = None  # made by the request, as in production
    for host in ("127.0.0.1", "169.254.169.254", "[::1]", "10.0.0.1"):
        with pytest.raises(openai.BadRequestError, match="its host is not public, or does not answer"):
            site.chat(asks(f"http://{host}/a.png"))
    assert site.calls == []


def test_without_the_policy_a_url_is_refused_with_the_line_to_add(stage: Stage, start: Callable[..., Front]) -> None:
    front = start("kimi")
    with pytest.raises(openai.BadRequestError, match=r"policy\.fetch_images: on") as caught:
        Site("kimi", stage.emulators["kimi"], front, front.sdk()).chat(asks("https://pictures.example/a.png"))
    assert caught.value.param == "messages[0].content[1].image_url.url"
    assert front.running.state.image_fetcher is None
