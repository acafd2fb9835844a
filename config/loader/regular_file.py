"""Read a file that the operator names, if it is a regular file of a bounded size.

A read from a pipe, a socket or a device may never return or never end, and opening one can have side effects. The type of
the file is therefore checked before and after it is opened. A mount that does not answer still blocks the caller.
"""

import errno
import os
import stat
from pathlib import Path

from adapters.core.message import Message

MAX_BYTES = 4 * 1024 * 1024
"""The largest configuration or catalog file."""
MAX_SECRET_BYTES = 64 * 1024
"""The largest file of a secret."""

_KINDS = {
    stat.S_IFIFO: Message("it is a pipe, not a regular file"),
    stat.S_IFSOCK: Message("it is a socket, not a regular file"),
    stat.S_IFCHR: Message("it is a device, not a regular file"),
    stat.S_IFBLK: Message("it is a device, not a regular file"),
}


class TooLarge(OSError):
    """The file is larger than the caller allows."""


def read_regular(path: Path, max_bytes: int) -> bytes:
    """The content of a regular file. Raises OSError, TooLarge if it has more than ``max_bytes``; ``strerror`` says why."""
    _require_regular(path.stat().st_mode)
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    with open(handle, "rb") as file:  # noqa: PTH123 - a descriptor has no path
        _require_regular(os.fstat(handle).st_mode)
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise TooLarge(errno.EFBIG, os.strerror(errno.EFBIG))
    return content


def _require_regular(mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, _KINDS.get(stat.S_IFMT(mode), Message("it is not a regular file")))
