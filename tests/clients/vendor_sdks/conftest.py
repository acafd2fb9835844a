"""Collects a suite only if its SDK is installed."""

from importlib.util import find_spec

_SDKS = {"test_ernie.py": "qianfan"}

collect_ignore = [name for name, sdk in _SDKS.items() if find_spec(sdk) is None]
