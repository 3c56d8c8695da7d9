"""Which tests run here: the user's own arguments, collected by pytest itself, with everything outside the selectors left out.

Also tells what was collected. Directory arguments stay directories: a file named as an argument is collected by other rules than one found.
"""

import pytest

from .arguments import file_of, path_of, split_argument
from .channel import cap, clean, now_ms, perf_seconds

OWN_ID = "_shardline_nodeid"
NO_SPECULATION = "no_speculation"
MESSAGE_BYTES = 100_000
PACKAGES_ARE_MODULES = not hasattr(pytest, "Directory")  # pytest 7


def own_id(item):
    """The item's node id as plain pytest has it: xdist's `--dist loadgroup` appends the group to it later."""
    return getattr(item, OWN_ID, None) or clean(item.nodeid)


class Narrowing:
    def __init__(self, config, session, channel):
        self.config = config
        self.serial_marker = None if session["isSerial"] else session["serialMarker"]
        self.put_off = []
        self.never_twice = set()
        self.channel = channel
        self.wanted = {}
        self.excepted = set()
        self.may_miss = set()
        self.paths = {}
        self.directories = set()
        self.collected_ids = []
        self.seconds = {}
        self.failed = set()
        self.skipped = {}
        self.is_complete = False

    def select(self, selectors):
        for selector in selectors:
            self.excepted.update(selector["except"])
            if selector["mayMiss"]:
                self.may_miss.add(selector["file"])
            nodeids = self.wanted.setdefault(selector["file"], set())
            if selector["nodeids"] is None or nodeids is None:
                self.wanted[selector["file"]] = None
            else:
                nodeids.update(selector["nodeids"])
        self.paths = {self.config.rootpath / file: file for file in self.wanted}
        self.directories = {parent for path in self.paths for parent in path.parents}

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self):
        # A process that was started ahead waits here until there is something to run.
        message = self.channel.receive()
        if message is None:
            pytest.exit("shardline's agent is gone")
        self.select(message["selectors"])
        kept = []
        for argument in self.config.args:
            base, _names = split_argument(argument)
            path = path_of(self.config, base)
            if path is not None and (path in self.paths or path in self.directories):
                kept.append(base)
        # Nothing left means that the files are not here; the root then yields them as missing instead of pytest's refusal of all.
        self.config.args[:] = list(dict.fromkeys(kept)) or [str(self.config.rootpath)]

    @pytest.hookimpl(tryfirst=True)
    def pytest_ignore_collect(self, collection_path):
        if collection_path in self.paths or collection_path in self.directories:
            return None
        if PACKAGES_ARE_MODULES and collection_path.name == "__init__.py":
            return None
        return True

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_make_collect_report(self, collector):
        file = None if isinstance(collector, pytest.Package) else self.paths.get(collector.path)
        if file is not None:
            self.channel.send("collecting", file=clean(file))
        started = perf_seconds()
        yield
        if file is not None:
            self.seconds[file] = self.seconds.get(file, 0.0) + perf_seconds() - started

    def pytest_collectreport(self, report):
        file = file_of(report.nodeid)
        if report.skipped and file in self.wanted:
            # A module that skips itself while it is imported: nobody knows its tests, and pytest counts it as one skipped test.
            self.skipped[clean(report.nodeid)] = report
            self.collected_ids.append(clean(report.nodeid))
        if report.failed:
            # pytest 7 also imports the __init__.py of packages that hold no selected test.
            if file in self.wanted or not (PACKAGES_ARE_MODULES and file.endswith("__init__.py")):
                self.tell_failed(file, report.longreprtext)

    @pytest.hookimpl(tryfirst=True)
    def pytest_itemcollected(self, item):
        nodeid = clean(item.nodeid)
        setattr(item, OWN_ID, nodeid)
        self.collected_ids.append(nodeid)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items):
        kept = [item for item in items if self.wants(item)]
        self.never_twice = {file_of(own_id(item)) for item in kept if item.get_closest_marker(NO_SPECULATION)}
        if self.serial_marker is not None:
            self.put_off = [own_id(item) for item in kept if item.get_closest_marker(self.serial_marker)]
            alone = set(self.put_off)
            kept = [item for item in kept if own_id(item) not in alone]
        if len(kept) != len(items):
            items[:] = kept
        self.is_complete = True

    def wants(self, item):
        file = self.paths.get(item.path)
        if file is None:
            return item.path.is_dir()  # of no file: what a plugin adds to the session itself
        nodeids = self.wanted[file]
        if is_among(own_id(item), self.excepted):
            return False
        return nodeids is None or is_among(own_id(item), nodeids)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session):
        # Also called when collection was given up on its way; an empty list would then mean "has no tests".
        if not self.is_complete:
            return
        by_file = {file: [] for file in self.seconds}
        for item in session.items:
            nodeid = own_id(item)
            by_file.setdefault(file_of(nodeid), []).append(nodeid)
        for nodeid in [*self.skipped, *self.put_off]:
            by_file.setdefault(file_of(nodeid), []).append(nodeid)
        for file, nodeids in self.wanted.items():
            if file in self.failed:
                continue
            if file not in self.seconds:
                if not self.is_below_failed(file):
                    self.tell_failed(file, "pytest did not find this test file here")
                continue
            for nodeid in [] if file in self.may_miss else nodeids or []:
                if not any(selects(nodeid, known) for known in self.collected_ids):
                    self.tell_failed(file, "not found: %s" % nodeid)
        for file, nodeids in by_file.items():
            if nodeids or file not in self.failed:
                serial = [nodeid for nodeid in nodeids if nodeid in self.put_off]
                seconds = self.seconds.get(file, 0.0)
                self.channel.send("collected", file=clean(file), nodeids=nodeids, serial=serial, mayBackUp=file not in self.never_twice, seconds=seconds)
        for nodeid, report in self.skipped.items():
            self.channel.send("test-finished", **skip_phase(nodeid, report))

    def is_below_failed(self, file):
        return "." in self.failed or any(file.startswith(directory + "/") for directory in self.failed)

    def tell_failed(self, file, message):
        self.failed.add(file)
        self.channel.send("collect-failed", file=clean(file), message=cap(message, MESSAGE_BYTES))


def is_among(nodeid, selected):
    """Is one of the selected this test, its class, or it without its parameters?"""
    if nodeid in selected:
        return True
    file, _, rest = nodeid.partition("::")
    names = rest.partition("[")[0].split("::")
    return any("::".join([file, *names[:count]]) in selected for count in range(len(names), 0, -1))


def selects(selected, nodeid):
    """Is `selected` this test, its class, or it without its parameters?"""
    return nodeid == selected or (nodeid.startswith(selected) and nodeid[len(selected) :].startswith(("::", "[")))


def skip_phase(nodeid, report):
    """The fields of `test-finished` for a module that skipped itself."""
    at = now_ms()
    path, line, reason = report.longrepr if isinstance(report.longrepr, tuple) else (nodeid, None, report.longreprtext)
    message = cap("%s:%s: %s" % (path, line, reason), MESSAGE_BYTES)
    phase = {"when": "collect", "outcome": "skipped", "seconds": 0.0, "xfailReason": None, "isSubtest": False, "message": message}
    return {"nodeid": nodeid, "at": at, "startedAt": at, "line": line, "phases": [phase], "sections": [], "rssBytes": 0, "cpuSeconds": 0.0}
