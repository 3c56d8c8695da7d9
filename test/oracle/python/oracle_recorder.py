"""A pytest plugin that writes what pytest counts, as JSON, to the file named by ORACLE_RECORD.

It shares no code with shardline's plugin, so that the two can be compared. A test is one run of one collected item, so two items with one
node id are two tests. It works in plain pytest and in the controller of pytest-xdist.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import warnings
    from collections.abc import Sequence
    from typing import TypedDict

    import pytest

    class Test(TypedDict):
        id: str
        outcome: str | None
        rerun: bool


# pytest may count a test twice. The later of these categories is its outcome.
RANK = ("skipped", "xpassed", "xfailed", "passed", "error", "failed")


def encodable(text: str) -> str:
    """Escapes lone surrogates, which no encoding can carry."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


class Recorder:
    """Counts tests, collection errors, deselected tests and warnings of one session."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.tests: list[Test] = []
        self.open: dict[tuple[str, object], Test] = {}
        self.collect_errors: set[str] = set()
        self.deselected = 0
        self.warnings: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        category = self.config.hook.pytest_report_teststatus(report=report, config=self.config)[0]
        if type(report).__name__ == "SubtestReport":
            if not (report.skipped and hasattr(report, "wasxfail")):
                return
            category = "xfailed"
        key = (report.nodeid, getattr(report, "worker_id", None))
        test = self.open.get(key)
        if test is None or (report.when == "setup" and not test["rerun"]):
            test = self.open[key] = {"id": encodable(report.nodeid), "outcome": None, "rerun": False}
            self.tests.append(test)
        test["rerun"] = category == "rerun"
        if category in RANK and (test["outcome"] is None or RANK.index(category) > RANK.index(test["outcome"])):
            test["outcome"] = category

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.collect_errors.add(encodable(report.nodeid) or ".")
        elif report.skipped:
            self.tests.append({"id": encodable(report.nodeid), "outcome": "skipped", "rerun": False})

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        self.deselected += len(items)

    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage, when: str, nodeid: str, location: object) -> None:
        category = warning_message.category.__name__
        self.warnings.append(category + ": " + encodable(str(warning_message.message)))

    def pytest_unconfigure(self) -> None:
        record = {
            "tests": [{"id": test["id"], "outcome": test["outcome"]} for test in self.tests],
            "collectErrors": sorted(self.collect_errors),
            "deselected": self.deselected,
            "warnings": sorted(self.warnings),
        }
        with open(os.environ["ORACLE_RECORD"], "w", encoding="utf-8") as out:
            json.dump(record, out)


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder(config), "oracle-recorder")
