"""Finds out if a failed test needs modules that other test files import: a worker that collects by file does not import them all.

After the first failure in each worker, the worker loads what an earlier collection of the whole list loaded, and runs the test once more,
without reporting the outcome. If the test passes, the run restarts with the whole list: only that shows what other test files import now.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

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


class MissingModules:
    """`names` lists what the whole list loaded, in order. If it is empty, no test runs again.

    `run_again` returns pytest's reports.
    """

    def __init__(
        self, names: Sequence[str], run_again: Callable[[pytest.Item, pytest.Item | None], list[pytest.TestReport]], channel: Channel
    ) -> None:
        self.names = names
        self.run_again = run_again
        self.channel = channel
        self.has_failed = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        # A subtest that fails is reported here only.
        self.has_failed = self.has_failed or report.failed

    def examine(self, item: pytest.Item, upcoming: pytest.Item | None) -> None:
        """Called after each test, when the agent has its result. Whatever happens here, the failure stays."""
        has_failed, self.has_failed = self.has_failed, False
        if not has_failed or not self.names or item.get_closest_marker(NO_SPECULATION) is not None:
            return
        # The agent limits each step, as it limits collections and tests.
        self.channel.send("examining", nodeid=key_of(item), step="imports")
        names, self.names = self.names, ()
        loaded = [name for name in names if name not in sys.modules and load(name)]
        if loaded and self.passes(item, upcoming):
            why = f"{key_of(item)} passes only beside modules that other test files load ({shown(loaded)})"
            self.channel.send("inseparable", why=cap(why, WHY_BYTES), file=file_of(item.nodeid))
        self.channel.send("examined")

    def passes(self, item: pytest.Item, upcoming: pytest.Item | None) -> bool:
        self.channel.send("examining", nodeid=key_of(item), step="test")
        reports = self.run_again(item, upcoming)
        has_failed, self.has_failed = self.has_failed, False
        return not has_failed and not any(report.failed for report in reports)


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
