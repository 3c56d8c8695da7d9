"""Tells the code of pytest, pluggy, xdist and shardline from all other code, and names the place of a line."""

from __future__ import annotations

import os

# execnet runs xdist's worker under this module name.
OWN_PACKAGES = frozenset(["_pytest", "pytest", "pluggy", "xdist", "execnet", "__channelexec__", "shardline_pytest"])
PACKAGE_FOLDERS = tuple(os.sep + name + os.sep for name in ("site-packages", "dist-packages"))


def top_package(name: object) -> str:
    """`_pytest` for `_pytest.main`; empty if a frame or function has no module name."""
    return name.partition(".")[0] if isinstance(name, str) else ""


def is_own(module_name: object) -> bool:
    """Is it a module of pytest, pluggy, xdist, execnet or shardline?"""
    return top_package(module_name) in OWN_PACKAGES


def place(path: str, line: int, root: object) -> str:
    """`tests/conftest.py:12` below the root, `pytest_randomly/__init__.py:12` of an installed package, else the full path."""
    prefix = str(root) + os.sep
    shown = path.removeprefix(prefix)
    for folder in PACKAGE_FOLDERS:
        shown = shown.rpartition(folder)[2]
    shown = shown.replace(os.sep, "/")
    return f"{shown}:{line}"
