"""Starting, observing and controlling an emulator."""

import asyncio
import socket

import pytest

import emulators
from adapters import registry
from emulators import Emulator
from emulators.serve import serve
from tests.emulators.helpers import FACTS, Raw, chat, send, spelled, until, with_emulator

VENDORS = pytest.mark.parametrize("vendor", emulators.NAMES)


async def control(emulator: Emulator, method: str, path: str, body: object = None) -> Raw:
    return await send(emulator, body, f"//_emulator/{path}", method=method, headers={"authorization": "none"})


@VENDORS
def test_an_emulator_listens_at_once_and_prints_its_address(vendor: str) -> None:
    async def main() -> None:
        emulator = await emulators.start(vendor, environ={})
        try:
            assert emulator.name == vendor
            assert f"{emulator.base_url}/".startswith(f"http://127.0.0.1:{emulator.port}/")
            assert emulator.base_url in emulator.environment.values()
        finally:
            await emulator.aclose()

    asyncio.run(main())


def test_an_unknown_vendor_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ValueError, match=rf"did you mean 'kimi'\?.*{', '.join(emulators.NAMES)}"):
        asyncio.run(emulators.start("kimmi"))


def test_an_unknown_fault_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ValueError, match="did you mean 'rate_limit'"):
        asyncio.run(emulators.start("kimi", faults=["ratelimit"]))


def test_base_urls_and_variables_are_the_vendors_own() -> None:
    """One emulator may have several: one for each variant of its vendor."""
    for name in emulators.NAMES:
        apis = [facts for facts in FACTS.values() if facts.emulator == name]
        emulator = with_emulator(name, started)
        root = f"http://127.0.0.1:{emulator.port}"
        assert set(emulator.environment) == {
            variable for facts in apis for variable in (*facts.variables, *facts.more_variables)
        }
        assert {facts.variables[1]: root + facts.prefix for facts in apis}.items() <= emulator.environment.items()
        assert emulator.base_url == root + FACTS[name].prefix


async def started(emulator: Emulator) -> Emulator:
    return emulator


def test_every_variant_of_a_vendor_with_an_emulator_is_served_by_it() -> None:
    served = {variant.catalog: vendor.name for vendor in registry.VENDORS for variant in vendor.in_each_variant}
    known = {name: facts.emulator for name, facts in FACTS.items()}
    assert set(known.values()) == set(emulators.NAMES)
    assert {name: emulator for name, emulator in served.items() if emulator in emulators.NAMES}.items() <= known.items()


def test_hunyuan_serves_both_editions_on_one_port() -> None:
    emulator = with_emulator("hunyuan", started)
    assert list(emulator.environment) == [
        "TOKENHUB_API_KEY",
        "TOKENHUB_BASE_URL",
        "HUNYUAN_API_KEY",
        "HUNYUAN_BASE_URL",
    ]


@pytest.mark.parametrize(
    ("vendor", "variable"),
    [(name, variable) for name in emulators.NAMES for variable in (FACTS[name].variables[0], *FACTS[name].more_keys)],
)
def test_the_key_is_taken_from_the_environment_and_no_other_is_accepted(vendor: str, variable: str) -> None:
    async def main(emulator: Emulator) -> tuple[int, int]:
        right = await send(emulator, chat(vendor), headers={"authorization": "Bearer sk-mine"})
        wrong = await send(emulator, chat(vendor), headers={"authorization": "Bearer sk-other"})
        return right.status, wrong.status

    assert with_emulator(vendor, main, environ={variable: "sk-mine"}) == (200, 401)


@VENDORS
def test_received_requests_are_recorded_with_the_key_masked(vendor: str) -> None:
    async def main(emulator: Emulator) -> None:
        await send(emulator, chat(vendor, "first"))
        await send(emulator, {"model": "no-such"}, headers={"X-Mine": "yes"})
        first, second = emulator.requests
        assert (first.method, first.status, first.ending) == ("POST", 200, "whole")
        assert first.path.endswith("/chat/completions")
        assert first.body["messages"][0]["content"] == "first"
        assert first.headers["authorization"] == "***0001"
        assert first.usage is not None
        assert first.usage["total_tokens"] == first.usage["prompt_tokens"] + first.usage["completion_tokens"]
        assert second.status in (400, 401, 404)
        assert second.headers["x-mine"] == "yes"
        reported = await control(emulator, "GET", "requests")
        assert [one["status"] for one in reported.json["requests"]] == [first.status, second.status]
        assert b"sk-emulated" not in reported.body
        await control(emulator, "DELETE", "requests")
        assert emulator.requests == []

    with_emulator(vendor, main)


def test_the_log_keeps_the_last_ten_thousand() -> None:
    async def main(emulator: Emulator) -> None:
        emulator.requests.extend([emulators.ReceivedRequest("GET", "/old", {}, None)] * 10_000)
        await send(emulator, None, "/models", method="GET")
        assert len(emulator.requests) == 10_000
        assert emulator.requests[-1].path == "/v1/models"

    with_emulator("kimi", main)


def test_faults_are_set_and_listed_over_http_and_invalid_ones_change_nothing() -> None:
    async def main(emulator: Emulator) -> None:
        put = await control(emulator, "PUT", "faults", {"faults": ["rate_limit=2@1", "delay=1"]})
        assert (put.status, put.json) == (200, {"faults": ["rate_limit=2@1", "delay=1"]})
        bad = await control(emulator, "PUT", "faults", ["erorr_500"])
        assert bad.status == 400
        assert "did you mean 'error_500'" in bad.json["error"]
        assert (await control(emulator, "PUT", "faults", {"x": 1})).status == 400
        assert (await control(emulator, "GET", "faults")).json == put.json
        assert (await control(emulator, "PUT", "faults", [])).json == {"faults": []}
        assert (await control(emulator, "GET", "nothing")).status == 404
        assert emulator.requests == [], "control is no request"

    with_emulator("kimi", main)


def test_the_state_has_connections_requests_and_streams() -> None:
    async def main(emulator: Emulator) -> None:
        waiting = asyncio.create_task(send(emulator, chat("kimi", "emulator:words=3,gap=100", stream=True)))
        await until(lambda: emulator.active == 1)
        state = (await control(emulator, "GET", "state")).json
        assert (state["open_connections"], state["active"], state["streams_finished"]) == (2, 1, 0)
        await waiting
        await until(lambda: emulator.open_connections == 0)
        assert (emulator.active, emulator.streams_finished) == (0, 1)

    with_emulator("kimi", main)


def test_serve_prints_the_variables_then_ready_and_ends_at_a_signal() -> None:
    async def main() -> list[str]:
        lines: list[str] = []
        until_set = asyncio.Event()
        task = asyncio.create_task(serve(["kimi", "qwen"], 0, [], {}, lines.append, until_set))
        await until(lambda: "ready" in lines)
        until_set.set()
        await task
        return lines

    lines = asyncio.run(main())
    assert lines[-1] == "ready"
    names = ["MOONSHOT_API_KEY", "MOONSHOT_BASE_URL", "DASHSCOPE_API_KEY", "DASHSCOPE_BASE_URL"]
    assert [line.partition("=")[0] for line in lines[:-1]] == names


def neighbours() -> tuple[socket.socket, socket.socket]:
    """Reserve two consecutive free ports."""
    for _ in range(50):
        first, second = socket.create_server(("127.0.0.1", 0)), socket.socket()
        try:
            second.bind(("127.0.0.1", first.getsockname()[1] + 1))
        except OSError:
            first.close()
            second.close()
            continue
        return first, second
    raise AssertionError("no two free ports in a row")


def test_serve_takes_ports_in_a_row_and_leaves_none_open_when_one_is_taken() -> None:
    async def main() -> None:
        first, second = neighbours()
        port = first.getsockname()[1]
        first.close()
        lines: list[str] = []
        with second, pytest.raises(OSError, match="in use"):
            await serve(["kimi", "qwen"], port, [], {}, lines.append, asyncio.Event())
        assert lines == []
        stop = asyncio.Event()
        stop.set()
        await serve(["kimi", "qwen"], port, [], {}, lines.append, stop)
        assert f"MOONSHOT_BASE_URL=http://127.0.0.1:{port}/v1" in lines
        assert f"DASHSCOPE_BASE_URL=http://127.0.0.1:{port + 1}/compatible-mode/v1" in lines

    asyncio.run(main())


def test_a_client_that_disconnects_in_a_stream_is_noticed_at_once() -> None:
    async def main(emulator: Emulator) -> None:
        body = chat("kimi", "emulator:words=100,gap=50", stream=True)
        _, writer = await asyncio.open_connection(emulator.host, emulator.port)
        writer.write(spelled(emulator, body, "/chat/completions", "POST", {}))
        await until(lambda: emulator.active == 1)
        writer.close()
        await writer.wait_closed()
        await until(lambda: emulator.open_connections == 0 and emulator.active == 0)
        assert emulator.requests[0].ending == "gone"
        assert emulator.streams_finished == 0

    with_emulator("kimi", main)


def test_a_thousand_streams_run_at_once() -> None:
    async def main(emulator: Emulator) -> None:
        body = chat("kimi", "emulator:words=3", stream=True)
        emulator.set_faults(["stall_within"])
        tasks = [asyncio.create_task(send(emulator, body)) for _ in range(1000)]
        await until(lambda: emulator.active == 1000)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await until(lambda: emulator.open_connections == 0 and emulator.active == 0)
        emulator.set_faults([])
        answers = await asyncio.gather(*(send(emulator, body) for _ in range(1000)))
        assert all(answer.events[-1] == b"[DONE]" for answer in answers)
        assert emulator.streams_finished == 1000

    with_emulator("kimi", main)
