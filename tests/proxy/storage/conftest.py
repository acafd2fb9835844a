"""The command line, for tests of ``banjia state``."""

from tests.proxy.cli.conftest import banjia

__all__ = ["banjia"]
