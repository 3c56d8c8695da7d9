"""Checks whether pytest's own classes and functions for collection are unpatched."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING

import pytest
from _pytest import fixtures, main, mark, nodes, python, runner

from .modules import is_own, place, top_package
from .reviewed_plugins import reviewed_packages

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from .findings import Problem

MODULES = (fixtures, main, mark, nodes, python, runner)
CLASSES = tuple(
    getattr(pytest, name)
    for name in ("Class", "Collector", "Dir", "Directory", "File", "Function", "Item", "Metafunc", "Module", "Package", "Session")
    if hasattr(pytest, name)
)


def functions() -> dict[tuple[Any, str], Any]:
    """(owner, name) → the function, property or descriptor that the owner has now."""
    return {
        (owner, name): value
        for owner in (*MODULES, *CLASSES, nodes.Node, nodes.FSCollector)
        for name, value in vars(owner).items()
        if isinstance(value, (types.FunctionType, property, classmethod, staticmethod)) and not name.startswith("_abc")
    }


# Recorded at import, before any conftest is loaded, as the command line loads the plugin.
AT_START = functions()


def patched(root: str) -> Iterator[Problem]:
    """The problem of each function that differs from the start."""
    reviewed = reviewed_packages()
    now = functions()
    for key in AT_START.keys() | now.keys():
        old, new = AT_START.get(key), now.get(key)
        if old is new:
            continue
        owner, name = key
        function = new
        for inner in ("fget", "__func__"):
            function = getattr(function, inner, None) or function
        code = getattr(function, "__code__", None)
        # A patch with functools.wraps keeps the module name of the original.
        module = getattr(function, "__globals__", {}).get("__name__")
        if (old is None and is_own(module)) or top_package(module) in reviewed or top_package(module) == "shardline_pytest":
            continue
        where = "pytest" if code is None else place(code.co_filename, code.co_firstlineno, root)
        shown = f"{owner.__name__.rpartition('.')[2]}.{name}"
        yield {"hook": shown, "place": where, "why": "replaces a function of pytest"}
