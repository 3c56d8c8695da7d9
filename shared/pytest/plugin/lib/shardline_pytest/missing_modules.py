"""Finds out if failed tests need modules that other test files import: a worker that collects by file does not import them all.

After the last test of a task, the worker runs its failed tests again, without reporting the outcome. If a test fails again, the worker
loads what an earlier collection of the whole list loaded, and runs it once more. If it passes now, the run restarts with the whole list:
only that shows whether other test files still import these modules. For the same reason, the worker runs no other task afterwards.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, NamedTuple

import pytest

from .arguments import file_of
from .channel import cap
from .item_keys import key_of
from .separability import WHY_BYTES
from .whole_list import NO_SPECULATION

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .channel import Channel

NAMED = 3
# How many failed tests of a task run again.
MAX_TESTS = 3


class Failure(NamedTuple):
    item: pytest.Item
    # The modules in question that the test imported itself.
    imported: list[str]


class MissingModules:
    """`names` lists what the whole list loaded, in order. If it is empty, no test runs again.

    `run_again` returns pytest's reports.
    """

    def __init__(self, names: Sequence[str], run_again: Callable[[pytest.Item], list[pytest.TestReport]], channel: Channel) -> None:
        self.names = names
        self.run_again = run_again
        self.channel = channel
        self.failures: list[Failure] = []
        self.has_failed = False
        self.known = 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        # A subtest that fails is reported here only.
        self.has_failed = self.has_failed or report.failed

    def begin_test(self) -> None:
        self.has_failed = False
        self.known = len(sys.modules)

    def end_test(self, item: pytest.Item) -> None:
        """Called when the agent has the result of the test. Whatever happens later, a failure stays."""
        if self.has_failed and len(self.failures) < MAX_TESTS and item.get_closest_marker(NO_SPECULATION) is None:
            loaded = set(list(sys.modules)[self.known :])
            imported = [name for name in self.names if name in loaded]
            if imported or any(name not in sys.modules for name in self.names):
                self.failures.append(Failure(item, imported))

    def check(self) -> None:
        """Runs the failed tests of the task again. The process must run no other test afterwards."""
        lasting: list[pytest.Item] = []
        for item, imported in self.failures:
            if not self.passes(item):
                lasting.append(item)
            elif imported:
                self.report(item, f"passes only if modules are loaded before it ({shown(imported)})")
            # Any other test that passes now is unreliable, which shows nothing.
        if lasting:
            self.check_beside_modules(lasting)
        self.channel.send("examined")

    def check_beside_modules(self, items: Sequence[pytest.Item]) -> None:
        # The agent limits each step, as it limits collections and tests.
        self.channel.send("examining", nodeid=key_of(items[0]), step="imports")
        loaded = [name for name in self.names if name not in sys.modules and load(name)]
        if not loaded:
            return
        for item in items:
            if self.passes(item):
                self.report(item, f"passes only beside modules that other test files load ({shown(loaded)})")

    def passes(self, item: pytest.Item) -> bool:
        self.channel.send("examining", nodeid=key_of(item), step="test")
        self.has_failed = False
        reports = self.run_again(item)
        return not self.has_failed and not any(report.failed for report in reports)

    def report(self, item: pytest.Item, why: str) -> None:
        self.channel.send("inseparable", why=cap(f"{key_of(item)} {why}", WHY_BYTES), file=file_of(item.nodeid))


def load(name: str) -> bool:
    """Imports a module; False when that fails."""
    try:
        importlib.import_module(name)
    # It exists with the whole list only, is not on sys.path, no longer exists, or ends the import of a test file in its own way.
    except (Exception, SystemExit, pytest.skip.Exception, pytest.fail.Exception):
        return False
    return True


def shown(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")
