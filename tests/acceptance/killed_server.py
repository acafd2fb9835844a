"""Serves with a SQLite store in a process of its own, under load, and kills it at random moments."""

import asyncio
import random
import socket
import sqlite3
import sys
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

import emulators

CHAINS = 6
LONGEST_S = 1.0
"""A server is killed at the latest so long after it is ready (seconds)."""
CONFIG = """
server: {{listen: "127.0.0.1:{port}", admin_listen: "off"}}
vendors: {{kimi: {{api_key: "{key}", base_url: "{url}"}}}}
store: {{url: "sqlite:{path}"}}
"""
FINAL = ("completed", "failed")


@dataclass
class Seen:
    """What was seen: the responses that clients have received, and how long each server took to be ready."""

    ids: list[str] = field(default_factory=list)
    background_ids: list[str] = field(default_factory=list)
    turns: dict[str, int] = field(default_factory=dict)
    """How many turns of each conversation were confirmed."""
    ready_s: list[float] = field(default_factory=list)

    @property
    def confirmed(self) -> int:
        return len(self.ids)

    @property
    def background(self) -> int:
        return len(self.background_ids)


async def kills_under_load(folder: Path, kills: int, seed: int = 1) -> Seen:
    """Kill a server so many times, and check after each start what clients had received before."""
    vendor = await emulators.start("kimi", environ={})
    draw, seen = random.Random(seed), Seen()
    try:
        key, url = vendor.environment["MOONSHOT_API_KEY"], vendor.environment["MOONSHOT_BASE_URL"]
        config, database = folder / "banjia.yaml", folder / "banjia.db"
        port = free_port()
        config.write_text(CONFIG.format(port=port, key=key, url=url, path=database))
        for number in range(kills + 1):
            server = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "proxy", "serve", "-c", str(config),
                stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
            try:
                async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as http:
                    seen.ready_s.append(await ready(http))
                    await check(http, seen)
                    if number == kills:
                        await all_ended(http, seen.background_ids)
                        break
                    load = [asyncio.create_task(chain(http, seen)) for _ in range(CHAINS)]
                    load += [asyncio.create_task(converse(http, seen))]
                    load += [asyncio.create_task(in_background(http, seen))]
                    await asyncio.sleep(draw.uniform(0.02, LONGEST_S))
                    server.kill()
                    await asyncio.gather(*load)
            finally:
                if server.returncode is None:
                    server.kill()
                await server.wait()
            with closing(sqlite3.connect(database)) as connection:
                assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    finally:
        await vendor.aclose()
    return seen


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


async def ready(http: httpx2.AsyncClient) -> float:
    """Return after how many seconds the server is ready."""
    began = time.monotonic()
    async with asyncio.timeout(60):
        while True:
            try:
                if (await http.get("/readyz")).status_code == 200:
                    return time.monotonic() - began
            except httpx2.TransportError:
                pass
            await asyncio.sleep(0.02)


async def create(http: httpx2.AsyncClient, **fields: Any) -> dict[str, Any]:
    """Create a response. Raises TransportError once the server is killed."""
    answer = await http.post("/v1/responses", json={"model": "gpt-4o", "input": "Hello", **fields})
    assert answer.status_code == 200, answer.text
    response: dict[str, Any] = answer.json()
    return response


async def chain(http: httpx2.AsyncClient, seen: Seen) -> None:
    """Continue one response after the other until the server is killed."""
    continued: dict[str, str] = {}
    try:
        while True:
            response = await create(http, **continued)
            assert response["store"] is True
            seen.ids.append(response["id"])
            continued = {"previous_response_id": response["id"]}
    except httpx2.TransportError:
        pass


async def converse(http: httpx2.AsyncClient, seen: Seen) -> None:
    """Add one turn after the other to a conversation."""
    try:
        conversation = (await http.post("/v1/conversations", json={})).json()["id"]
        seen.turns[conversation] = 0
        while True:
            await create(http, conversation=conversation)
            seen.turns[conversation] += 1
    except httpx2.TransportError:
        pass


async def in_background(http: httpx2.AsyncClient, seen: Seen) -> None:
    try:
        while True:
            seen.background_ids.append((await create(http, background=True))["id"])
            await asyncio.sleep(0.05)
    except httpx2.TransportError:
        pass


async def check(http: httpx2.AsyncClient, seen: Seen) -> None:
    """Check that what clients received last is there, that chains continue, and that conversations have whole turns."""
    for id_ in seen.ids[-3 * CHAINS :]:
        found = await http.get(f"/v1/responses/{id_}")
        assert (found.status_code, found.json()["status"]) == (200, "completed")
    for id_ in seen.ids[-1:]:
        await create(http, previous_response_id=id_)
    for conversation, turns in list(seen.turns.items())[-1:]:
        path = f"/v1/conversations/{conversation}/items"
        items = (await http.get(path, params={"limit": 100, "order": "asc"})).json()["data"]
        assert [item["role"] for item in items] == ["user", "assistant"] * (len(items) // 2), "no turn is interleaved"
        # The last turn may have been stored without its client learning it.
        assert turns <= len(items) // 2 <= turns + 1 or len(items) == 100


async def all_ended(http: httpx2.AsyncClient, ids: list[str]) -> None:
    """Wait until these background responses have ended."""
    async with asyncio.timeout(60):
        for id_ in ids:
            while (await http.get(f"/v1/responses/{id_}")).json()["status"] not in FINAL:
                await asyncio.sleep(0.1)
