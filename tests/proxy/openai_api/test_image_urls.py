"""``policy.fetch_images``: a vendor that accepts image data only gets the data, any other the URL as it was sent."""

import asyncio
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any

import httpx2
import pytest

from adapters.core.message import Message
from adapters.core.request import ApiRequest
from config.schema import Settings
from proxy.app_state import AppState
from proxy.observability.request_record import RequestRecord
from proxy.openai_api.chat.handler import ChatHandler
from proxy.openai_api.chat.image_urls import needs_image_data
from proxy.routing.resolve import resolve
from proxy.upstream.client import Upstream
from proxy.upstream.image_fetch.errors import FetchesBusy, ImageError, unreachable
from proxy.upstream.image_fetch.request_images import MEMORY_FACTOR
from tests.project.pages.documents import ROOT
from tests.proxy.play import BOTH, Played, error, hello, play, whole

URL = "https://pictures.example/a.png"
DATA = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
URI = f"data:image/png;base64,{b64encode(DATA).decode()}"
OTHER_URI = "data:image/gif;base64,R0lGODdh"


class Scripted:
    """A fetcher that returns one image for every URL, or raises."""

    def __init__(self, failures: Mapping[str, Exception] | None = None) -> None:
        self.calls: list[str] = []
        self.held: list[int] = []
        self.budget: Callable[[], int] = lambda: 0
        self._failures = failures or {}

    async def fetch(self, url: str, admit: Callable[[int], None]) -> tuple[str, bytearray]:
        self.calls.append(url)
        await asyncio.sleep(0)
        if url in self._failures:
            raise self._failures[url]
        admit(len(DATA))
        self.held.append(self.budget())
        return "image/png", bytearray(DATA)


def image(url: Any) -> dict[str, Any]:
    return {"type": "image_url", "image_url": url if type(url) is str else {"url": url[0]}}


def asks(*parts: Any, role: str = "user") -> list[dict[str, Any]]:
    return [{"role": "user", "content": "hi"}, {"role": role, "content": [{"type": "text", "text": "what?"}, *parts]}]


ON: Mapping[str, Any] = {**BOTH, "models": {"gpt-4o": "kimi/kimi-k2.6"}, "policy": {"fetch_images": True}}


def ask(
    *parts: Any, settings: Mapping[str, Any] = ON, fetcher: Scripted | None = None, role: str = "user", **more: Any
) -> tuple[Played, Scripted]:
    """One request with these content parts."""
    fetcher = fetcher or Scripted()
    state = AppState(Settings.model_validate(settings), Upstream(httpx2.MockTransport(lambda _: None)))  # type: ignore[arg-type]
    state.image_fetcher = fetcher  # type: ignore[assignment]
    fetcher.budget = lambda: state.budget.held
    state.budget.limit = more.pop("memory", state.budget.limit)
    replies = more.pop("replies", {"kimi": [hello() if more.get("stream") else whole("hello")]})
    played = play(replies, state=state, messages=asks(*parts, role=role), **more)
    assert state.budget.held == 0, "the memory of the images is released with the request"
    return played, fetcher


def sent(body: Mapping[str, Any]) -> list[str]:
    """The image URLs of a vendor's body."""
    parts = [part for message in body["messages"] if type(message["content"]) is list for part in message["content"]]
    return [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]


@pytest.mark.parametrize("stream", [False, True])
def test_the_vendor_gets_the_data_and_the_client_is_told(stream: bool) -> None:
    played, fetcher = ask(image([URL]), stream=stream)
    assert played.text == "hello"
    assert sent(played.bodies[0]) == [URI]
    assert fetcher.calls == [URL]
    assert "messages.image_url=emulated" in played.headers["x-banjia-adapted"].split(";")
    assert played.lines[0]["images_ms"] >= 0


@pytest.mark.parametrize("role", ["user", "system", "assistant"])
def test_all_forms_of_image_parts_in_all_roles_are_fetched_and_data_stays(role: str) -> None:
    played, fetcher = ask(
        image(URL), image([OTHER_URI]), image(["HTTP://pictures.example/b"]), image("ms://f1"), role=role
    )
    assert sent(played.bodies[0]) == [URI, OTHER_URI, URI, "ms://f1"]
    assert sorted(fetcher.calls) == ["HTTP://pictures.example/b", URL]


def test_a_request_without_image_urls_fetches_nothing_and_is_not_told() -> None:
    played, fetcher = ask(image([OTHER_URI]))
    assert played.text == "hello"
    assert fetcher.calls == []
    assert "image_url" not in played.headers.get("x-banjia-adapted", "")
    assert "images_ms" not in played.lines[0]


def test_off_is_the_default_and_refuses_with_the_line_to_add() -> None:
    played, fetcher = ask(image([URL]), settings={**ON, "policy": {}})
    assert (played.status, played.calls, fetcher.calls) == (400, [], [])
    found = played.json["error"]
    assert found["param"] == "messages[1].content[1].image_url.url"
    assert found["code"] == "unsupported_parameter"
    assert "policy.fetch_images: on" in found["message"]


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://pictures.example/a.png", "blob:x", "", " http://a.example/"]
)
def test_other_schemes_are_never_fetched(url: str) -> None:
    played, fetcher = ask(image([url]))
    assert (played.status, played.calls, fetcher.calls) == (400, [], [])
    assert "accepts images only as data: URIs: send the image data" in played.json["error"]["message"]
    assert "policy.fetch_images" not in played.json["error"]["message"]


def test_a_policy_of_one_model_suffices() -> None:
    one = {"targets": ["kimi/kimi-k2.6"], "policy": {"fetch_images": True}}
    played, _ = ask(image([URL]), settings={**BOTH, "models": {"gpt-4o": one}})
    assert sent(played.bodies[0]) == [URI]


def test_the_images_stay_with_a_request_whose_fields_the_operator_sets() -> None:
    one = {"target": "kimi/kimi-k2.6", "set": {"user": "u-1"}}
    for settings in ({**ON, "models": {"gpt-4o": one}}, {**BOTH, "policy": {"fetch_images": True}}):  # or a stand-in
        played, _ = ask(image([URL]), settings=settings)
        assert sent(played.bodies[0]) == [URI]


def test_strict_does_not_refuse_what_banjia_provides() -> None:
    played, _ = ask(image([URL]), settings={**ON, "policy": {"fetch_images": True, "unsupported": "strict"}})
    assert sent(played.bodies[0]) == [URI]


def test_each_call_of_several_choices_has_the_data_and_the_image_is_fetched_once() -> None:
    played, fetcher = ask(image([URL]), n=2, replies={"kimi": [whole("a"), whole("b")]})
    assert [sent(body) for body in played.bodies] == [[URI], [URI]]
    assert fetcher.calls == [URL]


def route(*targets: str) -> dict[str, Any]:
    return {**BOTH, "models": {"gpt-4o": list(targets)}, "policy": {"fetch_images": True}}


KIMI_FIRST = route("kimi/kimi-k2.6", "qwen/qwen3.6-plus")
QWEN_FIRST = route("qwen/qwen3.6-plus", "kimi/kimi-k2.6")


def test_a_target_that_accepts_urls_gets_the_url_as_it_was_sent() -> None:
    down = [error(500, "x"), error(500, "x")]
    for settings, replies, expected in (
        (KIMI_FIRST, {"kimi": down, "qwen": [whole("hello")]}, [[URI], [URI], [URL]]),
        (QWEN_FIRST, {"qwen": down, "kimi": [whole("hello")]}, [[URL], [URL], [URI]]),
    ):
        played, fetcher = ask(image([URL]), settings=settings, replies=dict(replies))
        assert [sent(body) for body in played.bodies] == expected
        assert fetcher.calls == [URL]


def test_nothing_is_fetched_for_targets_that_accept_urls_or_no_images() -> None:
    for target, status in (("qwen/qwen3.6-plus", 200), ("kimi/kimi-k2-0905-preview", 400)):
        played, fetcher = ask(image([URL]), settings=route(target), replies={"qwen": [whole("hello")]})
        assert (played.status, fetcher.calls) == (status, [])


@pytest.mark.parametrize("failing", [0, 1])
def test_an_image_that_can_not_be_fetched_is_a_400_that_names_its_part(failing: int) -> None:
    urls = [URL, "https://other.example/b"]
    fetcher = Scripted({urls[failing]: unreachable("other.example", "address")})
    played, _ = ask(image([urls[0]]), image([urls[1]]), image([urls[1]]), fetcher=fetcher)
    assert (played.status, played.calls) == (400, [])
    found = played.json["error"]
    assert found["param"] == f"messages[1].content[{failing + 1}].image_url.url"
    assert (found["type"], found["code"]) == ("invalid_request_error", None)
    assert found["message"].startswith("The image at other.example can't be fetched: ")
    assert "data: URI" in found["message"]
    [line] = played.lines
    assert (line["image_failure"], line["reason"], line["ending"]) == ("address", "invalid_request", "rejected")


def test_if_an_image_can_not_be_fetched_a_target_that_accepts_urls_serves_the_request() -> None:
    fetcher = Scripted({URL: ImageError(Message("the server answered {status}", status=404), "status", host="a")})
    played, _ = ask(image([URL]), settings=KIMI_FIRST, fetcher=fetcher, replies={"qwen": [whole("hello")]})
    assert (played.text, sent(played.bodies[0])) == ("hello", [URL])


def test_a_dropped_field_does_not_hide_a_failed_image() -> None:
    settings = {**ON, "policy": {"fetch_images": True, "drop": ["messages"]}}
    played, _ = ask(image([URL]), settings=settings, fetcher=Scripted({URL: unreachable("a", "dns")}))
    assert played.json["error"]["param"] == "messages[1].content[1].image_url.url"


def test_without_capacity_the_request_may_be_repeated() -> None:
    played, _ = ask(image([URL]), fetcher=Scripted({URL: FetchesBusy()}))
    assert (played.status, played.headers["retry-after"]) == (503, "1")
    assert played.json["error"]["code"] == "server_is_overloaded"


def test_images_count_towards_the_memory_budget_until_the_request_ends() -> None:
    _, fetcher = ask(image([URL]), image([URL]))
    assert fetcher.held == [2 * len(DATA) * MEMORY_FACTOR]


def test_images_beyond_the_memory_budget_are_a_503() -> None:
    played, _ = ask(image([URL]), memory=len(DATA) * MEMORY_FACTOR - 1)
    assert (played.status, played.json["error"]["code"]) == (503, "server_is_overloaded")
    assert played.calls == []


def test_the_targets_that_need_data_are_known_without_a_vendor_s_name() -> None:
    state = AppState(Settings.model_validate(BOTH), Upstream(httpx2.MockTransport(lambda _: None)))  # type: ignore[arg-type]
    targets = state.snapshot.routing.find("gpt-4o", "chat").targets
    assert [needs_image_data(target) for target in targets] == [True, False]


def test_a_server_that_fetches_no_images_does_not_load_the_fetcher() -> None:
    code = "import sys, proxy.app; sys.exit(any(name.startswith('proxy.upstream.image_fetch') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=60, check=False).returncode == 0


def test_the_steps_are_not_needed_unless_the_policy_says_so() -> None:
    steps = ChatHandler().steps
    assert steps is not None
    for policy, needed in (({}, False), ({"fetch_images": True}, True)):
        settings = Settings.model_validate({**BOTH, "policy": policy})
        state = AppState(settings, Upstream(httpx2.MockTransport(lambda _: None)))  # type: ignore[arg-type]
        request = ApiRequest("chat", "gpt-4o", {"messages": [{"role": "user", "content": "hi"}]})
        assert steps.needed(request, resolve(request, state.snapshot.routing)) is needed


def test_the_time_for_images_is_not_counted_as_added_by_banjia() -> None:
    record = RequestRecord("req_1", "chat")
    record.started, record.read_at = 0.0, 1.0
    record.images_fetched(5.0)
    for one in (record, record.branch("kimi/kimi-k2.6")):
        one.read_at, one.sent_at, one.first_byte_at, one.first_content_s = 1.0, 7.0, 9.0, 10.0
        assert one.outcome().added_s == 10 - 1 - 5 - 2
    assert record.outcome().notes["images_ms"] == 5000.0


@pytest.mark.parametrize("settings", [ON, {**ON, "policy": {}}, {**BOTH, "models": {"gpt-4o": "qwen/qwen3.6-plus"}}])
@pytest.mark.parametrize("wrong", [5, True, [], ["https://pictures.example/a.png"]])
def test_an_image_that_is_no_object_is_a_400(wrong: Any, settings: Mapping[str, Any]) -> None:
    played, fetcher = ask({"type": "image_url", "image_url": wrong}, settings=settings)
    assert (played.status, played.calls, fetcher.calls) == (400, [], [])
    assert played.json["error"]["param"] == "messages[1].content[1].image_url"
    assert played.json["error"]["code"] == "invalid_type"


def test_a_preset_whose_models_nobody_lists_gets_the_data_of_images_as_well() -> None:
    entry = {**BOTH["vendors"]["kimi"], "kind": "ollama", "base_url": "https://api.moonshot.cn/v1"}
    settings = {**ON, "vendors": {"kimi": entry}, "models": {"gpt-4o": "kimi/qwen3-vl"}}
    played, fetcher = ask(image([URL]), settings=settings)
    assert sent(played.bodies[0]) == [URI]
    assert fetcher.calls == [URL]
