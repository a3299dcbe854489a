"""Every mutation that cosmic-ray's operators can make of a module, but for those that no test should see."""

from __future__ import annotations

import ast
import difflib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

Place = tuple[int, int]  # a line, from 1, and a column, from 0

ARITHMETIC = "Add|Sub|Mul|Div|FloorDiv|Mod|Pow"
# Equal in CPython for strings, small numbers and singletons; or (bits of a float) any test would raise.
UNTELLING = re.compile(
    r"_(Eq_Is|Is_Eq|NotEq_IsNot|IsNot_NotEq)$"
    rf"|BinaryOperator_({ARITHMETIC})_(?!({ARITHMETIC})$)"
    rf"|BinaryOperator_(?!({ARITHMETIC})_)\w+_({ARITHMETIC})$"
)


@dataclass(frozen=True)
class Mutation:
    """One change of one place of a module."""

    module: str  # the path below the repository
    operator: str
    occurrence: int  # cosmic-ray's count of this operator's places in the module
    start: Place
    line: str  # as it was, without indentation
    twin: int  # how many lines above read the same
    choice: int  # which of the operator's changes at this place

    @property
    def site(self) -> str:
        """Return what stays the same when other lines of the module change."""
        return f"{self.module}:{self.line}:{self.twin}:{self.start[1]}"

    @property
    def key(self) -> str:
        """Return the site and what is done there."""
        return f"{self.site}:{self.operator}:{self.choice}"

    def apply(self, source: str) -> str:
        """Return the module with this change."""
        return mutate_code(source, _operator(self.operator), self.occurrence) or source


def mutations(module: str, source: str) -> Iterator[Mutation]:
    """Yield all mutations of a module that a test could see."""
    tree = get_ast(source)
    nodes, hidden = list(ast_nodes(tree)), list(_without_behaviour(ast.parse(source)))
    lines = [line.strip() for line in source.splitlines()]
    twins = [Counter(lines[:number])[line] for number, line in enumerate(lines)]
    for name in _telling_operators():
        seen: Counter[Place] = Counter()
        places = (place for node in nodes for place in _operator(name).mutation_positions(node))
        for occurrence, (start, _) in enumerate(places):
            if not any(first <= start < last for first, last in hidden):
                row = start[0] - 1
                yield Mutation(module, name, occurrence, start, lines[row], twins[row], seen[start])
                seen[start] += 1


def change(source: str, mutated: str) -> tuple[str, str] | None:
    """Return the lines before and after; None if that is no program, or the same one."""
    try:
        if ast.dump(ast.parse(mutated)) == ast.dump(ast.parse(source)):
            return None
    except SyntaxError:
        return None
    lines = list(difflib.unified_diff(source.splitlines(), mutated.splitlines(), n=0, lineterm=""))[3:]
    before, after = (
        "\n".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in ("-", "+")
    )
    return before.strip(), after.strip()


def read(root: Path, module: str) -> str:
    """Return the source of a module."""
    return (root / module).read_text(encoding="utf-8")


def _operator(name: str) -> Any:
    return get_operator(name)()


def _telling_operators() -> Iterable[str]:
    return [
        name for name in operator_names() if not get_operator(name).arguments() and not UNTELLING.search(name)
    ]


def _without_behaviour(tree: ast.Module) -> Iterator[tuple[Place, Place]]:
    """Yield where annotations, messages and imports for mypy alone begin and end."""
    for node in ast.walk(tree):
        match node:
            case ast.AnnAssign(annotation=found) | ast.arg(annotation=ast.expr() as found):
                yield _extent(found)
            case ast.FunctionDef(returns=ast.expr() as found):
                yield _extent(found)
            case ast.Raise() | ast.Call(func=ast.Attribute(value=ast.Name("log"))):
                yield _extent(node)
            case ast.If(test=ast.Name("TYPE_CHECKING")):
                yield _extent(node)


def _extent(node: ast.stmt | ast.expr) -> tuple[Place, Place]:
    return (node.lineno, node.col_offset), (node.end_lineno or 0, node.end_col_offset or 0)
