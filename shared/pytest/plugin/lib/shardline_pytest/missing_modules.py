"""Checks whether a failed test needs modules that other test files import: a worker that collects by file does not import them all.

The first failure in each worker decides. The worker loads what an earlier collection of the whole list loaded, and runs the test once more,
without reporting the outcome. If the test passes, the run restarts with the whole list, and workers of later runs load the modules before
they collect.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

import pytest

from .item_keys import key_of
from .whole_list import NO_SPECULATION

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NAMED = 3


class MissingModules:
    """`names` lists what the whole list loaded, in order. If it is unknown (empty), nothing is tried.

    `run_again` returns pytest's reports.
    """

    def __init__(
        self,
        names: Sequence[str],
        run_again: Callable[[pytest.Item, pytest.Item | None], list[pytest.TestReport]],
        on_problem: Callable[[str], None],
    ) -> None:
        self.names = names
        self.run_again = run_again
        self.on_problem = on_problem
        self.has_failed = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.has_failed = self.has_failed or report.failed

    def examine(self, item: pytest.Item, upcoming: pytest.Item | None) -> None:
        """Called after each test."""
        has_failed, self.has_failed = self.has_failed, False
        if not has_failed or not self.names or item.get_closest_marker(NO_SPECULATION) is not None:
            return
        names, self.names = self.names, ()
        loaded = [name for name in names if name not in sys.modules and load(name)]
        if loaded and not any(report.failed for report in self.run_again(item, upcoming)):
            self.on_problem(f"{key_of(item)} passes only beside modules that other test files load ({shown(loaded)})")


def preload(names: Sequence[str]) -> None:
    """Imports the modules in order, as the collection of the whole list does."""
    for name in names:
        if name not in sys.modules:
            load(name)


def load(name: str) -> bool:
    """Imports a module; False when that fails."""
    try:
        importlib.import_module(name)
    except Exception:  # exists with the whole list only, on a path that a conftest adds, or no longer exists
        return False
    return True


def shown(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")
