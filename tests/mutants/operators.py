"""Creates the mutants of a module's source, each with one piece replaced.

Docstrings, type hints, assertions, f-strings and texts for users (strings with a space, and the ``why`` of a verdict) are
not mutated: such a mutant changes no behaviour, or only texts.
"""

import ast
import copy
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

OPPOSITES: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.LShift: ast.RShift, ast.RShift: ast.LShift,
}  # fmt: skip
FUNCTIONS = {"min": "max", "max": "min", "any": "all", "all": "any"}
DELETED_STATEMENT = "statement deleted"
DELETED = (ast.Assign, ast.AugAssign, ast.Raise, ast.Delete)
FOR_PEOPLE = {"why", "title", "docs"}
"""Arguments whose text is read by people."""
PATTERNS = {"text", "figure"}
"""Arguments whose text is compared, although it may have spaces."""

Piece = tuple[int, int, str, str]
"""From, to (bytes of the source), the text that takes their place, and the name of the operator."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mistake. ``line`` counts from 1; ``start`` and ``end`` are bytes of the source; ``what`` is the operator."""

    path: str
    line: int
    start: int
    end: int
    new: str
    what: str

    def applied(self, source: str) -> str:
        """The module's source with the mistake in it."""
        data = source.encode()
        return (data[: self.start] + self.new.encode() + data[self.end :]).decode()

    def text(self, source: str) -> str:
        """The line with the mistake in it, without the space around it.

        Of a deleted row or statement: ``without`` and it. Of a line that has only ``break`` or ``continue``: also the line
        before, since a module has many of them.
        """
        if not self.new or self.what == DELETED_STATEMENT:
            row = source.encode()[self.start : self.end].decode()
            return f"without {' '.join(row.split()).strip(', ')}"
        before, line = (
            text.strip() for text in ["", *self.applied(source).splitlines()][self.line - 1 : self.line + 1]
        )
        return f"{line} after {before}" if line in ("break", "continue") else line


@cache
def mutants(path: str, source: str) -> tuple[Mutant, ...]:
    """Every mutant of a module, in the order of its lines. Some are no mistake: see :func:`differs`."""
    finder = Finder(source)
    finder.visit(ast.parse(source))
    pieces = sorted(set(finder.found))
    lines = [bisect_right(finder.starts, start) for start, *_ in pieces]
    return tuple(Mutant(path, line, *piece) for line, piece in zip(lines, pieces, strict=True))


def differs(mutant: Mutant, source: str) -> bool:
    """Return whether the mutant is a valid program that differs from the source."""
    try:
        return ast.dump(ast.parse(mutant.applied(source))) != ast.dump(ast.parse(source))
    except SyntaxError:
        return False


class Finder(ast.NodeVisitor):
    """Walks a module and collects the pieces to replace."""

    def __init__(self, source: str) -> None:
        self.found: list[Piece] = []
        self.starts = [0]
        for line in source.encode().splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))
        self._depth = 0  # of functions

    # --- what is left alone ---------------------------------------------------------------------------------------

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Skip it: the positions inside are not those of the source."""

    def visit_Assert(self, node: ast.Assert) -> None:
        """Skip it: it only narrows types."""

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_Assign(self, node: ast.Assign) -> None:
        names = {target.id for target in node.targets if isinstance(target, ast.Name)}
        if "__slots__" in names or (isinstance(node.value, ast.Subscript) and not self._depth):
            return  # the second is a type's other name
        self._delete(node)
        self.visit(node.value)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._depth += 1
        for default in (*node.args.defaults, *(value for value in node.args.kw_defaults if value)):
            self.visit(default)
        for statement in node.body:
            self.visit(statement)
        self._depth -= 1

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for statement in node.body:
            self.visit(statement)

    # --- statements -----------------------------------------------------------------------------------------------

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Constant):
            return  # a docstring, or the body of a protocol's method
        self._delete(node)
        self.visit(node.value)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self._delete(node)
        self._swap_arithmetic(node)
        self.visit(node.value)

    def visit_Raise(self, node: ast.Raise) -> None:
        self._delete(node)
        self.generic_visit(node)

    def visit_Delete(self, node: ast.Delete) -> None:
        self._delete(node)

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is not None and not isinstance(node.value, ast.Constant):
            self._replace(node.value, "None", "return value replaced")
        self.generic_visit(node)

    def visit_Break(self, node: ast.Break) -> None:
        self._replace(node, "continue", "break for continue")

    def visit_Continue(self, node: ast.Continue) -> None:
        self._replace(node, "break", "continue for break")

    def visit_If(self, node: ast.If | ast.While) -> None:
        self._negate(node.test)
        self.generic_visit(node)

    visit_While = visit_If

    # --- expressions ----------------------------------------------------------------------------------------------

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._negate(node.test)
        self._change(node, lambda new: _exchange(new, "body", "orelse"), "branches exchanged")
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        for at, op in enumerate(node.ops):
            self._change(node, lambda new, at=at, op=op: _set_op(new, at, OPPOSITES[type(op)]()), "comparison swapped")  # type: ignore[misc]
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        self._change(node, lambda new: setattr(new, "op", other), "and for or, or for and")
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not):
            self._replace(node, f"({ast.unparse(node.operand)})", "not removed")
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        self._swap_arithmetic(node)
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        value = node.value
        if value is True or value is False:
            self._replace(node, str(not value), "constant changed")
        elif isinstance(value, int | float):
            self._replace(node, f"({value + 1!r})", "constant + 1")
            self._replace(node, f"({value - 1!r})", "constant - 1")
        elif isinstance(value, str) and value and " " not in value:
            self._replace(node, repr(value + "~"), "string changed")
        elif isinstance(value, bytes) and value:
            self._replace(node, repr(value + b"~"), "string changed")

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS:
            self._replace(node.func, FUNCTIONS[node.func.id], "function swapped")
        if not self._depth and node.keywords:
            self._delete_rows([*node.args, *node.keywords], "argument deleted", first=len(node.args))
        self.visit(node.func)
        for argument in node.args:
            self.visit(argument)
        for keyword in node.keywords:
            self._visit_keyword(keyword)

    def _visit_keyword(self, keyword: ast.keyword) -> None:
        value = keyword.value
        if keyword.arg in PATTERNS and isinstance(value, ast.Constant) and isinstance(value.value, str):
            self._replace(value, repr(value.value + "~"), "string changed")
        elif keyword.arg not in FOR_PEOPLE:
            self.visit(value)

    def visit_Dict(self, node: ast.Dict) -> None:
        if not self._depth and all(node.keys[at] is not None for at in range(1, len(node.keys))):
            rows = list(zip(node.keys, node.values, strict=True))
            plain = [(key, value) for key, value in rows if key is not None]
            for at, (key, value) in enumerate(plain):
                if at + 1 < len(plain):
                    self._take_out(self._start(key), self._start(plain[at + 1][0]))
                elif len(rows) > 1:
                    self._take_out(self._end(rows[-2][1]), self._end(value))
        self.generic_visit(node)

    def visit_Tuple(self, node: ast.Tuple | ast.List | ast.Set) -> None:
        if not self._depth:
            self._delete_rows(node.elts, "row deleted")
        self.generic_visit(node)

    visit_List = visit_Set = visit_Tuple

    # --- writing down ---------------------------------------------------------------------------------------------

    def _start(self, node: ast.expr | ast.stmt | ast.keyword) -> int:
        return self.starts[node.lineno - 1] + node.col_offset

    def _end(self, node: ast.expr | ast.stmt | ast.keyword) -> int:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self.starts[node.end_lineno - 1] + node.end_col_offset

    def _replace(self, node: ast.expr | ast.stmt, new: str, what: str) -> None:
        self.found.append((self._start(node), self._end(node), new, what))

    def _take_out(self, start: int, end: int, what: str = "row deleted") -> None:
        self.found.append((start, end, "", what))

    def _delete(self, node: ast.stmt) -> None:
        if self._depth:
            self._replace(node, "pass", DELETED_STATEMENT)

    def _delete_rows(self, rows: Sequence[ast.expr | ast.keyword], what: str, first: int = 0) -> None:
        """Each row but those before ``first``, with the comma that parts it from the next, or from the one before."""
        for at in range(first, len(rows)):
            if at + 1 < len(rows):
                self._take_out(self._start(rows[at]), self._start(rows[at + 1]), what)
            elif at:
                self._take_out(self._end(rows[at - 1]), self._end(rows[at]), what)
            elif what == "argument deleted":
                self._take_out(self._start(rows[at]), self._end(rows[at]), what)

    def _negate(self, test: ast.expr) -> None:
        if isinstance(test, ast.Name | ast.Attribute | ast.Call | ast.BoolOp | ast.NamedExpr):
            self._replace(test, f"(not ({ast.unparse(test)}))", "not added")

    def _swap_arithmetic(self, node: ast.BinOp | ast.AugAssign) -> None:
        other = ARITHMETIC.get(type(node.op))
        if other is not None:
            self._change(node, lambda new: setattr(new, "op", other()), "arithmetic swapped")

    def _change(self, node: ast.expr | ast.AugAssign, change: Callable[[ast.AST], None], what: str) -> None:
        new = copy.deepcopy(node)
        change(new)
        text = ast.unparse(new)
        self._replace(node, text if isinstance(node, ast.stmt) else f"({text})", what)


def _exchange(node: ast.AST, one: str, other: str) -> None:
    first, second = getattr(node, one), getattr(node, other)
    setattr(node, one, second)
    setattr(node, other, first)


def _set_op(node: ast.AST, at: int, op: ast.cmpop) -> None:
    assert isinstance(node, ast.Compare)
    node.ops[at] = op
