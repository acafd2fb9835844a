"""Read a file that the operator names, if it is a regular file of bounded size.

Reading a pipe, a socket or a device may block forever, and opening one can have side effects, so the file type is
checked before and after opening. A mount that does not respond still blocks the thread that reads.
"""

import errno
import os
import stat
from pathlib import Path

from adapters.core.message import Message

MAX_BYTES = 4 * 1024 * 1024
"""Maximum size of a configuration or catalog file."""
MAX_SECRET_BYTES = 64 * 1024
"""Maximum size of a secret's file."""

_KINDS = {
    stat.S_IFIFO: Message("it is a pipe, not a regular file"),
    stat.S_IFSOCK: Message("it is a socket, not a regular file"),
    stat.S_IFCHR: Message("it is a device, not a regular file"),
    stat.S_IFBLK: Message("it is a device, not a regular file"),
}


class TooLarge(OSError):
    """The file is larger than the given maximum."""


def read_regular(path: Path, max_bytes: int) -> bytes:
    """Return the content of a regular file.

    Raises TooLarge if it has more than ``max_bytes``, another OSError if reading fails; ``strerror`` has the reason.
    """
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
