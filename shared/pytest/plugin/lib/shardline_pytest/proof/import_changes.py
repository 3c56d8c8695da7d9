"""Finds what the import of a test file changed for other files.

In plain pytest, all later files see such a change.
"""

from __future__ import annotations

import logging
import operator
import os
import sys
import warnings
import weakref
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from ..stdlib import real
from .workspace_state import WorkspaceState

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType
    from typing import Any, TypedDict

    import pytest

    from .findings import Finding

    class ProcessState(TypedDict):
        environment: dict[Any, Any]
        path: list[str]
        modules: dict[str, ModuleType]
        filters: list[object]
        directory: str | None
        plugins: set[Any]
        logging: tuple[int, bool]


# The inner dictionary is copied at once. The mapping would decode every variable.
RAW_ENVIRONMENT = getattr(os.environ, "_data", os.environ)
# pytest's own variables, for each test or run.
OWN_VARIABLES = frozenset(["PYTEST_CURRENT_TEST", "PYTEST_VERSION"])
READS_SUBCLASSES = b"__subclasses__"
WRITES_MODULES = b"sys.modules"


class ImportChanges:
    """`found` lists {"place": file, "why": text}. Each file is reported once per kind of change."""

    def __init__(self, root: object, pluginmanager: pytest.PytestPluginManager) -> None:
        self.root = str(root)
        self.pluginmanager = pluginmanager
        self.reported: list[Finding] = []
        self.workspace = WorkspaceState(self.root)
        self.files: set[str] = set()
        self.recorded_modules: int | None = None
        # Test file → the names of the modules that its import loaded first, without its own.
        self.loads: dict[str, list[str]] = {}

    def begin(self) -> None:
        """A collection begins: tests may have run since the last one."""
        self.recorded_modules = None

    @property
    def found(self) -> list[Finding]:
        """All changes so far."""
        return [*self.reported, *self.subclasses()]

    @contextmanager
    def around(self, file: str) -> Iterator[None]:
        """Wraps the collection of one file, without fixtures. `file` is as in a node id."""
        path = os.path.join(self.root, file.replace("/", os.sep))
        self.files.add(path)
        before = self.state()
        # A conftest may have been loaded since the last file.
        if len(before["modules"]) != self.recorded_modules:
            self.workspace.record(self.files)
        try:
            yield
        finally:
            after = self.state()
            self.compare(file, path, before, after)
            self.recorded_modules = len(after["modules"])

    def state(self) -> ProcessState:
        """What an import may change, as it is now."""
        return {
            "environment": dict(RAW_ENVIRONMENT),
            "path": list(sys.path),
            "modules": dict(sys.modules),
            "filters": list(warnings.filters),
            "directory": real.getcwd(),
            "plugins": self.pluginmanager.get_plugins(),
            "logging": (logging.root.manager.disable, logging.raiseExceptions),
        }

    def compare(self, file: str, path: str, before: ProcessState, now: ProcessState) -> None:
        """Reports the differences between the states before and after an import."""
        environment, new_environment = before["environment"], now["environment"]
        if environment != new_environment:
            differing = (name for name in environment.keys() | new_environment.keys() if environment.get(name) != new_environment.get(name))
            names = {os.fsdecode(name) for name in differing}
            changed = sorted(names - OWN_VARIABLES)
            if changed:
                self.report(file, f"changes the environment variable {changed[0]} when it is imported")
        old_path, new_path = before["path"], now["path"]
        if old_path != new_path:
            above = directories_above(path, self.root)
            differing_paths = [each for each in [*new_path, *old_path] if (each in old_path) != (each in new_path)]
            changed = [each for each in differing_paths if os.path.abspath(each or ".") not in above]
            if changed:
                self.report(file, f"changes sys.path when it is imported ({changed[0]})")
        loaded, new = before["modules"], now["modules"]
        if not all(map(operator.is_, map(new.get, loaded), loaded.values())):
            name = next((name for name, module in loaded.items() if new.get(name) is not module and not may_go(module, name in new)), None)
            if name is not None:
                self.report(file, f"replaces or removes the module {name} when it is imported")
        # A library that is imported for the first time inserts filters for itself. Removed filters affect every file.
        if before["filters"] != now["filters"] and any(each not in now["filters"] for each in before["filters"]):
            self.report(file, "removes warning filters when it is imported")
        if now["directory"] != before["directory"]:
            self.report(file, f"changes the working directory when it is imported ({now['directory']})")
        added = [plugin for plugin in now["plugins"] if plugin not in before["plugins"]]
        if added:
            self.report(file, f"registers the plugin {self.pluginmanager.get_name(added[0])} when it is imported")
        if now["logging"] != before["logging"]:
            self.report(file, "changes how all of logging works when it is imported")
        fresh = {name for name in new.keys() - loaded.keys() if getattr(new[name], "__file__", None) != path}
        self.loads.setdefault(file, []).extend(name for name in new if name in fresh)
        stand_in = self.stand_in(path, {name: new[name] for name in fresh})
        if stand_in is not None:
            self.report(file, f"puts a module of its own into sys.modules as {stand_in} when it is imported")
        changed = self.workspace.changes(self.files, fresh, content_of(path))
        if changed:
            self.report(file, f"changes {changed[0]} when it is imported")

    def stand_in(self, path: str, fresh: dict[str, ModuleType]) -> str | None:
        """The name of an entry in sys.modules that no import created, if the file or its workspace imports create such entries; else None.

        Libraries may do that for themselves.
        """
        names = [name for name, module in fresh.items() if getattr(getattr(module, "__spec__", None), "name", None) != name]
        if not names:
            return None
        paths = [path, *(getattr(module, "__file__", None) for module in fresh.values())]
        is_put_here = any(
            isinstance(each, str)
            and each.startswith(self.workspace.prefix)
            and "site-packages" not in each
            and WRITES_MODULES in content_of(each)
            for each in paths
        )
        return names[0] if is_put_here else None

    def subclasses(self) -> list[Finding]:
        """Test files that derive a class from a workspace class, if a workspace file calls `__subclasses__()`.

        Such a call sees the classes of all imported files.
        """
        paths = [*self.files, *(module.__file__ for module in self.workspace.modules)]
        if not any(reads_subclasses(path) for path in paths):
            return []
        found: dict[str, str] = {}
        for path, kind in self.workspace.derived(self.files):
            found.setdefault(path, kind)
        return [
            {"place": os.path.relpath(path, self.root).replace(os.sep, "/"), "why": f"derives a class from {kind} when it is imported"}
            for path, kind in sorted(found.items())
        ]

    def report(self, file: str, why: str) -> None:
        self.reported.append({"place": file, "why": why})


def may_go(module: object, is_there: bool) -> bool:
    """May the entry vanish? It blocks an import, or it is a weak proxy, which vanishes with its object."""
    return module is None or (type(module) is weakref.ProxyType and not is_there)


@cache
def reads_subclasses(path: str) -> bool:
    return READS_SUBCLASSES in content_of(path)


def content_of(path: str) -> bytes:
    try:
        with real.open(path, "rb") as file:
            content: bytes = file.read()
            return content
    except OSError:
        return b""


def directories_above(file: str, root: str) -> set[str]:
    """The directories that pytest itself may add to sys.path to import the file."""
    found = set()
    directory = os.path.dirname(os.path.abspath(file))
    while directory.startswith(root) and directory not in found:
        found.add(directory)
        directory = os.path.dirname(directory)
    return found
