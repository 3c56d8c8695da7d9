"""pytest's positional arguments as paths: `dir`, `file.py`, `file.py::Class::test[param]`, and module names under --pyargs."""

import importlib.util
import os
from pathlib import Path


def split_argument(argument):
    """("file.py", "::Class::test[a::b]") of such an argument; the second part is empty for a plain path."""
    base = str(argument).partition("[")[0].split("::")[0]
    return base, str(argument)[len(base) :]


def path_of(config, base):
    """The absolute path that pytest will take this for; None when there is no such path or module."""
    if config.getoption("pyargs", False):
        found = _module_path(base)
        if found is not None:
            return found
    path = Path(os.path.abspath(config.invocation_params.dir / base))
    return path if path.exists() else None


def _module_path(name):
    try:
        spec = importlib.util.find_spec(name)
    except (AttributeError, ImportError, ValueError):
        return None
    if spec is None:
        return None
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations)))
    return Path(spec.origin) if spec.origin not in (None, "namespace", "built-in", "frozen") else None


def file_of(nodeid):
    """The file or directory part of a node id; `.` for the session's own."""
    return nodeid.split("::")[0] or "."
