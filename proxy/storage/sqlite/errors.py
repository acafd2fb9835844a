"""What an error of SQLite or of the file system means for the store."""

import errno
import sqlite3

from proxy.storage.interface import StoreUnavailable, Trouble

_BY_CODE: dict[int, Trouble] = {
    sqlite3.SQLITE_FULL: "full",
    sqlite3.SQLITE_READONLY: "read_only",
    sqlite3.SQLITE_PERM: "read_only",
    sqlite3.SQLITE_BUSY: "locked",
    sqlite3.SQLITE_LOCKED: "locked",
    sqlite3.SQLITE_CORRUPT: "corrupt",
    sqlite3.SQLITE_NOTADB: "corrupt",
    sqlite3.SQLITE_CANTOPEN: "gone",
    sqlite3.SQLITE_IOERR: "io",
    sqlite3.SQLITE_PROTOCOL: "locked",
    sqlite3.SQLITE_NOMEM: "busy",
    sqlite3.SQLITE_INTERRUPT: "busy",
}
"""By primary result code (https://www.sqlite.org/rescode.html)."""
_BY_ERRNO: dict[int, Trouble] = {
    errno.ENOSPC: "full",
    errno.EDQUOT: "full",
    errno.EROFS: "read_only",
    errno.EACCES: "read_only",
    errno.EPERM: "read_only",
    errno.ENOENT: "gone",
    errno.ENOTDIR: "gone",
}


def trouble_of(error: Exception) -> Trouble | None:
    """Return what keeps the store from working; None if the error is a bug in a statement."""
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", None)
        if code is None:
            return "closed" if isinstance(error, sqlite3.ProgrammingError) else None
        if code == sqlite3.SQLITE_READONLY_DBMOVED:
            return "gone"
        return _BY_CODE.get(code & 0xFF)
    if isinstance(error, OSError):
        return _BY_ERRNO.get(error.errno or 0, "io")
    return None


def as_unavailable(error: Exception) -> Exception:
    """Return StoreUnavailable for an error that keeps the store from working; any other error itself."""
    if isinstance(error, StoreUnavailable):
        return error
    trouble = trouble_of(error)
    return error if trouble is None else StoreUnavailable(trouble, str(error))
