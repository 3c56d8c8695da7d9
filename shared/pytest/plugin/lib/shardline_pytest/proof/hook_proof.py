"""Proves, hook by hook, that a suite and its plugins do the same during collection for one file as for the whole list."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from ..stdlib import real
from .collector_rules import custom_classes, judge_class
from .config_values import ConfigValues
from .foreign_reads import ForeignReads
from .line_rules import Judgement, environment_of
from .modules import is_own, place
from .own_values import OwnValues
from .pytest_methods import patched
from .reviewed_functions import is_reviewed_function
from .reviewed_plugins import review_of, reviewed_packages
from .running_lines import running_lines
from .subject import SITE_PACKAGES, STANDARD_LIBRARY, Subject, is_of_library, plain_function
from .unproven import Unproven

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import PurePath
    from types import CodeType
    from typing import Any

    import pytest
    from pluggy import HookImpl

    from .findings import Problem

# pytest calls these once per list of items. A conftest that is loaded after the first file was collected would see some files only.
LIST_HOOKS = (
    "pytest_collection",
    "pytest_collection_modifyitems",
    "pytest_collection_finish",
    "pytest_deselected",
    "pytest_report_collectionfinish",
)
# pytest calls these for each node, path, function or class.
NODE_HOOKS = (
    "pytest_collect_directory",
    "pytest_collect_file",
    "pytest_collectreport",
    "pytest_collectstart",
    "pytest_generate_tests",
    "pytest_ignore_collect",
    "pytest_itemcollected",
    "pytest_make_collect_report",
    "pytest_make_parametrize_id",
    "pytest_pycollect_makeitem",
    "pytest_pycollect_makemodule",
)
# pytest calls these after the proof, so all their lines are judged.
LATER_HOOKS = ("pytest_runtestloop", "pytest_sessionfinish")
# The only names by which code that runs after all tests can see the list.
LIST_NAMES = frozenset(["items", "testscollected"])
MAX_SUBJECTS = 500


class HookProof:
    """`declared` holds what the user vouches for: a plugin, `tests/conftest.py`, or `tests/conftest.py::pytest_collection_modifyitems`.

    Call `begin` and `finish` around each collection, of all files or of one. Observations add up. A process has one proof at a time. A
    conftest that is loaded before the first `begin` counts as present from the start.
    """

    def __init__(self, config: pytest.Config, declared: Iterable[str] = frozenset()) -> None:
        self.config = config
        self.declared = frozenset(declared)
        self.root = str(config.rootpath)
        self.lines = running_lines()
        self.subjects: dict[tuple[CodeType, int], Subject] = {}
        self.implementations: dict[int, Implementation] = {}
        self.judged: set[CodeType | None] = set()
        self.reads = ForeignReads(self.root, reviewed_packages())
        self.session: pytest.Session | None = None
        self.has_begun = False
        self.began_at = 0.0
        # A set in order.
        self.classes: dict[type, None] = {}
        self.config_values = ConfigValues(config)
        self.deselected: list[pytest.Item] = []
        self.own_values = OwnValues(self.items)

    def begin(self, session: pytest.Session) -> None:
        """Starts tracing. The first call also records the state that hooks may read."""
        if session is not self.session:
            self.session = session
            self.reads.watch(session)
        self.register_implementations()
        if not self.has_begun:
            self.has_begun = True
            self.began_at = real.now()
            self.config_values.record(list(self.subjects.values()))
            self.config.pluginmanager.register(self, "shardline-hook-proof")
        self.lines.start()

    def finish(self, session: pytest.Session) -> None:
        """Stops tracing."""
        self.lines.stop()
        for found in custom_classes(session.items):
            self.classes.setdefault(found, None)

    def close(self) -> None:
        """Unwraps what was wrapped for tracing. Reads of the list stay watched."""
        self.lines.stop()
        self.lines.release()
        if self.has_begun and self.config.pluginmanager.is_registered(self):
            self.config.pluginmanager.unregister(self)

    def pytest_plugin_registered(self) -> None:
        self.register_implementations()

    def register_implementations(self) -> None:
        """Watches the hook implementations that are new."""
        for name in (*LIST_HOOKS, *NODE_HOOKS, *LATER_HOOKS):
            # Not config.hook: before pytest 9, it hides some hooks behind plain functions.
            caller = getattr(self.config.pluginmanager.hook, name, None)
            for implementation in caller.get_hookimpls() if caller is not None else ():
                # pluggy's wrappers and shardline's stand-ins keep the module name.
                if id(implementation) in self.implementations or is_own(getattr(implementation.function, "__module__", None)):
                    continue
                self.implementations[id(implementation)] = Implementation(name, implementation, self.has_begun, self.config)
                if review_of(implementation.function, self.config) is None and plain_function(implementation.function) is not None:
                    self.watch(implementation.function)
                    if name not in LATER_HOOKS:
                        self.lines.observe(implementation)

    def watch(self, callable_: Any) -> None:
        """Watches the function, and the functions that it calls by name."""
        waiting = [callable_]
        while waiting and len(self.subjects) < MAX_SUBJECTS:
            each = waiting.pop()
            function = plain_function(each)
            if function is None:
                continue
            code = function.__code__
            key = (code, id(getattr(each, "__self__", None)))
            if key in self.subjects:
                continue
            self.subjects[key] = Subject(each, self.has_begun)
            self.lines.watch(code)
            waiting.extend(self.subjects[key].called())

    def pytest_collectstart(self, collector: pytest.Collector) -> None:
        self.notice_class(type(collector))

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        self.notice_class(type(item))

    def notice_class(self, kind: type) -> None:
        """Notes a class of nodes, also of a collector without items."""
        if kind not in self.classes and not is_own(kind.__module__):
            self.classes[kind] = None

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        self.deselected.extend(list.__iter__(items))

    # For the rules.

    def items(self) -> list[pytest.Item]:
        """All items that were collected, with the deselected ones."""
        return [*list.__iter__(vars(self.session).get("items") or []), *self.deselected]

    def subject_of(self, callable_: Any) -> Subject | None:
        """The judged form of a function; None for code of pytest, of a library, or not written in Python."""
        function = plain_function(callable_)
        if function is None:
            return None
        key = (function.__code__, id(getattr(callable_, "__self__", None)))
        if key not in self.subjects and not is_own(function.__module__) and not is_of_library(function.__code__):
            self.subjects[key] = Subject(callable_, is_late=True)
        return self.subjects.get(key)

    def is_lasting(self, path: str | PurePath | None) -> bool:
        """Did the file or directory exist before the first collection, and is it unchanged?"""
        try:
            state = os.stat(path) if path is not None else None
        except (OSError, ValueError):
            return False
        if state is None or not is_below(os.path.abspath(str(path)), self.root):
            return False
        return not stat.S_ISREG(state.st_mode) or state.st_mtime <= self.began_at

    def lines_of(self, code: CodeType) -> set[int] | None:
        """The lines of the code that ran; None if it is not watched."""
        return self.lines.ran.get(code)

    def problems(self) -> list[Problem]:
        """What is not proven harmless. An empty list is the proof."""
        found: list[Problem] = []
        for implementation in self.implementations.values():
            if implementation.is_declared(self.declared):
                self.judged.add(implementation.code)
                continue
            problem = self.problem_of(implementation)
            if problem is not None:
                found.append(problem)
        found.extend(each for each in patched(self.root) if not is_declared_place(each["place"], each["hook"], self.declared))
        for kind in self.classes:
            problem = judge_class(self, kind)
            if problem is not None and not is_declared_place(problem["place"], problem["hook"], self.declared):
                found.append(problem)
        # The judgement covers reads in judged code.
        reads = self.reads.places({code for each in self.judged if each is not None for code in with_nested(each)})
        found.extend(
            {"hook": "session.items", **each} for each in reads if not is_declared_place(each["place"], "session.items", self.declared)
        )
        return found

    def problem_of(self, implementation: Implementation) -> Problem | None:
        """The problem of one implementation, or None."""
        lines = None if implementation.code is None else self.lines.ran.get(implementation.code)
        review = review_of(implementation.function, self.config)
        if review is not None:
            why = None if self.session is None else review.problem(self.config, self.session)
            return None if why is None else implementation.problem(review.package, why)
        # Judge again each time: values that it reads may have changed without another line running.
        return self.judge(implementation, lines)

    def judge(self, implementation: Implementation, lines: set[int] | None) -> Problem | None:
        code = implementation.code
        if code is None:
            return implementation.problem(implementation.plugin, "it is not written in Python")
        if is_reviewed_function(code, lines):
            return None
        self.judged.add(code)
        where = place(code.co_filename, code.co_firstlineno, self.root)
        if implementation.name == "pytest_sessionfinish":
            names = LIST_NAMES & {name for each in with_nested(code) for name in (*each.co_names, *texts(each))}
            return implementation.problem(where, f"names `{min(names)}`") if names else None
        if implementation.name == "pytest_runtestloop":
            lines = None
        elif not lines:
            return None
        if implementation.name in LIST_HOOKS and implementation.is_late:
            return implementation.problem(where, "is in a conftest that pytest loads while it collects")
        subject = self.subject_of(implementation.function)
        if subject is None:
            return implementation.problem(where, "is code of a library")
        try:
            Judgement(self, subject, lines, environment_of(subject)).judge()
        except Unproven as unproven:
            return implementation.problem(place(unproven.path or subject.path, unproven.line, self.root), unproven.why)
        except Exception as error:  # a form that the rules do not foresee
            return implementation.problem(where, f"cannot be judged ({type(error).__name__})")
        return None


class Implementation:
    """One hook implementation of a plugin or conftest."""

    def __init__(self, name: str, hookimpl: HookImpl, is_late: bool, config: pytest.Config) -> None:
        self.name = name
        self.hookimpl = hookimpl  # held, so that its id stays unique
        self.function = hookimpl.function
        function = plain_function(hookimpl.function)
        self.code = None if function is None else function.__code__
        self.is_late = is_late
        self.plugin = str(hookimpl.plugin_name)
        self.root = str(config.rootpath)

    def problem(self, where: str, why: str) -> Problem:
        return {"hook": self.name, "place": where, "why": why}

    def is_declared(self, declared: frozenset[str]) -> bool:
        """Does the user vouch for it?"""
        path = self.code.co_filename if self.code is not None else ""
        shown = place(path, 0, self.root)[:-2]
        module = (getattr(self.function, "__module__", None) or "").partition(".")[0]
        return not declared.isdisjoint([self.plugin, module, module.replace("_", "-"), shown, f"{shown}::{self.name}"])


def is_below(path: str, root: str) -> bool:
    """Is the path in the workspace, or in an installed package?"""
    return path.startswith((root + os.sep, *SITE_PACKAGES, *STANDARD_LIBRARY))


def is_declared_place(where: str, hook: str, declared: frozenset[str]) -> bool:
    path = where.rpartition(":")[0]
    return not declared.isdisjoint([path, f"{path}::{hook}"])


def with_nested(code: CodeType) -> Iterator[CodeType]:
    """The code object and all that it contains."""
    yield code
    for constant in code.co_consts:
        if hasattr(constant, "co_code"):
            yield from with_nested(constant)


def texts(code: CodeType) -> list[str]:
    return [constant for constant in code.co_consts if isinstance(constant, str)]


def sentence(problem: Problem) -> str:
    """The problem as one line for a terminal."""
    return f"{problem['hook']} in {problem['place']} {problem['why']}"
