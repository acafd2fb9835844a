"""Unreadable files stop neither calls nor signals: real processes whose configuration file is replaced."""

import json
import os
import signal
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.config.loader.test_bounds import IRREGULAR
from tests.proxy.observability.test_log_pipes import SERVE, Server, serving

HANGING = """
import sys, time
from pathlib import Path
import config.loader.included_files, proxy.app_state, proxy.lifecycle.file_watcher as file_watcher
from proxy.cli import main

marker = Path(sys.argv[1])
{timeout}

def hanging(call):
    def called(*args):
        while marker.exists():
            time.sleep(0.05)
        return call(*args)
    return called

{patch}
sys.argv = ["banjia", "serve", "--emulate"]
main()
"""
READ = "config.loader.included_files.read_regular = hanging(config.loader.included_files.read_regular)"
LOOK = "file_watcher.read_state = hanging(file_watcher.read_state)"
SHORT = "proxy.app_state.READ_TIMEOUT_S = 0.3"


class Site:
    """A server, and its lines for the operator."""

    def __init__(self, served: Server, text: Path) -> None:
        self.served = served
        self.said = text

    def until_logged(self, words: str, times: int = 1) -> None:
        """Wait until stderr has the text this many times."""
        self.served.until(lambda: self.said.read_text().count(words) >= times)

    def hangup(self) -> None:
        self.served.process.send_signal(signal.SIGHUP)

    def posted(self) -> tuple[int, list[str]]:
        """Return the response of ``POST /reload``."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.served.admin}/reload", b"", method="POST")
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, json.load(answer)["changes"]
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, json.load(refused)["changes"]

    def serves(self) -> None:
        assert self.served.get("/livez")
        self.served.call(5)


@contextmanager
def site(tmp_path: Path, command: list[str] = SERVE, before: Sequence[str] = ()) -> Iterator[Site]:
    output = tmp_path / "stderr"
    with output.open("wb") as err, serving(tmp_path, subprocess.DEVNULL, err, command, before) as served:
        yield Site(served, output)


def hanging(marker: Path, patch: str, timeout: str = "") -> list[str]:
    """A server whose system calls hang while the marker exists, as on a mount that does not respond."""
    return ["-c", HANGING.format(patch=patch, timeout=timeout), str(marker)]


@pytest.mark.parametrize(("make", "why"), IRREGULAR)
def test_a_file_that_becomes_something_else_is_refused_and_followed_again_when_it_is_a_file(
    tmp_path: Path, make: Callable[[Path], None], why: str
) -> None:
    with site(tmp_path) as here:
        content = here.served.file.read_text()
        here.served.file.unlink()
        make(here.served.file)
        here.hangup()
        here.until_logged(
            f"reload refused, the current configuration stays in use: {here.served.file}: cannot read the file: {why}"
        )
        assert here.posted()[0] == 409
        here.serves()

        def restored() -> None:
            here.served.file.rmdir() if here.served.file.is_dir() else here.served.file.unlink()
            here.served.file.write_text(content)

        here.served.reloads(restored)
        assert here.served.stop() == 0
        assert "Traceback" not in here.said.read_text()


def test_a_device_without_end_is_not_read(tmp_path: Path) -> None:
    bounded = ["sh", "-c", 'ulimit -v 4000000; exec "$@"', "sh"]
    with site(tmp_path, before=bounded) as here:
        here.served.file.unlink()
        here.served.file.symlink_to("/dev/zero")
        here.hangup()
        here.until_logged("cannot read the file: it is a device, not a regular file")
        here.serves()
        assert here.served.stop() == 0


def test_a_stop_does_not_wait_for_a_file_that_is_a_pipe(tmp_path: Path) -> None:
    with site(tmp_path) as here:
        here.served.file.unlink()
        os.mkfifo(here.served.file)
        here.hangup()
        assert here.served.stop() == 0


def test_a_read_that_hangs_stops_no_call_and_no_signal(tmp_path: Path) -> None:
    marker = tmp_path / "hangs"
    with site(tmp_path, hanging(marker, READ)) as here:
        marker.touch()
        here.hangup()
        asking = threading.Thread(target=lambda: suppressed(here.posted))
        asking.start()
        here.serves()
        assert here.served.stop() == 0
        asking.join()


def suppressed(call: Callable[[], object]) -> None:
    with suppress(OSError, ValueError):
        call()


def test_a_read_that_hangs_is_cancelled_and_the_next_one_applies(tmp_path: Path) -> None:
    marker = tmp_path / "hangs"
    with site(tmp_path, hanging(marker, READ, SHORT)) as here:
        marker.touch()
        for times in range(1, 5):
            here.hangup()
            here.until_logged("the files could not be read within 0.3 seconds; expected a disk that responds", times)
        status, reported = here.posted()
        assert status == 409
        assert reported == [
            (
                f"{here.served.file}: 4 earlier reads of the configuration have not ended; expected a disk that responds "
                "(banjia help config-unreadable)"
            )
        ]
        here.serves()
        marker.unlink()
        here.served.until(lambda: here.posted()[0] == 200)
        assert here.served.stop() == 0


def test_a_look_at_a_file_that_hangs_stops_no_call_and_no_signal(tmp_path: Path) -> None:
    marker = tmp_path / "hangs"
    with site(tmp_path, hanging(marker, LOOK)) as here:
        marker.touch()
        here.served.file.touch()
        here.serves()
        assert here.served.stop() == 0


def test_after_a_look_that_hung_the_files_are_followed_again(tmp_path: Path) -> None:
    marker = tmp_path / "hangs"
    with site(tmp_path, hanging(marker, LOOK)) as here:
        marker.touch()
        here.served.file.touch()
        here.serves()
        here.served.reloads(marker.unlink)
        assert here.served.stop() == 0
