"""Which code is pytest's, pluggy's, xdist's or shardline's own, and where a line of anybody else's stands."""

import os

OWN_PACKAGES = frozenset(["_pytest", "pytest", "pluggy", "xdist", "execnet", "shardline_pytest"])


def top_package(name):
    """`_pytest` for `_pytest.main`; an empty text where a frame or function has no module name."""
    return name.partition(".")[0] if isinstance(name, str) else ""


def is_own(module_name):
    return top_package(module_name) in OWN_PACKAGES


def place(path, line, root):
    """`tests/conftest.py:12`, relative to the root where the file is below it."""
    prefix = str(root) + os.sep
    shown = path[len(prefix) :].replace(os.sep, "/") if path.startswith(prefix) else path
    return "%s:%d" % (shown, line)
