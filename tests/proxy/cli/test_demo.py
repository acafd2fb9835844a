"""``demo`` keeps its state in a temporary SQLite file, which it removes at every end that it can notice."""

import http.client
import json
import signal
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from config.schema import Settings
from proxy.cli.demo import state_with_temporary_store
from tests.proxy.lifecycle.test_processes import lines_until, running

SLOW = "emulator:words=600, emulator:gap=100"


def folders(tmp_path: Path) -> list[Path]:
    return list(tmp_path.glob("banjia-demo-*"))


@contextmanager
def asked(url: str, path: str, **body: object) -> Iterator[http.client.HTTPResponse]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    with closing(connection):
        connection.request("POST", urlsplit(url).path + path, json.dumps(body), {"content-type": "application/json"})
        with connection.getresponse() as answer:
            yield answer


def accepts(url: str) -> bool:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    with closing(connection):
        try:
            connection.request("GET", "/livez")
            return connection.getresponse().status == 200
        except OSError:
            return False


HANGUP = pytest.param(
    signal.SIGHUP,
    marks=pytest.mark.skipif(signal.getsignal(signal.SIGHUP) == signal.SIG_IGN, reason="the tests run under nohup"),
)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, HANGUP])
def test_the_store_is_a_file_of_its_owner_until_a_signal_ends_the_demo(number: int, tmp_path: Path) -> None:
    with running("demo", "--port", "0", env={"TMPDIR": str(tmp_path)}) as process:
        url = next(x for x in lines_until(process, "Serving") if x.startswith("OPENAI_BASE_URL=")).partition("=")[2]
        with asked(url, "/responses", model="gpt-4o", input="hi") as answer:
            stored = json.load(answer)
        [folder] = folders(tmp_path)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert {"banjia.db", "secret"} <= {path.name for path in folder.iterdir()}
        with asked(url, "/responses", model="gpt-4o", input="go on", previous_response_id=stored["id"]) as answer:
            assert answer.status == 200
        process.send_signal(number)
        assert process.wait(30) == 0
    assert folders(tmp_path) == []


def test_a_second_signal_removes_the_file_too(tmp_path: Path) -> None:
    with running("demo", "--port", "0", env={"TMPDIR": str(tmp_path)}, ends_with=1) as process:
        url = next(x for x in lines_until(process, "Serving") if x.startswith("OPENAI_BASE_URL=")).partition("=")[2]
        body = {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": SLOW}]}
        with asked(url, "/chat/completions", **body) as stream:
            assert stream.readline().startswith(b"data: ")
            process.send_signal(signal.SIGINT)
            while accepts(url):
                time.sleep(0.01)
            assert len(folders(tmp_path)) == 1
            process.send_signal(signal.SIGINT)
            process.wait(30)
    assert folders(tmp_path) == []


def test_without_a_directory_for_temporary_files_the_store_is_in_memory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with state_with_temporary_store(Settings()) as state:
        assert not state.store.is_durable
        assert state.snapshot.settings.store.url == "memory"


def test_a_directory_that_cannot_hold_the_file_is_removed_and_the_store_is_in_memory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr("proxy.storage.sqlite.connection.file_system", lambda path: "nfs4")
    with state_with_temporary_store(Settings()) as state:
        assert not state.store.is_durable
    assert folders(tmp_path) == []
