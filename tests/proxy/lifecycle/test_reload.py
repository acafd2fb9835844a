"""The configuration is reloaded while requests run: a valid one applies, an invalid one changes nothing."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest

import emulators
from config.diff import keep_fixed_settings
from config.loader.load import load, sources
from config.schema import Settings
from proxy.lifecycle.emulation import emulated
from proxy.lifecycle.file_watcher import being_written, links, read_state, read_states
from proxy.lifecycle.reload import ConfigReader, reload_on_change
from tests.proxy.attempts.test_disconnects import SSE_HEAD, piece
from tests.proxy.lifecycle.test_processes import lines_until, running
from tests.proxy.play import DONE, chunk, whole
from tests.support.harness import Running, proxy, vendor

ASK = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
SECRET = "sk-old-00000000000000000001"


def vendor_that_answers(word: str) -> Any:
    """A vendor that answers one word."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        data = whole(word).content
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(data) + data
        )

    return answer


def text(base_url: str, key: str = SECRET, **server: Any) -> str:
    """A configuration file with one vendor."""
    entry = {"kind": "kimi", "api_key": key, "base_url": base_url}
    data = {"version": 1, "server": server, "vendors": {"office": entry}, "models": {"gpt-4o": "office/kimi-k2.6"}}
    return json.dumps(data, indent=1)


@dataclass
class Site:
    """A proxy that follows a file, and its lines for the operator."""

    running: Running
    client: httpx2.AsyncClient
    lines: list[str] = field(default_factory=list)

    async def word(self) -> str:
        """Return the vendor's answer to a new request."""
        answer = await self.client.post(f"{self.running.url}/v1/chat/completions", json=ASK)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["choices"][0]["message"]["content"])

    async def logged(self, beginning: str, within_s: float = 20.0) -> str:
        """Wait for the first line with this start and return it."""
        async with asyncio.timeout(within_s):
            while True:
                for line in self.lines:
                    if line.startswith(beginning):
                        return line
                await asyncio.sleep(0.01)


@asynccontextmanager
async def following(path: Path, *, watched: bool = True) -> AsyncIterator[Site]:
    """A proxy with the file's configuration; ``watched``: it watches the file."""
    async with AsyncExitStack() as stack:
        loaded = load(path, {})
        served = await stack.enter_async_context(proxy(loaded.settings))
        site = Site(served, await stack.enter_async_context(httpx2.AsyncClient(trust_env=False)))
        served.state.load_config = again = ConfigReader(path, {}, None, loaded.warnings, site.lines.append)
        served.state.notify = site.lines.append
        if watched:
            await stack.enter_async_context(reload_on_change(served.state, again, read_states(again.files())))
            await asyncio.sleep(0.1)  # the watch is set in a thread
        yield site


async def reloads_under_load(file: Path, reloads: int) -> int:
    """Swap the vendor this often while eight clients send requests. Returns the number of responses.

    Each configuration serves at least two requests before the next one comes.
    """
    async with vendor(vendor_that_answers("one")) as one, vendor(vendor_that_answers("two")) as two:
        file.write_text(text(one))
        async with following(file, watched=False) as site:
            words: list[str] = []
            over = False

            async def call() -> None:
                while not over:
                    words.append(await site.word())

            callers = [asyncio.create_task(call()) for _ in range(8)]
            for turn in range(reloads):
                file.write_text(text(one if turn % 2 else two))
                assert (await site.running.state.reload()).changed == ["vendors.office.base_url"]
                enough = len(words) + 2
                while len(words) < enough:
                    await asyncio.sleep(0.002)
            over = True
            await asyncio.gather(*callers)
            assert set(words) == {"one", "two"}
            assert site.running.state.request_metrics.outcomes() == {"complete": len(words)}
            assert len(site.lines) == reloads
            return len(words)


def test_a_hundred_reloads_under_load_fail_no_request(tmp_path: Path) -> None:
    """Each swaps the vendor while requests continue."""
    assert asyncio.run(reloads_under_load(tmp_path / "banjia.yaml", 100)) >= 200


def in_place(file: Path, content: str) -> None:
    file.write_text(content)


def renamed_over(file: Path, content: str) -> None:
    """As vim, VS Code and most deployment tools do."""
    other = file.with_name(".banjia.yaml.swp")
    other.write_text(content)
    other.replace(file)


def deleted_and_created_again(file: Path, content: str) -> None:
    file.unlink()
    file.write_text(content)


def swapped_behind_a_link(file: Path, content: str) -> None:
    """As Kubernetes does with a ConfigMap: banjia.yaml -> ..data/banjia.yaml, ..data -> ..<time>/."""
    folder = file.parent
    new = folder / f"..{uuid4()}"
    new.mkdir()
    (new / file.name).write_text(content)
    (folder / "..data_tmp").symlink_to(new.name)
    (folder / "..data_tmp").replace(folder / "..data")
    if not file.is_symlink():
        file.unlink()
        file.symlink_to(f"..data/{file.name}")


WAYS = [in_place, renamed_over, deleted_and_created_again, swapped_behind_a_link]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_change_is_noticed_however_it_is_made(way: Callable[[Path, str], None], tmp_path: Path) -> None:
    file = tmp_path / "banjia.yaml"

    async def scene() -> None:
        async with vendor(vendor_that_answers("one")) as one, vendor(vendor_that_answers("two")) as two:
            file.write_text(text(one))
            if way is swapped_behind_a_link:
                way(file, text(one))
            async with following(file) as site:
                for word, url in (("two", two), ("one", one)):  # twice: the watch must outlive the first
                    site.lines.clear()
                    way(file, text(url))
                    assert "vendors.office.base_url changed" in await site.logged("reload applied")
                    assert await site.word() == word
                assert len(site.lines) == 1

    asyncio.run(scene())


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("what", ["catalog", "secret"])
def test_a_change_of_a_file_that_the_configuration_names_is_noticed_alone(
    what: str, way: Callable[[Path, str], None], tmp_path: Path
) -> None:
    """The files of a catalog and of a secret, in a separate folder."""
    folder = tmp_path / "apart"
    folder.mkdir()
    named = {"catalog": folder / "own.yaml", "secret": folder / "key"}
    contents = {
        "catalog": [f"models: [{{id: kimi-k9, context: {size}}}]\n" for size in (1, 2, 3)],
        "secret": [f"sk-number-{turn}-0000000000\n" for turn in (1, 2, 3)],
    }
    keys = {"catalog": "vendors.kimi.catalog.models", "secret": "vendors.kimi.api_key"}

    async def scene() -> None:
        file = tmp_path / "banjia.yaml"
        file.write_text("vendors: {kimi: {api_key: 'file:./apart/key', catalog: apart/own.yaml}}\n")
        for each, path in named.items():
            path.write_text(contents[each][0])
        if way is swapped_behind_a_link:
            way(named[what], contents[what][0])
        async with following(file) as site:
            for content in contents[what][1:]:
                site.lines.clear()
                way(named[what], content)
                assert await site.logged("reload") == f"reload applied from {file}: {keys[what]} changed"
            assert len(site.lines) == 1

    asyncio.run(scene())


def test_the_files_that_are_followed_are_those_that_the_configuration_names_now(tmp_path: Path) -> None:
    """A missing file is reported, and used when it appears; a file that is no longer named is ignored."""
    file, old, new = tmp_path / "banjia.yaml", tmp_path / "old.yaml", tmp_path / "new.yaml"

    async def scene() -> None:
        old.write_text("models: [{id: kimi-k9, context: 1}]\n")
        file.write_text("vendors: {kimi: {api_key: k, catalog: old.yaml}}\n")
        async with following(file) as site:
            file.write_text("vendors: {kimi: {api_key: k, catalog: new.yaml}}\n")
            assert "cannot read the file new.yaml" in await site.logged("reload refused")
            new.write_text("models: [{id: kimi-k9, context: 2}]\n")
            await site.logged("reload applied")
            site.lines.clear()
            new.write_text("models: [{id: kimi-k9, contxt: 2}]\n")
            assert f"{new}:1:24: " in await site.logged("reload refused")
            new.write_text("models: [{id: kimi-k9, context: 3}]\n")
            await site.logged("reload applied")
            site.lines.clear()
            old.unlink()
            await asyncio.sleep(0.2)
            assert site.lines == []
            new.unlink()
            assert "cannot read the file new.yaml" in await site.logged("reload refused")

    asyncio.run(scene())


def test_the_files_of_a_configuration_are_known_also_where_they_are_not_there(tmp_path: Path) -> None:
    file = tmp_path / "banjia.yaml"
    file.write_text(
        "server: {client_keys: ['file:/nowhere/client']}\n"
        "vendors: {kimi: {api_keys: ['file:${WHERE}', k], catalog: own.yaml}, qwen: {api_key: k, catalog: {}}}\n"
    )
    environ = {"WHERE": "./key", "BANJIA_VENDORS__QWEN__API_KEY": "file:/nowhere/qwen"}
    named = [tmp_path / "own.yaml", Path("/nowhere/client"), tmp_path / "key"]
    assert sources(file, environ) == [file, *named]
    file.write_text("vendors: [")
    assert sources(file, environ) == [file]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells whether a file is being written")
def test_a_file_that_is_half_written_is_not_read(tmp_path: Path) -> None:
    """The first half is a valid configuration, and its writer pauses."""
    file = tmp_path / "banjia.yaml"

    async def scene() -> None:
        async with vendor(vendor_that_answers("one")) as one, vendor(vendor_that_answers("two")) as two:
            file.write_text(text(one))
            async with following(file) as site:
                with file.open("w") as handle:
                    handle.write(text(two))
                    handle.flush()
                    assert being_written(file)
                    await asyncio.sleep(0.2)
                    reloaded = await site.running.state.reload()  # as SIGHUP would: it can't wait, so it refuses
                    assert "the file is being written" in reloaded.diagnostics[0]
                    await asyncio.sleep(0.2)
                    assert await site.word() == "one"
                    assert len(site.lines) == 1  # the watcher, which can wait, has logged nothing
                    handle.write("\n")
                assert not being_written(file)
                await site.logged("reload applied")
                assert await site.word() == "two"

    asyncio.run(scene())


def test_a_broken_file_leaves_the_old_one_serving_and_names_the_place(tmp_path: Path) -> None:
    file = tmp_path / "banjia.yaml"

    async def scene() -> None:
        async with vendor(vendor_that_answers("one")) as one:
            file.write_text(text(one))
            async with following(file) as site:
                file.write_text(text(one).replace('"api_key"', '"api_kee"'))
                line = await site.logged("reload refused, the current configuration stays in use")
                assert f"{file}:" in line
                assert "vendors.office.api_kee" in line
                assert "did you mean 'api_key'" in line
                assert SECRET not in line
                assert await site.word() == "one"
                file.write_text(text(one) + "]")
                async with asyncio.timeout(20):
                    while len(site.lines) < 2:
                        await asyncio.sleep(0.01)
                assert await site.word() == "one"
                assert len(site.lines) == 2

    asyncio.run(scene())


def test_a_stream_ends_on_the_vendor_that_it_began_on(tmp_path: Path) -> None:
    file = tmp_path / "banjia.yaml"

    async def scene() -> None:
        go_on = asyncio.Event()

        async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
            writer.write(SSE_HEAD + piece(chunk({"role": "assistant", "content": "one "})))
            await go_on.wait()
            writer.write(piece(chunk({"content": "one"}) + chunk({}, "stop") + DONE) + b"0\r\n\r\n")

        async with vendor(slow) as one, vendor(vendor_that_answers("two")) as two:
            file.write_text(text(one))
            async with following(file, watched=False) as site:
                url = f"{site.running.url}/v1/chat/completions"
                async with site.client.stream("POST", url, json={**ASK, "stream": True}) as answer:
                    lines = answer.aiter_lines()
                    while "one " not in await anext(lines):
                        pass
                    file.write_text(text(two, "sk-new-00000000000000000002"))
                    assert (await site.running.state.reload()).word == "applied"
                    assert await site.word() == "two"
                    assert site.running.state.redact(f"{SECRET} sk-new-00000000000000000002") == "[redacted] [redacted]"
                    go_on.set()
                    rest = [line async for line in lines]
                    assert rest[-2] == "data: [DONE]"
                    assert any('"content":"one"' in line or '"content": "one"' in line for line in rest)
                await site.running.settled(2)
                assert site.running.state.redact(SECRET) == SECRET  # it is no longer in use

    asyncio.run(scene())


def test_settings_that_need_a_restart_stay_and_are_reported(tmp_path: Path) -> None:
    file = tmp_path / "banjia.yaml"

    async def scene() -> None:
        async with vendor(vendor_that_answers("one")) as one:
            file.write_text(text(one))
            async with following(file, watched=False) as site:
                before = site.running.state.snapshot.settings.server
                file.write_text(text(one, listen="127.0.0.1:9999", transport="httpx", max_concurrency=7, heartbeat_s=3))
                reloaded = await site.running.state.reload()
                assert reloaded.changed == ["server.heartbeat_s"]
                assert reloaded.restart == ["server.listen", "server.transport", "server.max_concurrency"]
                assert "warning: a restart is needed for server.listen, " in site.lines[-1]
                after = site.running.state.snapshot.settings.server
                assert after == before.model_copy(update={"heartbeat_s": 3})

    asyncio.run(scene())


def test_no_key_of_the_store_changes_without_a_restart(tmp_path: Path) -> None:
    before = Settings()
    after = Settings.model_validate(
        {"store": {"url": f"sqlite:{tmp_path}/s.db", "secret": "s" * 32, "responses_days": 1}}
    )
    kept, restart = keep_fixed_settings(before, after, "banjia.yaml")
    assert kept.store == before.store
    assert restart == ["store.url", "store.secret", "store.responses_days"]
    assert list(tmp_path.iterdir()) == []


def test_a_catalog_override_is_read_with_the_configuration_and_an_invalid_one_keeps_the_old(tmp_path: Path) -> None:
    file, own = tmp_path / "banjia.yaml", tmp_path / "own.yaml"

    async def scene() -> None:
        file.write_text("vendors: {kimi: {api_key: k, catalog: own.yaml}}\n")
        own.write_text("models: [{id: kimi-k9}]\nstand_ins: {gpt-4o: {model: kimi-k9}}\n")
        async with following(file, watched=False) as site:

            def answers() -> str:
                (target,) = site.running.state.snapshot.routing.find("gpt-4o", "chat").targets
                return target.label

            assert answers() == "kimi/kimi-k9"
            own.write_text("models: [{id: kimi-k9, contxt: 1}]\n")
            refused = await site.running.state.reload()
            assert refused.word == "refused"
            assert refused.diagnostics[0].startswith(f"{own}:1:24: vendors.kimi.catalog.models[0].contxt: unknown key")
            assert answers() == "kimi/kimi-k9"
            own.write_text("stand_ins: {gpt-4o: {model: kimi-k3}}\n")
            assert (await site.running.state.reload()).changed == [
                "vendors.kimi.catalog.models",
                "vendors.kimi.catalog.stand_ins.gpt-4o.model",
            ]
            assert answers() == "kimi/kimi-k3"

    asyncio.run(scene())


def test_a_reload_allows_no_access_that_would_need_a_key(tmp_path: Path) -> None:
    """The new file is valid by itself: it listens on loopback. But that would need a restart."""
    file = tmp_path / "banjia.yaml"

    async def scene() -> None:
        file.write_text(text("http://127.0.0.1:9/v1", listen="0.0.0.0:8080", client_keys=["sk-client-0000000001"]))
        async with following(file, watched=False) as site:
            file.write_text(text("http://127.0.0.1:9/v1", listen="127.0.0.1:8080"))
            reloaded = await site.running.state.reload()
            assert reloaded.word == "refused"
            assert "server.client_keys" in reloaded.diagnostics[0]
            assert site.running.state.snapshot.client_keys.needed

    asyncio.run(scene())


def test_a_reload_opens_no_admin_port_that_would_need_a_token(tmp_path: Path) -> None:
    file = tmp_path / "banjia.yaml"
    tokens = ["a-token-of-sixteen-letters", "another-token-of-sixteen"]

    async def scene() -> None:
        file.write_text(text("http://127.0.0.1:9/v1", admin_listen="0.0.0.0:8081", admin_token=tokens[0]))
        async with following(file, watched=False) as site:
            for listen in ("127.0.0.1:8081", "off"):
                file.write_text(text("http://127.0.0.1:9/v1", admin_listen=listen))
                reloaded = await site.running.state.reload()
                assert reloaded.word == "refused"
                assert "server.admin_token" in reloaded.diagnostics[0]
                assert site.running.state.snapshot.admin_tokens.knows(tokens[0])
            file.write_text(text("http://127.0.0.1:9/v1", admin_listen="0.0.0.0:8081", admin_token=tokens[1]))
            assert (await site.running.state.reload()).changed == ["server.admin_token"]
            snapshot = site.running.state.snapshot
            assert [snapshot.admin_tokens.knows(token) for token in tokens] == [False, True]

    asyncio.run(scene())


def test_client_keys_change_with_the_next_request(tmp_path: Path) -> None:
    file = tmp_path / "banjia.yaml"

    async def scene() -> None:
        async with vendor(vendor_that_answers("one")) as one:
            file.write_text(text(one))
            async with following(file, watched=False) as site:
                assert await site.word() == "one"
                file.write_text(text(one, client_keys=["sk-client-0000000001"]))
                assert (await site.running.state.reload()).changed == ["server.client_keys"]
                assert "sk-client" not in site.lines[-1]
                url = f"{site.running.url}/v1/chat/completions"
                assert (await site.client.post(url, json=ASK)).status_code == 401

    asyncio.run(scene())


def test_a_key_stays_in_cooldown_at_the_same_address_and_only_there(tmp_path: Path) -> None:
    """A key refused in one region may work in another: this is the fix, and must apply at once."""
    file = tmp_path / "banjia.yaml"
    entry = {"kind": "kimi", "api_keys": ["sk-a-000000000000001", "sk-b-000000000000001"]}

    def write(**more: Any) -> None:
        file.write_text(
            json.dumps({"vendors": {"office": {**entry, **more}}, "models": {"gpt-4o": "office/kimi-k2.6"}})
        )

    async def scene() -> None:
        write()
        async with following(file, watched=False) as site:
            state = site.running.state
            state.snapshot.accounts["office"].keys[0].cools_until = time.monotonic() + 60
            write(timeouts={"connect_s": 1})
            await state.reload()
            assert state.snapshot.accounts["office"].times[False, True].connect_s == 1
            assert [key.cools_until > time.monotonic() for key in state.snapshot.accounts["office"].keys] == [
                True,
                False,
            ]
            write(region="intl")
            await state.reload()
            assert [key.cools_until for key in state.snapshot.accounts["office"].keys] == [0.0, 0.0]

    asyncio.run(scene())


def test_a_secret_in_its_own_file_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "banjia.yaml"
    secret = tmp_path / "key"

    async def scene() -> None:
        secret.write_text("sk-first-000000000001\n")
        file.write_text(text("http://127.0.0.1:9/v1", f"file:{secret}"))
        async with following(file, watched=False) as site:
            secret.write_text("sk-second-00000000001\n")
            assert (await site.running.state.reload()).changed == ["vendors.office.api_key"]
            assert (
                site.running.state.snapshot.accounts["office"].keys[0].secret.get_secret_value()
                == "sk-second-00000000001"
            )
            assert "sk-" not in site.lines[-1]

    asyncio.run(scene())


def test_a_new_warning_is_reported_once(tmp_path: Path) -> None:
    file = tmp_path / "banjia.yaml"

    async def scene() -> None:
        file.write_text(text("http://127.0.0.1:9/v1", "none-of-your-business"))
        async with following(file, watched=False) as site:
            file.write_text(text("http://127.0.0.1:9/v1"))
            for _ in range(2):
                await site.running.state.reload()
            assert sum(line.startswith("warning: ") for line in site.lines) == 1

    asyncio.run(scene())


def test_a_reload_keeps_the_emulators_instead_of_the_vendors(tmp_path: Path) -> None:
    """A vendor whose emulator does not run is refused: the real one must never be called."""
    file = tmp_path / "banjia.yaml"
    known = {name: partial(emulators.start, name, environ={}) for name in ("kimi", "qwen")}

    def write(*names: str, **kinds: str) -> None:
        entries = {**{name: {"api_key": SECRET} for name in names}, **{n: {"kind": k} for n, k in kinds.items()}}
        file.write_text(json.dumps({"vendors": entries}))

    async def scene() -> None:
        write("kimi")
        loaded = load(file, {}, keys_needed=False)
        async with emulated(loaded.settings, known) as stand_ins, proxy(stand_ins.apply_to(loaded.settings)) as served:
            state = served.state
            state.load_config = ConfigReader(file, {}, stand_ins, loaded.warnings, lambda line: None)
            address = state.snapshot.settings.vendors["kimi"].base_url
            assert address is not None
            assert address.startswith("http://127.0.0.1:")

            write("kimi", second="kimi")
            assert (await state.reload()).word == "applied"
            assert {entry.base_url for entry in state.snapshot.settings.vendors.values()} == {address}
            assert set(state.snapshot.settings.vendors) == {"kimi", "second"}

            write("kimi", "qwen")
            refused = await state.reload()
            assert "vendors.qwen: no emulator of this vendor was started" in refused.diagnostics[0]
            assert set(state.snapshot.settings.vendors) == {"kimi", "second"}

    asyncio.run(scene())


def test_without_a_file_there_is_nothing_to_read_again() -> None:
    async def scene() -> None:
        async with proxy(Settings()) as served:
            lines: list[str] = []
            served.state.notify = lines.append
            assert (await served.state.reload()).word == "no file"
            assert "no configuration file to reload" in lines[0]

    asyncio.run(scene())


def test_links_are_followed_from_the_file_to_the_end(tmp_path: Path) -> None:
    (tmp_path / "v1").mkdir()
    (tmp_path / "v1" / "real.yaml").write_text("")
    (tmp_path / "current").symlink_to("v1")
    (tmp_path / "banjia.yaml").symlink_to("current/real.yaml")
    (tmp_path / "circle").symlink_to("circle")
    found = links(tmp_path / "banjia.yaml")
    assert {tmp_path / name for name in ("banjia.yaml", "current", "current/real.yaml", "v1/real.yaml")} <= found
    assert read_state(tmp_path / "circle") is None
    assert links(tmp_path / "circle")


def test_a_process_reads_its_file_again_on_sighup_and_when_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "banjia.yaml"
    content = (
        'server: {listen: "127.0.0.1:0"}\nvendors:\n  kimi: {api_key: "${KEY}"}\nmodels: {gpt-4o: kimi/kimi-k2.6}\n'
    )
    file.write_text(content)
    with running("serve", "--emulate", "-c", str(file)) as process:
        lines_until(process, "connecting to vendors")
        process.send_signal(signal.SIGHUP)
        assert lines_until(process, "reload")[-1] == f"reload applied from {file}: nothing changed"
        file.write_text(content.replace("gpt-4o:", "gpt-4o-mini:"))
        changed = "models.gpt-4o, models.gpt-4o-mini changed"
        assert lines_until(process, "reload")[-1] == f"reload applied from {file}: {changed}"
        file.write_text(content.replace("models", "modles"))
        assert f"{file}:4:1: modles: " in lines_until(process, "reload refused")[-1]


def test_a_process_without_a_file_reports_that_on_sighup() -> None:
    with running("serve", "--emulate", env={"BANJIA_SERVER__LISTEN": "127.0.0.1:0"}) as process:
        lines_until(process, "connecting to vendors")
        os.kill(process.pid, signal.SIGHUP)
        assert "no configuration file" in lines_until(process, "reload")[-1]
