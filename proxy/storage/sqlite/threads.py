"""The threads that use the database: one writes, several read. The event loop never waits for the disk.

The writer collects the writes of a few milliseconds in one transaction, each in a savepoint: one that fails leaves the
others as they are, and each caller gets its own result, after the transaction is on disk.
"""

import asyncio
import queue
import sqlite3
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Generic, NamedTuple, TypeVar

from proxy.daemon_thread import in_daemon_thread
from proxy.storage.interface import StoreUnavailable
from proxy.storage.metrics import StoreMetrics
from proxy.storage.sqlite.connection import DatabaseFile
from proxy.storage.sqlite.errors import as_unavailable

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]
"""Reads or writes with a connection, inside a transaction. It may run more than once."""

WINDOW_S = 0.005
"""How long the writer collects writes before a transaction (seconds)."""
MAX_BATCH = 500
"""The most writes in one transaction."""
MAX_WAITING = 10_000
"""The most operations that wait for a thread."""
LIMIT_S = 10.0
"""How long a caller waits for its operation (seconds): longer than BUSY_S of the connection."""
CLOSING_S = 10.0
"""How long closing waits for the operations that were accepted (seconds)."""
SIZE_EVERY_S = 1.0
"""How often the size of the file is read, at most (seconds)."""


class Job(Generic[T]):
    """One operation: its work, and the future of its caller."""

    __slots__ = ("future", "loop", "work")

    def __init__(self, work: Work[T], loop: asyncio.AbstractEventLoop) -> None:
        self.work = work
        self.loop = loop
        self.future: asyncio.Future[T] = loop.create_future()


class JobResult(NamedTuple):
    """The result of a job, or the exception that it ended with."""

    job: Job[Any]
    value: Any = None
    error: Exception | None = None


class WorkerThread:
    """A queue of jobs and the daemon threads that run them."""

    def __init__(
        self, name: str, connections: Sequence[sqlite3.Connection], file: DatabaseFile, metrics: StoreMetrics
    ) -> None:
        self.file = file
        self.metrics = metrics
        self._queue: queue.SimpleQueue[Job[Any] | None] = queue.SimpleQueue()
        self._is_closed = False
        self._waiting = 0
        self._threads = [
            threading.Thread(target=self._main, args=(connection,), name=name, daemon=True)
            for connection in connections
        ]
        for thread in self._threads:
            thread.start()

    async def run(self, name: str, work: Work[T]) -> T:
        """Run the work in a thread and return its result. Raises StoreUnavailable.

        If it does not end within LIMIT_S, the work may still be done later.
        """
        start = time.perf_counter()
        try:
            return await self._run(work)
        except StoreUnavailable as error:
            self.metrics.failures[error.trouble] += 1
            raise
        finally:
            self.metrics.operations[name] += 1
            self.metrics.seconds[name] += time.perf_counter() - start

    async def _run(self, work: Work[T]) -> T:
        if self._is_closed:
            raise StoreUnavailable("closed")
        if self._waiting >= MAX_WAITING:
            raise StoreUnavailable("busy", f"{self._waiting} operations wait")
        job = Job(work, asyncio.get_running_loop())
        self._waiting += 1
        self._queue.put(job)
        try:
            async with asyncio.timeout(LIMIT_S):
                return await job.future
        except TimeoutError:
            raise StoreUnavailable("busy", f"no result within {LIMIT_S:g} s") from None
        finally:
            self._waiting -= 1

    async def aclose(self) -> None:
        """Run the jobs that were accepted, then close the connections. Wait at most CLOSING_S."""
        if not self._is_closed:
            self._is_closed = True
            for _ in self._threads:
                self._queue.put(None)
        await in_daemon_thread(self._join, "store-close")

    def _join(self) -> None:
        for thread in self._threads:
            thread.join(CLOSING_S)

    def _main(self, connection: sqlite3.Connection) -> None:
        try:
            while (job := self._queue.get()) is not None:
                jobs, is_last = self._collect(job)
                _deliver(self._perform(connection, [job for job in jobs if not job.future.cancelled()]))
                if is_last:
                    return
        finally:
            with suppress(sqlite3.Error):
                connection.close()

    def _collect(self, first: Job[Any]) -> tuple[list[Job[Any]], bool]:
        """Return the jobs to run together, and whether no more will come."""
        return [first], False

    def _perform(self, connection: sqlite3.Connection, jobs: list[Job[Any]]) -> list[JobResult]:
        raise NotImplementedError


class ReaderThreads(WorkerThread):
    """Each job reads one snapshot of the database."""

    def _perform(self, connection: sqlite3.Connection, jobs: list[Job[Any]]) -> list[JobResult]:
        return [self._read(connection, job) for job in jobs]

    def _read(self, connection: sqlite3.Connection, job: Job[Any]) -> JobResult:
        try:
            self.file.check()
            connection.execute("BEGIN")
            try:
                return JobResult(job, job.work(connection))
            finally:
                _rollback(connection)
        except Exception as error:  # noqa: BLE001 - it is raised where the result is awaited
            return JobResult(job, error=as_unavailable(error))


class WriterThread(WorkerThread):
    """Runs all jobs of a few milliseconds in one transaction."""

    def __init__(self, connection: sqlite3.Connection, file: DatabaseFile, metrics: StoreMetrics) -> None:
        self._size_at = 0.0
        super().__init__("store-writer", [connection], file, metrics)

    def _collect(self, first: Job[Any]) -> tuple[list[Job[Any]], bool]:
        jobs = [first]
        deadline = time.monotonic() + WINDOW_S
        while len(jobs) < MAX_BATCH:
            try:
                job = self._queue.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                break
            if job is None:
                return jobs, True
            jobs.append(job)
        return jobs, False

    def _perform(self, connection: sqlite3.Connection, jobs: list[Job[Any]]) -> list[JobResult]:
        if not jobs:
            return []
        try:
            results = self._commit(connection, jobs)
        except Exception as error:  # noqa: BLE001 - as below
            _rollback(connection)
            if len(jobs) > 1 and not _concerns_all(error):
                # SQLite rolled everything back, such as for a full disk: smaller writes may still fit.
                return [result for job in jobs for result in self._perform(connection, [job])]
            return [JobResult(job, error=as_unavailable(error)) for job in jobs]
        now = time.monotonic()
        if now - self._size_at >= SIZE_EVERY_S:
            self._size_at = now
            self.metrics.size = self.file.size()
        return results

    def _commit(self, connection: sqlite3.Connection, jobs: list[Job[Any]]) -> list[JobResult]:
        """Run the jobs in one transaction. Raises if nothing of it was written."""
        self.file.check()
        connection.execute("BEGIN IMMEDIATE")
        results = [self._write(connection, job) for job in jobs]
        connection.execute("COMMIT")
        self.metrics.transactions += 1
        return results

    def _write(self, connection: sqlite3.Connection, job: Job[Any]) -> JobResult:
        connection.execute("SAVEPOINT job")
        try:
            value = job.work(connection)
        except Exception as error:
            if not connection.in_transaction:
                raise
            connection.execute("ROLLBACK TO job")
            connection.execute("RELEASE job")
            return JobResult(job, error=as_unavailable(error))
        connection.execute("RELEASE job")
        return JobResult(job, value)


def _concerns_all(error: Exception) -> bool:
    """Whether the error is not that of one job: the file is gone, or locked for longer than a statement waits."""
    unavailable = as_unavailable(error)
    return isinstance(unavailable, StoreUnavailable) and unavailable.trouble in (
        "gone",
        "locked",
        "closed",
        "read_only",
    )


def _rollback(connection: sqlite3.Connection) -> None:
    with suppress(sqlite3.Error):
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _deliver(results: Sequence[JobResult]) -> None:
    """Wake the callers, with one call for each event loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[JobResult]] = defaultdict(list)
    for result in results:
        by_loop[result.job.loop].append(result)
    for loop, ready in by_loop.items():
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(_settle, ready)


def _settle(results: Sequence[JobResult]) -> None:
    for result in results:
        future = result.job.future
        if future.done():
            continue
        if result.error is None:
            future.set_result(result.value)
        else:
            future.set_exception(result.error)
