"""The environment of a chaos run: vendors whose faults follow the plan, and instances in separate processes."""

import asyncio
import fcntl
import json
import os
import re
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

import emulators
from adapters.registry import BY_NAME
from config.catalog import models as catalog
from emulators.core.emulator import Emulator, ReceivedRequest
from emulators.core.faults import Faults
from emulators.core.http import HttpConnection, HttpRequest
from emulators.core.responses import ModelResponse, Response
from tests.chaos.fault_proxy import Fault, FaultProxy
from tests.chaos.plan import Plan, Refusal

ROOT = Path(__file__).parents[2]
MARK = re.compile(rb"#(\d+)\.(\d+)#")
Key = tuple[int, int]
"""A request's number, and the caller's turn at it."""
NAMES = [name for name in emulators.NAMES if name in BY_NAME]
CLIENT_KEY = "sk-canary-client-7d1f5c0e9a"
HEADER = "canary-header-3b8e2f6a1c"
TIMEOUTS = {"connect_s": 0.5, "first_token_s": 2.0, "idle_s": 1.5, "total_s": 10.0}
ATTEMPTS = 3
MAX_WAIT_S = 1.0
PLACE_S = 5.0
"""How long a call may wait for a place on a key that was refused by rate: half of the total, as by default."""
DEADLINE_S = ATTEMPTS * TIMEOUTS["total_s"] + (ATTEMPTS - 1) * MAX_WAIT_S + len(NAMES) * PLACE_S
"""The longest that one turn may take by these settings."""
DRAIN_S, GRACE_S = 0.3, 2.0
PIPE, PAUSED_PIPE = 2**16, 2**12
"""Bytes that the pipe of a log has room for, and those while it is not read."""
LOG_BYTES = 2**15
"""The most bytes of its log that wait in the instance whose log is not read for a while: scaled down like the timeouts."""


def key_of(body: bytes) -> Key | None:
    """Return the request of this body."""
    found = MARK.search(body)
    return (int(found[1]), int(found[2])) if found else None


class Book:
    """The attempts of each request seen by the fault proxies, and by the vendors."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.attempts: Counter[Key] = Counter()
        self.calls: Counter[Key] = Counter()
        self.refusals: Counter[Key] = Counter()
        """Calls that a vendor answered with 429, drawn at random or planned."""

    def of_request(self, body: bytes) -> Fault | None:
        """Count the attempt and return its TCP fault."""
        key = key_of(body)
        if key is None:
            return None
        self.attempts[key] += 1
        planned = self.plan.requests[key[0]]
        return planned.tcp if self.attempts[key] <= planned.attempts else None

    def of_vendor(self, body: bytes) -> list[str]:
        """Count the call and return the vendor's fault."""
        key = key_of(body)
        if key is None:
            return []
        self.calls[key] += 1
        planned = self.plan.requests[key[0]]
        if self.refusal(body) is not None:
            return []
        return [planned.vendor] if planned.vendor and self.attempts[key] <= planned.attempts else []

    def refusal(self, body: bytes) -> Refusal | None:
        """Return the random refusal of the last counted call of this request."""
        key = key_of(body)
        return None if key is None else self.plan.refusal(*key, self.calls[key])

    def answered(self, body: bytes, status: int) -> None:
        """A vendor has answered with this status."""
        key = key_of(body)
        if key is not None and status == 429:
            self.refusals[key] += 1


class Judged(Emulator):
    """An emulator with the planned faults of each request."""

    book: Book

    async def _answer(self, request: HttpRequest, wire: HttpConnection, arrived: ReceivedRequest) -> bool:
        self._faults = Faults(self.book.of_vendor(request.body))  # taken by the next line, before anything is awaited
        try:
            return await super()._answer(request, wire, arrived)
        finally:
            self.book.answered(request.body, arrived.status)

    def _reply(self, request: HttpRequest, active: dict[str, float]) -> Response | ModelResponse:
        refusal = self.book.refusal(request.body)
        if refusal is None:
            return super()._reply(request, active)
        error = {"message": "rate limit reached", "type": "rate_limit_reached_error"}
        after_s = refusal.retry_after_s
        return Response.json(429, {"error": error}, [] if after_s is None else [("retry-after", str(after_s))])


class Vendor:
    """An emulator and the fault proxy before it."""

    def __init__(self, name: str, book: Book) -> None:
        self.name = name
        self.emulator = Judged(emulators.VENDORS[name]({}), "127.0.0.1", ())
        self.emulator.book = book
        self._book = book
        chat = catalog.load(BY_NAME[name].catalog).stand_in("gpt-4o", "chat")
        assert chat is not None
        self.target = f"{name}/{chat.model}"

    async def start(self) -> None:
        await self.emulator.listen(0)
        self.proxy = FaultProxy(self.emulator.port, self._book.plan.of_connection, self._book.of_request)
        await self.proxy.start()

    @property
    def key(self) -> str:
        """The key that the emulator takes."""
        return next(value for name, value in self.emulator.environment.items() if name.endswith("_KEY"))

    def entry(self) -> dict[str, Any]:
        """Return the configuration with which an instance reaches it."""
        base_url = self.emulator.base_url.replace(f":{self.emulator.port}", f":{self.proxy.port}")
        return {
            "api_key": f"${{CHAOS_{self.name.upper()}}}", "base_url": base_url, "timeouts": TIMEOUTS,
            "limits": {"wait_s": PLACE_S}, "headers": {"x-canary": HEADER},
        }  # fmt: skip

    async def aclose(self) -> None:
        await self.proxy.aclose()
        await self.emulator.aclose()


def configuration(vendors: list[Vendor], port: int, turn: int) -> str:
    """Return the configuration of an instance; each version has the vendors in another order."""
    targets = [vendor.target for vendor in vendors]
    ahead = turn % len(targets)
    targets = targets[ahead:] + targets[:ahead]
    data = {
        "version": 1,
        "server": {
            "listen": f"127.0.0.1:{port}", "admin_listen": "off", "client_keys": ["${CHAOS_CLIENT}"], "heartbeat_s": 0.4, "hold_status_s": 0.8,
            "drain_delay_s": DRAIN_S, "grace_s": GRACE_S,
        },
        "vendors": {vendor.name: vendor.entry() for vendor in vendors},
        "models": {"gpt-4o": targets, "gpt-4o-mini": targets[::-1]},
        "policy": {"max_wait_s": MAX_WAIT_S, "attempts": ATTEMPTS},
    }  # fmt: skip
    return json.dumps(data, indent=1)


@dataclass(frozen=True, slots=True)
class Logs:
    """The output of an instance. ``may_drop``: its log was not read, so lines may be missing."""

    name: str
    out: Path
    err: Path
    may_drop: bool


class LogPipe:
    """A pipe that an instance writes its access lines to, and the file that they are copied to while it is read."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._reader, self.writer = os.pipe()
        os.set_blocking(self._reader, False)
        self.resume()

    def pause(self) -> None:
        """Stop reading it, with a small pipe buffer."""
        asyncio.get_running_loop().remove_reader(self._reader)
        self._copy()
        self._resize(PAUSED_PIPE)

    def resume(self) -> None:
        """Read it again."""
        self._resize(PIPE)
        asyncio.get_running_loop().add_reader(self._reader, self._copy)

    def close(self) -> None:
        """Read what is left after the process has ended."""
        asyncio.get_running_loop().remove_reader(self._reader)
        self._copy()
        os.close(self._reader)

    def _resize(self, size: int) -> None:
        if hasattr(fcntl, "F_SETPIPE_SZ"):
            with suppress(OSError):  # it keeps its size while it has data
                fcntl.fcntl(self._reader, fcntl.F_SETPIPE_SZ, size)

    def _copy(self) -> None:
        with self._file.open("ab") as file, suppress(BlockingIOError):
            while data := os.read(self._reader, PIPE):
                file.write(data)
            asyncio.get_running_loop().remove_reader(self._reader)  # no process has the other end


def ended_at(pid: int) -> float:
    """Wait until this child has ended. Returns the time (monotonic seconds)."""
    with suppress(ChildProcessError):  # its exit code was read already
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    return time.monotonic()


class Instance:
    """A banjia in a separate process, which may be stopped and started again."""

    def __init__(self, name: str, folder: Path, vendors: list[Vendor], log_bytes: int | None = None) -> None:
        """``log_bytes``: the most bytes of its log queued in the process; None for the default."""
        self.name = name
        self._vendors = vendors
        self._log_bytes = log_bytes
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.file = folder / f"{name}.yaml"
        self.out, self.err = folder / f"{name}.out", folder / f"{name}.err"
        self._holdings = folder / f"{name}.holdings"
        for log in (self.out, self.err):
            log.unlink(missing_ok=True)
        self._turn = 0
        self.baseline: Mapping[str, int] = {}
        self.configure()

    @property
    def logs(self) -> Logs:
        """What it has printed."""
        return Logs(self.name, self.out, self.err, may_drop=self._log_bytes is not None)

    def configure(self) -> None:
        """Write the next configuration atomically."""
        draft = self.file.with_suffix(".draft")
        draft.write_text(configuration(self._vendors, self.port, self._turn))
        draft.replace(self.file)
        self._turn += 1

    def spoil(self) -> None:
        """Write an invalid configuration."""
        self.file.write_text(self.file.read_text().replace('"models"', '"modles"'))

    async def start(self) -> None:
        """Start, and wait until it is ready."""
        keys = {f"CHAOS_{vendor.name.upper()}": vendor.key for vendor in self._vendors}
        environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        environment |= {"PYTHONPATH": str(ROOT), "CHAOS_CLIENT": CLIENT_KEY, **keys}
        self.log = LogPipe(self.out)
        limit = [] if self._log_bytes is None else [str(self._log_bytes)]
        with self.err.open("ab") as err:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.chaos.instance", str(self.file), str(self._holdings), *limit,
                env=environment, stdout=self.log.writer, stderr=err, cwd=ROOT,
            )  # fmt: skip
        os.close(self.log.writer)
        async with asyncio.timeout(30):
            while not await self._ready():
                assert self._process.returncode is None, self.err.read_text()
                await asyncio.sleep(0.05)
        if not self.baseline:
            self.baseline = await self.holdings()

    async def _ready(self) -> bool:
        return await self.answers("/readyz")

    async def answers(self, path: str) -> bool:
        """Return whether it answers a GET with 200."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        try:
            writer.write(b"GET %b HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n" % path.encode())
            return b" 200 " in await reader.readline()
        except OSError:
            return False
        finally:
            writer.close()

    async def stop(self) -> tuple[int, float]:
        """Send SIGTERM. Returns the exit code and the time until the exit (seconds)."""
        begun = time.monotonic()
        self._process.terminate()
        async with asyncio.timeout(DRAIN_S + GRACE_S + 10):
            ended = await asyncio.to_thread(ended_at, self._process.pid)  # this event loop may be late
            code = await self._process.wait()
        self.log.close()
        return code, ended - begun

    def make_fifo(self) -> None:
        """Replace the configuration file by a FIFO, and request a reload."""
        draft = self.file.with_suffix(".draft")
        os.mkfifo(draft)
        draft.replace(self.file)
        self._process.send_signal(signal.SIGHUP)

    async def notified(self, notice: str, times: int, within_s: float) -> bool:
        """Return whether standard error has this notice more than ``times`` times within ``within_s``."""
        until = time.monotonic() + within_s
        while self.notices(notice) <= times:
            if time.monotonic() > until:
                return False
            await asyncio.sleep(0.05)
        return True

    def notices(self, notice: str) -> int:
        """Return how often standard error has this notice."""
        return self.err.read_text().count(notice)

    async def holdings(self) -> Mapping[str, int]:
        """Return its held resources: see ``instance.py``."""
        self._holdings.unlink(missing_ok=True)
        self._process.send_signal(signal.SIGUSR1)
        async with asyncio.timeout(10):
            while not self._holdings.exists():
                await asyncio.sleep(0.02)
        found: Mapping[str, int] = json.loads(self._holdings.read_text())
        return found

    def rss(self) -> int:
        """Its resident memory, in bytes."""
        return int(psutil.Process(self._process.pid).memory_info().rss)

    def callers(self) -> int:
        """Return the number of its open client sockets."""
        sockets = psutil.Process(self._process.pid).net_connections("tcp")
        return sum(one.laddr.port == self.port and one.status != psutil.CONN_LISTEN for one in sockets)

    def kill(self) -> None:
        """Kill it."""
        if self._process.returncode is None:
            self._process.kill()
