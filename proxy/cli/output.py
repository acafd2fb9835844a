"""End a command cleanly if its output cannot be written: a closed pipe, a full disk."""

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from adapters.core.message import Message
from proxy.i18n.catalog import for_operator

BROKEN_PIPE = 128 + 13
"""Exit code if the reader of the pipe is gone: that of a program ended by SIGPIPE."""
WRITE_ERRORS = frozenset({errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF})
"""Error numbers of failed writes to a stream."""


def is_write_error(error: OSError) -> bool:
    """Whether an error is one of writing the output: it names no file."""
    return error.errno in WRITE_ERRORS and error.filename is None


@contextmanager
def guard_output() -> Iterator[None]:
    """Run a command. If its output cannot be written, end it with at most one line and no traceback.

    Raises SystemExit: with ``BROKEN_PIPE`` and no output if the reader is gone (``banjia models | head``), with 1 and a line
    on stderr if the disk is full or the device fails.
    """
    try:
        try:
            yield
        finally:
            if type(sys.stdout).__name__.endswith("PacifyFlushWrapper"):  # click has handled a broken pipe already
                raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
            if sys.stdout is not None:
                sys.stdout.flush()
    except OSError as error:
        if not is_write_error(error):
            raise
        if error.errno != errno.EPIPE:
            from config.loader.system_errors import reason_of

            with contextlib.suppress(OSError, ValueError):
                print(
                    for_operator(
                        Message("error: {line}", line=Message("cannot write the output: {why}", why=reason_of(error)))
                    ),
                    file=sys.stderr,
                    flush=True,
                )
        _discard(1)
        _discard(2)
        sys.exit(BROKEN_PIPE if error.errno == errno.EPIPE else 1)


def _discard(fd: int) -> None:
    """Redirect a stream to /dev/null: at exit, the interpreter would try to flush it again and print an error."""
    with contextlib.suppress(OSError):
        if os.isatty(fd):
            return
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, fd)
        os.close(null)
