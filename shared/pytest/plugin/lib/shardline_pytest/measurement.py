"""Measures one pytest for `shardline audit`, and changes nothing: `-p shardline_pytest.measurement` loads it in each of its processes.

Each process appends JSON lines to its own file as things happen, so that a killed process leaves what it knew. Times are in seconds.
"""

from __future__ import annotations

import os
from resource import RUSAGE_CHILDREN, RUSAGE_SELF
from typing import TYPE_CHECKING

import pytest

from . import session_of
from .item_keys import key_of
from .marks import register_marks
from .result_sender import RSS_UNIT
from .stdlib import real
from .xdist_loader import load_xdist

if TYPE_CHECKING:
    from collections.abc import Sequence
    from resource import struct_rusage

    from xdist.workermanage import WorkerController

    from .hook_types import HookWrapper
    from .messages import SessionSettings

# Minimum seconds between writes of sums and usage, except at the end.
FLUSH_SECONDS = 1
# Every test pays for fixtures of these scopes itself. The first test that needs another fixture pays for it.
OWN_SCOPES = ("function",)
FILE_SCOPES = ("class", "module")


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> HookWrapper:
    load_xdist(early_config)
    session = session_of(early_config)
    if session is not None and session["listsImports"]:
        # -X importtime prints to file descriptor 2, which capturing would redirect.
        early_config.known_args_namespace.capture = "no"
        os.environ.pop("PYTHONPROFILEIMPORTTIME", None)  # for this process only
        mark_importer("conftest")
    yield
    if session is not None and session["listsImports"]:
        mark_importer(None)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    session = session_of(config)
    if session is None:
        return
    register_marks(config, session["serialMarker"])
    workerinput = getattr(config, "workerinput", None)
    workers = len(config.getoption("tx", None) or []) if config.getoption("dist", "no") != "no" else 0
    name = workerinput["workerid"] if workerinput is not None else "main"
    config.pluginmanager.register(Measurement(config, session, name, workers), "shardline-measurement")


def mark_importer(name: str | None) -> None:
    """Names the file or conftest that all following imports belong to, until the next call.

    None stands for pytest itself and its plugins.
    """
    real.write(2, f"\nshardline-importer: {real.encode(name)}\n".encode("ascii"))


class Measurement:
    """Records collection, fixtures, tests and resource usage of this process."""

    def __init__(self, config: pytest.Config, session: SessionSettings, name: str, workers: int) -> None:
        self.session = session
        self.root = str(config.rootpath)
        self.is_controller = name == "main" and workers > 0
        self.file = os.open(f"{session['recordPath']}.{name}", os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.collecting: list[str] = []
        self.nested: list[float] = []
        # (name, scope, file) → (seconds, count)
        self.fixtures: dict[tuple[str, str, str], tuple[float, int]] = {}
        self.paid: dict[str, float] = {}
        self.reports: list[pytest.TestReport] = []
        self.flushed_at = real.now()
        self.record("opened", rootdir=self.root, workers=workers, dist=str(config.getoption("dist", "no")))

    def record(self, kind: str, **values: object) -> None:
        """Writes one line."""
        line = real.encode({"kind": kind, "at": real.now(), **values})
        real.write(self.file, (line + "\n").encode("ascii"))

    def record_usage(self) -> None:
        own, awaited = real.getrusage(RUSAGE_SELF), real.getrusage(RUSAGE_CHILDREN)
        peak, now = resident_memory(own)
        cpu = own.ru_utime + own.ru_stime + (0 if self.is_controller else awaited.ru_utime + awaited.ru_stime)
        self.record("usage", cpuSeconds=cpu, peakRssBytes=peak, rssBytes=now)
        for (name, scope, file), (seconds, count) in self.fixtures.items():
            self.record("fixture", name=name, scope=scope, file=file, seconds=seconds, count=count)
        self.fixtures = {}
        self.flushed_at = real.now()

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: WorkerController) -> None:
        node.workerinput["shardline"] = real.encode(self.session)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_collection(self) -> HookWrapper:
        if not self.is_controller:
            self.record("collection-began")
        yield
        if not self.is_controller:
            self.record("collection-ended")
            self.record_usage()

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> HookWrapper:
        name = collector.nodeid.split("::")[0]
        is_file = isinstance(collector, (pytest.File, pytest.Class)) and not isinstance(collector, pytest.Package)
        if self.session["listsImports"]:
            self.collecting.append(name if is_file else f"{name}/conftest" if name not in ("", ".") else "conftest")
            mark_importer(self.collecting[-1])
        started = real.perf_counter()
        yield
        if is_file:
            self.record("file-collected", file=name, seconds=real.perf_counter() - started)
        if self.session["listsImports"]:
            self.collecting.pop()
            mark_importer(self.collecting[-1] if self.collecting else None)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed and not self.is_controller:
            self.record("not-collected", file=report.nodeid.split("::")[0])

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest) -> HookWrapper:
        self.nested.append(0.0)
        started = real.perf_counter()
        yield
        took = real.perf_counter() - started
        # Fixtures that this one requested by name while it ran are recorded themselves.
        own = max(0.0, took - self.nested.pop())
        if self.nested:
            self.nested[-1] += took
        scope = str(fixturedef.scope)
        key = (str(fixturedef.argname), scope, self.source(fixturedef))
        seconds, count = self.fixtures.get(key, (0.0, 0))
        self.fixtures[key] = (seconds + own, count + 1)
        if scope not in OWN_SCOPES:
            kind = "file" if scope in FILE_SCOPES else "session"
            self.paid[kind] = self.paid.get(kind, 0.0) + own

    def source(self, fixturedef: pytest.FixtureDef[object]) -> str:
        """The file of a fixture of the suite, or the module of any other fixture."""
        code = getattr(fixturedef.func, "__code__", None)
        path = code.co_filename if code is not None else ""
        if path.startswith(self.root + os.sep) and "site-packages" not in path:
            return os.path.relpath(path, self.root).replace(os.sep, "/")
        return str(getattr(fixturedef.func, "__module__", None) or "unknown")

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> HookWrapper:
        self.reports = []
        self.paid = {}
        line = item.location[1]
        nodeid = key_of(item)
        self.record("test-began", nodeid=nodeid)
        yield
        if self.reports:
            self.record(
                "test-ended",
                nodeid=nodeid,
                line=line + 1 if isinstance(line, int) and line >= 0 else None,
                isSerial=item.get_closest_marker(self.session["serialMarker"]) is not None,
                outcome=outcome_of(self.reports),
                fileSeconds=self.paid.get("file", 0.0),
                sessionSeconds=self.paid.get("session", 0.0),
            )
        if real.now() - self.flushed_at >= FLUSH_SECONDS:
            self.record_usage()

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not self.is_controller:
            self.reports.append(report)
        elif report.when not in PHASES:  # xdist's report of a test that crashed its worker
            self.record("crashed", nodeid=report.nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        self.record("finishing")

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        self.record_usage()
        real.close(self.file)


PHASES = ("setup", "call", "teardown")
# pytest counts a failure in any other phase as one of the test, also "???" of pytest-forked.
ERROR_PHASES = ("collect", "setup", "teardown")


def outcome_of(reports: Sequence[pytest.TestReport]) -> str:
    """The outcome of one test in shardline's terms. If a plugin ran the test again, the last run counts."""
    last = max((index + 1 for index, report in enumerate(reports) if str(report.outcome) == "rerun"), default=0)
    reports = reports[last:]
    for report in reports:
        if report.outcome == "failed":
            return "error" if report.when in ERROR_PHASES else "failed"
    for report in reports:
        if report.outcome == "skipped" and report.when != "teardown" and not hasattr(report, "context"):
            return "xfailed" if hasattr(report, "wasxfail") else "skipped"
    return "xpassed" if any(hasattr(report, "wasxfail") for report in reports if report.when == "call") else "passed"


def resident_memory(usage: struct_rusage) -> tuple[int, int]:
    """Peak and current resident memory, in bytes.

    On Linux, getrusage's peak includes what the parent process held; /proc/self/status does not.
    """
    try:
        with real.open("/proc/self/status", encoding="ascii", errors="replace") as file:
            lines = dict(line.split(":", 1) for line in file if line.startswith("Vm"))
        return int(lines["VmHWM"].split()[0]) * 1024, int(lines["VmRSS"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        peak = usage.ru_maxrss * RSS_UNIT
        return peak, peak
