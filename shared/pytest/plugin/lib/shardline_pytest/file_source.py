"""Collects file by file: calls the hooks for each file that plain pytest calls once for the whole list.

Used if the proof shows that both give the same tests. Only the nodes of directories stay, with their conftests and fixtures. The worker
that runs a file collects it, once.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from _pytest.runner import collect_one_node

from .arguments import file_of, path_of, split_argument
from .batch import Batch, skip_message
from .channel import clean, perf_seconds
from .item_keys import copy_key, is_among, selects, unique_keys
from .needs import BadMark, Needs
from .start_state import StartState
from .stored_ids import StoredIds
from .whole_list import NO_SPECULATION

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Optional

    from .batch import Test
    from .channel import Channel
    from .messages import Grants, RunMessage, Selector, TestNeeds
    from .separability import Separability
    from .task import Task

    # What to collect of one file, whether the task runs tests with the serial mark, and what tests may need.
    Portion = tuple[Selector, bool, Optional[Grants]]


def _never() -> None:
    raise AssertionError("never run")


class FileSource:
    """The source of tests of a worker that collects file by file. See `Source`."""

    def __init__(
        self,
        config: pytest.Config,
        session: pytest.Session,
        channel: Channel,
        serial_marker: str,
        separability: Separability,
        proves: bool,
        companions: Sequence[str],
    ) -> None:
        self.config = config
        self.session = session
        self.channel = channel
        self.serial_marker = serial_marker
        self.separability = separability
        self.proves = proves
        self.companions = companions
        self.state = StartState()
        self.directories: dict[Path, pytest.Collector] = {}
        self.selector: Selector | None = None
        self.failed: set[str] = set()
        self.digests: dict[str, tuple[list[str], str]] = {}
        # The ids of each file when this process collected it first, and whether a later collection gave others.
        self.first_ids: dict[str, list[str]] = {}
        self.is_spent = False
        self.stored_ids = StoredIds()
        self.total = 0
        session.perform_collect = self.perform_collect  # type: ignore[method-assign]  # pytest calls it for each collection

    def watch_reads(self) -> None:
        self.separability.watch_reads()

    def begin(self) -> None:
        # The wrapper of the logging plugin would close the session's log handlers after the first file.
        logging_plugin = self.config.pluginmanager.get_plugin("logging-plugin")
        without = [] if logging_plugin is None else [logging_plugin]
        self.collect = self.config.pluginmanager.subset_hook_caller("pytest_collection", without)

    def portions(self, message: RunMessage) -> list[Portion]:
        """One portion per selector: a file is collected after the tests of the file before it have run."""
        return [(selector, message["isSerial"], message["grants"]) for selector in message["selectors"]]

    def upcoming(self, task: Task) -> pytest.Item | None:
        """A stand-in for the first test of the next file, which is not collected yet.

        pytest keeps what both tests share set up.
        """
        if not task.waiting:
            return None
        path = self.path_of(task.waiting[0][0]["file"])
        with self.state.in_place():
            directory = self.directory(path.parent)
        module = pytest.Module.from_parent(directory or self.session, path=path)
        return pytest.Function.from_parent(module, name="<next test>", callobj=_never)

    def put_off_item(self, rank: int) -> None:
        """None: a process that takes over has only the file of the test to collect."""

    def path_of(self, file: str) -> Path:
        """The absolute path of a file that is relative to the root directory."""
        return Path(os.path.normpath(str(self.config.rootpath / file)))

    def batch(self, portion: Portion, task: int) -> Batch:
        """Collects one file, by the hooks that pytest calls for a session."""
        self.selector, self.is_serial, self.grants = portion
        selector = portion[0]
        self.wanted = None if selector["nodeids"] is None else frozenset(selector["nodeids"])
        self.excepted = frozenset(selector["except"])
        self.result = Batch()
        file = selector["file"]
        self.channel.send("collecting", task=task, file=file)
        started = perf_seconds()
        before = self.session.items
        self.separability.begin(self.session)
        try:
            with self.state.in_place():
                self.collect(session=self.session)
        except (self.session.Failed, self.session.Interrupted):
            pass  # -x and --maxfail count failed collections too
        except pytest.UsageError as error:
            # Otherwise it would end this worker without a reason.
            self.fail(file, f"usage error: {error}")
            self.session.items = []
        finally:
            self.separability.finish(self.session)
        if self.proves:
            self.separability.report_problems()
        if self.is_spent:
            self.channel.send("file-collected", file=file)
            return Batch()
        batch = self.result
        batch.listed = self.session.items
        self.announce(batch, selector, perf_seconds() - started)
        self.session.items = before
        return batch

    def perform_collect(self, args: Sequence[str] | None = None, genitems: bool = True) -> list[pytest.Item]:
        """Replaces Session.perform_collect: collects the file of the current selector."""
        session, config = self.session, self.config
        session.items = []
        self.skipped: dict[str, pytest.CollectReport] = {}
        self.known: list[str] = []
        self.put_off: list[str] = []
        self.unmet: list[str] = []
        self.needs: list[TestNeeds] = []
        self.entries: list[Test] = []
        self.may_back_up = True
        self.digest = None
        if self.selector is None:
            self.remember_arguments()
            self.import_companions()
            return []
        file = self.selector["file"]
        path = self.path_of(file)
        session._initialpaths = self.named
        session._initialpaths_with_parents = self.named_with_parents
        session._collection_cache = {}
        fixtures: Any = session._fixturemanager
        pending = dict(getattr(fixtures, "_pending_conftests", None) or {})
        self.stored_ids.forget(file)
        try:
            if not path.exists():
                self.fail(file, f"pytest found no such file in {self.config.rootpath}")
                return []
            directory = self.directory(path.parent)
            if directory is not None:
                for collector in directory.ihook.pytest_collect_file(file_path=path, parent=directory):
                    session.items.extend(session.genitems(collector))
            self.stored_ids.remember(file, session.items)
            self.known = [clean(item.nodeid) for item in session.items]
            # Plain pytest collects a file once in a process. A second time, a generator of parameters is used up.
            self.is_spent = sorted(self.first_ids.setdefault(file, self.known)) != sorted(self.known)
            if self.is_spent:
                session.items = []
                return session.items
            config.hook.pytest_collection_modifyitems(session=session, config=config, items=session.items)
            self.digest = self.digest_of(file, session.items)
            self.choose(session.items)
        finally:
            session._collection_cache = {}
            config.hook.pytest_collection_finish(session=session)
            # pytest 9.1 drops conftests whose directories are not collected yet. They may follow.
            if pending:
                for key, value in pending.items():
                    fixtures._pending_conftests.setdefault(key, value)
        self.total += len(self.entries)
        session.testscollected = self.total
        return session.items

    def digest_of(self, file: str, items: list[pytest.Item]) -> str:
        """The digest from before tests of the file ran here: they may change what their marks hold, such as a list of parameters."""
        ids = [item.nodeid for item in items]
        if file not in self.digests or self.digests[file][0] != ids:
            self.digests[file] = (ids, self.separability.digest(items))
        return self.digests[file][1]

    def choose(self, items: list[pytest.Item]) -> None:
        """Keeps the items that the selector names and that need not wait for the end of the run."""
        wanted = [(item, key) for item, key in zip(items, unique_keys(items)) if self.wants(key)]
        self.may_back_up = not any(item.get_closest_marker(NO_SPECULATION) for item, _ in wanted)
        if not self.is_serial:
            self.put_off = [key for item, key in wanted if item.get_closest_marker(self.serial_marker)]
        for item, key in wanted:
            self.read_needs(item, key)
        later = frozenset(self.put_off + self.unmet)
        chosen = [(item, key) for item, key in wanted if key not in later]
        items[:] = [item for item, _ in chosen]
        self.entries = [(item, key, index) for index, (item, key) in enumerate(chosen)]

    def read_needs(self, item: pytest.Item, key: str) -> None:
        """Postpones a test that needs more than the task has. A mark that cannot be read is an error of the file."""
        assert self.selector is not None
        try:
            needs = Needs(item)
        except BadMark as error:
            self.fail(self.selector["file"], str(error), item.nodeid)
            self.unmet.append(key)
            return
        if needs:
            self.needs.append(needs.message(key))
        if not needs.are_met(self.grants):
            self.unmet.append(key)

    def remember_arguments(self) -> None:
        """pytest applies other rules to a file that the user named than to one that it found in a directory."""
        paths = [path_of(self.config, split_argument(argument)[0]) for argument in self.config.args]
        self.named = frozenset(path for path in paths if path is not None)
        self.named_with_parents = frozenset([*self.named, *(parent for path in self.named for parent in path.parents)])

    def import_companions(self) -> None:
        """Imports the test files whose imports other files need. If one kills its worker, the next worker leaves it out."""
        for file in self.companions:
            self.channel.send("collecting", task=0, file=file)
            if self.import_file(file) is None:
                # Collecting it would import it a second time, which plain pytest does not do.
                self.separability.report(f"{file}, whose imports other test files need, cannot be imported before them")
            self.channel.send("file-collected", file=file)

    def import_file(self, file: str) -> list[str] | None:
        """Imports a test module, without collecting it. The worker that collects it reports its errors.

        Returns the names of the other modules that it loaded; None if the import failed.
        """
        path = self.path_of(file)
        selector, self.selector = self.selector, None
        self.separability.imports.begin()
        self.session._initialpaths = self.named
        self.session._initialpaths_with_parents = self.named_with_parents
        try:
            with self.state.in_place():
                return self.import_below(self.directory(path.parent), path)
        finally:
            self.selector = selector

    def import_below(self, directory: pytest.Collector | None, path: Path) -> list[str] | None:
        if directory is None or not path.exists():
            return None
        module = pytest.Module.from_parent(directory, path=path)

        def collect() -> list[pytest.Item]:
            assert module.obj is not None
            return []

        module.collect = collect  # type: ignore[method-assign]  # of this node only
        loads = self.separability.imports.loads.setdefault(module.nodeid, [])
        known = len(loads)
        try:
            report = module.ihook.pytest_make_collect_report(collector=module)
        except (SystemExit, pytest.exit.Exception):
            return None
        return loads[known:] if report.passed else None

    def directory(self, path: Path) -> pytest.Collector | None:
        """The node of a directory, created once; None when its conftest, or one above it, cannot be imported."""
        if path in self.directories:
            return self.directories[path]
        session = self.session
        if path == self.config.rootpath or not self.config.pluginmanager._is_in_confcutdir(path.parent):
            parent: pytest.Collector | None = session
            hook = session.gethookproxy(path.parent)
        else:
            parent = self.directory(path.parent)
            if parent is None:
                return None
            hook = parent.ihook
        node: pytest.Collector = hook.pytest_collect_directory(path=path, parent=parent)
        # Collecting the node loads its conftest. The directory's other files are not wanted.
        node.collect = list  # type: ignore[method-assign]  # of this node only
        report = collect_one_node(node)
        if report.passed:
            self.directories[path] = node
            return node
        node.ihook.pytest_collectreport(report=report)
        return None

    def wants(self, key: str) -> bool:
        """Does the current selector name this test?"""
        if is_among(key, self.excepted):
            return False
        return self.wanted is None or is_among(key, self.wanted)

    def collect_report(self, report: pytest.CollectReport) -> None:
        if self.selector is None:
            return
        if report.skipped:
            # --doctest-modules has two collectors per file.
            self.skipped[copy_key(clean(report.nodeid), self.skipped)] = report
        if report.failed:
            self.fail(file_of(report.nodeid), report.longreprtext, report.nodeid)

    def fail(self, file: str, message: str, nodeid: str | None = None) -> None:
        self.failed.add(file)
        self.result.fail(file, message, nodeid)

    def announce(self, batch: Batch, selector: Selector, seconds: float) -> None:
        """Adds the messages about the file to the batch."""
        batch.entries = self.entries
        file = selector["file"]
        later = list(dict.fromkeys(self.put_off + self.unmet))
        keys = [key for _, key, _ in self.entries] + list(self.skipped) + later
        for wanted in selector["nodeids"] or []:
            if not selector["mayMiss"] and file not in self.failed and not any(selects(wanted, key) for key in self.known + keys):
                self.fail(file, f"not found: {wanted}")
        if keys or not self.has_failed(file):
            batch.announce(
                "collected",
                file=file,
                nodeids=keys,
                serial=self.put_off,
                needs=self.needs,
                unmet=self.unmet,
                mayBackUp=self.may_back_up,
                digest=self.digest,
                seconds=seconds,
            )
        for nodeid, report in self.skipped.items():
            batch.announce("test-finished", file=file, **skip_message(nodeid, report))

    def has_failed(self, file: str) -> bool:
        return "." in self.failed or any(file == each or file.startswith(each + "/") for each in self.failed)
