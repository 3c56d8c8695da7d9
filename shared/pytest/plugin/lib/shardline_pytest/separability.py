"""Checks whether the suite of this process can be collected file by file: watches its collection, and reports what may differ."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from .arguments import file_of
from .channel import cap, clean
from .proof.collectors import collectors_problem, ids_problem
from .proof.file_digest import file_digest
from .proof.hook_proof import HookProof, is_declared_place, sentence
from .proof.import_changes import ImportChanges
from .proof.modules import is_own, place
from .proof.reviewed_plugins import review_of
from .proof.whole_list_options import options_problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from .hook_types import HookWrapper
    from .messages import Load
    from .proof.findings import Finding

WHY_BYTES = 500
MAX_MODULES = 20_000
MAX_NAME = 200
# pytest passes these hooks the next test. File by file, only its file is known.
NEXT_HOOKS = ("pytest_runtest_teardown", "pytest_runtest_protocol")


class Separability:
    """Calls `on_problem` with one line per new reason.

    Reports reads of the list as tests run, and all else when `report_problems` or `problems` is called.
    """

    def __init__(self, config: pytest.Config, declared: Iterable[str], on_problem: Callable[[str], None]) -> None:
        self.config = config
        self.declared = frozenset(declared)
        self.on_problem = on_problem
        self.proof = HookProof(config, declared)
        self.imports = ImportChanges(config.rootpath, config.pluginmanager)
        self.deselected: list[pytest.Item] = []
        self.reported: set[str] = set()
        self.watches_reads = False
        self.known_modules = frozenset(sys.modules)

    def begin(self, session: pytest.Session) -> None:
        """Called before each collection."""
        self.deselected = []
        # The proof judges reads during the collection.
        self.proof.reads.on_found = None
        self.proof.begin(session)
        self.imports.begin()

    def finish(self, session: pytest.Session) -> None:
        """Called after each collection."""
        self.proof.finish(session)
        if self.watches_reads:
            self.proof.reads.on_found = self.report_read

    def end_collection(self) -> None:
        """Called after the last collection. Restores the suite's own hooks."""
        self.proof.close()

    def watch_reads(self) -> None:
        """Called before tests run. From now on, code of the suite that reads the list would see all of it in plain pytest."""
        self.watches_reads = True
        self.proof.reads.on_found = self.report_read

    def report_read(self, read: Finding) -> None:
        if not is_declared_place(read["place"], "session.items", self.declared):
            self.report(f"{read['place']} {read['why']}")

    def report(self, why: str) -> None:
        if why not in self.reported:
            self.reported.add(why)
            self.on_problem(cap(why, WHY_BYTES))

    def report_problems(self) -> None:
        for problem in self.problems():
            self.report(problem)

    def problems(self) -> list[str]:
        """One line per problem."""
        found = [sentence(problem) for problem in self.proof.problems()]
        found.extend(f"{change['place']} {change['why']}" for change in self.imports.found)
        found.extend(next_item_problems(self.config, self.declared))
        return [cap(problem, WHY_BYTES) for problem in found]

    def whole_problems(self, session: pytest.Session) -> list[str]:
        """One line per problem of a session that has collected everything, also those that only the whole list shows."""
        whole = [options_problem(self.config, session.items), collectors_problem(session), ids_problem(session)]
        return [cap(problem, WHY_BYTES) for problem in whole if problem is not None] + self.problems()

    def loads(self, items: Sequence[pytest.Item]) -> list[Load]:
        """The modules that the collection loaded, without test files, by the test file that loaded them first.

        A worker that collects file by file may lack some of them.
        """
        test_files = {getattr(getattr(item, "module", None), "__name__", None) for item in items}
        new = [name for name in list(sys.modules) if name not in self.known_modules and name not in test_files]
        inside = {file: names for file, names in self.imports.loads.items() if not file.startswith("..")}
        loaders = {name: file for file, names in inside.items() for name in names}
        loads: dict[str | None, list[str]] = {}
        for name in new[:MAX_MODULES]:
            if len(name) <= MAX_NAME:
                loads.setdefault(loaders.get(name), []).append(clean(name))
        return [{"file": None if file is None else clean(file), "modules": names} for file, names in loads.items()]

    def digest(self, items: Sequence[pytest.Item], file: str | None = None) -> str:
        """The digest of the items of one file, and of the deselected ones."""
        return file_digest(items, [item for item in self.deselected if file is None or file_of(item.nodeid) == file])

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> HookWrapper:
        if isinstance(collector, pytest.Module):
            with self.imports.around(collector.nodeid):
                yield
        else:
            yield

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        self.deselected.extend(items)


def next_item_problems(config: pytest.Config, declared: frozenset[str]) -> Iterator[str]:
    """Hooks of the suite that take `nextitem`, one line each."""
    for name in NEXT_HOOKS:
        for implementation in getattr(config.hook, name).get_hookimpls():
            function = implementation.function
            if "nextitem" not in implementation.argnames or is_own(getattr(function, "__module__", None)):
                continue
            if review_of(function, config) is not None:
                continue
            code = getattr(getattr(function, "__func__", function), "__code__", None)
            where = str(implementation.plugin_name) if code is None else place(code.co_filename, code.co_firstlineno, str(config.rootpath))
            if declared.isdisjoint([str(implementation.plugin_name), where.rpartition(":")[0]]):
                yield f"{name} in {where} takes the test that comes next"
