"""Finds out if a failed test needs modules that other test files import: a worker that collects by file does not import them all.

At its first failure, a worker imports the test files that load modules it lacks, and runs the test once more, without reporting the
outcome. If the test passes, the run restarts with the whole list, and every worker of a later run imports these companions before its first
file. A module that no test file loads any more is loaded by its name. The worker then ends, because later tests could pass beside that
module although plain pytest fails them.
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
from .warning_tally import recorded_at_collection
from .whole_list import NO_SPECULATION

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .channel import Channel
    from .messages import Load

NAMED = 3


class MissingModules:
    """`loads` lists the modules that the last whole collection loaded. If it is empty, no test runs again.

    `import_file` imports a test file and returns the names of the other modules that it loaded, None if the import failed; `run_again`
    returns pytest's reports. `must_end`: this process must run no other test.
    """

    def __init__(
        self,
        loads: Sequence[Load],
        import_file: Callable[[str], list[str] | None],
        run_again: Callable[[pytest.Item, pytest.Item | None], list[pytest.TestReport]],
        channel: Channel,
    ) -> None:
        self.loads = loads
        self.import_file = import_file
        self.run_again = run_again
        self.channel = channel
        self.has_failed = False
        self.must_end = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        # A subtest that fails is reported here only.
        self.has_failed = self.has_failed or report.failed

    def examine(self, item: pytest.Item, upcoming: pytest.Item | None) -> None:
        """Called after each test, when the agent has its result. Whatever happens here, the failure stays."""
        has_failed, self.has_failed = self.has_failed, False
        if not has_failed or item.get_closest_marker(NO_SPECULATION) is not None:
            return
        lacking = [name for load in self.loads for name in load["modules"] if name not in sys.modules]
        if not lacking:
            return
        # The agent limits each step, as it limits collections and tests.
        self.channel.send("examining", nodeid=key_of(item), step="imports")
        loads, self.loads = self.loads, ()
        with recorded_at_collection(item.config):
            companions = self.import_files(loads)
            by_name = import_modules(loads)
        self.must_end = self.must_end or bool(by_name)
        loaded = [name for name in lacking if name in sys.modules]
        if loaded and self.passes(item, upcoming):
            why = f"{key_of(item)} passes only beside modules that other test files load ({shown(loaded)})"
            found = [] if by_name else companions
            self.channel.send("inseparable", why=cap(why, WHY_BYTES), file=file_of(item.nodeid), companions=found)
        self.channel.send("examined")

    def import_files(self, loads: Sequence[Load]) -> list[str]:
        """Imports the test files that loaded something this process lacks. Returns those that loaded something now."""
        companions = []
        for load in loads:
            file, names = load["file"], load["modules"]
            if file is None or all(name in sys.modules for name in names):
                continue
            new = self.import_file(file)
            if new is None:
                # The worker that collects it would import it a second time.
                self.must_end = True
            elif new:
                companions.append(file)
        return companions

    def passes(self, item: pytest.Item, upcoming: pytest.Item | None) -> bool:
        self.channel.send("examining", nodeid=key_of(item), step="test")
        reports = self.run_again(item, upcoming)
        has_failed, self.has_failed = self.has_failed, False
        return not has_failed and not any(report.failed for report in reports)


def import_modules(loads: Sequence[Load]) -> list[str]:
    """Imports the modules that are still missing: a file that did not load one in the last collection may do so now."""
    return [name for load in loads for name in load["modules"] if name not in sys.modules and is_imported(name)]


def is_imported(name: str) -> bool:
    """Imports a module; False when that fails."""
    try:
        importlib.import_module(name)
    # It exists with the whole list only, is not on sys.path, no longer exists, or ends the import of a test file in its own way.
    except (Exception, SystemExit, pytest.skip.Exception, pytest.fail.Exception):
        return False
    return True


def shown(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")
