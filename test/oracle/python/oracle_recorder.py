"""A pytest plugin that records what pytest itself counts, as JSON, in the file named by ORACLE_RECORD.

It shares nothing with shardline's plugin, so that the two can be compared. A test is one execution of one collected item: two items
with the same node id are two tests. It runs in plain pytest and in the controller of pytest-xdist.
"""

import json
import os

# A test may be counted twice by pytest: the later of these is its outcome.
RANK = ("skipped", "xpassed", "xfailed", "passed", "error", "failed")


def encodable(text):
    """No encoding can carry a lone surrogate."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


class Recorder:
    def __init__(self, config):
        self.config = config
        self.tests = []
        self.open = {}
        self.collect_errors = set()
        self.deselected = 0
        self.warnings = []

    def pytest_runtest_logreport(self, report):
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

    def pytest_collectreport(self, report):
        if report.failed:
            self.collect_errors.add(encodable(report.nodeid) or ".")
        elif report.skipped:
            self.tests.append({"id": encodable(report.nodeid), "outcome": "skipped", "rerun": False})

    def pytest_deselected(self, items):
        self.deselected += len(items)

    def pytest_warning_recorded(self, warning_message, when, nodeid, location):
        category = warning_message.category.__name__
        self.warnings.append(category + ": " + encodable(str(warning_message.message)))

    def pytest_unconfigure(self):
        record = {
            "tests": [{"id": test["id"], "outcome": test["outcome"]} for test in self.tests],
            "collectErrors": sorted(self.collect_errors),
            "deselected": self.deselected,
            "warnings": sorted(self.warnings),
        }
        with open(os.environ["ORACLE_RECORD"], "w", encoding="utf-8") as out:
            json.dump(record, out)


def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder(config), "oracle-recorder")
