"""Finds out if a failed test needs modules that other test files import: a worker that collects by file does not import them all.

The first test that fails in a worker runs again, without reporting the outcome. If it fails again, the worker loads what an earlier
collection of the whole list loaded, and runs the test once more. If it passes now, the run restarts with the whole list, and so do later
runs: only the whole list shows whether other test files still import these modules.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

import pytest

from .channel import cap
from .item_keys import key_of
from .separability import WHY_BYTES
from .whole_list import NO_SPECULATION

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .channel import Channel

NAMED = 3


class MissingModules:
    """`names` lists what the whole list loaded, in order. If it is unknown (empty), no test runs again.

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
        self.has_failed = self.has_failed or report.failed

    def examine(self, item: pytest.Item, upcoming: pytest.Item | None) -> None:
        """Called after each test, when the agent has its result. Whatever happens here, the failure stays."""
        has_failed, self.has_failed = self.has_failed, False
        if has_failed and self.lacks_some() and item.get_closest_marker(NO_SPECULATION) is None:
            # A test that passes without the modules is unreliable, and shows nothing.
            if not self.passes(item, upcoming):
                self.load_and_try(item, upcoming)
            self.channel.send("examined")

    def lacks_some(self) -> bool:
        return any(name not in sys.modules for name in self.names)

    def load_and_try(self, item: pytest.Item, upcoming: pytest.Item | None) -> None:
        # The agent limits each step, as it limits collections and tests.
        self.channel.send("examining", nodeid=key_of(item), step="imports")
        names, self.names = self.names, ()
        loaded = [name for name in names if name not in sys.modules and load(name)]
        if loaded and self.passes(item, upcoming):
            why = f"{key_of(item)} passes only beside modules that other test files load ({shown(loaded)})"
            self.channel.send("inseparable", why=cap(why, WHY_BYTES))

    def passes(self, item: pytest.Item, upcoming: pytest.Item | None) -> bool:
        self.channel.send("examining", nodeid=key_of(item), step="test")
        return not any(report.failed for report in self.run_again(item, upcoming))


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
