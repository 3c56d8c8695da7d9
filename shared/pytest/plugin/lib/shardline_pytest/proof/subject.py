"""A function that the proof judges: its syntax tree, the values of its outer names, and the functions that it calls.

Values are recorded when the function is registered, before any test file is imported, to detect changes during collection.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import sys
import sysconfig
import types
from typing import TYPE_CHECKING

from .function_source import tree_of
from .known_values import MISSING, Changeable, attribute, frozen
from .modules import is_own

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType, FunctionType
    from typing import Any

    from .kinds import Chain, Token

STANDARD_LIBRARY = tuple({sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")})
SITE_PACKAGES = tuple({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})


def plain_function(callable_: Any) -> FunctionType | None:
    """The Python function behind a bound method or decorated fixture, else None."""
    function = getattr(callable_, "__func__", callable_)
    return function if isinstance(function, types.FunctionType) else None


def is_of_library(code: CodeType) -> bool:
    """Is the code part of the standard library?"""
    return code.co_filename.startswith(STANDARD_LIBRARY) and not code.co_filename.startswith(SITE_PACKAGES)


class Subject:
    """`is_late`: test files may have been imported before its registration, so the values it reads may have changed before."""

    def __init__(self, callable_: Any, is_late: bool = False) -> None:
        self.is_late = is_late
        self.function: FunctionType = getattr(callable_, "__func__", callable_)
        self.owner = getattr(callable_, "__self__", None)
        self.code: CodeType = self.function.__code__
        self.path = self.code.co_filename
        self.line = self.code.co_firstlineno
        self.tree = tree_of(self.code)
        self.locals = frozenset(self.code.co_varnames + self.code.co_cellvars)
        self.tokens: dict[Chain, Token | None] = {}
        self.imported: dict[str, tuple[str, str | None]] = {}
        if self.tree is not None:
            self.imported = local_imports(self.tree)
            for chain in chains(self.tree):
                self.remember(chain)

    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters, in order."""
        count = self.code.co_argcount + self.code.co_kwonlyargcount
        return self.code.co_varnames[:count]

    def root(self, name: str) -> Any:
        """The value of a name outside the function; MISSING for the function's own variables and unknown names."""
        if self.owner is not None and self.code.co_argcount and name == self.code.co_varnames[0]:
            return self.owner
        if name in self.imported:
            return imported_value(self.imported[name])
        if name in self.code.co_freevars:
            try:
                cells: Any = self.function.__closure__
                return cells[self.code.co_freevars.index(name)].cell_contents
            except ValueError:
                return MISSING
        if name in self.locals:
            return self.default(name)
        found = self.function.__globals__.get(name, MISSING)
        return getattr(builtins, name, MISSING) if found is MISSING else found

    def default(self, name: str) -> object:
        """The default value of a parameter; MISSING without one."""
        try:
            value = inspect.signature(self.function).parameters[name].default
        except (KeyError, ValueError, TypeError):
            return MISSING
        return MISSING if value is inspect.Parameter.empty else value

    def remember(self, chain: Chain) -> None:
        """Records the values along a chain."""
        value = self.root(chain[0])
        for depth in range(len(chain)):
            if depth:
                value = attribute(value, chain[depth])
            if value is MISSING:
                return
            try:
                self.tokens[chain[: depth + 1]] = frozen(value)
            except Changeable:
                self.tokens[chain[: depth + 1]] = None

    def called(self) -> Iterator[Any]:
        """The Python functions that it can call by name. They are judged too."""
        for chain in chains(self.tree) if self.tree is not None else ():
            value = self.root(chain[0])
            for name in chain[1:]:
                value = MISSING if value is MISSING else attribute(value, name)
            function = plain_function(value)
            if function is not None and not is_own(function.__module__) and not is_of_library(function.__code__):
                yield value


def chains(tree: ast.AST) -> set[Chain]:
    """("os", "path", "join") for each name and its attributes that the function reads; only the longest."""
    found = set()
    inner = set()
    for each in ast.walk(tree):
        if each in inner or not isinstance(each, (ast.Attribute, ast.Name)):
            continue
        node: ast.expr = each
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
            inner.add(node)
        if isinstance(node, ast.Name):
            found.add((node.id, *reversed(parts)))
    return found


def local_imports(tree: ast.AST) -> dict[str, tuple[str, str | None]]:
    """Local name → (module, attribute or None), from the import statements in the function."""
    found: dict[str, tuple[str, str | None]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name if alias.asname else alias.name.partition(".")[0]
                found[alias.asname or top] = (top, None)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module is not None:
            for alias in node.names:
                found[alias.asname or alias.name] = (node.module, alias.name)
    return found


def imported_value(source: tuple[str, str | None]) -> object:
    """The value of such an import; MISSING if the module is not loaded."""
    module_name, name = source
    module = sys.modules.get(module_name, MISSING)
    if module is MISSING or name is None:
        return module
    found = vars(module).get(name, MISSING)
    return sys.modules.get(f"{module_name}.{name}", MISSING) if found is MISSING else found
