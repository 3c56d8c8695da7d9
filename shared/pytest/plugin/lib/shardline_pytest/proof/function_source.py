"""The syntax tree of a compiled function, parsed from its own lines only, as conftests can be long."""

from __future__ import annotations

import ast
import inspect
import linecache
import textwrap
import tokenize
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import CodeType


@cache
def tree_of(code: CodeType) -> ast.FunctionDef | None:
    """The `ast.FunctionDef`, with line numbers of the file; None if the source is missing or differs."""
    lines = linecache.getlines(code.co_filename)
    start = code.co_firstlineno - 1
    if not 0 <= start < len(lines):
        return None
    try:
        block = inspect.getblock(lines[start:])
        tree: ast.Module | None = ast.parse(textwrap.dedent("".join(block)))
    except (SyntaxError, ValueError, IndexError, tokenize.TokenError):
        tree = parsed_in_a_block(lines[start:])
        start -= 1
    if tree is None:
        return None
    ast.increment_lineno(tree, start)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == code.co_name:
            return node
    return None


def parsed_in_a_block(lines: list[str]) -> ast.Module | None:
    """Parses a method that contains less indented text, which `dedent` cannot shift."""
    try:
        return ast.parse("if 1:\n" + "".join(inspect.getblock(lines)))
    except (SyntaxError, ValueError, IndexError, tokenize.TokenError):
        return None


def source_text(code: CodeType) -> str | None:
    """The lines of the function without trailing blanks, to make a digest; None if they are missing."""
    lines = linecache.getlines(code.co_filename)[code.co_firstlineno - 1 :]
    try:
        return "\n".join(line.rstrip() for line in textwrap.dedent("".join(inspect.getblock(lines))).splitlines())
    except (SyntaxError, ValueError, IndexError, tokenize.TokenError):
        return None
