"""An xdist worker that the agent feeds: one pytest session that collects and runs file after file, as they are asked for.

What plain pytest does once for a whole list is done here once for each file, with the same hooks: only the nodes of directories stay, with their
conftests and fixtures. Every file is collected once, by the xdist worker that runs it.
"""

import os
from pathlib import Path

import pytest
from _pytest.runner import collect_one_node

from .arguments import path_of, split_argument
from .channel import cap, clean, perf_seconds
from .covering import save
from .narrowing import MESSAGE_BYTES, NO_SPECULATION, OWN_ID, is_among, own_id, selects, skip_phase
from .recycling import RECYCLED, Recycling
from .reporting import take_over
from .warned import recorded_for


class NextFile(pytest.Item):
    """Stands for the first test of the file that comes next, which is not known yet: what the two share stays set up."""

    def runtest(self):
        raise AssertionError("never run")


class Streaming:
    def __init__(self, config, session, channel):
        self.config = config
        self.serial_marker = session["serialMarker"]
        self.relays = session["relays"]
        self.is_measured = session["coverageFile"] is not None
        self.recycling = Recycling(session["maxWorkerBytes"], session["maxWorkerFiles"])
        self.channel = channel
        self.directories = {}
        self.selector = None
        self.last = None
        self.failed = set()
        self.total = 0

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self, session):
        self.session = session
        self.reporting = take_over(self.config.pluginmanager, self.relays, self.channel)
        session.perform_collect = self.perform_collect

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        # The logging plugin's wrapper would end the session's log handlers with the first file.
        logging_plugin = self.config.pluginmanager.get_plugin("logging-plugin")
        without = [] if logging_plugin is None else [logging_plugin]
        self.collect = self.config.pluginmanager.subset_hook_caller("pytest_collection", without)
        self.reporting.is_fed = True
        self.channel.send("ready")
        for task in self.channel.tasks():
            finished = all(self.run_selector(selector, task["isSerial"]) for selector in task["selectors"])
            self.recycling.count(len(task["selectors"]))
            is_recycled = self.recycling.is_due()
            if is_recycled:
                self.config.workeroutput[RECYCLED] = True
                # Now, as an error in a teardown belongs to what ran last.
                self.tear_down_to(None)
            is_last = is_recycled or bool(session.shouldfail or session.shouldstop)
            is_covered = self.is_measured and save(self.config)
            self.channel.send("task-done", isWhole=finished, isLast=is_last, isCovered=is_covered)
            if is_last:
                break
        self.tear_down_to(None)
        return True

    def run_selector(self, selector, is_serial):
        """Runs one file or some tests of it; False when it was stopped on its way."""
        self.selector = selector
        self.is_serial = is_serial
        self.wanted = None if selector["nodeids"] is None else frozenset(selector["nodeids"])
        self.excepted = frozenset(selector["except"])
        self.channel.send("collecting", file=selector["file"])
        started = perf_seconds()
        try:
            self.collect(session=self.session)
        except (self.session.Failed, self.session.Interrupted):
            pass  # -x and --maxfail count failed collections too
        except pytest.UsageError as error:
            # It would end this worker, which could not say why.
            self.tell_failed(selector["file"], "usage error: %s" % error)
            self.session.items = []
        self.tell_collected(perf_seconds() - started)
        items, self.session.items = self.session.items, []
        for index, item in enumerate(items):
            if self.session.shouldfail or self.session.shouldstop or self.channel.is_told_to_stop():
                return False
            if index == 0:
                self.tear_down_to(item)
            following = items[index + 1] if index + 1 < len(items) else self.next_file_after(item)
            self.session.items = items
            self.last = item
            self.reporting.begin_test(index, item.nodeid)
            self.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self.channel.is_inherited():
                # A child that the test forked came back here: it must not go on as a second worker on the same connections.
                os._exit(0)
            self.reporting.end_test()
        self.session.items = []
        return True

    def next_file_after(self, item):
        return NextFile.from_parent(item.getparent(pytest.Directory) or self.session, name="<next file>")

    # Collection: what Session.perform_collect does, for one file.

    def perform_collect(self, args=None, genitems=True):
        session, config = self.session, self.config
        session.items = []
        self.skipped = {}
        self.known = []
        self.put_off = []
        self.may_back_up = True
        if self.selector is None:
            self.remember_arguments()
            return []
        file = self.selector["file"]
        path = Path(os.path.abspath(config.rootpath / file))
        session._initialpaths = self.named
        session._initialpaths_with_parents = self.named_with_parents
        session._collection_cache = {}
        pending = dict(getattr(session._fixturemanager, "_pending_conftests", None) or {})
        try:
            if not path.exists():
                self.tell_failed(file, "pytest did not find this test file here")
                return []
            directory = self.directory(path.parent)
            if directory is not None:
                for collector in directory.ihook.pytest_collect_file(file_path=path, parent=directory):
                    session.items.extend(session.genitems(collector))
            self.known = [own_id(item) for item in session.items]
            config.hook.pytest_collection_modifyitems(session=session, config=config, items=session.items)
            wanted = [item for item in session.items if self.wants(item)]
            self.may_back_up = not any(item.get_closest_marker(NO_SPECULATION) for item in wanted)
            if not self.is_serial:
                self.put_off = [own_id(item) for item in wanted if item.get_closest_marker(self.serial_marker)]
            session.items[:] = [item for item in wanted if own_id(item) not in self.put_off]
        finally:
            session._collection_cache = {}
            config.hook.pytest_collection_finish(session=session)
            # pytest 9.1 forgets conftests whose directories were not collected by now: theirs may come later.
            if pending:
                for key, value in pending.items():
                    session._fixturemanager._pending_conftests.setdefault(key, value)
        self.total += len(session.items)
        session.testscollected = self.total
        return session.items

    def remember_arguments(self):
        """A file that the user named is collected by other rules than one that was found below a directory."""
        paths = [path_of(self.config, split_argument(argument)[0]) for argument in self.config.args]
        self.named = frozenset(path for path in paths if path is not None)
        self.named_with_parents = frozenset([*self.named, *(parent for path in self.named for parent in path.parents)])

    def directory(self, path):
        """The node of a directory, made once; None when its conftest or one above cannot be imported."""
        if path in self.directories:
            return self.directories[path]
        session = self.session
        if path == self.config.rootpath or not self.config.pluginmanager._is_in_confcutdir(path.parent):
            parent, hook = session, session.gethookproxy(path.parent)
        else:
            parent = self.directory(path.parent)
            if parent is None:
                return None
            hook = parent.ihook
        node = hook.pytest_collect_directory(path=path, parent=parent)
        # Collecting the node is how pytest loads its conftest; what else lies in the directory is not asked for.
        node.collect = lambda: []
        report = collect_one_node(node)
        if report.passed:
            self.directories[path] = node
            return node
        node.ihook.pytest_collectreport(report=report)
        return None

    def wants(self, item):
        if is_among(own_id(item), self.excepted):
            return False
        return self.wanted is None or is_among(own_id(item), self.wanted)

    @pytest.hookimpl(tryfirst=True)
    def pytest_itemcollected(self, item):
        setattr(item, OWN_ID, clean(item.nodeid))

    def pytest_collectreport(self, report):
        if self.selector is None:
            return
        if report.skipped:
            self.skipped[clean(report.nodeid)] = report
        if report.failed:
            self.tell_failed(report.nodeid.split("::")[0] or ".", report.longreprtext)

    # What is told of it.

    def tell_failed(self, file, message):
        self.failed.add(file)
        self.channel.send("collect-failed", file=file, message=cap(message, MESSAGE_BYTES))

    def tell_collected(self, seconds):
        file = self.selector["file"]
        nodeids = [own_id(item) for item in self.session.items] + list(self.skipped) + self.put_off
        for wanted in self.selector["nodeids"] or []:
            if not self.selector["mayMiss"] and file not in self.failed and not any(selects(wanted, nodeid) for nodeid in self.known + nodeids):
                self.tell_failed(file, "not found: %s" % wanted)
        if nodeids or not self.is_failed(file):
            self.channel.send("collected", file=file, nodeids=nodeids, serial=self.put_off, mayBackUp=self.may_back_up, seconds=seconds)
        for nodeid, report in self.skipped.items():
            self.channel.send("test-finished", **skip_phase(nodeid, report))

    def is_failed(self, file):
        return "." in self.failed or any(file == each or file.startswith(each + "/") for each in self.failed)

    # Teardown between files.

    def tear_down_to(self, item):
        """Tears down what `item` does not need; a failure is an error of the last test that ran, as it is for plain pytest."""
        state = self.session._setupstate
        chain = [] if item is None else item.listchain()
        if self.last is None or not state.stack or list(state.stack) == chain[: len(state.stack)]:
            return
        nodeid = own_id(self.last)
        self.channel.send("tearing-down", nodeid=nodeid)
        with recorded_for(self.last):
            call = pytest.CallInfo.from_call(lambda: state.teardown_exact(item), when="teardown", reraise=(KeyboardInterrupt,))
        message = None
        if call.excinfo is not None:
            report = pytest.TestReport.from_item_and_call(self.last, call)
            self.reporting.late_report(self.last, report)
            message = cap(report.longreprtext, MESSAGE_BYTES)
        self.channel.send("torn-down", nodeid=nodeid, message=message)
