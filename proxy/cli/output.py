"""What becomes of a command whose output can't be written: a pipe without a reader, a full disk."""

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from adapters.core.message import Message
from proxy.i18n.catalog import for_operator

BROKEN_PIPE = 128 + 13
"""The exit code of a command whose reader has gone: that of a program that SIGPIPE ends."""
UNWRITABLE = frozenset({errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF})
"""What writing to a stream fails with."""


def is_unwritable(error: OSError) -> bool:
    """Whether an error is one of writing the output: it names no file."""
    return error.errno in UNWRITABLE and error.filename is None


@contextmanager
def output_guarded() -> Iterator[None]:
    """Run a command: where its output can't be written it ends with one line at most, and never with a traceback.

    Raises SystemExit: ``BROKEN_PIPE`` without a word where the reader has gone (``banjia models | head``), 1 with a line on
    stderr where there is no space or the device fails.
    """
    try:
        try:
            yield
        finally:
            if type(sys.stdout).__name__.endswith("PacifyFlushWrapper"):  # click has met the broken pipe before us
                raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
            if sys.stdout is not None:
                sys.stdout.flush()
    except OSError as error:
        if not is_unwritable(error):
            raise
        if error.errno != errno.EPIPE:
            from config.loader.system_errors import reason_of

            with contextlib.suppress(OSError, ValueError):
                print(
                    for_operator(
                        Message(
                            "error: {line}", line=Message("the output can't be written: {why}", why=reason_of(error))
                        )
                    ),
                    file=sys.stderr,
                    flush=True,
                )
        _discard(1)
        _discard(2)
        sys.exit(BROKEN_PIPE if error.errno == errno.EPIPE else 1)


def _discard(fd: int) -> None:
    """Send what a stream still holds nowhere: the interpreter would try to write it once more, and complain."""
    with contextlib.suppress(OSError):
        if os.isatty(fd):
            return
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, fd)
        os.close(null)
