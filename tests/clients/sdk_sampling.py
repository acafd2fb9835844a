"""Each test of this suite runs at a few of its sites in the core tests, and at all of them in ``scripts/acceptance sdk``.

Which ones depends on the test's name and on the client's version, so that the suites together cover every site.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from zlib import crc32

import pytest

from tests.support.client_stage import GENERATION
from tests.support.effort import ALL_EXAMPLES

HERE = Path(__file__).parent / "sdk"
SITES_A_TEST = 3


def chosen(sites: Sequence[str], test: str, shift: int = GENERATION) -> set[str]:
    """Return the sites of a test: ``SITES_A_TEST`` of them, spread evenly from a first one that its name decides."""
    count = min(SITES_A_TEST, len(sites))
    first = crc32(test.encode()) + shift
    return {sites[(first + at * len(sites) // count) % len(sites)] for at in range(count)}


def left_out(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """Return the tests of other sites. A test that names its vendors itself runs at all of these."""
    tests: defaultdict[str, dict[pytest.Item, str]] = defaultdict(dict)
    for item in items:
        site = site_of(item)
        if site is not None:
            tests[item.nodeid.partition("[")[0]][item] = site
    out: list[pytest.Item] = []
    for test, runs in tests.items():
        some = chosen(list(dict.fromkeys(runs.values())), test)
        out += [item for item, site in runs.items() if site not in some]
    return out


def site_of(item: pytest.Item) -> str | None:
    """Return the vendor of a test that runs at each of them; None for another test."""
    if not isinstance(item, pytest.Function) or not item.path.is_relative_to(HERE) or not hasattr(item, "callspec"):
        return None
    if any("vendor" in mark.args[0] for mark in item.iter_markers("parametrize")):
        return None
    site = item.callspec.params.get("vendor")
    return site if isinstance(site, str) else None


def takes_all(config: pytest.Config) -> bool:
    """Whether all tests run: in acceptance, and where the command line selects tests or vendors by name."""
    return ALL_EXAMPLES or bool(config.option.keyword) or any("[" in argument for argument in config.args)
