"""The fixture ``figure``: a measurement is shown in the table of ``scripts/acceptance`` and compared with its limit."""

from collections.abc import Callable
from typing import Any

import pytest

Figure = Callable[[str, float, float, str], None]
"""``figure(name, value, most, unit)``: note a figure. With ``--smoke`` it is not judged."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--smoke", action="store_true", help="tiny counts; figures are measured but not judged")


@pytest.fixture
def smoke(request: pytest.FixtureRequest) -> bool:
    """Whether this run uses tiny counts."""
    return bool(request.config.getoption("--smoke"))


@pytest.fixture
def figure(record_property: Callable[[str, Any], None], smoke: bool) -> Figure:
    def note(name: str, value: float, most: float, unit: str) -> None:
        record_property(name, f"{value:.3g} {unit} (at most {most:g})")
        assert smoke or value <= most, f"{name}: {value:.3g} {unit}, at most {most:g}"

    return note
