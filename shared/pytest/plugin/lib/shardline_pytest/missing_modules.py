"""Loads modules that other test files import: a worker that collects by file does not import them all.

If no test is known to need them, the first failure in each worker decides. The worker loads what an earlier collection of the whole list
loaded, and runs the test once more, without reporting the outcome. If the test passes, the run restarts with the whole list, and workers of
later runs load the modules before they collect.

Such a worker cannot load every module before it collects: a directory may not be on sys.path yet. It tries the others again after each
collection that extends sys.path. If a test fails while a module is still missing, only the whole list shows whether the test needs it.
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
# How often a worker tries to load what is missing. A suite may have a directory on sys.path for each test file.
MAX_TRIES = 20


class MissingModules:
    """`names` lists what the whole list loaded, in order, as far as this process lacks it. If it is unknown (empty), nothing is tried.

    `preloads`: some test is known to need them. `run_again` returns pytest's reports.
    """

    def __init__(
        self,
        names: Sequence[str],
        preloads: bool,
        run_again: Callable[[pytest.Item, pytest.Item | None], list[pytest.TestReport]],
        channel: Channel,
    ) -> None:
        self.names = names
        self.preloads = preloads
        self.run_again = run_again
        self.channel = channel
        self.has_failed = False
        self.tries = 0
        self.tried_path: list[str] = []
        if preloads:
            self.load()

    def load(self) -> list[str]:
        """Imports what is missing, as the collection of the whole list does. Returns what this loaded; `names` keeps the rest."""
        self.tries += 1
        self.tried_path = list(sys.path)
        loaded: list[str] = []
        failed: list[str] = []
        for name in self.names:
            if name not in sys.modules:
                (loaded if load(name) else failed).append(name)
        self.names = failed
        return loaded

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self) -> None:
        if self.preloads and self.names and self.tries < MAX_TRIES and sys.path != self.tried_path:
            self.load()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.has_failed = self.has_failed or report.failed

    def examine(self, item: pytest.Item, upcoming: pytest.Item | None) -> None:
        """Called after each test, when the agent has its result. Whatever happens here, the failure stays."""
        has_failed, self.has_failed = self.has_failed, False
        if not has_failed or not self.names or item.get_closest_marker(NO_SPECULATION) is not None:
            return
        # The agent limits each step, as it limits collections and tests.
        self.channel.send("examining", nodeid=key_of(item), step="imports")
        loaded = self.load()
        missing, self.names = self.names, ()
        if loaded and self.passes(item, upcoming):
            self.report(f"{key_of(item)} passes only beside modules that other test files load ({shown(loaded)})")
        elif missing and self.preloads:
            self.report(f"{key_of(item)} fails where modules that other test files load are missing ({shown(missing)})")
        self.channel.send("examined")

    def passes(self, item: pytest.Item, upcoming: pytest.Item | None) -> bool:
        self.channel.send("examining", nodeid=key_of(item), step="test")
        return not any(report.failed for report in self.run_again(item, upcoming))

    def report(self, why: str) -> None:
        # If this worker loaded the modules before it collected, only the whole list can help.
        self.channel.send("inseparable", why=cap(why, WHY_BYTES), lacksModules=not self.preloads)


def load(name: str) -> bool:
    """Imports a module; False when that fails."""
    try:
        importlib.import_module(name)
    # It exists with the whole list only, is not on sys.path yet, no longer exists, or ends the import of a test file in its own way.
    except (Exception, SystemExit, pytest.skip.Exception, pytest.fail.Exception):
        return False
    return True


def shown(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")
