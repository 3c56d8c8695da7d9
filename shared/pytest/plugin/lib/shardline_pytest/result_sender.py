"""Sends the agent the start of each test, and after it all its phases in one message. The agent derives the outcome."""

from __future__ import annotations

import sys
import warnings
from resource import RUSAGE_CHILDREN, RUSAGE_SELF
from typing import TYPE_CHECKING

import pytest
from _pytest.runner import runtestprotocol

from .channel import cap, clean, now_ms
from .item_keys import key_of
from .longrepr import crash_line, text_of
from .observations import properties_of
from .stdlib import real

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .channel import Channel
    from .hook_types import HookWrapper
    from .messages import Limits, Phase, Section
    from .observations import Observations

CRASH_BYTES = 1000
RSS_UNIT = 1 if sys.platform == "darwin" else 1024


class ResultSender:
    """Collects the reports of the running test."""

    def __init__(self, limits: Limits, channel: Channel, observations: Observations) -> None:
        self.observations = observations
        self.traceback_bytes = limits["tracebackBytes"]
        self.section_bytes = limits["sectionBytes"]
        self.channel = channel
        self.nodeid: str | None = None
        self.reports: list[pytest.TestReport] = []

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> HookWrapper:
        self.nodeid = item.nodeid
        self.reports = []
        nodeid = key_of(item)
        started_at = now_ms()
        self.channel.send("test-started", nodeid=nodeid, at=started_at)
        outcome = yield
        if outcome.excinfo is None:
            self.send_finished(nodeid, started_at)

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        # A plugin may report a failure under another id. It belongs to the running test.
        if report.nodeid == self.nodeid or (report.failed and self.nodeid is not None):
            self.reports.append(report)

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        # KeyboardInterrupt or pytest.exit asks the whole run to end.
        self.channel.send("exit-requested", reason=cap(excinfo.exconly(), self.traceback_bytes))

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        self.channel.close()

    def run_again(self, item: pytest.Item, upcoming: pytest.Item | None) -> list[pytest.TestReport]:
        """Runs the test once more and returns its reports, which neither pytest nor the agent receives."""
        with warnings.catch_warnings():
            return runtestprotocol(item, log=False, nextitem=upcoming)

    def send_finished(self, nodeid: str, started_at: int) -> None:
        reports, self.nodeid, self.reports = self.reports, None, []
        own, awaited = real.getrusage(RUSAGE_SELF), real.getrusage(RUSAGE_CHILDREN)
        line = reports[-1].location[1] if reports else None
        self.channel.send(
            "test-finished",
            nodeid=nodeid,
            at=now_ms(),
            startedAt=started_at,
            line=line + 1 if isinstance(line, int) and line >= 0 else None,
            phases=[self.phase(report) for report in reports],
            sections=self.sections(reports),
            warnings=self.observations.of_test.messages(),
            properties=properties_of(reports),
            rssBytes=own.ru_maxrss * RSS_UNIT,
            cpuSeconds=own.ru_utime + own.ru_stime + awaited.ru_utime + awaited.ru_stime,
        )

    def phase(self, report: pytest.TestReport) -> Phase:
        reason = getattr(report, "wasxfail", None)
        return {
            "when": str(report.when),
            "outcome": str(report.outcome),
            "seconds": float(getattr(report, "duration", 0.0)),
            # unittest's expectedFailure and pytest.xfail() set an empty text
            "xfailReason": None if reason is None else clean(str(reason)),
            # pytest 9 and pytest-subtests: SubtestReport
            "isSubtest": hasattr(report, "context"),
            "message": self.message(report),
            "crash": self.crash(report),
        }

    def message(self, report: pytest.TestReport) -> str | None:
        """The failure or skip reason of a phase, as text."""
        longrepr = report.longrepr
        if report.outcome == "passed" or not longrepr:
            return None
        if isinstance(longrepr, tuple) and len(longrepr) == 3:  # where and why the test was skipped
            return cap(f"{longrepr[0]}:{longrepr[1]}: {longrepr[2]}", self.traceback_bytes)
        try:
            text = text_of(report)
        except Exception as error:  # the suite's own __repr__ may raise
            text = f"{type(longrepr)!r} could not be shown: {error!r}"
        return cap(text, self.traceback_bytes)

    def crash(self, report: pytest.TestReport) -> str | None:
        """The line of pytest's short summary."""
        line = crash_line(report) if report.outcome == "failed" else None
        return None if line is None else cap(line, CRASH_BYTES)

    def sections(self, reports: Sequence[pytest.TestReport]) -> list[Section]:
        """The captured output of a test, unless the test simply passed and no option asks for the output."""
        if not reports or (not self.observations.keeps_output and all(is_plain_pass(report) for report in reports)):
            return []
        # Each report repeats the sections of the phases before it.
        longest = max(reports, key=lambda report: len(report.sections))
        return [{"title": clean(str(title)), "text": cap(str(text), self.section_bytes)} for title, text in longest.sections]


def is_plain_pass(report: pytest.TestReport) -> bool:
    return report.outcome == "passed" and not hasattr(report, "wasxfail")
