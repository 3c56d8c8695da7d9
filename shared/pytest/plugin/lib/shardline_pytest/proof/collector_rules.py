"""Judges the collector and item classes of a suite or plugin: each may create nodes of its own file only.

Judges all their lines, as if all ran.
"""

from __future__ import annotations

import sys
import types
from typing import TYPE_CHECKING

from .collectors import DIRECTORIES
from .kinds import OWN_NODE, Value
from .line_rules import Judgement, environment_of
from .modules import is_own, place
from .reviewed_plugins import review_of
from .subject import plain_function
from .unproven import Unproven

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType
    from typing import Any

    import pytest
    from _pytest.nodes import Node

    from .findings import Problem
    from .hook_proof import HookProof

# Methods that pytest calls during collection.
METHODS = ("__init__", "from_parent", "collect", "_genfunctions", "_getobj", "_importtestmodule")
# Methods that pytest calls while tests run, or to report them.
RUN_METHODS = frozenset(
    "_prunetraceback _repr_failure_py _traceback_filter repr_failure reportinfo runtest setup teardown __repr__ __str__".split()
)
FUNCTIONS = (types.FunctionType, classmethod, staticmethod)


def custom_classes(items: list[pytest.Item]) -> list[type]:
    """The classes of these items and their collectors that are not pytest's, each once."""
    found: dict[type, None] = {}
    seen: set[int] = set()
    for item in list.__iter__(items):
        node: Node | None = item
        while node is not None and id(node) not in seen:
            if node is not item:
                seen.add(id(node))
            if not is_own(type(node).__module__) and type(node) not in found:
                found[type(node)] = None
            node = node.parent
    return list(found)


def judge_class(proof: HookProof, kind: type) -> Problem | None:
    """The problem of a class, or None. "hook" names its method."""
    if isinstance(kind, type) and issubclass(kind, DIRECTORIES):
        directory: Any = kind
        code = directory.collect.__code__
        return {"hook": kind.__name__, "place": place(code.co_filename, code.co_firstlineno, proof.root), "why": "collects a directory"}
    for base in kind.__mro__:
        if base is object or is_own(base.__module__) or is_of_standard_library(base):
            continue
        for name, function in members(base, kind):
            problem = judge_member(proof, base, kind, name, function)
            if problem is not None:
                return problem
    return None


def members(base: type, kind: type) -> Iterator[tuple[str, Any]]:
    """The functions of a class that pytest, or other members of it, can call during collection."""
    for name, value in list(vars(base).items()):
        if name in RUN_METHODS:
            continue
        function = next((getattr(value, part) for part in ("fget", "func", "__func__") if hasattr(value, part)), value)
        is_called = not isinstance(value, FUNCTIONS) or name.startswith("__") or overrides(base, kind, name)
        if is_called and callable(function) and not isinstance(function, type):
            yield name, function


def overrides(base: type, kind: type, name: str) -> bool:
    """Does the name override a member of pytest's classes, or of another base class, through which pytest may call it?"""
    return name in METHODS or any(name in vars(other) for other in kind.__mro__ if other is not base and other is not object)


def judge_member(proof: HookProof, base: type, kind: type, name: str, function: Any) -> Problem | None:
    """The problem of one function of a class, or None."""
    shown = f"{base.__name__}.{name}"
    code = getattr(plain_function(function), "__code__", None)
    if code is None:
        return {"hook": shown, "place": proof_place(proof, base), "why": "is not written in Python"}
    if is_made_by_python(code) or review_of(function, proof.config) is not None or is_own(function.__module__):
        return None
    subject = proof.subject_of(function)
    if subject is None:
        return {"hook": shown, "place": proof_place(proof, base), "why": "is code of a library"}
    env = environment_of(subject, is_collector=True)
    if name in ("from_parent", "__new__", "__init_subclass__") and subject.parameters():
        env[subject.parameters()[0]] = Value(OWN_NODE)
    try:
        Judgement(proof, subject, None, env, own_class=kind).judge()
    except Unproven as unproven:
        return {"hook": shown, "place": place(unproven.path or subject.path, unproven.line, proof.root), "why": unproven.why}
    except Exception as error:  # a form that the rules do not foresee
        where = place(subject.path, subject.line, proof.root)
        return {"hook": shown, "place": where, "why": f"cannot be judged ({type(error).__name__})"}
    return None


def is_of_standard_library(base: type) -> bool:
    return getattr(base.__module__, "partition", str)(".")[0] in ("abc", "builtins", "collections", "enum", "functools", "typing")


def is_made_by_python(code: CodeType) -> bool:
    """Generated functions, such as those of a dataclass or named tuple, have no source."""
    return code.co_filename.startswith("<")


def proof_place(proof: HookProof, base: type) -> str:
    return place(getattr(sys.modules.get(base.__module__), "__file__", None) or base.__module__, 1, proof.root)
