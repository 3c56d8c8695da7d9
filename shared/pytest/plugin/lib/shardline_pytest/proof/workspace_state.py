"""The content of workspace modules, to detect what the import of a test file changes in them for other files.

Libraries are not watched.
"""

from __future__ import annotations

import collections
import os
import sys
import types
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container, Iterator
    from types import ModuleType
    from typing import Any

CONTAINERS = (list, dict, set, collections.deque)
# Larger containers are tables, and cost too much to compare.
MAX_ELEMENTS = 1000
MISSING = object()


class WorkspaceState:
    """`changes` reports the differences from the last `record` or `changes`.

    Compares whole lists of containers at once, which Python does fast.
    """

    def __init__(self, root: str) -> None:
        self.prefix = root + os.sep
        self.seen: set[str] = set()
        # Parallel lists: the watched modules, their names, and their names as recorded.
        self.modules: list[ModuleType] = []
        self.names: list[dict[str, Any]] = []
        self.known_names: list[dict[str, Any]] = []
        self.known: set[int] = set()
        # Parallel lists: the names of watched containers, the containers, and their recorded copies.
        self.contents: list[str] = []
        self.values: list[Any] = []
        self.copies: list[Any] = []

    def record(self, test_files: Container[str]) -> None:
        """Records all loaded modules except these files."""
        self.changes(test_files, frozenset())

    def changes(self, test_files: Container[str], new_modules: Container[object], text: bytes = b"") -> list[str]:
        """["module.name", …]. `new_modules` were loaded for the first time, without test files. `text` is the source of the imported file.

        A cache, or a name that a module added to itself, counts only if the source names it.
        """
        found: list[str] = []
        if not is_same(self.names, self.known_names):
            for index, (module, now, before) in enumerate(zip(self.modules, self.names, self.known_names)):
                if not is_same(now, before):
                    found.extend(f"{module.__name__}.{name}" for name in changed_names(now, before, text))
                    self.known_names[index] = dict(now)
                    self.watch_contents(module)
        if not is_same(self.values, self.copies):
            for index, (content, value) in enumerate(zip(self.contents, self.values)):
                copy = self.copies[index]
                if not is_same(value, copy):
                    is_cache = "cache" in content.lower() and content.rpartition(".")[2].encode() not in text
                    if not is_cache and not is_filled_by(value, copy, new_modules):
                        found.append(content)
                    self.copies[index] = copied(value)
        for name in sys.modules.keys() - self.seen:
            self.seen.add(name)
            loaded = sys.modules.get(name)
            if loaded is not None and self.is_watched(loaded, test_files):
                self.modules.append(loaded)
                self.names.append(vars(loaded))
                self.known_names.append(dict(vars(loaded)))
                self.watch_contents(loaded)
        return found

    def is_watched(self, module: ModuleType, test_files: Container[str]) -> bool:
        """Is it a workspace module other than a test file?"""
        path = getattr(module, "__file__", None)
        if type(module) is not types.ModuleType or not isinstance(path, str) or not path.startswith(self.prefix):
            return False
        return "site-packages" not in path and path not in test_files

    def watch_contents(self, module: ModuleType) -> None:
        """Watches the public containers of a module and its classes."""
        for owner, names in [
            (module.__name__, vars(module)),
            *((f"{module.__name__}.{each.__name__}", vars(each)) for each in classes_of(module)),
        ]:
            for name, value in names.items():
                if isinstance(value, CONTAINERS) and is_public(name) and len(value) <= MAX_ELEMENTS and id(value) not in self.known:
                    self.known.add(id(value))  # held by `values`, so that the id stays unique
                    self.contents.append(f"{owner}.{name}")
                    self.values.append(value)
                    self.copies.append(copied(value))

    def derived(self, test_files: Container[str]) -> Iterator[tuple[str, str]]:
        """(test file, workspace class from which it derives a class)."""
        for module in self.modules:
            for kind in classes_of(module):
                for each in type.__subclasses__(kind):
                    path = getattr(sys.modules.get(each.__module__), "__file__", None)
                    if path is not None and path in test_files and "<locals>" not in each.__qualname__:
                        yield path, f"{module.__name__}.{kind.__name__}"


def classes_of(module: ModuleType) -> set[type]:
    return {value for value in vars(module).values() if isinstance(value, type) and value.__module__ == module.__name__}


def changed_names(now: dict[str, Any], before: dict[str, Any], text: bytes) -> Iterator[str]:
    """Public names that differ."""
    for name in sorted(before.keys() | now.keys()):
        old, new = before.get(name, MISSING), now.get(name, MISSING)
        if old is new or not is_public(name) or isinstance(new, types.ModuleType):
            continue
        if old is not MISSING or name.encode() in text:
            yield name


def is_public(name: str) -> bool:
    return not name.startswith("_")


def is_filled_by(value: Any, copy: Any, modules: Container[object]) -> bool:
    """Did it only grow, by values from these modules? Every file that imports them adds the same."""
    if isinstance(value, dict):
        added = value.keys() - copy.keys()
        return all(value.get(key, MISSING) is each for key, each in copy.items()) and all(
            is_from(key, modules) or is_from(value[key], modules) for key in added
        )
    known = {id(each) for each in copy}
    return known <= {id(each) for each in value} and all(id(each) in known or is_from(each, modules) for each in value)


def is_from(value: Any, modules: Container[object]) -> bool:
    return getattr(value, "__module__", None) in modules


def copied(value: Any) -> Any:
    return value.copy()


def is_same(value: Any, copy: Any) -> bool:
    """Compares elements by identity first. Elements that cannot be compared count as different."""
    try:
        return bool(value == copy)
    except Exception:
        return False
