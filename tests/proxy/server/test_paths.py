"""No spelling of a host or a path bypasses a key: only the routed path decides, never the host."""

import json

import pytest

from proxy.server.path_router import normalize_path
from tests.proxy.server.raw_client import ASK, line, run, serving
from tests.support.effort import calls_made_by

SECRET = "sk-client-00000001"
ROUTES = {
    "GET": ["/v1/models", "/v1/models/gpt-4o"],
    "POST": ["/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/moderations"],
}
HOSTS = [
    "x",
    "localhost",
    "127.0.0.1",
    "127.0.0.1:8081",
    "livez",
    "x/livez?",
    "x/livez#",
    "x?/livez",
    "[::1]",
    "x@livez",
    "",
]
PATHS = [
    "{path}", "/{path}", "//{path}", "{path}/", "{path}//", "/v1{path}", "/v1/v1{path}", "/openai{path}", "{path}?/livez",
    "{path}#/livez", "{path};/livez", "{path}/.", "{path}/./", "{path}/../livez/..", "/livez/..{path}", "/livez{path}",
    "/livez/{path}", "/livez%2f..{path}", "/health/..{path}", "/health{path}", "/health/liveliness/..{path}", "/.{path}",
    "/%2e%2e{path}", "/%2e{path}", "{path}%00", "{path}%0d%0ax-a:%20b", "{path}%2f", "{path}%20", "/%76%31/..{path}",
    "\\{path}", "{path}\\", "http://livez{path}", "http://x/livez/..{path}", "https://x@livez{path}", "/metrics/..{path}",
    "/openai/deployments/gpt-4o/..{path}", "/openai/deployments/livez{path}", "/admin/..{path}",
]  # fmt: skip
ALLOWED = {400, 401, 404, 405}


@pytest.mark.parametrize("method", ROUTES)
def test_without_a_key_nothing_is_served_by_any_spelling_of_the_path(method: str) -> None:
    body = json.dumps({**ASK, "input": "x", "prompt": "x"}).encode() if method == "POST" else b""
    asks = [(host, "{path}") for host in HOSTS] + [("x", path) for path in PATHS]

    async def scene() -> None:
        async with serving(client_keys=[SECRET]) as running:
            for route in ROUTES[method]:
                for host, path in asks:
                    target = path.format(path=route)
                    async with line(running.url) as caller:
                        head = f"{method} {target} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n\r\n"
                        await caller.send(head.encode() + body)
                        answer = await caller.answer()
                        assert answer is not None, (host, target)
                        if answer.status != 200 or method == "POST":
                            assert answer.status in ALLOWED, (host, target, answer.body)
                            assert answer.error["type"] == "invalid_request_error"
                        else:  # a health path, which reveals nothing
                            assert json.loads(answer.body) == {"status": "ok"}, (host, target)
            assert running.lines == [] or all(ending["attempts"] == 0 for ending in running.lines)

    run(scene())


LONG = 60_000
PREFIXED = {
    "/v1": "/v1" * (LONG // 3),
    "/v1/": "/v1/" * (LONG // 4),
    "/openai": "/openai" * (LONG // 7),
    "/openai/v1": "/openai/v1" * (LONG // 10),
    "/v1 and a name": "/v1" * (LONG // 3 - 2) + "/x",
    "slashes": "/" * LONG,
    "deployments": "/openai/deployments/" + "/audio/a" * (LONG // 8),
}


@pytest.mark.parametrize("what", PREFIXED)
def test_a_long_path_of_prefixes_is_refused_without_a_look_at_each(what: str) -> None:
    path = PREFIXED[what]

    async def scene() -> None:
        async with serving() as running, line(running.url) as caller:
            await caller.send(f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{{}}".encode())
            answer = await caller.answer()
            assert answer is not None
            assert answer.status in (400, 404, 405), answer.body

    run(scene())
    assert calls_made_by(lambda: normalize_path(path)) < 30  # one prefix at a time: three calls for each
