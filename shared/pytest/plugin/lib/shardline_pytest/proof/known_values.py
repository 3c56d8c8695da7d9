"""Values that a hook reads by a global name, a closure, its plugin object or the config: are they plain data, and unchanged?"""

from __future__ import annotations

import collections
import enum
import os
import pathlib
import re
import types
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from typing import Any

    from .kinds import Token

MAX_ELEMENTS = 20000
MISSING = object()
# Stands for every `pytest.mark.NAME`: pytest warns about an unknown mark, or fails with --strict-markers.
ANY_MARK = pytest.mark.skip
CODE_TYPES = (
    types.ModuleType,
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
    type,
)
CONTAINERS = (tuple, list, set, frozenset, dict, range, collections.OrderedDict)
SCALARS = (type(None), bool, int, float, complex, str, bytes, type(Ellipsis))
ENVIRONMENT = os.environ


class Changeable(Exception):
    """The value is not plain data, so it may change unnoticed."""


def frozen(value: Any, depth: int = 0) -> Token:
    """A hashable token that changes with the value. Raises Changeable unless it is plain data, code, a mark or a path."""
    if type(value) in SCALARS:
        return (type(value).__name__, value)
    if isinstance(value, CODE_TYPES) or type(value).__name__ == "FixtureFunctionDefinition":
        return ("code", id(value))
    if value is ENVIRONMENT:
        return ("environment",)
    if isinstance(value, (pathlib.PurePath, re.Pattern, enum.Enum)) or is_version(value):
        return (type(value).__name__, repr(value))
    if isinstance(value, pytest.MarkDecorator):
        value = value.mark
    if isinstance(value, pytest.Mark):
        return ("mark", value.name, frozen(value.args, depth), frozen(value.kwargs, depth))
    if isinstance(value, type(pytest.mark)):
        return ("marks",)
    if depth > 8 or not (type(value) in CONTAINERS or (hasattr(type(value), "_fields") and isinstance(value, tuple))):
        raise Changeable(type(value).__name__)
    if len(value) > MAX_ELEMENTS:
        raise Changeable(f"a large {type(value).__name__}")
    if isinstance(value, range):
        return ("range", repr(value))
    if isinstance(value, dict):
        return ("dict", frozenset((frozen(key, depth + 1), frozen(each, depth + 1)) for key, each in value.items()))
    parts = [frozen(each, depth + 1) for each in value]
    return (type(value).__name__, frozenset(parts) if isinstance(value, (set, frozenset)) else tuple(parts))


def is_version(value: Any) -> bool:
    """Is it a version object of `packaging`, or of a vendored copy?"""
    return type(value).__name__ == "Version" and type(value).__module__.endswith("version")


def is_data(value: Any) -> bool:
    """Is it plain data, with only the methods of its own type?"""
    try:
        frozen(value)
    except Changeable:
        return False
    return not isinstance(value, CODE_TYPES)


def attribute(value: Any, name: str) -> Any:
    """The stored attribute, without running a property or `__getattr__`; MISSING if it is not stored."""
    if isinstance(value, types.ModuleType):
        return vars(value).get(name, MISSING)
    if isinstance(value, type(pytest.mark)):
        return ANY_MARK if not name.startswith("_") else MISSING
    if not isinstance(value, type):
        own = getattr(value, "__dict__", {})
        if name in own:
            return own[name]
    found = MISSING
    for base in (value if isinstance(value, type) else type(value)).__mro__:
        if name in vars(base):
            found = vars(base)[name]
            break
    if isinstance(found, (staticmethod, classmethod)):
        return getattr(value, name)
    if isinstance(found, types.FunctionType):
        return found if isinstance(value, type) else types.MethodType(found, value)
    if isinstance(value, type) or isinstance(found, (*SCALARS, tuple, frozenset, list, dict, set)):
        return found
    return MISSING
