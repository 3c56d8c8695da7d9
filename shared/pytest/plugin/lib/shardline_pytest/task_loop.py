"""Runs the tasks that the agent sends: the test loop of an xdist worker, or of pytest's main process without workers.

Takes the tests of a task from a source. Before the last test it waits for the next task, or for the answer that none waits, so that
`nextitem` is what plain pytest passes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from .batch import MESSAGE_BYTES
from .channel import cap
from .controller_needs import own_implementations
from .file_source import FileSource
from .interactors import replace_interactor
from .item_keys import KEY, key_of
from .longrepr import text_of
from .missing_modules import MissingModules
from .named_tests import NamedTests
from .recycling import RECYCLED, Recycling
from .separability import Separability
from .stdlib import real
from .suite_source import SuiteSource
from .task import Entry, Task
from .warning_tally import recorded_for
from .wide_fixtures import asks_for_wide, is_wide

if TYPE_CHECKING:
    from pluggy import Result

    from .channel import Channel
    from .hook_types import HookWrapper
    from .messages import BeginMessage, SessionSettings
    from .result_sender import ResultSender

# Hooks that receive the test that runs next.
NEXT_ITEM_HOOKS = ("pytest_runtest_protocol", "pytest_runtest_teardown")


class TaskLoop:
    """One per process. Registered as a plugin, it replaces the test loops of pytest and xdist."""

    def __init__(self, config: pytest.Config, session: SessionSettings, channel: Channel, result_sender: ResultSender) -> None:
        self.config = config
        self.serial_marker = session["serialMarker"]
        self.relays = session.get("relays", False)
        self.is_measured = session["coverageFile"] is not None
        self.may_miss = session["mayMiss"]
        self.harmless = session["harmless"]
        self.recycling = Recycling(session["maxWorkerBytes"], session["maxWorkerFiles"])
        self.channel = channel
        self.result_sender = result_sender
        self.missing: MissingModules | None = None
        self.chosen: FileSource | SuiteSource | None = None
        self.last: pytest.Item | None = None
        # Did a test run as the last of this process, and did it tear down fixtures that plain pytest would have kept?
        self.is_wound_down = False
        self.has_wide_fixtures = False
        self.needs_next_item = False

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        self.session = session
        self.interactor = replace_interactor(self.config.pluginmanager, self.relays, self.channel)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> HookWrapper:
        if self.chosen is not None:
            yield
            return
        source = self.chosen = self.chosen_source(session)
        outcome = yield
        if isinstance(source, SuiteSource):
            self.take_list(session, source, outcome)
        source.watch_reads()

    @property
    def source(self) -> FileSource | SuiteSource:
        """Set when pytest begins to collect."""
        assert self.chosen is not None
        return self.chosen

    def chosen_source(self, session: pytest.Session) -> FileSource | SuiteSource:
        """Waits for the agent, once it knows the suite, to decide how to collect."""
        first = self.channel.receive()
        if first is None:
            pytest.exit("shardline's agent is gone")
        message = cast("BeginMessage", first)
        separability = None
        if message["collect"] == "file" or message["proves"]:
            separability = Separability(self.config, self.harmless, self.report_inseparable)
            self.config.pluginmanager.register(separability, "shardline-separability")
        if message["collect"] == "file" and separability is not None:
            companions = [file for file in message["companions"] if file not in message["deadly"]]
            source = FileSource(self.config, session, self.channel, self.serial_marker, separability, message["proves"], companions)
            if message["proves"]:
                self.missing = MissingModules(message["loads"], source.import_file, self.result_sender.run_again, self.channel)
                self.config.pluginmanager.register(self.missing, "shardline-missing-modules")
            return source
        self.channel.send("collecting", task=0, file=".")
        # A crash of pytest during collection ends this worker only.
        self.interactor.is_fed = True
        if self.may_miss:
            named_tests = NamedTests()
            named_tests.pytest_collection(session)
            self.config.pluginmanager.register(named_tests, "shardline-named-tests")
        return SuiteSource(self.config, session, self.channel, self.serial_marker, separability, message["deadly"])

    def report_inseparable(self, why: str) -> None:
        self.channel.send("inseparable", why=why, file=None, companions=[])

    def take_list(self, session: pytest.Session, source: SuiteSource, outcome: Result[object]) -> None:
        """Takes over the collected list, unless pytest refused to collect."""
        if outcome.excinfo is not None:
            kind, problem = outcome.excinfo[:2]
            if issubclass(kind, (session.Failed, session.Interrupted)):
                outcome.force_result(None)  # -x and --maxfail count failed collections too
            elif issubclass(kind, pytest.UsageError):
                # The user gave paths or options that pytest refuses.
                self.channel.send("usage-error", message=cap("\n".join(str(arg) for arg in problem.args), MESSAGE_BYTES))
                return
            else:
                return
        source.list.finish(session)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if isinstance(self.chosen, FileSource):
            self.chosen.collect_report(report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[object]) -> None:
        if is_wide(fixturedef):
            self.has_wide_fixtures = True

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self.interactor.is_fed = True
        self.needs_next_item = reads_next_item(self.config)
        self.source.begin()
        self.channel.send("ready")
        task = self.next_task()
        while task is not None:
            following = self.run_task(task)
            if self.is_over():
                break
            if following is not None and not following.claim():
                following = None
            task = following or self.next_task()
        self.tear_down_to(None)
        return True

    # Tasks.

    def next_task(self) -> Task | None:
        """Waits for a task and claims it; None when no task follows or this process must not run another."""
        while True:
            message = self.channel.next_message()
            if message is None:
                return None
            if message["kind"] == "send-list" and isinstance(self.source, SuiteSource):
                self.source.send_list()
            elif message["kind"] == "run":
                task = Task(self.channel, self.source, message)
                if not task.claim():
                    continue
                if self.is_wound_down and self.has_wide_fixtures:
                    # Plain pytest sets up a session fixture once per process, so another process takes over.
                    self.recycle()
                    self.channel.send("handed-back", task=task.number, isCovered=self.is_measured)
                    return None
                return task

    def look_ahead(self) -> tuple[Task | None, pytest.Item | None]:
        """The task after this one, and its first test; None for both when none waits."""
        while True:
            message = self.channel.peek_run()
            if message is None:
                return None, None
            self.channel.received.remove(message)
            task = Task(self.channel, self.source, message)
            upcoming = task.upcoming()
            if upcoming is not None:
                if self.needs_next_item and not task.reserve():
                    continue
                return task, upcoming
            # The task has no test to run, only reports about its files.
            if task.claim():
                self.channel.send("task-done", task=task.number, isWhole=True, isLast=False, isCovered=self.is_measured)

    def run_task(self, task: Task) -> Task | None:
        """Runs the tests of a claimed task, and returns the next task if it had to look ahead."""
        following, is_whole, is_handed_back = None, True, False
        self.channel.task = task.number
        for entry in task:
            if self.must_stop():
                is_whole = False
                break
            upcoming = task.upcoming()
            if upcoming is None:
                following, upcoming = self.look_ahead()
            self.run_test(entry, upcoming or self.put_off_item(entry))
            if self.missing is not None and self.missing.must_end:
                self.recycle()
                is_handed_back = task.is_left() and not self.must_stop()
                is_whole = not task.is_left()
                break
        if self.source.is_spent:
            self.recycle()
            is_handed_back = not self.must_stop()
            is_whole = False
        self.recycling.count(task.files)
        if self.recycling.is_due():
            self.recycle()
        is_last = self.is_over()
        if is_last and self.recycling.is_recycled:
            # Tear down now, because an error in a teardown belongs to the last test.
            self.tear_down_to(None)
        is_covered = self.is_measured and self.save_coverage()
        if is_handed_back:
            self.channel.send("handed-back", task=task.number, isCovered=is_covered)
        else:
            self.channel.send("task-done", task=task.number, isWhole=is_whole, isLast=is_last, isCovered=is_covered)
        return following

    def put_off_item(self, entry: Entry) -> pytest.Item | None:
        """A test that runs after all others, to pass to pytest as the test behind the last one of this process.

        This process may get that test. Until then, session fixtures stay set up: otherwise another process would take over, and collect the
        whole list first. None if a hook needs the true next test: this process may never get the one that was put off.
        """
        if self.needs_next_item:
            return None
        item, _, rank = entry.test
        return self.source.put_off_item(rank) if self.has_wide_fixtures or asks_for_wide(item) else None

    def save_coverage(self) -> bool:
        from .coverage_data import save

        return save(self.config)

    def recycle(self) -> None:
        """Ends this process after the current task. xdist starts another one."""
        self.recycling.is_recycled = True
        if hasattr(self.config, "workeroutput"):
            self.config.workeroutput[RECYCLED] = True

    def must_stop(self) -> bool:
        return bool(self.session.shouldfail or self.session.shouldstop) or self.channel.must_stop()

    def is_over(self) -> bool:
        return self.recycling.is_recycled or bool(self.session.shouldfail or self.session.shouldstop)

    # Tests.

    def run_test(self, entry: Entry, upcoming: pytest.Item | None) -> None:
        item, key, index = entry.test
        self.tear_down_to(item)
        self.session.items = entry.listed
        setattr(item, KEY, key)
        self.last = item
        self.is_wound_down = upcoming is None
        self.interactor.begin_test(index, item.nodeid)
        self.config.hook.pytest_runtest_protocol(item=item, nextitem=upcoming)
        if self.channel.is_inherited():
            # A child that the test forked returned here. It must not become a second worker on the same connections.
            real.exit_at_once(0)
        self.interactor.end_test()
        if self.missing is not None:
            self.missing.examine(item, upcoming)

    def tear_down_to(self, item: pytest.Item | None) -> None:
        """Tears down what `item` does not need, in case pytest expected another next test.

        A failure is an error of the last test that ran.
        """
        state = self.session._setupstate
        chain = [] if item is None else item.listchain()
        if self.last is None or not state.stack or list(state.stack) == chain[: len(state.stack)]:
            return
        key = key_of(self.last)
        self.channel.send("tearing-down", nodeid=key)
        with recorded_for(self.last):
            call = pytest.CallInfo.from_call(lambda: state.teardown_exact(item), when="teardown", reraise=(KeyboardInterrupt,))
        message = None
        if call.excinfo is not None:
            report = pytest.TestReport.from_item_and_call(self.last, call)
            self.interactor.late_report(self.last, report)
            message = cap(text_of(report), MESSAGE_BYTES)
        self.channel.send("torn-down", nodeid=key, message=message)


def reads_next_item(config: pytest.Config) -> bool:
    """Does a hook of the suite or of a plugin take `nextitem`? testmon, for example, writes its data when there is no next test."""
    return any("nextitem" in each.argnames for name in NEXT_ITEM_HOOKS for each in own_implementations(config, name))
