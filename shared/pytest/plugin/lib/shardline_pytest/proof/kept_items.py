"""Checks whether two lists that a loop fills split all items between them.

Then an empty one means that the other holds every item, once.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .kinds import Value


def are_complements(left: Value, right: Value) -> bool:
    """Both are values of kind `kept`."""
    if left is right:
        return False
    if left.loop is not None and left.loop is right.loop:
        names = (left.name or "", right.name or "")
        return all(to_guard or kept == 1 for to_guard, kept, _ in paths(left.loop.body, *names))
    if left.condition is not None and right.condition is not None:
        return negates(left.condition, right.condition) or negates(right.condition, left.condition)
    return False


def negates(condition: ast.expr, other: ast.expr) -> bool:
    """Is the condition `not other`?"""
    return isinstance(condition, ast.UnaryOp) and isinstance(condition.op, ast.Not) and ast.dump(condition.operand) == ast.dump(other)


def paths(statements: Sequence[ast.stmt], guard: str, kept: str) -> set[tuple[bool, int, bool]]:
    """(appended to the guard?, number of appends to the kept list, left the iteration?) for each way through the statements."""
    found = {(False, 0, False)}
    for statement in statements:
        after = {each for each in found if each[2]}
        for to_guard, times, _ in found - after:
            if is_append(statement, (guard,)):
                after.add((True, times, False))
            elif is_append(statement, (kept,)):
                after.add((to_guard, times + 1, False))
            elif isinstance(statement, ast.Continue):
                after.add((to_guard, times, True))
            elif isinstance(statement, ast.If):
                for branch in (statement.body, statement.orelse):
                    after.update((to_guard or more, times + again, left) for more, again, left in paths(branch, guard, kept))
            elif decides(statement, (guard, kept)):
                after.add((False, 0, True))
            else:
                after.add((to_guard, times, False))
        found = after
    return found


def decides(statement: ast.AST, names: tuple[str, ...]) -> bool:
    """May an error, loop or context skip what is in the statement? Then the way of an item is unknown."""
    return any(isinstance(each, ast.Continue) or is_append(each, names) for each in ast.walk(statement) if isinstance(each, ast.stmt))


def is_append(statement: ast.AST, names: tuple[str, ...]) -> bool:
    """Is it `NAME.append(…)` with one of these names?"""
    call = statement.value if isinstance(statement, ast.Expr) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute) or call.func.attr != "append":
        return False
    return isinstance(call.func.value, ast.Name) and call.func.value.id in names
