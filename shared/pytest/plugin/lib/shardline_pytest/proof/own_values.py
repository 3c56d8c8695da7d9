"""Values that a hook reaches through a test: its class, function or module, its marks and parameters.

Files may share such a value, and a file that is collected earlier may have changed it. Only values that the test's own file defines are
usable.
"""

from __future__ import annotations

import ast
import linecache
import sys
from functools import cache
from typing import TYPE_CHECKING

import pytest

from .known_values import CODE_TYPES, MISSING, Changeable, frozen

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# Attributes that a class or function gets by its definition.
DEFINED = frozenset(["__class__", "__doc__", "__file__", "__module__", "__name__", "__package__", "__qualname__", "__test__"])
# Attributes of an object that is not reached from the test: what nodes and most values have.
OBJECT_NAMES = DEFINED | {"fspath", "name", "nodeid", "parent", "path"}
NODE_NAMES = frozenset("cls fspath function keywords module name nodeid obj originalname own_markers parent path".split())
MUTABLE = (list, dict, set, bytearray)
BUILDERS = frozenset(["dict", "frozenset", "list", "param", "range", "set", "tuple"])


class OwnValues:
    """`items` returns all items that were collected, with those that were filtered out."""

    def __init__(self, items: Callable[[], list[pytest.Item]]) -> None:
        self.items = items

    def judge(self, path: tuple[Any, ...]) -> bool | None:
        """For a path such as `("cls", "cases")` of every item: is the value plain data? None if files may share it."""
        is_plain = True
        for item in self.items():
            value, holder = reached(item, path)
            if value is MISSING:
                continue
            if isinstance(value, (pytest.Item, pytest.Collector, *CODE_TYPES)) or len(path) == 1:
                is_plain = False
            elif (
                path[-1] not in DEFINED
                and not (isinstance(holder, pytest.Collector) and path[-1] in NODE_NAMES)
                and not is_own(item, value, holder, path[-1])
            ):
                return None
        return is_plain

    def are_marks_own(self, name: str | None) -> bool:
        """Do the arguments of all marks of this name (None: of all marks) belong to the test's own file?"""
        for item in self.items():
            for mark in item.iter_markers(name):
                values = [*mark.args, *mark.kwargs.values()]
                if not all(is_unchangeable(value) or is_literal_of(item, value) for value in values):
                    return False
        return True

    def are_parameters_own(self, name: str | None) -> bool:
        """The same for the values of a parameter. None means all parameters."""
        for item in self.items():
            parameters = getattr(getattr(item, "callspec", None), "params", {})
            values = parameters.values() if name is None else [parameters.get(name)]
            if not all(is_unchangeable(value) or is_literal_of(item, value) for value in values):
                return False
        return True


def reached(item: pytest.Item, path: tuple[Any, ...]) -> tuple[Any, Any]:
    """(value, holder) at the end of the path; MISSING if it is not stored."""
    value: Any = item
    holder: Any = None
    for name in path:
        if isinstance(value, (pytest.Item, pytest.Collector)):
            value, holder = getattr(value, name, MISSING), value
        elif isinstance(value, type):
            holder = next((base for base in value.__mro__ if name in vars(base)), None)
            value = MISSING if holder is None else vars(holder)[name]
        elif name in DEFINED:
            value, holder = getattr(value, name, MISSING), value
        else:
            found = getattr(value, "__dict__", {}).get(name, MISSING)
            value, holder = (found, value) if found is not MISSING else reached_by_class(value, name)
        if value is MISSING:
            break
    return value, holder


def reached_by_class(value: Any, name: str) -> tuple[Any, Any]:
    holder = next((base for base in type(value).__mro__ if name in vars(base)), None)
    return (MISSING, None) if holder is None else (vars(holder)[name], holder)


def is_own(item: pytest.Item, value: Any, holder: Any, name: str) -> bool:
    file = file_of(holder)
    if is_unchangeable(value) and (file == str(item.path) or has_own_literal(file, holder, name, value)):
        return True
    if file != str(item.path) or type(value) not in (*MUTABLE, tuple):
        return False
    node = assigned_in(file, getattr(holder, "__qualname__", None), name)
    return node is not None and is_display(node, vars(sys.modules.get(holder.__module__)))


def file_of(holder: Any) -> str | None:
    name = getattr(holder, "__module__", None) if not hasattr(holder, "__file__") else holder.__name__
    return getattr(sys.modules.get(str(name)), "__file__", None)


def is_unchangeable(value: Any) -> bool:
    """Is it plain data without a container that can change?"""
    if isinstance(value, CODE_TYPES):
        return True
    if type(value) in MUTABLE:
        return False
    if isinstance(value, (tuple, frozenset)):
        return all(is_unchangeable(each) for each in value)
    try:
        frozen(value)
    except Changeable:
        return False
    return True


@cache
def syntax(path: str) -> ast.Module:
    try:
        return ast.parse("".join(linecache.getlines(path)))
    except (SyntaxError, ValueError):
        return ast.Module(body=[], type_ignores=[])


def assigned_in(path: str, class_name: str | None, name: str) -> ast.expr | None:
    """The only expression that the class body assigns to the name; None without exactly one."""
    body = syntax(path).body
    for part in (class_name or "").split("."):
        body = next((node.body for node in body if isinstance(node, ast.ClassDef) and node.name == part), [])
    found = [
        node.value
        for node in body
        if isinstance(node, ast.Assign) and any(isinstance(each, ast.Name) and each.id == name for each in node.targets)
    ]
    return found[0] if len(found) == 1 else None


def has_own_literal(path: str | None, holder: Any, name: str, value: Any) -> bool:
    node = assigned_in(path, getattr(holder, "__qualname__", None), name) if isinstance(path, str) else None
    try:
        return node is not None and ast.literal_eval(node) == value
    except ValueError:
        return False


def is_display(node: ast.AST, names: dict[str, Any]) -> bool:
    """Is it a literal container, as are all containers in it?"""
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return all(is_display(each, names) for each in node.elts)
    if isinstance(node, ast.Dict):
        return all(each is not None and is_display(each, names) for each in [*node.keys, *node.values])
    if isinstance(node, ast.Call):
        called = getattr(node.func, "attr", None) or getattr(node.func, "id", None)
        return called in BUILDERS and all(is_display(each, names) for each in [*node.args, *(each.value for each in node.keywords)])
    if isinstance(node, ast.Name):
        return is_unchangeable(names.get(node.id, [])) or node.id in ("None", "True", "False")
    try:
        ast.literal_eval(node)
    except ValueError:
        return False
    return True


@cache
def literals(path: str) -> list[object]:
    found = []
    for node in ast.walk(syntax(path)):
        if isinstance(node, (ast.List, ast.Dict, ast.Set, ast.Tuple)):
            try:
                found.append(ast.literal_eval(node))
            except ValueError:
                continue
    return found


def is_literal_of(item: pytest.Item, value: Any) -> bool:
    """Does it equal a literal container in the test's file?"""
    if type(value) not in (*MUTABLE, tuple):
        return False
    try:
        frozen(value)
    except Changeable:
        return False
    return any(type(each) is type(value) and each == value for each in literals(str(item.path)))
