"""Checks whether a module global still is the literal of its source, so that nothing has changed it."""

from __future__ import annotations

import ast
import linecache
from functools import cache


@cache
def literals_of(path: str) -> dict[str, object]:
    """Maps the names that the module assigns once, at its top level, from a literal, to their values."""
    try:
        tree = ast.parse("".join(linecache.getlines(path)))
    except (SyntaxError, ValueError):
        return {}
    stored = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    values = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            try:
                values[node.targets[0].id] = ast.literal_eval(node.value)
            except ValueError:
                continue
    return {name: value for name, value in values.items() if stored.count(name) == 1}


def is_own_literal(path: str, name: str, value: object) -> bool:
    literals = literals_of(path)
    return name in literals and type(literals[name]) is type(value) and literals[name] == value
