"""Paths of pytest's positional arguments: `dir`, `file.py`, `file.py::Class::test[param]`, and module names with --pyargs."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def split_argument(argument: object) -> tuple[str, str]:
    """Splits `file.py::Class::test[a::b]` into ("file.py", "::Class::test[a::b]"). The second part is empty for a plain path."""
    base = str(argument).partition("[")[0].split("::")[0]
    return base, str(argument)[len(base) :]


def path_of(config: pytest.Config, base: str) -> Path | None:
    """The absolute path that pytest resolves this to; None when no such path or module exists."""
    if config.getoption("pyargs", False):
        found = _module_path(base)
        if found is not None:
            return found
    path = Path(os.path.abspath(config.invocation_params.dir / base))
    return path if path.exists() else None


def _module_path(name: str) -> Path | None:
    try:
        spec = importlib.util.find_spec(name)
    except (AttributeError, ImportError, ValueError):
        return None
    if spec is None:
        return None
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations)))
    if spec.origin is None or spec.origin in ("namespace", "built-in", "frozen"):
        return None
    return Path(spec.origin)


def file_of(nodeid: str) -> str:
    """The file or directory of a node id; `.` for the session."""
    return nodeid.split("::", maxsplit=1)[0] or "."
