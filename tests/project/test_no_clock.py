"""No core test judges how long something takes: it would fail on a slow or busy machine for no reason.

``scripts/acceptance`` judges waits and processor time. A core test asserts order, state and counts
(``tests/support/effort.py`` counts calls), waits for events, or gives the code a test clock. A timeout only ends a test
that hangs.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.project.pages.documents import ROOT

CLOCKS = {
    "clock_gettime", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time", "process_time_ns",
    "thread_time", "thread_time_ns", "time", "time_ns",
}  # fmt: skip
"""What reads a clock: functions of the module ``time``, and ``time`` of an event loop."""
HANGING_S = 10
"""A timeout below this is a verdict (seconds)."""
ELSEWHERE = (
    "acceptance", "chaos/clients", "chaos/instance", "chaos/run", "chaos/stage", "clients/apps", "clients/frameworks", "mutants/run", "mutants/worker",
    "clients/openai_tests",
)  # fmt: skip
"""Below ``tests/``: what ``scripts/acceptance`` or an extra runs; the chaos run has deadlines of its own."""
ALLOWED = {
    "tests/chaos/test_fault_proxy.py::test_slowness_loses_nothing": "a lower bound: the fault must delay",
    "tests/proxy/cli/test_doctor.py": "a date of now for the check of the machine's clock",
    "tests/emulators/test_faults.py::test_delays_come_before_the_head": "a lower bound: the fault must delay",
    "tests/emulators/test_sdk.py::test_orders_in_the_text_set_how_many_words_come_and_how_fast": "a lower bound",
    "tests/support/limited_vendor.py": "the clock of a vendor's account",
    "tests/proxy/attempts/test_hedge.py::test_a_target_in_cooldown_is_not_called_beside_another": "the breaker is given the time",
    "tests/proxy/lifecycle/test_reload.py::test_a_key_stays_in_cooldown_at_the_same_address_and_only_there": "a rest until then",
}
"""Tests, or whole files, that may read a clock or set a short timeout, each with its reason."""


def core_files() -> list[Path]:
    """The tests that ``scripts/test`` runs, and their helpers."""
    tests = ROOT / "tests"
    found = sorted(tests.rglob("*.py"))
    return [path for path in found if not path.relative_to(tests).as_posix().startswith(ELSEWHERE)]


def offences(tree: ast.Module) -> Iterator[tuple[str, int, str]]:
    """Yield readings of a clock and timeouts that judge: the outermost function, the line, and the violation."""
    for part in tree.body:
        name = getattr(part, "name", "")
        expected = {id(node) for block in ast.walk(part) if expects_a_timeout(block) for node in ast.walk(block)}
        for node in ast.walk(part):
            if id(node) in expected:
                continue
            if isinstance(node, ast.Call):
                called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if called in CLOCKS and is_a_clock(node):
                    yield name, node.lineno, f"{ast.unparse(node.func)}() reads a clock"
                elif (limit := limit_of(called, node)) is not None and limit < HANGING_S:
                    yield name, node.lineno, f"{called} with {limit:g} s is a verdict: a timeout is for what hangs"
            elif isinstance(node, ast.ImportFrom) and node.module == "time":
                yield name, node.lineno, "import the module time, so that a reading of a clock is seen"


def expects_a_timeout(node: ast.AST) -> bool:
    """Whether this is a ``with pytest.raises(…)`` of a timeout, in which one may be short."""
    return isinstance(node, ast.With) and "Timeout" in "".join(ast.unparse(item) for item in node.items)


def is_a_clock(node: ast.Call) -> bool:
    """Whether a call of this name reads a clock: of the module ``time``, or of a loop, however it is reached."""
    if not isinstance(node.func, ast.Attribute):
        return False
    owner = ast.unparse(node.func.value)
    return owner == "time" or owner.endswith(("loop", "loop()"))


def limit_of(called: str, node: ast.Call) -> float | None:
    """The seconds of a timeout that is written as a number."""
    arguments = {word.arg: word.value for word in node.keywords}
    places = {"timeout": 0, "wait_for": 1, "until": 1, "ended": 0, "settled": 1, "logged": 1, "wait": 0}
    given = arguments.get("timeout") or arguments.get("within_s") or arguments.get("longest_s")
    if given is None and called in places and len(node.args) > places[called]:
        given = node.args[places[called]]
    value = given.value if isinstance(given, ast.Constant) else None
    return float(value) if isinstance(value, int | float) else None


def test_no_core_test_judges_how_long_something_takes() -> None:
    found = []
    for path in core_files():
        named = path.relative_to(ROOT).as_posix()
        for function, line, wrong in offences(ast.parse(path.read_text(encoding="utf-8"))):
            if named not in ALLOWED and f"{named}::{function}" not in ALLOWED:
                found.append(f"{named}:{line}: {function}: {wrong}")
    assert found == []


def test_what_is_allowed_is_there() -> None:
    for name in ALLOWED:
        path, _, function = name.partition("::")
        names = {of for of, _, _ in offences(ast.parse((ROOT / path).read_text(encoding="utf-8")))}
        assert function in names if function else names, f"{name} needs no exception any more"


@pytest.mark.parametrize(
    "code",
    [
        "assert time.monotonic() - begun < 1",
        "took = time.process_time() - before",
        "begun = asyncio.get_running_loop().time()",
        "begun = self._loop.time()",
        "from time import perf_counter",
        "await asyncio.wait_for(answer(), 1)",
        "async with asyncio.timeout(0.5):\n  pass",
        "process.communicate(timeout=5)",
        "assert process.wait(5) == 0",
        "await running.settled(1, within_s=2)",
    ],
)
def test_the_guard_sees(code: str) -> None:
    inside = "\n".join(f"  {line}" for line in code.split("\n"))
    assert [name for name, _, _ in offences(ast.parse(f"async def test_it():\n{inside}"))] == ["test_it"]


@pytest.mark.parametrize(
    "code",
    [
        "time.sleep(0.1)",
        "asyncio.timeout(30)",
        "state.clock.time()",
        "await it.settled(1)",
        "with pytest.raises(TimeoutError):\n    await asyncio.wait_for(answer(), 0.1)",
    ],
)
def test_the_guard_admits(code: str) -> None:
    assert list(offences(ast.parse(f"async def test_it():\n  {code}"))) == []
