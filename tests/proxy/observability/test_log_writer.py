"""The queue of a log stream: bounded, ordered, and silent about failures except for a count."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from proxy.observability import log_writer
from proxy.observability.log_writer import LogStream, LogWriter, json_notice, text_notice

ROOT = Path(__file__).parents[3]


def fill(fd: int) -> int:
    """Fill a pipe to the last byte, as a reader that has stopped does. Returns how many bytes it took."""
    os.set_blocking(fd, False)
    filled = 0
    for piece in (b"\n" * 65_536, b"\n"):
        with suppress(BlockingIOError):
            while True:
                filled += os.write(fd, piece)
    os.set_blocking(fd, True)
    return filled


def read(fd: int, count: int) -> bytes:
    """Exactly so many bytes."""
    data = b""
    while len(data) < count:
        data += os.read(fd, count - len(data))
    return data


@contextmanager
def pipe(*, full: bool = False) -> Iterator[tuple[int, LogWriter, int]]:
    """The reader's end, a writer to the other, and how many bytes it was filled with."""
    reader, end = os.pipe()
    filled = fill(end) if full else 0
    writer = LogWriter(end, text_notice("stdout"), threading.Lock())
    try:
        yield reader, writer, filled
    finally:
        os.close(reader)  # whoever waits for it gets EPIPE
        writer.drain(30)
        os.close(end)


def test_written_lines_arrive_in_order_and_drain_waits_for_them() -> None:
    with pipe() as (reader, writer, _):
        for n in range(1000):
            writer.write(b"line %d\n" % n)
        assert writer.drain(30)
        assert os.read(reader, 100_000).splitlines() == [b"line %d" % n for n in range(1000)]
        assert writer.dropped == 0


def test_a_full_queue_drops_lines_counts_them_and_reports_the_loss_in_their_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(log_writer, "MAX_BYTES", 1000)
    with pipe(full=True) as (reader, writer, filled):
        for n in range(300):
            writer.write(b"line %03d\n" % n)  # 9 bytes: 111 of them fit
        assert writer.dropped == 189
        assert not writer.drain(0.01)
        read(reader, filled)
        reported = b"warning: 189 log lines were dropped: stdout could not be written\n"
        lines = read(reader, 111 * 9 + len(reported)).splitlines()
        assert lines == [b"line %03d" % n for n in range(111)] + [reported.rstrip()]
        assert writer.drain(30)
        writer.write(b"later\n")
        assert read(reader, 6) == b"later\n"


def test_the_number_of_writes_is_bounded_too() -> None:
    with pipe(full=True) as (_, writer, _):
        writer.write(b"taken\n")
        while writer._chunks:  # the thread takes it, and hangs
            time.sleep(0.001)
        for _ in range(log_writer.MAX_WRITES + 100):
            writer.write(b"\n")
        assert writer.dropped == 100


def test_a_queue_that_was_full_takes_nothing_before_half_of_it_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_writer, "MAX_BYTES", 1000)
    with pipe(full=True) as (reader, writer, filled):
        writer.write(b"a" * 899 + b"\n")
        writer.write(b"b" * 199 + b"\n")
        writer.write(b"c\n")  # would fit
        assert writer.dropped == 2
        read(reader, filled + 900)
        assert writer.drain(30)
        reported = b"warning: 2 log lines were dropped: stdout could not be written\n"
        assert read(reader, len(reported)) == reported


@pytest.mark.parametrize("target", ["/dev/full", "closed", "no reader"])
def test_lines_that_cannot_be_written_are_counted_and_nothing_is_raised(target: str) -> None:
    if target == "/dev/full":
        fd = os.open(target, os.O_WRONLY)
    else:
        reader, fd = os.pipe()
        os.close(reader)
    if target == "closed":
        os.close(fd)
    writer = LogWriter(fd, json_notice, threading.Lock())
    for n in range(1, 50):
        writer.write(b"line\n")
        assert writer.drain(30)
        assert writer.dropped == n
    if target != "closed":
        os.close(fd)


def test_when_a_disk_has_space_again_logging_resumes_and_the_loss_is_reported(tmp_path: Path) -> None:
    """As after a full disk: the descriptor fails, and later accepts data again."""
    fd = os.open("/dev/full", os.O_WRONLY)
    writer = LogWriter(fd, json_notice, threading.Lock())
    for _ in range(3):
        writer.write(b"one\ntwo\n")
        assert writer.drain(30)
    file = tmp_path / "log"
    os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), fd)
    writer.write(b"three\n")
    assert writer.drain(30)
    notice, line = file.read_bytes().splitlines()
    assert json.loads(notice)["log_lines_dropped"] == 6
    assert line == b"three"
    assert writer.dropped == 6
    os.close(fd)


def test_a_descriptor_that_does_not_block_is_waited_for() -> None:
    reader, end = os.pipe()
    filled = fill(end)
    os.set_blocking(end, False)
    writer = LogWriter(end, json_notice, threading.Lock())
    writer.write(b"line\n")
    assert not writer.drain(0.05)
    read(reader, filled)
    assert read(reader, 5) == b"line\n"
    assert writer.drain(30)
    os.close(end)
    os.close(reader)


def test_the_stream_takes_any_text_and_has_the_attributes_of_the_original() -> None:
    with pipe() as (reader, writer, _):
        stream = LogStream(writer, "ascii")
        assert stream.write("é \ud800 x\n") == 6
        print("printed", file=stream, flush=True)
        assert writer.drain(30)
        assert os.read(reader, 100) == b"\\xe9 \\ud800 x\nprinted\n"
        assert (stream.fileno(), stream.isatty(), stream.encoding) == (writer.fd, False, "ascii")


def test_a_finalizer_that_prints_while_its_thread_is_in_the_queue_does_not_lock_it() -> None:
    with pipe() as (reader, writer, _):
        with writer._filled:
            writer.write(b"inside\n")
        assert writer.drain(30)
        assert os.read(reader, 100) == b"inside\n"


def test_closed_standard_descriptors_become_the_null_device(tmp_path: Path) -> None:
    found = tmp_path / "found"
    code = (
        f"import os, pathlib, {log_writer.__name__} as log_writer; log_writer.fill_standard_descriptors();"
        f"pathlib.Path({str(found)!r}).write_text(' '.join(os.readlink(f'/proc/self/fd/{{n}}') for n in range(3)))"
    )
    closing = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"]
    subprocess.run([*closing, sys.executable, "-c", code], cwd=ROOT, check=True, timeout=30)
    assert found.read_text() == "/dev/null /dev/null /dev/null"
