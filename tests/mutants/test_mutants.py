"""The mutation operators: the mistakes they make and do not make, and that each module has existing tests."""

import ast
from pathlib import Path

import pytest

from tests.mutants.operators import Mutant, differs, mutants
from tests.mutants.run import drawn, explained
from tests.mutants.scope import ROOT, TESTS, covering, modules


def made(source: str) -> set[str]:
    """The mutants of a source that are another program, as their changed line."""
    return {mutant.text(source) for mutant in mutants("m.py", source) if differs(mutant, source)}


@pytest.mark.parametrize(
    ("line", "mistakes"),
    [
        ("return a < b", {"return (a <= b)", "return None"}),
        ("return a is None and b", {"return (a is not None) and b", "return (a is None or b)", "return None"}),
        ("return a + 1", {"return (a - 1)", "return a + (2)", "return a + (0)", "return None"}),
        ("if not a: a()", {"if (a): a()", "without a()"}),
        ("if a: a()", {"if (not (a)): a()", "without a()"}),
        ("while a: break", {"while (not (a)): break", "while a: continue"}),
        ("return 'word'", {"return 'word~'"}),
        ("return min(a, b)", {"return max(a, b)", "return None"}),
        ("a += 2", {"a -= 2", "a += (3)", "a += (1)", "without a += 2"}),
        ("return a if b else c", {"return (c if b else a)", "return a if (not (b)) else c", "return None"}),
        ("raise a", {"without raise a"}),
        ("return True", {"return False"}),
    ],
)
def test_an_operator_makes_these_mistakes_of_a_line(line: str, mistakes: set[str]) -> None:
    assert made(f"def f(a, b, c):\n    {line}\n") == mistakes


def test_rows_of_a_table_are_deleted_one_by_one() -> None:
    tables = ["T = {'a': x, 'b': y, 'c': z}", "T = (x, y, z)", "T = F(p, q=x, r=y)", "T = {**d, 'a': x}"]
    without = {
        ast.unparse(ast.parse(mutant.applied(table)))
        for table in tables
        for mutant in mutants("m.py", table)
        if "deleted" in mutant.what
    }
    assert without == {
        "T = {'b': y, 'c': z}", "T = {'a': x, 'c': z}", "T = {'a': x, 'b': y}", "T = (y, z)", "T = (x, z)", "T = (x, y)",
        "T = F(p, r=y)", "T = F(p, q=x)", "T = {**d}",
    }  # fmt: skip


@pytest.mark.parametrize(
    "source",
    [
        '"""A docstring."""',
        "def f(a: 'str', b: int | None = None) -> 'str':\n    '''Words.'''\n    assert a\n",
        "A = Literal['x', 'y']",
        "class C:\n    __slots__ = ('a', 'b')\n    a: 'int'\n",
        "A = f'{b + 1} {c}'",
        "A = 'a text for people'",
        "A = why(why='word')",
    ],
)
def test_texts_types_and_assertions_are_left_alone(source: str) -> None:
    assert made(source) <= {"without why='word'"}


def test_a_mutant_is_one_change_at_its_place_also_behind_characters_of_several_bytes() -> None:
    source = "A = '中文'\nB = x < y\n"
    [mutant] = [mutant for mutant in mutants("m.py", source) if mutant.line == 2]
    assert mutant.applied(source) == "A = '中文'\nB = (x <= y)\n"


def test_a_line_with_break_alone_is_named_with_the_line_before() -> None:
    assert made("def f(a):\n    while g(a):\n        h = a\n        break\n") >= {
        "continue after h = a",
        "without h = a",
    }


def test_what_is_no_other_program_is_no_mutant() -> None:
    source = "a = 1\n"
    assert not differs(Mutant("m.py", 1, 4, 5, "(1)", ""), source)
    assert not differs(Mutant("m.py", 1, 4, 5, "(", ""), source)


def test_a_seed_draws_the_same_mutants_each_of_another_line() -> None:
    paths = ["proxy/attempts/retry_policy.py", "adapters/rules/parameters.py", "adapters/rules/embeddings.py"]
    first, second, other = (drawn(seed, 12, paths) for seed in (1, 1, 2))
    assert first == second != other
    assert len({(mutant.path, mutant.line) for mutant in first}) == 12
    for mutant in first:
        assert differs(mutant, (ROOT / mutant.path).read_text(encoding="utf-8"))


def test_every_mutated_module_has_tests_and_they_are_there() -> None:
    assert len(list(modules())) > 30
    for tests in TESTS.values():
        for test in tests:
            file, _, name = test.partition("::")
            assert f"def {name}" in (ROOT / file).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("path", "mutated"),
    [
        ("proxy/attempts/retry_policy.py", True),
        ("proxy/limiter/scheduler.py", True),
        ("adapters/codecs/openai/chat.py", True),
        ("adapters/rules/messages.py", True),
        ("adapters/vendors/qwen.py", True),
        ("adapters/vendors/kimi/table.py", True),
        ("adapters/core/sse.py", False),
        ("adapters/registry.py", False),
        ("proxy/app.py", False),
    ],
)
def test_what_is_mutated_are_policy_rules_codecs_and_limiter(path: str, mutated: bool) -> None:
    assert bool(covering(path)) == mutated


def test_each_explained_mutant_is_one_that_can_be_made() -> None:
    for path, text in explained():
        source = Path(ROOT, path).read_text(encoding="utf-8")
        assert text in {mutant.text(source) for mutant in mutants(path, source)}, f"{path}: {text}"
