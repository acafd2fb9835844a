"""A log that can't be written stops nothing: real processes whose pipes are full, closed, broken or never read."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pytest

from tests.project.pages.terminal import free_port
from tests.proxy.lifecycle.test_processes import KEYLESS, ROOT
from tests.proxy.observability.test_log_writer import fill

BODY = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]})
SERVE = ["-m", "proxy", "serve", "--emulate"]
SMALL_QUEUE = """
import sys
from proxy.cli import main
from proxy.observability import access_log, log_writer

access_log.FLUSH_S = 0  # a write holds few lines
log_writer.MAX_BYTES = 32_768
sys.argv = ["banjia", "serve", "--emulate"]
main()
"""
DROPPED = "banjia_log_lines_dropped_total"


@dataclass
class Server:
    """A process that serves emulated answers."""

    process: subprocess.Popen[bytes]
    port: int
    admin: int
    file: Path

    def get(self, path: str, *, admin: bool = False) -> bytes:
        """Return the body of a GET. Raises OSError, also without a response within ten seconds."""
        url = f"http://127.0.0.1:{self.admin if admin else self.port}{path}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return bytes(answer.read())

    def call(self, times: int) -> None:
        """Send successful calls in sequence on one connection."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        for _ in range(times):
            connection.request("POST", "/v1/chat/completions", BODY, {"content-type": "application/json"})
            with connection.getresponse() as answer:
                assert answer.status == 200
                answer.read()
        connection.close()

    def figure(self, name: str) -> float:
        """A figure of the metrics."""
        for line in self.get("/metrics", admin=True).decode().splitlines():
            if line.startswith(f"{name} "):
                return float(line.split()[1])
        raise AssertionError(name)

    def dropped(self) -> dict[str, float]:
        """The lines dropped of each stream."""
        return {name: self.figure(f'{DROPPED}{{stream="{name}"}}') for name in ("stdout", "stderr")}

    def until(self, true: Callable[[], bool]) -> None:
        """Wait until something holds."""
        for _ in range(1500):
            if true():
                return
            assert self.process.poll() is None
            time.sleep(0.02)
        raise AssertionError(true)

    def up(self) -> bool:
        """Whether it answers."""
        with suppress(OSError):
            return self.get("/livez") is not None and self.get("/livez", admin=True) is not None
        return False

    def reloads(self, how: Callable[[], None]) -> None:
        """A reload that succeeds after ``how``."""
        before = self.figure("banjia_config_reload_timestamp_seconds")
        how()
        self.until(lambda: self.figure("banjia_config_reload_timestamp_seconds") > before)

    def stop(self) -> int:
        """The exit code after SIGTERM. Raises TimeoutExpired if there is none in ten seconds."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(10)


@contextmanager
def serving(
    tmp_path: Path,
    stdout: int | IO[Any],
    stderr: int | IO[Any],
    command: Sequence[str] = SERVE,
    before: Sequence[str] = (),
    **server: Any,
) -> Iterator[Server]:
    """A server with these streams, once it answers; it is killed at the end of the block if it still runs."""
    file = tmp_path / "banjia.yaml"
    port, admin = free_port(), free_port()
    listening = {"listen": f"127.0.0.1:{port}", "admin_listen": f"127.0.0.1:{admin}", "drain_delay_s": 0, "grace_s": 1}
    file.write_text(json.dumps({"server": {**listening, **server}, "vendors": {"kimi": {}}}))
    process = subprocess.Popen(
        [*before, sys.executable, *command], stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr,
        env={**KEYLESS, "PYTHONPATH": str(ROOT), "BANJIA_CONFIG": str(file)}, cwd="/",
    )  # fmt: skip
    try:
        served = Server(process, port, admin, file)
        served.until(served.up)
        yield served
    finally:
        process.kill()
        process.wait()


@contextmanager
def full_pipe() -> Iterator[tuple[int, int, int]]:
    """Reader, writer and the bytes in between: as many as fit."""
    reader, writer = os.pipe()
    try:
        yield reader, writer, fill(writer)
    finally:
        for end in (reader, writer):
            with suppress(OSError):
                os.close(end)


@pytest.mark.parametrize("stuck", ["stdout", "stderr", "both"])
def test_pipes_that_are_never_read_stop_no_call_no_probe_no_reload_and_no_signal(tmp_path: Path, stuck: str) -> None:
    with full_pipe() as (_, pipe, _):
        out, err = (pipe if stuck in (name, "both") else subprocess.DEVNULL for name in ("stdout", "stderr"))
        with serving(tmp_path, out, err) as served:
            served.call(2000 if stuck == "both" else 500)
            served.reloads(lambda: served.process.send_signal(signal.SIGHUP))
            served.reloads(lambda: served.file.touch())
            assert served.get("/livez")
            assert served.stop() == 0


def test_a_second_signal_ends_a_process_whose_pipes_are_stuck(tmp_path: Path) -> None:
    with full_pipe() as (_, pipe, _), serving(tmp_path, pipe, pipe, drain_delay_s=60, grace_s=60) as served:
        served.call(20)
        served.process.send_signal(signal.SIGTERM)
        served.until(lambda: served.figure("banjia_draining") == 1)
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(10) == 1


def test_a_pipe_that_is_read_again_gets_the_lines_and_how_many_are_missing(tmp_path: Path) -> None:
    with (
        full_pipe() as (reader, pipe, filled),
        serving(tmp_path, pipe, subprocess.DEVNULL, ["-c", SMALL_QUEUE]) as served,
    ):
        os.close(pipe)
        served.call(300)
        served.until(lambda: served.dropped()["stdout"] > 0)
        with os.fdopen(os.dup(reader), "rb") as file:
            assert len(file.read(filled)) == filled
            threading.Timer(1, served.call, [1]).start()
            seen = dropped = 0
            while seen + dropped < 301:
                line = json.loads(file.readline())
                dropped += line.get("log_lines_dropped", 0)
                seen += line.get("ending") == "complete"
        assert seen > 20
        assert dropped == served.dropped()["stdout"] > 100
        assert served.stop() == 0


@pytest.mark.parametrize("full", ["stdout", "stderr", "both"])
def test_a_full_device_stops_nothing_and_what_is_lost_is_counted(tmp_path: Path, full: str) -> None:
    with Path("/dev/full").open("wb") as device:
        out, err = (device if full in (name, "both") else subprocess.DEVNULL for name in ("stdout", "stderr"))
        with serving(tmp_path, out, err) as served:
            served.call(200)
            served.reloads(lambda: served.file.touch())
            served.reloads(lambda: served.file.touch())  # the watcher has outlived its own notice
            dropped = served.dropped()
            assert [name for name in ("stdout", "stderr") if dropped[name]] == [
                name for name in ("stdout", "stderr") if full in (name, "both")
            ]
            assert served.stop() == 0


@pytest.mark.parametrize("closing", ["2>&-", "<&- >&- 2>&-"])
def test_closed_streams_stop_nothing_and_no_socket_gets_their_numbers(tmp_path: Path, closing: str) -> None:
    before = ["sh", "-c", f'exec "$@" {closing}', "sh"]
    with serving(tmp_path, subprocess.DEVNULL, subprocess.DEVNULL, before=before) as served:
        served.call(50)
        served.reloads(lambda: served.file.touch())
        assert {str(Path(f"/proc/{served.process.pid}/fd/{fd}").readlink()) for fd in range(3)} == {"/dev/null"}
        assert served.stop() == 0


def test_a_reader_that_leaves_stops_nothing(tmp_path: Path) -> None:
    """``banjia serve 2>&1 | head -1``."""
    reader, writer = os.pipe()
    with serving(tmp_path, writer, writer) as served:
        os.close(writer)
        os.close(reader)
        served.call(200)
        served.reloads(lambda: served.file.touch())
        served.until(lambda: served.dropped()["stdout"] >= 200)
        assert served.stop() == 0


def test_at_an_orderly_end_a_reader_has_every_line_whole_also_where_both_streams_are_one_pipe(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    lines: list[bytes] = []

    def read() -> None:
        with os.fdopen(reader, "rb") as file:
            lines.extend(file)

    reading = threading.Thread(target=read)
    with serving(tmp_path, writer, writer) as served:
        os.close(writer)
        reading.start()
        for _ in range(5):
            served.call(100)
            served.reloads(lambda: served.process.send_signal(signal.SIGHUP))
        assert served.stop() == 0
    reading.join(10)
    assert sum(json.loads(line)["ending"] == "complete" for line in lines if line.startswith(b"{")) == 500
    assert sum(line.startswith(b"reload applied") for line in lines) == 5
    assert all(line.endswith(b"\n") for line in lines)


def test_a_start_that_fails_prints_the_reason_if_it_can_and_exits_in_any_case(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "proxy", "serve", "-c", str(tmp_path / "none.yaml")]
    env = {**KEYLESS, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(command, env=env, capture_output=True, timeout=30, check=False)
    assert (ended.returncode, b"cannot read" in ended.stderr) == (2, True)
    with full_pipe() as (_, pipe, _):
        assert subprocess.run(command, env=env, stdout=pipe, stderr=pipe, timeout=30, check=False).returncode == 2
    with Path("/dev/full").open("wb") as full:
        assert subprocess.run(command, env=env, stdout=full, stderr=full, timeout=30, check=False).returncode == 2


BROKEN = """
import sys
import proxy.lifecycle.run as run
from proxy.cli import main

def broken(*args):
    raise RuntimeError("a bug")

run.run = broken
sys.argv = ["banjia", "serve", "--emulate"]
main()
"""


def test_a_crash_prints_its_traceback_or_ends_without() -> None:
    command, env = [sys.executable, "-c", BROKEN], {**KEYLESS, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(command, env=env, capture_output=True, timeout=30, check=False)
    assert (ended.returncode, ended.stderr.splitlines()[-1]) == (1, b"RuntimeError: a bug")
    with full_pipe() as (_, pipe, _):
        assert subprocess.run(command, env=env, stdout=pipe, stderr=pipe, timeout=30, check=False).returncode == 1


PRINTS = """
import logging, sys, threading, traceback, warnings
import click, uvicorn
from proxy.observability import log_writer

log_writer.DRAIN_S = float(sys.argv[1])
log_writer.MAX_WRITES = 100_000  # the loop below never waits, so that the writer's thread seldom has a turn
log_writer.install_log_streams(access_lines=True)
uvicorn.Config(lambda: None, log_level="info")

class Broken:
    def __del__(self):
        raise ValueError("finalizer")

def fails():
    raise ValueError("thread")

for n in range(2000):
    logging.getLogger("banjia").error("logged %d", n)
    logging.getLogger("uvicorn.error").error("served %d", n)
    logging.getLogger("uvicorn.access").info('%s - "%s %s HTTP/%s" %d', "a", "GET", "/", "1.1", 200)
    click.echo("told", err=True)
    print("printed", flush=True)
    warnings.warn(f"warned {n}")
    Broken()
thread = threading.Thread(target=fails)
thread.start()
thread.join()
"""
"""All ways to print, more of each than a pipe holds."""


def test_whatever_prints_goes_through_the_queues() -> None:
    command, env = [sys.executable, "-c", PRINTS], {**KEYLESS, "PYTHONPATH": str(ROOT)}
    with full_pipe() as (_, pipe, _):
        run = subprocess.run([*command, "0.5"], env=env, stdout=pipe, stderr=pipe, timeout=40, check=False)
        assert run.returncode == 0
    ended = subprocess.run([*command, "30"], env=env, capture_output=True, timeout=40, check=True)
    for text in (b"logged 1999", b"served 1999", b"told", b"warned 1999", b"finalizer", b"ValueError: thread"):
        assert text in ended.stderr, text
    assert ended.stdout.count(b"printed") == 2000
    assert ended.stdout.count(b"GET / HTTP/1.1") == 2000
