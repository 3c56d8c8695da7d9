"""Checks whether the collected tree can be built again for one file: pytest's own directory nodes, and items below a file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from _pytest.main import Session

from .modules import is_own, place

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _pytest.nodes import Node

# Before pytest 8, a package is the only directory node.
DIRECTORIES = tuple(getattr(pytest, name) for name in ("Directory", "Package") if hasattr(pytest, name))


def collectors_problem(session: pytest.Session) -> str | None:
    """Why files cannot be collected one by one, in one line; None when they can. `session` has collected everything."""
    root = str(session.config.rootpath)
    seen = set()
    for item in list.__iter__(session.items):
        if item.parent is not None and id(item.parent) in seen:
            continue
        problem = problem_of(item, root)
        if problem is not None:
            return problem
        seen.add(id(item.parent))
    return None


def problem_of(item: pytest.Item, root: str) -> str | None:
    """The same for one item."""
    file = None
    node = item.parent
    while node is not None and not isinstance(node, Session):
        is_directory = isinstance(node, DIRECTORIES)
        if is_directory and not is_own(type(node).__module__):
            return f"{relative(node, root)} is collected by the class {type(node).__name__}, not by pytest's own"
        if isinstance(node, pytest.File) and not is_directory:
            file = node
        node = node.parent
    if file is None:
        return f"{item.nodeid} belongs to no file"
    return None


def ids_problem(session: pytest.Session) -> str | None:
    """A test id that may belong to another file too, in one line; None without one. The whole run knows a test by its id."""
    root = session.config.rootpath
    for item in list.__iter__(session.items):
        try:
            file = item.path.relative_to(root).as_posix()
        except ValueError:
            return f"{item.nodeid} lies outside the root directory"
        if item.nodeid != file and not item.nodeid.startswith(file + "::"):
            return f"the test {item.nodeid} has an id that does not begin with its file"
    return None


def relative(node: Node, root: str) -> str:
    return place(str(node.path), 0, root)[:-2]


def refused_files(files: Iterable[str], import_mode: str) -> dict[str, str]:
    """Maps a file to the earlier file with the same module name. Plain pytest refuses the second one, in any process.

    `files` are absolute paths in pytest's order. Nothing is imported. With --import-mode=importlib, every file has its own name.
    """
    if import_mode == "importlib":
        return {}
    first: dict[str, str] = {}
    refused: dict[str, str] = {}
    for file in files:
        if file.endswith(".py"):
            other = first.setdefault(module_name(file), file)
            if other != file:
                refused[file] = other
    return refused


def module_name(file: str) -> str:
    """`package.test_x` for a file in a package, else `test_x`."""
    parts = [os.path.splitext(os.path.basename(file))[0]]
    directory = os.path.dirname(file)
    while os.path.isfile(os.path.join(directory, "__init__.py")) and os.path.basename(directory).isidentifier():
        parts.append(os.path.basename(directory))
        directory = os.path.dirname(directory)
    return ".".join(reversed(parts))
