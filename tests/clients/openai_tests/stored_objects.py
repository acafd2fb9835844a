"""A pytest plugin for OpenAI's tests of Responses and Conversations when they run through banjia.

The tests name objects that do not exist (``resp_677efb…``, ``conv_123``), and banjia is the server of that state. So the
plugin creates each object that a request names through banjia, and puts its id in the place of the fixed one, in the
transport of the client: in the path, in the query, and in the members of the body that name an object.

``REFUSED`` lists the tests whose request banjia refuses. The plugin sends such a request as it is, which must be the
400 that the list names, and then changes what was refused, until the request is one that banjia serves. With that one the
test must pass. Its property ``refused`` names the members.

Loaded by its name alone (``-p stored_objects``), because the client's source has a package ``tests`` of its own.
``SILENT_MODEL`` is a model whose vendor never answers, so that its responses can be cancelled.
"""

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import httpx2
import pytest

SILENT_MODEL = "silent"
RESPONSE = re.compile(r".*/responses/(?!compact$|input_tokens$)(?P<id>[^/]+)(?P<rest>/cancel|/input_items)?")
CONVERSATION = re.compile(r".*/conversations/(?P<id>[^/]+)(?:/items/(?P<item>[^/]+))?(?:/items)?")
Members = Mapping[str, Any]
"""Members of a body by name."""


class Refusal(NamedTuple):
    """What banjia refuses: ``param`` as the error has it, and the members that replace it; None removes one."""

    param: str
    change: Members


NO_MODEL = Refusal("model", {"model": "any"})
NO_INPUT = Refusal("input", {"input": "Hi"})
BOTH_HISTORIES = Refusal("previous_response_id", {"previous_response_id": None})
MODERATION = Refusal("moderation", {"moderation": None})
PROMPT = Refusal("prompt", {"prompt": None})
NO_ITEMS = Refusal("limit", {"limit": "10"})
REFUSED: Mapping[str, tuple[Refusal, ...]] = {
    # A model name selects the vendor, and no prompt object stands in for the input.
    r"test_responses\..*_create_overload_[12]": (NO_MODEL, NO_INPUT),
    r"responses.test_input_tokens\..*_count": (NO_MODEL, NO_INPUT),
    r"test_responses\..*_compact": (NO_INPUT,),
    # Two members that exclude each other. Prompt objects and moderation are not served.
    r"test_responses\.test_method_create_with_all_params_overload_[12]": (BOTH_HISTORIES, MODERATION, PROMPT),
    r"responses.test_input_tokens\.test_method_count_with_all_params": (BOTH_HISTORIES,),
    # OpenAI's description has a limit between 1 and 100.
    r"responses.test_input_items\.test_method_list_with_all_params": (NO_ITEMS,),
    r"conversations.test_items\.test_method_list_with_all_params": (NO_ITEMS,),
}
"""Tests by patterns of their names, with what is refused of their requests, in the order of the errors."""


class Objects:
    """Creates objects through banjia."""

    def __init__(self, client: httpx2.Client) -> None:
        self._client = client

    def _create(self, path: str, body: Members) -> str:
        answer = self._client.post(path, json=body)
        assert answer.status_code == 200, f"POST {path}: {answer.status_code} {answer.text}"
        return str(answer.json()["id"])

    def response(self) -> str:
        """Return the id of a response that is complete."""
        return self._create("/responses", {"model": "any", "input": "Hi"})

    def streamed(self) -> str:
        """Return the id of a response in the background, whose events can be read."""
        return self._create("/responses", {"model": "any", "input": "Hi", "background": True})

    def running(self) -> str:
        """Return the id of a response in the background that does not end by itself."""
        return self._create("/responses", {"model": SILENT_MODEL, "input": "Hi", "background": True})

    def conversation(self) -> str:
        """Return the id of a conversation with an item."""
        return self._create("/conversations", {"items": [{"type": "message", "role": "user", "content": "Hi"}]})

    def item_of(self, path: str) -> str:
        """Return the id of the first item of a list."""
        return str(self._client.get(path, params={"order": "asc"}).json()["data"][0]["id"])


class OwnObjects:
    """Changes the requests of one test."""

    def __init__(self, client: httpx2.Client, refused: tuple[Refusal, ...]) -> None:
        self._client = client
        self._objects = Objects(client)
        self._refused = refused

    def changed(self, request: httpx2.Request) -> httpx2.Request:
        """Return the request with the ids of new objects, and without what is refused.

        Raises AssertionError if banjia does not refuse what it should.
        """
        url = self._url(request.url)
        body = json.loads(request.content) if request.content else None
        if body is not None:
            self._name_objects(body)
        for param, change in self._refused:
            answer = self._client.request(request.method, url, json=body)
            assert (answer.status_code, answer.json()["error"].get("param")) == (400, param), answer.text
            if request.method == "GET":
                url = url.copy_merge_params(change)
            else:
                body = {name: value for name, value in {**(body or {}), **change}.items() if value is not None}
        headers = httpx2.Headers(request.headers)
        content = None if body is None else json.dumps(body).encode()
        for name in ("content-length", "transfer-encoding"):
            headers.pop(name, None)
        return httpx2.Request(request.method, url, headers=headers, content=content, extensions=request.extensions)

    def _url(self, url: httpx2.URL) -> httpx2.URL:
        """Return the URL with the ids of new objects in its path, and as ``after`` the id of an item."""
        path = url.path
        if found := RESPONSE.fullmatch(path):
            if found["rest"] == "/cancel":
                own = self._objects.running()
            elif url.params.get("stream") == "true":
                own = self._objects.streamed()
            else:
                own = self._objects.response()
            items = f"/responses/{own}/input_items"
            path = replaced(found, "id", own)
        elif found := CONVERSATION.fullmatch(path):
            own = self._objects.conversation()
            items = f"/conversations/{own}/items"
            if found["item"]:  # the later part first, so that the other one is where it was found
                path = replaced(found, "item", self._objects.item_of(items))
            path = path[: found.start("id")] + own + path[found.end("id") :]
        else:
            return url
        url = url.copy_with(path=path)
        return url.copy_set_param("after", self._objects.item_of(items)) if "after" in url.params else url

    def _name_objects(self, body: dict[str, Any]) -> None:
        """Put the ids of new objects into the members of a body that name objects."""
        if "previous_response_id" in body:
            body["previous_response_id"] = self._objects.response()
        if "conversation" in body:
            body["conversation"] = self._objects.conversation()


def replaced(found: re.Match[str], group: str, text: str) -> str:
    """Return what was matched with another text in the place of this group."""
    return found.string[: found.start(group)] + text + found.string[found.end(group) :]


class OwnObjectsTransport(httpx2.BaseTransport):
    """Sends the requests of the client that is not asynchronous."""

    def __init__(self, transport: httpx2.BaseTransport, objects: OwnObjects) -> None:
        self._transport = transport
        self._objects = objects

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request with the ids of new objects."""
        return self._transport.handle_request(self._objects.changed(request))


class AsyncOwnObjectsTransport(httpx2.AsyncBaseTransport):
    """Sends the requests of the asynchronous client."""

    def __init__(self, transport: httpx2.AsyncBaseTransport, objects: OwnObjects) -> None:
        self._transport = transport
        self._objects = objects

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request with the ids of new objects."""
        return await self._transport.handle_async_request(self._objects.changed(request))


@pytest.fixture(scope="session")
def setup_client() -> Iterator[httpx2.Client]:
    """Return the client that creates the objects. It waits, in asynchronous tests too."""
    with httpx2.Client(base_url=os.environ["TEST_API_BASE_URL"], trust_env=False) as client:
        yield client


@pytest.fixture(autouse=True)
def own_objects(
    request: pytest.FixtureRequest,
    setup_client: httpx2.Client,
    record_property: Callable[[str, object], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Let the client of the test name objects that exist."""
    module = request.module.__name__.removeprefix("tests.api_resources.")
    refused = refused_of(f"{module}.{request.function.__name__}")
    if refused:
        record_property("refused", ", ".join(refusal.param for refusal in refused))
    objects = OwnObjects(setup_client, refused)
    for name, wrapped in (("client", OwnObjectsTransport), ("async_client", AsyncOwnObjectsTransport)):
        if name in request.fixturenames:
            inner = request.getfixturevalue(name)._client
            monkeypatch.setattr(inner, "_transport", wrapped(inner._transport, objects))


def refused_of(test: str) -> tuple[Refusal, ...]:
    """Return what is refused of a test's requests."""
    return next((refused for name, refused in REFUSED.items() if re.fullmatch(name, test)), ())
