"""The schema of the stores on disk: numbered SQL files for each dialect, applied in order and never changed afterwards."""

import hashlib
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent


class Migration(NamedTuple):
    """One step of the schema: its number, its file's name, its SQL and the SHA-256 of that (hexadecimal)."""

    number: int
    name: str
    sql: str
    checksum: str


def migrations(dialect: str, folder: Path = FOLDER) -> list[Migration]:
    """Return the migrations of a dialect (``sqlite``), in order. Raises ValueError if a number is missing or repeated."""
    found = [_read(path) for path in sorted((folder / dialect).glob("*.sql"))]
    if [migration.number for migration in found] != list(range(1, len(found) + 1)):
        raise ValueError(f"the numbers of the migrations for {dialect} are not 1, 2, 3, …")
    return found


def _read(path: Path) -> Migration:
    sql = path.read_text(encoding="utf-8")
    return Migration(int(path.stem.partition("_")[0]), path.name, sql, hashlib.sha256(sql.encode()).hexdigest())
