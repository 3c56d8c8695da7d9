"""The marks that shardline defines: registers them unless the suite does, and reads them without importing a file if possible."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from .needs import REQUIRES, RESOURCE

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

TOGETHER = "shard_together"


def register_marks(config: pytest.Config, serial_marker: str) -> None:
    """Registers the marks, as --strict-markers demands. The suite's own description of a mark stays."""
    known = {line.partition(":")[0].partition("(")[0].strip() for line in config.getini("markers")}
    own = {
        serial_marker: "runs alone, after all others (shardline).",
        TOGETHER + "(name)": "files of one name go to one shard (shardline).",
        REQUIRES + "(*labels)": "runs only on an agent with these labels (shardline).",
        RESOURCE + "(name, n=1)": "holds n units of a resource that the fleet shares (shardline).",
    }
    for mark, meaning in own.items():
        if mark.partition("(")[0] not in known:
            config.addinivalue_line("markers", f"{mark}: {meaning}")


def names_in(path: Path) -> tuple[set[str], list[int]]:
    """The names in the shard_together marks of a file, and the lines of marks whose name is not a literal. Imports nothing."""
    names: set[str] = set()
    unclear: list[int] = []
    source = path.read_bytes()
    if TOGETHER.encode("ascii") not in source:
        return names, unclear
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return names, unclear  # pytest reports it when it collects the file
    named: dict[ast.AST, str | None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and is_mark(node.func):
            named[node.func] = literal_name(node)
        elif isinstance(node, ast.Attribute) and is_mark(node):
            name = named.get(node)
            if name is None:
                unclear.append(node.lineno)
            else:
                names.add(name)
    return names, sorted(unclear)


def is_mark(node: ast.AST) -> bool:
    """Is it `pytest.mark.shard_together` or `mark.shard_together`?"""
    if not isinstance(node, ast.Attribute) or node.attr != TOGETHER:
        return False
    return getattr(node.value, "attr", None) == "mark" or getattr(node.value, "id", None) == "mark"


def literal_name(call: ast.Call) -> str | None:
    """The only argument of the mark, positional or `name`, if it is a literal text; else None."""
    arguments = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg == "name")]
    value = arguments[0] if len(arguments) == 1 else None
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None


def group_names(item: pytest.Item) -> set[str]:
    """The item's xdist groups, as xdist reads them for `--dist loadgroup`."""
    return {str(mark.args[0] if mark.args else mark.kwargs.get("name", "default")) for mark in item.iter_markers("xdist_group")}
