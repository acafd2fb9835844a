"""A suite is collected only where its SDK is."""

from importlib.util import find_spec

_SDKS = {"test_ernie.py": "qianfan"}

collect_ignore = [name for name, sdk in _SDKS.items() if find_spec(sdk) is None]
