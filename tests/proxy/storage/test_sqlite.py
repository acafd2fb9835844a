"""The store in a SQLite file: the contract of all stores, its files, its transactions and its threads."""

from itertools import count
from pathlib import Path

import pytest

from proxy.storage.interface import Store
from proxy.storage.sqlite import conversations
from proxy.storage.sqlite.store import SqliteStore
from tests.proxy.storage.contract import Clock, StoreContract


class TestSqliteStore(StoreContract):
    """The contract."""

    modules_with_limits = (conversations,)
    folder: Path
    number = count()

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    def make(self, clock: Clock) -> Store:
        return SqliteStore(self.folder / f"store{next(self.number)}.db", clock)
