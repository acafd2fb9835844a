"""Fixtures that tests of pages share with those of the commands."""

from tests.proxy.cli.conftest import banjia

__all__ = ["banjia"]
